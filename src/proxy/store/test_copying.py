from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from common.errors import BenchError, ConflictError
from postgresql_server import PostgresqlServer
from proxy.store.copying import copy_database
from proxy.store.database import Database
from proxy.store.tables import accounts, toxicity_scores


@pytest.fixture
def database(postgresql: PostgresqlServer) -> Iterator[Database]:
    with closing(Database(postgresql.new_schema())) as made:
        yield made


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(f"sqlite:///{tmp_path}/proxy.sqlite")) as made:
        with made.write() as connection:
            people = [{"id": n, "is_admin": n == 7, "created_at": 1.5} for n in range(5, 8)]
            connection.execute(insert(accounts), people)
            scores = [
                {"key": n.to_bytes(32, "big"), "scores": "{}", "created_at": 0.0}
                for n in range(2500)
            ]
            connection.execute(insert(toxicity_scores), scores)
        yield made


def test_everything_is_copied_and_counting_goes_on(filled: Database, database: Database) -> None:
    told: list[tuple[str, int]] = []
    copied = copy_database(filled, database, lambda *table: told.append(table))
    assert copied == dict(told)
    assert (copied["accounts"], copied["toxicity_scores"], copied["quotas"]) == (3, 2500, 0)
    with filled.read() as old, database.read() as new:
        for table in (accounts, toxicity_scores):
            rows = select(table).order_by(*table.primary_key.columns)
            assert new.execute(rows).all() == old.execute(rows).all()
    with database.write() as connection:
        made = insert(accounts).values(created_at=0.0).returning(accounts.c.id)
        assert connection.execute(made).scalar_one() == 8
        key = insert(accounts).values(created_at=0.0).returning(accounts.c.id)
        assert connection.execute(key).scalar_one() == 9


def test_a_database_with_rows_is_not_copied_into(filled: Database, database: Database) -> None:
    with database.write() as connection:
        connection.execute(insert(accounts).values(id=1, created_at=0.0))
    with pytest.raises(ConflictError, match="has rows in accounts"):
        copy_database(filled, database)
    with database.read() as connection:
        assert connection.execute(select(toxicity_scores)).all() == []


def test_a_copy_that_fails_leaves_nothing(filled: Database, database: Database) -> None:
    with filled.write() as connection:
        connection.execute(insert(accounts).values(id=9, description="a\0b", created_at=0.0))
    with pytest.raises(BenchError, match="can't be stored"):
        copy_database(filled, database)
    with database.read() as connection:
        assert connection.execute(select(accounts)).all() == []


def test_a_copy_can_go_back(filled: Database, database: Database, tmp_path: Path) -> None:
    copied = copy_database(filled, database)
    with closing(Database(f"sqlite:///{tmp_path}/back.sqlite")) as back:
        assert copy_database(database, back) == copied
