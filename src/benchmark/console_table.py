"""Tables of plain text."""

from collections.abc import Sequence

from benchmark.metrics.stat import Stat

MISSING = "—"


def printable(text: str) -> str:
    """Return `text` without what could command a terminal: names in files are anybody's."""
    return "".join(character if character.isprintable() else "�" for character in text)


def format_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return an aligned table; columns after the first that hold numbers stand to the right."""
    headers, rows = _printable_row(headers), [_printable_row(row) for row in rows]
    columns = list(zip(headers, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    is_number = [
        any(cell[:1].isdigit() for cell in column[1:])
        and all(cell[:1].isdigit() or cell[:1] in ("-", MISSING, "") for cell in column[1:])
        for column in columns
    ]
    lines = []
    for row in (headers, ["─" * width for width in widths], *rows):
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, is_number, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _printable_row(row: Sequence[str]) -> list[str]:
    return [printable(cell) for cell in row]


def format_score(stat: Stat | None) -> str:
    """Return a score with its 95 % interval, such as `0.650 [0.495, 0.779]`."""
    if stat is None or stat.mean is None:
        return MISSING
    if stat.interval is None:
        return f"{stat.mean:.3f}"
    low, high = stat.interval
    return f"{stat.mean:.3f} [{low:.3f}, {high:.3f}]"
