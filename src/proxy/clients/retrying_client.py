"""Retries for every client: a wrapper of the same interface.

Only what may pass by itself is tried again: a rate limit, a server's failure, a lost connection.
Waits have full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/),
and none goes beyond the caller's deadline.
"""

import logging
import random
import threading
import time
from collections.abc import Callable

import msgspec

from common.errors import DeadlineError, ProviderError, UnreachableError
from common.request import RequestResult
from proxy.clients.client import Client, ClientWrapper, OnPiece, ProviderCall

logger = logging.getLogger(__name__)


class RetryPolicy(msgspec.Struct, frozen=True):
    """How often, and after which waits.

    The wait before attempt k + 1 is drawn from 0 to `base_seconds` · `factor`^(k - 1), at most
    `max_wait_seconds`. A deployment that has never answered is tried `num_first_attempts` times
    only, `first_wait_seconds` apart, so that a mistyped address fails fast.
    """

    max_attempts: int = 6
    base_seconds: float = 0.5
    factor: float = 2.0
    max_wait_seconds: float = 30.0
    num_first_attempts: int = 2
    first_wait_seconds: float = 1.0


class RetryingClient(ClientWrapper):
    """Asks `client` again where its error is retryable and the deadline allows.

    Args:
        wait: Waits that many seconds; True means to stop, and the last error is raised.
        clock: The clock that deadlines are given by.
        draws: Where the jitter comes from.
    """

    def __init__(
        self,
        client: Client,
        policy: RetryPolicy = RetryPolicy(),  # noqa: B008 (frozen)
        *,
        wait: Callable[[float], bool] | None = None,
        clock: Callable[[], float] = time.monotonic,
        draws: random.Random | None = None,
    ) -> None:
        super().__init__(client)
        self._policy = policy
        self._wait = wait or threading.Event().wait
        self._clock = clock
        self._draws = draws or random.Random()
        self._has_answered = False

    def send(
        self, call: ProviderCall, deadline: float, on_piece: OnPiece | None = None
    ) -> RequestResult:
        attempt, has_told = 1, False

        def tell(place: int, text: str) -> None:
            nonlocal has_told
            has_told = True
            if on_piece is not None:
                on_piece(place, text)

        while True:
            try:
                result = self._client.send(call, deadline, tell if on_piece else None)
            except ProviderError as error:
                if has_told:  # another answer would not go on where this one broke off
                    raise
                # Any other error comes from a server that is there.
                self._has_answered |= not isinstance(error, UnreachableError | DeadlineError)
                self._wait_or_raise(error, attempt, deadline)
            else:
                self._has_answered = True
                return result
            attempt += 1

    def _wait_or_raise(self, error: ProviderError, attempt: int, deadline: float) -> None:
        if attempt == 1 and not error.is_retryable:
            raise error
        seconds = self._seconds_to_wait(error, attempt)
        if seconds is None:
            raise _after(attempt, error) from error
        left = deadline - self._clock()
        if seconds >= left:
            why = (
                f"; the next attempt would be in {seconds:.3g} s, and {max(left, 0):.3g} s are left"
            )
            raise _after(attempt, error, why) from error
        # The error's own message may quote the prompt, so the log gets its code only.
        logger.debug(
            "%s: %s on attempt %d of %d, next in %.2f s",
            self.identity.get("model", self.identity.get("class")),
            error.code,
            attempt,
            self._policy.max_attempts,
            seconds,
        )
        if self._wait(seconds):
            raise _after(attempt, error, "; stopped") from error

    def _seconds_to_wait(self, error: ProviderError, attempt: int) -> float | None:
        policy = self._policy
        if not error.is_retryable:
            return None
        if isinstance(error, UnreachableError) and not self._has_answered:
            return policy.first_wait_seconds if attempt < policy.num_first_attempts else None
        if attempt >= policy.max_attempts:
            return None
        longest = min(policy.base_seconds * policy.factor ** (attempt - 1), policy.max_wait_seconds)
        return max(self._draws.uniform(0, longest), error.retry_after or 0)


def _after(attempt: int, error: ProviderError, why: str = "") -> ProviderError:
    """The same error, which says how often the call was tried."""
    attempts = "1 attempt" if attempt == 1 else f"{attempt} attempts"
    return type(error)(f"{error} (after {attempts}{why})", error.retry_after)
