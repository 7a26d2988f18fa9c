"""Client of Anthropic's Messages API.

API reference: https://platform.claude.com/docs/en/api/messages
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, Never

import msgspec

from common.canonical_json import canonical_json
from common.errors import CredentialsError
from common.request import Request
from proxy.clients.anthropic_answers import MessageStream, to_answer
from proxy.clients.anthropic_messages import to_format, to_messages, to_tool_choice, to_tools
from proxy.clients.capabilities import Capabilities
from proxy.clients.client import ProviderCall
from proxy.clients.openai_form import reasoning_of
from proxy.clients.remote_answers import Answer, Asked
from proxy.clients.remote_client import (
    RemoteClient,
    add_to_body,
    checked_names,
    left_out,
    split_stops,
)
from proxy.http import Http, Response

BASE_URL = "https://api.anthropic.com/v1"
# The last one that takes a temperature.
API_VERSION = "2023-06-01"
_FIRST_VERSION_WITHOUT_SAMPLING = "2026-10-21"
_PATH = "/messages"
_MAX_TEMPERATURE = 1
_SAMPLING = {"temperature", "top_p"}
_NEVER_SENT = {"presence_penalty", "frequency_penalty", "seed"}
_RESERVED = {"model", "messages", "system", "stream", "stop_sequences"}
# Where the models differ: the first that takes one of temperature and top_p only, the last that
# takes either, the first that thinks as much as it finds fit, the last with a budget.
_ONE_OF_BOTH_FROM, _SAMPLING_UNTIL = (4, 1), (4, 6)
_ADAPTIVE_FROM, _BUDGET_UNTIL = (4, 6), (4, 6)
_NEWEST = (1000, 0)

Thinking = Literal["budget", "adaptive"]


class AnthropicClient(RemoteClient):
    """Sends chats, or a prompt as one user message; completions have no log-probabilities.

    The limit of tokens holds for what is thought and said together; a budget for thinking
    (`reasoning: {"max_tokens": …}`) is added to it. Several completions are asked for one by one.

    Args:
        model_name: The model's name at Anthropic, such as `claude-opus-4-1`.
        base_url: What `/messages` is appended to.
        api_version: Later ones than the default take no temperature.
        betas: Names of beta features, sent in a header.
        unsupported: `temperature` and `top_p` where the model does not take them: they are left
            out, and listed in the result's `emulated`. By default the name and `api_version` tell.
        thinking: Kinds of `reasoning` that the model takes: `budget` (`{"max_tokens": …}`) and
            `adaptive` (`{"effort": …}`). By default the name tells.
        extra_body: Fields added to every body; they win over those of the request.
        extra_headers: Sent with every call; not part of the identity.
        timeout: Seconds after which a call is given up, if the caller's deadline is not sooner.

    Raises:
        InvalidRequestError: An argument is not valid.
    """

    def __init__(
        self,
        model_name: str,
        api_key: str | None = None,
        base_url: str = BASE_URL,
        *,
        api_version: str = API_VERSION,
        betas: Iterable[str] = (),
        unsupported: Iterable[str] | None = None,
        thinking: Iterable[Thinking] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> None:
        headers = {"anthropic-version": api_version}
        if api_key:
            # A key read from a file often ends in a line break.
            headers["x-api-key"] = api_key.strip()
        self._betas = sorted(betas)
        if self._betas:
            headers["anthropic-beta"] = ",".join(self._betas)
        http = _AnthropicHttp(base_url, headers | dict(extra_headers or {}))
        super().__init__(http, model_name, extra_body, _RESERVED, timeout)
        self._api_version = api_version
        version = _version_of(model_name)
        if unsupported is None:
            is_new = version > _SAMPLING_UNTIL or api_version >= _FIRST_VERSION_WITHOUT_SAMPLING
            self._unsupported, self._takes_both = set(), version < _ONE_OF_BOTH_FROM
            if is_new:
                self._unsupported = _SAMPLING
        else:
            self._unsupported, self._takes_both = checked_names(unsupported, _SAMPLING), True
        if thinking is None:
            self._kinds = {"effort"} if version >= _ADAPTIVE_FROM else set()
            if version <= _BUDGET_UNTIL:
                self._kinds.add("max_tokens")
        else:
            kinds = checked_names(thinking, ("budget", "adaptive"))
            names = {"budget": "max_tokens", "adaptive": "effort"}
            self._kinds = {names[kind] for kind in kinds}

    @property
    def identity(self) -> dict[str, Any]:
        betas = {"betas": self._betas} if self._betas else {}
        return super().identity | {"api_version": self._api_version} | betas

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            temperature="emulated" if "temperature" in self._unsupported else "native",
            top_p="emulated" if "top_p" in self._unsupported else "native",
            presence_penalty="emulated",
            frequency_penalty="emulated",
            seed="emulated",
            num_completions="emulated",
            top_k_per_token="emulated",  # noqa: S106 (no password)
            echo_prompt="unsupported",
            reasoning="native" if self._kinds else "unsupported",
            embedding_input="unsupported",
            has_logprobs=False,
            has_prompt_logprobs=False,
            max_candidates=0,
            streams=True,
        )

    def prepare(self, request: Request) -> ProviderCall:
        self._check_fields(request, ["echo_prompt"])
        system, messages, handling = to_messages(request, self._model_name)
        body: dict[str, Any] = {
            "model": self._model_name,
            "max_tokens": request.max_tokens,
            "messages": messages,
        }
        if system:
            body["system"] = system
        stops, _ = split_stops(request, len(request.stop_sequences))
        if stops:
            body["stop_sequences"] = stops
        handling |= left_out(request, _NEVER_SENT)
        if request.num_completions > 1:
            handling["num_completions"] = request.num_completions
        if request.top_k_per_token > 1:
            handling["top_k_per_token"] = request.top_k_per_token
        self._add_reasoning(request, body, handling)
        self._add_sampling(request, body, handling)
        if request.tools is not None:
            body["tools"] = to_tools(request, self._model_name)
        if request.tool_choice is not None:
            body["tool_choice"] = to_tool_choice(request, self._model_name)
        if form := to_format(request, self._model_name):
            body["output_config"] = body.get("output_config", {}) | {"format": form}
        return ProviderCall(
            canonical_json(body | self._extra_body), _PATH, handling, request.random
        )

    def _add_reasoning(
        self, request: Request, body: dict[str, Any], handling: dict[str, Any]
    ) -> None:
        if request.reasoning is None:
            return
        if not self._kinds:
            raise self._refused("reasoning", "does not think")
        effort, budget = reasoning_of(request.reasoning, self._kinds, self._model_name)
        if effort == "none":
            body["thinking"] = {"type": "disabled"}
        elif effort:
            body["thinking"] = {"type": "adaptive", "display": "summarized"}
            body["output_config"] = {"effort": effort}
        else:
            body["thinking"] = {"type": "enabled", "budget_tokens": budget}
            # There is one limit for what is thought and said together.
            body["max_tokens"] += budget
            handling["max_tokens"] = request.max_tokens

    def _add_sampling(
        self, request: Request, body: dict[str, Any], handling: dict[str, Any]
    ) -> None:
        is_thinking = body.get("thinking", {}).get("type") in ("adaptive", "enabled")
        # A model that thinks samples as it likes.
        omitted = _SAMPLING if is_thinking else self._unsupported
        if request.temperature > _MAX_TEMPERATURE and "temperature" not in omitted:
            raise self._refused("temperature", f"takes 0 to {_MAX_TEMPERATURE}")
        wanted = {"temperature": request.temperature, "top_p": request.top_p}
        # 1 is the default of both, and a model that takes one only must not be sent the other.
        sent = {name: value for name, value in wanted.items() if value != 1 and name not in omitted}
        if len(sent) > 1 and not self._takes_both:
            del sent["top_p"]
        body |= sent
        handling |= left_out(request, _SAMPLING - sent.keys())

    def _asked(self, call: ProviderCall) -> Asked:
        asked = _ASKED.decode(call.body)
        return Asked(asked.stop_sequences, asked.max_tokens)

    def _read(self, data: bytes, asked: Asked) -> Answer:
        return to_answer(data)

    def _streaming(self, call: ProviderCall) -> tuple[str, bytes]:
        return call.path, add_to_body(call.body, stream=True)

    def _assemble(
        self, events: Iterator[bytes], asked: Asked, tell: Callable[[int, str], None]
    ) -> Answer:
        stream = MessageStream(self._http)
        for event in events:
            if added := stream.add(event):
                tell(0, added)
            if stream.is_done:
                break
        return stream.answer()


class _AnthropicHttp(Http):
    def refuse(self, response: Response, body: bytes) -> Never:
        if response.status == 400 and b"credit balance is too low" in body:
            raise CredentialsError(f"{self.host} answered 400: {self.words(body)}")
        super().refuse(response, body)


class _Body(msgspec.Struct):
    max_tokens: int
    stop_sequences: list[str] = []


_ASKED = msgspec.json.Decoder(_Body)


def _version_of(model_name: str) -> tuple[int, int]:
    """Return a model's version: (4, 1) of `claude-opus-4-1-20250805`; the newest if it has none."""
    # Behind the name or before it, and never eight digits, which are a date.
    found = re.search(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)", model_name)
    return (int(found[1]), int(found[2] or 0)) if found else _NEWEST
