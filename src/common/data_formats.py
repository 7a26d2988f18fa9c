"""Reads texts, and JSON, JSON lines and CSV files into typed rows, with errors that say where.

A row type is a `msgspec.Struct`; fields of the file that it does not name are skipped. What is
named `.gz` is read unzipped.
"""

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from common.errors import DataError, StorageError

if TYPE_CHECKING:
    import _csv

# For files that were downloaded, which is most of them.
_FETCH_AGAIN = "if the file is damaged, delete it to fetch it again"

_Row = TypeVar("_Row", bound=msgspec.Struct)
_Value = TypeVar("_Value")


def read_text(path: Path, *, advice: str = _FETCH_AGAIN) -> str:
    """Return a text in UTF-8, as it stands in the file. Raises DataError naming the line.

    Args:
        advice: What to do about a file that can't be read.
    """
    content = _read(path, advice)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise DataError(f"{path} line {line}: byte 0x{byte:02x} is not UTF-8; {advice}") from error


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text in UTF-8, without their ends. Raises DataError naming the line."""
    text = read_text(path)
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []


def read_json(path: Path, kind: type[_Value]) -> _Value:
    """Return the one JSON value in `path`. Raises DataError naming file and field."""
    try:
        return msgspec.json.decode(_read(path), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _error(path, None, error) from error


def read_json_lines(path: Path, kind: type[_Row]) -> list[_Row]:
    """Return the JSON objects in `path`, one a line; empty lines are skipped.

    Raises:
        DataError: A line is not JSON or lacks a field; names file, line and field.
    """
    decode = msgspec.json.Decoder(kind).decode
    rows = []
    for number, line in enumerate(_read(path).split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            rows.append(decode(line))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _error(path, number, error) from error
    return rows


def read_csv(path: Path, kind: type[_Row]) -> list[_Row]:
    """Return the rows of a CSV file whose first row names the columns.

    Raises:
        DataError: A column is missing or a row has too few or too many; names file and line.
    """
    lines = _csv_rows(path)
    if not lines:
        raise DataError(f"{path}: no row with the names of the columns")
    _, columns = lines[0]
    for field in msgspec.structs.fields(kind):
        if field.encode_name not in columns:
            known = ", ".join(columns)
            raise DataError(f"{path} line 1: no column {field.encode_name!r}, only {known}")
    return _typed_rows(path, lines[1:], columns, kind)


def read_csv_without_header(path: Path, kind: type[_Row]) -> list[_Row]:
    """Return the rows of a CSV file whose columns are the fields of `kind`; else as `read_csv`."""
    columns = [field.encode_name for field in msgspec.structs.fields(kind)]
    return _typed_rows(path, _csv_rows(path), columns, kind)


def _typed_rows(
    path: Path, lines: list[tuple[int, list[str]]], columns: Sequence[str], kind: type[_Row]
) -> list[_Row]:
    rows = []
    for number, cells in lines:
        if len(cells) != len(columns):
            raise DataError(
                f"{path} line {number}: {len(cells)} columns where {len(columns)} are expected "
                f"({', '.join(columns)})"
            )
        try:
            rows.append(msgspec.convert(dict(zip(columns, cells, strict=True)), kind))
        except msgspec.ValidationError as error:
            raise _error(path, number, error) from error
    return rows


def csv_reader(text: str, *, strict: bool = False) -> "_csv.Reader":
    """Return what reads the rows of a CSV text; a cell may be a whole book.

    Args:
        strict: Whether a quote that is never closed is an error, and not one cell of all that
            follows.
    """
    csv.field_size_limit(sys.maxsize)  # of the process
    return csv.reader(io.StringIO(text, newline=""), strict=strict)


def _csv_rows(path: Path) -> list[tuple[int, list[str]]]:
    """All rows but empty ones, each with the number of its last line."""
    reader = csv_reader(read_text(path))
    try:
        return [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise _error(path, reader.line_num, error) from error


def _read(path: Path, advice: str = _FETCH_AGAIN) -> bytes:
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        return content.removeprefix(b"\xef\xbb\xbf")
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise _error(path, None, error, advice) from error
    except OSError as error:
        raise StorageError(f"can't read {path}: {error.strerror}") from error


def _error(path: Path, line: int | None, error: Exception, advice: str = _FETCH_AGAIN) -> DataError:
    where = f"{path}" if line is None else f"{path} line {line}"
    is_syntax = isinstance(error, msgspec.DecodeError) and not isinstance(
        error, msgspec.ValidationError
    )
    reason = f"not valid JSON ({error})" if is_syntax else str(error)
    return DataError(f"{where}: {reason}; {advice}")
