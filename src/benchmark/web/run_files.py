"""The runs below an output folder, as pages list them: whatever is there, finished or not.

What is read of a run is kept until one of its files changes. Runs are only read, never changed.
"""

import os
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import msgspec

from benchmark.leaderboard import column_label
from benchmark.metric_traits import traits_of
from benchmark.metrics.metric import base_name
from benchmark.metrics.stat import Stat
from benchmark.run_folder import RunFolder, RunRecord
from benchmark.run_progress import PROGRESS, RunProgress, read_progress
from benchmark.run_results import read_stats
from benchmark.schema import group_of, load_schema, main_stat
from benchmark.suite import Timings, read_timings
from benchmark.web.states_view import StatesView
from common.errors import BenchError, DataError, NotFoundError

# A run that wrote nothing for so long has ended, or waits for a very slow model.
SILENT_SECONDS = 120.0

RUNNING, STOPPED, UNREADABLE = "running", "stopped", "unreadable"

_COUNTS = (
    *("num_requests", "num_scored", "num_truncated", "num_refused", "num_errors"),
    "num_unparsed",
)
_MAX_KEPT = 4096


class Score(msgspec.Struct, frozen=True):
    """A mean over `n` instances with its 95 % interval; `is_proportion`: a share of 1.

    `bounds` is the mean if all that is missing were wrong, and if all were right.
    """

    metric: str
    mean: float
    interval: tuple[float, float] | None
    n: int | None
    is_proportion: bool
    bounds: tuple[float, float] | None = None


class RunHead(msgspec.Struct, frozen=True, kw_only=True):
    """One run in a list.

    `status` is that of the states file, or "stopped" for a run that began and is silent, or
    "unreadable". Times are in seconds since the epoch. `outcomes` counts requests. `progress` is
    that of a run under way.
    """

    name: str
    model: str = ""
    group: str = ""
    task: str = ""
    status: str
    num_requests: int | None = None
    num_done: int = 0
    outcomes: dict[str, int] = {}
    score: Score | None = None
    updated_at: float | None = None
    progress: RunProgress | None = None
    problem: str = ""


class KnownRun(msgspec.Struct, frozen=True, eq=False):
    """What is kept of a run: its record, and of its statistics those that tables show.

    `status` is how it ended, if its files say so beside the answers; `updated_at` when, in seconds
    since the epoch.
    """

    folder: RunFolder
    record: RunRecord
    stats: list[Stat]
    is_finished: bool
    status: str = ""
    updated_at: float = 0.0

    @property
    def counts(self) -> dict[str, int]:
        """How many requests a finished run made, and how they ended."""
        return {stat.name.name: int(stat.sum) for stat in self.stats if stat.name.name in _COUNTS}


def suite_names(output_path: Path) -> list[str]:
    """Return the names of all suites; that of the last change first. Links are left out."""
    runs_path = output_path / "runs"
    if not runs_path.is_dir():
        return []
    found = [path for path in runs_path.iterdir() if path.is_dir() and not path.is_symlink()]
    return [path.name for path in sorted(found, key=lambda path: (-_changed(path), path.name))]


def suite_folder(output_path: Path, suite: str) -> Path:
    """Return the folder of a suite.

    Raises:
        NotFoundError: There is none of that name.
    """
    path = output_path / "runs" / suite
    if not (_is_name(suite) and path.is_dir()):
        raise NotFoundError(f"there is no suite {suite!r}")
    return path


def run_folder(output_path: Path, suite: str, run: str) -> RunFolder:
    """Return the folder of a run.

    Raises:
        NotFoundError: There is none of that name.
    """
    folder = RunFolder(suite_folder(output_path, suite), run)
    if not (_is_name(run) and (folder.path / "run_spec.json").is_file()):
        raise NotFoundError(f"suite {suite!r} has no run {run!r}")
    return folder


def run_folders(output_path: Path, suite: str) -> list[RunFolder]:
    """Return the folders of all runs of a suite, by name."""
    path = suite_folder(output_path, suite)
    found = sorted(spec.parent.name for spec in path.glob("*/run_spec.json"))
    return [RunFolder(path, name) for name in found]


def known_run(folder: RunFolder) -> KnownRun:
    """Return what tables need of a run.

    Raises:
        BenchError: Its files can't be read.
    """
    record_version = version_of(folder.path / "run_spec.json")
    return _known_run(str(folder.path), record_version, version_of(folder.stats_path))


def known_runs(output_path: Path, suite: str) -> Iterator[KnownRun]:
    """Yield the runs of a suite whose files can be read."""
    for folder in run_folders(output_path, suite):
        try:
            yield known_run(folder)
        except BenchError:
            continue


def read_head(folder: RunFolder) -> RunHead:
    """Return how a run stands; one that can't be read says why."""
    try:
        return head_of(known_run(folder))
    except BenchError as error:
        return RunHead(name=folder.path.name, status=UNREADABLE, problem=str(error))


def head_of(run: KnownRun) -> RunHead:
    """Return how a run stands. The answers of one that has ended are not opened."""
    return _ended_head(run) if run.status else _open_head(run)


def _open_head(run: KnownRun) -> RunHead:
    states, problem = _States(UNREADABLE), ""
    try:
        states = _states_of(run.folder)
    except BenchError as error:
        problem = str(error)
    return msgspec.structs.replace(
        _named_head(run),
        status=states.status,
        num_requests=run.counts.get("num_requests", states.num_requests),
        num_done=sum(states.outcomes.values()),
        outcomes=states.outcomes,
        updated_at=_last_write(run.folder),
        progress=states.progress if states.status == RUNNING else None,
        problem=problem,
    )


@lru_cache(maxsize=_MAX_KEPT)
def _ended_head(run: KnownRun) -> RunHead:
    outcomes = _outcomes(run.counts)
    return msgspec.structs.replace(
        _named_head(run),
        status=run.status,
        num_requests=run.counts.get("num_requests"),
        num_done=sum(outcomes.values()),
        outcomes=outcomes,
        updated_at=run.updated_at,
    )


def _named_head(run: KnownRun) -> RunHead:
    spec = run.record.run_spec
    group = group_of(spec)
    return RunHead(
        name=run.folder.path.name,
        model=spec.adapter_spec.model,
        group=group.display_name if group else "",
        task=column_label(spec),
        status=run.status,
        score=score_of(run),
    )


def _outcomes(counts: dict[str, int]) -> dict[str, int]:
    """How the requests of a run ended, from its statistics."""
    truncated = counts.get("num_truncated", 0)
    outcomes = {
        "ok": counts.get("num_scored", 0) - truncated,
        "truncated": truncated,
        "refused": counts.get("num_refused", 0),
        "error": counts.get("num_errors", 0),
    }
    return {name: count for name, count in outcomes.items() if count}


def score_of(run: KnownRun) -> Score | None:
    """The number that stands for a run, if there is one."""
    stat = main_stat(run.record.run_spec, run.stats) if run.is_finished else None
    if stat is None or stat.mean is None:
        return None
    name = stat.name.name
    is_proportion = base_name(name) in traits_of(run.record.run_spec).proportions
    return Score(name, stat.mean, stat.interval, stat.n, is_proportion, stat.bounds)


def version_of(*paths: Path) -> int:
    """A number that changes with the files; of those that are not there, 0."""
    versions = []
    for path in paths:
        try:
            stat = os.stat(path)
        except OSError:
            continue
        versions.append((stat.st_mtime_ns, stat.st_size))
    return hash(tuple(versions)) if versions else 0


@lru_cache(maxsize=_MAX_KEPT)
def _known_run(path: str, record_version: int, stats_version: int) -> KnownRun:
    del record_version  # is part of what is remembered
    folder = RunFolder(Path(path).parent, Path(path).name)
    record = folder.read_record()
    if record is None:
        raise NotFoundError(f"there is no run {folder.path.name!r}")
    if not stats_version:
        return KnownRun(folder, record, [], False)
    group = group_of(record.run_spec)
    names = {*_COUNTS, *(group.stats if group else ())}
    names |= {name for group in load_schema().stat_groups for name in group.stats}
    names |= {"num_prompt_tokens", "num_output_tokens"}  # what a request takes
    timings = _timings(folder)
    stats = list(_shown([*read_stats(folder), *timings.stats], names))
    return KnownRun(folder, record, stats, True, timings.status, _changed(folder.stats_path))


def _shown(stats: Iterable[Stat], names: set[str]) -> Iterator[Stat]:
    for stat in stats:
        if stat.name.name in names and stat.name.k is None and stat.name.sub_split is None:
            yield stat


def _timings(folder: RunFolder) -> Timings:
    try:
        return read_timings(folder) or Timings()
    except DataError:
        return Timings()


class _States(msgspec.Struct, frozen=True):
    """What the states file tells of a run."""

    status: str
    num_requests: int | None = None
    outcomes: dict[str, int] = {}
    progress: RunProgress | None = None


def _states_of(folder: RunFolder) -> _States:
    if not folder.states_path.exists():
        return _States(STOPPED)
    wal = folder.states_path.with_name("states.sqlite-wal")
    states = _read_states(str(folder.states_path), version_of(folder.states_path, wal))
    if states.status == RUNNING and time.time() - (_last_write(folder) or 0.0) > SILENT_SECONDS:
        return msgspec.structs.replace(states, status=STOPPED)
    return states


@lru_cache(maxsize=_MAX_KEPT)
def _read_states(path: str, version: int) -> _States:
    del version  # is part of what is remembered
    with StatesView(Path(path)) as view:
        meta = view.meta()
        num_requests = meta.get("num_requests")
        return _States(
            meta.get("status", RUNNING),
            int(num_requests) if num_requests else None,
            view.outcomes(),
            read_progress(meta.get(PROGRESS)),
        )


def _last_write(folder: RunFolder) -> float | None:
    names = ("states.sqlite", "states.sqlite-wal", "stats.json", "run_spec.json")
    times = [_changed(path) for name in names if (path := folder.path / name).exists()]
    return max(times, default=None)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _is_name(name: str) -> bool:
    """Whether `name` is that of a folder, and leads nowhere else."""
    return bool(name) and not name.startswith(".") and not set(name) & {"/", "\\", "\0"}
