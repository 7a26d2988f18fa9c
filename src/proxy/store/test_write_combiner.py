import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from common.errors import StorageError
from proxy.store.database import Database

INSERT = "INSERT INTO schema_versions (version, applied_at) VALUES (?, 0)"
COUNT = "SELECT count(*) FROM schema_versions WHERE version > 999"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/x.sqlite")
    yield made
    made.close()


def ignore(_: Exception) -> None:
    pass


def insert(number: int) -> Any:
    return lambda connection: connection.execute(INSERT, (1000 + number,)).rowcount


def test_all_is_written_that_many_threads_give(database: Database) -> None:
    writes = database.writes

    def work(number: int) -> int:
        writes.add(insert(2 * number), ignore)
        result: int = writes.run(insert(2 * number + 1))
        return result

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(work, range(500))) == 500
    assert database.read_one(COUNT, {})[0] == 1000


def test_what_was_added_earlier_is_there_when_run_returns(database: Database) -> None:
    writes = database.writes
    writes.add(insert(0), ignore)
    assert writes.run(lambda connection: connection.execute(COUNT).fetchone()[0]) == 1


def test_what_is_added_while_another_writes_is_written_after_it(database: Database) -> None:
    writes = database.writes
    has_begun, may_end = threading.Event(), threading.Event()

    def slow(connection: Any) -> None:
        has_begun.set()
        may_end.wait(5)

    thread = threading.Thread(target=writes.run, args=(slow,))
    thread.start()
    has_begun.wait(5)
    writes.add(insert(0), ignore)  # does not wait
    may_end.set()
    thread.join()
    assert database.read_one(COUNT, {})[0] == 1


def test_a_failure_is_told_to_those_who_wait_and_to_those_who_do_not(database: Database) -> None:
    writes = database.writes
    writes.run(insert(0))
    with pytest.raises(StorageError):
        writes.run(insert(0))
    told: list[Exception] = []
    writes.add(insert(0), told.append)
    assert [type(error) for error in told] == [StorageError]
