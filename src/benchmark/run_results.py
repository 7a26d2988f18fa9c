"""The end of a run: its metrics, its files, and how it went."""

import logging
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Literal

import msgspec

from benchmark.active_run import ActiveRun
from benchmark.aggregation import outcome_stats
from benchmark.earlier_scores import (
    drop_replaced_values,
    keep_stats,
    set_values_aside,
    with_earlier_stats,
)
from benchmark.metrics.answer_reading import UnparsedMetric
from benchmark.metrics.efficiency_metrics import EfficiencyMetric, RuntimeDiscrepancyMetric
from benchmark.metrics.metric import Metric
from benchmark.metrics.runtime_metrics import RuntimeMetric
from benchmark.metrics.stat import Stat
from benchmark.metrics.tokens_metrics import TokensMetric
from benchmark.plan import RunPlan
from benchmark.provenance import RequestsHash
from benchmark.run_folder import RunFolder
from benchmark.scoring import Scorer, Value
from benchmark.states_file import RUN_HASH, StatesFile
from common.errors import DataError
from common.json_files import write_json, write_json_list
from common.object_spec import create_object
from common.version import VERSION

logger = logging.getLogger(__name__)

Status = Literal["finished", "incomplete", "stopped", "failed", "skipped", "dry-run"]
FAILURES = ("incomplete", "failed")


class RunOutcome(msgspec.Struct):
    """How a run ended; `message` says why when it did not end well, `note` what is not computed."""

    name: str
    status: Status
    message: str = ""
    stats: list[Stat] = []
    num_resumed: int = 0
    note: str = ""
    plan: RunPlan | None = None  # of a dry run

    @property
    def is_failure(self) -> bool:
        """Whether a command that ran this should end with an error."""
        return self.status in FAILURES


def finish_run(
    run: ActiveRun, max_error_rate: float, offered: Mapping[str, Any] | None = None
) -> RunOutcome:
    """Score a run whose requests are all written, and write its files.

    A run that was stopped keeps its answers and writes nothing. One with more than
    `max_error_rate` of failed requests is marked incomplete. One that was stopped to stay within
    its budget is not scored either.

    Args:
        offered: What a metric may take beside its arguments, by name.
    """
    name = run.spec.name
    if run.stop_reason is not None:
        return RunOutcome(name, "failed", run.stop_reason)
    if run.is_over_budget:
        run.states.set_meta("status", "stopped")
        left = run.num_requests - run.num_done
        return RunOutcome(name, "stopped", f"{left:,} of {run.num_requests:,} requests are left")
    outcomes = run.states.outcomes()
    count_tokens = run.adapter.window.count_tokens
    metrics: list[Metric] = [TokensMetric(count_tokens)]
    if not run.is_dry:
        metrics += [create_object(spec, **(offered or {})) for spec in run.spec.metric_specs]
        metrics += [UnparsedMetric()] if run.spec.adapter_spec.are_answers_read else []
        metrics += [EfficiencyMetric(count_tokens), RuntimeMetric()]
        metrics.append(RuntimeDiscrepancyMetric(count_tokens))
    scorer = Scorer(run.spec.adapter_spec, metrics)
    requests = RequestsHash()
    set_values_aside(run.states, scorer.versions)
    _store_values(run, scorer.score(requests.watch(run.states.states(run.evaluated))))
    drop_replaced_values(run.states)
    run.folder.write_record(run.record, requests.completed(run.provenance))
    counts = outcome_stats(run.num_requests, outcomes, scorer.num_unscored)
    stats = with_earlier_stats(run.states, scorer.stats() + counts)
    stats.sort(key=lambda stat: stat.name.key)
    status: Status = "dry-run" if run.is_dry else "finished"
    message = ""
    num_errors = outcomes.get("error", 0)
    if num_errors > max_error_rate * max(1, run.num_requests):
        status = "incomplete"
        message = f"{num_errors} of {run.num_requests} requests failed: {run.last_error}"
    _write_files(run, status, stats, scorer.volatile.stats())
    run.states.set_meta("status", status)
    reasons = dict.fromkeys(metric.not_computed for metric in metrics if metric.not_computed)
    note = f"{name}: some scores are not computed: {'; '.join(reasons)}" if reasons else ""
    plan = None if run.planner is None else run.planner.plan
    return RunOutcome(name, status, message, stats, run.num_resumed, note, plan)


def read_outcome(folder: RunFolder, name: str, run_hash: str) -> RunOutcome | None:
    """Return how the run with that hash ended if nothing is left to do for it, else None.

    Raises:
        DataError: Its statistics can't be read.
    """
    if not folder.states_path.exists() or not folder.stats_path.exists():
        return None
    states = StatesFile(folder.states_path)
    try:
        is_same = states.get_meta(RUN_HASH) == run_hash
        is_finished = states.get_meta("status") == "finished" and "error" not in states.outcomes()
        if not (is_same and is_finished):
            return None
    finally:
        states.close()
    return RunOutcome(name, "finished", stats=read_stats(folder))


def set_stats_aside(run: ActiveRun, *, is_same: bool) -> None:
    """Remove the file of a run's statistics; those of the same run may become earlier versions.

    Args:
        is_same: Whether they are of the same instances; a larger run begins anew.
    """
    path = run.folder.stats_path
    if not is_same:
        keep_stats(run.states, [])
    elif path.exists():
        try:
            keep_stats(run.states, read_stats(run.folder))
        except DataError as error:
            logger.warning("earlier scores are lost: %s", error)
    path.unlink(missing_ok=True)


def read_stats(folder: RunFolder) -> list[Stat]:
    """Return the statistics of a finished run.

    Raises:
        DataError: They can't be read.
    """
    try:
        return msgspec.json.decode(folder.stats_path.read_bytes(), type=list[Stat])
    except (OSError, msgspec.MsgspecError) as error:
        raise DataError(f"{folder.stats_path} can't be read: {error}") from error


def _store_values(run: ActiveRun, values: Iterator[Value]) -> None:
    while batch := list(islice(values, 50_000)):
        run.states.add_values(batch)


def _write_files(
    run: ActiveRun, status: Status, stats: list[Stat], volatile_stats: list[Stat]
) -> None:
    scenario = run.scenario
    fields = {
        "name": scenario.name,
        "description": scenario.description,
        "tags": scenario.tags,
        "definition_path": run.spec.scenario_spec.class_name,
    }
    write_json_list(run.folder.path / "scenario.json", fields, "instances", run.evaluated)
    write_json(
        run.folder.path / "timings.json",
        {
            "version": VERSION,
            "finished_at": time.time(),
            "status": status,
            "num_requests": run.num_requests,
            "num_resumed": run.num_resumed,
            "num_cached": run.num_cached,
            "num_tokens_asked": run.num_tokens,
            "cost": run.meter.spent,
            "stats": volatile_stats,
        },
    )
    # Last: a run with this file is finished.
    write_json(run.folder.stats_path, stats)
