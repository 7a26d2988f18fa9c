"""Answered states → values of every instance and statistics of the run."""

import logging
from collections.abc import Iterable, Iterator
from itertools import groupby

from benchmark.adapters.adapter_spec import LANGUAGE_MODELING, AdapterSpec
from benchmark.adapters.request_state import RequestState
from benchmark.aggregation import Aggregator
from benchmark.corpus_scoring import CorpusScorer, GroupScorer
from benchmark.metrics.answer_reading import read_state
from benchmark.metrics.metric import CorpusMetric, GroupMetric, Metric, base_name
from benchmark.metrics.stat import MetricName, Stat
from common.errors import DataError, InvalidRequestError

logger = logging.getLogger(__name__)

SUMMED_OVER_WINDOWS = {
    "logprob",
    "num_perplexity_tokens",
    "num_bytes",
    "num_output_tokens",
    "num_prompt_tokens",
}

PlacedState = tuple[int, int, RequestState]
Value = tuple[int, int, str, float]  # place of the instance, trial, metric, value


class Scorer:
    """Applies metrics to the states of each instance in each trial, and adds up their values.

    Only scorable states are shown to a metric; where one of an instance's references has no
    answer, none of them is. Values of volatile metrics (times) are added up apart.
    """

    def __init__(self, adapter_spec: AdapterSpec, metrics: Iterable[Metric]) -> None:
        self._adapter_spec = adapter_spec
        metrics = list(metrics)
        self._groups = [GroupScorer(one) for one in metrics if isinstance(one, GroupMetric)]
        self._corpora = [
            CorpusScorer(one)
            for one in metrics
            if isinstance(one, CorpusMetric) and not isinstance(one, GroupMetric)
        ]
        self._metrics = [one for one in metrics if not isinstance(one, CorpusMetric)]
        directions = {
            name: direction for one in metrics for name, direction in one.higher_is_better.items()
        }
        proportions = {name for one in metrics for name in one.proportions}
        self.versions = versions_of(metrics)  # of stats, by base name
        self.stable = Aggregator(directions, proportions)
        self.volatile = Aggregator({}, proportions)  # no worst case of times
        self._totals: dict[MetricName, Stat] = {}
        self.num_unscored = 0  # instances that a metric could not make sense of

    def score(self, states: Iterable[PlacedState]) -> Iterator[Value]:
        """Yield the stable values of every instance.

        Args:
            states: In the order of the run: those of one instance and trial are neighbours.
        """
        for (place, trial), group in groupby(states, key=_group_of):
            asked = [state for _, _, state in group]
            instance = asked[0].instance
            own = [read_state(self._adapter_spec, state) for state in asked]
            answered = [state for state in own if state.result is None or state.is_scorable]
            about_references = [state for state in answered if state.reference_index is not None]
            is_in_windows = self._adapter_spec.method == LANGUAGE_MODELING
            if len(answered) < len(own):
                about_references = []
                if is_in_windows:  # a part of a text has no score of its own
                    answered = []
            for metric in self._metrics:
                stats = self._evaluate(metric, answered, about_references)
                if stats is None or len(answered) < len(own):
                    self.stable.note_missing(instance, trial, metric.proportions)
                if stats is None:
                    continue
                if is_in_windows:
                    stats = _whole(stats)
                if metric.is_volatile:
                    self.volatile.add(instance, trial, stats)
                    continue
                if metric.is_total:
                    self._add_totals(stats)
                else:
                    self.stable.add(instance, trial, stats)
                yield from _values(place, trial, stats)
            self._collect(place, trial, own)
        for group_scorer in self._groups:
            is_volatile = group_scorer.metric.is_volatile
            for place, trial, instance, stats in group_scorer.scores():
                if stats is None:
                    names = group_scorer.metric.proportions
                    self.stable.note_missing(instance, trial, names)
                    continue
                (self.volatile if is_volatile else self.stable).add(instance, trial, stats)
                if not is_volatile:
                    yield from _values(place, trial, stats)

    def stats(self) -> list[Stat]:
        """Return the stable statistics."""
        of_corpora = [stat for scorer in self._corpora for stat in scorer.stats()]
        stats = self.stable.stats() + of_corpora + list(self._totals.values())
        for stat in stats:
            stat.version = self.versions.get(base_name(stat.name.name), 1)
        return stats

    def _collect(self, place: int, trial: int, states: list[RequestState]) -> None:
        """Let metrics of many instances take what they need of one, if none of it failed."""
        if not self._corpora and not self._groups:
            return
        if not all(state.is_scorable for state in states):
            for group_scorer in self._groups:
                group_scorer.note_missing(place, trial, states[0].instance)
            return
        scorers: list[CorpusScorer | GroupScorer] = [*self._corpora, *self._groups]
        for scorer in scorers:
            try:
                scorer.add(self._adapter_spec, place, trial, states)
            except DataError as error:
                self._note_unscored(error)
                if isinstance(scorer, GroupScorer):
                    scorer.note_missing(place, trial, states[0].instance)

    def _add_totals(self, stats: list[Stat]) -> None:
        for stat in stats:
            self._totals.setdefault(stat.name, Stat(name=stat.name)).merge(stat)

    def _evaluate(
        self, metric: Metric, answered: list[RequestState], about_references: list[RequestState]
    ) -> list[Stat] | None:
        """The stats of one instance; None where the metric can't make sense of an answer."""
        stats = []
        try:
            for state in answered:
                if state.reference_index is None:
                    stats += metric.evaluate_generation(self._adapter_spec, state)
            if about_references:
                stats += metric.evaluate_references(self._adapter_spec, about_references)
        except DataError as error:
            self._note_unscored(error)
            return None
        return stats

    def _note_unscored(self, error: DataError) -> None:
        """One answer that can't be scored is missing from the scores, and said to be."""
        logger.warning("not scored: %s", error)
        self.num_unscored += 1


def versions_of(metrics: Iterable[Metric]) -> dict[str, int]:
    """Return the versions of the metrics' stats by base name; those of version 1 may be missing.

    Raises:
        InvalidRequestError: A version is not a whole number of at least 1.
    """
    versions: dict[str, int] = {}
    for metric in metrics:
        for name, version in metric.versions.items():
            if type(version) is not int or version < 1:
                raise InvalidRequestError(
                    f"{type(metric).__name__}: version {version!r} of {name!r} must be a whole "
                    "number of at least 1"
                )
            versions[name] = version
    return versions


def _values(place: int, trial: int, stats: list[Stat]) -> Iterator[Value]:
    for stat in stats:
        if stat.mean is not None:
            name, k = stat.name.name, stat.name.k
            yield place, trial, name if k is None else f"{name}@{k}", stat.mean


def _whole(stats: list[Stat]) -> list[Stat]:
    """The stats of a text out of those of its windows: log-probabilities and counts add up."""
    merged: dict[MetricName, Stat] = {}
    for stat in stats:
        merged.setdefault(stat.name, Stat(name=stat.name)).merge(stat)
    return [
        Stat(name=stat.name).add(stat.sum) if stat.name.name in SUMMED_OVER_WINDOWS else stat
        for stat in merged.values()
    ]


def _group_of(placed: PlacedState) -> tuple[int, int]:
    _, place, state = placed
    return place, state.train_trial_index
