"""Scores of earlier versions of a metric, which stay when a run is scored again.

The newest version has the metric's name, an earlier one that name with its version: `f1_score@v1`,
in `stats.json` as among the values of instances.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from benchmark.metrics.metric import base_name, earlier_name, split_version
from benchmark.metrics.stat import Stat
from benchmark.states_file import StatesFile
from common.errors import StorageError

T = TypeVar("T")

_STATS = "earlier_stats"  # until the run is scored again, and the file of its statistics is there
_VERSIONS = "metric_versions"  # of the values that are there, by base name; 1 where not listed

_STATS_DECODER = msgspec.json.Decoder(list[Stat])
_VERSIONS_DECODER = msgspec.json.Decoder(dict[str, int])


def keep_stats(states: StatesFile, stats: Sequence[Stat]) -> None:
    """Note the statistics of a run that is about to be scored again, before their file goes."""
    earlier = [_renamed(stat) for stat in stats]
    states.set_meta(_STATS, msgspec.json.encode(earlier).decode())


def with_earlier_stats(states: StatesFile, stats: Sequence[Stat]) -> list[Stat]:
    """Return new statistics, and those noted of versions that are not among them.

    Raises:
        StorageError: What was noted can't be read.
    """
    new = {(stat.name.name, stat.version) for stat in stats}
    earlier = _noted(states, _STATS, "[]", _STATS_DECODER)
    return [*stats, *(stat for stat in earlier if (_present_name(stat), stat.version) not in new)]


def set_values_aside(states: StatesFile, versions: Mapping[str, int]) -> None:
    """Make room for new values of these versions: those that are there become earlier ones."""
    before = versions_of_values(states)
    names = [name for name in states.value_names() if split_version(name)[1] is None]
    if names:
        version_of = {name: before.get(base_name(name), 1) for name in names}
        states.rename_values({name: earlier_name(name, version_of[name]) for name in names})
    states.set_meta(_VERSIONS, msgspec.json.encode(dict(versions)).decode())


def drop_replaced_values(states: StatesFile) -> None:
    """Forget earlier values that new ones of the same version have replaced."""
    versions, names = versions_of_values(states), states.value_names()
    current = {earlier_name(name, versions.get(base_name(name), 1)) for name in names}
    states.drop_values(current.intersection(names))


def versions_of_values(states: StatesFile) -> dict[str, int]:
    """Return the versions of a run's values by base name; those of version 1 may be missing.

    Raises:
        StorageError: They can't be read.
    """
    return _noted(states, _VERSIONS, "{}", _VERSIONS_DECODER)


def _noted(states: StatesFile, key: str, default: str, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        return decoder.decode(states.get_meta(key) or default)
    except msgspec.MsgspecError as error:
        raise StorageError(
            f"{states.path} is damaged ({key}: {error}): move the run's folder aside"
        ) from error


def _renamed(stat: Stat) -> Stat:
    if split_version(stat.name.name)[1] is not None:
        return stat
    name = replace(stat.name, name=earlier_name(stat.name.name, stat.version))
    return replace(stat, name=name)


def _present_name(stat: Stat) -> str:
    return split_version(stat.name.name)[0]
