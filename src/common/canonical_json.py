"""One byte string per JSON value, whatever order its keys came in and however a number was written.

What a provider is sent is made by this, and so is the cache key: equal requests, equal bytes.
"""

import hashlib
import math
from typing import Any

import msgspec

from common.errors import InvalidRequestError

_ENCODER = msgspec.json.Encoder(order="deterministic")


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys, no white space, and whole numbers without a fraction (1.0 = 1).

    Args:
        value: Anything msgspec can write; Structs and dataclasses included.

    Raises:
        ValueError: A number is not finite.
        InvalidRequestError: There are too many levels, some hundreds.
    """
    try:
        return _ENCODER.encode(_normalised(msgspec.to_builtins(value)))
    except RecursionError as error:
        raise InvalidRequestError("this has too many levels of JSON to be asked") from error


def digest(*parts: bytes) -> bytes:
    """SHA-256 over `parts`, each preceded by its length so that no two lists of parts collide."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(len(part).to_bytes(8, "big"))
        sha.update(part)
    return sha.digest()


def _normalised(value: Any) -> Any:
    if isinstance(value, str | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} can't be written as JSON")
        # Beyond 2**53 a float no longer stands for one whole number.
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, dict):
        return {key: _normalised(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_normalised(item) for item in value]
    return value
