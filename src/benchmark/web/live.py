"""Runs under way, told as they change: server-sent events for the pages.

A stream holds a thread of the server, so there are few at a time, each ends by itself, and whoever
gets none asks again and again instead. What all of them tell of a suite is looked up once.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import NamedTuple

import msgspec

from benchmark.run_folder import RunFolder
from benchmark.web.run_files import RunHead, read_head, run_folders, suite_folder
from common.errors import NotFoundError

MAX_STREAMS = 16  # of a process
LIFE_SECONDS = 60.0  # a browser that still wants it comes again by itself
PAUSE_SECONDS = 1.0
# A tab that was closed is noticed when something is sent to it.
_HEARTBEAT_SECONDS = 2.0
# Folders of runs that have ended are looked at more seldom than those of runs under way.
_LOOK_AROUND_PAUSES = 5

_HEARTBEAT = b":\n\n"
# When a browser comes again after the end of a stream, in milliseconds.
_BEGINNING = b"retry: 500\n\n"

_ENDED = ("finished", "incomplete", "dry-run")


class RunsEvent(msgspec.Struct, frozen=True):
    """Runs that are new or changed, and the names of those that are gone."""

    runs: list[RunHead]
    gone: list[str]


class _Known(NamedTuple):
    """How the runs of a suite stand, and when (monotonic seconds) that was looked up."""

    looked: float
    looked_around: float
    heads: dict[str, RunHead]


class Suites:
    """How the runs of suites stand, for all streams of a process."""

    def __init__(self, pause_seconds: float) -> None:
        self._pause_seconds = pause_seconds
        self._lock = Lock()
        self._known: dict[Path, _Known] = {}

    def heads(self, output_path: Path, suite: str) -> dict[str, RunHead]:
        """Return the runs of a suite by name, as they stood less than a pause ago.

        Raises:
            NotFoundError: There is no such suite.
        """
        path = suite_folder(output_path, suite)
        with self._lock:
            now = time.monotonic()
            known = self._known.get(path) or _Known(-math.inf, -math.inf, {})
            if now - known.looked < self._pause_seconds / 2:
                return known.heads
            if now - known.looked_around < _LOOK_AROUND_PAUSES * self._pause_seconds:
                heads = {name: _again(path, name, head) for name, head in known.heads.items()}
                known = known._replace(looked=now, heads=heads)
            else:
                found = run_folders(output_path, suite)
                known = _Known(now, now, {folder.path.name: read_head(folder) for folder in found})
            # What nobody asks for any more is forgotten.
            is_wanted = {
                other: one for other, one in self._known.items() if now - one.looked < LIFE_SECONDS
            }
            self._known = {**is_wanted, path: known}
            return known.heads


class Streams:
    """Gives out streams, as many at a time as there are threads to spare."""

    def __init__(
        self,
        is_draining: Callable[[], bool],
        *,
        max_streams: int = MAX_STREAMS,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._is_draining = is_draining
        self._free = BoundedSemaphore(max_streams)
        self._pause_seconds = pause_seconds
        self._suites = Suites(pause_seconds)

    def open(self, output_path: Path, suite: str, since: float) -> Iterator[bytes] | None:
        """Return the events of a suite; None if there is no thread for them.

        The first event tells of runs that are under way, and of those that changed after `since`
        (seconds since the epoch). The stream must be started, and closed.

        Raises:
            NotFoundError: There is no such suite.
        """
        heads = self._suites.heads(output_path, suite)
        if self._is_draining() or not self._free.acquire(blocking=False):
            return None
        return self._events(output_path, suite, since, heads)

    def _events(
        self, output_path: Path, suite: str, since: float, heads: dict[str, RunHead]
    ) -> Iterator[bytes]:
        try:
            end = time.monotonic() + LIFE_SECONDS
            told = {name: head for name, head in heads.items() if not _is_news(head, since)}
            yield _BEGINNING
            spoke = time.monotonic()
            while True:
                event = _difference(told, heads)
                now = time.monotonic()
                if event.runs or event.gone:
                    yield b"data: %b\n\n" % msgspec.json.encode(event)
                    spoke = now
                elif now - spoke >= _HEARTBEAT_SECONDS:
                    yield _HEARTBEAT
                    spoke = now
                if now >= end or self._is_draining():
                    return
                told = heads
                time.sleep(self._pause_seconds)
                heads = self._suites.heads(output_path, suite)
        except NotFoundError:
            return  # the suite was deleted
        finally:
            self._free.release()


def _again(suite_path: Path, name: str, head: RunHead) -> RunHead:
    return head if head.status in _ENDED else read_head(RunFolder(suite_path, name))


def _is_news(head: RunHead, since: float) -> bool:
    return head.status not in _ENDED or (head.updated_at or 0.0) > since


def _difference(before: dict[str, RunHead], now: dict[str, RunHead]) -> RunsEvent:
    # The very same object was not read again.
    changed = [
        head
        for name, head in now.items()
        if before.get(name) is not head and before.get(name) != head
    ]
    return RunsEvent(changed, [name for name in before if name not in now])
