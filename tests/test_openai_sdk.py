"""The unmodified `openai` package against a running proxy, with a provider behind it."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

from fake_provider import Behaviour, FakeProvider, default_answer, embedding
from proxy_process import PROXY_VARIABLES, ProxyProcess
from scripted_server import Reply, ScriptedServer

MODEL, CHAT_MODEL, SLOW_MODEL = "fake/model", "fake/chat", "fake/slow"
LIMITED_MODEL = "fake/limited"  # after a refusal it is not asked for a while
SLOW_REPLY = Reply(
    events=[
        *({"choices": [{"index": 0, "delta": {"content": text}}]} for text in ("One", " two")),
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        b"[DONE]",
    ],
    pause=0.1,
)
SCHEMA_ANSWER = '{"city": "Paris", "population": 2}'
BEHAVIOUR = Behaviour(
    answers=[
        {"contains": "weather", "text": "", "tool_calls": [{"name": "look", "arguments": "{}"}]},
        {"contains": "city", "text": SCHEMA_ANSWER},
        {"contains": "why", "text": " Because.", "thinking": "I think."},
        {"contains": "count", "text": " one two three four"},
    ],
    faults=[
        {"kind": "400", "contains": "reject"},
        {"kind": "429", "contains": "limit", "retry_after": 100_000},
        {"kind": "refusal", "contains": "refuse"},
    ],
)
LOOK: ChatCompletionToolParam = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}


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
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxyProcess]:
    with FakeProvider(BEHAVIOUR) as provider, ScriptedServer([SLOW_REPLY]) as slow_provider:
        made = ProxyProcess(tmp_path_factory.mktemp("proxy"))
        made.deploy(SLOW_MODEL, slow_provider.url, api="chat")
        made.deploy(MODEL, provider.url)
        made.deploy(CHAT_MODEL, provider.url, api="chat")
        made.deploy(LIMITED_MODEL, provider.url, api="chat")
        with made:
            yield made


@pytest.fixture(scope="module")
def client(proxy: ProxyProcess) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{proxy.url}/v1", api_key=proxy.auth.api_key, max_retries=0
    ) as made:
        yield made


def user(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


# --- Chats --------------------------------------------------------------------------------------


def test_a_chat_is_answered_and_then_stored(client: openai.OpenAI) -> None:
    chats = client.chat.completions
    asked: dict[str, Any] = {"model": CHAT_MODEL, "messages": user("2+2=")}
    first = chats.with_raw_response.create(**asked)
    again = chats.with_raw_response.create(**asked)
    for answer, mark in ((first, "miss"), (again, "hit")):
        completion = answer.parse()
        assert completion.choices[0].message.content == default_answer("2+2=")
        assert completion.choices[0].finish_reason == "stop"
        assert completion.usage is not None
        assert completion.usage.completion_tokens == 4
        assert completion.model_extra == {"cached": mark == "hit", "served_model": "m"}
        assert answer.headers["X-Cache"] == mark
        assert completion._request_id == answer.headers["X-Request-Id"]


def test_the_cache_can_be_passed_over(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": CHAT_MODEL, "messages": user("anew?")}
    more: list[dict[str, Any]] = [
        {},
        {"extra_headers": {"Cache-Control": "no-cache"}},
        {"extra_body": {"cache": {"max_age": 0}}},
        {"extra_body": {"random": "another"}},
        {"extra_headers": {"Cache-Control": "max-age=3600"}},
    ]
    marks = [
        client.chat.completions.with_raw_response.create(**asked, **extra).headers["X-Cache"]
        for extra in more
    ]
    assert marks == ["miss", "miss", "miss", "miss", "hit"]


def test_several_answers_with_logprobs(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(
        model=CHAT_MODEL, messages=user("three"), n=2, logprobs=True, top_logprobs=2
    )
    assert [choice.index for choice in completion.choices] == [0, 1]
    for choice in completion.choices:
        assert choice.logprobs is not None
        assert choice.logprobs.content is not None
        assert "".join(token.token for token in choice.logprobs.content) == choice.message.content
        assert all(len(token.top_logprobs) == 2 for token in choice.logprobs.content)


def test_tools_are_called_and_their_answers_sent_back(client: openai.OpenAI) -> None:
    messages = user("the weather?")
    asked = client.chat.completions.create(model=CHAT_MODEL, messages=messages, tools=[LOOK])
    message = asked.choices[0].message
    assert asked.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls is not None
    [call] = message.tool_calls
    assert call.type == "function"
    assert (call.function.name, call.function.arguments) == ("look", "{}")
    messages.append(message)  # type: ignore[arg-type]  # as OpenAI's guide does
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "sunny"})
    messages += user("Thanks.")
    answer = client.chat.completions.create(model=CHAT_MODEL, messages=messages, tools=[LOOK])
    assert answer.choices[0].message.content == default_answer("Thanks.")


def test_structured_answers_are_parsed(client: openai.OpenAI) -> None:
    completion = client.chat.completions.parse(
        model=CHAT_MODEL, messages=user("Which city?"), response_format=City
    )
    assert completion.choices[0].message.parsed == City(city="Paris", population=2)


def test_hidden_reasoning_is_shown_where_the_provider_shows_it(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(
        model=CHAT_MODEL, messages=user("why?"), reasoning_effort="low"
    )
    assert completion.choices[0].message.model_extra == {"reasoning_content": "I think."}


def test_a_refusal_is_a_reason_to_stop(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model=CHAT_MODEL, messages=user("refuse"))
    assert completion.choices[0].finish_reason == "content_filter"


# --- Streams ------------------------------------------------------------------------------------


@pytest.mark.parametrize("logprobs", [True, False])
def test_a_stream_adds_up_to_the_answer_also_from_the_cache(
    client: openai.OpenAI, logprobs: bool
) -> None:
    for is_cached in (False, True):
        chunks = list(
            client.chat.completions.create(
                model=CHAT_MODEL,
                messages=user(f"count {logprobs}"),
                stream=True,
                stream_options={"include_usage": True},
                logprobs=logprobs,
            )
        )
        *told, usage = chunks
        text = "".join(chunk.choices[0].delta.content or "" for chunk in told)
        assert text == " one two three four"
        assert told[0].choices[0].delta.role == "assistant"
        assert told[-1].choices[0].finish_reason == "stop"
        assert told[-1].model_extra == {"cached": is_cached}
        assert usage.usage is not None
        assert usage.usage.completion_tokens == 4
        scored = [chunk for chunk in told if chunk.choices[0].logprobs]
        assert len(scored) == (4 if logprobs else 0)


def test_a_piece_is_passed_on_while_the_provider_still_speaks(client: openai.OpenAI) -> None:
    chunks = client.chat.completions.create(model=SLOW_MODEL, messages=user("a"), stream=True)
    came = {chunk.choices[0].delta.content: time.monotonic() for chunk in chunks}
    assert came[None] - came["One"] >= SLOW_REPLY.pause


def test_tool_calls_are_streamed_in_parts(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(
        model=CHAT_MODEL, messages=user("weather now?"), tools=[LOOK]
    ) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert "tool_calls.function.arguments.done" in kinds
    assert final.choices[0].message.tool_calls
    assert final.choices[0].message.tool_calls[0].function.name == "look"


def test_a_structured_answer_is_streamed(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(
        model=CHAT_MODEL, messages=user("Which city, in parts?"), response_format=City
    ) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.parsed == City(city="Paris", population=2)


def test_an_error_before_the_stream_is_an_exception(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="fake/nobody", messages=user("a"), stream=True)
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model=CHAT_MODEL, messages=user("reject"), stream=True)


@pytest.mark.parametrize("is_stream", [True, False])
def test_the_asynchronous_client(proxy: ProxyProcess, is_stream: bool) -> None:
    text = asyncio.run(ask_asynchronously(proxy, is_stream=is_stream))
    assert text == default_answer("async?")


async def ask_asynchronously(proxy: ProxyProcess, *, is_stream: bool) -> str:
    async with openai.AsyncOpenAI(
        base_url=f"{proxy.url}/v1", api_key=proxy.auth.api_key, max_retries=0
    ) as client:
        asked: dict[str, Any] = {"model": CHAT_MODEL, "messages": user("async?")}
        if not is_stream:
            completion = await client.chat.completions.create(**asked)
            return completion.choices[0].message.content or ""
        parts = await client.chat.completions.create(**asked, stream=True)
        return "".join([part.choices[0].delta.content or "" async for part in parts])


# --- Completions, embeddings, models ------------------------------------------------------------


def test_prompts_are_completed_in_order(client: openai.OpenAI) -> None:
    completion = client.completions.create(model=MODEL, prompt=["a", "b", "c"], n=2)
    assert [choice.index for choice in completion.choices] == list(range(6))
    assert [choice.text for choice in completion.choices[::2]] == [
        default_answer(prompt) for prompt in "abc"
    ]


def test_a_prompt_is_scored(client: openai.OpenAI) -> None:
    completion = client.completions.create(
        model=MODEL, prompt="to be or not", echo=True, max_tokens=0, logprobs=2, temperature=0
    )
    logprobs = completion.choices[0].logprobs
    assert completion.choices[0].text == "to be or not"
    assert logprobs is not None
    assert logprobs.tokens == ["to", " be", " or", " not"]
    assert logprobs.text_offset == [0, 2, 5, 8]
    assert logprobs.token_logprobs is not None
    assert logprobs.token_logprobs[0] is None
    assert all(value < 0 for value in logprobs.token_logprobs[1:])
    assert logprobs.top_logprobs is not None
    assert [len(tops or {}) for tops in logprobs.top_logprobs] == [0, 2, 2, 2]


def test_completions_are_streamed(client: openai.OpenAI) -> None:
    parts = client.completions.create(model=MODEL, prompt="count", stream=True)
    assert "".join(part.choices[0].text for part in parts) == " one two three four"


def test_the_best_of_several_is_returned(client: openai.OpenAI) -> None:
    completion = client.completions.create(model=MODEL, prompt="best?", best_of=3, n=1)
    assert len(completion.choices) == 1
    assert completion.model_extra is not None
    assert completion.model_extra["emulated"] == ["best_of"]


def test_token_ids_need_a_tokenizer(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="no tokenizer is known"):
        client.completions.create(model=MODEL, prompt=[1, 2, 3])


@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_embeddings(client: openai.OpenAI, encoding: Any) -> None:
    more = {} if encoding is None else {"encoding_format": encoding}
    answer = client.embeddings.create(model=MODEL, input=["one", "two"], **more)
    assert [item.index for item in answer.data] == [0, 1]
    assert answer.usage.prompt_tokens == 2
    vector: Any = answer.data[1].embedding
    if encoding == "base64":
        assert isinstance(vector, str)
    else:
        assert vector == pytest.approx(embedding("two"), abs=1e-6)


def test_models_are_listed_and_found_by_name(client: openai.OpenAI) -> None:
    names = {model.id for model in client.models.list()}
    assert {MODEL, "simple/model1"} <= names
    assert client.models.retrieve(MODEL).owned_by == "fake"
    with pytest.raises(openai.NotFoundError, match="did you mean 'fake/model'"):
        client.models.retrieve("fake/modle")


# --- Errors -------------------------------------------------------------------------------------


def test_a_wrong_key(proxy: ProxyProcess) -> None:
    stranger = openai.OpenAI(base_url=f"{proxy.url}/v1", api_key="lmb-wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError) as raised:
        stranger.models.list()
    assert raised.value.code == "invalid_api_key"


@pytest.mark.parametrize(
    ("fields", "kind", "param", "code"),
    [
        ({"model": "fake/modle"}, openai.NotFoundError, "model", "model_not_found"),
        ({"temperature": -1}, openai.BadRequestError, "temperature", "invalid_request"),
        ({"n": 0}, openai.BadRequestError, "n", "invalid_request"),
        ({"seed": "x"}, openai.BadRequestError, "seed", "invalid_request"),
        ({"logit_bias": {"1": 1}}, openai.BadRequestError, "logit_bias", "unsupported_field"),
        (
            {"model": LIMITED_MODEL, "messages": user("limit")},
            openai.RateLimitError,
            None,
            "rate_limit_exceeded",
        ),
        ({"messages": user("reject")}, openai.InternalServerError, None, "provider_rejected"),
    ],
)
def test_an_error_is_the_exception_that_openai_would_raise(
    client: openai.OpenAI,
    fields: dict[str, Any],
    kind: type[openai.APIStatusError],
    param: str | None,
    code: str,
) -> None:
    asked: dict[str, Any] = {"model": CHAT_MODEL, "messages": user("a")}
    with pytest.raises(kind) as raised:
        client.chat.completions.create(**asked | fields)
    assert (raised.value.param, raised.value.code) == (param, code)
    assert raised.value.request_id == raised.value.response.headers["X-Request-Id"]
    if kind is openai.RateLimitError:
        assert raised.value.response.headers["Retry-After"] == "100000"


def test_an_unknown_path_below_v1_has_openais_shape(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        client.files.list()
    assert json.loads(raised.value.response.text)["error"]["code"] == "not_found"
