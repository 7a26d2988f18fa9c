"""Tests of the stream of runs under way: what it tells, and when it ends."""

import json
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from benchmark.adapters.adapter_spec import GENERATION, AdapterSpec
from benchmark.run_folder import RunFolder, RunRecord
from benchmark.run_progress import PROGRESS, RunProgress
from benchmark.run_spec import RunSpec
from benchmark.scenarios.scenario import ScenarioSpec
from benchmark.states_file import StatesFile
from benchmark.web.live import Streams

NOTED = RunProgress(began_at=1.0, noted_at=2.0, num_resumed=3, num_cached=4, num_tokens=5, cost=0.5)


def make_run(output_path: Path, name: str, **meta: str) -> RunFolder:
    """A run of the suite "s" with these notes."""
    spec = RunSpec(
        name=name,
        scenario_spec=ScenarioSpec("s.S"),
        adapter_spec=AdapterSpec(method=GENERATION, model="org/m"),
        metric_specs=[],
    )
    folder = RunFolder(output_path / "runs" / "s", name)
    folder.path.mkdir(parents=True)
    folder.write_record(RunRecord(run_spec=spec, deployment={}, data_sha256=""))
    note(folder, **meta)
    return folder


def note(folder: RunFolder, **meta: str) -> None:
    states = StatesFile(folder.states_path)
    for key, value in meta.items():
        states.set_meta(key, value)
    states.close()


def streams(*, is_draining: bool = False, max_streams: int = 2) -> Streams:
    return Streams(lambda: is_draining, max_streams=max_streams, pause_seconds=0.01)


def events(stream: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    for piece in stream:
        if piece.startswith(b"data: "):
            yield json.loads(piece.removeprefix(b"data: "))


def test_a_stream_tells_what_runs_then_what_changes_then_what_is_gone(tmp_path: Path) -> None:
    progress = msgspec.json.encode(NOTED).decode()
    run = make_run(tmp_path, "r", status="running", num_requests="9", **{PROGRESS: progress})
    stream = streams().open(tmp_path, "s", 0.0)
    assert stream is not None
    told = events(stream)
    [head] = next(told)["runs"]
    assert (head["name"], head["status"], head["num_requests"]) == ("r", "running", 9)
    assert head["progress"] == msgspec.to_builtins(NOTED)
    note(run, status="finished")
    [head] = next(told)["runs"]
    assert (head["status"], head["progress"]) == ("finished", None)
    make_run(tmp_path, "new", status="running")
    assert [head["name"] for head in next(told)["runs"]] == ["new"]
    shutil.rmtree(run.path)
    assert next(told) == {"runs": [], "gone": ["r"]}


def test_what_ended_before_is_not_told_again(tmp_path: Path) -> None:
    make_run(tmp_path, "old", status="finished")
    make_run(tmp_path, "now", status="running")
    stream = streams().open(tmp_path, "s", since=4e9)
    assert stream is not None
    assert [head["name"] for head in next(events(stream))["runs"]] == ["now"]


def test_streams_are_few_and_one_that_is_closed_makes_room(tmp_path: Path) -> None:
    make_run(tmp_path, "r", status="running")
    given = streams(max_streams=1)
    stream = given.open(tmp_path, "s", 0.0)
    assert stream is not None
    next(stream)
    assert given.open(tmp_path, "s", 0.0) is None
    stream.close()  # type: ignore[attr-defined]  # as the server does when the browser has gone
    assert given.open(tmp_path, "s", 0.0) is not None


def test_the_end_of_the_server_ends_a_stream(tmp_path: Path) -> None:
    make_run(tmp_path, "r", status="running")
    ends: list[bool] = []
    given = Streams(lambda: bool(ends), pause_seconds=0.01)
    stream = given.open(tmp_path, "s", 0.0)
    assert stream is not None
    list(islice(stream, 2))
    ends.append(True)
    assert list(stream) == []
    assert given.open(tmp_path, "s", 0.0) is None


def test_a_suite_that_is_deleted_ends_a_stream(tmp_path: Path) -> None:
    make_run(tmp_path, "r", status="running")
    stream = streams().open(tmp_path, "s", 0.0)
    assert stream is not None
    list(islice(stream, 2))
    shutil.rmtree(tmp_path / "runs" / "s")
    assert list(stream) == []
