"""`benchmark-export`: a suite's requests and answers, in formats that other tools read.

    jsonl    <run>/requests.jsonl: one object a request, in the order of the run, nothing volatile
    helm     <run>/scenario_state.json, metrics.json and per_instance_stats.json, as the reference
             system has them
    parquet  <run>/requests.parquet: one row a request, columns with types

Exit codes: as `benchmark-run`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from common import command_line
from common.errors import InvalidRequestError

FORMATS = ("jsonl", "helm", "parquet")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="benchmark-export", description="Write the requests and answers of a suite's runs."
    )
    parser.add_argument("--format", choices=FORMATS, default="jsonl", help="default: %(default)s")
    parser.add_argument("--suite", default="default", help="the suite (default: %(default)s)")
    parser.add_argument("--run", metavar="NAME", help="only this run")
    parser.add_argument(
        "-o",
        "--output-path",
        type=command_line.folder,
        default=Path("benchmark_output"),
        help="where results are (default: %(default)s)",
    )
    command_line.add_common_flags(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    args = make_parser().parse_args(arguments)
    command_line.set_up_logging(args)
    return command_line.run(lambda: _export(args), "benchmark-export")


def _export(args: argparse.Namespace) -> int:
    from benchmark.export_formats import WRITERS
    from benchmark.suite import find_run, find_runs

    folders = find_runs(args.output_path, args.suite)
    if args.run is not None:
        folders = [find_run(args.output_path, args.suite, args.run)]
    if not folders:
        raise InvalidRequestError(f"suite {args.suite!r} has no runs")
    for folder in folders:
        for path in WRITERS[args.format](folder):
            print(path)
    return command_line.OK
