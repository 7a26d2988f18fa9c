"""Leaderboards that were made before, as long as no run of theirs changes."""

from collections.abc import Iterable
from threading import Lock

from benchmark.web.board import make_board
from benchmark.web.board_types import Board
from benchmark.web.run_files import KnownRun

_MAX_KEPT = 32

_Key = tuple[str, str, str]  # suite, view, group


class BoardMemory:
    """Makes leaderboards, and keeps those that only a change of a run could change."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[_Key, tuple[list[KnownRun], Board]] = {}

    def board(self, suite: str, runs: Iterable[KnownRun], *, view: str, group: str) -> Board:
        """Return the leaderboard of `runs`: see `make_board`."""
        key, runs = (suite, view, group), list(runs)
        with self._lock:
            kept = self._kept.get(key)
        # A run that has changed was read again, and is another object.
        if kept is not None and kept[0] == runs:
            return kept[1]
        board = make_board(suite, runs, view=view, group=group)
        if board.is_complete and all(run.status for run in runs):
            with self._lock:
                self._kept[key] = runs, board
                while len(self._kept) > _MAX_KEPT:
                    del self._kept[next(iter(self._kept))]
        return board
