"""Tests of the provider all client tests rely on, over real sockets."""

import base64
import http.client
import json
import math
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import pytest

import fake_provider
from fake_provider import (
    AnswerRule,
    Behaviour,
    Counters,
    FakeProvider,
    Fault,
    Json,
    Received,
    ToolCall,
    count_tokens,
    default_answer,
    embedding,
    token_logprob,
    tokenize,
)
from waiting import until

CHAT = "/v1/chat/completions"
TEXT = "/v1/completions"
MESSAGES = "/v1/messages"
DEADLINE_SECONDS = 10.0


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@pytest.fixture(scope="module")
def shared_provider() -> Iterator[FakeProvider]:
    with FakeProvider() as running:
        yield running


@pytest.fixture
def provider(shared_provider: FakeProvider) -> FakeProvider:
    shared_provider.set(Behaviour())
    shared_provider.reset()
    return shared_provider


@contextmanager
def connect(url: str, timeout: float = DEADLINE_SECONDS) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=timeout)
    with closing(connection):
        yield connection


def open_socket(provider: FakeProvider) -> socket.socket:
    address = (fake_provider.HOST, int(provider.url.rpartition(":")[2]))
    return socket.create_connection(address, timeout=DEADLINE_SECONDS)


def send(
    connection: http.client.HTTPConnection,
    path: str,
    body: object,
    headers: dict[str, str] | None = None,
    method: str = "POST",
) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, path, data, headers or {})
    response = connection.getresponse()
    return Answer(response.status, response.headers, response.read())


def post(
    provider: FakeProvider, path: str, body: object, headers: dict[str, str] | None = None
) -> Answer:
    with connect(provider.url) as connection:
        return send(connection, path, body, headers)


def get(provider: FakeProvider, path: str) -> Answer:
    with connect(provider.url) as connection:
        return send(connection, path, b"", method="GET")


def chat(prompt: object, **options: object) -> Json:
    return {"model": "m", "messages": [{"role": "user", "content": prompt}], **options}


def text(prompt: object, **options: object) -> Json:
    return {"model": "m", "prompt": prompt, **options}


def ask_chat(provider: FakeProvider, prompt: object, **options: object) -> Json:
    answer: Json = post(provider, CHAT, chat(prompt, **options)).json()
    return answer


def ask_text(provider: FakeProvider, prompt: object, **options: object) -> Json:
    answer: Json = post(provider, TEXT, text(prompt, **options)).json()
    return answer


def events(answer: Answer) -> list[Json]:
    """The payloads of a stream that ends with [DONE]."""
    assert answer.headers["Content-Type"] == "text/event-stream"
    *payloads, done, rest = answer.body.decode().split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(payload.removeprefix("data: ")) for payload in payloads]


# --- Tokens -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    ["", " ", "a", " a", "a ", "a\n", "\n\ta  b\x1cc\x1f ", "é b", "é\u00a0 ü\u3000", "\x00 a"],
)
def test_tokens_join_to_the_text_and_are_counted(words: str) -> None:
    assert "".join(tokenize(words)) == words
    assert count_tokens(words) == len(tokenize(words))


# --- Answers ------------------------------------------------------------------------------------


def test_chat_has_the_shape_of_the_api(provider: FakeProvider) -> None:
    answer = ask_chat(provider, "2 + 2 =")
    assert answer["object"] == "chat.completion"
    assert answer["model"] == "m"
    assert answer["created"] == fake_provider.CREATED
    assert answer["usage"] == {"prompt_tokens": 4, "completion_tokens": 4, "total_tokens": 8}
    assert answer["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": default_answer("2 + 2 ="), "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]


def test_completion_has_the_shape_of_the_api(provider: FakeProvider) -> None:
    answer = ask_text(provider, "2 + 2 =")
    assert answer["object"] == "text_completion"
    assert answer["usage"] == {"prompt_tokens": 4, "completion_tokens": 4, "total_tokens": 8}
    assert answer["choices"] == [
        {
            "index": 0,
            "text": default_answer("2 + 2 ="),
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (TEXT, text('"é"\n\ud83d\ude00 \ud800', max_tokens=16, temperature=0.5, n=1, stop=None)),
        (TEXT, text("a b ", logprobs=None, max_tokens=4, stream=False)),
        (TEXT, text("a", max_tokens=3)),
        (TEXT, text("a", max_completion_tokens=None, max_tokens=2)),
        (TEXT, text("a", logprobs=0)),
        (TEXT, text("a", logprobs=False)),
        (TEXT, text("a", echo=True)),
        (TEXT, text("a", n=2)),
        (TEXT, text("a", stop_sequences=["answer"])),
        (TEXT, {"prompt": "no model"}),
        (CHAT, chat("a", logprobs=False, seed=1)),
        (CHAT, chat("a", max_completion_tokens=2, max_tokens=9)),
        (CHAT, chat([{"type": "text", "text": "a"}])),
        (CHAT, chat("a", messages=[{"role": "assistant", "content": "b"}])),
        (CHAT, {"model": "m", "prompt": "b", "messages": []}),
        (CHAT, chat("a", system="b c d")),
    ],
)
def test_the_fast_answer_is_the_general_one(provider: FakeProvider, path: str, body: Json) -> None:
    fast = post(provider, path, body)
    provider.set(Behaviour(answers=[{"contains": "never in a prompt", "text": ""}]))
    general = post(provider, path, body)
    assert fast == (general.status, fast.headers, general.body)


def test_answers_depend_on_the_prompt_and_on_nothing_else(provider: FakeProvider) -> None:
    prompts = [f"prompt {number}" for number in range(20)]
    first = [ask_chat(provider, prompt) for prompt in prompts]
    assert first == [ask_chat(provider, prompt) for prompt in prompts]
    assert len({answer["choices"][0]["message"]["content"] for answer in first}) > 10


def test_the_last_message_of_the_user_is_the_prompt(provider: FakeProvider) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": None},
        {
            "role": "user",
            "content": [{"type": "text", "text": "sec"}, {"type": "text", "text": "ond"}],
        },
        {"role": "assistant", "content": "It"},
    ]
    answer = post(provider, CHAT, {"messages": messages}).json()
    assert answer["choices"][0]["message"]["content"] == default_answer("second")
    assert answer["usage"]["prompt_tokens"] == 5


def test_n_gives_different_samples(provider: FakeProvider) -> None:
    chats = ask_chat(provider, "a", n=3)["choices"]
    expected = [default_answer("a", sample) for sample in range(3)]
    assert [choice["message"]["content"] for choice in chats] == expected
    texts = ask_text(provider, "a", n=3)
    assert [choice["text"] for choice in texts["choices"]] == expected
    assert texts["usage"]["completion_tokens"] == 12


def test_several_prompts_are_numbered_through(provider: FakeProvider) -> None:
    choices = ask_text(provider, ["a", "b"], n=2)["choices"]
    assert [choice["index"] for choice in choices] == [0, 1, 2, 3]
    assert choices[2]["text"] == default_answer("b")


@pytest.mark.parametrize(("ids", "prompt"), [([1, 2], "1 2"), ([[1, 2]], "1 2")])
def test_token_ids_are_a_prompt(provider: FakeProvider, ids: object, prompt: str) -> None:
    assert ask_text(provider, ids)["choices"][0]["text"] == default_answer(prompt)


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_max_tokens_cuts_the_answer(provider: FakeProvider, field: str) -> None:
    choice = ask_chat(provider, "a", **{field: 2})["choices"][0]
    assert choice["message"]["content"] == " The answer"
    assert choice["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("stop", "max_tokens", "content", "finish_reason"),
    [
        ("swer", None, " The an", "stop"),
        ([" is", " answer"], None, " The", "stop"),
        (" is", 3, " The answer", "stop"),
        (" is", 2, " The answer", "length"),
        (["", "nowhere"], 1, " The", "length"),
    ],
)
def test_stop_cuts_the_answer(
    provider: FakeProvider, stop: object, max_tokens: int, content: str, finish_reason: str
) -> None:
    choice = ask_chat(provider, "a", stop=stop, max_tokens=max_tokens)["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == (content, finish_reason)


def test_scripted_answers_are_tried_in_order(provider: FakeProvider) -> None:
    answers: list[AnswerRule] = [
        {"contains": "France", "text": "Paris", "finish_reason": "eos"},
        {"contains": "a", "text": "B"},
    ]
    provider.set(Behaviour(answers=answers, answer="fixed"))
    choices = [ask_text(provider, prompt)["choices"][0] for prompt in ["France", "bar", "other"]]
    assert [choice["text"] for choice in choices] == ["Paris", "B", "fixed"]
    assert [choice["finish_reason"] for choice in choices] == ["eos", "stop", "stop"]


# --- Logprobs -----------------------------------------------------------------------------------


def test_completion_logprobs(provider: FakeProvider) -> None:
    choice = ask_text(provider, "ab", logprobs=3)["choices"][0]
    logprobs = choice["logprobs"]
    tokens = tokenize(choice["text"])
    assert logprobs["tokens"] == tokens
    assert logprobs["token_logprobs"] == [token_logprob(token, i) for i, token in enumerate(tokens)]
    assert logprobs["text_offset"] == [2, 6, 13, 16]
    for token, logprob, candidates in zip(
        tokens, logprobs["token_logprobs"], logprobs["top_logprobs"], strict=True
    ):
        assert len(candidates) == 3
        assert candidates[token] == logprob == max(candidates.values()) < 0


def test_echo_scores_the_prompt(provider: FakeProvider) -> None:
    prompt = "The capital is Paris"
    answer = ask_text(provider, prompt, echo=True, max_tokens=0, logprobs=1)
    choice = answer["choices"][0]
    assert choice["text"] == prompt
    assert answer["usage"]["completion_tokens"] == 0
    logprobs = choice["logprobs"]
    assert logprobs["tokens"] == ["The", " capital", " is", " Paris"]
    assert logprobs["text_offset"] == [0, 3, 11, 14]
    assert logprobs["token_logprobs"][0] is None
    assert logprobs["top_logprobs"][0] is None
    assert logprobs["token_logprobs"][3] == token_logprob(" Paris", 3)
    assert logprobs["top_logprobs"][3] == {" Paris": token_logprob(" Paris", 3)}


def test_echo_with_an_answer(provider: FakeProvider) -> None:
    choice = ask_text(provider, "a b", echo=True, logprobs=0)["choices"][0]
    alone = ask_text(provider, "a b", logprobs=0)["choices"][0]
    assert choice["text"] == "a b" + alone["text"]
    assert choice["logprobs"]["token_logprobs"][2:] == alone["logprobs"]["token_logprobs"]
    assert choice["logprobs"]["text_offset"][2:] == alone["logprobs"]["text_offset"]


def test_chat_logprobs(provider: FakeProvider) -> None:
    choice = ask_chat(provider, "a", logprobs=True, top_logprobs=2)["choices"][0]
    content = choice["logprobs"]["content"]
    assert "".join(item["token"] for item in content) == choice["message"]["content"]
    assert content[0]["bytes"] == list(b" The")
    assert [len(item["top_logprobs"]) for item in content] == [2] * 4
    first = content[0]["top_logprobs"][0]
    assert first == {key: content[0][key] for key in ("token", "logprob", "bytes")}


def test_chat_logprobs_without_candidates(provider: FakeProvider) -> None:
    choice = ask_chat(provider, "a", logprobs=True)["choices"][0]
    assert choice["logprobs"]["content"][0]["top_logprobs"] == []


def test_no_logprobs_takes_them_from_chat(provider: FakeProvider) -> None:
    provider.set(Behaviour(no_logprobs=True))
    assert ask_chat(provider, "a", logprobs=True)["choices"][0]["logprobs"] is None


@pytest.mark.parametrize(
    ("k", "expected"),
    [
        (0, {"B": -1.5}),
        (1, {"B": -1.5}),
        (2, {"A": -0.5, "B": -1.5}),
        (4, {"A": -0.5, "B": -1.5, "C": -3, "B~1": -3.5}),
    ],
)
def test_scripted_logprobs(provider: FakeProvider, k: int, expected: dict[str, float]) -> None:
    logprob_of = {"B": -1.5, "A": -0.5, "C": -3}
    provider.set(Behaviour(answers=[{"contains": "", "text": "B", "logprob_of": logprob_of}]))
    logprobs = ask_text(provider, "a", logprobs=k)["choices"][0]["logprobs"]
    assert logprobs["token_logprobs"] == [-1.5]
    assert logprobs["top_logprobs"] == [expected]
    assert list(logprobs["top_logprobs"][0]) == list(expected)  # best first


def test_scripted_logprobs_hold_in_an_echoed_prompt(provider: FakeProvider) -> None:
    rule: AnswerRule = {"contains": "Q", "text": "", "logprob_of": {" Paris": -0.25}}
    provider.set(Behaviour(answers=[rule]))
    choice = ask_text(provider, "Q: Paris", echo=True, max_tokens=0, logprobs=1)["choices"][0]
    assert choice["logprobs"]["token_logprobs"] == [None, -0.25]


# --- Streams ------------------------------------------------------------------------------------


def test_completion_stream(provider: FakeProvider) -> None:
    body = text("a", stream=True, logprobs=1, n=2)
    chunks = events(post(provider, TEXT, body))
    whole = ask_text(provider, "a", logprobs=1, n=2)
    for number, expected in enumerate(whole["choices"]):
        choices = [c["choices"][0] for c in chunks if c["choices"][0]["index"] == number]
        assert "".join(choice["text"] for choice in choices) == expected["text"]
        assert [choice["finish_reason"] for choice in choices] == [None] * 4 + ["stop"]
        offsets = [choice["logprobs"]["text_offset"] for choice in choices[:-1]]
        assert offsets == [[offset] for offset in expected["logprobs"]["text_offset"]]


def test_chat_stream_with_usage(provider: FakeProvider) -> None:
    options = {"stream": True, "stream_options": {"include_usage": True}, "logprobs": True}
    *chunks, last = events(post(provider, CHAT, chat("a", **options)))
    assert last["choices"] == []
    assert last["usage"] == ask_chat(provider, "a")["usage"]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert all(chunk["usage"] is None for chunk in chunks)
    choices = [chunk["choices"][0] for chunk in chunks]
    assert choices[0]["delta"] == {"role": "assistant", "content": ""}
    content = "".join(choice["delta"].get("content", "") for choice in choices)
    assert content == default_answer("a")
    assert [choice["finish_reason"] for choice in choices] == [None] * 5 + ["stop"]
    assert choices[1]["logprobs"]["content"][0]["token"] == " The"


def test_stream_without_usage(provider: FakeProvider) -> None:
    chunks = events(post(provider, CHAT, chat("a", stream=True)))
    assert all("usage" not in chunk for chunk in chunks)


# --- Other endpoints ----------------------------------------------------------------------------


TOOL_CALL = {
    "id": "call_0_0",
    "type": "function",
    "function": {"name": "add", "arguments": '{"a": 2, "b": 2}'},
}


def test_thinking_and_tool_calls(provider: FakeProvider) -> None:
    call: ToolCall = {"name": "add", "arguments": '{"a": 2, "b": 2}'}
    rule: AnswerRule = {"contains": "", "text": "", "thinking": "Let me", "tool_calls": [call]}
    provider.set(Behaviour(answers=[rule]))
    answer = ask_chat(provider, "2 + 2?")
    assert answer["choices"][0]["message"] == {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "reasoning_content": "Let me",
        "tool_calls": [TOOL_CALL],
    }
    assert answer["choices"][0]["finish_reason"] == "tool_calls"
    assert answer["usage"]["completion_tokens_details"] == {"reasoning_tokens": 2}
    deltas = [
        event["choices"][0]["delta"]
        for event in events(post(provider, CHAT, chat("2 + 2?", stream=True)))
    ]
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == "Let me"
    first, *others = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    assert first == {"index": 0, **TOOL_CALL, "function": {"name": "add", "arguments": ""}}
    assert len(others) > 1
    arguments = [other["function"]["arguments"] for other in others]
    assert "".join(arguments) == '{"a": 2, "b": 2}'


@pytest.mark.parametrize(("path", "body"), [(CHAT, chat("a")), (TEXT, text("a"))])
def test_no_streams(provider: FakeProvider, path: str, body: Json) -> None:
    provider.set(Behaviour(no_streams=True))
    answer = post(provider, path, {**body, "stream": True})
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.body == post(provider, path, body).body


def test_messages(provider: FakeProvider) -> None:
    answer = post(provider, MESSAGES, chat("a b", max_tokens=50, system="Be brief.")).json()
    assert answer["type"] == "message"
    assert answer["content"] == [{"type": "text", "text": default_answer("a b")}]
    assert (answer["stop_reason"], answer["stop_sequence"]) == ("end_turn", None)
    assert answer["usage"] == {"input_tokens": 4, "output_tokens": 4}


@pytest.mark.parametrize(
    ("options", "stop_reason", "stop_sequence"),
    [
        ({"max_tokens": 2}, "max_tokens", None),
        ({"max_tokens": 9, "stop_sequences": [" is"]}, "stop_sequence", " is"),
    ],
)
def test_messages_stop_reasons(
    provider: FakeProvider, options: Json, stop_reason: str, stop_sequence: str | None
) -> None:
    answer = post(provider, MESSAGES, chat("a", **options)).json()
    assert answer["content"][0]["text"] == " The answer"
    assert (answer["stop_reason"], answer["stop_sequence"]) == (stop_reason, stop_sequence)


def test_messages_stream(provider: FakeProvider) -> None:
    answer = post(provider, MESSAGES, chat("a", max_tokens=50, stream=True))
    lines = [event.split("\n") for event in answer.body.decode().split("\n\n")[:-1]]
    payloads = [json.loads(data.removeprefix("data: ")) for _, data in lines]
    types = [payload["type"] for payload in payloads]
    assert types == [name.removeprefix("event: ") for name, _ in lines]
    assert types == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * 4,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert payloads[0]["message"]["content"] == []
    assert payloads[0]["message"]["usage"] == {"input_tokens": 1, "output_tokens": 0}
    assert "".join(payload["delta"]["text"] for payload in payloads[2:6]) == default_answer("a")
    assert payloads[-2]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert payloads[-2]["usage"] == {"output_tokens": 4}


def test_embeddings(provider: FakeProvider) -> None:
    answer = post(provider, "/v1/embeddings", {"model": "m", "input": ["a b", "c"]}).json()
    vectors = [item["embedding"] for item in answer["data"]]
    assert vectors == [embedding("a b"), embedding("c")]
    assert math.hypot(*vectors[0]) == pytest.approx(1, abs=1e-5)
    assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


def test_embeddings_in_base64(provider: FakeProvider) -> None:
    body = {"input": "a", "encoding_format": "base64", "dimensions": 3}
    answer = post(provider, "/v1/embeddings", body).json()
    vector = struct.unpack("<3f", base64.b64decode(answer["data"][0]["embedding"]))
    assert vector == pytest.approx(embedding("a", 3))


def test_bare_completion(provider: FakeProvider) -> None:
    answer = post(provider, "/complete", {"prompt": "a", "n": 2}).json()
    texts = [default_answer("a", sample) for sample in range(2)]
    assert answer == {"completions": [{"text": text} for text in texts]}


def test_models(provider: FakeProvider) -> None:
    answer = get(provider, "/v1/models")
    assert [model["id"] for model in answer.json()["data"]] == [fake_provider.MODEL]


# --- Requests that are refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/nothing", {}, 404),
        ("/v1/models", {}, 405),
        (CHAT, b"{", 400),
        (CHAT, b"\xff", 400),
        (CHAT, [], 400),
        (CHAT, {}, 400),
        (CHAT, {"messages": []}, 400),
        (CHAT, {"messages": ["a"]}, 400),
        (CHAT, chat(1), 400),
        (CHAT, chat(["a"]), 400),
        (TEXT, {}, 400),
        (TEXT, text([]), 400),
        (TEXT, text("a", n=0), 400),
        (TEXT, text("a", n=129), 400),
        (TEXT, text("a", max_tokens=-1), 400),
        (TEXT, text("a", max_tokens="many"), 400),
        (TEXT, text("a", stop=[1]), 400),
        ("/v1/embeddings", {}, 400),
    ],
)
def test_bad_requests(provider: FakeProvider, path: str, body: object, status: int) -> None:
    answer = post(provider, path, body)
    assert answer.status == status
    assert answer.json()["error"].keys() == {"message", "type", "code"}
    assert provider.counters().by_path == {path: 1}


def test_require_key(provider: FakeProvider) -> None:
    provider.set(Behaviour(require_key="Secret"))
    headers = [
        {},
        {"Authorization": "Bearer secret"},
        {"Authorization": "Secret"},
        {"authorization": "Bearer Secret"},
        {"X-API-Key": "Secret"},
    ]
    answers = [post(provider, CHAT, chat("a"), header) for header in headers]
    assert [answer.status for answer in answers] == [401, 401, 401, 200, 200]
    assert answers[0].json()["error"]["code"] == "invalid_api_key"


def test_reject_fields(provider: FakeProvider) -> None:
    provider.set(Behaviour(reject_fields=["stop", "temperature"]))
    answer = post(provider, CHAT, chat("a", temperature=0))
    assert answer.status == 400
    assert answer.json()["error"]["message"] == "Unsupported parameter: temperature"
    assert post(provider, CHAT, chat("a")).status == 200


# --- Faults -------------------------------------------------------------------------------------


def fail(provider: FakeProvider, kind: str) -> None:
    provider.set(Behaviour(faults=[{"kind": kind}]))


@pytest.mark.parametrize("kind", ["400", "401", "404", "429", "500", "503"])
def test_status_faults(provider: FakeProvider, kind: str) -> None:
    fail(provider, kind)
    answer = post(provider, CHAT, chat("a"))
    assert answer.status == int(kind)
    assert answer.json().keys() == {"error"}
    assert answer.json()["error"].keys() == {"message", "type", "code"}
    assert ("Retry-After" in answer.headers) == (kind == "429")
    assert post(provider, MESSAGES, chat("a")).json().keys() == {"type", "error"}


@pytest.mark.parametrize(("seconds", "header"), [(7, "7"), (0.05, "0.05"), (None, None)])
def test_retry_after(provider: FakeProvider, seconds: float | None, header: str | None) -> None:
    provider.set(Behaviour(faults=[{"kind": "429", "retry_after": seconds}]))
    assert post(provider, CHAT, chat("a")).headers["Retry-After"] == header


def test_hang_never_answers_and_keeps_the_connection(provider: FakeProvider) -> None:
    fail(provider, "hang")
    with connect(provider.url, timeout=0.1) as connection:
        with pytest.raises(TimeoutError):
            send(connection, CHAT, chat("a"))
        assert provider.counters().in_flight == 1
    until(lambda: provider.counters().in_flight == 0)


def test_reset(provider: FakeProvider) -> None:
    fail(provider, "reset")
    with pytest.raises(ConnectionResetError):
        post(provider, CHAT, chat("a"))
    assert provider.counters().in_flight == 0


def test_html(provider: FakeProvider) -> None:
    fail(provider, "html")
    answer = post(provider, CHAT, chat("a"))
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html")
    assert answer.body.startswith(b"<!DOCTYPE html>")


def test_empty(provider: FakeProvider) -> None:
    fail(provider, "empty")
    answer = post(provider, CHAT, chat("a"))
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("stream", [False, True])
def test_half_json(provider: FakeProvider, stream: bool) -> None:
    whole = post(provider, CHAT, chat("a", stream=stream)).body
    fail(provider, "half_json")
    half = post(provider, CHAT, chat("a", stream=stream)).body
    assert half == whole[: len(whole) // 2]
    with pytest.raises(json.JSONDecodeError):
        json.loads(half)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_cut(provider: FakeProvider, path: str, stream: bool) -> None:
    fail(provider, "cut")
    with pytest.raises(http.client.IncompleteRead) as raised:
        post(provider, path, chat("a", stream=stream))
    assert raised.value.partial


def test_nan(provider: FakeProvider) -> None:
    fail(provider, "nan")
    chat_logprobs = ask_chat(provider, "a")["choices"][0]["logprobs"]["content"]
    assert all(math.isnan(item["logprob"]) for item in chat_logprobs)
    text_logprobs = ask_text(provider, "a")["choices"][0]["logprobs"]["token_logprobs"]
    assert all(map(math.isnan, text_logprobs))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (MESSAGES, chat("a")),
        ("/complete", {"prompt": "a"}),
        ("/v1/embeddings", {"input": "a"}),
        (TEXT, text("a", stream=True)),
    ],
)
def test_nan_is_in_every_answer(provider: FakeProvider, path: str, body: Json) -> None:
    fail(provider, "nan")
    assert b": NaN" in post(provider, path, body).body.replace(b"[NaN", b": NaN")


def test_no_choices(provider: FakeProvider) -> None:
    fail(provider, "no_choices")
    assert ask_chat(provider, "a") == {"choices": []}


def test_refusal(provider: FakeProvider) -> None:
    fail(provider, "refusal")
    choice = ask_chat(provider, "a", logprobs=True)["choices"][0]
    assert choice["finish_reason"] == "content_filter"
    assert choice["message"]["content"] is None
    assert choice["message"]["refusal"] == fake_provider.REFUSAL
    completion = ask_text(provider, "a")["choices"][0]
    assert (completion["text"], completion["finish_reason"]) == ("", "content_filter")
    message = post(provider, MESSAGES, chat("a")).json()
    assert (message["content"], message["stop_reason"]) == ([], "refusal")
    deltas = [
        e["choices"][0]["delta"] for e in events(post(provider, CHAT, chat("a", stream=True)))
    ]
    assert {"refusal": fake_provider.REFUSAL} in deltas


def test_length(provider: FakeProvider) -> None:
    fail(provider, "length")
    assert ask_chat(provider, "a")["choices"][0]["finish_reason"] == "length"
    assert post(provider, MESSAGES, chat("a")).json()["stop_reason"] == "max_tokens"


def statuses(provider: FakeProvider, prompts: list[str]) -> list[int]:
    return [post(provider, TEXT, text(prompt)).status for prompt in prompts]


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ([{"kind": "500", "times": 2}], [500, 500, 200, 200, 200, 200]),
        ([{"kind": "500", "every": 3}], [200, 200, 500, 200, 200, 500]),
        ([{"kind": "500", "every": 2, "times": 1}], [200, 500, 200, 200, 200, 200]),
        ([{"kind": "429", "times": 1}, {"kind": "500", "times": 1}], [429, 500, *[200] * 4]),
        (
            [{"kind": "429", "every": 2}, {"kind": "500", "every": 3}],
            [200, 429, 500, 429, 200, 429],
        ),
    ],
)
def test_when_faults_happen(
    provider: FakeProvider, faults: list[Fault], expected: list[int]
) -> None:
    provider.set(Behaviour(faults=faults))
    assert statuses(provider, ["a"] * 6) == expected
    provider.reset()
    assert statuses(provider, ["a"] * 6) == expected


def test_faults_of_some_prompts(provider: FakeProvider) -> None:
    provider.set(Behaviour(faults=[{"kind": "503", "contains": "bad", "times": 1}]))
    assert statuses(provider, ["a", "a bad one", "bad", "b"]) == [200, 503, 200, 200]


# --- Behaviour ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {"latency_seconds": -1},
        {"faults": [{"kind": "502"}]},
        {"faults": [{"times": 1}]},
        {"faults": [{"kind": "500", "evry": 2}]},
        {"faults": [{"kind": "500", "every": 0}]},
        {"answers": [{"contains": "a"}]},
        {"latency": 1},
    ],
)
def test_wrong_behaviours_are_refused(provider: FakeProvider, values: Json) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Behaviour.from_json(values)
    answer = post(provider, "/control/behaviour", values)
    assert answer.status == 400
    assert answer.json()["error"]


def test_latency_delays_faults_and_answers_and_is_spent_at_the_same_time(
    provider: FakeProvider,
) -> None:
    provider.set(Behaviour(latency_seconds=0.2, faults=[{"kind": "500", "times": 1}]))
    start = time.monotonic()
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: post(provider, CHAT, chat("a")), range(10)))
    # ten waits one after the other would take two seconds
    assert 0.2 <= time.monotonic() - start < 1.5
    assert sorted(answer.status for answer in answers) == [200] * 9 + [500]
    counters = provider.counters()
    assert counters.in_flight == 0
    assert 2 <= counters.max_in_flight <= 10


def test_a_client_that_leaves_while_it_waits_is_no_longer_in_flight(provider: FakeProvider) -> None:
    provider.set(Behaviour(latency_seconds=60))
    with connect(provider.url) as connection:
        connection.request("POST", CHAT, json.dumps(chat("a")))
        until(lambda: provider.counters().in_flight == 1)
    until(lambda: provider.counters().in_flight == 0)


# --- Counters -----------------------------------------------------------------------------------


def test_counters(provider: FakeProvider) -> None:
    with connect(provider.url) as connection:
        for _ in range(3):
            send(connection, CHAT, chat("a"))
        post(provider, TEXT + "?version=1", text("a"))
        assert provider.counters() == Counters(
            requests=4, by_path={CHAT: 3, TEXT: 1}, in_flight=0, max_in_flight=1, connections=2
        )
        provider.reset()
        assert provider.counters() == Counters(
            requests=0, by_path={}, in_flight=0, max_in_flight=0, connections=0
        )
        # a connection from before the reset counts again once it is used
        send(connection, CHAT, chat("a"))
        assert provider.counters().connections == 1


def test_what_is_beyond_the_allowance_is_refused(provider: FakeProvider) -> None:
    provider.set(Behaviour(allowance={"requests": 2, "seconds": 30.0, "in_flight": 5}))
    answers = [post(provider, TEXT, text("a")) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert 0 < float(answers[2].headers["Retry-After"]) <= 30
    assert provider.counters().refused == 1


def test_reset_keeps_the_behaviour(provider: FakeProvider) -> None:
    provider.set(Behaviour(answer="fixed"))
    provider.reset()
    assert ask_text(provider, "a")["choices"][0]["text"] == "fixed"


def test_last_requests(provider: FakeProvider) -> None:
    post(provider, TEXT + "?x=1", text("first"), {"X-Title": "Mixed Case"})
    post(provider, CHAT, b"not json")
    get(provider, "/v1/models")
    first, second, third = provider.last()
    assert (first.method, first.path) == ("POST", TEXT + "?x=1")
    assert first.headers["x-title"] == "Mixed Case"
    assert first.body == text("first")
    assert second.body == "not json"
    assert third == Received("GET", "/v1/models", third.headers, None)


def test_last_keeps_fifty(provider: FakeProvider) -> None:
    with connect(provider.url) as connection:
        for number in range(60):
            send(connection, TEXT, text(str(number)))
    assert [received.body["prompt"] for received in provider.last()] == [
        str(number) for number in range(10, 60)
    ]


def test_unknown_control_calls(provider: FakeProvider) -> None:
    assert get(provider, "/control/reset").status == 404
    assert post(provider, "/control/other", {}).status == 404
    assert provider.counters().requests == 0


# --- HTTP ---------------------------------------------------------------------------------------


def raw_request(body: Json, version: str = "1.1", headers: str = "") -> bytes:
    data = json.dumps(body).encode()
    head = f"POST {TEXT} HTTP/{version}\r\nContent-Length: {len(data)}\r\n{headers}\r\n"
    return head.encode() + data


def read_answer(stream: socket.socket) -> Json:
    response = http.client.HTTPResponse(stream)
    response.begin()
    answer: Json = json.loads(response.read())
    return answer


def read_to_end(stream: socket.socket) -> bytes:
    return b"".join(iter(lambda: stream.recv(65536), b""))


def test_a_request_in_pieces(provider: FakeProvider) -> None:
    request = raw_request(text("a" * 100))
    with open_socket(provider) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(request), 7):
            stream.sendall(request[start : start + 7])
        assert read_answer(stream)["choices"][0]["text"] == default_answer("a" * 100)


def test_a_large_request(provider: FakeProvider) -> None:
    prompt = "word " * 1_000_000
    assert ask_text(provider, prompt)["usage"]["prompt_tokens"] == 1_000_001


@pytest.mark.parametrize("latency_seconds", [0, 0.05])
def test_requests_sent_at_once_are_answered_in_order(
    provider: FakeProvider, latency_seconds: float
) -> None:
    provider.set(Behaviour(latency_seconds=latency_seconds))
    close = raw_request(text("c"), headers="Connection: close\r\n")
    with open_socket(provider) as stream:
        stream.sendall(raw_request(text("a")) + raw_request(text("b")) + close)
        answers = read_to_end(stream).split(b"HTTP/1.1 200 OK")[1:]
    texts = [
        json.loads(answer.partition(b"\r\n\r\n")[2])["choices"][0]["text"] for answer in answers
    ]
    assert texts == [default_answer(prompt) for prompt in "abc"]
    assert provider.counters().max_in_flight == 1


def test_a_chunked_request(provider: FakeProvider) -> None:
    data = json.dumps(text("a")).encode()
    with connect(provider.url) as connection:
        for size in (1, 5, len(data)):
            pieces = (data[start : start + size] for start in range(0, len(data), size))
            connection.request("POST", TEXT, pieces, encode_chunked=True)
            answer = json.loads(connection.getresponse().read())
            assert answer["choices"][0]["text"] == default_answer("a")
    assert provider.last()[-1].body == text("a")


@pytest.mark.parametrize(
    ("version", "headers", "closes"),
    [
        ("1.1", "", False),
        ("1.1", "Connection: close\r\n", True),
        ("1.0", "", True),
        ("1.0", "Connection: Keep-Alive\r\n", False),
    ],
)
def test_keep_alive(provider: FakeProvider, version: str, headers: str, closes: bool) -> None:
    with open_socket(provider) as stream:
        stream.sendall(raw_request(text("a"), version, headers))
        read_answer(stream)
        stream.settimeout(0.2)
        if closes:
            assert stream.recv(1) == b""
        else:
            with pytest.raises(TimeoutError):
                stream.recv(1)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"POST /v1/completions HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /v1/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    ],
)
def test_what_is_not_http_is_refused(provider: FakeProvider, request_bytes: bytes) -> None:
    with open_socket(provider) as stream:
        stream.sendall(request_bytes)
        assert read_to_end(stream).startswith(b"HTTP/1.1 400 ")


# --- The process --------------------------------------------------------------------------------


def test_command_line() -> None:
    behaviour = json.dumps({"answer": "fixed"})
    options = ["--port", "0", "--latency", "0.1", "--behaviour", behaviour]
    process = subprocess.Popen(
        [sys.executable, fake_provider.__file__, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:")
        start = time.monotonic()
        with connect(line.split()[-1]) as connection:
            answer = send(connection, "/complete", {"prompt": "a"})
        assert time.monotonic() - start >= 0.1
        assert answer.json() == {"completions": [{"text": "fixed"}]}
    finally:
        process.terminate()
        process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == -signal.SIGTERM


def test_it_ends_with_its_context() -> None:
    with FakeProvider(Behaviour(answer="fixed")) as provider:
        assert ask_text(provider, "a")["choices"][0]["text"] == "fixed"
    with pytest.raises(ConnectionRefusedError):
        open_socket(provider)


PARENT = """
import os, signal
from fake_provider import FakeProvider
provider = FakeProvider()
provider.__enter__()
print(provider.url, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_it_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.run(
        [sys.executable, "-c", PARENT],
        check=False,
        cwd=os.path.dirname(fake_provider.__file__),
        stdout=subprocess.PIPE,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    assert parent.returncode == -signal.SIGKILL
    orphan = FakeProvider()
    orphan.url = parent.stdout.strip()
    until(lambda: is_refused(orphan))


def is_refused(provider: FakeProvider) -> bool:
    try:
        open_socket(provider).close()
    except ConnectionRefusedError:
        return True
    return False
