"""Why two runs differ: all that decides a run's results, and differs between them."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args

import msgspec

from benchmark.comparison.compared_run import ComparedRun
from benchmark.metrics.stat import Stat
from benchmark.provenance import Provenance
from benchmark.state_key import StateKey

MISSING = "(not there)"


About = Literal["data", "prompts", "parameters", "model", "metrics", "code", "packages", "run"]
_ORDER: tuple[About, ...] = get_args(About)

# Beginnings of names of fields; the first that fits decides.
_ABOUT: dict[str, About] = {
    **dict.fromkeys(
        (
            *("data_sha256", "data_files", "scenario_spec", "data_augmenter_spec"),
            *("adapter_spec.max_eval_instances", "adapter_spec.num_train_trials"),
        ),
        "data",
    ),
    **dict.fromkeys(
        ("adapter_spec.model", "adapter_spec.deployment", "deployment", "served_models"), "model"
    ),
    **dict.fromkeys(
        (
            *("adapter_spec.temperature", "adapter_spec.max_tokens", "adapter_spec.num_outputs"),
            *("adapter_spec.stop_sequences", "adapter_spec.random", "parameters"),
        ),
        "parameters",
    ),
    **dict.fromkeys(("metric_specs", "metric version", "code.metrics"), "metrics"),
    **dict.fromkeys(("adapter_spec", "prompts", "requests"), "prompts"),
    "code": "code",
    "packages": "packages",
}


class Reason(msgspec.Struct, frozen=True):
    """Something that decides results, with its two values.

    `field` is one of `run_spec.json`, or says what was counted; `about` is the kind of thing.
    """

    field: str
    value_a: Any
    value_b: Any
    about: About


def reasons(a: ComparedRun, b: ComparedRun) -> list[Reason]:
    """Return all that decides results and differs: fields of the records, prompts, metrics."""
    record_a, record_b = msgspec.to_builtins(a.record), msgspec.to_builtins(b.record)
    found = [
        *_differences("", record_a, record_b),
        *_prompts(dict(a.prompts()), dict(b.prompts())),
        *_provenance(a.folder.read_provenance(), b.folder.read_provenance()),
        *_metric_versions(a.stats, b.stats),
    ]
    return sorted(found, key=lambda reason: _ORDER.index(reason.about))


def _reason(field: str, value_a: Any, value_b: Any) -> Reason:
    fitting = (about for start, about in _ABOUT.items() if field.startswith(start))
    return Reason(field, value_a, value_b, next(fitting, "run"))


def _prompts(of_a: dict[StateKey, str], of_b: dict[StateKey, str]) -> Iterator[Reason]:
    shared = of_a.keys() & of_b.keys()
    num_other = sum(of_a[key] != of_b[key] for key in shared)
    if num_other:
        text = f"{num_other:,} of {len(shared):,} prompts are others"
        example = next(key for key in of_a if key in shared and of_a[key] != of_b[key])
        yield _reason("prompts", text, f"such as that of {example[1]}, trial {example[0]}")
    if of_a.keys() != of_b.keys():
        numbers = f"{len(of_a.keys() - shared):,}", f"{len(of_b.keys() - shared):,}"
        yield _reason("requests that the other has not", *numbers)


def _provenance(a: Provenance | None, b: Provenance | None) -> Iterator[Reason]:
    if a is None or b is None:
        if a is not b:
            known = "recorded", "not recorded, by an earlier version"
            yield _reason("code", *(known[one is None] for one in (a, b)))
        return
    fields_a, fields_b = msgspec.to_builtins(a), msgspec.to_builtins(b)
    for name in ("data_files", "served_models", "code", "packages"):
        yield from _differences(name, fields_a[name] or {}, fields_b[name] or {})


def _metric_versions(stats_a: Iterable[Stat], stats_b: Iterable[Stat]) -> Iterator[Reason]:
    of_a, of_b = ({stat.name.name: stat.version for stat in stats} for stats in (stats_a, stats_b))
    for name in sorted(of_a.keys() & of_b.keys()):
        if of_a[name] != of_b[name]:
            yield _reason(f"metric version of {name}", of_a[name], of_b[name])


def _differences(field: str, a: Any, b: Any) -> Iterator[Reason]:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in a | b:
            name = f"{field}.{key}".removeprefix(".").removeprefix("run_spec.")
            yield from _differences(name, a.get(key, MISSING), b.get(key, MISSING))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for place, (one, other) in enumerate(zip(a, b, strict=True)):
            yield from _differences(f"{field}[{place}]", one, other)
    elif a != b:
        yield _reason(field, a, b)
