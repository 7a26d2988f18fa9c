"""Numbered, small steps that bring a database to the newest layout; each runs once."""

import time
from collections.abc import Callable

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    Table,
    func,
    insert,
    inspect,
    select,
)

from common.errors import StorageError
from proxy.store import tables

_versions = Table(
    "schema_versions",
    MetaData(),
    Column("version", Integer, primary_key=True),
    Column("applied_at", Float, nullable=False),
)


def _create_cache(connection: Connection) -> None:
    tables.cache_entries.create(connection)
    tables.cache_claims.create(connection)


def _create_accounts(connection: Connection) -> None:
    tables.accounts.create(connection)
    tables.api_keys.create(connection)


# A step is never changed once released. It may use `tables` only for tables that it creates: the
# day a table changes, its old layout is copied into the step that made it.
MIGRATIONS: list[Callable[[Connection], None]] = [_create_cache, _create_accounts]


def migrate(connection: Connection) -> None:
    """Apply every migration that `connection`'s database has not had yet, in its transaction.

    Raises:
        StorageError: A newer version of this program has written the database.
    """
    if not inspect(connection).has_table(_versions.name):
        _versions.create(connection)
    current = connection.execute(select(func.max(_versions.c.version))).scalar() or 0
    if current > len(MIGRATIONS):
        raise StorageError(
            f"the database has layout {current}, this version knows up to {len(MIGRATIONS)}: "
            "use the newer version of the program that wrote it"
        )
    for version, step in enumerate(MIGRATIONS[current:], start=current + 1):
        step(connection)
        connection.execute(insert(_versions).values(version=version, applied_at=time.time()))
