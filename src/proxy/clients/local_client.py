"""Client of the embedded model, which runs on this machine without a network."""

import time
from pathlib import Path
from typing import Any

import msgspec

from common.canonical_json import canonical_json, digest
from common.errors import UnsupportedFieldError
from common.request import Message, Outcome, Request, RequestResult, Sequence, Token, Usage
from common.token_text import token_text
from proxy.clients.capabilities import Capabilities
from proxy.clients.client import Client, OnPiece, ProviderCall
from proxy.clients.truncation import truncate_at_stop
from proxy.local_engine.engine import DEFAULT_IDLE_SECONDS, LocalEngine
from proxy.local_engine.model_file import find_model
from proxy.local_engine.protocol import (
    REVISION,
    Completion,
    CompletionAnswer,
    CompletionBody,
    ScoredPiece,
    from_piece,
)

_SEED_BYTES = 6  # whole numbers that every JSON reader keeps


class LocalClient(Client):
    """Completes prompts with a GGUF model. The same request always gets the same answer.

    Log-probabilities are the model's own, before temperature, top_p and penalties. A prompt is
    taken as it is, and the name of a special token in it is that token; messages go through the
    model's chat template, without a system message that nobody wrote. `echo_prompt` scores the
    prompt exactly. Without a seed, one is made of the request and its `random`.

    Args:
        model_file: Name of the file in `models/` of `base_path`.
        base_path: Folder of the installation.
        idle_seconds: The engine ends after this time without requests.
    """

    max_in_flight = 8  # the engine evaluates four at a time: the next ones are there already

    def __init__(
        self, model_file: str, base_path: Path, idle_seconds: float = DEFAULT_IDLE_SECONDS
    ) -> None:
        self._engine = LocalEngine(find_model(base_path, model_file), idle_seconds)

    @property
    def identity(self) -> dict[str, Any]:
        return {
            "class": "LocalClient",
            "model_file": self._engine.model_path.name,
            "model_sha256": self._engine.model_sha256,
            "engine": f"xllamacpp {self._engine.version}",
            "revision": REVISION,
        }

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            response_format="unsupported",
            reasoning="unsupported",
            tools="unsupported",
            tool_choice="unsupported",
            embedding_input="unsupported",
        )

    def prepare(self, request: Request) -> ProviderCall:
        for field in ("response_format", "reasoning", "tools", "tool_choice", "embedding_input"):
            if getattr(request, field) is not None:
                raise UnsupportedFieldError(f"the embedded model can't honour `{field}`")
        if request.echo_prompt and request.messages is not None:
            raise UnsupportedFieldError("the embedded model echoes `prompt`, not `messages`")
        messages = None if request.messages is None else _plain(request.messages)
        is_greedy = request.temperature == 0
        body = CompletionBody(
            prompt=request.prompt,
            messages=messages,
            max_tokens=request.max_tokens,
            num_completions=1 if is_greedy else request.num_completions,
            temperature=request.temperature,
            top_p=1.0 if is_greedy else request.top_p,
            top_k_per_token=request.top_k_per_token,
            presence_penalty=request.presence_penalty,
            frequency_penalty=request.frequency_penalty,
            stop_sequences=[stop for stop in request.stop_sequences if stop],
            echo_prompt=request.echo_prompt,
            seed=None if is_greedy else request.seed,
        )
        if not is_greedy and request.seed is None:
            salt = canonical_json([body, request.random])
            body = msgspec.structs.replace(
                body, seed=int.from_bytes(digest(salt)[:_SEED_BYTES], "big")
            )
        # The likeliest tokens are the same each time, so they are asked for once.
        handling = {"num_completions": request.num_completions} if is_greedy else {}
        return ProviderCall(canonical_json(body), handling=handling, random=request.random)

    def send(
        self, call: ProviderCall, deadline: float, on_piece: OnPiece | None = None
    ) -> RequestResult:
        start, start_datetime = time.monotonic(), int(time.time())
        body = msgspec.json.decode(call.body, type=CompletionBody)
        answer = msgspec.json.decode(
            self._engine.post("/complete", call.body, deadline), type=CompletionAnswer
        )
        generated = [_to_sequence(item, body.stop_sequences) for item in answer.completions]
        completions = [_with_prompt(body, answer, item) for item in generated]
        copies = call.handling.get("num_completions", 1)
        return RequestResult(
            success=True,
            completions=completions * copies,
            cached=False,
            request_time=time.monotonic() - start,
            request_datetime=start_datetime,
            outcome=_outcome(body, generated),
            usage=Usage(
                prompt_tokens=answer.num_prompt_tokens,
                completion_tokens=sum(len(item.tokens) for item in answer.completions),
            ),
            served_model=self._engine.model_path.name,
        )


def _plain(messages: list[Message]) -> list[Message]:
    """Messages of role and text, which is all that the chat template knows."""
    for message in messages:
        if message.role == "tool" or message.tool_calls:
            raise UnsupportedFieldError("the embedded model calls no tools")
    try:
        return [Message(message.role, message.text) for message in messages]
    except ValueError as error:
        raise UnsupportedFieldError(f"messages: {error}; the embedded model reads text") from error


def _to_sequence(completion: Completion, stop_sequences: list[str]) -> Sequence:
    tokens = [_to_token(item) for item in completion.tokens]
    data = b"".join(from_piece(item.piece) for item in completion.tokens)
    sequence = Sequence(
        data.decode(errors="replace"),
        sum(token.logprob for token in tokens),
        tokens,
        {"reason": completion.reason},
    )
    return truncate_at_stop(sequence, stop_sequences)


def _with_prompt(body: CompletionBody, answer: CompletionAnswer, generated: Sequence) -> Sequence:
    if not body.echo_prompt:
        return generated
    tokens = [_to_token(item) for item in answer.prompt] + generated.tokens
    return Sequence(
        body.prompt + generated.text,
        sum(token.logprob for token in tokens),
        tokens,
        generated.finish_reason,
    )


def _to_token(item: ScoredPiece) -> Token:
    candidates: dict[str, float] = {}
    for piece, logprob in item.candidates:
        # Of two with one text, the first is the likelier.
        candidates.setdefault(token_text(from_piece(piece)), logprob)
    return Token(token_text(from_piece(item.piece)), item.logprob, candidates)


def _outcome(body: CompletionBody, completions: list[Sequence]) -> Outcome:
    # A stop sequence was expected. One token is what a multiple choice asks for.
    is_stop_expected = bool(body.stop_sequences) and body.max_tokens > 1
    is_cut = any(item.finish_reason == {"reason": "length"} for item in completions)
    return "truncated" if is_stop_expected and is_cut else "ok"
