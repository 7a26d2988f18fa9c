"""Turns at a steady rate, for the threads of all processes that share a folder."""

import fcntl
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from common.errors import DeadlineError, StorageError

_TIME = struct.Struct("<d")
# Nobody waits that long: a turn so far ahead was written before the clock was set back.
_MAX_AHEAD_SECONDS = 3600.0


class Turns:
    """Lets calls pass at a steady rate.

    The time of the next turn is kept in a file, which is locked for as long as it takes to read and
    write eight bytes: nobody holds it while waiting, and a process that dies leaves nothing behind.

    Args:
        path: The file; made with the first call.
        rate: Calls a second; as many as in one second may come at once after a pause.
        clock: The time of day, in seconds: other processes see the same.
        sleep: Waits that many seconds.
    """

    def __init__(
        self,
        path: Path,
        rate: float,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path, self._rate, self._clock, self._sleep = path, rate, clock, sleep

    def take(self, seconds: float) -> None:
        """Wait for the turn of one call.

        Args:
            seconds: How long it may take to come.

        Raises:
            DeadlineError: It would take longer; the turn is left for others.
            StorageError: The file can't be written.
        """
        try:
            with self._path.open("a+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                wait = self._next(file, seconds)
        except OSError as error:
            raise StorageError(f"{self._path}: {error.strerror}") from error
        if wait > 0:
            self._sleep(wait)

    def _next(self, file: BinaryIO, seconds: float) -> float:
        now = self._clock()
        room = max(self._rate, 1.0) - 1.0  # calls that may be ahead of their time
        turn = max(_read(file, now), now - room / self._rate)
        if turn - now >= seconds:
            raise DeadlineError(
                f"not asked in time: perspectiveQps allows {self._rate:g} calls a second"
            )
        file.truncate(0)
        file.write(_TIME.pack(turn + 1 / self._rate))
        return turn - now


def _read(file: BinaryIO, now: float) -> float:
    """Return when the next turn is; a time long ago if that is not known."""
    file.seek(0)
    data = file.read()
    if len(data) != _TIME.size:
        return 0.0
    found: float = _TIME.unpack(data)[0]
    return found if found <= now + _MAX_AHEAD_SECONDS else 0.0  # NaN is not, either
