"""The registry of names: what is shown of a run, and how it is called."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import msgspec
import yaml

from benchmark.metrics.metric import base_name
from benchmark.metrics.stat import Stat
from benchmark.run_spec import RunSpec

# libyaml's loader takes a tenth of the time; PyYAML may come without it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field of the adapter specification; `values` says what each of its values means."""

    name: str
    description: str
    values: dict[str, str] = {}


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stat, a perturbation or a section: its name in files, and how it is called on pages."""

    name: str
    display_name: str
    description: str = ""


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A group of runs: its stats, the main one first, and the split that they are taken from."""

    name: str
    display_name: str
    section: str
    split: str
    stats: list[str]

    @property
    def metric(self) -> str:
        """The name of the main stat."""
        return self.stats[0]


class StatGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Columns of a page that belong together; no stats stands for those of the page's group."""

    name: str
    display_name: str
    stats: list[str]
    perturbations: list[str]


class TableSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which columns a page has."""

    name: str
    stat_groups: list[str]


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that `presentation/schema.yaml` has."""

    adapter: list[Field]
    metrics: list[Named]
    perturbations: list[Named]
    sections: list[Named]
    groups: list[Group]
    stat_groups: list[StatGroup]
    table_settings: list[TableSetting]


@cache
def load_schema() -> Schema:
    """Return the packaged schema."""
    content = files("benchmark").joinpath("presentation", "schema.yaml").read_bytes()
    return msgspec.convert(yaml.load(content, _LOADER), Schema)  # noqa: S506  # plain data only


@cache
def load_groups() -> dict[str, Group]:
    """Return the packaged groups by name."""
    return {group.name: group for group in load_schema().groups}


def unknown_names(stats: Iterable[Stat]) -> set[str]:
    """Return the names among `stats` that the schema does not know; "@k" is no part of a name."""
    known = _metric_names()
    return {stat.name.name for stat in stats if base_name(stat.name.name) not in known}


@cache
def _metric_names() -> frozenset[str]:
    return frozenset(base_name(metric.name) for metric in load_schema().metrics)


def group_of(run_spec: RunSpec) -> Group | None:
    """Return the most special group that `run_spec` belongs to, if tables know it."""
    known = load_groups()
    return next((known[name] for name in reversed(run_spec.groups) if name in known), None)


def main_stat(run_spec: RunSpec, stats: list[Stat]) -> Stat | None:
    """Return the stat that stands for the run in a table: of the originals, never a perturbation.

    Of a group's stats it is the first that was computed. Where the group's split was not evaluated,
    any other stands in.
    """
    group = group_of(run_spec)
    if group is None:
        return None
    for name in group.stats:
        found = [
            stat
            for stat in stats
            if stat.name.name == name
            and stat.name.k is None
            and stat.name.sub_split is None
            and (stat.name.perturbation is None or stat.name.perturbation.name == "identity")
        ]
        of_split = [stat for stat in found if stat.name.split == group.split]
        if found:
            return (of_split or found)[0]
    return None
