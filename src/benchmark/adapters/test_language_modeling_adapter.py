"""Windows that score each token of a text exactly once."""

import re

import pytest

from benchmark.adapters.adapter_spec import LANGUAGE_MODELING, AdapterSpec
from benchmark.adapters.language_modeling_adapter import LanguageModelingAdapter, Window
from benchmark.scenarios.scenario import Instance
from benchmark.window_services.window_service import WindowService
from common.errors import InvalidRequestError
from common.token_text import token_text
from shared_spec import GoldenCase, golden_cases, needs_shared

SPEC = AdapterSpec(method=LANGUAGE_MODELING, max_tokens=0)
WORD = re.compile(r"<\|endoftext\|>|\s*\S+|\s+")
PREFIX = "<|endoftext|>"


def split_words(text: str) -> list[str]:
    """The tokenizer of the checked cases: a word with the white space before it."""
    return WORD.findall(text)


def split_bytes(text: str) -> list[str]:
    """One token a byte."""
    return [token_text(bytes([value])) for value in text.encode()]


def adapter(
    length: int, request_length: int, prefix: str = "", tokenize: object = split_words
) -> LanguageModelingAdapter:
    window = WindowService(
        request_length,
        tokenize,  # type: ignore[arg-type]
        max_sequence_length=length,
        prefix_token=prefix,
    )
    return LanguageModelingAdapter(SPEC, window)


@needs_shared
@pytest.mark.parametrize("case", golden_cases("language_modeling_prompts", "lm_windows.jsonl"))
def test_windows_equal_the_references(case: GoldenCase) -> None:
    text, length, request_length, prefix = case.args
    windows = adapter(length, request_length, prefix).windows(text)
    assert [window._asdict() for window in windows] == [
        {"prompt": item["prompt"], "num_conditioning_tokens": item["num_conditioning_tokens"]}
        for item in case.expected
    ]


@needs_shared
@pytest.mark.parametrize("case", golden_cases("lm_windows"))
def test_windows_hold_the_tokens_that_the_references_hold(case: GoldenCase) -> None:
    num_tokens, length, request_length = case.args
    words = [f" w{number}" for number in range(num_tokens)]
    found = []
    for window in adapter(length, request_length, PREFIX).windows("".join(words)):
        tokens = split_words(window.prompt)
        has_prefix = tokens[0] == PREFIX
        own = [words.index(token) for token in tokens[has_prefix:]]
        place = {"prefix": has_prefix, "first": own[0], "last": own[-1]}
        found.append(place | {"num_conditioning_tokens": window.num_conditioning_tokens})
    if case.tag == "quirk":  # one token is context of its window, and is scored in no other
        assert found != case.expected
        return
    assert found == case.expected


@pytest.mark.parametrize("num_words", [1, 4, 9, 10, 11, 12, 30, 31, 57])
@pytest.mark.parametrize(
    ("length", "request_length", "prefix"), [(10, 11, PREFIX), (10, 10, PREFIX), (10, 10, "")]
)
def test_every_token_is_scored_once(
    num_words: int, length: int, request_length: int, prefix: str
) -> None:
    text = "".join(f" w{number}" for number in range(num_words))
    scored = []
    for window in adapter(length, request_length, prefix).windows(text):
        tokens = split_words(window.prompt)
        assert len(tokens) <= request_length
        scored += tokens[window.num_conditioning_tokens :]
    assert scored == split_words(text)


@pytest.mark.parametrize("request_length", [5, 6, 7, 8, 20])
def test_no_window_begins_or_ends_within_a_character(request_length: int) -> None:
    text = "aé漢字😀b€é" * 5
    made = adapter(request_length - 1, request_length, tokenize=split_bytes).windows(text)
    scored = b"".join(window.prompt.encode()[window.num_conditioning_tokens :] for window in made)
    assert scored.decode() == text
    assert all(len(window.prompt.encode()) <= request_length for window in made)


def test_a_short_text_is_one_window_and_needs_no_tokenizer() -> None:
    unknown = LanguageModelingAdapter(SPEC, WindowService(prefix_token=PREFIX))
    assert unknown.windows("any length") == [Window(f"{PREFIX}any length", 1)]
    assert adapter(10, 11, PREFIX).windows("") == [Window(PREFIX, 1)]


def test_requests_echo_and_add_nothing() -> None:
    text = " a" * 25
    instance = Instance(text, [], split="test", id="id0")
    made = adapter(10, 11, PREFIX)
    states = list(made.adapt([instance], [instance]))
    assert [state.window_index for state in states] == [0, 1, 2]
    assert made.num_requests([instance]) == 3
    assert all(state.request.echo_prompt and not state.request.max_tokens for state in states)
    assert {state.num_in_context_examples for state in states} == {0}


def test_a_tokenizer_that_changes_the_text_is_an_error() -> None:
    def lossy(text: str) -> list[str]:
        return text.split(" ")

    with pytest.raises(InvalidRequestError, match="tokenizer changes the text"):
        adapter(10, 11, tokenize=lossy).windows("a b " * 20)
