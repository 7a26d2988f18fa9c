"""JSON files that are never half written."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from common.errors import StorageError


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` as indented JSON: whole, or not at all.

    Raises:
        StorageError: The folder can't be written, or the disk is full.
    """
    write_bytes(path, encode_json(value).encode() + b"\n")


def encode_json(value: Any) -> str:
    """Return `value` as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`: whole, or not at all.

    Raises:
        StorageError: The folder can't be written, or the disk is full.
    """
    with atomic_writer(path) as file:
        file.write(content)


@contextmanager
def atomic_writer(path: Path) -> Iterator[BinaryIO]:
    """A file that becomes `path` when all is written, and nothing when an error comes first.

    Raises:
        StorageError: The folder can't be written, or the disk is full.
    """
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            yield file
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise StorageError(f"can't write {path}: {error.strerror}") from error
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
