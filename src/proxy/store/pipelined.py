"""The driver's connection to PostgreSQL in a pipeline: statements wait to be sent together.

A statement whose outcome is asked for is sent at once, with all before it. So a transaction takes
as many round trips as it has questions that the next statement depends on, and one to end.
"""

from typing import Any


class Pipelined:
    """Executes on the connection `driver`, which is in `pipeline`."""

    __slots__ = ("_driver", "_pipeline")

    def __init__(self, driver: Any, pipeline: Any) -> None:
        self._driver, self._pipeline = driver, pipeline

    def execute(self, compiled: str, parameters: dict[str, Any]) -> "_Outcome":
        """Queue a statement."""
        return _Outcome(self._driver.execute(compiled, parameters), self._pipeline)


class _Outcome:
    """A cursor whose `rowcount` is known too, as it is outside of a pipeline."""

    __slots__ = ("_cursor", "_pipeline", "fetchall", "fetchone")

    def __init__(self, cursor: Any, pipeline: Any) -> None:
        self._cursor, self._pipeline = cursor, pipeline
        self.fetchone, self.fetchall = cursor.fetchone, cursor.fetchall  # they send by themselves

    @property
    def rowcount(self) -> int:
        if self._cursor.rowcount < 0:
            self._pipeline.sync()
        count: int = self._cursor.rowcount
        return count
