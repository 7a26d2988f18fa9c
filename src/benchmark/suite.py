"""The runs of a suite, as found in its folder: no index is kept or trusted."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmark.metrics.stat import Stat
from benchmark.run_folder import RunFolder, RunRecord
from benchmark.run_results import read_stats
from common.errors import DataError, NotFoundError, UnknownNameError


class FinishedRun(msgspec.Struct, frozen=True):
    """A run that has statistics."""

    folder: RunFolder
    record: RunRecord
    stats: list[Stat]

    @property
    def name(self) -> str:
        """The run's name."""
        return self.record.run_spec.name


def find_runs(output_path: Path, suite: str) -> list[RunFolder]:
    """Return the folders of all runs of `suite`, finished or not, by name.

    Raises:
        NotFoundError: There is no such suite; names those that there are.
    """
    runs_path = output_path / "runs"
    suite_path = runs_path / suite
    if not suite_path.is_dir():
        suites = sorted(path.name for path in runs_path.glob("*") if path.is_dir())
        there = ", ".join(suites) or "none"
        raise NotFoundError(f"there is no suite {suite!r} in {runs_path} (there: {there})")
    return [
        RunFolder(suite_path, path.parent.name)
        for path in sorted(suite_path.glob("*/run_spec.json"))
    ]


def finished_runs(output_path: Path, suite: str) -> Iterator[FinishedRun]:
    """Yield the finished runs of `suite` by name.

    Raises:
        DataError: A run's files can't be read.
    """
    for folder in find_runs(output_path, suite):
        record = folder.read_record()
        if record is not None and folder.stats_path.exists():
            yield FinishedRun(folder, record, read_stats(folder))


def typical_seconds(output_path: Path, suite: str) -> dict[str, float]:
    """Return how long a request to each model took on average in the suite's finished runs."""
    seconds: dict[str, list[float]] = {}
    for folder in find_runs(output_path, suite):
        record, timings = folder.read_record(), read_timings(folder)
        if record is None or timings is None:
            continue
        found = [stat.mean for stat in timings.stats if stat.name.name == "inference_runtime"]
        model = record.run_spec.adapter_spec.model
        seconds.setdefault(model, []).extend(mean for mean in found if mean is not None)
    return {model: sum(means) / len(means) for model, means in seconds.items() if means}


class Timings(msgspec.Struct):
    """Of what a run measured of itself at its end: volatile statistics, and how it ended."""

    stats: list[Stat] = []
    status: str = ""


def read_timings(folder: RunFolder) -> Timings | None:
    """Return what a run measured of itself; None before its end.

    Raises:
        DataError: The file can't be read.
    """
    path = folder.path / "timings.json"
    try:
        return _TIMINGS.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise DataError(f"{path} can't be read: {error}") from error


_TIMINGS = msgspec.json.Decoder(Timings)


def named_run(output_path: Path, suite: str, text: str) -> RunFolder | None:
    """Return the run that `text` names: a folder, a run of the suite, or SUITE/RUN; else None."""
    runs_path = output_path / "runs"
    for path in (Path(text), runs_path / suite / text, runs_path / text):
        if (path / "run_spec.json").is_file():
            return RunFolder(path.parent, path.name)
    return None


def find_run(output_path: Path, suite: str, name: str) -> RunFolder:
    """Return the folder of one run.

    Raises:
        UnknownNameError: The suite has no such run.
    """
    folders = {folder.path.name: folder for folder in find_runs(output_path, suite)}
    if name not in folders:
        raise UnknownNameError("run", name, folders, f"suite {suite!r} has {len(folders)} runs")
    return folders[name]
