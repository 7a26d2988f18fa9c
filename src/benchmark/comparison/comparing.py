"""Two runs → what differs between them, how much, and how sure that is."""

import math
from collections.abc import Mapping, Sequence

import msgspec

from benchmark.comparison.compared_run import ORIGINAL, ComparedRun, Key
from benchmark.comparison.paired_statistics import (
    Difference,
    Sums,
    bootstrap_interval,
    difference_of_numbers,
    holm,
    mean_of_estimates,
    paired_difference,
)
from benchmark.leaderboard import column_label
from benchmark.metrics.statistics import CONFIDENCE, corpus_numbers
from common.errors import InvalidRequestError

# Of these, a run has one number and no mean over instances.
CORPUS_METRICS = ("perplexity", "bits_per_byte", "logprob_per_byte")
_CORPUS_INPUTS = ("logprob", "num_perplexity_tokens", "num_bytes")
ALPHA = 1 - CONFIDENCE


class Change(msgspec.Struct, frozen=True):
    """An instance whose value differs; an answer is null where there is none to show."""

    id: str
    value_a: float
    value_b: float
    answer_a: str | None
    answer_b: str | None


class VersionDifference(msgspec.Struct, frozen=True):
    """The difference over the versions that one perturbation made."""

    perturbation: str
    difference: Difference


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Runs A and B of one task.

    `difference` is over the original instances; `changes` are the largest first.
    `num_only_a` counts instances that only A has a value of, `outcomes_a` its requests by how they
    ended. `adjusted_p_value` allows for the other tasks of the comparison.
    """

    task: str
    run_a: str
    run_b: str
    model_a: str
    model_b: str
    metric: str
    metric_version: int
    higher_is_better: bool | None
    is_proportion: bool
    difference: Difference
    versions: list[VersionDifference]
    num_only_a: int
    num_only_b: int
    outcomes_a: dict[str, int]
    outcomes_b: dict[str, int]
    has_other_data: bool
    changes: list[Change]
    adjusted_p_value: float | None = None

    @property
    def improvement(self) -> float:
        """B - A, turned so that more is better."""
        return -self.difference.difference if self.is_turned else self.difference.difference

    @property
    def is_turned(self) -> bool:
        """Whether lower values are better."""
        return self.higher_is_better is False

    @property
    def is_significant(self) -> bool:
        """Whether chance alone rarely makes such a difference: test and interval agree on it."""
        interval, p_value = self.difference.interval, self.adjusted_p_value
        if interval is None or p_value is None:
            return False
        return p_value < ALPHA and not interval[0] <= 0 <= interval[1]

    @property
    def is_better(self) -> bool:
        """Whether B is better than A beyond chance."""
        is_directed = self.higher_is_better is not None
        return is_directed and self.is_significant and self.improvement > 0

    @property
    def is_worse(self) -> bool:
        """Whether B is worse than A beyond chance."""
        is_directed = self.higher_is_better is not None
        return is_directed and self.is_significant and self.improvement < 0


class Overall(msgspec.Struct, frozen=True, kw_only=True):
    """The mean improvement over tasks whose scores are shares of 1, each weighing the same."""

    num_tasks: int
    improvement: float
    standard_error: float
    interval: tuple[float, float]

    @property
    def is_significant(self) -> bool:
        """Whether the interval leaves out 0."""
        return not self.interval[0] <= 0 <= self.interval[1]

    @property
    def is_worse(self) -> bool:
        """Whether B is worse than A beyond chance."""
        return self.is_significant and self.improvement < 0


def compare(a: ComparedRun, b: ComparedRun, metric: str | None = None) -> Comparison:
    """Compare two runs on the instances that both have a value of.

    Args:
        metric: Default: the main metric of the task.

    Raises:
        InvalidRequestError: There is nothing to compare; says why.
    """
    metric = metric or _main_metric(a, b)
    if metric in CORPUS_METRICS:
        names: tuple[str, ...] = _CORPUS_INPUTS
    else:
        names = (metric,)
        _check_has_values(a, metric)
        _check_has_values(b, metric)
    for name in (metric, *names):
        _check_same_version(a, b, name)
    split = a.split_of(names[0])
    values_a, values_b = ([run.values(name, split) for name in names] for run in (a, b))
    pairs = _paired(a, b, values_a[0], values_b[0])
    if not pairs:
        raise InvalidRequestError(_why_no_pairs(a, b, metric, values_a[0], values_b[0]))
    is_proportion = a.is_proportion(metric)
    found: dict[str, Difference] = {}
    for version in sorted({key.version for key in pairs}):
        keys = [key for key in pairs if key.version == version]
        if metric in CORPUS_METRICS:
            difference = _corpus_difference(metric, keys, values_a, values_b)
        else:
            own = {key.id: [(values_a[0][key], values_b[0][key])] for key in keys}
            difference = paired_difference(own, is_proportion=is_proportion)
            if version == ORIGINAL and difference.interval is not None:
                drawn = bootstrap_interval([[b - a] for [(a, b)] in own.values()])
                difference = msgspec.structs.replace(difference, bootstrap_interval=drawn)
        if difference is not None:
            found[version] = difference
    if ORIGINAL not in found:
        raise InvalidRequestError(f"{metric} is not defined for the originals of {a.name}")
    versions = a.versions()
    return Comparison(
        task=column_label(a.record.run_spec),
        run_a=str(a.folder.path),
        run_b=str(b.folder.path),
        model_a=a.model,
        model_b=b.model,
        metric=metric,
        metric_version=a.version_of(metric),
        higher_is_better=a.direction_of(metric),
        is_proportion=is_proportion,
        difference=found.pop(ORIGINAL),
        versions=[
            VersionDifference(getattr(versions[version], "name", version), difference)
            for version, difference in found.items()
        ],
        num_only_a=len(values_a[0].keys() - pairs),
        num_only_b=len(values_b[0].keys() - pairs),
        outcomes_a=a.outcomes(),
        outcomes_b=b.outcomes(),
        has_other_data=a.record.data_sha256 != b.record.data_sha256,
        changes=[] if metric in CORPUS_METRICS else _changes(a, b, pairs, values_a[0], values_b[0]),
    )


def adjusted(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons with p-values that allow for their number."""
    tested = [one for one in comparisons if one.difference.p_value is not None]
    p_values = holm([one.difference.p_value or 0.0 for one in tested])
    by_place = dict(zip(map(id, tested), p_values, strict=True))
    return [
        msgspec.structs.replace(one, adjusted_p_value=by_place.get(id(one))) for one in comparisons
    ]


def overall(comparisons: Sequence[Comparison]) -> Overall | None:
    """Return the mean over tasks, where there are several that can be averaged."""
    known = [
        (one.improvement, one.difference.standard_error)
        for one in comparisons
        if one.is_proportion
        and one.higher_is_better is not None
        and one.difference.standard_error is not None
    ]
    if len(known) < 2:
        return None
    mean, standard_error, interval = mean_of_estimates(
        [improvement for improvement, _ in known], [error for _, error in known]
    )
    return Overall(
        num_tasks=len(known), improvement=mean, standard_error=standard_error, interval=interval
    )


def _main_metric(a: ComparedRun, b: ComparedRun) -> str:
    name = a.main_metric or b.main_metric
    if name is None:
        known = ", ".join(a.metrics())
        raise InvalidRequestError(
            f"{a.name} has no main metric: name one with --metric (there are: {known})"
        )
    return name.name


def _check_has_values(run: ComparedRun, metric: str) -> None:
    known = run.metrics()
    if run.stored_name(metric) not in known:
        raise InvalidRequestError(
            f"{run.name} has no values of {metric!r} by instance: name another with --metric "
            f"(there are: {', '.join(known)})"
        )


def _check_same_version(a: ComparedRun, b: ComparedRun, metric: str) -> None:
    of_a, of_b = a.version_of(metric), b.version_of(metric)
    if of_a != of_b:
        raise InvalidRequestError(
            f"{metric} is of version {of_a} in {a.folder.path} and of version {of_b} in "
            f"{b.folder.path}, so it can't be compared: start both with benchmark-run --rescore"
        )


def _paired(
    a: ComparedRun, b: ComparedRun, values_a: Mapping[Key, float], values_b: Mapping[Key, float]
) -> list[Key]:
    """What both have a value of, in the order of A; equal ids of unlike instances are no pair."""
    of_a, of_b = a.contents(), b.contents()
    return [key for key in values_a if key in values_b and of_a[key] == of_b[key]]


def _why_no_pairs(
    a: ComparedRun,
    b: ComparedRun,
    metric: str,
    values_a: Mapping[Key, float],
    values_b: Mapping[Key, float],
) -> str:
    for run, values in ((a, values_a), (b, values_b)):
        if not values:
            return f"{run.folder.path} has no values of {metric!r}: nothing can be compared"
    both = f"{a.folder.path} and {b.folder.path}"
    if values_a.keys() & values_b.keys():
        return f"{both} share ids, but no instance: they are of different data"
    return f"{both} share no instance: they are of different data, or different parts of it"


def _corpus_difference(
    metric: str,
    keys: Sequence[Key],
    values_a: Sequence[Mapping[Key, float]],
    values_b: Sequence[Mapping[Key, float]],
) -> Difference | None:
    def number_of(parts: Sequence[Sums]) -> float | None:
        logprob, num_tokens, num_bytes = map(math.fsum, zip(*parts, strict=True))
        return corpus_numbers(logprob, num_tokens, num_bytes).get(metric)

    pairs = [
        ([values[key] for values in values_a], [values[key] for values in values_b]) for key in keys
    ]
    return difference_of_numbers(pairs, number_of)


def _changes(
    a: ComparedRun,
    b: ComparedRun,
    pairs: Sequence[Key],
    values_a: Mapping[Key, float],
    values_b: Mapping[Key, float],
) -> list[Change]:
    changed = [key for key in pairs if key.version == ORIGINAL and values_a[key] != values_b[key]]
    changed.sort(key=lambda key: -abs(values_b[key] - values_a[key]))
    answers_a, answers_b = a.answers(set(changed)), b.answers(set(changed))
    return [
        Change(key.id, values_a[key], values_b[key], answers_a.get(key), answers_b.get(key))
        for key in changed
    ]
