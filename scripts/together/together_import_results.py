#!/usr/bin/env python3
"""Store the answers to the requests that together_export_requests.py wrote.

    together_import_results.py results.jsonl prod_env

A line is {"request": …, "result": …}: the request as it was written, and what came back, in the
form of OpenAI's completions, with {"request_time": {"batch_time": …, "batch_size": …}}. Then the
same runs, without --dry-run, are answered from what is stored. `proxy-cli cache import` does the
same. The cache may be the reference system's, a file of sqlitedict: then they are stored there.
"""

import argparse
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from reference_store import add_answers, is_reference_store
from together_cache import base_folder, database_url, never

from common import command_line
from common.errors import InvalidRequestError
from proxy.cache_tools.reference_cache import LINES_ORGANIZATION, import_reference, read_answers
from proxy.clients.auto_client import AutoClient
from proxy.deployments import Deployments
from proxy.store.database import Database

NAME = "together_import_results"


def main() -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("request_results_path", type=Path, help="file of requests and answers")
    parser.add_argument("cache_path", help="folder, file or URL of what has the answers")
    parser.add_argument(
        "-d", "--dry-run", action="store_true", help="count what could be stored, and store nothing"
    )
    args = parser.parse_args()
    return command_line.run(lambda: import_results(args), NAME)


def import_results(args: argparse.Namespace) -> int:
    """Store what can be stored, and say what can not."""
    path: Path = args.request_results_path
    if not path.is_file():
        raise InvalidRequestError(f"there is no file {path}")
    if is_reference_store(args.cache_path):
        return _import_into_reference_store(args)
    base = base_folder(args.cache_path)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/dry.sqlite" if args.dry_run else database_url(args.cache_path)
        with closing(Database(url)) as database:
            imported = import_reference(
                database,
                Deployments(base),
                AutoClient(base, never, 0.0),
                read_answers(path),
                LINES_ORGANIZATION,
            )
    if args.dry_run:
        print(f"{imported.num_mapped} of {imported.num_read} answers can be stored")
    else:
        print(
            f"{imported.num_mapped} of {imported.num_read} answers: {imported.num_added} entries "
            f"were stored, {imported.num_known} were there already"
        )
    for reason, count in imported.left.items():
        print(f"{count} left: {reason}", file=sys.stderr)
    return command_line.FAILED if imported.left else command_line.OK


def _import_into_reference_store(args: argparse.Namespace) -> int:
    """Store all answers there, as they are."""
    answers = list(read_answers(args.request_results_path))
    if args.dry_run:
        print(f"{len(answers)} of {len(answers)} answers can be stored")
        return command_line.OK
    num_added = add_answers(Path(args.cache_path), answers)
    print(f"{len(answers)} answers: {num_added} were stored, the others were there already")
    return command_line.OK


if __name__ == "__main__":
    sys.exit(main())
