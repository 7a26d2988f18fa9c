"""A user's own questions, from a JSON-lines or CSV file.

    {"input": "Capital of Peru?", "references": ["Lima"], "split": "train"}
    {"input": "Capital of Kenya?", "references": ["Nairobi"]}

Source, licence and size: the user's own. A row has `input` (a text), `references` (a list of
texts), `correct` (which of them are right: a text or a list of texts; all of them, if it is not
given), and `split` (train, valid or test, which is the default).
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from benchmark.scenarios.scenario import (
    CORRECT_TAG,
    TRAIN_SPLIT,
    Instance,
    Reference,
    Scenario,
)
from common.data_formats import csv_reader, read_text
from common.errors import DataError, InvalidRequestError

JSON_LINES, CSV = (".jsonl", ".jsonl.gz"), (".csv", ".csv.gz")
_ADVICE = "save it as UTF-8"

Split = Literal["train", "valid", "test"]


class CustomScenario(Scenario):
    """One instance per row.

    A CSV file names its columns in the first row. A cell of `references` or `correct` is one text,
    or a JSON list of texts: `["Lima", "Quito"]`.

    Args:
        path: The file; what it is, is told by its ending: .jsonl, .csv, or these with .gz.
        multiple_choice: Each row needs two references or more, of which some but not all are right.
    """

    name = "custom"
    description = "A user's own questions"
    tags = []

    def __init__(self, path: str, multiple_choice: bool = False) -> None:
        if not path.endswith((*JSON_LINES, *CSV)):
            raise InvalidRequestError(
                f"custom: {path} does not end with .jsonl or .csv, which says how to read it"
            )
        self._path = Path(path).expanduser()
        self._multiple_choice = multiple_choice

    def get_instances(self, output_path: Path) -> list[Instance]:
        kind = ChoiceRow if self._multiple_choice else Row
        read = _csv_objects if self._path.name.endswith(CSV) else _json_objects
        rows = []
        for line, value in read(self._path):
            try:
                rows.append(msgspec.convert(value, kind))
            except msgspec.ValidationError as error:
                raise DataError(f"{self._path} line {line}: {error}") from error
        if not rows:
            raise DataError(f"{self._path}: there is no row in it")
        if all(row.split == TRAIN_SPLIT for row in rows):
            raise DataError(f"{self._path}: no row with the split valid or test, so none to ask")
        return [_to_instance(row) for row in rows]


class Row(msgspec.Struct, forbid_unknown_fields=True):
    """A row for an answer that is generated."""

    input: str
    references: list[str]
    correct: str | list[str] | None = None
    split: Split = "test"

    def __post_init__(self) -> None:
        for text in self.right_ones:
            if text not in self.references:
                raise ValueError(
                    f"`correct` has {text!r}, which is none of the references: "
                    f"{', '.join(map(repr, self.references)) or 'there are none'}"
                )

    @property
    def right_ones(self) -> list[str]:
        """The references that are right."""
        if self.correct is None:
            return self.references
        return [self.correct] if isinstance(self.correct, str) else self.correct


class ChoiceRow(Row, forbid_unknown_fields=True):
    """A row for an answer that is chosen."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.references) < 2:
            raise ValueError(f"`references` needs two choices or more, not {len(self.references)}")
        num_right = sum(text in self.right_ones for text in self.references)
        if num_right in (0, len(self.references)):
            which = "no choice" if num_right == 0 else "every choice"
            raise ValueError(f"`correct` makes {which} right; name the right one")


def _json_objects(path: Path) -> Iterator[tuple[int, Any]]:
    """Each line that is not empty, as JSON, with its number."""
    for number, line in enumerate(read_text(path, advice=_ADVICE).split("\n"), start=1):
        if line.strip():
            yield number, _decoded(line, f"{path} line {number}", "; a line is one object")


def _csv_objects(path: Path) -> Iterator[tuple[int, Any]]:
    """Each row that is not empty, as an object, with the number of its first line."""
    reader = csv_reader(read_text(path, advice=_ADVICE), strict=True)
    columns: list[str] = []
    line = 1
    try:
        for cells in reader:
            where = f"{path} line {line}"
            if cells and not columns:
                columns = _checked_columns(cells, where)
            elif len(cells) > len(columns):
                raise DataError(f"{where}: {len(cells)} cells for the columns {', '.join(columns)}")
            elif cells:
                row = dict(zip(columns, cells, strict=False))
                yield line, _without_lists_as_text(row, where)
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}, row from line {line}: {error}; a cell with quotes, commas or line ends "
            'stands in quotes, and each quote in it is written twice ("")'
        ) from error


def _checked_columns(cells: list[str], where: str) -> list[str]:
    columns = [name.strip() for name in cells]
    known = [field.name for field in msgspec.structs.fields(Row)]
    for name in columns:
        if name not in known:
            raise DataError(
                f"{where}: no column is called {name!r}; there are {', '.join(known)}, with commas "
                "between them"
            )
        if columns.count(name) > 1:
            raise DataError(f"{where}: the column {name!r} stands there twice")
    for name in ("input", "references"):
        if name not in columns:
            raise DataError(f"{where}: no column {name!r}, only {', '.join(columns)}")
    return columns


def _without_lists_as_text(row: dict[str, str], where: str) -> dict[str, Any]:
    """A CSV row as JSON would have it: lists are lists, and empty cells are not there."""
    value: dict[str, Any] = {
        name: cell for name, cell in row.items() if cell or name in ("input", "references")
    }
    for name in ("references", "correct"):
        cell = row.get(name, "")
        if cell.startswith("["):
            value[name] = _decoded(cell, f"{where}: {name}", "")
    references = value.get("references")
    if isinstance(references, str):
        value["references"] = [references] if references else []
    return value


def _decoded(text: str, where: str, advice: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise DataError(f"{where}: not valid JSON ({error}){advice}") from error


def _to_instance(row: Row) -> Instance:
    references = [
        Reference(text, [CORRECT_TAG] if text in row.right_ones else []) for text in row.references
    ]
    return Instance(row.input, references, row.split)
