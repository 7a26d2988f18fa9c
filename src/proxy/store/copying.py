"""Everything of one database into another that is empty, such as SQLite's into PostgreSQL."""

from collections.abc import Callable

from sqlalchemy import Connection, Integer, Table, func, insert, literal_column, select

from common.errors import ConflictError, StorageError
from proxy.store.database import Database
from proxy.store.tables import metadata

_BATCH_LENGTH = 1000


def copy_database(
    source: Database, target: Database, on_table: Callable[[str, int], None] | None = None
) -> dict[str, int]:
    """Copy all rows as they are at one moment, all or none, and return how many of each table.

    Args:
        on_table: Told the name of each table that was copied, and its number of rows.

    Raises:
        ConflictError: There is something in `target` already.
        InvalidRequestError: A value of `source` can't be stored in `target`.
        StorageError: One of them has failed, or numbers of rows differ at the end.
    """
    copied: dict[str, int] = {}
    with source.snapshot() as reading, target.write() as writing:
        for table in metadata.sorted_tables:
            _require_empty(writing, table, target.name)
        for table in metadata.sorted_tables:
            copied[table.name] = _copy_table(reading, writing, table)
            num_found = _count(writing, table)
            if num_found != copied[table.name]:
                raise StorageError(
                    f"{target.name} has {num_found} rows of {table.name} after "
                    f"{copied[table.name]} were copied: nothing was kept"
                )
            if on_table is not None:
                on_table(table.name, num_found)
    return copied


def _require_empty(writing: Connection, table: Table, name: str) -> None:
    if writing.execute(select(literal_column("1")).select_from(table).limit(1)).first() is not None:
        raise ConflictError(
            f"{name} has rows in {table.name}: only an empty database is copied into, and nothing "
            "was changed"
        )


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _copy_table(reading: Connection, writing: Connection, table: Table) -> int:
    asked = select(table).order_by(*table.primary_key.columns)
    found = reading.execute(asked, execution_options={"yield_per": _BATCH_LENGTH})
    num_rows = 0
    for rows in found.partitions():
        writing.execute(insert(table), [dict(row._mapping) for row in rows])
        num_rows += len(rows)
    _go_on_counting(writing, table)
    return num_rows


def _go_on_counting(writing: Connection, table: Table) -> None:
    """Let new rows be numbered after those that were copied, where that does not come by itself."""
    number = table.c.get("id")
    if writing.dialect.name != "postgresql" or number is None:
        return
    if not isinstance(number.type, Integer):
        return
    last = select(func.max(number)).scalar_subquery()
    sequence = func.pg_get_serial_sequence(table.name, "id")
    is_there = select(number).limit(1).exists()
    writing.execute(select(func.setval(sequence, func.coalesce(last, 1), is_there)))
