"""Stored answers as JSON lines, to move them between databases or to look at them.

One object a line: key and prompt's hash in hexadecimal, parameters, origin, result, model, account
and time. There is no prompt in it, as there is none in the database.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec

from common.errors import DataError
from common.request import RequestResult
from proxy.cache_tools.pages import PAGE_LENGTH, pages
from proxy.store.database import Database
from proxy.store.tables import cache_entries
from proxy.store.upsert import insert

_KEY_BYTES, _HASH_BYTES = 32, 8


class _Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    key: str
    prompt_hash: str
    parameters: dict[str, Any]
    origin: dict[str, Any] = {}
    result: RequestResult
    created_at: float
    model: str = ""
    account_id: int | None = None


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """How many entries were added, and how many were there already and left as they were."""

    num_added: int
    num_known: int


_LINE = msgspec.json.Decoder(_Line)


def export_entries(database: Database, model: str | None = None) -> Iterator[bytes]:
    """Return the entries as lines without their ends, in the order of their keys.

    Args:
        model: Only answers of this model.
    """
    columns = cache_entries.c
    where = None if model is None else columns.model == model
    others = [column for column in columns if column.name != "key"]
    for rows in pages(database, *others, where=where):
        for row in rows:
            fields = row._asdict() | {"key": row.key.hex(), "prompt_hash": row.prompt_hash.hex()}
            for name in ("parameters", "origin", "result"):
                fields[name] = msgspec.Raw(fields[name].encode())
            yield msgspec.json.encode(fields)


def import_entries(database: Database, lines: Iterable[bytes]) -> Imported:
    """Add the entries of `lines` whose keys are not there; accounts are not taken over.

    Raises:
        DataError: A line is not an entry; says which. The lines before it may have been added.
    """
    rows = (_row(line, number) for number, line in enumerate(lines, start=1) if line.strip())
    return add_rows(database, rows)


def add_rows(database: Database, rows: Iterable[dict[str, Any]]) -> Imported:
    """Add those rows of `cache_entries` whose keys are not there."""
    store = insert(cache_entries).on_conflict_do_nothing()
    num_rows = num_added = 0
    iterator = iter(rows)
    while batch := list(islice(iterator, PAGE_LENGTH)):
        with database.write() as connection:
            num_added += connection.execute(store, batch).rowcount
        num_rows += len(batch)
    return Imported(num_added=num_added, num_known=num_rows - num_added)


def _row(text: bytes, number: int) -> dict[str, Any]:
    try:
        line = _LINE.decode(text)
        key, prompt_hash = bytes.fromhex(line.key), bytes.fromhex(line.prompt_hash)
        if len(key) != _KEY_BYTES or len(prompt_hash) != _HASH_BYTES:
            raise ValueError("key or prompt_hash has not the length of one")
        if line.result.outcome == "error":
            raise ValueError("a failure is no answer")
    except ValueError as error:
        raise DataError(f"line {number} is not a stored answer: {error}") from error
    return {
        "key": key,
        "prompt_hash": prompt_hash,
        "parameters": msgspec.json.encode(line.parameters).decode(),
        "origin": msgspec.json.encode(line.origin).decode(),
        "result": msgspec.json.encode(msgspec.structs.replace(line.result, cached=True)).decode(),
        "created_at": line.created_at,
        "model": line.model,
        "account_id": None,  # a number means another account elsewhere
    }
