"""What the commands of `cache_commands.py` do."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from common.canonical_json import canonical_json
from common.command_line import FAILED, OK
from common.errors import InvalidRequestError
from common.old_stores import is_store
from common.request import Request
from proxy.cache_entry import Labels
from proxy.cache_tools.explain import explain
from proxy.cache_tools.purge import purge
from proxy.cache_tools.reference_cache import (
    LINES_ORGANIZATION,
    ReferenceImport,
    import_reference,
    read_answers,
)
from proxy.cache_tools.statistics import CacheStatistics, ModelStatistics, read_statistics
from proxy.cache_tools.transfer import export_entries, import_entries
from proxy.cli.output import format_time, print_json, print_table
from proxy.clients.auto_client import AutoClient
from proxy.deployments import Deployments
from proxy.settings import database_url
from proxy.store.database import Database

_HEADERS = ("model", "entries", "MB", "oldest", "newest")
_STDIO = "-"
_SQLITE = "sqlite:///"
_MAX_FIRST_LINE_BYTES = 2**24


@contextmanager
def _database(args: argparse.Namespace, *, must_exist: bool = True) -> Iterator[Database]:
    url = database_url(args.base_path, args.database)
    path = Path(url.removeprefix(_SQLITE))
    if must_exist and url.startswith(_SQLITE) and not path.is_file():
        raise InvalidRequestError(f"there is no database at {path}: name its folder with -b")
    with closing(Database(url, patience_seconds=0)) as database:
        yield database


# --- stats --------------------------------------------------------------------------------------


def show_statistics(args: argparse.Namespace) -> int:
    """Print how much is stored."""
    with _database(args) as database:
        statistics = read_statistics(database)
    if args.json:
        print_json(statistics)
        return OK
    print_table(_HEADERS, [_row(model) for model in statistics.models] + [_total(statistics)])
    if statistics.num_requests:
        share = statistics.num_cached_requests / statistics.num_requests
        print(
            f"\n{statistics.num_cached_requests:,} of {statistics.num_requests:,} requests of "
            f"accounts ({share:.0%}) were answered from it"
        )
    return OK


def _row(model: ModelStatistics) -> list[str]:
    name = model.model or "(not noted)"
    times = [format_time(model.oldest), format_time(model.newest)]
    return [name, f"{model.num_entries:,}", _megabytes(model.num_bytes), *times]


def _total(statistics: CacheStatistics) -> list[str]:
    size = _megabytes(statistics.num_bytes)
    return ["all", f"{statistics.num_entries:,}", size, "", ""]


def _megabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:.1f}"


# --- explain ------------------------------------------------------------------------------------


def explain_request(args: argparse.Namespace) -> int:
    """Print whether a request has an answer; the exit code says the same."""
    request = _read_request(args.request)
    deployment = Deployments(args.base_path).get(request.model, request.deployment)
    client = _client(args.base_path).client(deployment)
    labels = Labels(
        model=deployment.model, identity=canonical_json(client.identity), scope=args.scope
    )
    with _database(args) as database:
        found = explain(database, client.prepare(request), labels, request.max_cache_age)
    if args.json:
        print_json(found)
    else:
        print(found)
    return OK if found.found == "hit" else FAILED


def _read_request(path: str) -> Request:
    try:
        text = sys.stdin.buffer.read() if path == _STDIO else Path(path).read_bytes()
        return msgspec.json.decode(text, type=Request)
    except OSError as error:
        raise InvalidRequestError(f"can't read {path}: {error.strerror}") from error
    except ValueError as error:
        raise InvalidRequestError(f"{path} is not a Request: {error}") from error


def _client(base_path: Path) -> AutoClient:
    def never() -> Any:
        raise AssertionError("nothing is asked here")

    return AutoClient(base_path, never, 0.0)


# --- export and import --------------------------------------------------------------------------


def export_answers(args: argparse.Namespace) -> int:
    """Write stored answers as lines."""
    num_lines = 0
    with _database(args) as database, _output(args.file) as file:
        for line in export_entries(database, args.model):
            file.write(line + b"\n")
            num_lines += 1
    if args.json and args.file != _STDIO:
        print_json({"num_written": num_lines, "file": args.file})
    else:
        print(f"{num_lines} stored answers were written to {_name(args.file)}", file=sys.stderr)
    return OK


@contextmanager
def _output(path: str) -> Iterator[Any]:
    if path == _STDIO:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        file = open(path, "wb")  # noqa: SIM115  # an error in the block is none of opening it
    except OSError as error:
        raise InvalidRequestError(f"can't write {path}: {error.strerror}") from error
    with file:
        yield file


def _name(path: str) -> str:
    return "stdout" if path == _STDIO else path


def import_answers(args: argparse.Namespace) -> int:
    """Add answers to the stored ones."""
    path = Path(args.file)
    if not path.is_file():
        raise InvalidRequestError(f"there is no file {path}")
    organization = args.organization or _organization(path)
    with _database(args, must_exist=False) as database:
        if organization is not None:
            deployments, client = Deployments(args.base_path), _client(args.base_path)
            imported = import_reference(
                database, deployments, client, read_answers(path), organization
            )
            _print_reference_import(imported, as_json=args.json)
            return OK
        with path.open("rb") as file:
            added = import_entries(database, file)
    if args.json:
        print_json(added)
    else:
        print(f"{added.num_added} answers were added, {added.num_known} were there already")
    return OK


def _organization(path: Path) -> str | None:
    """Whose models a file of the reference is of; None for a file that we have written."""
    if is_store(path):
        return path.stem
    with path.open("rb") as file:
        first_line = file.readline(_MAX_FIRST_LINE_BYTES)
    try:
        fields = msgspec.json.decode(first_line)
    except ValueError:
        return None
    is_reference = isinstance(fields, dict) and fields.keys() == {"request", "result"}
    return LINES_ORGANIZATION if is_reference else None


def _print_reference_import(imported: ReferenceImport, *, as_json: bool) -> None:
    if as_json:
        print_json(imported)
        return
    print(
        f"{imported.num_mapped} of {imported.num_read} answers were taken over: "
        f"{imported.num_added} entries were added, {imported.num_known} were there already"
    )
    for reason, count in imported.left.items():
        print(f"{count} left: {reason}")


# --- purge --------------------------------------------------------------------------------------


def purge_answers(args: argparse.Namespace) -> int:
    """Delete stored answers."""
    chosen = {"model": args.model, "account_id": args.account, "before": args.before}
    is_any = any(value is not None for value in chosen.values())
    if is_any == args.all:
        raise InvalidRequestError(
            "say which answers: --model, --account or --before (or several), or --all alone"
        )
    with _database(args) as database:
        num_deleted = purge(database, **chosen)
    if args.json:
        print_json({"num_deleted": num_deleted})
    else:
        print(f"{num_deleted} stored answers were deleted")
    return OK
