"""Client of the OpenAI completions and chat APIs, and of the many servers that speak them.

API reference: https://platform.openai.com/docs/api-reference/completions and …/chat
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from common.canonical_json import canonical_json
from common.errors import (
    InvalidRequestError,
    RejectedError,
    UnavailableError,
    UnknownNameError,
    UnsupportedFieldError,
)
from common.request import Outcome, Request, RequestResult, Sequence, Token, Usage
from common.token_text import token_bytes
from proxy.clients.client import Client, ProviderCall
from proxy.clients.truncation import truncate_at_stop
from proxy.http import Http

APIS = ("completions", "chat")
# Left out where they have the value that every server takes without them.
_SENT_UNLESS = {"top_p": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0, "seed": None}
_OMITTED = {"temperature", *_SENT_UNLESS}
_REFUSED = {"echo_prompt", "response_format", "reasoning"}
_EMULATED = {"stop_sequences", "num_completions"}
_OWN_FIELDS = {"model", "prompt", "messages", "n", "stop", "stream", "echo"}
_REASONS = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "endoftext": "endoftext",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}
# Rounding may lift the logprob of a certain token a little above 0.
_MAX_LOGPROB = 1e-3


class OpenAICompatibleClient(Client):
    """Completes prompts and chats over HTTP.

    Args:
        base_url: What `/completions` is appended to. For OpenAI, vLLM, Ollama and most others it
            ends in `/v1`.
        model_name: The model's name at the provider.
        api: `completions` sends a prompt to `/completions`; `chat` sends it to `/chat/completions`
            as one user message. Requests with `messages` always go to `/chat/completions`.
        extra_body: Fields added to every body; they win over those of the request.
        extra_headers: Sent with every call; not part of the identity.
        unsupported: Fields of Request that the server can't take. `stop_sequences` are then cut
            here and `num_completions` asked for one by one; `temperature`, `top_p`, penalties and
            `seed` are left out. Each such field is listed in the result's `emulated`.
            `echo_prompt`, `response_format` and `reasoning` become an error; `logprobs` says the
            same as the argument of that name.
        logprobs: False if the server refuses to list log-probabilities: completions have no tokens.
        max_tokens_field: `max_completion_tokens` for OpenAI's newer chat models.
        max_stop_sequences: Those beyond it are cut here.
        timeout: Seconds after which a call is given up, if the caller's deadline is not sooner.

    Raises:
        InvalidRequestError: An argument is not valid.
    """

    def __init__(
        self,
        base_url: str,
        model_name: str,
        api: str = "completions",
        api_key: str | None = None,
        organization: str | None = None,
        *,
        extra_body: Mapping[str, Any] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        unsupported: Iterable[str] = (),
        logprobs: bool = True,
        max_tokens_field: str = "max_tokens",
        max_stop_sequences: int = 4,
        timeout: float | None = None,
    ) -> None:
        _check_choice("api", api, APIS)
        _check_choice("max_tokens_field", max_tokens_field, ("max_tokens", "max_completion_tokens"))
        self._unsupported = set(unsupported)
        for name in self._unsupported:
            _check_choice("field", name, {*_OMITTED, *_REFUSED, *_EMULATED, "logprobs"})
        self._extra_body = dict(extra_body or {})
        if reserved := sorted(_OWN_FIELDS & self._extra_body.keys()):
            raise InvalidRequestError(f"extra_body can't hold {', '.join(reserved)}")
        headers = {name: str(value) for name, value in (extra_headers or {}).items()}
        if api_key:
            # A key read from a file often ends in a line break.
            headers = {"Authorization": f"Bearer {api_key.strip()}"} | headers
        if organization:
            headers = {"OpenAI-Organization": organization} | headers
        self._http = Http(base_url, headers)
        self._model_name, self._api = model_name, api
        self._wants_logprobs = logprobs and "logprobs" not in self._unsupported
        self._max_tokens_field = max_tokens_field
        self._max_stop_sequences = max_stop_sequences
        self._timeout = timeout

    @property
    def identity(self) -> dict[str, Any]:
        version = {"api_version": self._http.api_version} if self._http.api_version else {}
        return {
            "class": type(self).__name__,
            "base_url": self._http.base_url,
            "model": self._model_name,
            "extra_body": self._extra_body,
            **version,
        }

    def prepare(self, request: Request) -> ProviderCall:
        is_chat = self._api == "chat" or request.messages is not None
        self._check(request, is_chat=is_chat)
        handling: dict[str, Any] = {}
        body: dict[str, Any] = {
            "model": self._model_name,
            self._max_tokens_field: request.max_tokens,
        }
        if not is_chat:
            body["prompt"] = request.prompt
        elif request.messages is None:
            body["messages"] = [{"role": "user", "content": request.prompt}]
        else:
            body["messages"] = request.messages
        self._add_sampling(request, body, handling)
        self._add_stop(request, body, handling)
        if self._wants_logprobs and (k := request.top_k_per_token):
            body |= {"logprobs": True, "top_logprobs": k} if is_chat else {"logprobs": k}
        if request.echo_prompt:
            body["echo"] = True
        if request.response_format is not None:
            body["response_format"] = request.response_format
        if request.reasoning is not None:
            body["reasoning_effort"] = request.reasoning["effort"]
        path = "/chat/completions" if is_chat else "/completions"
        return ProviderCall(canonical_json(body | self._extra_body), path, handling, request.random)

    def _check(self, request: Request, *, is_chat: bool) -> None:
        if request.echo_prompt and is_chat:
            raise UnsupportedFieldError(
                "echo_prompt: a chat API can't score a prompt; this needs a deployment with "
                "api: completions, and a prompt in place of messages"
            )
        for name in _REFUSED & self._unsupported:
            if getattr(request, name):
                raise UnsupportedFieldError(f"{name}: {self._model_name} does not support it")
        if request.echo_prompt and not request.max_tokens and not self._wants_logprobs:
            raise UnsupportedFieldError(
                f"echo_prompt: {self._model_name} gives no log-probabilities to score a prompt with"
            )
        if request.reasoning is not None and request.reasoning.keys() != {"effort"}:
            raise UnsupportedFieldError(
                'reasoning: this API takes {"effort": …} only; other fields go into extra_body'
            )

    def _add_sampling(
        self, request: Request, body: dict[str, Any], handling: dict[str, Any]
    ) -> None:
        fields = {"temperature": request.temperature}
        for name, default in _SENT_UNLESS.items():
            if (value := getattr(request, name)) != default:
                fields[name] = value
        for name, value in fields.items():
            if name not in self._unsupported:
                body[name] = value
            # Servers sample at temperature 1 where none is given.
            elif (name, value) != ("temperature", 1.0):
                handling[name] = value
        if "num_completions" not in self._unsupported:
            body["n"] = request.num_completions
        elif request.num_completions > 1:
            handling["num_completions"] = request.num_completions

    def _add_stop(self, request: Request, body: dict[str, Any], handling: dict[str, Any]) -> None:
        stops = [stop for stop in request.stop_sequences if stop]
        num_sent = 0 if "stop_sequences" in self._unsupported else self._max_stop_sequences
        if stops[:num_sent]:
            body["stop"] = stops[:num_sent]
        if stops[num_sent:]:
            handling["stop_sequences"] = stops[num_sent:]

    def send(self, call: ProviderCall, deadline: float) -> RequestResult:
        asked = _ASKED.decode(call.body)
        started, start = time.time(), time.monotonic()
        if self._timeout is not None:
            deadline = min(deadline, start + self._timeout)
        stops = [*asked.stop, *call.handling.get("stop_sequences", [])]
        # One by one where the server can't give several.
        num_calls = call.handling.get("num_completions", 1)
        answers = [self._ask(call, asked, deadline) for _ in range(num_calls)]
        choices = [choice for answer in answers for choice in answer.choices[: asked.n]]
        emulated = sorted(call.handling)
        try:
            completions = [_to_sequence(choice) for choice in choices]
        except ValueError as error:
            raise UnavailableError(f"{self._who} answered 200 with {error}") from error
        if asked.echo:
            is_echoed = [_is_echoed(choice, asked.prompt) for choice in choices]
            self._check_scores(asked, completions, is_echoed)
            completions = [
                _cut_echo(sequence, asked.prompt, stops, is_echoed=is_it)
                for sequence, is_it in zip(completions, is_echoed, strict=True)
            ]
            emulated += [] if all(is_echoed) else ["echo_prompt"]
        elif stops:
            # Also where the server was to stop there: not every one does.
            completions = [truncate_at_stop(sequence, stops) for sequence in completions]
        return RequestResult(
            success=True,
            completions=completions,
            cached=False,
            request_time=time.monotonic() - start,
            request_datetime=int(started),
            outcome=_outcome(choices, completions, asked.num_allowed, expects_stop=bool(stops)),
            usage=_usage([answer.usage for answer in answers]),
            served_model=answers[-1].model if isinstance(answers[-1].model, str) else None,
            emulated=emulated,
        )

    @property
    def _who(self) -> str:
        return f"{self._http.host} ({self._model_name})"

    def _ask(self, call: ProviderCall, asked: "_Asked", deadline: float) -> "_Answer":
        data = self._http.post(call.path, call.body, deadline)
        try:
            answer = _ANSWER.decode(data)
        except ValueError as error:
            what = f"a body that can't be read ({error})"
            raise UnavailableError(
                f"{self._who} answered 200 with {what}: {self._http.words(data)}"
            ) from error
        if len(answer.choices) < asked.n:
            what = f"{len(answer.choices)} choices where {asked.n} were asked for"
            raise UnavailableError(
                f"{self._who} answered 200 with {what}: {self._http.words(data)}"
            )
        return answer

    def _check_scores(
        self, asked: "_Asked", completions: list[Sequence], is_echoed: list[bool]
    ) -> None:
        """Raise where a prompt was to be scored and was not: a missing score must not read as 0."""
        if asked.num_allowed or not asked.prompt:
            return
        if not all(is_echoed):
            raise RejectedError(f"{self._who} ignores `echo`, so it can't score a prompt")
        if asked.logprobs is not None and not all(sequence.tokens for sequence in completions):
            raise RejectedError(f"{self._who} gave no log-probabilities of the prompt")


def _check_choice(kind: str, value: str, choices: Iterable[str]) -> None:
    if value not in choices:
        raise UnknownNameError(kind, value, choices, f"there are {', '.join(sorted(choices))}")


# --- What was asked, and what is answered -------------------------------------------------------


class _Asked(msgspec.Struct):
    """The fields of a body that its answer is read by."""

    prompt: str = ""
    n: int = 1
    stop: list[str] = []
    echo: bool = False
    logprobs: int | bool | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None

    @property
    def num_allowed(self) -> int:
        return self.max_tokens or self.max_completion_tokens or 0


class _ScoredToken(msgspec.Struct):
    token: str
    logprob: float | None = None
    bytes: msgspec.Raw = msgspec.Raw(b"null")
    top_logprobs: list["_ScoredToken"] | None = None


class _Logprobs(msgspec.Struct):
    """Either the lists of the completions API or the `content` of the chat API, on both APIs."""

    tokens: list[str] | None = None
    token_logprobs: list[float | None] | None = None
    top_logprobs: list[dict[str, float] | None] | None = None
    content: list[_ScoredToken] | None = None


class _Message(msgspec.Struct):
    content: str | list[dict[str, Any]] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None  # DeepSeek, vLLM
    reasoning: Any = None  # OpenRouter, Ollama: a text


class _Choice(msgspec.Struct):
    text: str | None = None
    message: _Message | None = None
    logprobs: _Logprobs | None = None
    finish_reason: str | None = None


class _Answer(msgspec.Struct):
    choices: list[_Choice] = []
    model: Any = None
    usage: Any = None


_ASKED = msgspec.json.Decoder(_Asked)
_ANSWER = msgspec.json.Decoder(_Answer)


def _to_sequence(choice: _Choice) -> Sequence:
    text, thinking = choice.text, None
    if (message := choice.message) is not None:
        thinking = message.reasoning_content
        if thinking is None and isinstance(message.reasoning, str):
            thinking = message.reasoning
        content = message.content
        if isinstance(content, list):
            content = "".join(str(part.get("text", "")) for part in content)
        text = content or message.refusal or ""
    if text is None:
        raise ValueError("a choice without text")
    tokens = _to_tokens(choice.logprobs) if choice.logprobs else []
    logprob = 0.0
    for token in tokens:
        logprob += token.logprob
        if token.logprob > _MAX_LOGPROB:
            raise ValueError(f"a log-probability above 0: {token.logprob}")
    reason = _REASONS.get(choice.finish_reason or "", "unknown")
    return Sequence(text, logprob, tokens, {"reason": reason}, thinking)


def _to_tokens(logprobs: _Logprobs) -> list[Token]:
    if logprobs.content is not None:
        return [
            Token(_token_text(item), item.logprob or 0.0, _candidates(item.top_logprobs or []))
            for item in logprobs.content
        ]
    texts = logprobs.tokens or []
    values = logprobs.token_logprobs
    if values is None:
        values = [None] * len(texts)
    candidates = logprobs.top_logprobs or [None] * len(texts)
    if not len(texts) == len(values) == len(candidates):
        raise ValueError(
            f"{len(texts)} tokens, {len(values)} log-probabilities, {len(candidates)} candidates"
        )
    # The first token of an echoed prompt has no logprob: nothing precedes it.
    return [
        Token(text, value or 0.0, tops or {})
        for text, value, tops in zip(texts, values, candidates, strict=True)
    ]


def _candidates(items: list[_ScoredToken]) -> dict[str, float]:
    candidates: dict[str, float] = {}
    for item in items:
        if item.logprob is not None:
            # Of two with one text, the first is the likelier.
            candidates.setdefault(_token_text(item), item.logprob)
    return candidates


def _token_text(item: _ScoredToken) -> str:
    """The token's text; `bytes:\\xe2\\x80` where it holds a part of a character only."""
    # vLLM shows such a token as U+FFFD, OpenAI as `\\xe2\\x80`.
    if "\ufffd" not in item.token and "\\x" not in item.token:
        return item.token
    values = bytes(msgspec.json.decode(item.bytes, type=list[int] | None) or [])
    if not values:
        return item.token
    try:
        return values.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{value:02x}" for value in values)


def _is_echoed(choice: _Choice, prompt: str) -> bool:
    # A server may write the prompt a little differently; a token without logprob is the first.
    scores = choice.logprobs.token_logprobs if choice.logprobs else None
    return (choice.text or "").startswith(prompt) or bool(scores and scores[0] is None)


def _cut_echo(sequence: Sequence, prompt: str, stops: list[str], *, is_echoed: bool) -> Sequence:
    """Prompt and completion; only the latter is cut, since a prompt often holds stop sequences."""
    if not is_echoed:
        cut = truncate_at_stop(sequence, stops)
        tokens = [Token(prompt, 0.0), *cut.tokens] if cut.tokens else []
        return msgspec.structs.replace(cut, text=prompt + cut.text, tokens=tokens)
    num_left, num_prompt_tokens = len(prompt.encode()), 0
    for token in sequence.tokens:
        if num_left <= 0:
            break
        num_left -= len(token_bytes(token.text))
        num_prompt_tokens += 1
    generated = msgspec.structs.replace(
        sequence, text=sequence.text[len(prompt) :], tokens=sequence.tokens[num_prompt_tokens:]
    )
    cut = truncate_at_stop(generated, stops)
    if cut is generated:
        return sequence
    tokens = sequence.tokens[:num_prompt_tokens] + cut.tokens
    return msgspec.structs.replace(
        cut,
        text=sequence.text[: len(prompt)] + cut.text,
        tokens=tokens,
        logprob=sum(token.logprob for token in tokens),
    )


def _outcome(
    choices: list[_Choice], completions: list[Sequence], num_allowed: int, *, expects_stop: bool
) -> Outcome:
    reasons = [(sequence.finish_reason or {})["reason"] for sequence in completions]
    if "content_filter" in reasons or any(c.message and c.message.refusal for c in choices):
        return "refused"
    # Without any text, hidden reasoning has used up all tokens allowed.
    if num_allowed > 1 and any(
        reason == "length" and (expects_stop or not sequence.text)
        for reason, sequence in zip(reasons, completions, strict=True)
    ):
        return "truncated"
    return "ok"


def _usage(values: list[Any]) -> Usage | None:
    counted = [value for value in values if isinstance(value, dict)]
    if not counted:
        return None
    return Usage(
        prompt_tokens=_total(counted, "prompt_tokens"),
        completion_tokens=_total(counted, "completion_tokens"),
        cached_tokens=_total(counted, "cached_tokens", "prompt_tokens_details"),
        reasoning_tokens=_total(counted, "reasoning_tokens", "completion_tokens_details"),
    )


def _total(values: list[dict[str, Any]], name: str, inside: str | None = None) -> int | None:
    counts = []
    for value in values:
        part = value.get(inside) if inside else value
        count = part.get(name) if isinstance(part, dict) else None
        if isinstance(count, int):
            counts.append(count)
    return sum(counts) if counts else None
