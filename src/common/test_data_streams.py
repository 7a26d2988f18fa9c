import gzip
from pathlib import Path

import msgspec
import pytest

from common.data_streams import stream_cells, stream_json_lines
from common.errors import DataError, StorageError


class Row(msgspec.Struct):
    number: int


def written(tmp_path: Path, content: bytes, name: str = "rows") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_json_lines(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"number": 1, "other": 2}\n\n{"number": 3}')
    assert [row.number for row in stream_json_lines(path, Row)] == [1, 3]


def test_zipped_json_lines(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(b'{"number": 1}\n' * 1000), "rows.gz")
    assert sum(row.number for row in stream_json_lines(path, Row)) == 1000


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"number": "1"}', r"Expected `int`, got `str` - at `\$.number`"),
        (b'{"number"', "truncated"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: bytes, message: str) -> None:
    path = written(tmp_path, b'{"number": 1}\n\n' + line)
    rows = stream_json_lines(path, Row)
    assert next(rows).number == 1
    with pytest.raises(DataError, match=rf"rows line 3: .*{message}.*delete it"):
        next(rows)


def test_cells_are_taken_as_they_are(tmp_path: Path) -> None:
    path = written(tmp_path, b'1\t"a\tb \r\n2\t\n')
    assert list(stream_cells(path, 2)) == [(1, ["1", '"a\tb ']), (2, ["2", ""])]


def test_cells_between_white_space(tmp_path: Path) -> None:
    path = written(tmp_path, b"1 Q0  7\t2\n")
    assert list(stream_cells(path, 4, separator=None)) == [(1, ["1", "Q0", "7", "2"])]


@pytest.mark.parametrize(
    ("line", "message"), [(b"3", "1 columns where 2 are expected"), (b"\xff\t", "utf-8")]
)
def test_a_line_without_its_cells_is_named(tmp_path: Path, line: bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"rows line 2: .*{message}"):
        list(stream_cells(written(tmp_path, b"1\t2\n" + line), 2))


@pytest.mark.parametrize(
    "content",
    [b"no zip", gzip.compress(b"1\t2\n" * 1000, mtime=0)[:-20]],
    ids=["no zip", "cut off"],
)
def test_a_damaged_zip_is_named(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=r"rows.gz line \d+: .*delete it"):
        list(stream_cells(written(tmp_path, content, "rows.gz"), 2))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none: no such file"):
        list(stream_cells(tmp_path / "none", 2))
    with pytest.raises(StorageError, match=r"can't read .*: Is a directory"):
        list(stream_cells(tmp_path, 2))
