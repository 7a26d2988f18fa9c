"""The threads of a process, in line: one works until it waits, then the next one does.

Python runs one thread at a time, and changes to another whenever one asks SQLite for something.
So of requests that come together, all end when the last one does, and their callers, who then ask
together again, never get apart. In line the first is done before the second begins.

The line is no lock: nothing depends on it. Who stays in it for long, because it waits somewhere
without saying so, is passed by the others.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Longer than a request works, but no wait that its caller would notice.
_PATIENCE_SECONDS = 0.03


class Line:
    """A line for the threads of this process.

    Args:
        patience_seconds: How long a thread waits before it passes the one at the front.
    """

    def __init__(self, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._patience_seconds = patience_seconds
        self._front = threading.Lock()  # held by who is at the front
        self._mine = threading.local()

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Start when those who came before have ended, or wait."""
        self._enter()
        try:
            yield
        finally:
            self._leave()

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Wait for something while the others go on; for who is not in line it does nothing."""
        was_inside = self._leave()
        try:
            yield
        finally:
            if was_inside:
                self._enter()

    def _enter(self) -> None:
        front = self._front
        is_mine = front.acquire(timeout=self._patience_seconds)
        if not is_mine and self._front is front:
            # Whoever is there is passed by: the others need not find that out once more.
            self._front = front = threading.Lock()
            is_mine = front.acquire(blocking=False)
        self._mine.front = front if is_mine else None
        self._mine.is_inside = True

    def _leave(self) -> bool:
        was_inside = getattr(self._mine, "is_inside", False)
        if was_inside:
            self._mine.is_inside = False
            if self._mine.front is not None:
                self._mine.front.release()
        return was_inside


LINE = Line()  # there is one Python in a process
