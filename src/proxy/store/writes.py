"""Small writes from many threads: what `Database.writes` offers, whatever the database."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

# Gets the driver's connection, or what stands for it: `execute(text, parameters)` returns a cursor
# with `rowcount`, `fetchone` and `fetchall`. It may run again where its transaction was undone.
Operation = Callable[[Any], Any]
OnFailure = Callable[[Exception], None]


class Writes(ABC):
    """Runs operations in transactions, each at once or with others.

    An operation must not raise by itself: a failure undoes, and is told to, all who share the
    transaction.
    """

    @abstractmethod
    def run(self, operation: Operation) -> Any:
        """Run `operation` in a transaction and return its value once it is committed.

        Raises:
            StorageError: It could not be written.
        """

    @abstractmethod
    def add(self, operation: Operation, on_failure: OnFailure) -> None:
        """Have `operation` run before any that this thread gives later.

        Args:
            on_failure: Told, in some thread, if it could not be written.
        """

    def close(self) -> None:  # noqa: B027  # most have written all by then
        """Write what is left, if anything; nothing may be given any more."""
