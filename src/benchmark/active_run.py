"""One run under way: what it asks, what has come back, and how it stands."""

import threading
import time
from collections.abc import Iterable, Iterator

import msgspec

from benchmark.adapters.request_state import RequestState
from benchmark.budget import Meter
from benchmark.derivation import Derivation, placed_states
from benchmark.plan import Planner
from benchmark.provenance import Provenance
from benchmark.run_folder import RunFolder, RunRecord
from benchmark.run_progress import PROGRESS, RunProgress
from benchmark.scenarios.scenario import Instance
from benchmark.state_key import state_key
from benchmark.states_file import StatesFile
from common.errors import is_fatal
from common.request import RequestResult

# So many failures in a row, and not one answer ever: nobody is there to answer.
_MAX_FAILURES_WITHOUT_ANSWER = 20
# How often the run says how far it is.
_NOTE_SECONDS = 1.0


class ActiveRun:
    """A run that is being fed, asked and written; its counters may be read from any thread."""

    def __init__(
        self,
        record: RunRecord,
        folder: RunFolder,
        derivation: Derivation,
        instances: list[Instance],
        meter: Meter,
        provenance: Provenance,
    ) -> None:
        self.record = record
        self.spec = record.run_spec
        self.folder = folder
        self.scenario = derivation.scenario
        self.adapter = derivation.adapter
        self.train, self.evaluated = self.adapter.select(instances)
        self.meter = meter
        self.provenance = provenance
        self.states = StatesFile(folder.states_path)
        self.answered: set[int] = self.states.answered()
        self.num_requests = self.adapter.num_requests(self.evaluated)
        self.num_resumed = len(self.answered)
        self.num_done = self.num_resumed
        self.num_cached = self.num_errors = self.num_tokens = 0
        self.last_error = ""
        self.planner: Planner | None = None  # of a run that makes all requests and sends none
        self.is_over_budget = False
        self.stop_reason: str | None = None
        self._num_open = 0
        self._is_fed = False
        self._began_at = time.time()
        self._noted_at = 0.0
        self._lock = threading.Lock()

    def all_states(self) -> Iterator[tuple[int, int, RequestState]]:
        """Yield every request of the run: its place, its instance's place, and itself."""
        yield from placed_states(self.adapter, self.train, self.evaluated)

    def open_states(self) -> Iterator[tuple[int, int, RequestState]]:
        """Yield the requests that have no answer yet."""
        if self.num_resumed == self.num_requests:
            return
        for place, instance_place, state in self.all_states():
            if place not in self.answered:
                yield place, instance_place, state

    def extend_states(self) -> None:
        """Give the answers of a run with fewer or more instances their places in this one."""
        old_places = {key: place for place, key in self.states.state_keys()}
        moves = []
        for place, instance_place, state in self.all_states():
            old_place = old_places.get(state_key(state))
            if old_place is not None:
                moves.append((old_place, place, instance_place))
        self.states.move_states(moves, self.evaluated, self.record.hash)
        self.answered = self.states.answered()
        self.num_resumed = self.num_done = len(self.answered)

    @property
    def is_dry(self) -> bool:
        """Whether it makes all requests and sends none."""
        return self.planner is not None

    def note_sent(self) -> None:
        """One more request is under way."""
        with self._lock:
            self._num_open += 1

    def note_result(self, result: RequestResult) -> None:
        """A result has come; one that all others would share stops the run at once."""
        if result.outcome == "error" and is_fatal(result.error_code or ""):
            self.stop_reason = result.error

    def note_fed(self) -> bool:
        """No more requests will come; return whether the run is complete."""
        with self._lock:
            self._is_fed = True
            return self._num_open == 0

    def note_written(self, results: Iterable[RequestResult | None]) -> bool:
        """Count results that are safe on disk; return whether the run is complete.

        None stands for a request that was dropped because the run stops.
        """
        with self._lock:
            for result in results:
                self._num_open -= 1
                if result is not None:
                    self._count(result)
            return self._is_fed and self._num_open == 0

    def note_progress(self) -> None:
        """Tell those who watch how far it is, if the last time is a while ago."""
        now = time.time()
        if 0 <= now - self._noted_at < _NOTE_SECONDS:
            return
        self._noted_at = now
        progress = RunProgress(
            began_at=self._began_at,
            noted_at=now,
            num_resumed=self.num_resumed,
            num_cached=self.num_cached,
            num_tokens=self.num_tokens,
            cost=self.meter.spent if self.meter.has_prices else None,
        )
        self.states.set_meta(PROGRESS, msgspec.json.encode(progress).decode())

    def _count(self, result: RequestResult) -> None:
        self.num_done += 1
        if result.outcome == "error":
            self.num_errors += 1
            self.last_error = result.error or ""
            answered = self.num_done - self.num_errors
            if answered == 0 and self.num_errors >= _MAX_FAILURES_WITHOUT_ANSWER:
                self.stop_reason = f"{self.num_errors} requests failed in a row: {self.last_error}"
            return
        self.num_cached += result.cached
        if result.usage is not None and not result.cached:
            self.num_tokens += result.usage.prompt_tokens or 0
            self.num_tokens += result.usage.completion_tokens or 0

    def close(self) -> None:
        """Close the files and let others at the run."""
        self.states.close()
        self.folder.release()
