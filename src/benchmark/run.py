"""`benchmark-run`: from run entries to results.

Exit codes: 0 all runs finished; 1 a run failed or is incomplete; 2 the command is not valid;
130 interrupted (what was answered is kept; the same command goes on).
"""

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from common import command_line
from common.errors import InvalidRequestError

EMBEDDED_MODEL = "local/smollm2-135m-instruct"
QUICK_SUITE = "quick_suite.conf"
QUICK_MAX_EVAL_INSTANCES = 40
KEY_VARIABLE = "OPENAI_COMPATIBLE_API_KEY"
MIRROR_VARIABLE = "BENCHMARK_DATA_MIRROR"


def add_execution_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of every command that runs run specs."""
    what = parser.add_argument_group("what is run")
    what.add_argument("-c", "--conf-path", type=Path, help="file of run entries (HOCON)")
    what.add_argument(
        "--priority", type=int, help="only entries of this priority or a higher one (1 is highest)"
    )
    what.add_argument(
        "--models-to-run", nargs="+", metavar="MODEL", help="only runs of these models"
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
    how = parser.add_argument_group("how")
    how.add_argument(
        "-n",
        "--num-threads",
        type=_positive,
        default=5,
        metavar="N",
        help="requests under way at a time (default: %(default)s)",
    )
    how.add_argument(
        "-o",
        "--output-path",
        type=Path,
        default=Path("benchmark_output"),
        help="where results go (default: %(default)s)",
    )
    how.add_argument(
        "--suite", default="default", help="folder of the runs, under runs/ (default: %(default)s)"
    )
    how.add_argument(
        "--data-mirror",
        metavar="PATH_OR_URL",
        help=f"where data files come from in place of their origins (or {MIRROR_VARIABLE})",
    )
    how.add_argument("-d", "--dry-run", action="store_true", help="make all requests, send none")
    how.add_argument(
        "--skip-instances", action="store_true", help="only check that every run can be made"
    )
    how.add_argument(
        "--exit-on-error", action="store_true", help="start no run after one that failed"
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
    if args.list:
        # Heavy modules are imported where a command needs them: --help takes 0.1 s.
        from benchmark.listing import list_run_specs

        print(list_run_specs())
        return command_line.OK
    return execute(args, args.run_specs)


def execute(args: argparse.Namespace, descriptions: list[str] | None) -> int:
    """Run what the arguments name, print the table, and return the exit code."""
    from benchmark.execution import check_suite_name, make_service, select_run_specs
    from benchmark.progress import Progress
    from benchmark.results_table import results_table
    from benchmark.run_entries import RunEntry
    from benchmark.runner import ExecutionSpec, Runner

    if args.server_url and (args.base_url or args.local):
        raise InvalidRequestError("--server-url goes neither with --base-url nor with --local")
    check_suite_name(args.suite)
    if descriptions is None and args.conf_path is None:
        args.conf_path = Path(str(files("benchmark").joinpath(QUICK_SUITE)))
        args.max_eval_instances = args.max_eval_instances or QUICK_MAX_EVAL_INSTANCES
    entries = [RunEntry(description) for description in descriptions or []]
    if args.conf_path is not None:
        from benchmark.conf_files import read_entries

        entries += read_entries(args.conf_path)
    run_specs, dry_run_names = select_run_specs(args, entries, _default_model(args))
    service, auth = make_service(args, os.environ.get(KEY_VARIABLE))
    execution = ExecutionSpec(
        output_path=args.output_path,
        suite=args.suite,
        num_threads=args.num_threads,
        dry_run_names=dry_run_names,
        skip_instances=args.skip_instances,
        exit_on_error=args.exit_on_error,
        max_error_rate=args.max_error_rate,
        data_mirror=args.data_mirror or os.environ.get(MIRROR_VARIABLE),
    )
    runner = Runner(service, auth, execution, Progress(is_quiet=args.quiet))
    try:
        outcomes = runner.run(run_specs)
    except KeyboardInterrupt:
        print(
            "\nbenchmark-run: interrupted; what was answered is kept: the same command goes on",
            file=sys.stderr,
        )
        return command_line.INTERRUPTED
    service.close()
    print(results_table(run_specs, outcomes))
    print(f"\nResults: {execution.suite_path}")
    failures = [outcome for outcome in outcomes if outcome.is_failure]
    for outcome in failures:
        print(f"benchmark-run: {outcome.name}: {outcome.message}", file=sys.stderr)
    return command_line.FAILED if failures else command_line.OK


def _default_model(args: argparse.Namespace) -> str:
    """The model of entries that name none; never the one of 2022 in the run spec."""
    settings: Path = args.local_path / "service.conf"
    if args.model is None and settings.exists():
        from benchmark.conf_files import read_setting

        args.model = read_setting(settings, "defaultModel")
    return args.model or EMBEDDED_MODEL


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


if __name__ == "__main__":
    entry_point()
