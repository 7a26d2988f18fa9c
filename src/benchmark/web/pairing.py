"""Differences of two runs over the same instances, from the values of single instances."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from benchmark.metrics.stat import Stat
from benchmark.metrics.statistics import CONFIDENCE, cluster_mean, t_quantile
from benchmark.web.run_files import KnownRun, version_of
from benchmark.web.states_view import StatesView
from common.errors import BenchError

_MAX_PAIRS = 2**16
_MAX_RUNS = 256

Interval = tuple[float, float]


def paired_difference(a: KnownRun, b: KnownRun, stat_a: Stat, stat_b: Stat) -> Interval | None:
    """Return the 95 % interval of the mean of B - A over the instances that both have.

    Where they differ whatever the pairs are, it is the widest interval that there can be, and no
    single values are read.

    None where the runs asked about other instances, or single instances have no such values: a
    number of a whole corpus, the worst case over perturbations.
    """
    if stat_a.name != stat_b.name or stat_a.name.perturbation is not None:
        has_worst_case = stat_a.name.perturbation and stat_a.name.perturbation.name != "identity"
        if has_worst_case or stat_a.name.split != stat_b.name.split:
            return None
    if not _have_same_instances(a, b):
        return None
    widest = _widest_interval(stat_a, stat_b)
    if widest is not None and not widest[0] <= 0 <= widest[1]:
        return widest
    originals = _Originals(a, stat_a.name.split)
    return _difference(_Values.of(a, stat_a), _Values.of(b, stat_b), originals)


def _widest_interval(stat_a: Stat, stat_b: Stat) -> Interval | None:
    """The interval of B - A were the two at odds in every instance.

    The standard error of a difference is at most the sum of both (Minkowski's inequality).
    """
    if stat_a.mean is None or stat_b.mean is None or stat_a.n is None or stat_a.n != stat_b.n:
        return None
    if stat_a.standard_error is None or stat_b.standard_error is None or stat_a.n < 2:
        return None
    difference = stat_b.mean - stat_a.mean
    quantile = t_quantile(1 - (1 - CONFIDENCE) / 2, stat_a.n - 1)
    margin = quantile * (stat_a.standard_error + stat_b.standard_error)
    return difference - margin, difference + margin


def _have_same_instances(a: KnownRun, b: KnownRun) -> bool:
    """Whether a place stands for the same instance in both runs."""
    return _instances_of(a) == _instances_of(b)


def _instances_of(run: KnownRun) -> tuple[str, int | None]:
    return run.record.data_sha256, run.record.run_spec.adapter_spec.max_eval_instances


class _Values(NamedTuple):
    """Names the values of a metric in one run; its files are read when they are wanted."""

    path: str
    version: int
    metric: str

    @classmethod
    def of(cls, run: KnownRun, stat: Stat) -> "_Values":
        path = run.folder.states_path
        return cls(str(path), version_of(path, run.folder.stats_path), stat.name.name)


class _Originals:
    """The places of a split's instances that are as they were: the same in all runs on that data.

    Told from others of its kind by the data, so that they are read once for a column.
    """

    def __init__(self, run: KnownRun, split: str | None) -> None:
        self.path, self.split = run.folder.states_path, split
        self._key = (*_instances_of(run), split)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Originals) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


@lru_cache(maxsize=_MAX_PAIRS)
def _difference(of_a: _Values, of_b: _Values, originals: _Originals) -> Interval | None:
    values_a, values_b = _read_values(of_a), _read_values(of_b)
    both = values_a.keys() & values_b.keys() & _read_originals(originals)
    if not both:
        return None
    return cluster_mean({place: [values_b[place] - values_a[place]] for place in both}).interval


@lru_cache(maxsize=_MAX_RUNS)
def _read_originals(originals: _Originals) -> frozenset[int]:
    try:
        with StatesView(originals.path) as states:
            return states.originals(originals.split)
    except BenchError:
        return frozenset()


@lru_cache(maxsize=_MAX_RUNS)
def _read_values(values: _Values) -> dict[int, float]:
    try:
        with StatesView(Path(values.path)) as states:
            number = states.metric_id(values.metric)
            return states.values(number) if number is not None else {}
    except BenchError:
        return {}
