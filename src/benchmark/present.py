"""`benchmark-present`: the leaderboard of a suite, in the terminal and as JSON files.

Exit codes: as `benchmark-run`.
"""

import argparse
import logging
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from benchmark.run_flags import add_execution_flags
from common import command_line
from common.errors import InvalidRequestError

if TYPE_CHECKING:
    from benchmark.remote_output import RemoteOutput

logger = logging.getLogger(__name__)

# Where commands write, and proxy-server looks, unless they are told otherwise.
_USUAL_OUTPUT_PATH = Path("benchmark_output")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="benchmark-present",
        description="Show the leaderboard of a suite and write it as JSON. "
        "Given -c, --priority, --models-to-run or --groups-to-run, it first runs those entries, "
        "as benchmark-run would.",
    )
    parser.add_argument(
        "--list-runs", action="store_true", help="list the suite's runs and how they stand"
    )
    parser.add_argument(
        "--delete-run", metavar="NAME", help="delete a run with all its files (asks first)"
    )
    parser.add_argument("--yes", action="store_true", help="with --delete-run: do not ask")
    parser.add_argument(
        "--static-site",
        type=Path,
        metavar="DIR",
        help="also write the pages about the suite to this folder, to be opened from a disk or "
        "put on any web host; without samples",
    )
    parser.add_argument("--json", action="store_true", help="print the leaderboard as JSON")
    add_execution_flags(parser)
    command_line.add_common_flags(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    args = make_parser().parse_args(arguments)
    command_line.set_up_logging(args)
    return command_line.run(lambda: _present(args), "benchmark-present")


def _present(args: argparse.Namespace) -> int:
    from benchmark.conf_files import RUN_SPECS_CONF
    from benchmark.execution import check_suite_name
    from benchmark.leaderboard import list_runs
    from benchmark.remote_output import RemoteOutput, is_url

    remote = None
    if is_url(args.output_path):
        check_suite_name(args.suite)
        remote = RemoteOutput(args.output_path)
    if args.delete_run is not None:
        return _delete_run(args, remote)
    if args.list_runs:
        if remote is None:
            print(list_runs(Path(args.output_path), args.suite))
        else:
            with remote.suite(args.suite, with_answers=True) as output_path:
                print(list_runs(output_path, args.suite))
        return command_line.OK
    code = command_line.OK
    asks_for_runs = (args.conf_path, args.priority, args.models_to_run, args.groups_to_run)
    if any(value is not None for value in asks_for_runs):
        from benchmark.launch import launch

        if args.conf_path is None:
            args.conf_path = Path(RUN_SPECS_CONF)
        code = launch(args, None)
        if args.skip_instances:
            return code
    if remote is None:
        _show(args, Path(args.output_path))
    else:
        with remote.suite(args.suite) as output_path:
            _show(args, output_path, remote.name)
    return code


def _show(args: argparse.Namespace, output_path: Path, named: str | None = None) -> None:
    """Write the files of a suite and print its leaderboard.

    Args:
        output_path: Where the runs are.
        named: What that is called, if it is a copy of runs elsewhere.
    """
    from benchmark.leaderboard import leaderboard_table, make_leaderboard
    from benchmark.schema import unknown_names
    from benchmark.suite import finished_runs
    from benchmark.suite_files import write_suite_files
    from common.json_files import encode_json

    runs = list(finished_runs(output_path, args.suite))
    if not runs:
        raise InvalidRequestError(
            f"no run of suite {args.suite!r} is finished: `benchmark-present --list-runs` shows "
            "how they stand"
        )
    leaderboard = make_leaderboard(runs)
    unknown = sorted(set().union(*(unknown_names(run.stats) for run in runs)))
    if unknown:
        logger.warning("no page has a title or a column for: %s", ", ".join(unknown))
    files = write_suite_files(output_path, args.suite, runs, leaderboard, named)
    print(encode_json(leaderboard) if args.json else leaderboard_table(leaderboard))
    if not args.json:
        where = output_path / "runs" / args.suite if named is None else f"{named}/runs/{args.suite}"
        print(f"\nWritten: {', '.join(files)} in {where}")
    if not args.json and named is None:
        print(f"Pages: {_server_command(output_path)}, then {_page_address(args.suite)}")
    if args.static_site is not None:
        models = {item.record.run_spec.adapter_spec.model for item in runs}
        _write_site(args, output_path, models)


def _write_site(args: argparse.Namespace, output_path: Path, models: set[str]) -> None:
    from benchmark.execution import prices_of
    from benchmark.web.site.writing import write_site

    prices = prices_of(args.local_path, sorted(models))
    size = write_site(args.static_site, output_path, args.suite, prices)
    if not args.json:
        print(
            f"Site ({size / 1e6:.1f} MB): {(args.static_site / 'index.html').absolute().as_uri()}"
        )


def _server_command(output_path: Path) -> str:
    """The command that shows the results in that folder."""
    if output_path == _USUAL_OUTPUT_PATH:
        return "proxy-server"
    return f"proxy-server --output-path {shlex.quote(str(output_path))}"


def _page_address(suite: str) -> str:
    return f"http://localhost:1959/leaderboard?{urlencode({'suite': suite})}"


def _delete_run(args: argparse.Namespace, remote: "RemoteOutput | None") -> int:
    from benchmark.suite import find_run

    name = args.delete_run
    if remote is not None:
        if not _is_sure(args, f"{remote.name}/runs/{args.suite}/{name}"):
            return command_line.OK
        remote.delete_run(args.suite, name)
        print(f"Deleted {name} at {remote.name}")
        return command_line.OK
    folder = find_run(Path(args.output_path), args.suite, name)
    folder.acquire()  # not while another process works on it
    if _is_sure(args, folder.path):
        shutil.rmtree(folder.path)
        print(f"Deleted {folder.path}")
    return command_line.OK


def _is_sure(args: argparse.Namespace, path: Path | str) -> bool:
    if args.yes:
        return True
    if not sys.stdin.isatty():
        raise InvalidRequestError("--delete-run asks first: add --yes when there is no terminal")
    answer = input(f"Delete {path} with all its answers? [y/N] ")
    if answer.strip().lower() in ("y", "yes"):
        return True
    print("Nothing deleted.")
    return False
