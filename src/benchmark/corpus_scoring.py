"""Scores of many instances at once: what was extracted of each is kept, and combined at the end."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from benchmark.adapters.adapter_spec import AdapterSpec
from benchmark.adapters.request_state import RequestState
from benchmark.aggregation import set_uncertainty
from benchmark.metrics.metric import CorpusMetric, GroupMetric, base_name
from benchmark.metrics.stat import Stat
from benchmark.metrics.statistics import jackknife
from benchmark.scenarios.scenario import Instance

# First place, trial, first instance, its stats; None where a request of the group failed.
GroupScore = tuple[int, int, Instance, list[Stat] | None]

_NameKey = str  # MetricName.key
_PartsByTrial = dict[int, list[Any]]


@dataclass
class _Version:
    """The parts of one split and perturbation, by instance id and trial."""

    instance: Instance  # any of them: of its split and perturbation
    parts: dict[str | None, _PartsByTrial] = field(default_factory=dict)


@dataclass
class _Group:
    place: int
    trial: int
    instance: Instance
    parts: list[Any] = field(default_factory=list)
    is_complete: bool = True


class CorpusScorer:
    """Collects the parts of one `CorpusMetric` and makes statistics of them.

    A stat is the mean over trials; its interval is over instances, by the jackknife.
    """

    def __init__(self, metric: CorpusMetric[Any]) -> None:
        self.metric = metric
        self._versions: dict[tuple[str | None, bytes], _Version] = {}

    def add(
        self, adapter_spec: AdapterSpec, place: int, trial: int, states: list[RequestState]
    ) -> None:
        """Take the states of all requests of one instance in one trial, none of which failed."""
        part = self.metric.extract(adapter_spec, states)
        if part is None:
            return
        instance = states[0].instance
        version = self._versions.setdefault(_version_key(instance), _Version(instance))
        version.parts.setdefault(instance.id, {}).setdefault(trial, []).append(part)

    def stats(self) -> Iterator[Stat]:
        """Yield the statistics of each split and perturbation."""
        for version in self._versions.values():
            clusters = list(version.parts.values())
            stats = self._values(clusters)
            proportions = {
                key
                for key, stat in stats.items()
                if base_name(stat.name.name) in self.metric.proportions
            }
            estimates = jackknife(clusters, self._means, proportions)
            for key, stat in stats.items():
                stat.name = msgspec.structs.replace(
                    stat.name,
                    split=version.instance.split,
                    perturbation=version.instance.perturbation,
                )
                set_uncertainty(stat, estimates[key])
                yield stat

    def _means(self, clusters: list[_PartsByTrial]) -> dict[_NameKey, float]:
        stats = self._values(clusters)
        return {key: stat.mean for key, stat in stats.items() if stat.mean is not None}

    def _values(self, clusters: list[_PartsByTrial]) -> dict[_NameKey, Stat]:
        """Each stat, with one value a trial."""
        by_trial: _PartsByTrial = {}
        for parts_by_trial in clusters:
            for trial, parts in parts_by_trial.items():
                by_trial.setdefault(trial, []).extend(parts)
        stats: dict[_NameKey, Stat] = {}
        for trial in sorted(by_trial):
            for stat in self.metric.combine(by_trial[trial]):
                if stat.mean is not None:
                    stats.setdefault(stat.name.key, Stat(name=stat.name)).add(stat.mean)
        return stats


class GroupScorer:
    """Collects the parts of one `GroupMetric`, group by group."""

    def __init__(self, metric: GroupMetric[Any]) -> None:
        self.metric = metric
        self._groups: dict[tuple[object, ...], _Group] = {}

    def add(
        self, adapter_spec: AdapterSpec, place: int, trial: int, states: list[RequestState]
    ) -> None:
        """Take the states of all requests of one instance in one trial, none of which failed."""
        part = self.metric.extract(adapter_spec, states)
        group = self._group_of(place, trial, states[0].instance)
        if group is not None and part is not None:
            group.parts.append(part)

    def note_missing(self, place: int, trial: int, instance: Instance) -> None:
        """A request about the instance failed: its group is not scored."""
        group = self._group_of(place, trial, instance)
        if group is not None:
            group.is_complete = False

    def scores(self) -> Iterator[GroupScore]:
        """Yield the stats of every group, as those of its first instance."""
        for group in self._groups.values():
            if not group.is_complete:
                yield group.place, group.trial, group.instance, None
            elif group.parts:
                stats = self.metric.combine(group.parts)
                yield group.place, group.trial, group.instance, stats

    def _group_of(self, place: int, trial: int, instance: Instance) -> _Group | None:
        name = self.metric.group_of(instance)
        if name is None:
            return None
        key = (trial, *_version_key(instance), name)
        return self._groups.setdefault(key, _Group(place, trial, instance))


def _version_key(instance: Instance) -> tuple[str | None, bytes]:
    return instance.split, msgspec.json.encode(instance.perturbation, order="deterministic")
