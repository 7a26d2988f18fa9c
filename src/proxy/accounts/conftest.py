from collections.abc import Iterator
from contextlib import closing

import pytest

from proxy.accounts.accounts import Accounts
from proxy.store.database import Database
from some_accounts import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database, of each kind in turn."""
    with closing(Database(database_url)) as made:
        yield made


@pytest.fixture
def accounts(database: Database, clock: Clock) -> Iterator[Accounts]:
    """Accounts at noon of 2026-11-22."""
    with closing(Accounts(database, clock, time_of_day=clock)) as made:
        yield made
