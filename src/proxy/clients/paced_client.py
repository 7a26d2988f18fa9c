"""The pace of a deployment, kept for every client: a wrapper of the same interface.

It stands inside the retries, so each attempt takes a turn, and none holds one while it waits.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from common.errors import DeadlineError, RateLimitError, UnavailableError
from common.metering import estimated_tokens
from common.request import RequestResult, Usage
from proxy.clients.client import Client, ClientWrapper, OnPiece, ProviderCall
from proxy.metrics import Metrics
from proxy.pacing.pace import Pace
from proxy.pacing.waiting import Turn

# Who asks is no part of a call, which is the same for all.
_caller: ContextVar[int | None] = ContextVar("caller", default=None)
_BYTES_PER_TOKEN = 4
_NO_USAGE = Usage()


@contextmanager
def called_by(account_id: int | None) -> Iterator[None]:
    """Make calls in this thread wait in the queue of an account."""
    token = _caller.set(account_id)
    try:
        yield
    finally:
        _caller.reset(token)


class PacedClient(ClientWrapper):
    """Asks `client` when there is a turn.

    Args:
        pace: Gives turns; shared by all who ask the deployment.
        metrics: Where waits are counted, for `model`.
        is_patient: Whether the wait for a turn takes nothing from the time for the call.
    """

    def __init__(
        self, client: Client, pace: Pace, metrics: Metrics, model: str, *, is_patient: bool
    ) -> None:
        super().__init__(client)
        self._pace, self._is_patient = pace, is_patient
        self._metrics, self._model = metrics, model
        self._mean_completion = 0.0

    def send(
        self, call: ProviderCall, deadline: float, on_piece: OnPiece | None = None
    ) -> RequestResult:
        prompt_tokens = len(call.body) // _BYTES_PER_TOKEN
        tokens = prompt_tokens + int(self._mean_completion)
        turn = self._pace.take_now(tokens, deadline)
        if turn is None:
            turn, waited = self._wait(tokens, deadline)
            if self._is_patient:
                deadline += waited
        self._metrics.add("provider_calls_in_flight", self._model)
        try:
            return self._send(turn, call, deadline, on_piece, prompt_tokens)
        finally:
            self._metrics.add("provider_calls_in_flight", self._model, amount=-1)

    def _wait(self, tokens: int, deadline: float) -> tuple[Turn, float]:
        began = time.monotonic()
        self._metrics.add("provider_calls_waiting", self._model)
        try:
            until = None if self._is_patient else deadline
            turn = self._pace.wait(_caller.get(), tokens, until)
        finally:
            waited = time.monotonic() - began
            self._metrics.add("provider_calls_waiting", self._model, amount=-1)
            self._metrics.observe("provider_wait_seconds", self._model, value=waited)
        return turn, waited

    def _send(
        self,
        turn: Turn,
        call: ProviderCall,
        deadline: float,
        on_piece: OnPiece | None,
        prompt_tokens: int,
    ) -> RequestResult:
        try:
            result = self._client.send(call, deadline, on_piece)
        except RateLimitError as error:
            self._metrics.add("provider_refusals_total", self._model)
            self._pace.refuse(turn, error.retry_after)
            raise
        except DeadlineError:
            self._pace.time_out(turn)
            raise
        except UnavailableError as error:
            self._pace.end(turn, error.retry_after)
            raise
        except BaseException:
            self._pace.end(turn)
            raise
        usage = result.usage or _NO_USAGE
        completion = usage.completion_tokens
        if completion is None:
            completion = sum(estimated_tokens(item.text) for item in result.completions)
        self._mean_completion += (completion - self._mean_completion) / 16
        prompt = prompt_tokens if usage.prompt_tokens is None else usage.prompt_tokens
        self._pace.accept(turn, prompt + completion, completion)
        return result
