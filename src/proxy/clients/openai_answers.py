"""Answers of the OpenAI completions and chat APIs, and what a result is made of them.

They are read leniently, since many servers answer in nearly this form only.
API reference: https://platform.openai.com/docs/api-reference/completions and …/chat
"""

import json
from typing import Any

import msgspec

from common.request import Outcome, Sequence, Token, Usage
from common.token_text import token_bytes
from proxy.clients.truncation import truncate_at_stop

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


class Choice(msgspec.Struct):
    """One completion: `text` on the completions API, `message` on the chat API."""

    text: str | None = None
    message: _Message | None = None
    logprobs: _Logprobs | None = None
    finish_reason: str | None = None


class Answer(msgspec.Struct):
    """The body of an answer. What only informs (`model`, `usage`) may be of any form."""

    choices: list[Choice] = []
    model: Any = None
    usage: Any = None


_ANSWER = msgspec.json.Decoder(Answer)


def to_answer(data: bytes) -> Answer:
    """Read the body of an answer.

    Raises:
        ValueError: It is not JSON, or not of the form that these APIs answer in.
    """
    try:
        return _ANSWER.decode(data)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        if b"\\ud" not in data.lower():
            raise
        return _ANSWER.decode(_without_surrogates(data))


def to_sequence(choice: Choice) -> Sequence:
    """Return the completion in `choice`, with its tokens if there are log-probabilities.

    Raises:
        ValueError: There is no text, or the log-probabilities make no sense.
    """
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


def holds_prompt(choice: Choice, prompt: str) -> bool:
    """Return whether the server has put the prompt before the completion, as `echo` asks."""
    # A server may write the prompt a little differently; a token without logprob is the first.
    scores = choice.logprobs.token_logprobs if choice.logprobs else None
    return (choice.text or "").startswith(prompt) or bool(scores and scores[0] is None)


def cut_echo(sequence: Sequence, prompt: str, stops: list[str], *, is_echoed: bool) -> Sequence:
    """Return prompt and completion, the latter up to the first of `stops` in it.

    The prompt is not cut, since it often holds stop sequences. It is put in front if `is_echoed`
    is false; then there is no telling its log-probability, and 0 stands for it.
    """
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


def outcome_of(
    choices: list[Choice], completions: list[Sequence], num_allowed: int, *, expects_stop: bool
) -> Outcome:
    """Return whether the completions can be scored as what was asked for.

    Args:
        choices: What `completions` were made of.
        num_allowed: Tokens asked for at most; one that was allowed a single token is not truncated.
        expects_stop: Whether a completion should have ended at a stop sequence.
    """
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


def usage_of(answers: list[Answer]) -> Usage | None:
    """Return the tokens of all `answers` together; None where no server has counted them."""
    counted = [answer.usage for answer in answers if isinstance(answer.usage, dict)]
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


def _without_surrogates(data: bytes) -> bytes:
    """Half a character, which many servers write as a lone surrogate, becomes U+FFFD."""
    text = json.dumps(json.loads(data), ensure_ascii=False)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
