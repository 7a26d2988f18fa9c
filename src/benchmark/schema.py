"""The registry of groups: what is shown of a run."""

from functools import cache
from importlib.resources import files

import msgspec
import yaml

from benchmark.metrics.stat import Stat
from benchmark.run_spec import RunSpec


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A group of runs with its main metric, and the split that the metric is taken from."""

    name: str
    display_name: str
    metric: str
    split: str


class _Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    groups: list[Group]


@cache
def load_groups() -> dict[str, Group]:
    """Return the packaged groups by name."""
    text = files("benchmark").joinpath("schema.yaml").read_text(encoding="utf-8")
    return {group.name: group for group in msgspec.convert(yaml.safe_load(text), _Schema).groups}


def group_of(run_spec: RunSpec) -> Group | None:
    """Return the most special group that `run_spec` belongs to, if tables know it."""
    known = load_groups()
    return next((known[name] for name in reversed(run_spec.groups) if name in known), None)


def main_stat(run_spec: RunSpec, stats: list[Stat]) -> Stat | None:
    """Return the stat that stands for the run in a table: of the originals, never a perturbation.

    Where the group's split was not evaluated, any other stands in.
    """
    group = group_of(run_spec)
    if group is None:
        return None
    found = [
        stat
        for stat in stats
        if stat.name.name == group.metric
        and stat.name.k is None
        and stat.name.sub_split is None
        and (stat.name.perturbation is None or stat.name.perturbation.name == "identity")
    ]
    return next((stat for stat in found if stat.name.split == group.split), None) or next(
        iter(found), None
    )
