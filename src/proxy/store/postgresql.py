"""PostgreSQL: for several proxies that share one truth.

Every process has a few connections, taken for single transactions only. These overlap: what SQLite
rules out with its one writer is ruled out here with advisory locks, which end with the transaction,
and with the connection of a process that is killed.

Lost connections are replaced, and what was under way is done again, until the patience is over.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from common.errors import MissingExtraError, StorageError
from proxy.store.backend import Backend
from proxy.store.direct_writes import DirectWrites
from proxy.store.pipelined import Pipelined
from proxy.store.postgresql_errors import Verdict, explained, verdict_on
from proxy.store.writes import Operation

# Small ones, of a request, are computing in this process for half of their time: more at a time get
# less done, since they wait for each other at every step.
_NUM_TRANSACTIONS = 3
# The others are for what takes longer: lists, exports, copies.
_NUM_CONNECTIONS = 8
_POOL_SECONDS = 30.0
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.02, 1.0
_NUM_CLASHES = 10  # deadlocks in a row, of one transaction
_SILENCE_SECONDS = 10.0  # between two warnings about the same outage
_CONNECTION = {
    "application_name": "lm-bench",
    "connect_timeout": "5",
    # A host that has vanished without a word is noticed within half a minute.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
# A process that was stopped in a transaction must not hold up all others.
_OPTIONS = "-c idle_in_transaction_session_timeout=30s"
_LOCK = "SELECT pg_advisory_xact_lock({})"
_WRITE = "write"

logger = logging.getLogger(__name__)

T = TypeVar("T")


class PostgresqlBackend(Backend):
    """A pool of connections; see the module.

    Args:
        patience_seconds: How long an operation waits for a database that does not answer.
    """

    is_concurrent = True

    def __init__(self, url: URL, patience_seconds: float) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise MissingExtraError("a database in PostgreSQL", "postgres") from error
        self._errors = (psycopg.Error, DBAPIError, PoolTimeoutError)
        self.name = _name_of(url)
        self._draws = random.Random()
        self._patience_seconds = patience_seconds
        self._away_since: float | None = None
        self._silent_until = 0.0
        self._engine = create_engine(
            _with_defaults(url),
            isolation_level="AUTOCOMMIT",
            pool_size=_NUM_CONNECTIONS,
            max_overflow=0,
            pool_timeout=_POOL_SECONDS,
            pool_use_lifo=True,
        )
        self._few = threading.BoundedSemaphore(_NUM_TRANSACTIONS)
        self._lock = threading.Lock()
        self._is_closed = False
        self.dialect = self._engine.dialect
        self.writes = DirectWrites(self._transact)

    # --- Single statements and transactions ------------------------------------------------------

    @contextmanager
    def read(self) -> Iterator[Connection]:
        # The statement that shows whether a connection from the pool still is one.
        with self._taken("SELECT 1") as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        begin = f"BEGIN; {_LOCK.format(_lock_number(_WRITE))}"
        with self._taken(begin) as connection:
            yield connection
            connection.exec_driver_sql("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        with self._taken("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as connection:
            yield connection

    @contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        number = _lock_number(name)
        with self._taken("SELECT 1") as connection:
            asked = f"SELECT pg_try_advisory_lock({number})"
            is_alone = bool(connection.exec_driver_sql(asked).scalar())
            try:
                yield is_alone
            finally:
                if is_alone:
                    connection.exec_driver_sql(f"SELECT pg_advisory_unlock({number})")

    def read_one(self, compiled: str, parameters: dict[str, Any]) -> Any:
        return self._patiently(
            lambda: self._on_driver(lambda driver: driver.execute(compiled, parameters).fetchone())
        )

    def lock(self, connection: Any, name: str) -> None:
        connection.execute(_LOCK.format("%(number)s::bigint"), {"number": _lock_number(name)})

    def check(self) -> None:
        """Without patience: whoever asks wants to know how it is now."""
        try:
            self._on_driver(lambda driver: driver.execute("SELECT 1 FROM schema_versions LIMIT 1"))
        except self._errors as error:
            raise explained(error, self.name) from error

    def close(self) -> None:
        self.writes.close()
        self._is_closed = True  # or threads that go on would make new connections
        self._engine.dispose()

    def _transact(self, operation: Operation, is_patient: bool) -> Any:
        """Run `operation` in a transaction, with as few round trips as its questions need."""

        def run(driver: Any) -> Any:
            with driver.pipeline() as pipeline:
                driver.execute("BEGIN")
                result = operation(Pipelined(driver, pipeline))
                driver.execute("COMMIT")
            return result

        return self._patiently(lambda: self._on_driver(run), is_patient)

    # --- Connections -----------------------------------------------------------------------------

    def _on_driver(self, run: Callable[[Any], T]) -> T:
        with self._few:
            taken = self._engine.raw_connection()
            driver: Any = taken.driver_connection
            try:
                return run(driver)
            except BaseException:
                if driver.broken or driver.closed:
                    taken.invalidate()
                raise
            finally:
                taken.close()  # undoes what is not committed

    @contextmanager
    def _taken(self, first: str) -> Iterator[Connection]:
        """A connection on which `first` was run; what is not committed at the end is undone."""

        def take() -> Connection:
            connection = self._engine.connect()
            try:
                connection.exec_driver_sql(first)
            except BaseException:
                connection.close()
                raise
            return connection

        connection = self._patiently(take)
        try:
            yield connection
        except self._errors as error:
            raise explained(error, self.name) from error
        finally:
            connection.close()

    # --- Patience --------------------------------------------------------------------------------

    def _patiently(self, attempt: Callable[[], T], is_patient: bool = True) -> T:
        """Return what `attempt` does, made again where the connection, or a race, was lost.

        Args:
            is_patient: Whether to wait for a database that is away; else there is one more attempt,
                since a connection from the pool may be one from before a restart.
        """
        until = time.monotonic() + (self._patience_seconds if is_patient else 0.0)
        pause, num_clashes, num_lost = _FIRST_PAUSE_SECONDS, 0, 0
        while True:
            if self._is_closed:
                raise StorageError(f"the database {self.name} was closed")
            try:
                result = attempt()
            except self._errors as error:
                verdict = verdict_on(error)
                if verdict is Verdict.CLASH and num_clashes < _NUM_CLASHES:
                    num_clashes += 1
                elif verdict is Verdict.AWAY and (self._may_wait(error, until) or num_lost == 0):
                    num_lost += 1
                else:
                    raise explained(error, self.name) from error
            else:
                self._away_since = None
                return result
            # Not all threads, nor all proxies, at once.
            time.sleep(pause * self._draws.uniform(0.5, 1.5))
            pause = min(2 * pause, _LAST_PAUSE_SECONDS)

    def _may_wait(self, error: Exception, until: float) -> bool:
        """Whether it is worth waiting; nobody does in an outage that others have waited for."""
        now = time.monotonic()
        with self._lock:
            if self._away_since is None:
                self._away_since = now
                # The others in the pool were lost with this one.
                self._engine.dispose()
                if now >= self._silent_until:
                    self._silent_until = now + _SILENCE_SECONDS
                    logger.warning("%s: trying again", explained(error, self.name))
            return now < min(until, self._away_since + self._patience_seconds)


def _with_defaults(url: URL) -> URL:
    given = {name: value for name, value in url.query.items() if name != "options"}
    options = [_OPTIONS, *url.normalized_query.get("options", ())]
    return url.set(query={**_CONNECTION, **given, "options": " ".join(options)})


def _name_of(url: URL) -> str:
    """Where the database is, without what might be secret."""
    host = url.host or url.query.get("host", "localhost")
    return f"{url.database or url.username or 'postgres'} at {host}:{url.port or 5432}"


@lru_cache(maxsize=10_000)
def _lock_number(name: str) -> int:
    digest = sha256(f"lm-bench {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
