"""SQLite in a file: for one machine, and nothing to set up."""

import fcntl
import logging
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from common.errors import StorageError
from proxy.store.backend import Backend
from proxy.store.write_combiner import WriteCombiner

_BUSY_TIMEOUT_SECONDS = 60

logger = logging.getLogger(__name__)


class SqliteBackend(Backend):
    """One connection that writes and one that reads, for all threads of this process."""

    is_concurrent = False

    def __init__(self, url: URL) -> None:
        self.name = url.database or ""
        _make_folder(self.name)
        _make_file(self.name)
        # SQLite lets one connection write at a time and makes the others poll with growing sleeps,
        # so the threads of this process queue up here. A second connection lets them read
        # meanwhile; checking one out of a pool for each statement costs ten times the statement.
        self._engine = create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            poolclass=NullPool,
            paramstyle="named",
            connect_args={"timeout": _BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        )
        self.dialect = self._engine.dialect
        event.listen(self._engine, "connect", _prepare)
        self._write_lock, self._read_lock = threading.Lock(), threading.Lock()
        self._queue = _open_queue(self.name)
        self.writes = WriteCombiner(self._write_hot)
        # One process at a time: to change a new file's journal mode SQLite waits for nobody.
        with self._explained(), self._turn():
            self._writer, self._reader = self._engine.connect(), self._engine.connect()
            self._driver_writer: Any = self._writer.connection.driver_connection
            self._driver_reader: Any = self._reader.connection.driver_connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self._explained(), self._read_lock:
            yield self._reader

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self._write_hot():
            yield self._writer

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        with self._explained(), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.exec_driver_sql("ROLLBACK")

    def read_one(self, compiled: str, parameters: dict[str, Any]) -> Any:
        with self._explained(), self._read_lock:
            return self._driver_reader.execute(compiled, parameters).fetchone()

    def check(self) -> None:
        with self.read() as connection:
            connection.exec_driver_sql("SELECT max(version) FROM schema_versions").first()

    def back_up(self, version: int) -> None:
        """Copy the database as it is before it is changed for good."""
        path = f"{self.name}.bak-{version}"
        unfinished = f"{path}.unfinished"
        try:
            Path(unfinished).unlink(missing_ok=True)
            Path(unfinished).touch(mode=stat.S_IMODE(os.stat(self.name).st_mode))
            with closing(sqlite3.connect(unfinished)) as copy:
                self._driver_reader.backup(copy)
            os.replace(unfinished, path)
        except OSError as error:
            raise StorageError(f"can't write {path}: {error.strerror}") from error
        logger.info(
            "the database %s was copied to %s before its layout is changed", self.name, path
        )

    def close(self) -> None:
        self.writes.close()
        with self._write_lock, self._read_lock:
            self._writer.close()
            self._reader.close()
            if self._queue is not None:
                os.close(self._queue)
                self._queue = None

    @contextmanager
    def _write_hot(self) -> Iterator[Any]:
        """The driver's own connection, in a transaction as that of `write`."""
        with self._explained(), self._write_lock, self._turn():
            self._driver_writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._driver_writer
            except BaseException:
                self._driver_writer.execute("ROLLBACK")
                raise
            self._driver_writer.execute("COMMIT")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for other processes of ours in the system's queue, which wakes the next at once."""
        queue = self._queue
        # Where the file system has no such locks, SQLite's own way of waiting has to do.
        with suppress(OSError):
            if queue is not None:
                fcntl.flock(queue, fcntl.LOCK_EX)
        try:
            yield
        finally:
            with suppress(OSError):
                if queue is not None:
                    fcntl.flock(queue, fcntl.LOCK_UN)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            raise StorageError(_explanation(self.name, str(error.orig))) from error
        except sqlite3.DatabaseError as error:
            raise StorageError(_explanation(self.name, str(error))) from error


def _make_folder(path: str) -> None:
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder or ".", exist_ok=True)
    except OSError as error:
        raise StorageError(f"can't make the folder {folder!r}: {error.strerror}") from error


def _make_file(path: str) -> None:
    """Make an empty file that is its owner's alone, as what SQLite adds to it will be."""
    if path not in ("", ":memory:"):
        with suppress(OSError):  # it is there, or SQLite says in better words why it can't be
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _open_queue(path: str) -> int | None:
    """A file whose lock stands for the turn to write; it is empty, and stays when nobody writes.

    SQLite makes a process that finds another writing sleep for up to 100 ms before it looks again:
    with two busy workers that is what most requests would spend their time on.
    """
    if path in ("", ":memory:"):
        return None
    try:
        return os.open(f"{path}-queue", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:  # a folder that can't be written: SQLite says so, in better words
        return None


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
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
