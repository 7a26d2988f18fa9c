"""Many small writes from many threads, in few transactions."""

import threading
from collections.abc import Callable
from typing import Any

from proxy.store.database import Database

Operation = Callable[[Any], Any]  # gets the driver's connection


class _Pending:
    __slots__ = ("error", "is_done", "operation", "result")

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.is_done = False
        self.result: Any = None
        self.error: Exception | None = None


class WriteCombiner:
    """Runs operations so that those which arrive while another commits share one transaction.

    A commit costs several times what a statement does. Whoever gets the lock does the work of all
    who wait for it; nobody returns before its own operation is committed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._pending: list[_Pending] = []

    def run(self, operation: Operation) -> Any:
        """Run `operation` in a transaction and return its value once it is committed.

        An operation must not raise by itself: a failure undoes, and is raised to, all who share
        the transaction.
        """
        mine = _Pending(operation)
        self._pending.append(mine)  # atomic: no lock is needed to queue up
        with self._lock:
            if not mine.is_done:
                self._run_all()
        if mine.error is not None:
            raise mine.error
        return mine.result

    def _run_all(self) -> None:
        batch, self._pending = self._pending, []
        try:
            with self._database.write_hot() as connection:
                for pending in batch:
                    pending.result = pending.operation(connection)
        except Exception as error:
            for pending in batch:
                pending.error = error
        finally:
            for pending in batch:
                pending.is_done = True
