"""The reference system's own cache of Together's answers: a file of sqlitedict.

A key is the request as JSON with sorted keys, a value the answer as a pickle.
"""

import json
import pickle
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from common.canonical_json import canonical_json
from common.old_stores import is_store, read_store

_TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'unnamed'"
_INSERT = "INSERT OR IGNORE INTO unnamed (key, value) VALUES (?, ?)"
_PROTOCOL = 4  # the newest that the Python of 2022 reads


def is_reference_store(cache_path: str) -> bool:
    """Whether that is a file of sqlitedict, and not a database of ours."""
    path = Path(cache_path)
    if "://" in cache_path or not path.is_file() or not is_store(path):
        return False
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(_TABLE).fetchone() is not None


def read_keys(path: Path) -> set[bytes]:
    """The requests that have an answer, each as canonical JSON.

    Raises:
        DataError: An answer is not plain data.
    """
    return {canonical_json(msgspec.json.decode(key)) for key, _ in read_store(path)}


def add_answers(path: Path, answers: Iterable[tuple[str, Any]]) -> int:
    """Store answers whose request has none yet (request as JSON, answer); return how many."""
    num_added = 0
    with closing(sqlite3.connect(path)) as connection, connection:
        for key, answer in answers:
            text = json.dumps(json.loads(key), sort_keys=True)
            row = (text, pickle.dumps(answer, protocol=_PROTOCOL))
            num_added += connection.execute(_INSERT, row).rowcount
    return num_added
