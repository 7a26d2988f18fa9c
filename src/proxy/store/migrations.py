"""Numbered, small steps that bring a database to the newest layout; each runs once."""

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    DDL,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy.schema import CreateColumn

from common.errors import StorageError
from proxy.store import tables

_versions = Table(
    "schema_versions",
    MetaData(),
    Column("version", Integer, primary_key=True),
    Column("applied_at", Float, nullable=False),
)


def _create_cache(connection: Connection) -> None:
    Table(
        "cache_entries",
        MetaData(),
        Column("key", LargeBinary(32), primary_key=True),
        Column("prompt_hash", LargeBinary(8), nullable=False),
        Column("parameters", Text, nullable=False),
        Column("result", Text, nullable=False),
        Column("created_at", Float, nullable=False),
    ).create(connection)
    tables.cache_claims.create(connection)


def _create_accounts(connection: Connection) -> None:
    metadata = MetaData()
    Table(
        "accounts",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("description", Text, nullable=False),
        Column("is_admin", Boolean, nullable=False),
        Column("created_at", Float, nullable=False),
    )
    Table(
        "api_keys",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
        Column("prefix", String(16), nullable=False),
        Column("key_hash", LargeBinary(32), nullable=False, unique=True),
        Column("created_at", Float, nullable=False),
        Column("revoked_at", Float),
    )
    metadata.create_all(connection)


def _extend_accounts(connection: Connection) -> None:
    _add_columns(
        connection,
        "accounts",
        Column("emails", Text, nullable=False, server_default="[]"),
        Column("groups", Text, nullable=False, server_default="[]"),
        Column("expires_at", Float),
        Column("deleted_at", Float),
        Column("requests_per_minute", Integer),
        Column("tokens_per_minute", Integer),
    )
    _add_columns(connection, "api_keys", Column("expires_at", Float), Column("last_used_at", Float))
    for table in (tables.sessions, tables.audit_entries):
        table.create(connection)


def _create_quotas(connection: Connection) -> None:
    for table in (tables.quotas, tables.quota_periods, tables.reservations):
        table.create(connection)
    for table in (tables.usage_days, tables.rate_levels):
        table.create(connection)


def _extend_cache(connection: Connection) -> None:
    _add_columns(
        connection,
        "cache_entries",
        Column("origin", Text, nullable=False, server_default="{}"),
        Column("model", String(256), nullable=False, server_default=""),
        Column("account_id", Integer),
    )
    found_by = [Column("prompt_hash", LargeBinary(8)), Column("created_at", Float)]
    for column in Table("cache_entries", MetaData(), *found_by).columns:
        Index(f"ix_cache_entries_{column.name}", column).create(connection)


def _create_toxicity_scores(connection: Connection) -> None:
    tables.toxicity_scores.create(connection)


def _create_deployment_paces(connection: Connection) -> None:
    tables.deployment_paces.create(connection)


# A step is never changed once released. It may use `tables` only for tables that it creates: the
# day a table changes, its old layout is copied into the step that made it.
MIGRATIONS: list[Callable[[Connection], None]] = [
    _create_cache,
    _create_accounts,
    _extend_accounts,
    _create_quotas,
    _extend_cache,
    _create_toxicity_scores,
    _create_deployment_paces,
]


def _add_columns(connection: Connection, table: str, *columns: Column[Any]) -> None:
    Table(table, MetaData(), *columns)  # a column is written out as part of its table
    for column in columns:
        name = connection.dialect.identifier_preparer.quote(table)
        written = CreateColumn(column).compile(dialect=connection.dialect)
        added = f"ALTER TABLE {name} ADD COLUMN {written}"
        connection.execute(DDL(added))  # type: ignore[no-untyped-call]


def layout_version(connection: Connection) -> int:
    """Return the number of the last migration that `connection`'s database has had, or 0."""
    if not inspect(connection).has_table(_versions.name):
        return 0
    return connection.execute(select(func.max(_versions.c.version))).scalar() or 0


def migrate(connection: Connection) -> None:
    """Apply every migration that `connection`'s database has not had yet, in its transaction.

    Raises:
        StorageError: A newer version of this program has written the database.
    """
    if not inspect(connection).has_table(_versions.name):
        _versions.create(connection)
    current = layout_version(connection)
    if current > len(MIGRATIONS):
        raise StorageError(
            f"the database has layout {current}, this version knows up to {len(MIGRATIONS)}: "
            "use the newer version of the program that wrote it"
        )
    for version, step in enumerate(MIGRATIONS[current:], start=current + 1):
        step(connection)
        connection.execute(insert(_versions).values(version=version, applied_at=time.time()))
