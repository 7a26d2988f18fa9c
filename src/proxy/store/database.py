"""The proxy's database: SQLite in a file.

All statements are written in SQLAlchemy Core. Those of the hot path (the cache) are compiled once
and run by the driver itself: 4 µs in place of 60. No connection is held while a model is asked.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ClauseElement, Connection, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlalchemy.pool import NullPool

from common.errors import InvalidRequestError, StorageError
from proxy.store.migrations import migrate

_BUSY_TIMEOUT_SECONDS = 60


class Database:
    """Connections to one database, brought to the newest layout.

    Args:
        url: Such as `sqlite:///prod_env/proxy.sqlite`.

    Raises:
        InvalidRequestError: The URL can't be read.
        StorageError: The database can't be opened or is damaged.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise InvalidRequestError(f"not a database URL: {url!r}") from error
        if parsed.get_backend_name() != "sqlite":
            raise InvalidRequestError(f"only sqlite:///FILE is served so far, not {url!r}")
        self.name = parsed.database or ""
        _make_folder(self.name)
        # SQLite lets one connection write at a time and makes the others poll with growing sleeps,
        # so the threads of this process queue up here. A second connection lets them read
        # meanwhile; checking one out of a pool for each statement costs ten times the statement.
        self._engine = create_engine(
            parsed,
            isolation_level="AUTOCOMMIT",
            poolclass=NullPool,
            paramstyle="named",
            connect_args={"timeout": _BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        )
        event.listen(self._engine, "connect", _prepare_sqlite)
        self._write_lock, self._read_lock = threading.Lock(), threading.Lock()
        with self._explained():
            self._writer, self._reader = self._engine.connect(), self._engine.connect()
            self._driver_writer: Any = self._writer.connection.driver_connection
            self._driver_reader: Any = self._reader.connection.driver_connection
        with self.write() as connection:
            migrate(connection)

    def compile(self, statement: ClauseElement) -> str:
        """Return `statement` as text for the driver, with named parameters."""
        return str(statement.compile(dialect=self._engine.dialect))

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for single reads, each its own transaction."""
        with self._explained(), self._read_lock:
            yield self._reader

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in a transaction that is committed at the end, or undone on an error."""
        with self.write_hot():
            yield self._writer

    def read_one(self, compiled: str, parameters: dict[str, Any]) -> Any:
        """Run a compiled SELECT on the driver and return its first row, or None."""
        with self._explained(), self._read_lock:
            return self._driver_reader.execute(compiled, parameters).fetchone()

    @contextmanager
    def write_hot(self) -> Iterator[Any]:
        """As `write`, with the driver's own connection, for compiled statements."""
        with self._explained(), self._write_lock:
            self._driver_writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._driver_writer
            except BaseException:
                self._driver_writer.execute("ROLLBACK")
                raise
            self._driver_writer.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            raise StorageError(_explanation(self.name, str(error.orig))) from error
        except sqlite3.DatabaseError as error:
            raise StorageError(_explanation(self.name, str(error))) from error

    def close(self) -> None:
        """Close both connections."""
        with self._write_lock, self._read_lock:
            self._writer.close()
            self._reader.close()


def _make_folder(path: str) -> None:
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder or ".", exist_ok=True)
    except OSError as error:
        raise StorageError(f"can't make the folder {folder!r}: {error.strerror}") from error


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Transactions are begun by hand, so that they take the write lock at once.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    # Hashed keys touch pages at random: keep the index in memory, and write a page back once for
    # many changes (32 MB each).
    connection.execute("PRAGMA cache_size=-32768")
    connection.execute("PRAGMA wal_autocheckpoint=8192")


def _explanation(name: str, reason: str) -> str:
    if "malformed" in reason or "not a database" in reason:
        return f"the database {name} is damaged ({reason}): move it aside; a new one is made"
    if "readonly" in reason or "unable to open" in reason:
        return f"the database {name} can't be written ({reason}): check the folder's permissions"
    if "full" in reason:
        return f"the disk that holds the database {name} is full: free some space"
    return f"the database {name} failed: {reason}"
