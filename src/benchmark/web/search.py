"""What the search of the pages finds: runs, tasks and samples."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode

import msgspec

from benchmark.schema import load_groups
from benchmark.web.run_files import run_folder, run_folders, suite_folder, suite_names
from benchmark.web.states_view import StatesView
from common.errors import BenchError

_MAX_OF_A_KIND = 20
_MAX_SUITES = 20  # the newest
# Samples are looked for in the newest runs first, and not for longer than that.
_SAMPLE_SECONDS = 0.3
_MIN_SAMPLE_QUERY = 2  # every text has every letter


class Place(msgspec.Struct, frozen=True):
    """Something that was found, and the address of its page. `mark` says what it is."""

    label: str
    detail: str
    mark: str
    address: str


def find_places(output_path: Path, query: str, suite: str, run: str) -> list[Place]:
    """Return runs, tasks and samples that have all words of `query`.

    Args:
        suite: That of the page which asks: its runs come first. "" for none.
        run: Only this run's samples are looked at, if it is given.
    """
    words = query.lower().split()
    if not words:
        return []
    suites = suite_names(output_path)
    if suite in suites:
        suites = [suite, *(name for name in suites if name != suite)]
    suites = suites[:_MAX_SUITES]
    found = [
        *_some(_tasks(suites, words, output_path)),
        *_some(_runs(suites, words, output_path)),
    ]
    if suites and len(query) >= _MIN_SAMPLE_QUERY:
        found += _some(_samples(output_path, suites[0], run, query))
    return found


def _some(places: Iterable[Place]) -> list[Place]:
    return list(islice(places, _MAX_OF_A_KIND))


def _runs(suites: list[str], words: list[str], output_path: Path) -> Iterator[Place]:
    for suite in suites:
        for folder in run_folders(output_path, suite):
            name = folder.path.name
            if _has_all(name, words):
                yield Place(name, suite, "run", _address("/runs", suite=suite, run=name))


def _tasks(suites: list[str], words: list[str], output_path: Path) -> Iterator[Place]:
    """The groups of the first suite's runs; a run's name begins with that of its run spec."""
    if not suites:
        return
    names = {folder.path.name.partition(":")[0] for folder in run_folders(output_path, suites[0])}
    for group in load_groups().values():
        own = f"{group.name} {group.display_name}"
        if _has_all(own, words) and any(group.name.startswith(name) for name in names):
            address = _address("/leaderboard", suite=suites[0], group=group.name)
            yield Place(group.display_name, suites[0], "task", address)


def _samples(output_path: Path, suite: str, run: str, query: str) -> Iterator[Place]:
    end = time.monotonic() + _SAMPLE_SECONDS
    try:
        if run:
            folders = [run_folder(output_path, suite, run)]
        else:
            folders = run_folders(output_path, suite_folder(output_path, suite).name)
            folders.sort(key=lambda folder: -_changed(folder.states_path))
    except BenchError:
        return
    for folder in folders:
        if time.monotonic() > end:
            return
        if not folder.states_path.exists():
            continue
        name = folder.path.name
        try:
            with StatesView(folder.states_path) as states:
                samples = states.find(query, _MAX_OF_A_KIND)
        except BenchError:
            continue
        for place, id, text in samples:
            address = _address("/runs", suite=suite, run=name, tab="samples", place=str(place))
            yield Place(f"{id} · {text}", name, "sample", address)


def _has_all(text: str, words: list[str]) -> bool:
    text = text.lower()
    return all(word in text for word in words)


def _address(path: str, **values: str) -> str:
    return f"{path}?{urlencode(values)}"


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
