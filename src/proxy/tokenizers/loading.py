"""What tokenizers share that are read from files: where these are, and reading them once."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from common.errors import BenchError, DataError

# A failed download may take long; all who ask meanwhile get the same answer.
_FAILURE_SECONDS = 30.0

T = TypeVar("T")


class LoadedOnce(Generic[T]):
    """What `load` returns, made with the first call; threads that come meanwhile wait for it.

    Args:
        load: Its failure is raised to everyone for `failure_seconds`, then it is called again.
    """

    def __init__(self, load: Callable[[], T], failure_seconds: float = _FAILURE_SECONDS) -> None:
        self._load, self._failure_seconds = load, failure_seconds
        self._lock = threading.Lock()
        self._value: T | None = None
        self._error: BenchError | None = None
        self._failed_at = 0.0

    def get(self) -> T:
        """Return the value."""
        if self._value is not None:
            return self._value
        with self._lock:
            if self._value is None:
                self._value = self._try()
            return self._value

    def _try(self) -> T:
        if self._error and time.monotonic() < self._failed_at + self._failure_seconds:
            raise self._error.with_traceback(None)
        try:
            return self._load()
        except BenchError as error:
            self._error, self._failed_at = error, time.monotonic()
            raise


def local_file(base_path: Path, name: str, file_name: str, path: str | None) -> Path | None:
    """Return the file of the tokenizer `name` in this installation; None if it has none.

    Args:
        path: File or folder that was named, relative to `base_path`; it has to be there.

    Raises:
        DataError: There is nothing at `path`.
    """
    if path is None:
        own = base_path / "tokenizers" / name / file_name
        return own if own.is_file() else None
    named = base_path / Path(path).expanduser()
    file = named / file_name if named.is_dir() else named
    if not file.is_file():
        raise DataError(f"the tokenizer {name} has no file at {file}")
    return file
