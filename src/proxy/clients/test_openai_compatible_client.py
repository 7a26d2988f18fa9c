"""Tests of the OpenAI-compatible client, over real sockets on 127.0.0.1."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from common.canonical_json import canonical_json
from common.errors import (
    CredentialsError,
    DeadlineError,
    InvalidRequestError,
    ModelNotFoundError,
    ProviderError,
    RateLimitError,
    RejectedError,
    UnavailableError,
    UnsupportedFieldError,
)
from common.request import Message, Request, RequestResult, Token, Usage
from fake_provider import Behaviour, FakeProvider, default_answer, token_logprob, tokenize
from proxy.clients.client import ProviderCall
from proxy.clients.openai_compatible_client import OpenAICompatibleClient

KEY = "sk-very-secret-0123456789"
PROMPT = "What is 2 + 2?"
ANSWER = " It is 4.\nQ: and 3 + 3?"


@pytest.fixture(scope="module")
def shared_provider() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def provider(shared_provider: FakeProvider) -> FakeProvider:
    shared_provider.set(Behaviour())
    shared_provider.reset()
    return shared_provider


def client_of(provider: FakeProvider, **args: Any) -> OpenAICompatibleClient:
    return OpenAICompatibleClient(f"{provider.url}/v1", "m", **args)


def ask(client: OpenAICompatibleClient, **fields: Any) -> RequestResult:
    call = client.prepare(Request(**{"model": "org/m", "prompt": PROMPT, **fields}))
    return client.send(call, time.monotonic() + 10)


def prepared(args: dict[str, Any], **fields: Any) -> tuple[ProviderCall, dict[str, Any]]:
    client = OpenAICompatibleClient("http://localhost/v1", "m", **args)
    call = client.prepare(Request(**fields))
    return call, json.loads(call.body)


@contextmanager
def answering(body: object) -> Iterator[str]:
    """The base URL of a server that answers everything with this JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()


def answered(body: object, api: str = "completions", **fields: Any) -> RequestResult:
    with answering(body) as url:
        return ask(OpenAICompatibleClient(url, "m", api, api_key=KEY), **fields)


def text_choice(text: str, reason: str | None = "stop", **logprobs: Any) -> dict[str, Any]:
    choice = {"text": text, "finish_reason": reason, "logprobs": logprobs or None}
    return {"choices": [choice]}


def chat_choice(message: dict[str, Any], reason: str = "stop", **more: Any) -> dict[str, Any]:
    return {"choices": [{"message": message, "finish_reason": reason}], **more}


# --- Identity and bodies ------------------------------------------------------------------------


def test_identity_holds_no_credential() -> None:
    url = "https://us:user-password@api.test/v1/?api-version=2024-10-21&key=query-secret"
    client = OpenAICompatibleClient(
        url, "up/stream", api_key=KEY, extra_body={"top_k": 5}, extra_headers={"X-Key": KEY}
    )
    assert client.identity == {
        "class": "OpenAICompatibleClient",
        "base_url": "https://api.test/v1",
        "model": "up/stream",
        "api": "completions",
        "extra_body": {"top_k": 5},
        "api_version": "2024-10-21",
    }


def test_a_plain_body_is_small() -> None:
    call, body = prepared({}, prompt=PROMPT, random="3", deployment="d")
    assert body == {
        "model": "m",
        "prompt": PROMPT,
        "temperature": 1,
        "n": 1,
        "max_tokens": 100,
        "logprobs": 1,
    }
    assert call.body == canonical_json(body)
    assert (call.path, call.handling, call.random) == ("/completions", {}, "3")


def test_all_fields_of_a_completion() -> None:
    call, body = prepared(
        {"extra_body": {"top_k": 5, "temperature": 0.7}},
        prompt=PROMPT,
        temperature=0.5,
        num_completions=3,
        top_k_per_token=2,
        max_tokens=0,
        stop_sequences=["\n", ""],
        echo_prompt=True,
        top_p=0.9,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        seed=0,
        response_format={"type": "json_object"},
        reasoning={"effort": "low"},
    )
    assert body == {
        "model": "m",
        "prompt": PROMPT,
        "temperature": 0.7,
        "n": 3,
        "logprobs": 2,
        "max_tokens": 0,
        "stop": ["\n"],
        "echo": True,
        "top_p": 0.9,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "seed": 0,
        "response_format": {"type": "json_object"},
        "reasoning_effort": "low",
        "top_k": 5,
    }
    assert call.handling == {}


@pytest.mark.parametrize("top_k", [0, 3])
def test_a_prompt_for_a_chat_api(top_k: int) -> None:
    args = {"api": "chat", "max_tokens_field": "max_completion_tokens"}
    call, body = prepared(args, prompt=PROMPT, top_k_per_token=top_k)
    assert call.path == "/chat/completions"
    logprobs = {"logprobs": True, "top_logprobs": 3} if top_k else {}
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": PROMPT}],
        "temperature": 1,
        "n": 1,
        "max_completion_tokens": 100,
        **logprobs,
    }


def test_messages_always_go_to_the_chat_api() -> None:
    messages = [Message("system", "Be brief."), Message("user", PROMPT)]
    call, body = prepared({"api": "completions"}, messages=messages)
    assert call.path == "/chat/completions"
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": PROMPT},
    ]
    assert "prompt" not in body


def test_what_a_server_can_not_take_is_left_out_and_noted() -> None:
    names = ["stop_sequences", "temperature", "num_completions", "seed", "top_p", "logprobs"]
    fields = {
        "prompt": PROMPT,
        "stop_sequences": ["\n"],
        "temperature": 0.0,
        "num_completions": 2,
        "seed": 1,
        "top_p": 0.5,
    }
    call, body = prepared({"unsupported": names}, **fields)
    assert body == {"model": "m", "prompt": PROMPT, "max_tokens": 100}
    assert call.handling == {name: value for name, value in fields.items() if name != "prompt"}
    call, body = prepared({"unsupported": names}, prompt=PROMPT)
    assert body == {"model": "m", "prompt": PROMPT, "max_tokens": 100}
    assert call.handling == {}


def test_stop_sequences_beyond_the_servers_limit() -> None:
    stops = ["a", "b", "c", "d", "e", "f"]
    call, body = prepared({}, stop_sequences=stops)
    assert body["stop"] == stops[:4]
    assert call.handling == {"stop_sequences": ["e", "f"]}
    call, body = prepared({"max_stop_sequences": 16}, stop_sequences=stops)
    assert body["stop"] == stops
    assert call.handling == {}


@pytest.mark.parametrize(
    ("args", "fields", "message"),
    [
        ({"api": "chat"}, {"echo_prompt": True}, "api: completions"),
        ({}, {"echo_prompt": True, "messages": [Message("user", "x")]}, "api: completions"),
        ({"unsupported": ["echo_prompt"]}, {"echo_prompt": True}, "echo_prompt: m does not"),
        ({"logprobs": False}, {"echo_prompt": True, "max_tokens": 0}, "no log-probabilities"),
        ({"unsupported": ["reasoning"]}, {"reasoning": {"effort": "low"}}, "reasoning: m"),
        ({}, {"reasoning": {"budget_tokens": 5}}, "extra_body"),
        ({"unsupported": ["response_format"]}, {"response_format": {"a": 1}}, "response_format"),
    ],
)
def test_what_can_not_be_honoured(
    args: dict[str, Any], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(UnsupportedFieldError, match=message):
        prepared(args, **fields)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"api": "chats"}, "did you mean 'chat'"),
        ({"max_tokens_field": "max_token"}, "did you mean 'max_tokens'"),
        ({"unsupported": ["stop_sequence"]}, "did you mean 'stop_sequences'"),
        ({"extra_body": {"stream": True}}, "extra_body can't hold stream"),
        ({"base_url": "localhost:8000"}, "http://localhost:8000/v1"),
        ({"api_key": "a\nb"}, "the header Authorization"),
    ],
)
def test_arguments_are_checked(args: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        OpenAICompatibleClient(**{"base_url": "http://localhost", "model_name": "m", **args})


def test_headers(provider: FakeProvider) -> None:
    provider.set(Behaviour(require_key=KEY))
    args = {"api_key": f"{KEY}\n", "organization": "org-1", "extra_headers": {"X-Title": "t"}}
    ask(client_of(provider, **args))
    headers = provider.last()[0].headers
    assert headers["openai-organization"] == "org-1"
    assert headers["x-title"] == "t"


# --- Answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ["completions", "chat"])
def test_an_answer(provider: FakeProvider, api: str) -> None:
    before = int(time.time())
    result = ask(client_of(provider, api=api), top_k_per_token=2)
    text = default_answer(PROMPT)
    tokens = tokenize(text)
    assert result.success
    assert (result.outcome, result.cached, result.emulated) == ("ok", False, [])
    (completion,) = result.completions
    assert completion.text == text
    assert [token.text for token in completion.tokens] == tokens
    assert completion.finish_reason == {"reason": "stop"}
    first = token_logprob(tokens[0], 0)
    assert completion.tokens[0].logprob == first
    assert completion.tokens[0].top_logprobs == {
        tokens[0]: first,
        f"{tokens[0]}~1": pytest.approx(first - 0.5),
    }
    assert completion.logprob == pytest.approx(sum(t.logprob for t in completion.tokens))
    assert result.usage == Usage(prompt_tokens=5, completion_tokens=len(tokens))
    assert result.served_model == "m"
    assert 0 < (result.request_time or 0) < 10
    assert before <= (result.request_datetime or 0) <= time.time()


@pytest.mark.parametrize("api", ["completions", "chat"])
def test_several_completions(provider: FakeProvider, api: str) -> None:
    result = ask(client_of(provider, api=api), num_completions=3)
    assert [c.text for c in result.completions] == [default_answer(PROMPT, i) for i in range(3)]
    assert provider.counters().requests == 1


def test_completions_asked_for_one_by_one(provider: FakeProvider) -> None:
    result = ask(client_of(provider, unsupported=["num_completions"]), num_completions=3)
    assert [c.text for c in result.completions] == [default_answer(PROMPT)] * 3
    assert result.emulated == ["num_completions"]
    assert provider.counters().requests == 3
    num_tokens = len(tokenize(default_answer(PROMPT)))
    assert result.usage == Usage(prompt_tokens=15, completion_tokens=3 * num_tokens)


def test_no_log_probabilities(provider: FakeProvider) -> None:
    provider.set(Behaviour(reject_fields=["logprobs"]))
    with pytest.raises(RejectedError, match="logprobs"):
        ask(client_of(provider))
    assert ask(client_of(provider, logprobs=False)).completions[0].tokens == []
    provider.set(Behaviour(no_logprobs=True))
    (completion,) = ask(client_of(provider, api="chat")).completions
    assert (completion.logprob, completion.tokens) == (0, [])


def test_a_prompt_is_scored(provider: FakeProvider) -> None:
    result = ask(client_of(provider), echo_prompt=True, max_tokens=0, stop_sequences=[" is"])
    (completion,) = result.completions
    tokens = tokenize(PROMPT)
    logprobs = [token_logprob(token, position) for position, token in enumerate(tokens)]
    assert completion.text == PROMPT
    assert [token.text for token in completion.tokens] == tokens
    assert completion.tokens[0] == Token(tokens[0], 0.0, {})
    assert [token.logprob for token in completion.tokens[1:]] == logprobs[1:]
    assert completion.logprob == pytest.approx(sum(logprobs[1:]))
    assert result.outcome == "ok"


def test_an_echoed_prompt_is_not_cut_at_its_stop_sequences() -> None:
    # This server ignores `stop`, and the prompt itself holds a stop sequence.
    prompt = "Q: 2 + 2?\nA:"
    tokens = ["Q:", " 2 + 2?", "\n", "A:", " 4", "\n", "Q:"]
    body = text_choice("".join(tokens), "length", tokens=tokens, token_logprobs=[None, *[-1.0] * 6])
    result = answered(body, prompt=prompt, echo_prompt=True, stop_sequences=["\n"])
    (completion,) = result.completions
    assert completion.text == prompt + " 4"
    assert [token.text for token in completion.tokens] == tokens[:5]
    assert completion.logprob == -4
    assert completion.finish_reason == {"reason": "stop"}
    assert (result.outcome, result.emulated) == ("ok", [])


def test_a_server_that_ignores_echo() -> None:
    body = text_choice(" 4", tokens=[" 4"], token_logprobs=[-1.0])
    result = answered(body, echo_prompt=True)
    assert result.completions[0].text == PROMPT + " 4"
    assert result.completions[0].tokens == [Token(PROMPT, 0.0), Token(" 4", -1.0)]
    assert result.emulated == ["echo_prompt"]
    with pytest.raises(RejectedError, match="ignores `echo`"):
        answered(body, echo_prompt=True, max_tokens=0)


def test_a_prompt_without_its_scores() -> None:
    with pytest.raises(RejectedError, match="no log-probabilities"):
        answered(text_choice(PROMPT), echo_prompt=True, max_tokens=0)
    assert answered(text_choice(""), prompt="", echo_prompt=True, max_tokens=0).success


@pytest.mark.parametrize("api", ["completions", "chat"])
def test_stop_sequences_of_the_provider(provider: FakeProvider, api: str) -> None:
    provider.set(Behaviour(answer=ANSWER))
    result = ask(client_of(provider, api=api), stop_sequences=["\n"])
    assert result.completions[0].text == " It is 4."
    assert (result.outcome, result.emulated) == ("ok", [])


@pytest.mark.parametrize("api", ["completions", "chat"])
def test_stop_sequences_cut_on_our_side(provider: FakeProvider, api: str) -> None:
    provider.set(Behaviour(answer=ANSWER, reject_fields=["stop"]))
    client = client_of(provider, api=api, unsupported=["stop_sequences"])
    result = ask(client, stop_sequences=["\n", "Q:"], max_tokens=6)
    (completion,) = result.completions
    assert completion.text == " It is 4."
    assert [token.text for token in completion.tokens] == [" It", " is", " 4."]
    assert completion.logprob == pytest.approx(sum(t.logprob for t in completion.tokens))
    assert completion.finish_reason == {"reason": "stop"}
    assert (result.outcome, result.emulated) == ("ok", ["stop_sequences"])


def test_stop_sequences_that_the_server_ignores() -> None:
    body = text_choice("a\nb", tokens=["a", "\n", "b"], token_logprobs=[-1.0, -2.0, -3.0])
    (completion,) = answered(body, stop_sequences=["\n"]).completions
    assert (completion.text, completion.logprob) == ("a", -1)


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"max_tokens": 2, "stop_sequences": ["\n"]}, "truncated"),
        ({"max_tokens": 1, "stop_sequences": ["\n"]}, "ok"),
        ({"max_tokens": 2}, "ok"),
    ],
)
@pytest.mark.parametrize("args", [{}, {"api": "chat", "max_tokens_field": "max_completion_tokens"}])
def test_truncated(
    provider: FakeProvider, args: dict[str, Any], fields: dict[str, Any], outcome: str
) -> None:
    result = ask(client_of(provider, **args), **fields)
    assert result.completions[0].finish_reason == {"reason": "length"}
    assert len(result.completions[0].tokens) == fields["max_tokens"]
    assert result.outcome == outcome


def test_length(provider: FakeProvider) -> None:
    provider.set(Behaviour(faults=[{"kind": "length"}]))
    assert ask(client_of(provider), stop_sequences=["\n"]).outcome == "truncated"


def test_reasoning_that_used_up_all_tokens_is_truncated() -> None:
    body = chat_choice({"content": None, "reasoning_content": "Well, …"}, "length")
    result = answered(body, "chat")
    assert (result.completions[0].text, result.completions[0].thinking) == ("", "Well, …")
    assert result.outcome == "truncated"


@pytest.mark.parametrize("api", ["completions", "chat"])
def test_refusal(provider: FakeProvider, api: str) -> None:
    provider.set(Behaviour(faults=[{"kind": "refusal"}]))
    result = ask(client_of(provider, api=api))
    assert result.outcome == "refused"
    assert result.success
    assert result.completions[0].finish_reason == {"reason": "content_filter"}


def test_a_refusal_in_words() -> None:
    result = answered(chat_choice({"content": None, "refusal": "I won't."}), "chat")
    assert (result.outcome, result.completions[0].text) == ("refused", "I won't.")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("function_call", "tool_calls"),
        ("abort", "unknown"),
        (None, "unknown"),
    ],
)
def test_finish_reasons(given: str | None, reason: str) -> None:
    result = answered(text_choice("x", given))
    assert result.completions[0].finish_reason == {"reason": reason}


def test_a_chat_answer_in_full() -> None:
    def scored(token: str, logprob: float | None, values: list[int] | None) -> dict[str, Any]:
        return {"token": token, "logprob": logprob, "bytes": values}

    content = [
        scored("Hi", -0.5, [72, 105]) | {"top_logprobs": [scored("Hi", -0.5, None)]},
        scored("\ufffd", -1.0, [0xE2, 0x80])
        | {"top_logprobs": [scored("\ufffd", -1, [0xE2, 0x80]), scored("\ufffd", -2, [0xF0])]},
        scored("\\x94", -1.5, [0x94]) | {"top_logprobs": []},
        scored("\\xe9", 0.0, [0xC3, 0xA9]) | {"top_logprobs": None},
        scored("\\x41", None, list(rb"\x41")),
        scored("\ufffd", 0.0005, None)
        | {"top_logprobs": [scored("a", -1, None), scored("a", -9, None)]},
    ]
    message = {"role": "assistant", "content": "Hi—é", "reasoning": "Greet."}
    usage = {
        "prompt_tokens": 7,
        "completion_tokens": 3,
        "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    body = chat_choice(message, model="m-2024-08-06", usage=usage)
    body["choices"][0]["logprobs"] = {"content": content, "refusal": None}
    result = answered(body, "chat")
    (completion,) = result.completions
    assert completion.tokens == [
        Token("Hi", -0.5, {"Hi": -0.5}),
        Token(r"bytes:\xe2\x80", -1.0, {r"bytes:\xe2\x80": -1.0, r"bytes:\xf0": -2.0}),
        Token(r"bytes:\x94", -1.5),
        Token("é", 0.0),
        Token(r"\x41", 0.0),
        Token("\ufffd", 0.0005, {"a": -1.0}),
    ]
    assert completion.logprob == pytest.approx(-2.9995)
    assert completion.thinking == "Greet."
    assert result.usage == Usage(7, 3, 4, 2)
    assert result.served_model == "m-2024-08-06"


def test_other_shapes_that_servers_give() -> None:
    # llama.cpp lists log-probabilities as the chat API does, also on /completions.
    body = text_choice("a", content=[{"token": "a", "logprob": -1, "top_logprobs": []}])
    assert answered(body).completions[0].tokens == [Token("a", -1.0)]
    # Some give null lists, numbers as text, and nothing at all.
    body = text_choice("a", tokens=["a"], token_logprobs=None, top_logprobs=[None])
    body |= {"usage": {"prompt_tokens": "7", "prompt_tokens_details": None}, "model": 5}
    result = answered(body)
    assert result.completions[0].tokens == [Token("a", 0.0)]
    assert (result.usage, result.served_model) == (Usage(), None)
    # Mistral's chat content is a list of parts when the model thinks.
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "4"}]
    assert answered(chat_choice({"content": parts}), "chat").completions[0].text == "4"


def test_more_choices_than_asked_for() -> None:
    body = {"choices": [{"text": "a"}, {"text": "b"}]}
    assert [c.text for c in answered(body).completions] == ["a"]


# --- Errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("400", RejectedError),
        ("401", CredentialsError),
        ("404", ModelNotFoundError),
        ("429", RateLimitError),
        ("500", UnavailableError),
        ("503", UnavailableError),
        ("reset", UnavailableError),
        ("cut", UnavailableError),
        ("html", UnavailableError),
        ("empty", UnavailableError),
        ("half_json", UnavailableError),
        ("no_choices", UnavailableError),
        ("nan", UnavailableError),
    ],
)
@pytest.mark.parametrize("api", ["completions", "chat"])
def test_faults(provider: FakeProvider, api: str, kind: str, error: type[ProviderError]) -> None:
    provider.set(Behaviour(faults=[{"kind": kind}]))
    with pytest.raises(ProviderError) as raised:
        ask(client_of(provider, api=api, api_key=KEY))
    assert type(raised.value) is error
    assert provider.url.removeprefix("http://") in str(raised.value)
    assert KEY not in str(raised.value)


def test_a_hanging_provider(provider: FakeProvider) -> None:
    provider.set(Behaviour(faults=[{"kind": "hang"}]))
    client = client_of(provider)
    with pytest.raises(DeadlineError):
        client.send(client.prepare(Request(prompt="x")), time.monotonic() + 0.1)
    with pytest.raises(DeadlineError):
        ask(client_of(provider, timeout=0.1))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html><title>Sign in</title>", "can't be read .*: an HTML page titled 'Sign in'"),
        (b"", "an empty body"),
        (b'{"choices":[{"text":"a', "can't be read"),
        (b'{"choices":[{"text":"\xff"}]}', "can't be read"),
        (b"[]", "can't be read"),
        ({"choices": None}, "can't be read"),
        ({"choices": []}, "0 choices where 1 were asked for"),
        ({}, "0 choices"),
        ({"error": {"message": "overloaded", "code": 429}}, "0 choices .*: overloaded"),
        ({"error": f"bad key {KEY}"}, r"bad key \*\*\*$"),
        ({"choices": [{}]}, "a choice without text"),
        ({"choices": [{"text": None}]}, "a choice without text"),
        (text_choice("a", tokens=["a"], token_logprobs=[]), "1 tokens, 0 log-prob"),
        (text_choice("a", tokens=["a", "b"], token_logprobs=[-1]), "2 tokens, 1 log-prob"),
        (text_choice("a", tokens=["a"], token_logprobs=[0.5]), "above 0: 0.5"),
        (b'{"choices":[{"text":"a","logprobs":{"token_logprobs":[-1e999]}}]}', "can't be read"),
        (b'{"choices":[{"text":"a","logprobs":{"token_logprobs":[-Infinity]}}]}', "can't be read"),
        (
            text_choice("a", content=[{"token": "\ufffd", "logprob": -1, "bytes": [256]}]),
            "answered 200 with",
        ),
        (
            text_choice("a", content=[{"token": "\ufffd", "logprob": -1, "bytes": "x"}]),
            "answered 200 with",
        ),
    ],
)
def test_answers_that_make_no_sense(body: object, message: str) -> None:
    with pytest.raises(UnavailableError, match=message) as raised:
        answered(body)
    assert "(m) answered 200 with" in str(raised.value)
    assert KEY not in str(raised.value)


def test_fewer_choices_than_asked_for() -> None:
    with pytest.raises(UnavailableError, match="1 choices where 2 were asked for"):
        answered(text_choice("a"), num_completions=2)
