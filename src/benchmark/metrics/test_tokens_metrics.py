"""Tests of the tokens that requests take."""

from collections.abc import Callable

from benchmark.adapters.adapter_spec import AdapterSpec
from benchmark.adapters.request_state import RequestState
from benchmark.metrics.tokens_metrics import TokensMetric, estimated_token_cost
from benchmark.scenarios.scenario import Instance
from common.request import Message, Request, RequestResult, Usage
from shared_spec import GoldenCase

SPEC = AdapterSpec(method="generation")


def count_words(text: str) -> int:
    return len(text.split())


def state_of(request: Request, result: RequestResult | None = None) -> RequestState:
    return RequestState(instance=Instance("q", []), request=request, result=result)


def measure(metric: TokensMetric, *states: RequestState) -> dict[str, tuple[int, float]]:
    stats = metric.evaluate_references(SPEC, list(states))
    return {stat.name.name: (stat.count, stat.sum) for stat in stats}


def test_golden_costs(golden_cases: Callable[[str], list[GoldenCase]]) -> None:
    for case in golden_cases("estimated_token_cost"):
        *numbers, echo = case.args
        assert estimated_token_cost(*numbers, echo=echo) == case.expected, case


def test_the_free_tokens_of_gooseai_never_pay_back() -> None:
    assert estimated_token_cost("gooseai/gpt-j-6b", 5, 1, 0, echo=True) == 0


def test_a_dry_run_is_counted() -> None:
    request = Request(prompt="one two three", num_completions=2, max_tokens=10)
    stats = TokensMetric(count_words).evaluate_generation(SPEC, state_of(request))
    assert {stat.name.name: stat.sum for stat in stats} == {
        "num_prompt_tokens": 3,
        "max_num_output_tokens": 20,
        "estimated_num_tokens_cost": 23,
    }


def test_the_provider_knows_best() -> None:
    result = RequestResult(success=True, completions=[], cached=False, usage=Usage(prompt_tokens=7))
    request = Request(prompt="one two three")
    assert measure(TokensMetric(count_words), state_of(request, result))["num_prompt_tokens"] == (
        1,
        7,
    )


def test_without_a_tokenizer_prompt_tokens_are_unknown_not_0() -> None:
    assert measure(TokensMetric(), state_of(Request(max_tokens=4))) == {
        "max_num_output_tokens": (1, 4)
    }


def test_each_request_is_one_value() -> None:
    states = [state_of(Request(prompt=text, max_tokens=0)) for text in ["a", "a b", "a b c"]]
    assert measure(TokensMetric(count_words), *states) == {
        "num_prompt_tokens": (3, 6),
        "max_num_output_tokens": (3, 0),
        "estimated_num_tokens_cost": (3, 6),
    }


def test_the_turns_of_a_chat_are_counted() -> None:
    messages = [Message("system", "be brief"), Message("user", "one two three")]
    state = state_of(Request(messages=messages))
    assert measure(TokensMetric(count_words), state)["num_prompt_tokens"] == (1, 5)
