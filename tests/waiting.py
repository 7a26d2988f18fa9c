"""Waiting for what another process or thread does."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_SECONDS = 30


def until(condition: Callable[[], T | None]) -> T:
    """What ``condition`` returns, once that is true; AssertionError when it never is."""
    end = time.monotonic() + _SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, f"not so after {_SECONDS} seconds"
        time.sleep(0.01)
    return found
