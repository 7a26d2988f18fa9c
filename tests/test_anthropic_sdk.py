"""The unmodified `anthropic` package against a running proxy, with a provider behind it.

The provider speaks OpenAI's API, so each message is put into another form and back.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic.types import MessageParam, ToolParam
from pydantic import BaseModel

from fake_provider import Behaviour, FakeProvider, default_answer
from proxy_process import PROXY_VARIABLES, ProxyProcess

MODEL = "fake/chat"
LIMITED_MODEL = "fake/limited"  # after a refusal it is not asked for a while
BEHAVIOUR = Behaviour(
    answers=[
        {
            "contains": "weather",
            "text": " I look.",
            "tool_calls": [{"name": "look", "arguments": '{"where": "out"}'}],
        },
        {"contains": "city", "text": '{"city": "Paris", "population": 2}'},
        {"contains": "why", "text": " Because.", "thinking": "I think."},
        {"contains": "count", "text": " one two three four"},
    ],
    faults=[
        {"kind": "400", "contains": "reject"},
        {"kind": "429", "contains": "limit", "retry_after": 100_000},
        {"kind": "refusal", "contains": "refuse"},
    ],
)
LOOK: ToolParam = {"name": "look", "input_schema": {"type": "object", "properties": {}}}


class City(BaseModel):
    """What a structured answer holds."""

    city: str
    population: int


@pytest.fixture(scope="module", autouse=True)
def _no_http_proxy() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in PROXY_VARIABLES:
            patch.delenv(name, raising=False)
            patch.delenv(name.upper(), raising=False)
        yield


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    with FakeProvider(BEHAVIOUR) as running:
        yield running


@pytest.fixture(scope="module")
def proxy(
    tmp_path_factory: pytest.TempPathFactory, provider: FakeProvider
) -> Iterator[ProxyProcess]:
    made = ProxyProcess(tmp_path_factory.mktemp("proxy"))
    made.deploy(MODEL, provider.url, api="chat")
    made.deploy(LIMITED_MODEL, provider.url, api="chat")
    with made:
        yield made


@pytest.fixture(scope="module")
def client(proxy: ProxyProcess) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=proxy.url, api_key=proxy.auth.api_key, max_retries=0) as made:
        yield made


def asking(text: str) -> dict[str, Any]:
    """The fields of the shortest call."""
    messages: list[MessageParam] = [{"role": "user", "content": text}]
    return {"model": MODEL, "max_tokens": 20, "messages": messages}


# --- Messages -----------------------------------------------------------------------------------


def test_a_message_is_answered_and_then_stored(client: anthropic.Anthropic) -> None:
    for mark in ("miss", "hit"):
        answer = client.messages.with_raw_response.create(**asking("2+2="))
        message = answer.parse()
        assert [block.type for block in message.content] == ["text"]
        assert message.content[0].type == "text"
        assert message.content[0].text == default_answer("2+2=")
        assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", 4)
        assert answer.headers["X-Cache"] == mark


def test_a_bearer_token_is_a_key_too(proxy: ProxyProcess) -> None:
    with anthropic.Anthropic(
        base_url=proxy.url, auth_token=proxy.auth.api_key, max_retries=0
    ) as client:
        assert client.messages.create(**asking("bearer?")).stop_reason == "end_turn"


def test_the_length_and_stops_are_honoured(client: anthropic.Anthropic) -> None:
    short = client.messages.create(**asking("count") | {"max_tokens": 2})
    assert short.stop_reason == "max_tokens"
    stopped = client.messages.create(**asking("count"), stop_sequences=[" three"])
    assert stopped.content[0].type == "text"
    assert stopped.content[0].text == " one two"


def test_tools_are_called_and_their_answers_sent_back(
    client: anthropic.Anthropic, provider: FakeProvider
) -> None:
    asked = client.messages.create(
        **asking("the weather?"), tools=[LOOK], system="Be short.", tool_choice={"type": "any"}
    )
    said, used = asked.content
    assert (said.type, used.type, asked.stop_reason) == ("text", "tool_use", "tool_use")
    assert used.type == "tool_use"
    assert (used.name, used.input) == ("look", {"where": "out"})
    messages: list[MessageParam] = [
        {"role": "user", "content": "the weather?"},
        {"role": "assistant", "content": asked.content},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": used.id, "content": "sunny"},
                {"type": "text", "text": "Thanks."},
            ],
        },
    ]
    answer = client.messages.create(
        model=MODEL, max_tokens=20, messages=messages, tools=[LOOK], system="Be short."
    )
    assert answer.content[0].type == "text"
    assert answer.content[0].text == default_answer("Thanks.")
    body = provider.last()[-1].body
    assert [message["role"] for message in body["messages"]] == [
        *("system", "user", "assistant", "tool", "user")
    ]
    assert body["tools"][0]["function"]["name"] == "look"


def test_structured_answers_are_parsed(client: anthropic.Anthropic) -> None:
    message = client.messages.parse(**asking("Which city?"), output_format=City)
    assert message.parsed_output == City(city="Paris", population=2)


def test_thinking_is_shown_where_it_is_asked_for(client: anthropic.Anthropic) -> None:
    more: dict[str, Any] = {
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "low"},
    }
    message = client.messages.create(**asking("why?"), **more)
    thinking, text = message.content
    assert thinking.type == "thinking"
    assert (thinking.thinking, text.type) == ("I think.", "text")
    with client.messages.stream(**asking("why not?"), **more) as stream:
        final = stream.get_final_message()
    assert [block.type for block in final.content] == ["thinking", "text"]


def test_a_refusal_is_a_reason_to_stop(client: anthropic.Anthropic) -> None:
    assert client.messages.create(**asking("refuse")).stop_reason == "refusal"


# --- Streams ------------------------------------------------------------------------------------


def test_a_stream_adds_up_to_the_answer_also_from_the_cache(client: anthropic.Anthropic) -> None:
    for mark in ("miss", "hit"):
        with client.messages.stream(**asking("count on")) as stream:
            assert stream.response.headers["X-Cache"] == mark
            texts = list(stream.text_stream)
            final = stream.get_final_message()
        assert "".join(texts) == " one two three four"
        assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", 4)
        assert final.usage.input_tokens == 2


def test_the_events_are_those_of_anthropic(client: anthropic.Anthropic) -> None:
    events = list(client.messages.create(**asking("weather again?"), tools=[LOOK], stream=True))
    kinds = [event.type for event in events if event.type != "content_block_delta"]
    assert kinds == [
        "message_start",
        *("content_block_start", "content_block_stop"),
        *("content_block_start", "content_block_stop"),
        *("message_delta", "message_stop"),
    ]
    with client.messages.stream(**asking("weather again?"), tools=[LOOK]) as stream:
        used = stream.get_final_message().content[-1]
    assert used.type == "tool_use"
    assert used.input == {"where": "out"}


def test_an_error_before_the_stream_is_an_exception(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(**asking("a") | {"model": "fake/nobody"}, stream=True)


@pytest.mark.parametrize("is_stream", [True, False])
def test_the_asynchronous_client(proxy: ProxyProcess, is_stream: bool) -> None:
    text = asyncio.run(ask_asynchronously(proxy, is_stream=is_stream))
    assert text == default_answer("async?")


async def ask_asynchronously(proxy: ProxyProcess, *, is_stream: bool) -> str:
    async with anthropic.AsyncAnthropic(
        base_url=proxy.url, api_key=proxy.auth.api_key, max_retries=0
    ) as client:
        if is_stream:
            async with client.messages.stream(**asking("async?")) as stream:
                return str(await stream.get_final_text())
        message = await client.messages.create(**asking("async?"))
        assert message.content[0].type == "text"
        return str(message.content[0].text)


# --- Models and errors --------------------------------------------------------------------------


def test_models_are_listed(client: anthropic.Anthropic) -> None:
    assert MODEL in {model.id for model in client.models.list()}


def test_a_wrong_key(proxy: ProxyProcess) -> None:
    stranger = anthropic.Anthropic(base_url=proxy.url, api_key="lmb-wrong", max_retries=0)
    with pytest.raises(anthropic.AuthenticationError) as raised:
        stranger.messages.create(**asking("a"))
    assert "lmb-wrong" not in str(raised.value)


@pytest.mark.parametrize(
    ("fields", "kind", "error_type"),
    [
        ({"model": "fake/modle"}, anthropic.NotFoundError, "not_found_error"),
        ({"temperature": -1}, anthropic.BadRequestError, "invalid_request_error"),
        ({"stop_sequences": "x"}, anthropic.BadRequestError, "invalid_request_error"),
        ({"top_k": 5}, anthropic.BadRequestError, "invalid_request_error"),
        (asking("limit") | {"model": LIMITED_MODEL}, anthropic.RateLimitError, "rate_limit_error"),
        (asking("reject"), anthropic.InternalServerError, "api_error"),
    ],
)
def test_an_error_is_the_exception_that_anthropic_would_raise(
    client: anthropic.Anthropic,
    fields: dict[str, Any],
    kind: type[anthropic.APIStatusError],
    error_type: str,
) -> None:
    # Some are no longer fields of the package's own.
    body = asking("a") | fields
    known = {name: body.pop(name) for name in ("model", "max_tokens", "messages")}
    with pytest.raises(kind) as raised:
        client.messages.create(**known, extra_body=body)
    answer: Any = raised.value.body
    assert (answer["type"], answer["error"]["type"]) == ("error", error_type)
    assert answer["request_id"] == raised.value.response.headers["X-Request-Id"]
