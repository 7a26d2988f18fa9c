"""Opens runs: reads their data, finds what is answered already, and what stands in the way."""

import logging
import shutil
import tempfile
import uuid
from functools import partial
from pathlib import Path

from benchmark.active_run import ActiveRun
from benchmark.budget import Budget, Meter
from benchmark.code_versions import code_versions
from benchmark.derivation import Derivation, who_answers
from benchmark.execution_spec import ExecutionSpec
from benchmark.plan import Planner
from benchmark.profiles import check_can_be_asked
from benchmark.provenance import Provenance
from benchmark.remote_output import RemoteOutput
from benchmark.run_folder import RunFolder, RunRecord, extends
from benchmark.run_results import RunOutcome, read_outcome, set_stats_aside
from benchmark.run_spec import RunSpec
from benchmark.states_file import RUN_HASH
from benchmark.window_services.window_service import WindowService
from common.authentication import Authentication
from common.errors import InvalidRequestError
from proxy.services.service import DeploymentInfo, Service

logger = logging.getLogger(__name__)


class RunPreparer:
    """Makes a run spec a run that can be asked.

    Args:
        service: Who will be asked.
        auth: With whose key.
        execution: How.
        budget: What all runs may spend.
        remote: Where finished runs are, if that is not where they are carried out.
    """

    def __init__(
        self,
        service: Service,
        auth: Authentication,
        execution: ExecutionSpec,
        budget: Budget,
        remote: RemoteOutput | None,
    ) -> None:
        self._service, self._auth, self._execution = service, auth, execution
        self._budget, self._remote = budget, remote
        self._scratch = Path(tempfile.gettempdir(), f"lm-bench-plans-{uuid.uuid4().hex}")

    def close(self) -> None:
        """Delete what was made for plans only."""
        shutil.rmtree(self._scratch, ignore_errors=True)

    def prepare(self, spec: RunSpec) -> ActiveRun | RunOutcome:
        """Read the data and open the run's folder; a finished run is only looked up.

        Raises:
            BenchError: It can't be run.
        """
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
                    publish(self._remote, execution.suite, outcome)  # unless that was done
                    folder.release()
                    return outcome
            if self._remote is not None and not is_dry:
                self._remote.check_writable(execution.suite)
            if is_dry and not is_same and folder.stats_path.exists():
                # What is finished stays so while a larger run is planned.
                self._scratch.mkdir(mode=0o700, exist_ok=True)
                folder = folder.moved_to_copy(self._scratch)
            meter = Meter(deployment, self._budget, is_stored)
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


def publish(remote: RemoteOutput | None, suite: str, outcome: RunOutcome) -> None:
    """Write a run that has ended to where it goes, if that is not where it was carried out."""
    if remote is not None and outcome.status in ("finished", "incomplete"):
        remote.publish_run(suite, outcome.name)
