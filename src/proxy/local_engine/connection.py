"""Connections to a running engine of the embedded model."""

import http.client
import os
import select
import threading
import time

import msgspec

from common.errors import DeadlineError
from proxy.local_engine.protocol import TIMEOUT_HEADER, EngineState, Health

_HOST = "127.0.0.1"
# After this long without an answer the engine is asked whether it lives; it answers at once.
_HEALTH_SECONDS = 10.0
# A step evaluates at most some hundred tokens.
_MAX_STEP_SECONDS = 120.0


class EngineFailedError(Exception):
    """The engine is dead, or answers nothing."""


class Connections:
    """One connection a thread, kept open. A forked process makes its own."""

    def __init__(self) -> None:
        self._local = threading.local()

    def exchange(
        self, state: EngineState, path: str, body: bytes, deadline: float
    ) -> tuple[int, bytes]:
        """Post `body` and return status and body of the answer.

        Args:
            deadline: When to give up, in seconds of `time.monotonic()`.

        Raises:
            EngineFailedError: The engine died before it answered, or answers nothing.
            DeadlineError: There was no answer in time.
        """
        key = (os.getpid(), state)
        used = getattr(self._local, "connection", None)
        if used is not None and getattr(self._local, "key", None) == key:
            try:
                return _ask(used, state, path, body, deadline)
            except (OSError, http.client.HTTPException):
                # The engine closes connections that are idle for long.
                self._local.connection = None
        connection = http.client.HTTPConnection(_HOST, state.port, _HEALTH_SECONDS)
        try:
            answer = _ask(connection, state, path, body, deadline)
        except (OSError, http.client.HTTPException) as error:
            raise EngineFailedError(str(error)) from error
        self._local.connection, self._local.key = connection, key
        return answer


def _ask(
    connection: http.client.HTTPConnection,
    state: EngineState,
    path: str,
    body: bytes,
    deadline: float,
) -> tuple[int, bytes]:
    try:
        remaining = deadline - time.monotonic()
        headers = {**_headers(state), TIMEOUT_HEADER: str(remaining)}
        connection.request("POST", path, body, headers)
        _wait(connection, state, deadline)
        response = connection.getresponse()
        return response.status, response.read()
    except BaseException:
        # An answer that still comes must not be taken for the next one's.
        connection.close()
        raise


def _wait(connection: http.client.HTTPConnection, state: EngineState, deadline: float) -> None:
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    while True:
        remaining = deadline - time.monotonic()
        if poll.poll(max(min(remaining, _HEALTH_SECONDS), 0.0) * 1000):
            return
        if remaining <= _HEALTH_SECONDS:
            raise DeadlineError("the embedded model did not answer in time")
        check_health(state)


def check_health(state: EngineState) -> None:
    """Ask the engine whether it lives and gets on.

    Raises:
        EngineFailedError: It does not.
    """
    connection = http.client.HTTPConnection(_HOST, state.port, _HEALTH_SECONDS)
    try:
        connection.request("GET", "/health", headers=_headers(state))
        health = msgspec.json.decode(connection.getresponse().read(), type=Health)
    except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
        raise EngineFailedError(f"it does not answer: {error}") from error
    finally:
        connection.close()
    if health.pid != state.pid or health.step_seconds > _MAX_STEP_SECONDS:
        raise EngineFailedError(f"it is stuck for {health.step_seconds:.0f} s")


def _headers(state: EngineState) -> dict[str, str]:
    return {"Authorization": f"Bearer {state.token}", "Content-Type": "application/json"}
