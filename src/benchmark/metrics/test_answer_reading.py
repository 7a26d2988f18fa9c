from typing import Any

import pytest

from benchmark.adapters.adapter_spec import AdapterSpec
from benchmark.adapters.request_state import RequestState
from benchmark.metrics.answer_reading import UnparsedMetric, read_state
from benchmark.metrics.basic_metrics import BasicMetric
from benchmark.scenarios.scenario import CORRECT_TAG, Instance, Reference
from common.request import Request, RequestResult, Sequence, Token

CHOICES = {"A": "Oslo", "B": "Lima"}


def spec_of(**fields: Any) -> AdapterSpec:
    return AdapterSpec(**{"method": "multiple_choice_joint", "num_outputs": 1, **fields})


def state_of(
    text: str, candidates: dict[str, float] | None = None, gold: str = "Lima", **fields: Any
) -> RequestState:
    tokens = [] if candidates is None else [Token(text, -1.0, candidates)]
    result = RequestResult(success=True, completions=[Sequence(text, 0, tokens)], cached=False)
    references = [Reference("Oslo"), Reference(gold, [CORRECT_TAG])]
    return RequestState(
        instance=Instance("?", references, id="id0"), request=Request(), result=result, **fields
    )


def values_of(spec: AdapterSpec, state: RequestState) -> dict[str, float]:
    read = read_state(spec, state)
    stats = BasicMetric(["exact_match"]).evaluate_generation(spec, read)
    stats += UnparsedMetric().evaluate_generation(spec, read)
    return {stat.name.name: stat.sum for stat in stats}


@pytest.mark.parametrize(
    ("text", "score", "num_unparsed"), [("It is (B).", 0, 1), ("I pick (B).", 1, 0), ("A", 0, 0)]
)
def test_letters_in_free_text(text: str, score: float, num_unparsed: float) -> None:
    values = values_of(spec_of(answers="parsed"), state_of(text, output_mapping=CHOICES))
    assert (values["exact_match"], values["num_unparsed"]) == (score, num_unparsed)


def test_the_plain_way_reads_nothing() -> None:
    state = state_of("The answer is B.", output_mapping=CHOICES)
    assert read_state(spec_of(), state) is state


@pytest.mark.parametrize(
    ("candidates", "accuracy", "num_unparsed"),
    [
        ({"The": -0.1, " B": -1.0, "A": -1.5}, 1, 0),
        ({"A": -1.0, "B": -1.3, " B": -1.3}, 1, 0),  # a letter's forms count together
        ({"The": -0.1, "A": -1.0}, 0, 0),
        ({"The": -0.1, "A": float("nan")}, 0, 1),
    ],
)
def test_the_most_probable_letter(
    candidates: dict[str, float], accuracy: float, num_unparsed: float
) -> None:
    spec = spec_of(mc_fallback="top-logprobs")
    values = values_of(spec, state_of("The", candidates, output_mapping=CHOICES))
    assert (values["accuracy"], values["num_unparsed"]) == (accuracy, num_unparsed)


def test_candidates_that_are_not_listed_are_missing_and_not_wrong() -> None:
    state = state_of("The", output_mapping=CHOICES)
    read = read_state(spec_of(mc_fallback="top-logprobs"), state)
    assert read.result is not None
    assert read.result.completions == []


def test_references_are_read_as_answers_are() -> None:
    spec = spec_of(method="generation", answers="parsed")
    state = state_of("**Answer:** $1,000", gold="So it is. The answer is 1000.")
    assert values_of(spec, state)["exact_match"] == 1


def test_boxes_are_left_to_metrics_that_look_for_them() -> None:
    spec = spec_of(method="generation", answers="parsed")
    state = state_of("So \\boxed{1}", gold="It is \\boxed{1}")
    assert read_state(spec, state).instance.references == state.instance.references
