"""The leaderboard of a suite: models × groups, each cell a score with its interval."""

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from benchmark.console_table import MISSING, format_table, printable
from benchmark.metric_traits import traits_of
from benchmark.metrics.answer_reading import NUM_UNPARSED
from benchmark.run_folder import RunFolder
from benchmark.run_spec import RunSpec
from benchmark.schema import group_of, main_stat
from benchmark.states_file import StatesFile
from benchmark.suite import FinishedRun, find_runs
from common.errors import StorageError
from common.request import OUTCOMES

_OLD_VERSION = "!v"
_OTHER_PROFILE = "†"


class Cell(msgspec.Struct, frozen=True):
    """A model's score in one run, with its 95 % interval over `n` instances.

    `num_truncated` of the `num_scored` requests were cut off; `num_errors` and `num_refused` are
    not covered by the score. `bounds` is the score if all that is missing were wrong, and if all
    were right. `version` is that of the metric. `num_unparsed` answers were read as nothing, and
    count as not right.
    """

    mean: float
    interval: tuple[float, float] | None
    n: int
    num_scored: int
    num_truncated: int
    num_refused: int
    num_errors: int
    bounds: tuple[float, float] | None
    version: int
    run: str
    num_unparsed: int = 0


class Column(msgspec.Struct, frozen=True):
    """What one column shows; `higher_is_better` is null where neither way is good.

    `version` of the metric is the newest that a cell has; older ones meet no other cell.
    `profile`: how its runs are asked in another way than the plain one; "" where they are not.
    """

    group: str
    display_name: str
    metric: str
    higher_is_better: bool | None = None
    version: int = 1
    profile: str = ""


class Row(msgspec.Struct, frozen=True):
    """One model; a missing cell is null."""

    model: str
    cells: list[Cell | None]


class Leaderboard(msgspec.Struct, frozen=True):
    """Rows with the best first: those that win most often, column by column, against others.

    Rows with a cell missing, or of an older version of its metric, come last.
    """

    columns: list[Column]
    rows: list[Row]
    runs_without_group: list[str]


def make_leaderboard(runs: Iterable[FinishedRun]) -> Leaderboard:
    """Return the leaderboard of `runs`; each setting of a task has a column of its own."""
    columns: dict[str, Column] = {}
    cells: dict[str, dict[str, FinishedRun]] = {}
    without_group = []
    for run in runs:
        spec = run.record.run_spec
        group = group_of(spec)
        stat = main_stat(spec, run.stats)
        if group is None or stat is None:
            without_group.append(run.name)
            continue
        label = column_label(spec)
        newest = columns[label].version if label in columns else 1
        columns[label] = Column(
            group.name,
            label,
            stat.name.name,
            traits_of(spec).direction_of(stat.name.name),
            max(newest, stat.version),
            spec.adapter_spec.profile,
        )
        cells.setdefault(spec.adapter_spec.model, {})[label] = run
    labels = sorted(columns)
    rows = [
        Row(model, [_cell(by_label.get(label)) for label in labels])
        for model, by_label in sorted(cells.items())
    ]
    shown = [columns[label] for label in labels]
    rates = {row.model: _win_rate(row, rows, shown) for row in rows}
    rows.sort(key=lambda row: (None in _comparable(row, shown), -rates[row.model]))
    return Leaderboard(shown, rows, without_group)


def leaderboard_table(leaderboard: Leaderboard) -> str:
    """Return the leaderboard as text."""
    if not leaderboard.rows:
        names = ", ".join(map(printable, leaderboard.runs_without_group))
        return f"No run has a main metric to show: {names}"
    headers = ["model"]
    headers += [
        f"{column.display_name}{_OTHER_PROFILE if column.profile else ''} ({column.metric})"
        for column in leaderboard.columns
    ]
    rows = [
        [row.model, *map(_format_cell, row.cells, leaderboard.columns)] for row in leaderboard.rows
    ]
    text = format_table(headers, rows) + _legend(leaderboard)
    if leaderboard.runs_without_group:
        text += "\n\nNot in a column (no main metric): "
        text += ", ".join(map(printable, leaderboard.runs_without_group))
    return text


def list_runs(output_path: Path, suite: str) -> str:
    """Return a table of all runs of a suite: how each stands, and how its requests ended."""
    rows = []
    for folder in find_runs(output_path, suite):
        status, outcomes = status_of(folder)
        counts = [MISSING if outcomes is None else str(outcomes.get(name, 0)) for name in OUTCOMES]
        rows.append((folder.path.name, status, *counts))
    return format_table(("run", "status", *OUTCOMES), rows)


def status_of(folder: RunFolder) -> tuple[str, dict[str, int] | None]:
    """Return how a run stands, and how many requests ended with each outcome, if that is known."""
    if not folder.states_path.exists():
        return "no states", None
    try:
        states = StatesFile(folder.states_path, is_for_reading=True)
        status = states.get_meta("status") or "unknown"
        outcomes = states.outcomes()
        states.close()
    except StorageError:
        return "damaged", None
    return status, outcomes


def column_label(spec: RunSpec) -> str:
    """Return the run's name less its model: runs that share it are one task for other models."""
    model = re.escape(f"model={spec.adapter_spec.model.replace('/', '_')}")
    # What follows the first argument stands in its place.
    name = re.sub(f":{model}(,|$)", lambda match: ":" if match[1] else "", spec.name, count=1)
    return re.sub(f",{model}(?=,|$)", "", name, count=1)


def _cell(run: FinishedRun | None) -> Cell | None:
    if run is None:
        return None
    stat = main_stat(run.record.run_spec, run.stats)
    assert stat is not None
    assert stat.mean is not None
    assert stat.n is not None
    counts = {item.name.name: int(item.sum) for item in run.stats}
    return Cell(
        mean=stat.mean,
        interval=stat.interval,
        n=stat.n,
        num_scored=counts.get("num_scored", 0),
        num_truncated=counts.get("num_truncated", 0),
        num_refused=counts.get("num_refused", 0),
        num_errors=counts.get("num_errors", 0),
        bounds=stat.bounds,
        version=stat.version,
        run=run.name,
        num_unparsed=counts.get(NUM_UNPARSED, 0),
    )


def _comparable(row: Row, columns: list[Column]) -> list[Cell | None]:
    """The cells of a row that others may be compared with: those of the column's version."""
    return [
        cell if cell is not None and cell.version == column.version else None
        for cell, column in zip(row.cells, columns, strict=True)
    ]


def _win_rate(row: Row, rows: list[Row], columns: list[Column]) -> float:
    """How often a row is better than another in the same column; a tie is half a win.

    Scores of different metrics can't be averaged, and of some the lowest is the best.

    Source: Liang et al. 2022, https://arxiv.org/abs/2211.09110, section 8.1.
    """
    rates, cells_of = [], {other.model: _comparable(other, columns) for other in rows}
    for place, column in enumerate(columns):
        own = cells_of[row.model][place]
        if own is None or column.higher_is_better is None:
            continue
        sign = 1 if column.higher_is_better else -1
        others = [cells[place] for model, cells in cells_of.items() if model != row.model]
        gaps = [sign * (own.mean - other.mean) for other in others if other is not None]
        if gaps:
            rates.append(sum((gap > 0) + (gap == 0) / 2 for gap in gaps) / len(gaps))
    return sum(rates) / len(rates) if rates else 0.0


def _format_cell(cell: Cell | None, column: Column) -> str:
    if cell is None:
        return MISSING
    text = f"{cell.mean:.3f}"
    if cell.interval is not None:
        text += f" [{cell.interval[0]:.3f}, {cell.interval[1]:.3f}]"
    text += f" n={cell.n}"
    counts = {
        "cut": cell.num_truncated,
        "unparsed": cell.num_unparsed,
        "refused": cell.num_refused,
        "err": cell.num_errors,
    }
    text += "".join(f", {count} {what}" for what, count in counts.items() if count)
    if cell.bounds is not None:
        text += f" ({cell.bounds[0]:.3f}–{cell.bounds[1]:.3f})"
    return text if cell.version == column.version else f"{text} {_OLD_VERSION}{cell.version}"


def _legend(leaderboard: Leaderboard) -> str:
    """What the marks mean that are in the table."""
    placed = [
        (cell, column)
        for row in leaderboard.rows
        for cell, column in zip(row.cells, leaderboard.columns, strict=True)
        if cell is not None
    ]
    lines = []
    if any(cell.num_truncated or cell.num_refused or cell.num_errors for cell, _ in placed):
        lines.append(
            "cut: answers that hit the limit of tokens, scored; refused, err: requests that are "
            "not scored"
        )
    if any(cell.num_unparsed for cell, _ in placed):
        lines.append("unparsed: answers that nothing could be read out of, scored as not right")
    if any(column.profile for column in leaderboard.columns):
        lines.append(f"{_OTHER_PROFILE}: asked in another way than the plain one, as its name says")
    if any(cell.bounds is not None for cell, _ in placed):
        lines.append("(low–high): the score if all that is missing were wrong, or right")
    old = [cell.run for cell, column in placed if cell.version != column.version]
    if old:
        lines.append(
            f"{_OLD_VERSION}…: of an older version of the metric, compared with no other score: "
            f"benchmark-run --rescore, with {', '.join(old)}"
        )
    return "".join(f"\n{line}" for line in ("", *lines)) if lines else ""
