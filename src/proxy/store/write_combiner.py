"""Many small writes from many threads, in few transactions."""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from proxy.store.writes import OnFailure, Operation, Writes


class _Pending:
    __slots__ = ("error", "is_done", "on_failure", "operation", "result")

    def __init__(self, operation: Operation, on_failure: OnFailure | None = None) -> None:
        self.operation = operation
        self.on_failure = on_failure
        self.is_done = False
        self.result: Any = None
        self.error: Exception | None = None


class WriteCombiner(Writes):
    """Runs operations, in their order, so that those which come during a commit share the next.

    A commit costs several times what a statement does. Whoever gets the lock does the work of all
    who wait for it.

    Args:
        begin: Gives the driver's connection in a transaction, which ends with the context.
    """

    def __init__(self, begin: Callable[[], AbstractContextManager[Any]]) -> None:
        self._begin = begin
        self._lock = threading.Lock()
        self._pending: deque[_Pending] = deque()  # only who has the lock takes from it

    def run(self, operation: Operation) -> Any:
        mine = _Pending(operation)
        self._pending.append(mine)  # atomic: no lock is needed to queue up
        with self._lock:
            if not mine.is_done:
                self._run_all()
        self._run_left()
        if mine.error is not None:
            raise mine.error
        return mine.result

    def add(self, operation: Operation, on_failure: OnFailure) -> None:
        """Have `operation` run before any that is given later, without waiting for its commit."""
        self._pending.append(_Pending(operation, on_failure))
        self._run_left()

    def _run_left(self) -> None:
        # What was added while another had the lock is run by that one, after it lets go.
        while self._pending and self._lock.acquire(blocking=False):
            try:
                self._run_all()
            finally:
                self._lock.release()

    def _run_all(self) -> None:
        batch = []
        while self._pending:
            batch.append(self._pending.popleft())
        try:
            with self._begin() as connection:
                for pending in batch:
                    pending.result = pending.operation(connection)
        except Exception as error:
            for pending in batch:
                pending.error = error
        finally:
            for pending in batch:
                pending.is_done = True
                if pending.error is not None and pending.on_failure is not None:
                    pending.on_failure(pending.error)
