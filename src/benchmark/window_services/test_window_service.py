"""Windows of deployments: one limit or two, exact counts or guesses."""

from typing import cast

import pytest

from benchmark.window_services.window_service import WindowService
from common.authentication import Authentication
from common.errors import UnreachableError
from common.tokenization import (
    TokenizationRequest,
    TokenizationRequestResult,
    TokenizationToken,
)
from proxy.services.service import DeploymentInfo, Service

AUTH = Authentication("")
INFO = DeploymentInfo(
    name="a/b", identity={}, tokenizer="a/words", max_sequence_length=10, max_request_length=10
)


class Words:
    """A service that splits texts at spaces, or has no tokenizer's file."""

    def __init__(self, *, is_here: bool = True) -> None:
        self._is_here = is_here

    def tokenize(
        self, auth: Authentication, request: TokenizationRequest
    ) -> TokenizationRequestResult:
        if not self._is_here:
            raise UnreachableError("the tokenizer a/words is not here: put its file into …")
        tokens = [TokenizationToken(word) for word in request.text.split()]
        return TokenizationRequestResult(
            success=True, cached=False, text=request.text, tokens=tokens
        )


def service(*, is_here: bool = True) -> Service:
    return cast(Service, Words(is_here=is_here))


def test_prompt_and_completion_share_a_window() -> None:
    window = WindowService.of_deployment(service(), AUTH, INFO)
    assert window.fits("word " * 6, 4)
    assert not window.fits("word " * 7, 4)


def test_an_encoder_has_a_window_of_its_own() -> None:
    info = DeploymentInfo(
        name="a/b", identity={}, tokenizer="a/words", max_request_length=10, max_output_length=256
    )
    window = WindowService.of_deployment(service(), AUTH, info)
    assert window.fits("word " * 9, 200)  # and the mark of its end
    assert not window.fits("word " * 10, 0)


def test_a_tokenizer_that_is_not_here_is_told_when_it_is_needed() -> None:
    window = WindowService.of_deployment(service(is_here=False), AUTH, INFO)
    assert window.fits("short", 1)
    with pytest.raises(UnreachableError, match="put its file into"):
        window.fits("longer than the window has bytes", 1)


def test_plans_count_where_they_can() -> None:
    window = WindowService.for_planning(service(), AUTH, INFO)
    assert window.guessed_because == ""
    assert window.num_tokens("one two three") == 3
    assert window.count_tokens is not None


def test_plans_guess_where_they_can_not_count() -> None:
    window = WindowService.for_planning(service(is_here=False), AUTH, INFO)
    assert "put its file into" in window.guessed_because
    assert window.count_tokens is None
    assert window.num_tokens("") == 0
    assert window.num_tokens("x" * 40) == 10
    assert window.fits("x" * 24, 4)
    assert not window.fits("x" * 28, 4)
    assert b"".join(window.split("é" * 9)) == "é".encode() * 9
