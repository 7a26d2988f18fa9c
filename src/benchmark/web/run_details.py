"""One run in full: its specification, statistics and files, and lists of its samples."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from benchmark.adapters.adapter_spec import GENERATION, MULTIPLE_CHOICE_JOINT
from benchmark.metric_traits import traits_of
from benchmark.metrics.metric import base_name
from benchmark.metrics.stat import Stat
from benchmark.run_folder import RunFolder
from benchmark.run_results import read_stats
from benchmark.scenarios.scenario import PerturbationDescription
from benchmark.schema import load_schema
from benchmark.web.run_files import (
    RUNNING,
    RunHead,
    known_run,
    read_head,
    score_of,
    version_of,
)
from benchmark.web.sample import Asked, SampleRow
from benchmark.web.states_view import StatesView
from common.errors import BenchError, NotFoundError

FILES = ("run_spec.json", "scenario.json", "stats.json", "timings.json", "states.sqlite")

# A request is a sample of its own.
_SINGLE_METHODS = (GENERATION, MULTIPLE_CHOICE_JOINT)
_MAX_LISTS = 64


class FileInfo(msgspec.Struct, frozen=True):
    """A file that can be fetched; `size` in bytes."""

    name: str
    size: int


class ShownName(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was measured; there are many, so what is null is left out."""

    name: str
    split: str
    k: int | None = None
    sub_split: str | None = None
    perturbation: PerturbationDescription | None = None


class ShownStat(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of a statistic, what is shown; its file has the rest."""

    name: ShownName
    mean: float
    interval: tuple[float, float] | None = None
    n: int | None = None
    bounds: tuple[float, float] | None = None


class RunDetails(msgspec.Struct, frozen=True, kw_only=True):
    """All that a run's page shows beside its samples.

    `names` are display names of statistics and perturbations, `proportions` names of statistics
    that are shares of 1, `higher_is_better` tells of some which way is good. `usage` counts tokens
    of a finished run; those from the cache apart.
    """

    head: RunHead
    spec: dict[str, Any]
    stats: list[ShownStat]
    timings: dict[str, Any]
    usage: dict[str, int]
    files: list[FileInfo]
    names: dict[str, str]
    proportions: list[str]
    higher_is_better: dict[str, bool]


class SamplesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Some samples of a run. `total` fit what was asked, `num_all` there are.

    `metric` is the one whose values they carry, if there is one.
    """

    total: int
    num_all: int
    offset: int
    metric: str | None
    is_proportion: bool
    splits: list[str]
    perturbations: list[str]
    rows: list[SampleRow]


def read_details(folder: RunFolder) -> RunDetails:
    """Return what is known of a run.

    Raises:
        BenchError: Its specification can't be read.
    """
    run = known_run(folder)
    head = read_head(folder)
    traits = traits_of(run.record.run_spec)
    schema = load_schema()
    usage = {}
    if run.is_finished and head.status != RUNNING and folder.states_path.exists():
        usage = _usage(str(folder.states_path), version_of(folder.states_path, folder.stats_path))
    stats = read_stats(folder) if run.is_finished else []
    stat_names = sorted({stat.name.name for stat in stats})
    directions = {name: traits.direction_of(name) for name in stat_names}
    return RunDetails(
        head=head,
        spec=_read_json(folder.path / "run_spec.json"),
        stats=list(_shown(stats)),
        timings=_read_json(folder.path / "timings.json"),
        usage=usage,
        files=[
            FileInfo(name, path.stat().st_size)
            for name in FILES
            if (path := folder.path / name).is_file()
        ],
        names={one.name: one.display_name for one in (*schema.metrics, *schema.perturbations)},
        proportions=[name for name in stat_names if base_name(name) in traits.proportions],
        higher_is_better={name: way for name, way in directions.items() if way is not None},
    )


def _shown(stats: Iterable[Stat]) -> Iterator[ShownStat]:
    for stat in stats:
        own = stat.name
        if own.split is not None and stat.mean is not None:
            name = ShownName(own.name, own.split, own.k, own.sub_split, own.perturbation)
            yield ShownStat(name, stat.mean, stat.interval, stat.n, stat.bounds)


def read_samples(folder: RunFolder, asked: Asked, offset: int, limit: int) -> SamplesAnswer:
    """Return `limit` samples of those that were asked for, from the one at `offset`.

    Raises:
        BenchError: They can't be read.
    """
    if not folder.states_path.exists():
        raise NotFoundError("this run has no answers yet")
    run = known_run(folder)
    score = score_of(run)
    with StatesView(folder.states_path) as states:
        metric = score.metric if score else None
        number = states.metric_id(metric)
        is_single = run.record.run_spec.adapter_spec.method in _SINGLE_METHODS
        end = states.end()
        if asked == Asked() and is_single:
            # The place is the key: nothing before it needs to be read. What is not answered yet is
            # a gap.
            num_all = total = end
            places = list(range(min(offset, end), min(offset + limit, end)))
        else:
            found = _places(folder, asked, number, end)
            total = len(found)
            num_all = end if is_single else len(_places(folder, Asked(), number, end))
            places = list(found[offset : offset + limit])
        rows = states.rows(places, number)
    names = [stat.name for stat in run.stats if stat.name.split is not None]
    return SamplesAnswer(
        total=total,
        num_all=num_all,
        offset=offset,
        metric=metric if number is not None else None,
        is_proportion=bool(score and score.is_proportion),
        splits=sorted({str(name.split) for name in names}),
        perturbations=sorted(
            {
                name.perturbation.name
                for name in names
                if name.perturbation and not name.perturbation.name.startswith("worst_")
            }
        ),
        rows=rows,
    )


def _places(folder: RunFolder, asked: Asked, metric: int | None, end: int) -> tuple[int, ...]:
    wal = folder.states_path.with_name("states.sqlite-wal")
    version = hash((end, version_of(folder.states_path, wal)))
    return _find_places(str(folder.states_path), version, asked, metric)


@lru_cache(maxsize=_MAX_LISTS)
def _find_places(path: str, version: int, asked: Asked, metric: int | None) -> tuple[int, ...]:
    del version  # is part of what is remembered
    with StatesView(Path(path)) as states:
        return tuple(states.places(asked, metric))


@lru_cache(maxsize=256)
def _usage(path: str, version: int) -> dict[str, int]:
    del version  # is part of what is remembered
    try:
        with StatesView(Path(path)) as states:
            return states.usage()
    except BenchError:
        return {}


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = msgspec.json.decode(path.read_bytes())
        return content
    except (OSError, msgspec.MsgspecError):
        return {}
