import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, MetaData, Table, create_engine, insert, inspect, select

from common.errors import StorageError
from postgresql_server import PostgresqlServer
from proxy.store import migrations
from proxy.store.database import Database
from proxy.store.migrations import MIGRATIONS
from proxy.store.tables import cache_entries, metadata


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/proxy.sqlite"
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    return server.new_schema()


def make_old(url: str, version: int) -> None:
    """Make a database as an older version of the program has left it, with one answer."""
    with create_engine(url).begin() as connection:
        migrations._versions.create(connection)
        for number, step in enumerate(MIGRATIONS[:version], start=1):
            step(connection)
            values = {"version": number, "applied_at": 0.0}
            connection.execute(insert(migrations._versions).values(**values))
        columns = ("key", "prompt_hash", "parameters", "result", "created_at")
        old_entries = Table(
            "cache_entries",
            MetaData(),
            *(Column(name, cache_entries.c[name].type) for name in columns),
        )
        connection.execute(
            insert(old_entries).values(
                dict(zip(columns, (b"0", b"0", "{}", "{}", 1.0), strict=True))
            )
        )


def columns_of(connection: Connection) -> dict[str, set[str]]:
    found = inspect(connection)
    return {
        table.name: {column["name"] for column in found.get_columns(table.name)}
        for table in metadata.sorted_tables
    }


@pytest.mark.parametrize("version", range(len(MIGRATIONS) + 1))
def test_every_version_is_brought_to_the_tables_as_they_are(new_url: str, version: int) -> None:
    if version:
        make_old(new_url, version)
    with closing(Database(new_url)) as database, database.read() as connection:
        assert database.layout == version
        found = inspect(connection)
        assert columns_of(connection) == {
            table.name: {column.name for column in table.columns}
            for table in metadata.sorted_tables
        }
        assert {
            index["name"]
            for table in metadata.tables
            for index in found.get_indexes(table)
            if not index.get("duplicates_constraint")
        } == {index.name for table in metadata.tables.values() for index in table.indexes}
        assert connection.execute(select(cache_entries.c.model)).all() == [("",)] * bool(version)


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_copy_is_made_before_anything_is_changed(tmp_path: Path, version: int) -> None:
    path = tmp_path / "proxy.sqlite"
    make_old(f"sqlite:///{path}", version)
    path.chmod(0o640)
    Database(f"sqlite:///{path}").close()
    copy = tmp_path / f"proxy.sqlite.bak-{version}"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o640
    with closing(sqlite3.connect(copy)) as connection:
        [last] = connection.execute("SELECT max(version) FROM schema_versions")
        [rows] = connection.execute("SELECT count(*) FROM cache_entries")
    assert (last, rows) == ((version,), (1,))
    Database(f"sqlite:///{path}").close()
    assert len(list(tmp_path.glob("*.bak-*"))) == 1


def test_no_copy_is_made_of_what_is_new(tmp_path: Path) -> None:
    for _ in range(2):
        Database(f"sqlite:///{tmp_path}/proxy.sqlite").close()
    assert list(tmp_path.glob("*.bak*")) == []


def test_a_copy_that_can_not_be_made_leaves_the_database_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "proxy.sqlite"
    make_old(f"sqlite:///{path}", 1)
    (tmp_path / "proxy.sqlite.bak-1").mkdir()
    with pytest.raises(StorageError, match=r"can't write .*proxy\.sqlite\.bak-1"):
        Database(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT max(version) FROM schema_versions").fetchone() == (1,)


def test_a_newer_database_is_refused(database_url: str) -> None:
    with closing(Database(database_url)) as database, database.write() as connection:
        values = {"version": len(MIGRATIONS) + 1, "applied_at": 0.0}
        connection.execute(insert(migrations._versions).values(**values))
    with pytest.raises(StorageError, match="newer version"):
        Database(database_url)
