"""Runs run specs: the only file that knows all stages, from scenario to statistics.

preparer thread   scenario → preprocessor → adapter, one run spec ahead of those being asked
executor threads  ask the service; all runs share them, so the end of one overlaps the next
writer thread     appends results to each run's states file, many in one transaction
finisher thread   metrics → statistics → files, for each run that is complete
calling thread    shows progress and waits; Ctrl-C is seen at once
"""

import logging
import queue
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from benchmark.active_run import ActiveRun
from benchmark.adapters.request_state import RequestState
from benchmark.budget import Budget, Meter
from benchmark.code_versions import code_versions
from benchmark.derivation import Derivation, who_answers
from benchmark.executor import Executor, Task
from benchmark.plan import Planner
from benchmark.profiles import check_can_be_asked
from benchmark.progress import Progress
from benchmark.provenance import Provenance
from benchmark.remote_output import RemoteOutput
from benchmark.run_folder import RunFolder, RunRecord, extends
from benchmark.run_results import RunOutcome, finish_run, read_outcome, set_stats_aside
from benchmark.run_spec import RunSpec
from benchmark.states_file import RUN_HASH
from benchmark.window_services.window_service import WindowService
from common.authentication import Authentication
from common.data_files import DataFiles
from common.errors import BenchError, InvalidRequestError
from common.request import RequestResult
from common.sandbox import Sandbox
from proxy.services.service import DeploymentInfo, Service

logger = logging.getLogger(__name__)

_MAX_UNWRITTEN = 1024
_REFRESH_SECONDS = 0.2
_GRACE_SECONDS = 0.5
_GATHER_SECONDS = 0.02

# A run, the place of a request in it, the place of its instance, the request with its result.
_Written = tuple[ActiveRun, int, int, RequestState]


class ExecutionSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How runs are carried out; nothing here changes a result."""

    output_path: Path
    suite: str
    num_threads: int = 32
    dry_run_names: set[str] = set()  # runs that make all requests and send none
    skip_instances: bool = False
    exit_on_error: bool = False
    max_error_rate: float = 0.05
    max_cost: float | None = None  # in US dollars, of all runs together
    data_mirror: str | None = None
    allow_code_execution: bool = False  # of code that a model wrote
    rescore: bool = False  # finished runs are scored again

    @property
    def suite_path(self) -> Path:
        """Where the suite's runs are."""
        return self.output_path / "runs" / self.suite


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
        self._results: queue.Queue[_Written] = queue.Queue(_MAX_UNWRITTEN)
        # One run is prepared while another is asked.
        self._prepared: queue.Queue[ActiveRun | None] = queue.Queue(1)
        self._complete: queue.SimpleQueue[ActiveRun] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[RunOutcome] = queue.SimpleQueue()
        self._active: list[ActiveRun] = []
        self._has_failed = False
        self._scratch = Path(tempfile.gettempdir(), f"lm-bench-plans-{uuid.uuid4().hex}")

    def run(self, run_specs: list[RunSpec]) -> list[RunOutcome]:
        """Carry out all run specs and return how each ended, in their order.

        Everything answered is on disk when this returns, and when it is interrupted.

        Raises:
            KeyboardInterrupt: After what has been answered was written down.
        """
        outcomes: dict[str, RunOutcome] = {}
        for target in (self._write_results, self._finish_runs):
            threading.Thread(target=target, name=target.__name__, daemon=True).start()
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
            self._flush()
            raise
        finally:
            self._progress.close()
            shutil.rmtree(self._scratch, ignore_errors=True)
        return [outcomes[spec.name] for spec in run_specs]

    def _flush(self) -> None:
        """Let the writer write what has come back; what is still being asked is left."""
        deadline = time.monotonic() + _GRACE_SECONDS
        while self._results.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.01)

    def _prepare_runs(self, run_specs: list[RunSpec]) -> None:
        is_started = False
        for spec in run_specs:
            if self._stop.is_set():
                return
            if self._has_failed and self._execution.exit_on_error:
                self._outcomes.put(RunOutcome(spec.name, "skipped", "an earlier run failed"))
                continue
            try:
                run = self._prepare(spec)
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
            time.sleep(_GATHER_SECONDS)
        return self._has_failed

    def _tasks_of(self, run: ActiveRun) -> Iterator[Task]:
        for place, instance_place, state in run.open_states():
            if self._stop.is_set() or run.stop_reason is not None:
                return
            if run.planner is not None:
                run.planner.add(state.request)
                run.note_sent()
                self._results.put((run, place, instance_place, state))
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
            answered = msgspec.structs.replace(state, result=result)
            self._results.put((run, place, instance_place, answered))

        return write

    def _prepare(self, spec: RunSpec) -> ActiveRun | RunOutcome:
        """Read the data and open the run's folder; a finished run is only looked up."""
        execution = self._execution
        deployment = self._service.get_deployment(
            self._auth, spec.adapter_spec.model, spec.adapter_spec.deployment
        )
        is_stored = partial(self._service.is_stored, self._auth)
        is_dry = spec.name in execution.dry_run_names
        if execution.max_cost is not None and deployment.prices is None and not is_dry:
            raise InvalidRequestError(
                f"--max-cost needs to know what {deployment.name} costs: put its prices into "
                "prices.yaml (docs/models.md)"
            )
        is_planned = is_dry and not execution.skip_instances
        find_window = WindowService.for_planning if is_planned else WindowService.of_deployment
        window = find_window(self._service, self._auth, deployment)
        if window.guessed_because:
            logger.warning("%s: tokens are guessed: %s", spec.name, window.guessed_because)
        derivation = Derivation(spec, window, execution.output_path, execution.data_mirror)
        if execution.skip_instances:
            return RunOutcome(spec.name, "skipped", "--skip-instances")
        self._check_can_be_asked(spec, deployment, is_dry=is_dry)
        instances, data_sha256 = derivation.read()
        record = RunRecord(
            run_spec=spec, deployment=who_answers(deployment), data_sha256=data_sha256
        )
        if self._remote is not None:
            self._remote.fetch_run(execution.suite, spec.name)
        folder = RunFolder(execution.suite_path, spec.name)
        folder.acquire()
        try:
            earlier = folder.read_record()
            is_same = earlier is not None and not extends(earlier, record)
            if is_same and not execution.rescore:
                outcome = read_outcome(folder, spec.name, record.hash)
                if outcome is not None:
                    self._publish(outcome)  # unless that was done when it ended
                    folder.release()
                    return outcome
            if is_dry and not is_same and folder.stats_path.exists():
                # What is finished stays so while a larger run is planned.
                self._scratch.mkdir(mode=0o700, exist_ok=True)
                folder = folder.moved_to_copy(self._scratch)
            meter = Meter(deployment, self.budget, is_stored)
            code, packages = code_versions(spec)
            data_files = derivation.data_files.digests()
            provenance = Provenance(data_files=data_files, code=code, packages=packages)
            run = ActiveRun(record, folder, derivation, instances, meter, provenance)
            # Gone first: whatever stops us below, no old score stands under a new name.
            set_stats_aside(run, is_same=is_same)
            # Places belong to the run that the states file names, in the same transaction; the
            # record may be that of an extension that was killed halfway.
            states_hash = run.states.get_meta(RUN_HASH)
            if states_hash is None:
                run.states.add_instances(run.evaluated, record.hash)
            elif states_hash != record.hash:
                run.extend_states()
            if is_dry:
                run.planner = Planner(
                    spec.adapter_spec.model,
                    run.num_resumed,
                    deployment,
                    window.count_tokens,
                    is_stored,
                )
            run.states.set_meta("status", "running")
            run.states.set_meta("num_requests", str(run.num_requests))
            folder.write_record(record, provenance)
        except BaseException:
            folder.release()
            raise
        return run

    def _check_can_be_asked(
        self, spec: RunSpec, deployment: DeploymentInfo, *, is_dry: bool
    ) -> None:
        try:
            check_can_be_asked(spec.adapter_spec, deployment)
        except InvalidRequestError as error:
            if not is_dry:
                raise
            logger.warning("%s can be planned, and not asked: %s", spec.name, error)

    def _write_results(self) -> None:
        while True:
            batch = [self._results.get()]
            # A commit costs as much as many rows. What waits here is in the cache already.
            time.sleep(_GATHER_SECONDS)
            try:
                while len(batch) < _MAX_UNWRITTEN:
                    batch.append(self._results.get_nowait())
            except queue.Empty:
                pass
            by_run: dict[int, list[_Written]] = {}
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
        self._tell_progress(run)
        if is_complete:
            self._complete.put(run)

    def _tell_progress(self, run: ActiveRun) -> None:
        try:
            run.note_progress()
        except BenchError:
            logger.debug("%s: its progress could not be noted", run.spec.name, exc_info=True)

    def _offered(self) -> dict[str, Any]:
        """What metrics may ask for by the name of an argument."""
        execution = self._execution
        return {
            "get_toxicity_scores": partial(self._service.get_toxicity_scores, self._auth),
            "data_files": DataFiles(execution.data_mirror),
            "data_path": execution.output_path / "metrics",
            "sandbox": Sandbox() if execution.allow_code_execution else None,
        }

    def _publish(self, outcome: RunOutcome) -> None:
        if self._remote is not None and outcome.status in ("finished", "incomplete"):
            self._remote.publish_run(self._execution.suite, outcome.name)

    def _finish_runs(self) -> None:
        while True:
            run = self._complete.get()
            if self._stop.is_set():
                return
            name = run.spec.name
            try:
                outcome = finish_run(run, self._execution.max_error_rate, self._offered())
                self._publish(outcome)
                self._has_failed |= outcome.is_failure
                self._outcomes.put(outcome)
            except BenchError as error:
                self._fail(name, str(error))
            except Exception as error:
                logger.debug("%s could not be scored", name, exc_info=True)
                self._fail(name, f"{type(error).__name__}: {error}")
            run.close()
            self._active.remove(run)
