"""`benchmark-compare`: is one run better than another, and how sure is that?

Exit codes: 0 compared; 1 with --fail-if-worse, B is worse than A beyond chance, or files can't be
read; 2 the command is not valid, or the runs have nothing in common.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import command_line
from common.errors import InvalidRequestError, UnknownNameError

if TYPE_CHECKING:
    from benchmark.run_folder import RunFolder

DEFAULT_MAX_CHANGES = 10


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="benchmark-compare",
        description="Compare two runs on the instances that both have, or two models on all tasks "
        "of a suite that both have run.",
    )
    for name in ("a", "b"):
        parser.add_argument(
            name,
            metavar=name.upper(),
            help="a run of the suite, SUITE/RUN, a run's folder, or a model of the suite",
        )
    parser.add_argument("--suite", default="default", help="the suite (default: %(default)s)")
    parser.add_argument(
        "--metric", metavar="NAME", help="what is compared (default: a task's main metric)"
    )
    parser.add_argument(
        "--why", action="store_true", help="say what decides results and differs between the runs"
    )
    parser.add_argument(
        "--fail-if-worse", action="store_true", help="exit with 1 if B is worse beyond chance"
    )
    parser.add_argument(
        "--max-changes",
        type=_count,
        default=DEFAULT_MAX_CHANGES,
        metavar="N",
        help="list at most N instances that changed (default: %(default)s; --json has all)",
    )
    parser.add_argument("--json", action="store_true", help="print all as JSON")
    parser.add_argument(
        "-o",
        "--output-path",
        type=command_line.folder,
        default=Path("benchmark_output"),
        help="where results are (default: %(default)s)",
    )
    parser.add_argument(
        "--plugins", type=Path, metavar="DIR", help="folder of own metrics, as of benchmark-run"
    )
    command_line.add_common_flags(parser)
    return parser


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, not {text!r}")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    args = make_parser().parse_args(arguments)
    command_line.set_up_logging(args)
    return command_line.run(lambda: _compare(args), "benchmark-compare")


def _compare(args: argparse.Namespace) -> int:
    from benchmark.comparison.models import runs_of
    from benchmark.suite import find_runs, named_run

    if args.plugins is not None:
        from benchmark.plugins import add_plugins

        add_plugins(args.plugins)
    a, b = (named_run(args.output_path, args.suite, text) for text in (args.a, args.b))
    if a is not None and b is not None:
        return _compare_runs(args, a, b)
    folders = find_runs(args.output_path, args.suite)
    for text, run in ((args.a, a), (args.b, b)):
        if run is None and not runs_of(folders, text):
            names = [folder.path.name for folder in folders]
            hint = f"suite {args.suite!r} has no such finished run, nor one of such a model"
            raise UnknownNameError("run or model", text, names, hint)
    for text, run in ((args.a, a), (args.b, b)):
        if run is not None:
            raise InvalidRequestError(f"{text} is a run: name another run to compare it with")
    return _compare_models(args, runs_of(folders, args.a), runs_of(folders, args.b))


def _compare_runs(args: argparse.Namespace, folder_a: "RunFolder", folder_b: "RunFolder") -> int:
    from benchmark.comparison.compared_run import ComparedRun
    from benchmark.comparison.comparing import adjusted, compare
    from benchmark.comparison.reasons import reasons
    from benchmark.comparison.report import reasons_report, report, verdict

    a, b = ComparedRun(folder_a), ComparedRun(folder_b)
    found = reasons(a, b) if args.why else None
    try:
        [comparison] = adjusted([compare(a, b, args.metric)])
    except InvalidRequestError:
        if found is not None:  # why nothing can be compared
            print(reasons_report(found))
        raise
    text = report(comparison, args.max_changes)
    if found is not None:
        text += f"\n\n{reasons_report(found)}"
    content = {"verdict": verdict(comparison), "comparisons": [comparison], "reasons": found}
    return _show(args, content, text, is_worse=comparison.is_worse)


def _compare_models(
    args: argparse.Namespace, runs_a: Mapping[str, "RunFolder"], runs_b: Mapping[str, "RunFolder"]
) -> int:
    from msgspec.structs import asdict

    from benchmark.comparison.models import compare_models
    from benchmark.comparison.report import overall_verdict, tasks_report

    compared = compare_models(runs_a, runs_b, args.metric, with_reasons=args.why)
    content = {"verdict": overall_verdict(compared.comparisons, compared.overall)}
    return _show(
        args, content | asdict(compared), tasks_report(compared), is_worse=compared.is_worse
    )


def _show(args: argparse.Namespace, content: dict[str, Any], text: str, *, is_worse: bool) -> int:
    from common.json_files import encode_json

    print(encode_json(content) if args.json else text)
    return command_line.FAILED if is_worse and args.fail_if_worse else command_line.OK
