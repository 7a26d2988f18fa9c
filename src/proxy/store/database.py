"""The proxy's database: SQLite in a file, or PostgreSQL for several machines.

All statements are written in SQLAlchemy Core. Those of the hot path (the cache) are compiled once
and run by the driver itself: 4 µs in place of 60. No connection is held while a model is asked.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import ClauseElement, Connection, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from common.errors import InvalidRequestError
from common.object_spec import ObjectSpec, create_object
from proxy.store.backend import Backend
from proxy.store.migrations import MIGRATIONS, layout_version, migrate
from proxy.store.sqlite import SqliteBackend

PATIENCE_SECONDS = 10.0  # most restarts of a server take less
KINDS = "use sqlite:///FILE, or postgresql+psycopg://USER@HOST/NAME"
_POSTGRESQL_DRIVERS = ("postgresql", "postgresql+psycopg", "postgres")


class Database:
    """Connections to one database, brought to the newest layout.

    Args:
        url: Such as `sqlite:///prod_env/proxy.sqlite` or `postgresql+psycopg://bench@db/bench`.
        patience_seconds: How long to wait for a database elsewhere that does not answer.
        is_prepared: Whether another process of ours has opened it: then nothing is asked of it
            before it is needed.

    Raises:
        InvalidRequestError: The URL can't be read.
        MissingExtraError: The driver is not installed.
        StorageError: The database can't be opened or is damaged.

    Attributes:
        name: What messages call it; never with a password.
        layout: The number of its layout as it was found; 0 for a new one.
        writes: Small writes of all threads.
        is_concurrent: Whether transactions of `writes` overlap, so that `lock` is needed. Those
            of `write` never do.
    """

    def __init__(
        self, url: str, *, patience_seconds: float = PATIENCE_SECONDS, is_prepared: bool = False
    ) -> None:
        self._backend = backend = _open(_parsed(url), patience_seconds)
        self.name = backend.name
        self.writes = backend.writes
        self.is_concurrent = backend.is_concurrent
        self.layout = len(MIGRATIONS)
        if not is_prepared:
            self.layout = self._migrate()

    def _migrate(self) -> int:
        with self.write() as connection:
            version = layout_version(connection)
            if 0 < version < len(MIGRATIONS):
                self._backend.back_up(version)
            migrate(connection)
        return version

    def compile(self, statement: ClauseElement) -> str:
        """Return `statement` as text for the driver, with named parameters."""
        return str(statement.compile(dialect=self._backend.dialect))

    def read(self) -> AbstractContextManager[Connection]:
        """A connection for single reads, each its own transaction."""
        return self._backend.read()

    def write(self) -> AbstractContextManager[Connection]:
        """A connection in a transaction that is committed at the end, or undone on an error.

        One follows another, over all processes: what is read in it nobody changes by `write`.
        """
        return self._backend.write()

    def snapshot(self) -> AbstractContextManager[Connection]:
        """A connection that reads everything as it is at one moment."""
        return self._backend.snapshot()

    def read_one(self, compiled: str, parameters: dict[str, Any]) -> Any:
        """Run a compiled SELECT on the driver and return its first row, or None."""
        return self._backend.read_one(compiled, parameters)

    def lock(self, connection: Any, name: str) -> None:
        """In an operation of `writes`, wait for all others that lock `name`, until they commit.

        What the operation reads afterwards is as they have left it.
        """
        self._backend.lock(connection, name)

    @contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        """Whether this process is the only one in `alone(name)` of this database.

        With SQLite it always is: there the files of the installation are locked.
        """
        with self._backend.alone(name) or nullcontext(True) as is_alone:
            yield is_alone

    def check(self) -> None:
        """Raise StorageError if the database does not answer at once."""
        self._backend.check()

    def close(self) -> None:
        """Close all connections."""
        self._backend.close()


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:
        # Not the text itself, which may hold a password.
        kind = url.partition(":")[0][:40]
        raise InvalidRequestError(
            f"not a database URL, beginning with {kind!r}: {KINDS}"
        ) from error


def is_sqlite(url: str) -> bool:
    """Whether `url` names a file.

    Raises:
        InvalidRequestError: It can't be read.
    """
    return _parsed(url).get_backend_name() == "sqlite"


def has_password(url: str) -> bool:
    """Whether there is a secret in `url`; errors are those of `is_sqlite`."""
    parsed = _parsed(url)
    return bool(parsed.password or "password" in parsed.query)


def _open(url: URL, patience_seconds: float) -> Backend:
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        return SqliteBackend(url)
    if url.drivername in _POSTGRESQL_DRIVERS:
        # By name: few installations need it.
        made: Backend = create_object(
            ObjectSpec("proxy.store.postgresql.PostgresqlBackend"),
            url=url.set(drivername="postgresql+psycopg"),
            patience_seconds=patience_seconds,
        )
        return made
    raise InvalidRequestError(f"there is no database of the kind {url.drivername!r}: {KINDS}")
