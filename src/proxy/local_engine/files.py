"""Locks and state files through which processes share the embedded model's engine."""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from common.errors import DeadlineError, StorageError
from proxy.local_engine.protocol import EngineState

_POLL_SECONDS = 0.02


@contextmanager
def exclusive_lock(path: Path, deadline: float) -> Iterator[None]:
    """Hold the lock on `path`, a file that is made if need be.

    Args:
        deadline: When to give up, in seconds of `time.monotonic()`.

    Raises:
        DeadlineError: Others held it all the time.
        StorageError: The file can't be made.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageError(f"can't open the lock {path}: {error.strerror}") from error
    try:
        while not _try_lock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise DeadlineError(f"others held the lock {path} until the deadline")
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether some process holds the exclusive lock on `path`."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def take_lock(path: Path, seconds: float) -> int | None:
    """Take the lock on `path` until the process ends, or is None where another has it.

    Args:
        seconds: How long to try: who asks whether it is held holds it for an instant.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + seconds
    while not _try_lock(descriptor, fcntl.LOCK_EX):
        if time.monotonic() > until:
            return None
        time.sleep(_POLL_SECONDS)
    return descriptor


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_state(path: Path, state: EngineState) -> None:
    """Replace the file at once; nobody else may read it."""
    draft = path.with_name(f"{path.name}.{state.pid}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(msgspec.json.encode(state))
    draft.replace(path)


def read_state(path: Path) -> EngineState | None:
    """Return what `write_state` wrote; None if there is nothing of this user's."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_uid != os.geteuid():
                return None
            return msgspec.json.decode(file.read(), type=EngineState)
    except (FileNotFoundError, PermissionError, msgspec.DecodeError):
        return None


def process_space() -> str:
    """Name those processes that can reach each other at 127.0.0.1 and by process number."""
    spaces = []
    for kind in ("net", "pid"):
        try:
            spaces.append(os.readlink(f"/proc/self/ns/{kind}"))
        except OSError:
            spaces.append("")
    return " ".join([socket.gethostname(), *spaces])
