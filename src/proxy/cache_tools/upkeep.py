"""Keeps the cache within its limits while a server runs."""

import fcntl
import logging
import os
import threading
from pathlib import Path

from common.errors import StorageError
from proxy.cache_tools.purge import enforce_limits
from proxy.store.database import Database

LOCK_NAME = "cache-upkeep.lock"
_FIRST_SECONDS = 5.0
_EVERY_SECONDS = 600.0

logger = logging.getLogger(__name__)


class Upkeep:
    """A thread that deletes the oldest answers beyond the limits now and then.

    Of all processes with the same folder one does it; when it ends, another takes over.

    Args:
        base_path: Folder of the installation.
        first_seconds, every_seconds: When to begin, and how often to look.
    """

    def __init__(
        self,
        database: Database,
        base_path: Path,
        *,
        max_entries: int | None,
        max_age_days: float | None,
        first_seconds: float = _FIRST_SECONDS,
        every_seconds: float = _EVERY_SECONDS,
    ) -> None:
        self._database = database
        self._lock_path = base_path / LOCK_NAME
        self._max_entries = max_entries
        self._max_age_seconds = None if max_age_days is None else max_age_days * 86_400
        self._first_seconds, self._every_seconds = first_seconds, every_seconds
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin, if there is a limit at all."""
        if self._max_entries is not None or self._max_age_seconds is not None:
            threading.Thread(target=self._run, name="cache-upkeep", daemon=True).start()

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()

    def _run(self) -> None:
        wait = self._first_seconds
        lock: int | None = None
        while not self._stop.wait(wait):
            wait = self._every_seconds
            lock = lock if lock is not None else self._take_lock()
            if lock is not None:
                self._enforce()
        if lock is not None:
            os.close(lock)

    def _take_lock(self) -> int | None:
        """Return the lock's file, which has to stay open; None while another has it."""
        try:
            file = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            logger.warning("%s: %s", self._lock_path, error.strerror)
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        return file

    def _enforce(self) -> None:
        try:
            with self._database.alone("cache-upkeep") as is_alone:  # of several machines
                if not is_alone:
                    return
                num_deleted = enforce_limits(
                    self._database,
                    max_entries=self._max_entries,
                    max_age_seconds=self._max_age_seconds,
                )
        except StorageError as error:  # the next time may do better
            logger.warning("the cache could not be kept within its limits: %s", error)
            return
        if num_deleted:
            logger.info("%d of the oldest stored answers were deleted", num_deleted)
