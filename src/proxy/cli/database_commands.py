"""The commands of `proxy-cli` on the database of an installation, which run where it is."""

import argparse
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.errors import ConflictError, InvalidRequestError, StorageError
from proxy.cli.flags import add_database_flags
from proxy.cli.output import print_json

if TYPE_CHECKING:
    from proxy.store.database import Database


def add_commands(subparsers: Any) -> None:
    """Add the commands; each sets `run`, which takes the arguments and returns an exit code."""
    text = "take over the accounts of another installation, an accounts.jsonl or accounts.sqlite"
    importing = subparsers.add_parser("import-accounts", help=text, description=text)
    importing.add_argument("file", type=Path, metavar="FILE")
    importing.set_defaults(run=_import_accounts)
    add_database_flags(importing)

    database = subparsers.add_parser("db", help="look after the database")
    of_database = database.add_subparsers(metavar="COMMAND", required=True)
    text = "copy a SQLite database to a file, also while a server uses it"
    backup = of_database.add_parser("backup", help=text, description=text)
    backup.add_argument("file", type=Path, metavar="FILE")
    backup.set_defaults(run=_back_up)
    add_database_flags(backup)

    text = "bring the database to this version's layout, as a server does at its start"
    migrating = of_database.add_parser("migrate", help=text, description=text)
    migrating.set_defaults(run=_migrate)
    add_database_flags(migrating)

    text = "copy everything into an empty database, such as SQLite's into PostgreSQL"
    copying = of_database.add_parser("copy", help=text, description=text)
    copying.add_argument("source", metavar="SOURCE", help="such as sqlite:///prod_env/proxy.sqlite")
    copying.add_argument("target", metavar="TARGET", help="such as postgresql+psycopg://bench@db/b")
    copying.set_defaults(run=_copy_database)
    add_database_flags(copying)


def _database_path(args: argparse.Namespace) -> Path:
    from proxy.settings import database_url
    from proxy.store.database import is_sqlite

    url = database_url(args.base_path, args.database)
    if not is_sqlite(url):
        raise InvalidRequestError(
            "a database in PostgreSQL is backed up with its own tool: pg_dump --format=custom"
        )
    return _file_of(url)


def _file_of(url: str) -> Path:
    from sqlalchemy.engine import make_url

    path = Path(make_url(url).database or "")
    if not path.is_file():
        raise InvalidRequestError(f"there is no database {path}: name it with -b or --database")
    return path


@contextmanager
def open_database(args: argparse.Namespace) -> Iterator["Database"]:
    """The database that `args` name, which may be in use by a server.

    Raises:
        StorageError: It can't be used.
    """
    # They take half a second to import, which --help need not wait for.
    from proxy.settings import database_url
    from proxy.store.database import Database

    with closing(Database(database_url(args.base_path, args.database), patience_seconds=0)) as it:
        yield it


def _migrate(args: argparse.Namespace) -> None:
    from proxy.store.migrations import MIGRATIONS

    with open_database(args) as database:
        name, before = database.name, database.layout
    if args.json:
        print_json({"database": name, "before": before, "now": len(MIGRATIONS)})
    elif before == len(MIGRATIONS):
        print(f"{name} has layout {before}, the newest.")
    else:
        print(f"{name} was brought from layout {before} to {len(MIGRATIONS)}.")


def _copy_database(args: argparse.Namespace) -> None:
    from proxy.store.copying import copy_database
    from proxy.store.database import Database, is_sqlite

    def tell(table: str, number: int) -> None:
        if not args.json:
            print(f"{table}: {number:,} rows", flush=True)

    if is_sqlite(args.source):
        _file_of(args.source)  # must be there: opening it would make a new one
    with (
        closing(Database(args.source, patience_seconds=0)) as source,
        closing(Database(args.target, patience_seconds=0)) as target,
    ):
        copied = copy_database(source, target, tell)
        if args.json:
            print_json(copied)
        else:
            print(f"{source.name} was copied to {target.name}: {sum(copied.values()):,} rows.")


def _import_accounts(args: argparse.Namespace) -> None:
    from proxy.accounts.import_accounts import import_accounts, read_old_accounts

    old = read_old_accounts(args.file)
    with open_database(args) as database:
        imported = import_accounts(database, old, time.time())
    if args.json:
        print_json(imported)
        return
    print(f"{imported.num_imported} accounts were imported, {imported.num_known} are known.")
    for description, api_key in imported.new_keys:
        print(f"The key of {description!r} was too short to be safe; its new one: {api_key}")


def _back_up(args: argparse.Namespace) -> None:
    source = _database_path(args)
    if args.file.exists():
        raise ConflictError(f"{args.file} exists, and is not overwritten")
    try:
        _copy(source, args.file)
    except sqlite3.Error as error:
        args.file.unlink(missing_ok=True)
        raise StorageError(f"the copy in {args.file} failed: {error}") from error
    if args.json:
        print_json({"file": str(args.file), "bytes": args.file.stat().st_size})
    else:
        print(f"{source} was copied to {args.file}.")


def _copy(source: Path, target: Path) -> None:
    """Copy a database as it is at one moment; who writes meanwhile is not held up."""
    with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(target)) as copy:
        original.backup(copy)
        [(verdict,)] = copy.execute("PRAGMA quick_check(1)")
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
