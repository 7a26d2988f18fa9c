"""What differs between databases, behind `Database`."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import Dialect

from proxy.store.writes import Writes

Open = Callable[[], AbstractContextManager[Connection]]


class Backend(ABC):
    """Connections to one database; its methods are described in `Database`.

    Attributes:
        name: What messages call it; never with a password.
        dialect: What statements are compiled for.
        writes: Small writes of all threads.
        is_concurrent: Whether transactions of `writes` overlap, in other processes or in this one.
    """

    name: str
    dialect: Dialect
    writes: Writes
    is_concurrent: bool

    @abstractmethod
    def read(self) -> AbstractContextManager[Connection]: ...

    @abstractmethod
    def write(self) -> AbstractContextManager[Connection]: ...

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[Connection]: ...

    @abstractmethod
    def read_one(self, compiled: str, parameters: dict[str, Any]) -> Any: ...

    @abstractmethod
    def check(self) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    def lock(self, connection: Any, name: str) -> None:  # noqa: B027  # there is nothing to do
        """Where transactions never overlap there is nothing to wait for."""

    def alone(self, name: str) -> AbstractContextManager[bool] | None:
        """None where the files of the installation tell who is alone."""
        return None

    def back_up(self, version: int) -> None:  # noqa: B027  # others have tools for it
        """Keep what is there before its layout changes, where that is done by us."""
