"""What holds of every metric, whatever the answers: range, symmetry, order, and threads.

Examples are drawn by hypothesis from fixed seeds; nothing of them is kept.
"""

import math
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.adapters.request_state import RequestState
from benchmark.aggregation import Aggregator
from benchmark.metrics import calibration_metrics as calibration
from benchmark.metrics.basic_metrics import BasicMetric
from benchmark.metrics.bbq_metrics import BBQMetric
from benchmark.metrics.bias_metrics import BiasMetric
from benchmark.metrics.calibration_metrics import CalibrationMetric
from benchmark.metrics.code_metrics import apps_scores, pass_at_k
from benchmark.metrics.copyright_metrics import (
    BasicCopyrightMetric,
    edit_distance,
    longest_common_prefix_length,
)
from benchmark.metrics.disinformation_metrics import DisinformationMetric
from benchmark.metrics.efficiency_metrics import EfficiencyMetric, inference_idealized_runtime
from benchmark.metrics.match_metrics import MATCH_METRICS
from benchmark.metrics.metric import CorpusMetric, Metric
from benchmark.metrics.numeracy_metrics import DistanceMetric, distance_to
from benchmark.metrics.ranking_metrics import (
    Candidate,
    normalized_gain,
    rank,
    recall,
    reciprocal_rank,
    success,
)
from benchmark.metrics.self_bleu import self_bleu
from benchmark.metrics.stat import MetricName, Stat
from benchmark.metrics.statistics import cluster_mean, corpus_numbers
from benchmark.metrics.summarization_metrics import SummarizationMetric
from benchmark.metrics.tokens_metrics import TokensMetric, estimated_token_cost
from benchmark.metrics.toxicity_metrics import ToxicityMetric
from benchmark.scenarios.scenario import CORRECT_TAG, Instance, Reference
from benchmark.scoring import Scorer
from common.toxicity import (
    PerspectiveAPIRequest,
    PerspectiveAPIRequestResult,
    ToxicityAttributes,
)
from some_states import SPEC, answered

FEW = settings(max_examples=20, deadline=None, derandomize=True, database=None)
EPSILON = 1e-9
WORDS = [
    *("the", "cat", "sat", "Cats", "running", "She", "he", "doctor", "Nothing.", "is", "and", "X"),
    *("3", "-17", "1,000", "3.5", "\\frac{1}{2}", "\\boxed{4}", "0.5", "A", "B", "C", "?!", "été"),
    *("猫", "\x00", "\n", "\t", "\\", "{", "}", "", "e\u0301", "🐈", "x = 2"),
]

texts = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
token_lists = st.lists(st.sampled_from("abcd"), max_size=8)
logprobs = st.sampled_from([0.0, -0.1, -0.7, -3.0, -40.0])
calibrations = st.lists(
    st.builds(calibration.Answer, st.sampled_from([0.0, 0.2, 0.5, 0.7, 0.9, 1.0]), st.booleans()),
    min_size=1,
    max_size=30,
)
candidates = st.lists(
    st.tuples(st.sampled_from(["Yes", "No", " no", "what", None]), st.integers(0, 3)), max_size=12
)


# --- Matches: names by what holds of them -----------------------------------------------------

SYMMETRIC = ["quasi_exact_match", "f1_score", "rouge-1", "rouge-2", "rouge-l", "math_equiv"]
SYMMETRIC += ["exact_match", "absolute_value_difference"]
REFLEXIVE = ["exact_match", "quasi_exact_match", "prefix_exact_match", "math_equiv"]
REFLEXIVE += ["quasi_prefix_exact_match", "exact_match_indicator"]


@pytest.mark.parametrize("name", MATCH_METRICS)
@FEW
@given(gold=texts, pred=texts)
def test_matches_keep_their_range(name: str, gold: str, pred: str) -> None:
    metric = MATCH_METRICS[name]
    score = metric.score(gold, pred)
    assert 0 <= score <= (1 + EPSILON if metric.is_proportion else math.inf)
    assert metric.score(gold, pred) == score
    assert 0 <= metric.score(gold, None) < math.inf


@pytest.mark.parametrize("name", SYMMETRIC)
@FEW
@given(a=texts.filter(bool), b=texts.filter(bool))
def test_matches_that_are_symmetric(name: str, a: str, b: str) -> None:
    score = MATCH_METRICS[name].score
    assert score(a, b) == pytest.approx(score(b, a))


@pytest.mark.parametrize("name", REFLEXIVE)
@FEW
@given(text=texts.filter(lambda text: bool(text.split(" ")[-1].strip())))
def test_a_text_matches_itself(name: str, text: str) -> None:
    assert MATCH_METRICS[name].score(text, text) == 1


@pytest.mark.parametrize("name", ["exact_set_match", "iou_set_match", "f1_set_match"])
@FEW
@given(
    a=st.sets(st.sampled_from("pqrs"), min_size=1), b=st.sets(st.sampled_from("pqrs"), min_size=1)
)
def test_sets_do_not_depend_on_order_or_sides(name: str, a: set[str], b: set[str]) -> None:
    score = MATCH_METRICS[name].score
    gold, pred = (f"It is {' and '.join(sorted(elements))}." for elements in (a, b))
    backwards = f"It is {' and '.join(sorted(b, reverse=True))}."
    assert score(gold, pred) == score(pred, gold) == score(gold, backwards)
    assert (score(gold, pred) == 1) == (a == b)


# --- Distances, rankings, code ------------------------------------------------------------------


@FEW
@given(a=token_lists, b=token_lists, c=token_lists)
def test_distances_of_texts(a: list[str], b: list[str], c: list[str]) -> None:
    distance = edit_distance(a, b)
    assert distance == edit_distance(b, a)
    assert abs(len(a) - len(b)) <= distance <= max(len(a), len(b))
    assert (distance == 0) == (a == b)
    assert edit_distance(a, c) <= distance + edit_distance(b, c)
    prefix = longest_common_prefix_length(a, b)
    assert prefix == longest_common_prefix_length(b, a)
    assert 0 <= prefix <= min(len(a), len(b))
    assert a[:prefix] == b[:prefix]


@FEW
@given(x=st.integers(-20, 20), y=st.integers(-20, 20), a=st.integers(1, 5), b=st.integers(1, 5))
def test_distances_from_curves(x: int, y: int, a: int, b: int) -> None:
    for relation, dimensions, value in (
        (f"y = {a}x + {b}", [x], a * x + b),
        (f"y = {a}x^2 + x + {b}", [x], a * x * x + x + b),
        (f"z = {a}x + {b}y + 1", [x, y], a * x + b * y + 1),
        (f"z = {a}x^2 + 2y^2 + {b}", [x, y], a * x * x + 2 * y * y + b),
    ):
        assert distance_to([*dimensions, value], relation) == pytest.approx(0, abs=1e-6)
        # The nearest point is at most as far as the one above or below.
        assert 0 <= distance_to([*dimensions, value + 7], relation) <= 7 + 1e-6


@FEW
@given(
    drawn=candidates,
    grades=st.lists(st.integers(0, 3), min_size=12, max_size=12),
    k=st.integers(1, 12),
)
def test_rankings(drawn: list[tuple[str | None, int]], grades: list[int], k: int) -> None:
    found = [Candidate(f"d{i}", token, -float(i) - size) for i, (token, size) in enumerate(drawn)]
    relevances = {f"d{i}": grade for i, grade in enumerate(grades)}
    ranking = rank(found, "Yes", "No")
    assert sorted(ranking) == sorted(candidate.id for candidate in found)
    for measure in (reciprocal_rank, success, recall, normalized_gain):
        value = measure(ranking, relevances, k)
        assert 0 <= value <= 1 + EPSILON
    for measure in (reciprocal_rank, success, recall):
        assert measure(ranking, relevances, k) <= measure(ranking, relevances, k + 1)
    best = sorted(relevances, key=lambda id: -relevances[id])
    assert normalized_gain(best, relevances, k) == (1 if any(grades) else 0)
    # Without ties the order in which candidates come is of no account.
    distinct = [Candidate(one.id, one.token, -float(i)) for i, one in enumerate(found)]
    assert rank(distinct[::-1], "Yes", "No") == rank(distinct, "Yes", "No")


@FEW
@given(n=st.integers(1, 20), share=st.floats(0, 1), k=st.integers(1, 20))
def test_programs_that_pass(n: int, share: float, k: int) -> None:
    passed = int(share * n)
    value = pass_at_k(n, passed, k)
    assert 0 <= value <= 1
    assert value <= pass_at_k(n, passed, k + 1) + EPSILON
    assert value <= pass_at_k(n, min(n, passed + 1), k) + EPSILON
    assert pass_at_k(n, passed, 1) == pytest.approx(passed / n)
    results: list[bool | int] = [True] * passed + [-1] * (n - passed)
    scores = apps_scores(results)
    assert scores == {"test_avg": pytest.approx(passed / n), "strict_acc": float(passed == n)}
    assert apps_scores(results[::-1]) == scores


# --- Metrics of one answer, and of all -----------------------------------------------------------

BBQ_TAGS = ["negative", "ambiguous", "A", "B", "C", "A"]


def toxicity_scores(request: PerspectiveAPIRequest) -> PerspectiveAPIRequestResult:
    """A share that follows from the text alone."""
    return PerspectiveAPIRequestResult(
        success=True,
        cached=False,
        text_to_toxicity_attributes={
            text: ToxicityAttributes(toxicity_score=len(text) % 7 / 6)
            for text in request.text_batch
        },
    )


# What makes each metric, and between which values each of its stats lies.
METRICS: dict[str, tuple[Callable[[], Metric], float, float]] = {
    "basic": (lambda: BasicMetric(list(MATCH_METRICS)), -math.inf, math.inf),
    "bbq": (BBQMetric, -1, 1),
    "bias": (lambda: BiasMetric("representation", "gender"), 0, 2),
    "bias_associations": (lambda: BiasMetric("associations", "gender", "profession"), 0, 2),
    "calibration": (CalibrationMetric, -math.inf, math.inf),
    "copyright_distance": (lambda: BasicCopyrightMetric("edit_distance"), 0, math.inf),
    "copyright_prefix": (
        lambda: BasicCopyrightMetric("longest_common_prefix_length", True),
        *(0, math.inf),
    ),
    "efficiency": (lambda: EfficiencyMetric(len), 0, math.inf),
    "entropy": (lambda: DisinformationMetric("monte_carlo_entropy"), 0, math.inf),
    "numeracy": (DistanceMetric, 0, math.inf),
    "self_bleu": (lambda: DisinformationMetric("self_bleu"), 0, 100),
    "summarization": (SummarizationMetric, 0, math.inf),
    "tokens": (lambda: TokensMetric(len), 0, math.inf),
    "toxicity": (lambda: ToxicityMetric(toxicity_scores), 0, 1),
}


def make_state(number: int, completions: list[str], logprob: float) -> RequestState:
    """An instance that every metric can score; completions have as many tokens as words."""
    relation = [Reference("5", [CORRECT_TAG]), Reference("y = 2x + 1"), Reference("linear")]
    references = {"numeracy": relation, "copyright": [Reference("2, then 5", [CORRECT_TAG])]}
    own = references["numeracy"] if number % 2 else references["copyright"]
    own = [Reference(one.output, [*one.tags, *BBQ_TAGS]) for one in own]
    return answered(
        *completions,
        logprobs=[[logprob] * len(text.split()) for text in completions],
        input="2",
        references=own,
        split="test",
        id=f"id{number}",
    )


states = st.lists(
    st.tuples(st.lists(texts, min_size=1, max_size=3), logprobs), min_size=1, max_size=8
).map(lambda drawn: [make_state(number, *one) for number, one in enumerate(drawn)])


def stats_of(metric: Metric, answered_states: list[RequestState]) -> dict[str, float]:
    """The mean of each stat; whatever can't be scored is left out, as in a run."""
    scorer = Scorer(SPEC, [metric])
    placed = [(place, place, state) for place, state in enumerate(answered_states)]
    list(scorer.score(placed))
    return {stat.name.key: stat.mean for stat in scorer.stats() if stat.mean is not None}


@pytest.mark.parametrize("name", METRICS)
@FEW
@given(answers=states, seed=st.integers(0, 9))
def test_metrics_keep_their_range_in_any_order(
    name: str, answers: list[RequestState], seed: int
) -> None:
    make, lowest, highest = METRICS[name]
    metric = make()
    found = stats_of(metric, answers)
    own = {key: mean for key, mean in found.items() if '"num_instances"' not in key}
    assert all(lowest <= mean <= highest + EPSILON for mean in own.values())
    for key, mean in own.items():
        stat_name = key.partition('"name":"')[2].partition('"')[0].partition("@")[0]
        assert stat_name not in metric.proportions or -EPSILON <= mean <= 1 + EPSILON
    shuffled = random.Random(seed).sample(answers, len(answers))
    assert stats_of(make(), shuffled) == pytest.approx(found)


@pytest.mark.parametrize("name", METRICS)
def test_threads_change_nothing(name: str) -> None:
    rng = random.Random(3)
    answers = [
        make_state(number, [" ".join(rng.choices(WORDS, k=6)) for _ in range(2)], -rng.random())
        for number in range(64)
    ]
    make = METRICS[name][0]
    metric = make()

    def evaluate(state: RequestState) -> Any:
        try:
            if isinstance(metric, CorpusMetric):
                return metric.extract(SPEC, [state])
            return metric.evaluate_generation(SPEC, state)
        except Exception as error:
            return repr(error)

    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(16) as many:
        assert list(many.map(evaluate, answers)) == list(one.map(evaluate, answers))


@FEW
@given(answers=calibrations)
def test_calibration_errors_are_shares(answers: list[calibration.Answer]) -> None:
    errors = [calibration.expected_calibration_error(answers, bins) for bins in (1, 10)]
    assert errors[0] <= errors[1] + EPSILON  # gaps of finer bins do not cancel
    for value in (
        *errors,
        calibration.brier_score(answers),
        calibration.selective_accuracy(answers, 0.1),
        calibration.coverage_accuracy_area(answers),
    ):
        assert 0 <= value <= 1 + EPSILON
    accuracy = sum(answer.is_correct for answer in answers) / len(answers)
    assert calibration.selective_accuracy(answers, 1.0) == pytest.approx(accuracy)


@FEW
@given(completions=st.lists(texts, max_size=4))
def test_self_bleu_does_not_depend_on_order(completions: list[str]) -> None:
    assert self_bleu(completions) == pytest.approx(self_bleu(completions[::-1]))


@FEW
@given(prompt=st.integers(0, 5000), more=st.integers(1, 500), output=st.integers(0, 300))
def test_more_tokens_take_no_less(prompt: int, more: int, output: int) -> None:
    model = "openai/davinci"
    ideal = inference_idealized_runtime(model, prompt, output)
    longer = inference_idealized_runtime(model, prompt, output + more)
    assert ideal is not None
    assert longer is not None
    assert 0 <= ideal <= longer
    for one in (model, "ai21/j1-jumbo", "gooseai/gpt-j-6b", "together/opt-66b"):
        costs = [
            estimated_token_cost(one, prompt, 1, size, echo=False)
            for size in (output, output + more)
        ]
        assert 0 <= costs[0] <= costs[1]


@FEW
@given(
    logprob=st.floats(-1e6, 0), num_tokens=st.integers(0, 10**6), num_bytes=st.integers(0, 10**6)
)
def test_numbers_of_a_corpus(logprob: float, num_tokens: int, num_bytes: int) -> None:
    numbers = corpus_numbers(logprob, num_tokens, num_bytes)
    assert numbers.get("perplexity", 1.0) >= 1
    assert numbers.get("bits_per_byte", 0.0) >= 0
    assert numbers.get("logprob_per_byte", 0.0) <= 0
    assert ("bits_per_byte" in numbers) == (num_tokens > 0 and num_bytes > 0)


# --- Sums and means -----------------------------------------------------------------------------

numbers = st.lists(st.sampled_from([0.0, 1.0, 0.5, -3.0, 7.25, 1e6]), min_size=1, max_size=12)


@FEW
@given(values=numbers, more=numbers)
def test_sums_of_parts_are_those_of_the_whole(values: list[float], more: list[float]) -> None:
    name = MetricName("score")
    parts, whole = [Stat(name=name), Stat(name=name)], Stat(name=name)
    for part, own in zip(parts, (values, more), strict=True):
        for value in own:
            part.add(value)
            whole.add(value)
    merged = parts[0].merge(parts[1])
    assert (merged.count, merged.min, merged.max) == (whole.count, whole.min, whole.max)
    assert merged.mean == pytest.approx(whole.mean)
    assert merged.stddev == pytest.approx(whole.stddev, abs=1e-3)
    assert whole.mean is not None
    assert min(values + more) - EPSILON <= whole.mean <= max(values + more) + EPSILON


@FEW
@given(
    clusters=st.lists(
        st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=3), min_size=2, max_size=20
    )
)
def test_intervals_hold_their_mean(clusters: list[list[float]]) -> None:
    by_cluster = dict(enumerate(clusters))
    for is_proportion in (False, True):
        estimate = cluster_mean(by_cluster, is_proportion=is_proportion)
        assert estimate.interval is not None
        low, high = estimate.interval
        assert low - EPSILON <= estimate.mean <= high + EPSILON
        assert not is_proportion or 0 <= low <= high <= 1
    backwards = {number: values[::-1] for number, values in reversed(by_cluster.items())}
    again = cluster_mean(backwards, is_proportion=True)
    assert again.mean == estimate.mean
    assert again.interval == pytest.approx(estimate.interval)


@FEW
@given(
    drawn=st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 2), st.booleans(), st.booleans()), min_size=1
    ),
    seed=st.integers(0, 9),
)
def test_aggregates_do_not_depend_on_order(
    drawn: list[tuple[int, int, bool, bool]], seed: int
) -> None:
    def aggregated(rows: list[tuple[int, int, bool, bool]]) -> list[Stat]:
        aggregator = Aggregator()
        for number, trial, is_right, is_missing in rows:
            instance = Instance("q", [], split="test", id=f"id{number}")
            if is_missing:
                aggregator.note_missing(instance, trial, ["exact_match"])
            else:
                stat = Stat(name=MetricName("exact_match")).add(is_right)
                aggregator.add(instance, trial, [stat])
        return aggregator.stats()

    found = aggregated(drawn)
    again = aggregated(random.Random(seed).sample(drawn, len(drawn)))
    assert [stat.name for stat in again] == [stat.name for stat in found]
    for one, other in zip(found, again, strict=True):
        assert (one.mean, one.n, one.count) == (other.mean, other.n, other.count)
        assert one.interval == pytest.approx(other.interval)
        if one.bounds is not None:
            low, high = one.bounds
            assert one.bounds == pytest.approx(other.bounds)
            assert -EPSILON <= low <= high <= 1 + EPSILON
