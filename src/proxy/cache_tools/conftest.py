"""A database with stored answers, made through the cache."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from proxy.store.database import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database, of each kind in turn."""
    with closing(Database(database_url)) as made:
        yield made
