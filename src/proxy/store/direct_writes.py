"""Small writes to a database that takes many at a time: each in a transaction of its own."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from common.errors import StorageError, StorageUnavailableError
from proxy.store.writes import OnFailure, Operation, Writes

_MAX_LEFT = 10_000  # of some KB each
_PAUSE_SECONDS = 1.0

logger = logging.getLogger(__name__)


class _Left(NamedTuple):
    operation: Operation
    on_failure: OnFailure


class DirectWrites(Writes):
    """Runs each operation in the thread that gives it.

    What was added while the database is away is kept in memory and written when it is back, in
    order: an answer that was paid for, and what it has cost.

    Args:
        transact: Runs an operation in a transaction; waits for a database that is away if told to.
    """

    def __init__(self, transact: Callable[[Operation, bool], Any]) -> None:
        self._transact = transact
        self._left: deque[_Left] = deque()
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._writer: threading.Thread | None = None
        self._stop = threading.Event()

    def run(self, operation: Operation) -> Any:
        return self._transact(operation, True)

    def add(self, operation: Operation, on_failure: OnFailure) -> None:
        # The caller has its answer: it need not wait for a database that is away.
        if self._left:
            self._keep(_Left(operation, on_failure))
            return
        try:
            self._transact(operation, False)
        except StorageUnavailableError:
            self._keep(_Left(operation, on_failure))
        except StorageError as error:
            on_failure(error)

    def close(self) -> None:
        """Try a last time to write what is left."""
        self._stop.set()
        if self._left:
            self._write_left()
        for left in self._left:
            left.on_failure(StorageUnavailableError("the database has not come back"))

    def _keep(self, left: _Left) -> None:
        if len(self._left) >= _MAX_LEFT or self._stop.is_set():
            left.on_failure(StorageUnavailableError("too much waits for the database already"))
            return
        with self._lock:
            self._left.append(left)
            if self._writer is None or not self._writer.is_alive():
                self._writer = threading.Thread(
                    target=self._write_when_back, name="late-writes", daemon=True
                )
                self._writer.start()

    def _write_when_back(self) -> None:
        while not self._stop.wait(_PAUSE_SECONDS):
            if self._write_left():
                return

    def _write_left(self) -> bool:
        """Write what is left as far as it can be; return whether that was all."""
        with self._turn:
            while True:
                with self._lock:
                    if not self._left:
                        self._writer = None
                        return True
                left = self._left[0]
                try:
                    self._transact(left.operation, False)
                except StorageUnavailableError:
                    return False
                except StorageError as error:
                    left.on_failure(error)
                # Only now: until it is written, what is added meanwhile has to come after it.
                self._left.popleft()
