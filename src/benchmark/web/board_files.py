"""The leaderboard as a file: CSV for spreadsheets, and a table for LaTeX."""

import csv
import io

from benchmark.web.board_types import TIED, Board, BoardCell, Column

# Format → the ending of a file's name.
SUFFIXES = {"csv": "csv", "latex": "tex"}

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
} | {special: f"\\{special}" for special in "&%$#_"}


def to_csv(board: Board) -> str:
    """Return one line a model; a score has its interval and what it does not cover beside it.

    A text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    file = io.StringIO()
    writer = csv.writer(file)
    head = ["model", "mean win rate", "low", "high"]
    for column in board.columns:
        name = f"{column.task} ({column.metric})"
        head += [name, *(f"{name} {part}" for part in ("low", "high", "n", "errors", "status"))]
    writer.writerow([_plain(title) for title in head])
    for row in board.rows:
        low, high = row.win_interval or ("", "")
        line: list[object] = [_plain(row.model), _number(row.win_rate), low, high]
        for cell in row.cells:
            line += _parts(cell)
        writer.writerow(line)
    return file.getvalue()


def to_latex(board: Board) -> str:
    """Return a table for the package booktabs; "=" marks what can't be told from the best."""
    titles = ["Model", "Win rate", *map(_title, board.columns)]
    lines = [
        "% needs \\usepackage{booktabs}",
        f"\\begin{{tabular}}{{l{'r' * (len(titles) - 1)}}}",
        "\\toprule",
        f"{' & '.join(titles)} \\\\",
        "\\midrule",
    ]
    for row in board.rows:
        rate = "--" if row.win_rate is None else f"{row.win_rate:.2f}"
        cells = [
            _score(cell, column) for cell, column in zip(row.cells, board.columns, strict=True)
        ]
        lines.append(f"{' & '.join([_escaped(row.model), rate, *cells])} \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


def _parts(cell: BoardCell | None) -> list[object]:
    if cell is None:
        return ["", "", "", "", "", "no run"]
    low, high = cell.interval or ("", "")
    n = "" if cell.n is None else cell.n
    return [_number(cell.mean), low, high, n, cell.num_errors, _plain(cell.status)]


def _number(value: float | None) -> object:
    return "" if value is None else value


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text


def _title(column: Column) -> str:
    name = f"{column.display_name} ({column.details})" if column.details else column.display_name
    return _escaped(f"{name}, {column.metric_display_name}")


def _score(cell: BoardCell | None, column: Column) -> str:
    if cell is None or cell.mean is None:
        return "--"
    scale, decimals = (100, 1) if column.is_proportion else (1, 3)
    text = f"{scale * cell.mean:.{decimals}f}"
    if cell.interval is not None:
        margin = scale * (cell.interval[1] - cell.interval[0]) / 2
        text += f" {{\\scriptsize $\\pm${margin:.{decimals}f}}}"
    return f"$=$ {text}" if cell.standing == TIED else text


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
