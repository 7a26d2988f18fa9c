"""`benchmark-present` as people use it: what it writes, and several of them at once."""

import json
import subprocess
import sys
from pathlib import Path

from benchmark.states_file import StatesFile
from some_runs import write_run

COMMAND = Path(sys.executable).parent / "benchmark-present"
NUM_PRESENTERS = 4
HOSTILE = "gsm:model=org_=cmd|' -C calc'!A1\x1b[31m"


def present(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [str(COMMAND), "-o", str(folder), *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_files_and_the_link_are_written_and_the_server_s_command_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "my results"
    write_run(folder, "gsm:model=org_a", {"a": 1, "b": 0})
    running = write_run(folder, "gsm:model=org_b", {"a": 1})
    running.stats_path.unlink()
    states = StatesFile(running.states_path)
    states.set_meta("status", "running")
    states.close()
    ended = present(folder)
    assert ended.returncode == 0, ended.stderr
    assert f"proxy-server --output-path '{folder}'" in ended.stdout
    suite = folder / "runs" / "latest"
    assert suite.readlink() == Path("default")
    waiting, ready = (suite / "status.txt").read_text().split("-" * 150)
    assert "gsm:model=org_b - running" in waiting
    assert "gsm:model=org_a -\nexact_match_indicator: 0.500" in ready
    assert "org_b" not in ready
    assert [run["run_spec"]["name"] for run in json.loads((suite / "runs.json").read_text())] == [
        "gsm:model=org_a"
    ]


def test_several_presenters_do_not_hurt_each_other(tmp_path: Path) -> None:
    for suite in ("one", "two"):
        for model in "abc":
            write_run(tmp_path, f"gsm:model=org_{model}", {"a": 1, "b": 0}, suite=suite)
    presenters = [
        subprocess.Popen(
            [COMMAND, "-o", tmp_path, "--suite", suite, "-q"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for suite in ("one", "two") * (NUM_PRESENTERS // 2)
    ]
    for presenter in presenters:
        _, problems = presenter.communicate(timeout=60)
        assert (presenter.returncode, problems) == (0, b"")
    runs = tmp_path / "runs"
    assert sorted(path.name for path in runs.iterdir()) == ["latest", "one", "two"]
    assert (runs / "latest").readlink() in (Path("one"), Path("two"))
    for suite in ("one", "two"):
        assert len(json.loads((runs / suite / "leaderboard.json").read_text())["rows"]) == 3
        assert [path.name for path in (runs / suite).glob(".*")] == []


def test_a_name_that_is_hostile_and_one_that_nobody_knows(tmp_path: Path) -> None:
    write_run(tmp_path, HOSTILE, {"a": 1}, metric="exact_match_indicator")
    write_run(tmp_path, "gsm:model=org_b", {"a": 1}, metric="my_own_number")
    ended = present(tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "no page has a title or a column for: my_own_number" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "\x1b" not in ended.stdout
