"""From the flags of a command to runs that have ended, and what is said of them."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmark.budget import dollars
from benchmark.conf_files import QUICK_SUITE_CONF, packaged_conf, read_entries
from benchmark.execution import check_suite_name, chosen_models, default_model, select_run_specs
from benchmark.execution_spec import ExecutionSpec
from benchmark.plan import plan_table
from benchmark.plugins import add_plugins
from benchmark.profiles import with_profiles
from benchmark.progress import Progress
from benchmark.remote_output import RemoteOutput, is_url
from benchmark.results_table import results_table
from benchmark.run_entries import RunEntry
from benchmark.run_flags import EMBEDDED_MODEL, KEY_VARIABLE, MIRROR_VARIABLE
from benchmark.run_results import RunOutcome
from benchmark.run_spec import RunSpec
from benchmark.runner import Runner
from benchmark.service_spec import ServiceSpec, authentication
from benchmark.suite import typical_seconds
from common import command_line
from common.errors import InvalidRequestError
from common.sandbox import Sandbox

QUICK_MAX_EVAL_INSTANCES = 40
OVER_BUDGET = 3


def launch(args: argparse.Namespace, descriptions: Sequence[str] | None) -> int:
    """Run what the arguments name, print the table, and return the exit code.

    Args:
        args: The flags of `add_execution_flags`.
        descriptions: Run entries beside those of `--conf-path`; without both, the quick suite.

    Raises:
        BenchError: What is asked for can't be run.
    """
    _check(args)
    if args.plugins is not None:
        add_plugins(args.plugins)
    entries = _entries(args, descriptions)
    args.model = default_model(args)
    who = ServiceSpec.of(args, os.environ.get(KEY_VARIABLE))
    service, auth = who.open(), authentication(args)
    chosen = chosen_models(args.models_to_run, service, auth) if args.models_to_run else None
    # Never the model of 2022 in a run spec.
    selected, dry_run_names = select_run_specs(args, entries, args.model or EMBEDDED_MODEL, chosen)
    run_specs = with_profiles(selected, service, auth, args.mc_fallback)
    dry_run_names = {
        spec.name
        for plain, spec in zip(selected, run_specs, strict=True)
        if plain.name in dry_run_names
    }
    remote = RemoteOutput(args.output_path) if is_url(args.output_path) else None
    execution = ExecutionSpec(
        output_path=Path(args.output_path) if remote is None else remote.work_path,
        suite=args.suite,
        num_threads=args.num_threads,
        dry_run_names=dry_run_names,
        skip_instances=args.skip_instances,
        exit_on_error=args.exit_on_error,
        max_error_rate=args.max_error_rate,
        max_cost=args.max_cost,
        allow_code_execution=args.allow_code_execution,
        rescore=args.rescore,
        data_mirror=args.data_mirror or os.environ.get(MIRROR_VARIABLE),
    )
    spread = None
    if args.runner == "ray" and not (args.dry_run or args.skip_instances):
        # Its package is an extra.
        from benchmark.ray_service import RayService

        service = spread = RayService(service, who, args.num_threads, args.ray_address)
    runner = Runner(service, auth, execution, Progress(is_quiet=args.quiet), remote)
    try:
        outcomes = runner.run(run_specs)
    except KeyboardInterrupt:
        if spread is not None:
            spread.disconnect()
        _say("interrupted; what was answered is kept: the same command goes on", before="\n")
        return command_line.INTERRUPTED
    service.close()
    for note in dict.fromkeys(outcome.note for outcome in outcomes if outcome.note):
        _say(note)
    if args.skip_instances:
        num_made = sum(not outcome.is_failure for outcome in outcomes)
        print(f"{num_made} of {len(outcomes)} runs can be made")
    else:
        _print_results(args, run_specs, outcomes, execution.output_path)
        where = execution.suite_path if remote is None else f"{remote.name}/runs/{args.suite}"
        print(f"\nResults: {where}")
        if runner.budget.spent:
            print(f"Spent: {dollars(runner.budget.spent)}")
    return _exit_code(args, outcomes)


def _check(args: argparse.Namespace) -> None:
    if args.ray_address != "local" and args.runner != "ray":
        raise InvalidRequestError("--ray-address goes with --runner ray")
    if args.server_url and (args.base_url or args.local):
        raise InvalidRequestError("--server-url goes neither with --base-url nor with --local")
    check_suite_name(args.suite)
    if args.allow_code_execution:
        Sandbox().check()


def _entries(args: argparse.Namespace, descriptions: Sequence[str] | None) -> list[RunEntry]:
    if descriptions is None and args.conf_path is None:
        args.conf_path = packaged_conf(QUICK_SUITE_CONF)
        args.max_eval_instances = args.max_eval_instances or QUICK_MAX_EVAL_INSTANCES
    entries = [RunEntry(description) for description in descriptions or []]
    return entries if args.conf_path is None else entries + read_entries(args.conf_path)


def _print_results(
    args: argparse.Namespace,
    run_specs: list[RunSpec],
    outcomes: list[RunOutcome],
    output_path: Path,
) -> None:
    print(results_table(run_specs, outcomes))
    plans = {outcome.name: outcome.plan for outcome in outcomes if outcome.plan is not None}
    if plans:
        seconds = typical_seconds(output_path, args.suite)
        print(f"\n{plan_table(plans, seconds, args.num_threads)}")


def _exit_code(args: argparse.Namespace, outcomes: list[RunOutcome]) -> int:
    """Say what has not ended well."""
    failed = [outcome for outcome in outcomes if outcome.is_failure]
    stopped = [outcome for outcome in outcomes if outcome.status == "stopped"]
    for outcome in failed or stopped:
        _say(f"{outcome.name}: {outcome.message}")
    if failed:
        return command_line.FAILED
    if stopped:
        _say(
            f"stopped before more than --max-cost {dollars(args.max_cost)} would be spent; "
            "what was answered is kept: the same command goes on"
        )
        return OVER_BUDGET
    return command_line.OK


def _say(message: str, before: str = "") -> None:
    print(f"{before}benchmark-run: {message}", file=sys.stderr)
