import gzip
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from common.data_formats import (
    read_csv,
    read_csv_without_header,
    read_json,
    read_json_lines,
    read_lines,
    read_text,
)
from common.errors import DataError


class Row(msgspec.Struct):
    question: str
    answer: Literal["A", "B"]


class NamedRow(msgspec.Struct):
    best_answer: str = msgspec.field(name="Best Answer")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a\n\nb", ["a", "", "b"]),
        (b"\xef\xbb\xbfa\r\nb\xe2\x80\xa8c\x0c\n", ["a", "b\u2028c\x0c"]),
    ],
)
def test_lines(path: Path, content: bytes, lines: list[str]) -> None:
    path.write_bytes(content)
    assert read_lines(path) == lines


def test_a_text_that_is_not_utf_8_is_named(path: Path) -> None:
    path.write_bytes(b"a\ncaf\xe9\n")
    with pytest.raises(DataError, match=r"file line 2: byte 0xe9 is not UTF-8"):
        read_lines(path)


def test_a_json_value_of_any_kind(path: Path) -> None:
    path.write_text('{"a": [1, 2]}')
    assert read_json(path, dict[str, list[int]]) == {"a": [1, 2]}


def test_json_lines(path: Path) -> None:
    path.write_bytes(
        b'\xef\xbb\xbf{"question": "caf\xc3\xa9", "answer": "A", "more": 1}\r\n'
        b' \n{"question": "x\xe2\x80\xa8y", "answer": "B"}'
    )
    assert read_json_lines(path, Row) == [Row("café", "A"), Row("x\u2028y", "B")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"question": "x"', r"not valid JSON \(Input data was truncated\)"),
        (b"<html>", r"not valid JSON \(JSON is malformed"),
        (b'{"question": "x"}', "missing required field `answer`"),
        (b'{"question": "x", "answer": "C"}', r"Invalid enum value 'C' - at `\$.answer`"),
        (b'{"question": 1, "answer": "A"}', r"Expected `str`, got `int` - at `\$.question`"),
        (b'{"question": "\xff", "answer": "A"}', "utf-8"),
        (b"null", "Expected `object`, got `null`"),
    ],
)
def test_a_bad_line_is_named(path: Path, line: bytes, message: str) -> None:
    good = b'{"question": "x", "answer": "A"}\n'
    path.write_bytes(good + b"\n" + line + b"\n" + good)
    with pytest.raises(DataError, match=rf"file line 3: .*{message}"):
        read_json_lines(path, Row)


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(DataError, match="file: no such file"):
        read_json_lines(path, Row)


def test_json(path: Path) -> None:
    path.write_text('{"question": "x"}')
    with pytest.raises(DataError, match="file: Object missing required field `answer`"):
        read_json(path, Row)


def test_csv_without_header(path: Path) -> None:
    path.write_bytes(b'"a, ""b""\nc",A\r\n\r\ncaf\xc3\xa9,B')
    assert read_csv_without_header(path, Row) == [Row('a, "b"\nc', "A"), Row("café", "B")]


def test_a_bad_csv_row_is_named(path: Path) -> None:
    for content, message in [
        (b"x,A\ny\n", r"line 2: 1 columns where 2 are expected \(question, answer\)"),
        (b"x,A\n\ny,A,B\n", "line 3: 3 columns where 2 are expected"),
        (b"x,A\ny,C\n", r"line 2: Invalid enum value 'C' - at `\$.answer`"),
        (b'x,A\n"y,B\nz,A\n', "line 3: 1 columns where 2 are expected"),
        (b"x,A\n\xff,B\n", "line 2: byte 0xff is not UTF-8"),
    ]:
        path.write_bytes(content)
        with pytest.raises(DataError, match=f"file {message}"):
            read_csv_without_header(path, Row)


def test_csv_columns_are_found_by_name(path: Path) -> None:
    path.write_text("Type,Best Answer,More\na,yes,1\nb,no,2\n")
    assert read_csv(path, NamedRow) == [NamedRow("yes"), NamedRow("no")]


def test_a_missing_csv_column_is_named(path: Path) -> None:
    path.write_text("Type,Answer\na,yes\n")
    with pytest.raises(DataError, match="line 1: no column 'Best Answer', only Type, Answer"):
        read_csv(path, NamedRow)
    path.write_text("")
    with pytest.raises(DataError, match="no row with the names of the columns"):
        read_csv(path, NamedRow)


def test_a_zipped_file_is_read_unzipped(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"question": "a"}\n'))
    assert read_text(path) == '{"question": "a"}\n'
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"rows.jsonl.gz: .*ended before"):
        read_text(path)
