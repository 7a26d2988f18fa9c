"""Runs run specs: the only file that knows all stages, from scenario to statistics.

preparer thread   scenario → preprocessor → adapter, one run spec ahead of those being asked
executor threads  ask the service; all runs share them, so the end of one overlaps the next
writer thread     appends results to each run's states file, many in one transaction
finisher thread   metrics → statistics → files, for each run that is complete
calling thread    shows progress and waits; Ctrl-C is seen at once
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from msgspec.structs import replace

from benchmark.active_run import ActiveRun
from benchmark.adapters.request_state import RequestState
from benchmark.budget import Budget
from benchmark.execution_spec import ExecutionSpec
from benchmark.executor import Executor, Task
from benchmark.progress import Progress
from benchmark.remote_output import RemoteOutput
from benchmark.results_writer import ResultsWriter
from benchmark.run_preparer import RunPreparer, publish
from benchmark.run_results import RunOutcome, finish_run
from benchmark.run_spec import RunSpec
from common.authentication import Authentication
from common.data_files import DataFiles
from common.errors import BenchError
from common.request import RequestResult
from common.sandbox import Sandbox
from proxy.services.service import Service

logger = logging.getLogger(__name__)

_REFRESH_SECONDS = 0.2
_WAIT_SECONDS = 0.02


class Runner:
    """Carries out run specs through `service`.

    Args:
        service: Who is asked.
        auth: With whose key.
        execution: How.
        progress: Where to show how far it is.
        remote: Where finished runs go, if that is not where they are carried out.
    """

    def __init__(
        self,
        service: Service,
        auth: Authentication,
        execution: ExecutionSpec,
        progress: Progress,
        remote: RemoteOutput | None = None,
    ) -> None:
        self._service = service
        self._auth = auth
        self._execution = execution
        self._progress = progress
        self._remote = remote
        self.budget = Budget(execution.max_cost)
        self._stop = threading.Event()
        self._preparer = RunPreparer(service, auth, execution, self.budget, remote)
        # One run is prepared while another is asked.
        self._prepared: queue.Queue[ActiveRun | None] = queue.Queue(1)
        self._complete: queue.SimpleQueue[ActiveRun] = queue.SimpleQueue()
        self._writer = ResultsWriter(self._complete.put)
        self._outcomes: queue.SimpleQueue[RunOutcome] = queue.SimpleQueue()
        self._active: list[ActiveRun] = []
        self._has_failed = False

    def run(self, run_specs: list[RunSpec]) -> list[RunOutcome]:
        """Carry out all run specs and return how each ended, in their order.

        Everything answered is on disk when this returns, and when it is interrupted.

        Raises:
            KeyboardInterrupt: After what has been answered was written down.
        """
        outcomes: dict[str, RunOutcome] = {}
        self._writer.start()
        threading.Thread(target=self._finish_runs, name="finisher", daemon=True).start()
        threading.Thread(
            target=self._prepare_runs, args=(run_specs,), name="preparer", daemon=True
        ).start()
        try:
            while len(outcomes) < len(run_specs):
                try:
                    outcome = self._outcomes.get(timeout=_REFRESH_SECONDS)
                    outcomes[outcome.name] = outcome
                    self._progress.finish(outcome)
                except queue.Empty:
                    pass
                self._progress.show(self._active)
        except KeyboardInterrupt:
            self._stop.set()
            self._writer.flush()  # what is still being asked is left
            raise
        finally:
            self._progress.close()
            self._preparer.close()
        return [outcomes[spec.name] for spec in run_specs]

    def _prepare_runs(self, run_specs: list[RunSpec]) -> None:
        is_started = False
        for spec in run_specs:
            if self._stop.is_set():
                return
            if self._has_failed and self._execution.exit_on_error:
                self._outcomes.put(RunOutcome(spec.name, "skipped", "an earlier run failed"))
                continue
            try:
                run = self._preparer.prepare(spec)
            except BenchError as error:
                self._fail(spec.name, str(error))
                continue
            except Exception as error:
                logger.debug("%s failed", spec.name, exc_info=True)
                self._fail(spec.name, f"{type(error).__name__}: {error}")
                continue
            if isinstance(run, RunOutcome):
                self._outcomes.put(run)
                continue
            self._prepared.put(run)
            if not is_started:
                is_started = True
                executor = Executor(self._service, self._auth, self._execution.num_threads)
                executor.start(self._tasks())
        self._prepared.put(None)

    def _fail(self, name: str, message: str) -> None:
        self._has_failed = True
        self._outcomes.put(RunOutcome(name, "failed", message))

    def _tasks(self) -> Iterator[Task]:
        """Yield the open requests of all runs, one run after the other, as threads are free."""
        while (run := self._prepared.get()) is not None:
            if self._execution.exit_on_error and self._is_failing():
                self._outcomes.put(RunOutcome(run.spec.name, "skipped", "an earlier run failed"))
                run.close()
                continue
            self._active.append(run)
            try:
                yield from self._tasks_of(run)
            except BenchError as error:  # such as a tokenizer that can't be had
                run.stop_reason = str(error)
            except Exception as error:
                logger.debug("%s: its requests can't be made", run.spec.name, exc_info=True)
                run.stop_reason = f"{type(error).__name__}: {error}"
            if run.note_fed():
                self._complete.put(run)

    def _is_failing(self) -> bool:
        """Whether a run has failed, once all that were begun have ended."""
        while self._active and not self._stop.is_set():
            time.sleep(_WAIT_SECONDS)
        return self._has_failed

    def _tasks_of(self, run: ActiveRun) -> Iterator[Task]:
        for place, instance_place, state in run.open_states():
            if self._stop.is_set() or run.stop_reason is not None:
                return
            if run.planner is not None:
                run.planner.add(state.request)
                run.note_sent()
                self._writer.put((run, place, instance_place, state))
                continue
            bound = run.meter.admit(state.request)
            if bound is None:
                run.is_over_budget = True
                return
            run.note_sent()
            yield state, self._writer_of(run, place, instance_place, state, bound)

    def _writer_of(
        self,
        run: ActiveRun,
        place: int,
        instance_place: int,
        state: RequestState,
        bound: float,
    ) -> Callable[[RequestResult], None]:
        def write(result: RequestResult) -> None:
            run.meter.settle(state.request, bound, result)
            run.note_result(result)
            answered = replace(state, result=result)
            self._writer.put((run, place, instance_place, answered))

        return write

    def _offered(self) -> dict[str, Any]:
        """What metrics may ask for by the name of an argument."""
        execution = self._execution
        return {
            "get_toxicity_scores": partial(self._service.get_toxicity_scores, self._auth),
            "data_files": DataFiles(execution.data_mirror),
            "data_path": execution.output_path / "metrics",
            "sandbox": Sandbox() if execution.allow_code_execution else None,
        }

    def _finish_runs(self) -> None:
        while True:
            run = self._complete.get()
            if self._stop.is_set():
                return
            name = run.spec.name
            try:
                outcome = finish_run(run, self._execution.max_error_rate, self._offered())
                publish(self._remote, self._execution.suite, outcome)
                self._has_failed |= outcome.is_failure
                self._outcomes.put(outcome)
            except BenchError as error:
                self._fail(name, str(error))
            except Exception as error:
                logger.debug("%s could not be scored", name, exc_info=True)
                self._fail(name, f"{type(error).__name__}: {error}")
            run.close()
            self._active.remove(run)
