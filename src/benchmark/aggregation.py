"""Values of single instances → the statistics of a run."""

import math
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from operator import add

import msgspec
from msgspec.structs import replace

from benchmark.metrics.basic_metrics import BasicMetric
from benchmark.metrics.metric import base_name
from benchmark.metrics.stat import MetricName, Stat
from benchmark.metrics.statistics import (
    MAX_JACKKNIFE_GROUPS,
    Estimate,
    cluster_mean,
    corpus_numbers,
    independent_mean,
    jackknife,
)
from benchmark.scenarios.scenario import Instance
from benchmark.worst_case import Key, worst_cases

_CORPUS_INPUTS = ("logprob", "num_perplexity_tokens", "num_bytes")


class _Rows:
    """The instance and the trial that values belong to, which all series share by number."""

    __slots__ = ("clusters", "trials")

    def __init__(self) -> None:
        self.clusters = array("l")
        self.trials = array("l")

    def add(self, cluster: int, trial: int) -> int:
        """Return the number of a new row."""
        self.clusters.append(cluster)
        self.trials.append(trial)
        return len(self.clusters) - 1


class _Series:
    """All values of one metric, with the row that each belongs to."""

    __slots__ = ("_table", "name", "rows", "values")

    def __init__(self, name: MetricName, table: _Rows) -> None:
        self.name = name
        self._table = table
        self.rows = array("l")
        self.values = array("d")

    def clusters(self) -> list[int]:
        """The instance of each value."""
        return list(map(self._table.clusters.__getitem__, self.rows))

    def trials(self) -> list[int]:
        """The trial of each value."""
        return list(map(self._table.trials.__getitem__, self.rows))

    def items(self) -> Iterator[tuple[Key, float]]:
        """Yield every value with its instance's cluster and its trial."""
        keys = zip(self.clusters(), self.trials(), strict=True)
        return zip(keys, self.values, strict=True)


_Known = tuple[MetricName, Callable[[int], None], Callable[[float], None]]


class Aggregator:
    """Collects values and sums them up.

    A stat's mean is the mean over trials of the mean over instances, as in the reference system:
    its count is the number of trials, its spread that over trials. Its `n`, standard error and
    interval are over instances, clustered by id, so trials and versions of one instance do not
    count as independent. Where instances have perturbed versions, their worst cases are added.

    Args:
        higher_is_better: By the base name of a stat; without one it has no worst case.
        proportions: Base names of stats whose values are shares of 1.
    """

    def __init__(
        self,
        higher_is_better: Mapping[str, bool] = BasicMetric.higher_is_better,
        proportions: Collection[str] = BasicMetric.proportions,
    ) -> None:
        self._higher_is_better = higher_is_better
        self._proportions = frozenset(proportions)
        self._series: dict[MetricName, _Series] = {}
        self._clusters: dict[str | None, int] = {}
        # By split, perturbation (as JSON) and base name: how many values each trial lacks.
        self._missing: dict[tuple[str | None, bytes | None, str], Counter[int]] = {}
        # A run has millions of stats with few names: metrics give the same name object again and
        # again, and hashing a name costs more than all else here.
        self._known: dict[tuple[str | None, bytes | None], dict[int, _Known]] = {}
        self._rows = _Rows()

    def add(self, instance: Instance, trial: int, stats: Iterable[Stat]) -> None:
        """Add the stats of one instance in one trial; the instance's split goes into their names,
        and so does its perturbation: versions are never mixed in one number."""
        cluster = self._clusters.setdefault(instance.id, len(self._clusters))
        known = self._known.setdefault(_context_of(instance), {})
        row = self._rows.add(cluster, trial)
        for stat in stats:
            name, mean = stat.name, stat.mean
            if mean is None:
                continue
            entry = known.get(id(name))
            if entry is None or entry[0] is not name:
                series = self._series_of(instance, name)
                entry = known[id(name)] = name, series.rows.append, series.values.append
            _, append_row, append_value = entry
            append_row(row)
            append_value(mean)

    def note_missing(self, instance: Instance, trial: int, names: Iterable[str]) -> None:
        """Note that these stats have no value of an instance, though it was asked about.

        Args:
            names: Base names of stats whose values are shares of 1.
        """
        context = _context_of(instance)
        for name in names:
            self._missing.setdefault((*context, name), Counter())[trial] += 1

    def _series_of(self, instance: Instance, name: MetricName) -> _Series:
        full_name = replace(name, split=instance.split, perturbation=instance.perturbation)
        if full_name not in self._series:
            self._series[full_name] = _Series(full_name, self._rows)
        return self._series[full_name]

    def stats(self) -> list[Stat]:
        """Return all statistics, sorted by name."""
        stats = [self._bounded(self._stat(series), series) for series in self._series.values()]
        stats += self._worst_cases()
        stats += self._corpus_stats()
        stats += self._num_instances()
        return sorted(stats, key=lambda stat: stat.name.key)

    def _stat(self, series: _Series) -> Stat:
        return _stat(series, is_proportion=base_name(series.name.name) in self._proportions)

    def _bounded(self, stat: Stat, series: _Series) -> Stat:
        """Add the bounds to a share that is right or wrong, if it lacks values."""
        name = base_name(series.name.name)
        missing = self._missing.get((*_context_of(series.name), name))
        if missing and name in self._proportions and self._direction_of(name) is not None:
            stat.bounds = _bounds(series, missing)
        return stat

    def _worst_cases(self) -> Iterator[Stat]:
        for name, values in worst_cases(self._series.values(), self._direction_of):
            series = _Series(name, self._rows)
            for (cluster, trial), value in values.items():
                series.rows.append(self._rows.add(cluster, trial))
                series.values.append(value)
            yield self._stat(series)

    def _direction_of(self, name: str) -> bool | None:
        return self._higher_is_better.get(base_name(name))

    def _num_instances(self) -> list[Stat]:
        ids: dict[tuple[str | None, str], tuple[MetricName, set[int]]] = {}
        for name, series in self._series.items():
            own = MetricName("num_instances", split=name.split, perturbation=name.perturbation)
            ids.setdefault((name.split, own.key), (own, set()))[1].update(series.clusters())
        return [Stat(name=name).add(len(clusters)) for name, clusters in ids.values()]

    def _corpus_stats(self) -> list[Stat]:
        groups: dict[str, tuple[MetricName, dict[str, _Series]]] = {}
        for name, series in self._series.items():
            if name.name in _CORPUS_INPUTS and name.k is None and name.sub_split is None:
                base = replace(name, name="")
                groups.setdefault(base.key, (base, {}))[1][name.name] = series
        stats = []
        for base, inputs in groups.values():
            if len(inputs) == len(_CORPUS_INPUTS):
                stats += _corpus(base, [inputs[name] for name in _CORPUS_INPUTS])
        return stats


def outcome_stats(num_requests: int, outcomes: dict[str, int], num_unscored: int) -> list[Stat]:
    """Counts of requests by how they ended: beside every score, what it does not cover.

    `num_unscored` counts answers that a metric could not make sense of.
    """
    counts = {
        "num_requests": num_requests,
        "num_scored": outcomes.get("ok", 0) + outcomes.get("truncated", 0),
        "num_truncated": outcomes.get("truncated", 0),
        "num_refused": outcomes.get("refused", 0),
        "num_errors": outcomes.get("error", 0),
        "num_unscored": num_unscored,
    }
    return [Stat(name=MetricName(name)).add(count) for name, count in counts.items()]


def set_uncertainty(stat: Stat, estimate: Estimate) -> None:
    """Write over how many instances a stat is, and how sure it is."""
    stat.n = estimate.n
    stat.standard_error = estimate.standard_error
    stat.interval = estimate.interval


def _stat(series: _Series, *, is_proportion: bool) -> Stat:
    stat, clusters, trials = Stat(name=series.name), series.clusters(), series.trials()
    if len(set(trials)) == 1 and len(set(clusters)) == len(clusters):  # as nearly always
        estimate = independent_mean(series.values, is_proportion=is_proportion)
        set_uncertainty(stat.add(estimate.mean), estimate)
        return stat
    by_trial, by_cluster = _grouped(trials, series.values), _grouped(clusters, series.values)
    # Exact sums: their order is of no account.
    for trial in sorted(by_trial):
        stat.add(math.fsum(by_trial[trial]) / len(by_trial[trial]))
    counts = {trial: len(values) for trial, values in by_trial.items()}
    if len(set(counts.values())) > 1:
        by_cluster = _weighted(series, counts, stat)
    set_uncertainty(stat, cluster_mean(by_cluster, is_proportion=is_proportion))
    return stat


def _grouped(keys: Iterable[int], values: Iterable[float]) -> dict[int, list[float]]:
    groups: dict[int, list[float]] = {}
    for key, value in zip(keys, values, strict=True):
        own = groups.get(key)
        if own is None:
            groups[key] = [value]
        else:
            own.append(value)
    return groups


def _context_of(what: Instance | MetricName) -> tuple[str | None, bytes | None]:
    version = what.perturbation
    return what.split, None if version is None else msgspec.json.encode(version)


def _bounds(series: _Series, missing: Mapping[int, int]) -> tuple[float, float]:
    """The mean over trials if each missing value were 0, and if it were 1."""
    by_trial = _grouped(series.trials(), series.values)
    trials = sorted(by_trial.keys() | missing.keys())
    counts = {trial: len(by_trial.get(trial, ())) + missing.get(trial, 0) for trial in trials}
    shares = (math.fsum(by_trial.get(trial, ())) / counts[trial] for trial in trials)
    low = math.fsum(shares) / len(trials)
    gaps = (missing.get(trial, 0) / counts[trial] for trial in trials)
    return low, low + math.fsum(gaps) / len(trials)


def _weighted(series: _Series, counts: dict[int, int], stat: Stat) -> dict[int, list[float]]:
    """Values by cluster, stretched about the mean so that each trial weighs the same.

    Their plain mean is the mean over trials, and their standard error that of it.
    """
    assert stat.mean is not None
    num_values, mean = len(series.values), stat.mean
    by_cluster: dict[int, list[float]] = {}
    for (cluster, trial), value in series.items():
        weight = num_values / (len(counts) * counts[trial])
        by_cluster.setdefault(cluster, []).append(mean + weight * (value - mean))
    return by_cluster


_Sums = dict[int, list[float]]  # by trial: one of each input


def _corpus(base: MetricName, inputs: list[_Series]) -> list[Stat]:
    """Corpus numbers from the series of `_CORPUS_INPUTS`, with intervals over instances."""
    by_cluster: dict[int, _Sums] = {}
    for index, series in enumerate(inputs):
        for (cluster, trial), value in series.items():
            sums = by_cluster.setdefault(cluster, {}).setdefault(trial, [0.0] * len(inputs))
            sums[index] += value
    parts = [by_cluster[cluster] for cluster in sorted(by_cluster)]
    # Sums add up, so the groups that the jackknife would make can be summed up first.
    num_groups = min(len(parts), MAX_JACKKNIFE_GROUPS)
    groups = [_total(parts[group::num_groups]) for group in range(num_groups)]
    estimates = jackknife(groups, _mean_corpus_numbers)
    stats = []
    for name, values in _corpus_values(groups).items():
        stat = Stat(name=replace(base, name=name))
        for value in values:
            stat.add(value)
        set_uncertainty(stat, replace(estimates[name], n=len(parts)))
        stats.append(stat)
    return stats


def _mean_corpus_numbers(parts: list[_Sums]) -> dict[str, float]:
    values_by_name = _corpus_values(parts)
    return {name: sum(values) / len(values) for name, values in values_by_name.items()}


def _corpus_values(parts: list[_Sums]) -> dict[str, list[float]]:
    """Each number in every trial where it is defined."""
    totals, numbers = _total(parts), dict[str, list[float]]()
    for trial in sorted(totals):
        logprob, num_tokens, num_bytes = totals[trial]
        for name, value in corpus_numbers(logprob, num_tokens, num_bytes).items():
            numbers.setdefault(name, []).append(value)
    return numbers


def _total(parts: list[_Sums]) -> _Sums:
    totals: _Sums = {}
    for part in parts:
        for trial, values in part.items():
            old = totals.get(trial)
            totals[trial] = values if old is None else list(map(add, old, values))
    return totals
