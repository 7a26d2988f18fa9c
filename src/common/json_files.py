"""JSON files that are never half written."""

import os
import tempfile
from collections.abc import Iterable, Iterator
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


def write_json_list(path: Path, fields: dict[str, Any], name: str, items: Iterable[Any]) -> None:
    """Write an object of `fields` and, last, the list `name`, as `write_json` would.

    The items are written one by one: millions of them take no memory.

    Args:
        fields: At least one.

    Raises:
        StorageError: The folder can't be written, or the disk is full.
    """
    head = encode_json(fields).encode().removesuffix(b"\n}")
    with atomic_writer(path) as file:
        file.write(b"%s,\n  %s: [" % (head, msgspec.json.encode(name)))
        separator = b"\n    "
        for item in items:
            # No string has a line end of its own in it: JSON escapes them.
            text = msgspec.json.format(msgspec.json.encode(item), indent=2)
            file.write(separator + text.replace(b"\n", b"\n    "))
            separator = b",\n    "
        file.write(b"\n  ]\n}\n" if separator.startswith(b",") else b"]\n}\n")


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
