"""The files that `benchmark-present` writes beside the runs of a suite.

Several processes may present a suite at once: each file, and the link, is replaced in one step by
what its writer has found in the suite's folder.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from benchmark.console_table import format_score
from benchmark.leaderboard import Leaderboard, status_of
from benchmark.run_folder import RunFolder
from benchmark.schema import main_stat
from benchmark.suite import FinishedRun, find_runs, read_timings
from common.errors import StorageError
from common.json_files import write_bytes

STATUS = "status.txt"
LATEST = "latest"
_RULE = "-" * 150
_READY = "finished"


def write_suite_files(
    output_path: Path,
    suite: str,
    runs: Sequence[FinishedRun],
    leaderboard: Leaderboard,
    named: str | None = None,
) -> list[str]:
    """Write the leaderboard, all finished runs, and how every run stands; return the files' names.

    Args:
        named: Where the outputs are for those who read these files, if not in this folder.

    Raises:
        StorageError: The folder can't be written, or the disk is full.
    """
    suite_path = output_path / "runs" / suite
    where = suite_path if named is None else f"{named}/runs/{suite}"
    records = [
        {
            "run_dir": f"{where}/{run.folder.path.name}",
            "run_spec": run.record.run_spec,
            "stats": run.stats,
        }
        for run in runs
    ]
    files = {
        "leaderboard.json": _json(leaderboard),
        "runs.json": _json(records),
        "run_specs.json": _json([run.record.run_spec for run in runs]),
        STATUS: _status(output_path, suite, runs).encode(),
    }
    for name, content in files.items():
        write_bytes(suite_path / name, content)
    _link_latest(suite_path)
    return list(files)


def _json(value: object) -> bytes:
    return msgspec.json.encode(value) + b"\n"


def _status(output_path: Path, suite: str, runs: Sequence[FinishedRun]) -> str:
    """The runs that are not finished with how they stand, then those that are with their score."""
    ready = {run.folder.path: run for run in runs if _is_ready(run.folder)}
    folders = find_runs(output_path, suite)
    waiting = [
        f"{folder.path.name} - {status_of(folder)[0]}"
        for folder in folders
        if folder.path not in ready
    ]
    lines = ["##### Work In Progress Run Specs #####", "", *(waiting or ["none"]), "", _RULE]
    lines += ["##### Ready Run Specs #####", ""]
    for path, run in ready.items():
        stat = main_stat(run.record.run_spec, run.stats)
        score = f"{stat.name.name}: {format_score(stat)}" if stat else "no main score"
        lines += [f"{path.name} -", score, ""]
    return "\n".join(lines) + "\n"


def _is_ready(folder: RunFolder) -> bool:
    timings = read_timings(folder)
    status = timings.status if timings else ""
    return (status or status_of(folder)[0]) == _READY


def _link_latest(suite_path: Path) -> None:
    """Point runs/latest at the suite, replacing the old link in one step."""
    link = suite_path.parent / LATEST
    if link.exists() and not link.is_symlink():
        return  # somebody's own folder; not ours to replace
    try:
        with TemporaryDirectory(prefix=f".{LATEST}.", dir=suite_path.parent) as folder:
            temporary = Path(folder, LATEST)
            # Relative to where it will be, not to where it is made.
            os.symlink(suite_path.name, temporary, target_is_directory=True)
            temporary.replace(link)
    except OSError as error:
        raise StorageError(f"can't write {link}: {error.strerror}") from error
