"""What every run is scored with: matches with the references, log-probabilities, general counts.

Definitions are those of the reference system (HELM, 2022, https://arxiv.org/abs/2211.09110),
except that every stat names the perturbation of its instance, not only the matches.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import ClassVar, NamedTuple

import msgspec

from benchmark.adapters.adapter_spec import (
    MULTIPLE_CHOICE_SEPARATE_CALIBRATED,
    MULTIPLE_CHOICE_SEPARATE_ORIGINAL,
    AdapterSpec,
)
from benchmark.adapters.request_state import RequestState
from benchmark.metrics.code_metrics import HUMAN_EVAL_METRICS, CodeEvalMetric
from benchmark.metrics.completions import correct_outputs, predicted_texts
from benchmark.metrics.match_metrics import MATCH_METRICS, MatchMetric, match_metric
from benchmark.metrics.metric import Metric
from benchmark.metrics.stat import MetricName, Stat
from benchmark.scenarios.scenario import Instance, PerturbationDescription
from common.errors import DataError
from common.request import Request, RequestResult, Token
from common.sandbox import Sandbox
from common.token_text import get_num_bytes, text_bytes, token_bytes

ORIGINAL_MODE = "original"
CALIBRATION_MODE = "calibration"
MODES_OF_METHOD = {
    MULTIPLE_CHOICE_SEPARATE_ORIGINAL: [ORIGINAL_MODE],
    MULTIPLE_CHOICE_SEPARATE_CALIBRATED: [ORIGINAL_MODE, CALIBRATION_MODE],
}
FINISH_REASONS = ["length", "stop", "endoftext", "unknown"]
_FINISH_REASON_STATS = [(reason, f"finish_reason_{reason}") for reason in FINISH_REASONS]
MAX_LOGPROB = 1e100  # beyond it, sums of squares overflow

Measurement = tuple[str, float]  # name, value


class BasicMetric(Metric):
    """Matches of generated text, accuracy of separate multiple choice, and general counts.

    Args:
        names: Which of `MATCH_METRICS` and of `CodeEvalMetric` to compute; can be empty.
        sandbox: What runs generated code; without one it is not run.

    Raises:
        UnknownNameError: A name is not one of `MATCH_METRICS`.
    """

    higher_is_better: ClassVar[Mapping[str, bool]] = {
        **{name: metric.higher_is_better for name, metric in MATCH_METRICS.items()},
        **CodeEvalMetric.higher_is_better,
        "accuracy": True,
        "perplexity": False,
        "bits_per_byte": False,
        "logprob_per_byte": True,
    }
    proportions: ClassVar[Collection[str]] = [
        *(name for name, metric in MATCH_METRICS.items() if metric.is_proportion),
        *CodeEvalMetric.proportions,
        "accuracy",
        "prompt_truncated",
        *(f"finish_reason_{reason}" for reason in FINISH_REASONS),
    ]

    def __init__(self, names: list[str], sandbox: Sandbox | None = None) -> None:
        code_names = [name for name in names if name in HUMAN_EVAL_METRICS]
        self._code = CodeEvalMetric(code_names, sandbox)
        self.not_computed = self._code.not_computed
        self._metrics = [(name, match_metric(name)) for name in names if name not in code_names]
        self._names: dict[tuple[bytes | None, int], _MetricNames] = {}

    def evaluate_generation(
        self, adapter_spec: AdapterSpec, request_state: RequestState
    ) -> list[Stat]:
        """Matches, log-probabilities and counts of one request.

        A match `name` is the best over the correct references, of the first completion; with
        k = num_outputs, of all completions. An instance without a correct reference has none.

        Where the provider gave no tokens, `logprob`, `num_perplexity_tokens` and `num_bytes` are
        left out, and `num_output_tokens` is the provider's count, if it can be told.

        Raises:
            DataError: There is no completion, or its log-probability is no number.
        """
        result, instance = request_state.result, request_state.instance
        if result is None or not result.completions:
            raise DataError(f"instance {instance.id}: there is no completion to score")
        names = self._names_of(instance.perturbation, adapter_spec.num_outputs)
        stats = self._matches(request_state, names)
        for name, value in (
            *_accuracy_of_letter(adapter_spec, request_state),
            *_logprob_measurements(request_state, result.completions[0].tokens),
            *_counts(request_state, result),
        ):
            stats.append(_single(names[name], float(value)))
        return stats + self._code.evaluate_generation(adapter_spec, request_state)

    def evaluate_references(
        self, adapter_spec: AdapterSpec, request_states: list[RequestState]
    ) -> list[Stat]:
        """`accuracy`: 1 if no wrong reference scores better than the best correct one.

        The score of a reference is its mean log-probability per token (method original), or its
        log-probability minus that without the question (calibrated). Nothing is returned for
        other methods, where a request is missing, and where no reference is correct.

        Raises:
            DataError: An echoed prompt does not end with its reference, or a log-probability is
                no number.
        """
        if not request_states or request_states[0].instance.first_correct_reference is None:
            return []
        scores = reference_scores(adapter_spec.method, request_states)
        if scores is None:
            return []
        instance = request_states[0].instance
        best_correct = max(
            score
            for score, reference in zip(scores, instance.references, strict=True)
            if reference.is_correct
        )
        names = self._names_of(instance.perturbation, adapter_spec.num_outputs)
        return [_single(names["accuracy"], float(best_correct == max(scores)))]

    def _names_of(
        self, perturbation: PerturbationDescription | None, num_outputs: int
    ) -> "_MetricNames":
        key = None if perturbation is None else msgspec.json.encode(perturbation), num_outputs
        if key not in self._names:
            self._names[key] = _MetricNames(perturbation, self._metrics, num_outputs)
        return self._names[key]

    def _matches(self, state: RequestState, names: "_MetricNames") -> list[Stat]:
        golds = correct_outputs(state.instance)
        if not golds or not names.matches:
            return []
        preds, stats = predicted_texts(state), list[Stat]()
        for score, best_of, of_first, of_all in names.matches:
            if len(golds) == len(preds) == 1:  # as nearly always
                first = best = score(golds[0], preds[0])
            else:
                scores = [best_of([score(gold, pred) for gold in golds]) for pred in preds]
                first, best = scores[0], best_of(scores)
            stats.append(_single(of_first, first))
            stats.append(_single(of_all, best))
        return stats


def reference_scores(method: str, request_states: list[RequestState]) -> list[float] | None:
    """How well a model likes each reference of an instance, by the separate methods.

    Returns:
        None for other methods, and where a request is missing.

    Raises:
        DataError: As `BasicMetric.evaluate_references`.
    """
    modes = MODES_OF_METHOD.get(method)
    if modes is None or not request_states:
        return None
    answered = {
        (state.request_mode, state.reference_index): state
        for state in request_states
        if state.is_scorable
    }
    indices = range(len(request_states[0].instance.references))
    keys = [(mode, index) for mode in modes for index in indices]
    if not answered.keys() >= set(keys):
        return None
    answers = {key: _answer_logprob(answered[key]) for key in keys}
    return [_score(answers, index) for index in indices]


# How a text is scored, what is the best of several scores, and the names of two stats: of the
# first completion, and of the best of all.
_Match = tuple[
    Callable[[str, str | None], float], Callable[[list[float]], float], MetricName, MetricName
]


class _MetricNames(dict[str, MetricName]):
    """The names of stats of one perturbation; `matches` has those of each match.

    Each is made once, since a run has millions of stats and few names.
    """

    def __init__(
        self,
        perturbation: PerturbationDescription | None,
        metrics: Sequence[tuple[str, MatchMetric]],
        num_outputs: int,
    ) -> None:
        self._perturbation = perturbation
        self.matches: list[_Match] = [
            (
                metric.score,
                max if metric.higher_is_better else min,
                self[name],
                MetricName(name, k=num_outputs, perturbation=perturbation),
            )
            for name, metric in metrics
        ]

    def __missing__(self, name: str) -> MetricName:
        return self.setdefault(name, MetricName(name, perturbation=self._perturbation))


def _single(name: MetricName, value: float) -> Stat:
    """The same as `Stat(name=name).add(value)` for a finite value, at a tenth of the time."""
    # In the order of the fields: names cost half as much again.
    return Stat(name, 1, value, value * value, value, value, value, 0.0, 0.0)


def _accuracy_of_letter(spec: AdapterSpec, state: RequestState) -> list[Measurement]:
    """Accuracy of separate multiple choice that was asked for a letter; see `mc_fallback`."""
    if spec.mc_fallback is None:
        return []
    correct = correct_outputs(state.instance)
    return [("accuracy", predicted_texts(state)[0] in correct)] if correct else []


def _logprob_measurements(state: RequestState, tokens: list[Token]) -> list[Measurement]:
    if not tokens:
        return []
    # some providers put an empty token before the echoed prompt
    has_start_token = state.num_conditioning_tokens > 0 and tokens[0].text == ""
    scored = tokens[has_start_token + state.num_conditioning_tokens :]
    return [
        ("logprob", _sum_logprobs(scored, state.instance)),
        ("num_perplexity_tokens", len(scored)),
        ("num_bytes", get_num_bytes([token.text for token in scored])),
    ]


def _counts(state: RequestState, result: RequestResult) -> list[Measurement]:
    given = (result.completions[0].finish_reason or {}).get("reason")
    actual = given if given in FINISH_REASONS else "unknown"
    counts: list[Measurement] = [
        *[(name, reason == actual) for reason, name in _FINISH_REASON_STATS],
        ("num_in_context_examples", state.num_in_context_examples),
        ("prompt_truncated", state.is_truncated),
    ]
    num_output_tokens = num_output_tokens_of(state.request, result)
    if num_output_tokens is not None:
        counts.append(("num_output_tokens", num_output_tokens))
    return counts


def num_output_tokens_of(request: Request, result: RequestResult) -> int | None:
    """Generated tokens of the first completion: those after the echoed prompt's last byte.

    None if there are no tokens and the provider's count, over all completions, can't be split.
    """
    if not result.completions:
        return None
    tokens = result.completions[0].tokens
    if not tokens:
        is_only_one = len(result.completions) == 1
        return result.usage.completion_tokens if result.usage and is_only_one else None
    if not request.echo_prompt:
        return len(tokens)
    if request.max_tokens == 0:
        return 0
    num_prompt_bytes = len(text_bytes(request.prompt))
    for index, token in enumerate(tokens):
        if num_prompt_bytes <= 0:
            return min(len(tokens) - index, request.max_tokens)
        num_prompt_bytes -= len(token_bytes(token.text))
    return 0


class _AnswerLogprob(NamedTuple):
    total: float
    num_tokens: int


def _answer_logprob(state: RequestState) -> _AnswerLogprob:
    """Log-probability of the fewest last tokens that cover the reference."""
    assert state.result is not None
    assert state.reference_index is not None
    reference = state.instance.references[state.reference_index].output
    answer = text_bytes(reference.lstrip())
    tokens = state.result.completions[0].tokens if state.result.completions else []
    text, start = b"", len(tokens)
    while len(text) < len(answer) and start > 0:
        start -= 1
        text = token_bytes(tokens[start].text) + text
    if not answer or not text.endswith(answer):
        raise DataError(
            f"instance {state.instance.id}: reference {reference!r} can't be scored, "
            f"since the tokens the model echoed end with {text.decode(errors='replace')!r}"
        )
    covering = tokens[start:]
    return _AnswerLogprob(_sum_logprobs(covering, state.instance), len(covering))


def _score(answers: dict[tuple[str, int], _AnswerLogprob], index: int) -> float:
    original = answers[ORIGINAL_MODE, index]
    calibration = answers.get((CALIBRATION_MODE, index))
    if calibration is None:
        return original.total / original.num_tokens
    return original.total - calibration.total


def _sum_logprobs(tokens: list[Token], instance: Instance) -> float:
    logprobs = [token.logprob for token in tokens]
    total = sum(logprobs)
    if not abs(total) < MAX_LOGPROB:  # false for NaN too
        raise DataError(f"instance {instance.id}: the log-probability of its tokens is {total}")
    return math.fsum(logprobs)
