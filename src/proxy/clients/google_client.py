"""Client of Google's Gemini API.

API reference: https://ai.google.dev/api/generate-content
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Never
from urllib.parse import quote

import msgspec

from common.canonical_json import canonical_json
from common.errors import CredentialsError, InvalidRequestError, RateLimitError
from common.request import Request
from proxy.clients.capabilities import Capabilities
from proxy.clients.client import ProviderCall
from proxy.clients.google_answers import ContentStream, to_answer
from proxy.clients.google_contents import to_contents, to_format, to_tool_config, to_tools
from proxy.clients.openai_form import reasoning_of
from proxy.clients.remote_answers import Answer, Asked
from proxy.clients.remote_client import (
    RemoteClient,
    checked_names,
    left_out,
    split_stops,
)
from proxy.http import Http, Response

BASE_URL = "https://generativelanguage.googleapis.com/v1beta"
MAX_STOP_SEQUENCES = 5
MAX_CANDIDATES = 8  # completions of one call
MAX_LOGPROBS = 20
_METHOD, _STREAM_METHOD = ":generateContent", ":streamGenerateContent?alt=sse"
_SEEDS = range(-(2**31), 2**31)
_SENT_AS = {
    "top_p": "topP",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "seed": "seed",
}
_OMITTED = {"temperature", *_SENT_AS}
_RESERVED = {"contents", "systemInstruction"}


class GoogleClient(RemoteClient):
    """Sends chats, or a prompt as one user message.

    The limit of tokens holds for what is thought and said together; a budget for thinking
    (`reasoning: {"max_tokens": …}`) is added to it.

    Args:
        model_name: The model's name at Google, such as `gemini-2.5-flash`; or `tunedModels/NAME`.
        base_url: What `/models/NAME:generateContent` is appended to. Vertex AI answers in the same
            form below `…/publishers/google`, with an `Authorization` among `extra_headers`.
        logprobs: True if the model lists log-probabilities, which most do not.
        unsupported: Fields of Request that the model can't take. `num_completions` are then asked
            for one by one; `temperature`, `top_p`, penalties and `seed` are left out. Each is
            listed in the result's `emulated`.
        safety_settings: From when on Google blocks, as `safetySettings` of its API.
        extra_body: Fields added to every body; they win over those of the request, and those of
            `generationConfig` one by one.
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
        logprobs: bool = False,
        unsupported: Iterable[str] = (),
        safety_settings: Iterable[Mapping[str, str]] = (),
        extra_body: Mapping[str, Any] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> None:
        headers = dict(extra_headers or {})
        if api_key:
            # A key read from a file often ends in a line break.
            headers = {"x-goog-api-key": api_key.strip()} | headers
        super().__init__(_GoogleHttp(base_url, headers), model_name, extra_body, _RESERVED, timeout)
        if not isinstance(self._extra_body.get("generationConfig", {}), dict):
            raise InvalidRequestError("generationConfig of extra_body must be a mapping")
        self._has_logprobs = logprobs
        self._omitted = checked_names(unsupported, {*_OMITTED, "num_completions"})
        self._safety_settings = [dict(setting) for setting in safety_settings]

    @property
    def capabilities(self) -> Capabilities:
        omitted: dict[str, Any] = dict.fromkeys(self._omitted, "emulated")
        if not self._has_logprobs:
            omitted |= {"top_k_per_token": "emulated"}
        return Capabilities(
            **omitted,
            echo_prompt="unsupported",
            embedding_input="unsupported",
            has_logprobs=self._has_logprobs,
            has_prompt_logprobs=False,
            max_stop_sequences=MAX_STOP_SEQUENCES,
            max_candidates=MAX_LOGPROBS if self._has_logprobs else 0,
            streams=True,
        )

    def prepare(self, request: Request) -> ProviderCall:
        self._check_fields(request, ["echo_prompt"])
        system, contents, handling = to_contents(request, self._model_name)
        body: dict[str, Any] = {
            "contents": contents,
            "generationConfig": self._to_config(request, handling),
        }
        if system:
            body["systemInstruction"] = {"parts": [{"text": system}]}
        if self._safety_settings:
            body["safetySettings"] = self._safety_settings
        if request.tools is not None:
            body["tools"] = to_tools(request, self._model_name)
        if request.tool_choice is not None:
            body["toolConfig"] = to_tool_config(request, self._model_name)
        more = dict(self._extra_body)
        more["generationConfig"] = body["generationConfig"] | more.get("generationConfig", {})
        name = quote(self._model_name, safe="/@.-_")
        path = f"/{name}" if "/" in name else f"/models/{name}"
        return ProviderCall(canonical_json(body | more), path + _METHOD, handling, request.random)

    def _to_config(self, request: Request, handling: dict[str, Any]) -> dict[str, Any]:
        config: dict[str, Any] = {"maxOutputTokens": request.max_tokens}
        if "temperature" not in self._omitted:
            config["temperature"] = request.temperature
        handling |= left_out(request, self._omitted & _OMITTED)
        if request.seed is not None and request.seed not in _SEEDS:
            raise self._refused("seed", "takes numbers of 32 bits")
        for name in left_out(request, _SENT_AS.keys() - self._omitted):
            config[_SENT_AS[name]] = getattr(request, name)
        stops, cut = split_stops(request, MAX_STOP_SEQUENCES)
        if stops:
            config["stopSequences"] = stops
        handling |= cut
        self._add_num_completions(request, config, handling)
        self._add_logprobs(request, config, handling)
        self._add_reasoning(request, config, handling)
        return config | to_format(request, self._model_name)

    def _add_num_completions(
        self, request: Request, config: dict[str, Any], handling: dict[str, Any]
    ) -> None:
        count = request.num_completions
        if count > MAX_CANDIDATES or (count > 1 and "num_completions" in self._omitted):
            handling["num_completions"] = count
        elif count > 1:
            config["candidateCount"] = count

    def _add_logprobs(
        self, request: Request, config: dict[str, Any], handling: dict[str, Any]
    ) -> None:
        count = request.top_k_per_token
        limit = MAX_LOGPROBS if self._has_logprobs else 1
        if count > limit:
            # Fewer candidates are worth more than none.
            handling["top_k_per_token"] = count
        if self._has_logprobs and count:
            config |= {"responseLogprobs": True, "logprobs": min(count, limit)}

    def _add_reasoning(
        self, request: Request, config: dict[str, Any], handling: dict[str, Any]
    ) -> None:
        if request.reasoning is None:
            return
        effort, budget = reasoning_of(request.reasoning, {"effort", "max_tokens"}, self._model_name)
        if effort == "none":
            config["thinkingConfig"] = {"thinkingBudget": 0}
        elif effort:
            config["thinkingConfig"] = {"thinkingLevel": effort.upper(), "includeThoughts": True}
        else:
            config["thinkingConfig"] = {"thinkingBudget": budget, "includeThoughts": True}
            # There is one limit for what is thought and said together.
            config["maxOutputTokens"] += budget
            handling["max_tokens"] = request.max_tokens

    @property
    def identity(self) -> dict[str, Any]:
        settings = {"safety_settings": self._safety_settings} if self._safety_settings else {}
        return super().identity | settings

    def _asked(self, call: ProviderCall) -> Asked:
        config = _ASKED.decode(call.body).generationConfig
        return Asked(config.stopSequences, config.maxOutputTokens, config.candidateCount)

    def _read(self, data: bytes, asked: Asked) -> Answer:
        return to_answer(data, asked.num_completions)

    def _streaming(self, call: ProviderCall) -> tuple[str, bytes]:
        return call.path.removesuffix(_METHOD) + _STREAM_METHOD, call.body

    def _assemble(
        self, events: Iterator[bytes], asked: Asked, tell: Callable[[int, str], None]
    ) -> Answer:
        stream = ContentStream(self._http)
        for event in events:
            for place, added in stream.add(event):
                tell(place, added)
        return stream.answer(asked.num_completions)


class _GoogleHttp(Http):
    """Knows how Google says that a key is wrong, and how long to wait."""

    def refuse(self, response: Response, body: bytes) -> Never:
        name = f"{self.host} answered {response.status}"
        if response.status == HTTPStatus.BAD_REQUEST and b"API_KEY_INVALID" in body:
            raise CredentialsError(f"{name}: {self.words(body)}")
        # `"retryDelay": "17.5s"` within the details, and no header.
        found = re.search(rb'"retryDelay"\s*:\s*"(\d{1,6}(?:\.\d{1,9})?)s"', body)
        if response.status == HTTPStatus.TOO_MANY_REQUESTS and found:
            raise RateLimitError(f"{name}: {self.words(body)}", float(found[1]))
        super().refuse(response, body)


class _Config(msgspec.Struct):
    maxOutputTokens: int
    stopSequences: list[str] = []
    candidateCount: int = 1


class _Body(msgspec.Struct):
    generationConfig: _Config


_ASKED = msgspec.json.Decoder(_Body)
