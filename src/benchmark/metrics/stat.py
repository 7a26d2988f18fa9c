"""A statistic: the values of one metric, summed up."""

import math

import msgspec

from benchmark.scenarios.scenario import PerturbationDescription


class MetricName(msgspec.Struct, frozen=True, omit_defaults=False, gc=False):
    """What was measured; all five fields decide identity. `k`: best of the first k completions."""

    name: str
    k: int | None = None
    split: str | None = None
    sub_split: str | None = None
    perturbation: PerturbationDescription | None = None

    @property
    def key(self) -> str:
        """One text per name: to sort by, and to compare with (the perturbation holds a dict)."""
        return msgspec.json.encode(self, order="deterministic").decode()

    def __hash__(self) -> int:
        return hash((self.name, self.k, self.split, self.sub_split, self.perturbation is None))


# Holds no cycle, and there are a hundred of it in a run: looking for some would take most of the
# time in which a suite is read.
class Stat(msgspec.Struct, gc=False):
    """Sums of the values added so far; mean and spread follow. Variance is the population's.

    `n`, `standard_error` and `interval` are set by aggregation (see statistics.py): `n` counts
    distinct instances, the interval covers 95 %. `bounds` is what a share of right instances would
    be if all that are missing were wrong, and if all were right; None where none is missing.
    `version` is that of the metric.
    """

    name: MetricName
    count: int = 0
    sum: float = 0.0
    sum_squared: float = 0.0
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    variance: float | None = None
    stddev: float | None = None
    n: int | None = None
    standard_error: float | None = None
    interval: tuple[float, float] | None = None
    bounds: tuple[float, float] | None = None
    version: int = 1

    def add(self, value: float | None) -> "Stat":
        """Add one value and return self; None (not defined here) is left out.

        Raises:
            ValueError: The value is not finite; it would spoil every sum without a word.
        """
        if value is None:
            return self
        value = float(value)
        if not math.isfinite(value):
            raise ValueError(f"{self.name.name}: {value} is not a score")
        self.count += 1
        self.sum += value
        self.sum_squared += value * value
        self.min = value if self.min is None else min(self.min, value)
        self.max = value if self.max is None else max(self.max, value)
        self._derive()
        return self

    def merge(self, other: "Stat") -> "Stat":
        """Add all values of `other` and return self."""
        if other.count == 0:
            return self
        assert other.min is not None
        assert other.max is not None
        self.count += other.count
        self.sum += other.sum
        self.sum_squared += other.sum_squared
        self.min = other.min if self.min is None else min(self.min, other.min)
        self.max = other.max if self.max is None else max(self.max, other.max)
        self._derive()
        return self

    def _derive(self) -> None:
        self.mean = self.sum / self.count
        self.variance = max(0.0, self.sum_squared / self.count - self.mean**2)
        self.stddev = math.sqrt(self.variance)
