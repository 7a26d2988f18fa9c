"""`benchmark-run`: from run entries to results.

Exit codes: 0 all runs finished; 1 a run failed or is incomplete; 2 the command is not valid;
3 --max-cost stopped a run; 130 interrupted (after both, what was answered is kept and the same
command goes on).
"""

import argparse
import gc
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from common import command_line
from common.errors import InvalidRequestError

EMBEDDED_MODEL = "local/smollm2-135m-instruct"
QUICK_MAX_EVAL_INSTANCES = 40
OVER_BUDGET = 3
KEY_VARIABLE = "OPENAI_COMPATIBLE_API_KEY"
MIRROR_VARIABLE = "BENCHMARK_DATA_MIRROR"


def add_execution_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of every command that runs run specs."""
    what = parser.add_argument_group("what is run")
    what.add_argument(
        "-c",
        "--conf-path",
        type=Path,
        metavar="PATH",
        help="file of run entries (HOCON); run_specs.conf comes with this program",
    )
    what.add_argument(
        "--priority", type=int, help="only entries of this priority or a higher one (1 is highest)"
    )
    what.add_argument(
        "--models-to-run",
        nargs="+",
        metavar="MODEL",
        help="only runs of these models, which also join the groups (model=text) that they fit",
    )
    what.add_argument(
        "--groups-to-run", nargs="+", metavar="GROUP", help="only runs of these groups"
    )
    what.add_argument(
        "-m",
        "--max-eval-instances",
        type=_positive,
        metavar="N",
        help="evaluate at most N instances a run, drawn with a fixed seed "
        "(a larger N later extends the run)",
    )
    what.add_argument(
        "-t",
        "--num-train-trials",
        type=_positive,
        metavar="N",
        help="draw the in-context examples N times",
    )
    who = parser.add_argument_group("who is asked")
    who.add_argument(
        "--model",
        help="model of entries without model= "
        f"(default: defaultModel of service.conf, else {EMBEDDED_MODEL})",
    )
    who.add_argument(
        "--base-url",
        metavar="URL",
        help="an OpenAI-compatible server, for --model openai-compatible/NAME; "
        f"its key is read from {KEY_VARIABLE}",
    )
    who.add_argument(
        "--api",
        choices=["completions", "chat"],
        default="completions",
        help="how --base-url is asked: the prompt as it is, or as one user message "
        "(default: %(default)s)",
    )
    who.add_argument(
        "--server-url",
        metavar="URL",
        help="ask through a running proxy-server, such as http://localhost:1959",
    )
    who.add_argument(
        "--api-key-path",
        type=Path,
        default=Path("proxy_api_key.txt"),
        help="file with the key for --server-url (default: %(default)s)",
    )
    who.add_argument(
        "--local", action="store_true", help="ask from this process, without a proxy (the default)"
    )
    who.add_argument(
        "--local-path",
        type=Path,
        default=Path("prod_env"),
        help="folder of cache, models and settings (default: %(default)s)",
    )
    who.add_argument(
        "--mc-fallback",
        choices=["prompt-logprobs", "top-logprobs", "generation"],
        default="prompt-logprobs",
        help="how choices that are scored one by one are asked where a model can't score a prompt: "
        "not at all, by the log-probabilities of their letters, or by generating a letter "
        "(default: %(default)s)",
    )
    how = parser.add_argument_group("how")
    how.add_argument(
        "-n",
        "--num-threads",
        type=_positive,
        default=32,
        metavar="N",
        help="at most N requests under way at a time; fewer where a model takes no more "
        "(default: %(default)s)",
    )
    how.add_argument(
        "--runner",
        choices=["local", "ray"],
        default="local",
        help="who sends the requests: this process, or workers of a Ray cluster "
        "(default: %(default)s)",
    )
    how.add_argument(
        "--ray-address",
        metavar="ADDRESS",
        default="local",
        help="the cluster: HOST:PORT of its head, auto for the one that this machine is in, or "
        "local for workers on this machine alone (default: %(default)s)",
    )
    how.add_argument(
        "-o",
        "--output-path",
        metavar="PATH_OR_URL",
        default="benchmark_output",
        help="where results go: a folder, or for finished runs a URL such as s3://bucket/results "
        "(default: %(default)s)",
    )
    how.add_argument(
        "--suite", default="default", help="folder of the runs, under runs/ (default: %(default)s)"
    )
    how.add_argument(
        "--data-mirror",
        metavar="PATH_OR_URL",
        help=f"where data files come from in place of their origins (or {MIRROR_VARIABLE})",
    )
    how.add_argument(
        "--plugins",
        type=Path,
        metavar="DIR",
        help="folder of own scenarios, run specs, metrics and clients, laid out as src/ is",
    )
    how.add_argument(
        "-d",
        "--dry-run",
        action="store_true",
        help="make all requests and send none; show how many tokens they take, and what they cost",
    )
    how.add_argument(
        "--max-cost",
        type=_dollars,
        metavar="DOLLARS",
        help="stop before more would be spent by this command (US dollars, for all its runs)",
    )
    how.add_argument(
        "--skip-instances", action="store_true", help="only check that every run can be made"
    )
    how.add_argument(
        "--exit-on-error", action="store_true", help="start no run after one that failed"
    )
    how.add_argument(
        "--allow-code-execution",
        action="store_true",
        help="run code that a model wrote, in a process with limits (for scores of code)",
    )
    how.add_argument(
        "--rescore",
        action="store_true",
        help="compute the scores of finished runs again, from the answers they have",
    )
    how.add_argument(
        "--max-error-rate",
        type=_rate,
        default=0.05,
        metavar="RATE",
        help="a run with a larger share of failed requests counts as incomplete "
        "(default: %(default)s)",
    )


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="benchmark-run",
        description="Evaluate language models: without arguments, "
        "a quick suite on the embedded model.",
    )
    parser.add_argument(
        "-r",
        "--run-specs",
        nargs="+",
        metavar="ENTRY",
        help="what to run: name or name:key=value,…",
    )
    parser.add_argument(
        "--list", action="store_true", help="list all run specs with their arguments"
    )
    add_execution_flags(parser)
    command_line.add_common_flags(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    args = make_parser().parse_args(arguments)
    command_line.set_up_logging(args)
    return command_line.run(lambda: _run(args), "benchmark-run")


def entry_point() -> None:
    """The console script. Threads that wait for an answer do not hold up the end of the process."""
    # Nearly all objects of a run are data without cycles: looking for cycles among 100,000
    # instances as often as by default costs a tenth of the time.
    gc.set_threshold(100_000, 50, 100)
    code = main()  # has flushed its output, or said why it can't
    os._exit(code)


def _run(args: argparse.Namespace) -> int:
    _add_plugins(args)
    if args.list:
        # Heavy modules are imported where a command needs them: --help takes 0.1 s.
        from benchmark.listing import list_run_specs

        print(list_run_specs())
        return command_line.OK
    return execute(args, args.run_specs)


def _add_plugins(args: argparse.Namespace) -> None:
    if args.plugins is not None:
        from benchmark.plugins import add_plugins

        add_plugins(args.plugins)


def execute(args: argparse.Namespace, descriptions: list[str] | None) -> int:
    """Run what the arguments name, print the table, and return the exit code."""
    from benchmark.budget import dollars
    from benchmark.conf_files import QUICK_SUITE_CONF, packaged_conf, read_entries
    from benchmark.execution import (
        check_suite_name,
        chosen_models,
        default_model,
        select_run_specs,
    )
    from benchmark.plan import plan_table
    from benchmark.profiles import with_profiles
    from benchmark.progress import Progress
    from benchmark.remote_output import RemoteOutput, is_url
    from benchmark.results_table import results_table
    from benchmark.run_entries import RunEntry
    from benchmark.runner import ExecutionSpec, Runner
    from benchmark.service_spec import ServiceSpec, authentication
    from benchmark.suite import typical_seconds
    from common.sandbox import Sandbox

    if args.ray_address != "local" and args.runner != "ray":
        raise InvalidRequestError("--ray-address goes with --runner ray")
    if args.server_url and (args.base_url or args.local):
        raise InvalidRequestError("--server-url goes neither with --base-url nor with --local")
    _add_plugins(args)
    check_suite_name(args.suite)
    if args.allow_code_execution:
        Sandbox().check()
    if descriptions is None and args.conf_path is None:
        args.conf_path = packaged_conf(QUICK_SUITE_CONF)
        args.max_eval_instances = args.max_eval_instances or QUICK_MAX_EVAL_INSTANCES
    entries = [RunEntry(description) for description in descriptions or []]
    if args.conf_path is not None:
        entries += read_entries(args.conf_path)
    args.model = default_model(args)
    # Never the model of 2022 in a run spec.
    model = args.model or EMBEDDED_MODEL
    who = ServiceSpec.of(args, os.environ.get(KEY_VARIABLE))
    service, auth = who.open(), authentication(args)
    chosen = chosen_models(args.models_to_run, service, auth) if args.models_to_run else None
    selected, dry_run_names = select_run_specs(args, entries, model, chosen)
    run_specs = with_profiles(selected, service, auth, args.mc_fallback)
    dry_run_names = {
        spec.name
        for plain, spec in zip(selected, run_specs, strict=True)
        if plain.name in dry_run_names
    }
    remote = RemoteOutput(args.output_path) if is_url(args.output_path) else None
    if remote is not None and not (args.dry_run or args.skip_instances):
        remote.check_writable(args.suite)
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
        from benchmark.ray_service import RayService

        service = spread = RayService(service, who, args.num_threads, args.ray_address)
    runner = Runner(service, auth, execution, Progress(is_quiet=args.quiet), remote)
    try:
        outcomes = runner.run(run_specs)
    except KeyboardInterrupt:
        if spread is not None:
            spread.disconnect()
        print(
            "\nbenchmark-run: interrupted; what was answered is kept: the same command goes on",
            file=sys.stderr,
        )
        return command_line.INTERRUPTED
    service.close()
    for note in dict.fromkeys(outcome.note for outcome in outcomes if outcome.note):
        print(f"benchmark-run: {note}", file=sys.stderr)
    failures = [outcome for outcome in outcomes if outcome.is_failure]
    if args.skip_instances:
        print(f"{len(outcomes) - len(failures)} of {len(outcomes)} runs can be made")
    else:
        print(results_table(run_specs, outcomes))
        plans = {outcome.name: outcome.plan for outcome in outcomes if outcome.plan is not None}
        if plans:
            seconds = typical_seconds(execution.output_path, args.suite)
            print(f"\n{plan_table(plans, seconds, args.num_threads)}")
        where = execution.suite_path if remote is None else f"{remote.name}/runs/{args.suite}"
        print(f"\nResults: {where}")
        if runner.budget.spent:
            print(f"Spent: {dollars(runner.budget.spent)}")
    for outcome in failures:
        print(f"benchmark-run: {outcome.name}: {outcome.message}", file=sys.stderr)
    if failures:
        return command_line.FAILED
    stopped = [outcome for outcome in outcomes if outcome.status == "stopped"]
    for outcome in stopped:
        print(f"benchmark-run: {outcome.name}: {outcome.message}", file=sys.stderr)
    if stopped:
        print(
            f"benchmark-run: stopped before more than --max-cost {dollars(args.max_cost)} would "
            "be spent; what was answered is kept: the same command goes on",
            file=sys.stderr,
        )
        return OVER_BUDGET
    return command_line.OK


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, not {text!r}")
    return rate


def _dollars(text: str) -> float:
    try:
        amount = float(text.removeprefix("$"))
    except ValueError:
        amount = -1.0
    if not 0 <= amount < math.inf:
        raise argparse.ArgumentTypeError(f"must be an amount such as 5 or 0.25, not {text!r}")
    return amount


if __name__ == "__main__":
    entry_point()
