"""Writes down what comes back: the results of all runs, many in one transaction."""

import logging
import queue
import threading
import time
from collections.abc import Callable

from benchmark.active_run import ActiveRun
from benchmark.adapters.request_state import RequestState
from common.errors import BenchError

logger = logging.getLogger(__name__)

_MAX_UNWRITTEN = 1024
_GRACE_SECONDS = 0.5
_GATHER_SECONDS = 0.02

# A run, the place of a request in it, the place of its instance, the request with its result.
Written = tuple[ActiveRun, int, int, RequestState]


class ResultsWriter:
    """Appends results to each run's states file, in a thread of its own.

    Args:
        complete: Told of each run whose last result is written.
    """

    def __init__(self, complete: Callable[[ActiveRun], None]) -> None:
        self._complete = complete
        self._results: queue.Queue[Written] = queue.Queue(_MAX_UNWRITTEN)

    def start(self) -> None:
        """Begin to write."""
        threading.Thread(target=self._write, name="writer", daemon=True).start()

    def put(self, written: Written) -> None:
        """Have a result written; waits while too many are not."""
        self._results.put(written)

    def flush(self) -> None:
        """Wait until what has come back is written, for a moment at most."""
        deadline = time.monotonic() + _GRACE_SECONDS
        while self._results.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.01)

    def _write(self) -> None:
        while True:
            batch = [self._results.get()]
            # A commit costs as much as many rows. What waits here is in the cache already.
            time.sleep(_GATHER_SECONDS)
            try:
                while len(batch) < _MAX_UNWRITTEN:
                    batch.append(self._results.get_nowait())
            except queue.Empty:
                pass
            by_run: dict[int, list[Written]] = {}
            for item in batch:
                by_run.setdefault(id(item[0]), []).append(item)
            for items in by_run.values():
                self._write_batch(items[0][0], [item[1:] for item in items])
            for _ in batch:
                self._results.task_done()

    def _write_batch(self, run: ActiveRun, states: list[tuple[int, int, RequestState]]) -> None:
        try:
            run.states.add_states(states)
        except BenchError as error:
            run.stop_reason = str(error)
        except Exception as error:
            logger.debug("%s: results could not be written", run.spec.name, exc_info=True)
            run.stop_reason = f"{type(error).__name__}: {error}"
        is_complete = run.note_written([state.result for _, _, state in states])
        try:
            run.note_progress()
        except BenchError:
            logger.debug("%s: its progress could not be noted", run.spec.name, exc_info=True)
        if is_complete:
            self._complete(run)
