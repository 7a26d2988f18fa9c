"""What pages would ask a server for about one suite: all answers, and the files it would make."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, permutations
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from benchmark.web import board_files
from benchmark.web.board import MAIN_VIEW, make_board
from benchmark.web.board_types import Board, BoardRow
from benchmark.web.compared import CompareAnswer, compare_in_suite
from benchmark.web.pages import RunsAnswer, SuitesAnswer
from benchmark.web.run_details import read_details
from benchmark.web.run_files import (
    RUNNING,
    STOPPED,
    UNREADABLE,
    KnownRun,
    RunHead,
    known_runs,
    read_head,
    run_folders,
)
from benchmark.web.run_plots import read_plots
from common.errors import BenchError
from common.version import VERSION

# Pairs of models come first, then pairs of runs; each takes time and room.
_MAX_COMPARISONS = 300
_MAX_GOES = 20

_FILES: dict[str, Callable[[Board], str]] = {
    "csv": board_files.to_csv,
    "latex": board_files.to_latex,
}


class Asked(NamedTuple):
    """What a page asks for: the path as it is read, not as it is escaped, and its parameters."""

    path: str
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """One text, as `keyOf` of `static/api.js` makes it."""
        own = (f"{name}={value}" for name, value in self.parameters if value)
        return "\n".join([self.path, *sorted(own, key=_utf16)])


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")  # the order in which JavaScript sorts


def answers_of(
    output_path: Path, suite: str, models: Iterable[dict[str, Any]]
) -> Iterator[tuple[Asked, Any]]:
    """Yield what is asked and the answer, of a suite: all but samples and files of runs.

    A run that is under way is shown as it stands now, as one that has stopped.

    Args:
        models: Name and prices of models, as the API's general information has them.
    """
    folders = run_folders(output_path, suite)
    heads = [_at_rest(read_head(folder)) for folder in folders]
    yield Asked("/api/runs"), SuitesAnswer([suite])
    yield Asked(f"/api/runs/{suite}"), RunsAnswer(suite, heads)
    general = {"version": VERSION, "example_queries": [], "all_models": list(models)}
    yield Asked("/api/general_info"), general
    for folder, head in zip(folders, heads, strict=True):
        if head.status != UNREADABLE:
            path = f"/api/runs/{suite}/{folder.path.name}"
            yield Asked(path), replace(read_details(folder), head=head, files=[])
            yield Asked(f"{path}/plots"), read_plots(folder)
    yield from _comparisons(output_path, suite, heads)


def boards_of(output_path: Path, suite: str) -> Iterator[tuple[Asked, Board]]:
    """Yield the leaderboard of a suite in all views, of all groups."""
    runs = list(known_runs(output_path, suite))
    whole = _complete(suite, runs, MAIN_VIEW, "")
    for view in whole.views:
        of_view = whole if view.name == MAIN_VIEW else _complete(suite, runs, view.name, "")
        for group in ("", *(group.name for group in whole.groups)):
            board = _complete(suite, runs, view.name, group) if group else of_view
            asked = (("suite", suite), ("view", view.name), ("group", group))
            yield (
                Asked("/api/leaderboard", asked),
                replace(board, rows=[_row_at_rest(row) for row in board.rows]),
            )


def _complete(suite: str, runs: Sequence[KnownRun], view: str, group: str) -> Board:
    """The leaderboard with all its comparisons; many of them are not made in one go."""
    for _ in range(_MAX_GOES):
        board = make_board(suite, runs, view=view, group=group)
        if board.is_complete:
            break
    return board


def files_of(asked: Asked, board: Board) -> Iterator[tuple[Asked, str, str]]:
    """Yield the files of a leaderboard: what is asked, the ending of a name, and the text."""
    for name, write in _FILES.items():
        suffix = board_files.SUFFIXES[name]
        yield Asked(asked.path, (*asked.parameters, ("format", name))), suffix, write(board)


def same_as(asked: Asked) -> Iterator[Asked]:
    """Yield what is asked, and what has the same answer: the main view needs no name."""
    yield asked
    if ("view", MAIN_VIEW) in asked.parameters:
        yield Asked(asked.path, tuple(one for one in asked.parameters if one[0] != "view"))


def _comparisons(
    output_path: Path, suite: str, heads: Sequence[RunHead]
) -> Iterator[tuple[Asked, CompareAnswer]]:
    """Each model with each other, then the runs of a task; those that can't be are left out."""
    scored = [head for head in heads if head.score is not None]
    groups = [sorted({head.model for head in scored})]
    for task in sorted({head.task for head in scored}):
        groups.append([head.name for head in scored if head.task == task])
    pairs = (pair for names in groups for pair in permutations(names, 2))
    for a, b in islice(pairs, _MAX_COMPARISONS):
        try:
            answer = compare_in_suite(output_path, suite, a, b)
        except BenchError:
            continue
        asked = (("suite", suite), ("a", a), ("b", b))
        yield Asked("/api/compare", asked), _without_answers(answer)


def _without_answers(answer: CompareAnswer) -> CompareAnswer:
    """Answers of models are samples, of data that is not ours to publish."""
    tasks = [
        replace(task, comparison=replace(task.comparison, changes=[])) for task in answer.tasks
    ]
    return replace(answer, tasks=tasks)


def _at_rest(head: RunHead) -> RunHead:
    return replace(head, status=STOPPED, progress=None) if head.status == RUNNING else head


def _row_at_rest(row: BoardRow) -> BoardRow:
    cells = [
        replace(cell, status=STOPPED) if cell is not None and cell.status == RUNNING else cell
        for cell in row.cells
    ]
    return replace(row, cells=cells)
