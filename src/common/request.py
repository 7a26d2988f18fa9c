"""What is asked of a model and what it answers: the same for every provider.

Field names and defaults are those of the reference system (HELM, 2022); what was added since is
marked. msgspec reads and writes these as JSON, with types checked.
"""

from typing import Any, Literal, get_args

import msgspec

Outcome = Literal["ok", "truncated", "refused", "error"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
FinishReason = Literal["stop", "length", "endoftext", "content_filter", "tool_calls", "unknown"]

MAX_COMPLETIONS = 1024
MAX_CANDIDATES = 1000


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One turn of a chat, in OpenAI's form.

    `content` is a text, or a list of parts such as `{"type": "text", "text": …}`; null where an
    assistant only calls tools. `tool_calls` are an assistant's, `tool_call_id` is a tool's.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None
    name: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """The content as one text.

        Raises:
            ValueError: A part of it is not a text.
        """
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        for part in self.content:
            if part.get("type") != "text" or not isinstance(part.get("text"), str):
                raise ValueError(f"a part of type {part.get('type')!r} is not a text")
        return "".join(part["text"] for part in self.content)


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question to one model.

    Raises:
        ValueError: A number is out of range, or both `prompt` and `messages` are given.
    """

    model: str = "openai/davinci"  # `organisation/engine`
    prompt: str = ""
    temperature: float = 1.0
    num_completions: int = 1
    top_k_per_token: int = 1  # candidates listed at each position; not top-k sampling
    max_tokens: int = 100
    stop_sequences: list[str] = []
    echo_prompt: bool = False  # prefix the prompt's text and tokens to each completion
    top_p: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    random: str | None = None  # cache salt, never sent: another value gives a fresh sample
    # Added since the reference:
    messages: list[Message] | None = None  # a chat in place of `prompt`
    deployment: str | None = None  # which deployment of the model; default: the first that has it
    seed: int | None = None
    response_format: dict[str, Any] | None = None
    reasoning: dict[str, Any] | None = None
    tools: list[dict[str, Any]] | None = None  # in OpenAI's form, passed on as they are
    tool_choice: str | dict[str, Any] | None = None
    max_cache_age: float | None = None  # in seconds: an older stored answer is asked for anew
    embedding_input: list[str] | None = None  # ask for one embedding a text, and no completion

    def __post_init__(self) -> None:
        _check(self.temperature >= 0, "temperature", self.temperature, "at least 0")
        _check(0 < self.top_p <= 1, "top_p", self.top_p, "in (0, 1]")
        _check(self.max_tokens >= 0, "max_tokens", self.max_tokens, "at least 0")
        _check(
            1 <= self.num_completions <= MAX_COMPLETIONS,
            "num_completions",
            self.num_completions,
            f"in 1 … {MAX_COMPLETIONS}",
        )
        _check(
            0 <= self.top_k_per_token <= MAX_CANDIDATES,
            "top_k_per_token",
            self.top_k_per_token,
            f"in 0 … {MAX_CANDIDATES}",
        )
        if self.max_cache_age is not None:
            _check(self.max_cache_age >= 0, "max_cache_age", self.max_cache_age, "at least 0")
        if self.messages is not None and self.prompt:
            raise ValueError("give either `prompt` or `messages`, not both")
        if self.embedding_input is not None and (self.prompt or self.messages is not None):
            raise ValueError("give either `embedding_input` or something to complete, not both")

    @property
    def model_organization(self) -> str:
        """The part of the model's name before the first "/"."""
        return self.model.partition("/")[0]

    @property
    def model_engine(self) -> str:
        """The part of the model's name after the first "/"."""
        return self.model.partition("/")[2]

    @property
    def asked_text(self) -> str:
        """What is to be completed or answered: the prompt, or the last message."""
        return self.messages[-1].text if self.messages else self.prompt

    def asking(self, text: str) -> "Request":
        """Return the same with another `asked_text`."""
        if not self.messages:
            return msgspec.structs.replace(self, prompt=text)
        last = msgspec.structs.replace(self.messages[-1], content=text)
        return msgspec.structs.replace(self, messages=[*self.messages[:-1], last])


def _check(is_valid: bool, field: str, value: object, expected: str) -> None:
    if not is_valid:
        raise ValueError(f"`{field}` must be {expected}, not {value}")


class Token(msgspec.Struct, frozen=True):
    """One token of a completion.

    `text` may be of the form `bytes:\\xe2\\x80` where a token holds part of a character.
    `logprob` is natural; 0 when the provider gives none. `top_logprobs` maps candidate texts to
    log-probabilities and may or may not hold the chosen token.
    """

    text: str
    logprob: float
    top_logprobs: dict[str, float] = {}


class Sequence(msgspec.Struct, frozen=True):
    """One completion.

    `logprob` is the sum over `tokens`; `thinking` is hidden reasoning; `tool_calls` are in OpenAI's
    form: `{"id", "type": "function", "function": {"name", "arguments"}}`.
    """

    text: str
    logprob: float
    tokens: list[Token]
    finish_reason: dict[str, str] | None = None  # {"reason": FinishReason}
    thinking: str | None = None
    tool_calls: list[dict[str, Any]] | None = None


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tokens as the provider counts (and bills) them; null where it does not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class RequestResult(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a Request. Only outcomes ok and truncated can be scored."""

    success: bool
    completions: list[Sequence]
    cached: bool
    request_time: float | None = None  # seconds of the first, real call, also when cached
    request_datetime: int | None = None  # when that call started, in seconds since the epoch
    error: str | None = None
    batch_size: int | None = None
    batch_request_time: float | None = None
    # Added since the reference:
    outcome: Outcome = "ok"
    error_code: str | None = None
    usage: Usage | None = None
    served_model: str | None = None
    emulated: list[str] = []  # fields honoured on our side, not by the provider
    embeddings: list[list[float]] | None = None  # one a text of `embedding_input`
    retry_after: float | None = None  # seconds to wait, where a failed provider has named them


def failed_result(message: str, code: str, retry_after: float | None = None) -> RequestResult:
    """A result with outcome "error": never a score."""
    return RequestResult(
        success=False,
        completions=[],
        cached=False,
        error=message,
        error_code=code,
        outcome="error",
        retry_after=retry_after,
    )
