"""`benchmark-run`: from run entries to results.

Exit codes: 0 all runs finished; 1 a run failed or is incomplete; 2 the command is not valid;
3 --max-cost stopped a run; 130 interrupted (after both, what was answered is kept and the same
command goes on).
"""

import argparse
import gc
import os
from collections.abc import Sequence

from benchmark.run_flags import add_execution_flags
from common import command_line


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
    # Heavy modules are imported where a command needs them: --help takes 0.1 s.
    if args.list:
        from benchmark.listing import list_run_specs
        from benchmark.plugins import add_plugins

        if args.plugins is not None:
            add_plugins(args.plugins)
        print(list_run_specs())
        return command_line.OK
    from benchmark.launch import launch

    return launch(args, args.run_specs)


if __name__ == "__main__":
    entry_point()
