"""Reads CSV tables whose cells are shown as pandas shows them.

Prompts of some data sets were made from data frames: a number is written as its column's type has
it (`35` as `35.0` where a cell of the column is empty or has a fraction), and a missing cell as
`nan`. Published numbers depend on that. The rules are those of `pandas.read_csv` 1.5.
"""

import csv
import re
from collections.abc import Callable, Sequence

from common.data_formats import csv_reader

MISSING = "nan"  # how a missing cell is written

_MISSING_CELLS = {
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "n/a", "nan", "null"),
}
_INT = re.compile(r"\s*[+-]?[0-9]+\s*")
_FLOAT = re.compile(r"\s*[+-]?(?:([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|inf(inity)?)\s*", re.I)
_BOOLEANS = {"True", "TRUE", "true", "False", "FALSE", "false"}

Row = dict[str, str | None]


def parse_table(text: str, columns: Sequence[str] | None = None) -> list[Row]:
    """Return the rows of a CSV text: column → cell as it is shown, or None for a missing one.

    Args:
        columns: Their names, where the first row does not hold them.

    Raises:
        ValueError: A row has more cells than there are columns, or quotes are amiss; says where.
            Cells that a row lacks are missing ones.
    """
    reader = csv_reader(text)
    rows: list[list[str | None]] = []
    names = list(columns or [])
    try:
        for cells in reader:
            if not cells:
                continue
            if not names:
                names = cells
                continue
            if len(cells) > len(names):
                raise ValueError(
                    f"line {reader.line_num}: {len(cells)} columns where {len(names)} are "
                    f"expected ({', '.join(names)})"
                )
            present = [None if cell in _MISSING_CELLS else cell for cell in cells]
            rows.append(present + [None] * (len(names) - len(cells)))
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from error
    shown = [_shown(column) for column in zip(*rows, strict=True)]
    return [dict(zip(names, cells, strict=True)) for cells in zip(*shown, strict=True)]


def _shown(column: Sequence[str | None]) -> list[str | None]:
    write = _writer(column)
    return [None if cell is None else write(cell) for cell in column]


def _writer(column: Sequence[str | None]) -> Callable[[str], str]:
    """How the cells of a column are written, by the type that all of them have."""
    present = [cell for cell in column if cell is not None]
    is_full = len(present) == len(column)
    if is_full and all(_INT.fullmatch(cell) for cell in present):
        return lambda cell: str(int(cell))
    if all(_FLOAT.fullmatch(cell) for cell in present):
        return lambda cell: str(float(cell))
    if is_full and _BOOLEANS.issuperset(present):
        return str.capitalize
    return str
