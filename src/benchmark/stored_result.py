"""How a result is stored in a states file: small, with its tokens apart."""

import zlib
from typing import Any

import msgspec
from msgspec.structs import replace

from common.request import RequestResult, Token

_ENCODER = msgspec.json.Encoder()
_TOKENS = msgspec.json.Decoder(list[list[Token]])


class _StoredResult(msgspec.Struct, omit_defaults=True):
    """A result as it is stored: a RequestResult less its tokens and whatever is as usual."""

    completions: list[dict[str, Any]]
    cached: bool = False
    request_time: float | None = None
    request_datetime: int | None = None
    error: str | None = None
    batch_size: int | None = None
    batch_request_time: float | None = None
    error_code: str | None = None
    usage: dict[str, int] | None = None
    served_model: str | None = None
    emulated: list[str] = []


def encode_result(result: RequestResult | None) -> tuple[str | None, str | None, bytes | None]:
    """Return a result's outcome, the rest of it as JSON, and its tokens, compressed."""
    if result is None:
        return None, None, None
    completions, tokens = [], []
    for completion in result.completions:
        fields: dict[str, Any] = {"text": completion.text, "logprob": completion.logprob}
        if completion.finish_reason is not None:
            fields["finish_reason"] = completion.finish_reason
        if completion.thinking is not None:
            fields["thinking"] = completion.thinking
        completions.append(fields)
        tokens.append(completion.tokens)
    stored = _StoredResult(
        completions,
        result.cached,
        result.request_time,
        result.request_datetime,
        result.error,
        result.batch_size,
        result.batch_request_time,
        result.error_code,
        None if result.usage is None else msgspec.to_builtins(result.usage),
        result.served_model,
        result.emulated,
    )
    packed = zlib.compress(_ENCODER.encode(tokens), 1) if any(tokens) else None
    return result.outcome, _ENCODER.encode(stored).decode(), packed


def decode_result(outcome: str, result: str, tokens: bytes | None) -> RequestResult:
    """Return the result that `encode_result` made these of."""
    fields = msgspec.json.decode(result)
    fields["success"] = outcome != "error"
    fields["outcome"] = outcome
    fields.setdefault("cached", False)
    for completion in fields["completions"]:
        completion["tokens"] = []
    decoded = msgspec.convert(fields, RequestResult)
    if tokens is None:
        return decoded
    completions = [
        replace(completion, tokens=own)
        for completion, own in zip(
            decoded.completions, _TOKENS.decode(zlib.decompress(tokens)), strict=True
        )
    ]
    return replace(decoded, completions=completions)
