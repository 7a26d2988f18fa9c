import math
import random

import pytest

from benchmark.aggregation import Aggregator, outcome_stats
from benchmark.metrics.stat import MetricName, Stat
from benchmark.scenarios.scenario import Instance, PerturbationDescription

IDENTITY = PerturbationDescription("identity")
LOWERCASE = PerturbationDescription("lowercase", robustness=True)
TWO_SPACES = PerturbationDescription("extra_space", robustness=True, args={"num_spaces": 2})
THREE_SPACES = PerturbationDescription("extra_space", robustness=True, args={"num_spaces": 3})


def make_instance(
    number: int = 0, split: str = "test", perturbation: PerturbationDescription | None = None
) -> Instance:
    return Instance("q", [], split=split, id=f"id{number}", perturbation=perturbation)


def values(**named: float | None) -> list[Stat]:
    return [Stat(name=MetricName(name)).add(value) for name, value in named.items()]


def stat_of(stats: list[Stat], name: str, **fields: object) -> Stat:
    """The only stat with that name and those fields of its name."""
    [found] = [
        stat
        for stat in stats
        if stat.name.name == name
        and all(getattr(stat.name, field) == value for field, value in fields.items())
    ]
    return found


def test_a_mean_is_one_of_trials_of_instances() -> None:
    aggregator = Aggregator()
    for trial, number, value in ((0, 0, 1.0), (0, 1, 0.0), (0, 2, 1.0), (0, 3, 0.0), (1, 0, 1.0)):
        aggregator.add(make_instance(number), trial, values(exact_match=value))
    stat = stat_of(aggregator.stats(), "exact_match")
    # trials: 2/4 and 1/1; the instances of a trial may be fewer where some failed
    assert (stat.count, stat.mean, stat.min, stat.max) == (2, 0.75, 0.5, 1.0)
    assert stat.stddev == 0.25
    assert stat.name == MetricName("exact_match", split="test")


def test_uncertainty_is_over_instances_however_many_trials() -> None:
    aggregator = Aggregator()
    for trial in range(3):
        for number in range(4):
            aggregator.add(make_instance(number), trial, values(score=float(number)))
    stat = stat_of(aggregator.stats(), "score")
    assert (stat.count, stat.n, stat.mean) == (3, 4, 1.5)
    # The standard error of four values 0 … 3, not that of twelve.
    assert stat.standard_error == pytest.approx(math.sqrt(5 / 3 / 4))
    assert stat.interval is not None
    low, high = stat.interval
    assert (low + high) / 2 == pytest.approx(1.5)
    assert high - low == pytest.approx(2 * 3.18245 * math.sqrt(5 / 3 / 4), rel=1e-3)


def test_the_interval_is_one_of_the_mean_where_a_trial_lost_instances() -> None:
    aggregator = Aggregator()
    for number in range(100):
        aggregator.add(make_instance(number), 0, values(length=float(number % 10 == 0)))
    aggregator.add(make_instance(0), 1, values(length=1.0))
    stat = stat_of(aggregator.stats(), "length")
    assert stat.mean is not None
    assert stat.interval is not None
    assert stat.mean == pytest.approx(0.55)
    assert stat.interval[0] <= stat.mean <= stat.interval[1]


def test_one_instance_has_no_interval() -> None:
    aggregator = Aggregator()
    aggregator.add(make_instance(), 0, values(exact_match=1.0))
    aggregator.add(make_instance(), 1, values(exact_match=0.0))
    stat = stat_of(aggregator.stats(), "exact_match")
    assert (stat.mean, stat.n, stat.interval) == (0.5, 1, None)


def test_the_interval_of_a_proportion_stays_within_0_and_1() -> None:
    aggregator = Aggregator()
    for number in range(10):
        aggregator.add(make_instance(number), 0, values(exact_match=1.0, length=1.0))
    match = stat_of(aggregator.stats(), "exact_match")
    assert match.interval is not None
    assert match.interval[0] == pytest.approx(0.7225, abs=1e-3)
    assert match.interval[1] == 1.0


def test_splits_and_perturbations_are_not_mixed() -> None:
    aggregator = Aggregator()
    versions = [
        (make_instance(0), 1.0),
        (make_instance(0, "valid"), 2.0),
        (make_instance(0, perturbation=IDENTITY), 3.0),
        (make_instance(0, perturbation=LOWERCASE), 4.0),
        (make_instance(0, perturbation=TWO_SPACES), 5.0),
        (make_instance(0, perturbation=THREE_SPACES), 6.0),
    ]
    # As metrics do: the same name object again and again.
    name = MetricName("score")
    for instance, value in versions * 2:
        aggregator.add(instance, 0, [Stat(name=name).add(value)])
    stats = aggregator.stats()
    for instance, value in versions:
        stat = stat_of(stats, "score", split=instance.split, perturbation=instance.perturbation)
        assert (stat.mean, stat.n) == (value, 1)
    assert len([stat for stat in stats if stat.name.name == "num_instances"]) == len(versions)


def test_k_tells_stats_apart() -> None:
    aggregator = Aggregator()
    for k, value in ((None, 0.0), (5, 1.0)):
        stat = Stat(name=MetricName("exact_match", k=k)).add(value)
        aggregator.add(make_instance(), 0, [stat])
    stats = aggregator.stats()
    assert stat_of(stats, "exact_match", k=None).mean == 0.0
    assert stat_of(stats, "exact_match", k=5).mean == 1.0


def test_instances_are_counted_once() -> None:
    aggregator = Aggregator()
    for trial in range(2):
        for number in range(3):
            aggregator.add(make_instance(number), trial, values(a=1.0, b=1.0))
    aggregator.add(make_instance(3), 0, values(b=1.0))
    assert stat_of(aggregator.stats(), "num_instances").sum == 4


def test_what_is_not_defined_is_left_out() -> None:
    aggregator = Aggregator()
    aggregator.add(make_instance(0), 0, values(score=None))
    assert aggregator.stats() == []
    aggregator.add(make_instance(1), 0, values(score=2.0))
    stat = stat_of(aggregator.stats(), "score")
    assert (stat.mean, stat.n) == (2.0, 1)


def test_numbers_of_the_corpus_weigh_tokens_not_instances() -> None:
    aggregator = Aggregator()
    for number, (logprob, tokens, num_bytes) in enumerate([(-1.0, 1.0, 4.0), (-9.0, 4.0, 16.0)]):
        aggregator.add(
            make_instance(number),
            0,
            values(logprob=logprob, num_perplexity_tokens=tokens, num_bytes=num_bytes),
        )
    stats = aggregator.stats()
    assert stat_of(stats, "perplexity").mean == pytest.approx(math.exp(10 / 5))
    assert stat_of(stats, "bits_per_byte").mean == pytest.approx(10 / 20 / math.log(2))
    assert stat_of(stats, "logprob_per_byte").mean == pytest.approx(-10 / 20)


def test_numbers_of_the_corpus_are_averaged_over_trials_and_kept_apart_by_version() -> None:
    aggregator = Aggregator()
    for trial, perturbation, logprob in ((0, None, -1.0), (1, None, -3.0), (0, LOWERCASE, -8.0)):
        aggregator.add(
            make_instance(perturbation=perturbation),
            trial,
            values(logprob=logprob, num_perplexity_tokens=1.0, num_bytes=1.0),
        )
    stats = aggregator.stats()
    original = stat_of(stats, "logprob_per_byte", perturbation=None)
    assert (original.count, original.mean) == (2, -2.0)
    assert stat_of(stats, "logprob_per_byte", perturbation=LOWERCASE).mean == -8.0


def test_without_tokens_there_are_no_numbers_of_the_corpus() -> None:
    aggregator = Aggregator()
    aggregator.add(make_instance(), 0, values(logprob=-1.0))
    aggregator.add(
        make_instance(1, "valid"),
        0,
        values(logprob=0.0, num_perplexity_tokens=0.0, num_bytes=0.0),
    )
    names = {stat.name.name for stat in aggregator.stats()}
    assert not names & {"perplexity", "bits_per_byte", "logprob_per_byte"}


def test_stats_are_sorted_and_do_not_depend_on_the_order_of_metrics() -> None:
    names = ["b", "a", "d", "c"]
    results = []
    for seed in range(3):
        random.Random(seed).shuffle(names)
        aggregator = Aggregator()
        for number in range(5):
            aggregator.add(make_instance(number), 0, values(**dict.fromkeys(names, number / 3)))
        results.append(aggregator.stats())
    assert results[0] == results[1] == results[2]
    assert [stat.name.name for stat in results[0]] == ["a", "b", "c", "d", "num_instances"]


def test_outcomes_are_counted_beside_the_scores() -> None:
    stats = outcome_stats(12, {"ok": 5, "truncated": 2, "error": 3, "refused": 1}, num_unscored=4)
    assert {stat.name.name: stat.sum for stat in stats} == {
        "num_requests": 12,
        "num_scored": 7,
        "num_truncated": 2,
        "num_refused": 1,
        "num_errors": 3,
        "num_unscored": 4,
    }
    assert {stat.sum for stat in outcome_stats(0, {}, 0)} == {0}


def test_bounds_tell_what_is_missing() -> None:
    aggregator = Aggregator()
    for number, value in enumerate((1.0, 1.0, 0.0)):
        aggregator.add(make_instance(number), 0, values(exact_match=value, num_output_tokens=5))
    aggregator.add(make_instance(0), 1, values(exact_match=1.0))
    for trial, number in ((0, 3), (1, 1), (1, 2), (1, 3)):
        aggregator.note_missing(make_instance(number), trial, ["exact_match"])
    aggregator.note_missing(make_instance(9, perturbation=LOWERCASE), 0, ["exact_match"])
    stats = aggregator.stats()
    # Trials: 2 of 4 or 3 of 4, and 1 of 4 or 4 of 4.
    assert stat_of(stats, "exact_match").bounds == pytest.approx((0.375, 0.875))
    assert stat_of(stats, "num_output_tokens").bounds is None


def test_what_lacks_nothing_has_no_bounds() -> None:
    aggregator = Aggregator()
    aggregator.add(make_instance(0), 0, values(exact_match=1.0, perplexity=3.0))
    aggregator.note_missing(make_instance(0, split="valid"), 0, ["exact_match", "perplexity"])
    assert [stat.bounds for stat in aggregator.stats()] == [None] * 3


def test_a_trial_without_any_value_counts_in_the_bounds() -> None:
    aggregator = Aggregator()
    aggregator.add(make_instance(0), 0, values(exact_match=1.0))
    aggregator.note_missing(make_instance(0), 1, ["exact_match"])
    stat = stat_of(aggregator.stats(), "exact_match")
    assert (stat.mean, stat.bounds) == (1.0, (0.5, 1.0))
