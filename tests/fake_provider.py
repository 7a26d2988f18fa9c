"""A stand-in for every LLM provider, answering over a real socket on 127.0.0.1.

It speaks the OpenAI completion, chat, embedding and model-list APIs, the Anthropic messages API
and a bare `POST /complete`. Every answer is a pure function of the request and the `Behaviour`.

    with FakeProvider(Behaviour(latency_seconds=0.05)) as provider:
        client = ChatClient(provider.url)

or by hand: `python tests/fake_provider.py --port 8000 --latency 0.05 --behaviour '{"answer": "B"}'`

    GET  /control/counters    what was received so far, as `Counters`
    GET  /control/last        the last 50 requests, oldest first, as a list of `Received`
    POST /control/behaviour   replace the behaviour; the body is a `Behaviour` as JSON
    POST /control/reset       forget counters, last requests and fault counts; keep the behaviour

API references: https://platform.openai.com/docs/api-reference, https://docs.anthropic.com/en/api
"""

import argparse
import asyncio
import base64
import hashlib
import http.client
import json
import math
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from http import HTTPStatus
from json.encoder import encode_basestring_ascii
from types import TracebackType
from typing import Any, NamedTuple, NotRequired, Required, Self, TypedDict
from zlib import crc32

Json = dict[str, Any]

HOST = "127.0.0.1"
CREATED = 1_700_000_000
MODEL = "fake-model"
NUM_KEPT_REQUESTS = 50
NUM_EMBEDDING_DIMENSIONS = 8
MAX_SAMPLES = 128
MAX_OPEN_FILES = 10_240  # the most macOS allows

STATUS_FAULTS = frozenset({"400", "401", "404", "429", "500", "503"})
CONNECTION_FAULTS = frozenset({"hang", "reset", "cut"})
BODY_FAULTS = frozenset({"html", "empty", "half_json", "no_choices"})
ANSWER_FAULTS = frozenset({"nan", "refusal", "length"})
FAULT_KINDS = STATUS_FAULTS | CONNECTION_FAULTS | BODY_FAULTS | ANSWER_FAULTS


# --- What a test sets ---------------------------------------------------------------------------


class Fault(TypedDict, total=False):
    """One way to misbehave. Of several faults that are due, the first in the list happens.

    Keys:
        kind: One of `FAULT_KINDS`.
        times: How often it happens in all; for ever if absent or None.
        every: Only each k-th request (of those with `contains`) is hit; all if absent.
        contains: Only requests whose prompt has this substring are hit.
        retry_after: Seconds in the `Retry-After` header of a 429: 1 if absent, no header if None.
    """

    kind: Required[str]
    times: int | None
    every: int
    contains: str | None
    retry_after: float | None


class ToolCall(TypedDict):
    """A call of a tool, with its arguments as JSON text."""

    name: str
    arguments: str


class AnswerRule(TypedDict):
    """A scripted answer to every prompt that contains a substring.

    Keys:
        contains: The substring; "" matches all prompts.
        text: The answer, still cut by `max_tokens` and `stop`.
        finish_reason: In OpenAI's terms; replaces the one the answer would have.
        logprob_of: Logprobs by token (with its leading white space, see `tokenize`). Wherever one
            of these tokens stands, in the answer or in an echoed prompt, it has its logprob from
            here, and the others are its first candidates.
        thinking: What chat answers have as `reasoning_content`.
        tool_calls: What chat answers call, for the reason of that name.
    """

    contains: str
    text: str
    finish_reason: NotRequired[str]
    logprob_of: NotRequired[dict[str, float]]
    thinking: NotRequired[str]
    tool_calls: NotRequired[list[ToolCall]]


class Allowance(TypedDict, total=False):
    """How much is answered; the rest gets a 429 at once, which says when there is room again.

    Keys:
        requests: How many are answered in any `seconds`; no limit if absent.
        seconds: 60 if absent.
        in_flight: How many are answered at a time; no limit if absent.
    """

    requests: int
    seconds: float
    in_flight: int


@dataclass(frozen=True)
class Behaviour:
    """How the provider answers.

    Args:
        latency_seconds: Every answer, also a faulty one, waits that long.
        faults: What goes wrong, and when.
        answers: Tried in order; the first that matches the prompt answers.
        answer: The answer where no rule matches; `default_answer` if None.
        require_key: Requests without this key (bearer token or `x-api-key`) get a 401.
        reject_fields: Requests with one of these fields in their body get a 400.
        no_logprobs: Chat answers have no logprobs, even if asked for.
        no_streams: Answers come whole, even if a stream is asked for.
        allowance: How much is answered; everything if None.

    Raises:
        ValueError: A fault has an unknown kind or key, or a number is out of range.
    """

    latency_seconds: float = 0.0
    faults: Sequence[Fault] = ()
    answers: Sequence[AnswerRule] = ()
    answer: str | None = None
    require_key: str | None = None
    reject_fields: Sequence[str] = ()
    no_logprobs: bool = False
    no_streams: bool = False
    allowance: Allowance | None = None

    def __post_init__(self) -> None:
        if self.latency_seconds < 0:
            raise ValueError(f"latency_seconds must not be negative: {self.latency_seconds}")
        for fault in self.faults:
            _check_keys("fault", fault, Fault)
            if fault["kind"] not in FAULT_KINDS:
                raise ValueError(f"no fault {fault['kind']!r}; there are {sorted(FAULT_KINDS)}")
            if fault.get("every", 1) < 1:
                raise ValueError(f"'every' of a fault must be at least 1: {fault['every']}")
        for rule in self.answers:
            _check_keys("answer", rule, AnswerRule)
        if self.allowance is not None:
            _check_keys("allowance", self.allowance, Allowance)

    def is_plain(self) -> bool:
        """Whether every request gets its default answer, however late."""
        scripted = self.faults or self.answers or self.answer is not None
        return not (scripted or self.require_key is not None or self.reject_fields)

    @classmethod
    def from_json(cls, values: Json) -> Self:
        """Return the behaviour with these fields; raises ValueError for an unknown one."""
        unknown = values.keys() - cls.__dataclass_fields__.keys()
        if unknown:
            raise ValueError(f"a behaviour has no {sorted(unknown)}")
        return cls(**values)


def _check_keys(what: str, values: Mapping[str, object], shape: Any) -> None:
    missing = shape.__required_keys__ - values.keys()
    unknown = values.keys() - shape.__annotations__.keys()
    if missing or unknown:
        raise ValueError(f"{what} {values}: missing {sorted(missing)}, unknown {sorted(unknown)}")


@dataclass(frozen=True)
class Counters:
    """What the provider received since its start or reset; control calls are not counted.

    Args:
        requests: Number of requests.
        by_path: The same, by path without query.
        in_flight: Requests waiting for their answer now, a hanging one until its client leaves.
        max_in_flight: The most there were at one time.
        connections: Number of different connections the requests came over.
        refused: Requests beyond the allowance.
    """

    requests: int
    by_path: dict[str, int]
    in_flight: int
    max_in_flight: int
    connections: int
    refused: int = 0


@dataclass(frozen=True)
class Received:
    """One request as received; header names are in lower case, `path` has its query.

    `body` is the parsed JSON, the text where that fails, or None for an empty body.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: Any


# --- Tokens, logprobs and answers ---------------------------------------------------------------

_TOKEN = re.compile(r"\s*\S+|\s+$")
_SPACE_OR_WORD = bytes(ord(" " if chr(code).isspace() else "x") for code in range(256))


def tokenize(text: str) -> list[str]:
    """Words with the white space before them; joined, they are `text` again."""
    return _TOKEN.findall(text)


def count_tokens(text: str) -> int:
    """Length of `tokenize(text)`, many times faster on a long prompt."""
    if not text.isascii():
        return len(text.split()) + text[-1:].isspace()
    marks = text.encode("ascii").translate(_SPACE_OR_WORD)
    return marks.count(b" x") + marks.startswith(b"x") + marks.endswith(b" ")


def token_logprob(token: str, position: int) -> float:
    """Logprob in [-4, -0.001] of a token at a position of the answer (or of an echoed prompt)."""
    return -(1 + (_hash(token) + 7919 * position) % 4000) / 1000


def default_answer(prompt: str, sample: int = 0) -> str:
    """The answer to a prompt nothing is scripted for; `sample` counts up to n - 1."""
    return f" The answer is {(_hash(prompt) + sample) % 100}."


def _hash(text: str) -> int:
    return crc32(text.encode("utf-8", "surrogatepass"))


class _Scored(NamedTuple):
    token: str
    logprob: float | None
    candidates: dict[str, float] | None


def _score(tokens: list[str], k: int, logprob_of: Mapping[str, float]) -> list[_Scored]:
    scored = []
    for position, token in enumerate(tokens):
        if token in logprob_of:
            scored.append(_score_scripted(token, k, logprob_of))
        else:
            logprob = token_logprob(token, position)
            candidates = {token: logprob}
            _add_made_up(candidates, token, k, lowest=logprob)
            scored.append(_Scored(token, logprob, candidates))
    return scored


def _score_scripted(token: str, k: int, logprob_of: Mapping[str, float]) -> _Scored:
    best_first = sorted(logprob_of.items(), key=lambda item: -item[1])
    rivals = [item for item in best_first if item[0] != token]
    # the token itself is always listed, even where k better ones are scripted
    listed = [(token, logprob_of[token]), *rivals[: max(k - 1, 0)]]
    candidates = dict(sorted(listed, key=lambda item: -item[1]))
    _add_made_up(candidates, token, k, lowest=min(candidates.values()))
    return _Scored(token, logprob_of[token], candidates)


def _add_made_up(candidates: dict[str, float], token: str, k: int, *, lowest: float) -> None:
    for rank in range(1, k - len(candidates) + 1):
        candidates[f"{token}~{rank}"] = round(lowest - rank / 2, 3)


def _score_nan(tokens: list[str]) -> list[_Scored]:
    return [_Scored(token, math.nan, {token: math.nan}) for token in tokens]


class _BadRequest(Exception):
    """The request is not one the API accepts; answered with a 400."""


class _Query(NamedTuple):
    """A request that will be answered, with the answer fault that is due, if any."""

    body: Json
    prompts: list[str]
    behaviour: Behaviour
    answer_fault: str | None

    def integer(self, field: str) -> int | None:
        value = self.body.get(field)
        if value is None or value is False:
            return None
        if isinstance(value, int) and value >= 0:
            return value
        raise _BadRequest(f"Invalid value for '{field}': {value!r}")

    def max_tokens(self) -> int | None:
        newer = self.integer("max_completion_tokens")
        return self.integer("max_tokens") if newer is None else newer

    def num_samples(self) -> int:
        n = self.integer("n")
        if n is None:
            return 1
        if not 1 <= n <= MAX_SAMPLES:
            raise _BadRequest(f"Invalid value for 'n': {n}")
        return n

    def stops(self) -> list[str]:
        stops = self.body.get("stop") or self.body.get("stop_sequences")
        if not stops:
            return []
        if isinstance(stops, str):
            return [stops]
        if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
            raise _BadRequest(f"Invalid value for 'stop': {stops!r}")
        return [stop for stop in stops if stop]

    def rule(self, prompt: str) -> AnswerRule | None:
        for rule in self.behaviour.answers:
            if rule["contains"] in prompt:
                return rule
        return None


class _Generated(NamedTuple):
    text: str
    tokens: list[str]
    finish_reason: str
    stop_sequence: str | None
    logprob_of: Mapping[str, float]
    thinking: str = ""
    tool_calls: Sequence[ToolCall] = ()


def _generate(query: _Query, prompt: str, sample: int = 0) -> _Generated:
    if query.answer_fault == "refusal":
        return _Generated("", [], "content_filter", None, {})
    rule = query.rule(prompt)
    text = rule["text"] if rule else query.behaviour.answer
    if text is None:
        text = default_answer(prompt, sample)
    tokens = tokenize(text)
    finish_reason, stop_sequence = "stop", None
    max_tokens = query.max_tokens()
    if max_tokens is not None and len(tokens) > max_tokens:
        tokens, finish_reason = tokens[:max_tokens], "length"
        text = "".join(tokens)
    # a stop sequence beyond the last token allowed is never reached, hence this order
    if found := [stop for stop in query.stops() if stop in text]:
        stop_sequence = min(found, key=text.index)
        text, finish_reason = text[: text.index(stop_sequence)], "stop"
        tokens = tokenize(text)
    if query.answer_fault == "length":
        finish_reason, stop_sequence = "length", None
    elif rule:
        if rule.get("tool_calls"):
            finish_reason = "tool_calls"
        finish_reason = rule.get("finish_reason", finish_reason)
    if not rule:
        return _Generated(text, tokens, finish_reason, stop_sequence, {})
    logprob_of = rule.get("logprob_of", {})
    thinking, tool_calls = rule.get("thinking", ""), rule.get("tool_calls", [])
    return _Generated(text, tokens, finish_reason, stop_sequence, logprob_of, thinking, tool_calls)


# --- Answer shapes: each returns the pieces of the body, one for JSON, one an event for a stream --


def _to_bytes(value: object) -> bytes:
    return json.dumps(value).encode()


def _events(payloads: Iterator[Json]) -> list[bytes]:
    events = [b"data: " + _to_bytes(payload) + b"\n\n" for payload in payloads]
    return [*events, b"data: [DONE]\n\n"]


def _usage(num_prompt_tokens: int, num_completion_tokens: int) -> Json:
    return {
        "prompt_tokens": num_prompt_tokens,
        "completion_tokens": num_completion_tokens,
        "total_tokens": num_prompt_tokens + num_completion_tokens,
    }


def _chunks(query: _Query, head: Json, choices: list[Json], usage: Json) -> Iterator[Json]:
    """Stream chunks, one a choice; usage comes last and is null before, if it is asked for."""
    include_usage = (query.body.get("stream_options") or {}).get("include_usage")
    null_usage = {"usage": None} if include_usage else {}
    for choice in choices:
        yield head | {"choices": [choice]} | null_usage
    if include_usage:
        yield head | {"choices": [], "usage": usage}


class _TextChoice(NamedTuple):
    """A choice of /v1/completions; `shown` starts with the prompt's tokens if echo is set."""

    number: int
    shown: list[str]
    scored: list[_Scored] | None
    first_offset: int
    finish_reason: str
    num_generated: int

    def to_json(self) -> Json:
        return {
            "index": self.number,
            "text": "".join(self.shown),
            "logprobs": self._logprobs(self.scored, self.first_offset),
            "finish_reason": self.finish_reason,
        }

    def to_chunks(self) -> Iterator[Json]:
        offset = self.first_offset
        for position, token in enumerate(self.shown):
            scored = None if self.scored is None else [self.scored[position]]
            logprobs = self._logprobs(scored, offset)
            yield {"index": self.number, "text": token, "logprobs": logprobs, "finish_reason": None}
            offset += len(token)
        yield {
            "index": self.number,
            "text": "",
            "logprobs": None,
            "finish_reason": self.finish_reason,
        }

    def _logprobs(self, scored: list[_Scored] | None, offset: int) -> Json | None:
        if scored is None:
            return None
        offsets = []
        for item in scored:
            offsets.append(offset)
            offset += len(item.token)
        return {
            "tokens": [item.token for item in scored],
            "token_logprobs": [item.logprob for item in scored],
            "top_logprobs": [item.candidates for item in scored],
            "text_offset": offsets,
        }


def _text_choice(query: _Query, prompt: str, number: int, sample: int) -> _TextChoice:
    generated = _generate(query, prompt, sample)
    echoed = tokenize(prompt) if query.body.get("echo") else []
    shown = echoed + generated.tokens
    k = query.integer("logprobs")
    scored = None
    if query.answer_fault == "nan":
        scored = _score_nan(shown)
    elif k is not None:
        scored = _score(echoed, k, generated.logprob_of)
        # the first token of a prompt has no logprob: nothing precedes it
        scored[:1] = [_Scored(token, None, None) for token in echoed[:1]]
        scored += _score(generated.tokens, k, generated.logprob_of)
    first_offset = 0 if echoed else len(prompt)
    return _TextChoice(
        number, shown, scored, first_offset, generated.finish_reason, len(generated.tokens)
    )


def _answer_completions(query: _Query) -> list[bytes]:
    num_samples = query.num_samples()
    choices = [
        _text_choice(query, prompt, number * num_samples + sample, sample)
        for number, prompt in enumerate(query.prompts)
        for sample in range(num_samples)
    ]
    head = {
        "id": f"cmpl-{_hash(query.prompts[0]):08x}",
        "object": "text_completion",
        "created": CREATED,
        "model": query.body.get("model", MODEL),
    }
    num_prompt_tokens = sum([count_tokens(prompt) for prompt in query.prompts])
    num_generated = sum([choice.num_generated for choice in choices])
    usage = _usage(num_prompt_tokens, num_generated)
    if query.body.get("stream"):
        deltas = [delta for choice in choices for delta in choice.to_chunks()]
        return _events(_chunks(query, head, deltas, usage))
    body = head | {"choices": [choice.to_json() for choice in choices], "usage": usage}
    return [_to_bytes(body)]


REFUSAL = "I'm sorry, I can't help with that."


class _ChatChoice(NamedTuple):
    number: int
    generated: _Generated
    scored: list[Json] | None

    def _is_refusal(self) -> bool:
        return self.generated.finish_reason == "content_filter" and not self.generated.tokens

    def to_json(self) -> Json:
        refused = self._is_refusal()
        has_no_text = refused or (self.generated.tool_calls and not self.generated.text)
        message: Json = {
            "role": "assistant",
            "content": None if has_no_text else self.generated.text,
            "refusal": REFUSAL if refused else None,
        }
        if self.generated.thinking:
            message["reasoning_content"] = self.generated.thinking
        if self.generated.tool_calls:
            message["tool_calls"] = [
                self._tool_call(number, call["name"], call["arguments"])
                for number, call in enumerate(self.generated.tool_calls)
            ]
        return {
            "index": self.number,
            "message": message,
            "logprobs": None if self.scored is None else {"content": self.scored, "refusal": None},
            "finish_reason": self.generated.finish_reason,
        }

    def to_chunks(self) -> Iterator[Json]:
        yield self._chunk({"role": "assistant", "content": ""})
        if self._is_refusal():
            yield self._chunk({"refusal": REFUSAL})
        for token in tokenize(self.generated.thinking):
            yield self._chunk({"reasoning_content": token})
        for position, token in enumerate(self.generated.tokens):
            chunk = self._chunk({"content": token})
            if self.scored is not None:
                chunk["logprobs"] = {"content": [self.scored[position]], "refusal": None}
            yield chunk
        for number, call in enumerate(self.generated.tool_calls):
            for piece in self._tool_call_pieces(number, call):
                yield self._chunk({"tool_calls": [{"index": number, **piece}]})
        yield self._chunk({}) | {"finish_reason": self.generated.finish_reason}

    def _tool_call(self, number: int, name: str, arguments: str) -> Json:
        function = {"name": name, "arguments": arguments}
        return {"id": f"call_{self.number}_{number}", "type": "function", "function": function}

    def _tool_call_pieces(self, number: int, call: ToolCall) -> Iterator[Json]:
        yield self._tool_call(number, call["name"], "")
        for token in tokenize(call["arguments"]):
            yield {"function": {"arguments": token}}

    def _chunk(self, delta: Json) -> Json:
        return {"index": self.number, "delta": delta, "logprobs": None, "finish_reason": None}


def _chat_choice(query: _Query, number: int) -> _ChatChoice:
    generated = _generate(query, query.prompts[0], number)
    if query.answer_fault == "nan":
        scored = _score_nan(generated.tokens)
    elif query.body.get("logprobs") and not query.behaviour.no_logprobs:
        k = query.integer("top_logprobs") or 0
        scored = _score(generated.tokens, k, generated.logprob_of)
        if k == 0:
            scored = [item._replace(candidates={}) for item in scored]
    else:
        return _ChatChoice(number, generated, None)
    content = [
        _chat_token(item.token, item.logprob)
        | {"top_logprobs": [_chat_token(*candidate) for candidate in item.candidates.items()]}
        for item in scored
        if item.candidates is not None
    ]
    return _ChatChoice(number, generated, content)


def _chat_token(token: str, logprob: float | None) -> Json:
    return {
        "token": token,
        "logprob": logprob,
        "bytes": list(token.encode("utf-8", "surrogatepass")),
    }


def _answer_chat(query: _Query) -> list[bytes]:
    choices = [_chat_choice(query, number) for number in range(query.num_samples())]
    streamed = query.body.get("stream")
    head = {
        "id": f"chatcmpl-{_hash(query.prompts[0]):08x}",
        "object": "chat.completion.chunk" if streamed else "chat.completion",
        "created": CREATED,
        "model": query.body.get("model", MODEL),
    }
    num_thought = sum([count_tokens(choice.generated.thinking) for choice in choices])
    num_generated = num_thought + sum([len(choice.generated.tokens) for choice in choices])
    usage = _usage(_count_message_tokens(query.body), num_generated)
    if num_thought:
        usage["completion_tokens_details"] = {"reasoning_tokens": num_thought}
    if streamed:
        deltas = [delta for choice in choices for delta in choice.to_chunks()]
        return _events(_chunks(query, head, deltas, usage))
    body = head | {"choices": [choice.to_json() for choice in choices], "usage": usage}
    return [_to_bytes(body)]


# OpenAI's finish reasons, in which rules and faults are written, in Anthropic's terms
_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "content_filter": "refusal",
    "tool_calls": "tool_use",
}


def _answer_messages(query: _Query) -> list[bytes]:
    generated = _generate(query, query.prompts[0])
    stop_reason = _STOP_REASONS.get(generated.finish_reason, generated.finish_reason)
    if generated.stop_sequence is not None and stop_reason == "end_turn":
        stop_reason = "stop_sequence"
    stopped = {"stop_reason": stop_reason, "stop_sequence": generated.stop_sequence}
    system = _content_text(query.body.get("system"))
    num_prompt_tokens = count_tokens(system) + _count_message_tokens(query.body)
    text = generated.text
    message: Json = {
        "id": f"msg_{_hash(query.prompts[0]):08x}",
        "type": "message",
        "role": "assistant",
        "model": query.body.get("model", MODEL),
        "content": [{"type": "text", "text": text}] if text else [],
        **stopped,
        "usage": {"input_tokens": num_prompt_tokens, "output_tokens": len(generated.tokens)},
    }
    if query.answer_fault == "nan":
        message["logprob"] = math.nan
    if query.body.get("stream"):
        return _message_events(message, generated.tokens, stopped)
    return [_to_bytes(message)]


def _message_events(message: Json, tokens: list[str], stopped: Json) -> list[bytes]:
    start = message | {"content": [], "stop_reason": None, "stop_sequence": None}
    start["usage"] = message["usage"] | {"output_tokens": 0}
    deltas = [
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": token},
        }
        for token in tokens
    ]
    block = {"type": "text", "text": ""}
    payloads: list[Json] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *deltas,
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": stopped,
            "usage": {"output_tokens": message["usage"]["output_tokens"]},
        },
        {"type": "message_stop"},
    ]
    return [
        b"event: %b\ndata: %b\n\n" % (payload["type"].encode(), _to_bytes(payload))
        for payload in payloads
    ]


def _answer_embeddings(query: _Query) -> list[bytes]:
    num_dimensions = query.integer("dimensions") or NUM_EMBEDDING_DIMENSIONS
    data = []
    for index, text in enumerate(query.prompts):
        vector = embedding(text, num_dimensions)
        if query.answer_fault == "nan":
            vector = [math.nan] * num_dimensions
        packed = struct.pack(f"<{num_dimensions}f", *vector)
        as_base64 = query.body.get("encoding_format") == "base64"
        value = base64.b64encode(packed).decode() if as_base64 else vector
        data.append({"object": "embedding", "index": index, "embedding": value})
    num_tokens = sum(map(count_tokens, query.prompts))
    answer = {
        "object": "list",
        "data": data,
        "model": query.body.get("model", MODEL),
        "usage": {"prompt_tokens": num_tokens, "total_tokens": num_tokens},
    }
    return [_to_bytes(answer)]


def embedding(text: str, num_dimensions: int = NUM_EMBEDDING_DIMENSIONS) -> list[float]:
    """A vector of length 1 (to 6 digits) that depends on the text alone."""
    digest = hashlib.shake_256(text.encode("utf-8", "surrogatepass")).digest(4 * num_dimensions)
    values = struct.unpack(f"<{num_dimensions}i", digest)
    length = math.hypot(*values) or 1.0
    return [round(value / length, 6) for value in values]


def _answer_bare(query: _Query) -> list[bytes]:
    completions: list[Json] = [
        {"text": _generate(query, prompt, sample).text}
        for prompt in query.prompts
        for sample in range(query.num_samples())
    ]
    if query.answer_fault == "nan":
        completions = [completion | {"logprob": math.nan} for completion in completions]
    return [_to_bytes({"completions": completions})]


def _answer_models(query: _Query) -> list[bytes]:
    model = {"id": MODEL, "object": "model", "created": CREATED, "owned_by": "fake"}
    return [_to_bytes({"object": "list", "data": [model]})]


# --- Prompts: what rules, faults and default answers look at -------------------------------------


def _prompts_of_text(field: str) -> Callable[[Json], list[str]]:
    def prompts(body: Json) -> list[str]:
        value = body.get(field)
        if isinstance(value, str):
            return [value]
        if isinstance(value, list) and value:
            if all(isinstance(item, str) for item in value):
                return list(value)
            if all(isinstance(item, int) for item in value):
                return [_text_of_ids(value)]
            if all(isinstance(item, list) for item in value):
                return [_text_of_ids(ids) for ids in value]
        raise _BadRequest(f"'{field}' must be a text, a list of texts or token ids")

    return prompts


def _text_of_ids(ids: list[object]) -> str:
    return " ".join(map(str, ids))


def _prompts_of_messages(body: Json) -> list[str]:
    """The last user message; whatever comes last where there is none."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise _BadRequest("'messages' must be a list with at least one message")
    for message in messages:
        if not isinstance(message, dict):
            raise _BadRequest(f"not a message: {message!r}")
    for message in reversed(messages):
        if message.get("role") == "user":
            return [_content_text(message.get("content"))]
    return [_content_text(messages[-1].get("content"))]


def _content_text(content: object) -> str:
    """Text of a message; of a list of parts, the text parts only."""
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        return "".join(part["text"] for part in content if isinstance(part.get("text"), str))
    raise _BadRequest(f"not the content of a message: {content!r}")


def _count_message_tokens(body: Json) -> int:
    return sum([count_tokens(_content_text(item.get("content"))) for item in body["messages"]])


# --- Common requests, answered without the machinery above, for benchmarks ------------------------

_NUM_DEFAULT_TOKENS = 4
_PLAIN_TEXT = (
    '{"id": "cmpl-%08x", "object": "text_completion", "created": %d, "model": %s, "choices": '
    '[{"index": 0, "text": " The answer is %d.", "logprobs": null, "finish_reason": "stop"}], '
    '"usage": {"prompt_tokens": %d, "completion_tokens": 4, "total_tokens": %d}}'
)
_PLAIN_CHAT = (
    '{"id": "chatcmpl-%08x", "object": "chat.completion", "created": %d, "model": %s, "choices": '
    '[{"index": 0, "message": {"role": "assistant", "content": " The answer is %d.", '
    '"refusal": null}, "logprobs": null, "finish_reason": "stop"}], '
    '"usage": {"prompt_tokens": %d, "completion_tokens": 4, "total_tokens": %d}}'
)


def _plain_text(body: Json) -> bytes | None:
    """What `_answer_completions` says under a plain behaviour; None if the request is not plain."""
    return _fill_plain(_PLAIN_TEXT, body, body.get("prompt"))


def _plain_chat(body: Json) -> bytes | None:
    """The same for `_answer_chat`; only a chat of one message, the user's, is plain."""
    messages = body.get("messages")
    if type(messages) is not list or len(messages) != 1 or type(messages[0]) is not dict:
        return None
    if messages[0].get("role") != "user":
        return None
    return _fill_plain(_PLAIN_CHAT, body, messages[0].get("content"))


def _fill_plain(template: str, body: Json, prompt: object) -> bytes | None:
    field = body.get
    model = field("model")
    if type(prompt) is not str or type(model) is not str:
        return None
    # the general code looks at no other field that could be set here
    if field("stop") or field("stop_sequences") or field("stream") or field("echo"):
        return None
    if field("n", 1) != 1 or not (field("logprobs") is None or field("logprobs") is False):
        return None
    max_tokens = field("max_completion_tokens", field("max_tokens", _NUM_DEFAULT_TOKENS))
    if type(max_tokens) is not int or max_tokens < _NUM_DEFAULT_TOKENS:
        return None
    number, num_tokens = _hash(prompt), count_tokens(prompt)
    values = (
        number,
        CREATED,
        encode_basestring_ascii(model),
        number % 100,
        num_tokens,
        num_tokens + _NUM_DEFAULT_TOKENS,
    )
    return (template % values).encode("ascii")


class _Endpoint(NamedTuple):
    method: str
    prompts_of: Callable[[Json], list[str]]
    answer: Callable[[_Query], list[bytes]]
    answer_plain: Callable[[Json], bytes | None] = lambda body: None
    can_stream: bool = True


_prompts = _prompts_of_text("prompt")
_inputs = _prompts_of_text("input")
_ENDPOINTS = {
    "/v1/completions": _Endpoint("POST", _prompts, _answer_completions, _plain_text),
    "/v1/chat/completions": _Endpoint("POST", _prompts_of_messages, _answer_chat, _plain_chat),
    "/v1/messages": _Endpoint("POST", _prompts_of_messages, _answer_messages),
    "/v1/embeddings": _Endpoint("POST", _inputs, _answer_embeddings, can_stream=False),
    "/v1/models": _Endpoint("GET", lambda body: [""], _answer_models, can_stream=False),
    "/complete": _Endpoint("POST", _prompts, _answer_bare, can_stream=False),
}


# --- HTTP ---------------------------------------------------------------------------------------


class _Request(NamedTuple):
    method: str
    target: str
    path: str
    head: bytes
    lower_head: bytes
    body: bytes

    def header(self, name: bytes) -> str | None:
        value = _header(self.head, self.lower_head, name)
        return None if value is None else value.decode("latin-1")

    def wants_close(self) -> bool:
        connection = _header(self.lower_head, self.lower_head, b"connection")
        if b" http/1.0\r\n" in self.lower_head:
            return connection != b"keep-alive"
        return connection == b"close"


class _Malformed(Exception):
    """The bytes received are not HTTP."""


def _header(head: bytes, lower_head: bytes, name: bytes) -> bytes | None:
    start = lower_head.find(b"\r\n%b:" % name)
    if start < 0:
        return None
    start += len(name) + 3
    return head[start : head.find(b"\r\n", start)].strip()


def _parse_request(buffer: bytes) -> tuple[_Request, int] | None:
    """The first request in `buffer` and the index behind it; None where it is not complete yet."""
    head_end = buffer.find(b"\r\n\r\n") + 4
    if head_end < 4:
        return None
    # keeps the line break behind the last header: each one then has an end to find
    head = buffer[: head_end - 2]
    lower_head = head.lower()
    request_line = head[: head.find(b"\r\n")].decode("latin-1").split(" ")
    if len(request_line) != 3:
        raise _Malformed("bad request line")
    found = _find_body(buffer, head_end, lower_head)
    if found is None:
        return None
    body, end = found
    method, target, _ = request_line
    return _Request(method, target, target.partition("?")[0], head, lower_head, body), end


def _find_body(buffer: bytes, start: int, lower_head: bytes) -> tuple[bytes, int] | None:
    length = _header(lower_head, lower_head, b"content-length")
    if length is not None:
        if not length.isdigit():
            raise _Malformed("bad Content-Length")
        end = start + int(length)
        return (buffer[start:end], end) if len(buffer) >= end else None
    if _header(lower_head, lower_head, b"transfer-encoding") == b"chunked":
        return _decode_chunks(buffer, start)
    return b"", start


def _decode_chunks(buffer: bytes, start: int) -> tuple[bytes, int] | None:
    chunks: list[bytes] = []
    while (line_end := buffer.find(b"\r\n", start)) >= 0:
        try:
            size = int(buffer[start:line_end].partition(b";")[0], 16)
        except ValueError as error:
            raise _Malformed("bad chunk size") from error
        if size == 0:
            # the body ends with an empty line, behind optional trailers
            end = buffer.find(b"\r\n\r\n", line_end)
            return (b"".join(chunks), end + 4) if end >= 0 else None
        start = line_end + 2 + size + 2
        if len(buffer) < start:
            return None
        chunks.append(buffer[line_end + 2 : start - 2])
    return None


class _Then(Enum):
    KEEP_OPEN = "keep open"
    CLOSE = "close"
    HANG = "hang"
    RESET = "reset"


class _Reply(NamedTuple):
    """The bytes to send, and what happens to the connection then."""

    wire: bytes
    then: _Then = _Then.KEEP_OPEN
    is_immediate: bool = False  # whatever the latency


_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}


def _wire(
    body: bytes,
    status: int = 200,
    content_type: bytes = b"application/json",
    headers: bytes = b"",
) -> bytes:
    values = (status, _PHRASES[status], content_type, len(body), headers, body)
    return b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n%b" % values


def _stream_wire(events: list[bytes]) -> bytes:
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        b"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunks = [b"%x\r\n%b\r\n" % (len(event), event) for event in events]
    return b"".join([head, *chunks, b"0\r\n\r\n"])


class _Error(NamedTuple):
    message: str
    type: str
    code: str | None


_ERRORS = {
    400: _Error("The request is invalid.", "invalid_request_error", None),
    401: _Error("Incorrect API key provided.", "authentication_error", "invalid_api_key"),
    404: _Error("The model does not exist.", "not_found_error", "model_not_found"),
    405: _Error("Not allowed to use this method.", "invalid_request_error", None),
    429: _Error("Rate limit reached.", "rate_limit_error", "rate_limit_exceeded"),
    500: _Error("The server had an error.", "server_error", None),
    503: _Error("The engine is overloaded.", "overloaded_error", None),
}


def _error_wire(path: str, status: int, error: _Error, headers: bytes = b"") -> bytes:
    body: Json = {"error": error._asdict()}
    if path == "/v1/messages":
        body["type"] = "error"
    return _wire(_to_bytes(body), status, headers=headers)


# --- The server ---------------------------------------------------------------------------------


class _FaultSchedule:
    """Says which fault is due; every fault counts the requests it could hit by itself."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = faults
        self._num_seen = [0] * len(faults)
        self._num_done = [0] * len(faults)

    def next_due(self, prompt: str) -> Fault | None:
        due = None
        for index, fault in enumerate(self._faults):
            if (fault.get("contains") or "") not in prompt:
                continue
            self._num_seen[index] += 1
            times = fault.get("times")
            is_turn = self._num_seen[index] % fault.get("every", 1) == 0
            if due is None and is_turn and (times is None or self._num_done[index] < times):
                self._num_done[index] += 1
                due = fault
        return due


class _Provider:
    """The state all connections share, and the answer to every request."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.in_flight = 0
        self.num_resets = 0
        self.replace_behaviour(behaviour)
        self.reset()

    def replace_behaviour(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self._faults = _FaultSchedule(behaviour.faults)
        self._is_plain = behaviour.is_plain()

    def reset(self) -> None:
        self.num_resets += 1
        self._num_requests = 0
        self._by_path: dict[str, int] = {}
        self._max_in_flight = self.in_flight
        self._num_connections = 0
        self._num_refused = 0
        self._accepted_at: deque[float] = deque()
        self._last: deque[_Request] = deque(maxlen=NUM_KEPT_REQUESTS)
        self._faults = _FaultSchedule(self.behaviour.faults)

    def receive(self, request: _Request, *, first_of_connection: bool) -> None:
        """Count the request as received and in flight; the connection ends the latter."""
        path = request.path
        self._num_requests += 1
        self._by_path[path] = self._by_path.get(path, 0) + 1
        self._num_connections += first_of_connection
        self._last.append(request)
        self.in_flight += 1
        self._max_in_flight = max(self._max_in_flight, self.in_flight)

    def reply(self, request: _Request) -> _Reply:
        path = request.path
        endpoint = _ENDPOINTS.get(path)
        if endpoint is None:
            error = _Error(f"No endpoint {path}", "not_found_error", "unknown_url")
            return _Reply(_error_wire(path, 404, error))
        if request.method != endpoint.method:
            return _Reply(_error_wire(path, 405, _ERRORS[405]))
        if not self._is_authorised(request):
            return _Reply(_error_wire(path, 401, _ERRORS[401]))
        if self.behaviour.allowance is not None:
            wait = self._seconds_until_allowed(self.behaviour.allowance)
            if wait > 0:
                self._num_refused += 1
                headers = b"Retry-After: %.3f\r\n" % wait
                return _Reply(_error_wire(path, 429, _ERRORS[429], headers), is_immediate=True)
        try:
            return self._answer(path, endpoint, _parse_body(request.body))
        except _BadRequest as bad:
            return _Reply(_error_wire(path, 400, _ERRORS[400]._replace(message=str(bad))))

    def _answer(self, path: str, endpoint: _Endpoint, body: Json) -> _Reply:
        if self._is_plain and (answer := endpoint.answer_plain(body)):
            return _Reply(_wire(answer))
        prompts = endpoint.prompts_of(body)
        fault = self._faults.next_due("\n".join(prompts)) if self.behaviour.faults else None
        if fault and (reply := _reply_without_answer(path, fault)):
            return reply
        for field in self.behaviour.reject_fields:
            if field in body:
                message = f"Unsupported parameter: {field}"
                error = _Error(message, "invalid_request_error", "unsupported_parameter")
                return _Reply(_error_wire(path, 400, error))
        if self.behaviour.no_streams:
            body = {**body, "stream": False}
        kind = fault["kind"] if fault else None
        pieces = endpoint.answer(_Query(body, prompts, self.behaviour, kind))
        if kind == "half_json":
            whole = b"".join(pieces)
            pieces = [whole[: len(whole) // 2]]
        streamed = endpoint.can_stream and body.get("stream")
        wire = _stream_wire(pieces) if streamed else _wire(pieces[0])
        if kind == "cut":
            num_missing_bytes = sum(map(len, pieces)) // 2
            return _Reply(wire[:-num_missing_bytes], _Then.CLOSE)
        return _Reply(wire)

    def _seconds_until_allowed(self, allowance: Allowance) -> float:
        """0 for a request that is allowed, which then counts."""
        if self.in_flight > allowance.get("in_flight", math.inf):
            return 1.0  # a guess, as theirs are
        now, seconds = time.monotonic(), allowance.get("seconds", 60.0)
        while self._accepted_at and self._accepted_at[0] <= now - seconds:
            self._accepted_at.popleft()
        if len(self._accepted_at) >= allowance.get("requests", math.inf):
            return self._accepted_at[0] + seconds - now
        self._accepted_at.append(now)
        return 0.0

    def _is_authorised(self, request: _Request) -> bool:
        key = self.behaviour.require_key
        if key is None or request.header(b"x-api-key") == key:
            return True
        return request.header(b"authorization") == f"Bearer {key}"

    def control(self, request: _Request) -> _Reply:
        match request.method, request.path:
            case "GET", "/control/counters":
                return _Reply(_wire(_to_bytes(asdict(self._counters()))))
            case "GET", "/control/last":
                return _Reply(_wire(_to_bytes([asdict(_to_received(r)) for r in self._last])))
            case "POST", "/control/reset":
                self.reset()
            case "POST", "/control/behaviour":
                try:
                    self.replace_behaviour(Behaviour.from_json(_parse_body(request.body)))
                except (_BadRequest, ValueError, TypeError) as error:
                    return _Reply(_wire(_to_bytes({"error": str(error)}), 400))
            case _:
                return _Reply(_wire(_to_bytes({"error": "no such control call"}), 404))
        return _Reply(_wire(b"{}"))

    def _counters(self) -> Counters:
        return Counters(
            requests=self._num_requests,
            by_path=self._by_path,
            in_flight=self.in_flight,
            max_in_flight=self._max_in_flight,
            connections=self._num_connections,
            refused=self._num_refused,
        )


def _parse_body(data: bytes) -> Json:
    try:
        body = json.loads(data.decode()) if data else {}
    except ValueError as error:
        raise _BadRequest(f"The body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise _BadRequest("The body is not a JSON object")
    return body


def _reply_without_answer(path: str, fault: Fault) -> _Reply | None:
    """The reply of a fault that needs no answer to spoil; None for the other kinds."""
    kind = fault["kind"]
    if kind in STATUS_FAULTS:
        status = int(kind)
        retry_after = fault.get("retry_after", 1) if status == 429 else None
        headers = b"" if retry_after is None else b"Retry-After: %g\r\n" % retry_after
        return _Reply(_error_wire(path, status, _ERRORS[status], headers))
    match kind:
        case "hang":
            return _Reply(b"", _Then.HANG)
        case "reset":
            return _Reply(b"", _Then.RESET)
        case "html":
            page = b"<!DOCTYPE html><html><body><h1>Bad gateway</h1></body></html>"
            return _Reply(_wire(page, content_type=b"text/html"))
        case "empty":
            return _Reply(_wire(b""))
        case "no_choices":
            return _Reply(_wire(b'{"choices": []}'))
    return None


def _to_received(request: _Request) -> Received:
    headers = {}
    for line in request.head.decode("latin-1").split("\r\n")[1:-1]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body: Any = None
    if request.body:
        try:
            body = json.loads(request.body)
        except ValueError:
            body = request.body.decode("utf-8", "replace")
    return Received(request.method, request.target, headers, body)


class _Connection(asyncio.BufferedProtocol):
    """One connection; it answers one request at a time, in the order received."""

    # Shared by all connections, as one is read at a time. A plain `Protocol` has asyncio allocate
    # as much anew for every read, which was a third of the time a short answer took.
    _received = memoryview(bytearray(256 * 1024))
    _transport: asyncio.Transport

    def __init__(self, provider: _Provider) -> None:
        self._provider = provider
        self._buffer = b""
        self._is_busy = False
        self._timer: asyncio.TimerHandle | None = None
        self._counted_in = 0  # the provider's num_resets when this connection was last counted

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()
        if self._is_busy:
            self._provider.in_flight -= 1

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._received

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(self._received[:nbytes])
        self._buffer = self._buffer + data if self._buffer else data
        self._serve()

    def _serve(self) -> None:
        while self._buffer and not self._is_busy and not self._transport.is_closing():
            try:
                parsed = _parse_request(self._buffer)
            except _Malformed as malformed:
                error = _ERRORS[400]._replace(message=str(malformed))
                self._send(_Reply(_error_wire("", 400, error), _Then.CLOSE))
                return
            if parsed is None:
                return
            request, end = parsed
            self._buffer = self._buffer[end:]
            if request.path.startswith("/control/"):
                self._send(self._provider.control(request), request)
            else:
                self._receive(request)

    def _receive(self, request: _Request) -> None:
        provider = self._provider
        is_first = self._counted_in != provider.num_resets
        self._counted_in = provider.num_resets
        provider.receive(request, first_of_connection=is_first)
        self._is_busy = True
        reply = provider.reply(request)
        latency = provider.behaviour.latency_seconds
        if latency and not reply.is_immediate:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(latency, self._finish_late, request, reply)
        else:
            self._finish(request, reply)

    def _finish_late(self, request: _Request, reply: _Reply) -> None:
        self._timer = None
        self._finish(request, reply)
        self._serve()

    def _finish(self, request: _Request, reply: _Reply) -> None:
        if reply.then is _Then.HANG:
            return
        self._is_busy = False
        self._provider.in_flight -= 1
        self._send(reply, request)

    def _send(self, reply: _Reply, request: _Request | None = None) -> None:
        if reply.then is _Then.RESET:
            connection = self._transport.get_extra_info("socket")
            # with a linger time of 0, closing sends a reset instead of an orderly end
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
            return
        self._transport.write(reply.wire)
        if reply.then is _Then.CLOSE or (request is not None and request.wants_close()):
            self._transport.close()


async def _run_server(port: int, behaviour: Behaviour, *, end_with_stdin: bool) -> None:
    loop = asyncio.get_running_loop()
    provider = _Provider(behaviour)
    # asyncio sets TCP_NODELAY on every connection by itself
    server = await loop.create_server(lambda: _Connection(provider), HOST, port, backlog=1024)
    ended = asyncio.Event()

    def read_stdin() -> None:
        if not os.read(sys.stdin.fileno(), 1024):
            loop.remove_reader(sys.stdin)
            ended.set()

    if end_with_stdin:
        loop.add_reader(sys.stdin, read_stdin)
    print(f"listening on http://{HOST}:{server.sockets[0].getsockname()[1]}", flush=True)
    await ended.wait()


def _allow_many_connections() -> None:
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    is_unlimited = hard_limit == resource.RLIM_INFINITY
    soft_limit = MAX_OPEN_FILES if is_unlimited else min(MAX_OPEN_FILES, hard_limit)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft_limit, hard_limit))


def main() -> None:
    """Serve until a signal comes, or standard input ends if that is asked for."""
    parser = argparse.ArgumentParser(description="Stands in for LLM providers on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--latency", type=float, help="seconds each answer waits")
    parser.add_argument("--behaviour", type=json.loads, default={}, help="a Behaviour, as JSON")
    parser.add_argument(
        "--end-with-stdin",
        action="store_true",
        help="end when standard input does: as a pipe, that is when the parent process ends",
    )
    args = parser.parse_args()
    behaviour = Behaviour.from_json(args.behaviour)
    if args.latency is not None:
        behaviour = replace(behaviour, latency_seconds=args.latency)
    # end quietly and at once, also when a terminal interrupts the tests
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _allow_many_connections()
    asyncio.run(_run_server(args.port, behaviour, end_with_stdin=args.end_with_stdin))


# --- The handle a test holds --------------------------------------------------------------------


class FakeProvider:
    """Runs a provider in a process of its own, from `__enter__` to `__exit__`.

    Attributes:
        url: "http://127.0.0.1:PORT", once entered.
    """

    url: str

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self._behaviour = behaviour or Behaviour()

    def __enter__(self) -> Self:
        options = ["--end-with-stdin", "--behaviour", json.dumps(asdict(self._behaviour))]
        # isolated and without site packages: starts faster, and needs nothing of them
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the fake provider did not start: exit {self._process.wait()}")
        self.url = line.removeprefix("listening on ").strip()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.communicate()

    @property
    def pid(self) -> int:
        """Id of the process that answers, for a benchmark to read its CPU time."""
        return self._process.pid

    def counters(self) -> Counters:
        """Return what was received since the start or the last `reset`."""
        return Counters(**self._control("GET", "counters"))

    def last(self) -> list[Received]:
        """Return the last requests received, at most 50, oldest first."""
        return [Received(**received) for received in self._control("GET", "last")]

    def set(self, behaviour: Behaviour) -> None:
        """Replace the behaviour for all requests from now on; counters go on."""
        self._control("POST", "behaviour", asdict(behaviour))

    def reset(self) -> None:
        """Forget counters, last requests and fault counts; the behaviour stays."""
        self._control("POST", "reset")

    def _control(self, method: str, call: str, body: Json | None = None) -> Any:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=10)
        try:
            connection.request(method, f"/control/{call}", json.dumps(body or {}))
            response = connection.getresponse()
            answer = json.load(response)
        finally:
            connection.close()
        if response.status != HTTPStatus.OK:
            raise RuntimeError(f"/control/{call}: {answer['error']}")
        return answer


if __name__ == "__main__":
    main()
