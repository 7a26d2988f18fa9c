"""What only a database elsewhere can do: be away, be lost, refuse, and run transactions at once."""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg
import pytest
from sqlalchemy import insert

from common.errors import (
    InvalidRequestError,
    StorageError,
    StorageUnavailableError,
)
from postgresql_server import HOST, PASSWORD, PostgresqlServer
from proxy.store.database import Database
from proxy.store.postgresql_errors import Verdict, verdict_on
from proxy.store.tables import accounts, cache_entries

INSERT = "INSERT INTO schema_versions (version, applied_at) VALUES (%(number)s, 0)"
COUNT = "SELECT count(*) FROM schema_versions WHERE version > 999"


@pytest.fixture
def url(postgresql: PostgresqlServer) -> str:
    return postgresql.new_schema()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with closing(Database(url)) as made:
        yield made


@pytest.fixture(scope="module")
def restarted() -> Iterator[PostgresqlServer]:
    """A server of its own, since it is stopped and started."""
    with PostgresqlServer() as server:
        yield server


def write(number: int) -> Any:
    return lambda connection: connection.execute(INSERT, {"number": 1000 + number}).rowcount


def fail(error: Exception) -> None:
    raise AssertionError(error)


def count(database: Database) -> int:
    number: int = database.read_one(COUNT, {})[0]
    return number


# --- Away, and back -------------------------------------------------------------------------------


def test_nothing_is_lost_while_the_server_is_started_anew(
    restarted: PostgresqlServer, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(Database(restarted.new_schema())) as database, ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda n: database.writes.run(write(n)), range(8))) == 8
        restarted.kill()
        with pytest.raises(StorageUnavailableError):
            database.check()
        waiting = [pool.submit(database.writes.run, write(n)) for n in range(8, 12)]
        for number in range(12, 16):
            database.writes.add(write(number), fail)  # nobody waits for these
        reading = pool.submit(count, database)
        time.sleep(0.3)
        restarted.start()
        assert [future.result() for future in waiting] == [1] * 4
        assert reading.result() >= 8
        until = time.monotonic() + 10
        while count(database) < 16:
            assert time.monotonic() < until
            time.sleep(0.05)
    assert "does not answer" in caplog.text
    assert PASSWORD not in caplog.text


def test_what_is_left_at_the_end_is_told(restarted: PostgresqlServer) -> None:
    told: list[Exception] = []
    with closing(Database(restarted.new_schema(), patience_seconds=0.1)) as database:
        restarted.stop()
        try:
            database.writes.add(write(0), told.append)
            assert told == []
            with pytest.raises(StorageUnavailableError) as raised:
                database.writes.run(write(1))
            assert raised.value.retry_after
            began = time.monotonic()
            with pytest.raises(StorageUnavailableError), database.read():
                pass
            assert time.monotonic() - began < 5
            database.writes.close()
        finally:
            restarted.start()
    assert [type(error) for error in told] == [StorageUnavailableError]


def test_the_start_waits_for_a_server(restarted: PostgresqlServer) -> None:
    url = restarted.new_schema()
    restarted.stop()
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(Database, url)
        time.sleep(0.2)
        restarted.start()
        opening.result().close()


def test_who_needs_nothing_of_it_yet_does_not_wait(restarted: PostgresqlServer) -> None:
    url = restarted.new_schema()
    Database(url).close()
    restarted.stop()
    try:
        database = Database(url, is_prepared=True)
    finally:
        restarted.start()
    database.check()
    database.close()


def test_a_database_that_takes_no_writes(postgresql: PostgresqlServer) -> None:
    url = postgresql.new_database()
    Database(url).close()
    name = url.rpartition("/")[2]
    setting = f"ALTER DATABASE {name} SET default_transaction_read_only = "
    postgresql.execute(setting + "on")
    with closing(Database(url, is_prepared=True)) as reading:
        assert count(reading) == 0
        with pytest.raises(StorageUnavailableError, match="takes no writes"):
            reading.writes.run(write(0))
        reading.writes.add(write(1), fail)
        with pytest.raises(StorageUnavailableError), reading.write() as connection:
            connection.execute(insert(accounts).values(created_at=0.0))
        postgresql.execute(setting + "off")
        postgresql.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )
        until = time.monotonic() + 10
        while count(reading) == 0:
            assert time.monotonic() < until
            time.sleep(0.05)


# --- At the same time -----------------------------------------------------------------------------


def test_transactions_that_wait_for_each_other_both_come_to_their_end(database: Database) -> None:
    barrier = threading.Barrier(2)
    num_tries = {"ab": 0, "ba": 0}

    def run(names: str) -> None:
        def operation(connection: Any) -> None:
            num_tries[names] += 1
            database.lock(connection, names[0])
            connection.execute("SELECT 1", {}).fetchone()
            if num_tries[names] == 1:
                barrier.wait(10)
            database.lock(connection, names[1])

        database.writes.run(operation)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, num_tries))
    assert sorted(num_tries.values()) == [1, 2]


def test_who_locks_sees_what_the_others_have_written(database: Database) -> None:
    highest = "SELECT coalesce(max(version), 0) FROM schema_versions WHERE version > 999"

    def count_on(connection: Any) -> None:
        database.lock(connection, "numbers")
        (last,) = connection.execute(highest, {}).fetchone()
        write(max(last - 999, 0))(connection)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: database.writes.run(count_on), range(64)))
    assert count(database) == 64


def test_one_process_is_alone(url: str, database: Database) -> None:
    with closing(Database(url)) as other:
        with database.alone("x") as first, other.alone("x") as second, other.alone("y") as third:
            assert (first, second, third) == (True, False, True)
        with other.alone("x") as later:
            assert later


# --- Bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "password", "name", "words"),
    [
        ("postgres", "wrong-secret", "postgres", ["password authentication failed", "PGPASSWORD"]),
        ("nobody-known", "wrong-secret", "postgres", ["password authentication failed"]),
        ("postgres", PASSWORD, "not_there", ['"not_there" does not exist', "createdb"]),
    ],
    ids=["password", "user", "database"],
)
def test_a_refusal_is_told_at_once_and_without_the_password(
    postgresql: PostgresqlServer, user: str, password: str, name: str, words: list[str]
) -> None:
    began = time.monotonic()
    with pytest.raises(StorageError) as raised:
        Database(postgresql.url(name, user, password))
    assert time.monotonic() - began < 5
    assert not isinstance(raised.value, StorageUnavailableError)
    assert all(word in str(raised.value) for word in words)
    assert password not in str(raised.value)


def test_nobody_listens() -> None:
    url = f"postgresql+psycopg://me:secret@{HOST}:1/x?password=secret2"
    with pytest.raises(StorageUnavailableError, match="refused") as raised:
        Database(url, patience_seconds=0)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    ["mysql://me:secret@x/y", "postgresql+asyncpg://me:secret@x/y", "me:secret@x", "", "://secret"],
)
def test_an_address_of_another_kind(url: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"sqlite:///FILE, or postgresql\+psycopg") as it:
        Database(url)
    assert "secret" not in str(it.value)


def test_the_extra_is_named() -> None:
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from proxy.store.database import Database\n"
        "Database('postgresql+psycopg://x/y')"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert b"pip install 'lm-bench[postgres]'" in ended.stderr


@pytest.mark.parametrize("text", ["a\0b", "x" * 257], ids=["nul", "too long"])
def test_a_value_that_does_not_fit_is_the_callers(database: Database, text: str) -> None:
    values = {"key": b"k", "prompt_hash": b"", "parameters": "", "result": "", "created_at": 0.0}
    with pytest.raises(InvalidRequestError, match="can't be stored"), database.write() as writing:
        writing.execute(insert(cache_entries).values(values | {"model": text}))
    statement = database.compile(insert(cache_entries))
    row = values | {"model": text, "origin": "{}", "account_id": None}
    with pytest.raises(InvalidRequestError, match="can't be stored"):
        database.writes.run(lambda connection: connection.execute(statement, row))
    database.check()


def test_a_full_disk_may_be_cleared() -> None:
    assert verdict_on(psycopg.errors.DiskFull()) is Verdict.STUCK
    assert verdict_on(psycopg.errors.TooManyConnections()) is Verdict.AWAY


def test_the_log_is_quiet_while_all_is_well(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        database.writes.run(write(0))
        database.check()
    assert caplog.text == ""
