"""What metrics say about their statistics: which way is good, and which are shares of 1."""

from functools import lru_cache

import msgspec

from benchmark.metrics.efficiency_metrics import EfficiencyMetric, RuntimeDiscrepancyMetric
from benchmark.metrics.metric import base_name
from benchmark.metrics.runtime_metrics import RuntimeMetric
from benchmark.run_spec import MetricSpec, RunSpec
from common.errors import BenchError
from common.object_spec import get_class, resolved

# Computed for every run, beside what its run spec names.
_OF_ALL_RUNS = (EfficiencyMetric, RuntimeMetric, RuntimeDiscrepancyMetric)
_OWN_PACKAGE = "benchmark."


class Traits(msgspec.Struct, frozen=True):
    """By the base name of a statistic; what is not among them is a count, neither good nor bad."""

    higher_is_better: dict[str, bool]
    proportions: frozenset[str]

    def direction_of(self, name: str) -> bool | None:
        """Whether higher values of the statistic `name` are better; None where they are neither."""
        return self.higher_is_better.get(base_name(name))


def traits_of(spec: RunSpec) -> Traits:
    """Return what the metrics of `spec` say; a class that is not here says nothing."""
    return _traits_of_classes(tuple(metric_spec.class_name for metric_spec in spec.metric_specs))


@lru_cache(maxsize=256)
def _traits_of_classes(class_names: tuple[str, ...]) -> Traits:
    higher_is_better: dict[str, bool] = {}
    proportions: set[str] = set()
    for metric in _OF_ALL_RUNS:
        higher_is_better |= metric.higher_is_better
        proportions |= set(metric.proportions)
    for class_name in class_names:
        traits = _traits_of_class(class_name)
        higher_is_better |= traits.higher_is_better
        proportions |= traits.proportions
    return Traits(higher_is_better, frozenset(proportions))


@lru_cache(maxsize=256)
def _traits_of_class(class_name: str) -> Traits:
    spec = MetricSpec(class_name)
    # The class is named by a file that anybody may have written: only our own are imported.
    if resolved(spec).class_name.startswith(_OWN_PACKAGE):
        try:
            kind = get_class(spec)
            return Traits(dict(kind.higher_is_better), frozenset(kind.proportions))
        except (BenchError, ImportError, AttributeError):
            pass
    return Traits({}, frozenset())
