#!/usr/bin/env python3
"""Write the requests of a suite to Together's offline models that no stored answer has yet.

    together_export_requests.py benchmark_output/runs/together prod_env --output-path requests.jsonl

A line is one request as Together's batches take it: a JSON object with sorted keys. No request is
written twice. The answers come in by together_import_results.py. The runs may be the reference
system's, with a scenario_state.json each, and so may the cache, a file of sqlitedict.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from reference_store import is_reference_store, read_keys
from sqlalchemy import ColumnElement, select
from together_cache import base_folder, database_url, never

from benchmark.run_folder import RunFolder
from benchmark.states_file import StatesFile
from common import command_line
from common.canonical_json import canonical_json
from common.data_formats import read_json
from common.errors import DataError, InvalidRequestError
from common.json_files import atomic_writer
from common.object_spec import resolved
from common.request import Request
from proxy.cache_key import cache_key
from proxy.clients.auto_client import AutoClient
from proxy.deployments import Deployments
from proxy.store.database import Database
from proxy.store.tables import cache_entries

NAME = "together_export_requests"
OFFLINE_CLIENT = "TogetherOfflineClient"
REFERENCE_STATES = "scenario_state.json"


def main() -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run_suite_path", type=Path, help="folder of a suite's runs")
    parser.add_argument("cache_path", help="folder, file or URL of what has the answers")
    parser.add_argument("--output-path", type=Path, default=Path("requests.jsonl"))
    args = parser.parse_args()
    return command_line.run(lambda: export(args), NAME)


def export(args: argparse.Namespace) -> int:
    """Write what is missing."""
    base = base_folder(args.cache_path)
    deployments, clients = Deployments(base), AutoClient(base, never, 0.0)
    num_requests = num_known = 0
    stored = stored_keys(args.cache_path)
    written: set[bytes] = set()
    with atomic_writer(args.output_path) as file:
        for model, request in requests(args.run_suite_path):
            deployment = deployments.get(model)
            if not resolved(deployment.client_spec).class_name.endswith(OFFLINE_CLIENT):
                continue
            client = clients.client(deployment)
            call = client.prepare(request)
            fields = msgspec.json.decode(call.body)
            if call.random is not None:
                fields["random"] = call.random
            line = canonical_json(fields)
            num_requests += 1
            if {line, cache_key(canonical_json(client.identity), call)} & stored:
                num_known += 1
            elif line not in written:
                written.add(line)
                file.write(line + b"\n")
    if not num_requests:
        raise InvalidRequestError(f"{args.run_suite_path} has no request to an offline model")
    print(
        f"{len(written)} requests were written to {args.output_path}; "
        f"{num_known} of {num_requests} have an answer"
    )
    return command_line.OK


def stored_keys(cache_path: str) -> set[bytes]:
    """Keys of all that has an answer: of the database, or the lines that a reference store has."""
    if is_reference_store(cache_path):
        return read_keys(Path(cache_path))
    with closing(Database(database_url(cache_path))) as database, database.read() as connection:
        return set(connection.scalars(select(cache_entries.c.key).where(_is_of_together())))


def requests(suite_path: Path) -> Iterator[tuple[str, Request]]:
    """Model and request of every request of Together's models in a suite, ours or the reference's.

    Raises:
        InvalidRequestError: There is no such suite.
        DataError: A file of the reference system can't be read.
    """
    paths = sorted(path.parent for path in suite_path.glob("*/run_spec.json"))
    if not paths:
        raise InvalidRequestError(f"{suite_path} has no runs: name the folder of a suite")
    for path in paths:
        folder = RunFolder(suite_path, path.name)
        if folder.states_path.exists():
            found = _own_requests(folder)
        elif (path / REFERENCE_STATES).exists():
            found = _reference_requests(path / REFERENCE_STATES)
        else:
            print(f"{path}: not begun", file=sys.stderr)
            continue
        yield from (pair for pair in found if pair[0].startswith("together/"))


def _own_requests(folder: RunFolder) -> Iterator[tuple[str, Request]]:
    record = folder.read_record()
    if record is None:
        return
    with closing(StatesFile(folder.states_path, is_for_reading=True)) as states:
        for _, _, state in states.states(states.instances()):
            yield record.run_spec.adapter_spec.model, state.request


class _ReferenceState(msgspec.Struct):
    request: dict[str, Any]


class _ReferenceStates(msgspec.Struct):
    request_states: list[_ReferenceState]


def _reference_requests(path: Path) -> Iterator[tuple[str, Request]]:
    for state in read_json(path, _ReferenceStates).request_states:
        # Later releases have fields that say nothing here, and are null.
        fields = {name: value for name, value in state.request.items() if value is not None}
        try:
            request = msgspec.convert(fields, Request)
        except msgspec.ValidationError as error:
            raise DataError(f"{path}: a request can't be read: {error}") from error
        yield request.model, request


def _is_of_together() -> ColumnElement[bool]:
    return cache_entries.c.model.like("together/%") | (cache_entries.c.model == "")


if __name__ == "__main__":
    sys.exit(main())
