"""Access to the embedded model: one engine process a machine and model file, shared by all.

Nothing runs until the first request. It starts the engine under a file lock, unless another process
has; a state file says where the engine is reached, and with which secret. An engine that died, was
killed or answers nothing is started again, and the request repeated: it changes nothing, and the
same request gets the same answer. Without requests for some time the engine ends.
"""

import hashlib
import importlib.metadata
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from functools import cached_property
from http import HTTPStatus
from pathlib import Path

import msgspec

from common.errors import (
    DataError,
    DeadlineError,
    MissingExtraError,
    RejectedError,
    StorageError,
    UnavailableError,
)
from proxy.local_engine.connection import Connections, EngineFailedError, check_health
from proxy.local_engine.files import exclusive_lock, is_held, process_space, read_state
from proxy.local_engine.protocol import (
    EXIT_ALREADY_RUNS,
    EXIT_BAD_MODEL,
    REVISION,
    EngineSettings,
    EngineState,
)

DEFAULT_IDLE_SECONDS = 300.0
FETCH_SCRIPT = "scripts/fetch_model.sh"

_GGUF_MAGIC = b"GGUF"
_MAX_STARTS = 3  # for one request: one that kills every engine is given up
_START_SECONDS = 60.0
_END_SECONDS = 2.0
_POLL_SECONDS = 0.02
# The model is too small to gain from more.
_MAX_THREADS = 8
# Threads that wait for each other give up their core after this many turns (about 0.3 ms): with
# the default, minutes, one other busy process makes the engine ten times slower.
_SPIN_COUNT = "20000"


class _Stamp(msgspec.Struct, frozen=True):
    """What was hashed, and the result."""

    size: int
    mtime_ns: int
    sha256: str


class LocalEngine:
    """The engine of one model file. Cheap to make; threads and forked processes may share it.

    Args:
        model_path: A GGUF file.
        idle_seconds: The engine ends after this time without requests. What holds is what the
            process that started it asked for.
    """

    def __init__(self, model_path: Path, idle_seconds: float = DEFAULT_IDLE_SECONDS) -> None:
        self.model_path = model_path
        self._idle_seconds = idle_seconds
        self._state: EngineState | None = None
        self._connections = Connections()

    @cached_property
    def version(self) -> str:
        """Version of the library that computes.

        Raises:
            MissingExtraError: It is not installed.
        """
        try:
            return importlib.metadata.version("xllamacpp")
        except importlib.metadata.PackageNotFoundError as error:
            raise MissingExtraError("the embedded model", "local") from error

    @cached_property
    def model_sha256(self) -> str:
        """SHA-256 of the model file in hex; kept in a file until the model's size or time changes.

        Raises:
            DataError: There is no such file.
        """
        size, mtime_ns = self._model_version
        path = self._folder / f".{self.model_path.name}.stamp"
        stamp = _read_stamp(path)
        if stamp is None or (stamp.size, stamp.mtime_ns) != (size, mtime_ns):
            stamp = _new_stamp(path, self.model_path)
        return stamp.sha256

    @property
    def state_path(self) -> Path:
        """The file that says where the engine is reached. When it is deleted, the engine ends."""
        return self._path("state")

    @property
    def log_path(self) -> Path:
        """What the engine and llama.cpp print."""
        return self._path("log")

    @property
    def _shown_log(self) -> str:
        # The whole path is nothing for those who ask over HTTP.
        return f"{self.log_path.parent.name}/{self.log_path.name}"

    def post(self, path: str, body: bytes, deadline: float) -> bytes:
        """Ask the engine, which is started or started again if need be.

        Args:
            path: Such as `/complete`; see `protocol`.
            body: JSON.
            deadline: When to give up, in seconds of `time.monotonic()`.

        Raises:
            RejectedError: The engine refused the request.
            DeadlineError: There was no answer in time.
            UnavailableError: The engine does not start, or dies of this request.
            DataError: The model file is missing or damaged.
            MissingExtraError: The library is not installed.
            StorageError: There is no folder to keep the engine's files in.
        """
        failed: EngineState | None = None
        for _ in range(_MAX_STARTS):
            state = self._running(failed, deadline)
            try:
                status, answer = self._connections.exchange(state, path, body, deadline)
            except EngineFailedError:
                failed = state
                continue
            if status == HTTPStatus.OK:
                return answer
            text = answer.decode(errors="replace")
            if status == HTTPStatus.GATEWAY_TIMEOUT:
                raise DeadlineError(f"the embedded model: {text}")
            if status == HTTPStatus.UNAUTHORIZED:
                failed = state  # another program has the port of an engine that died
                continue
            if status < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise RejectedError(f"the embedded model: {text}")
            raise UnavailableError(f"the embedded model: {text}; see {self._shown_log}")
        raise UnavailableError(
            f"the embedded model's engine ended {_MAX_STARTS} times while it was asked; "
            f"see {self._shown_log}"
        )

    @cached_property
    def _folder(self) -> Path:
        """Where the engine's files are: beside the model, or else in a private temporary folder."""
        beside = self.model_path.parent
        if os.access(beside, os.W_OK | os.X_OK):
            return beside
        folder = Path(tempfile.gettempdir()) / f"lm-bench-{os.geteuid()}"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            status = folder.lstat()
        except OSError as error:
            raise StorageError(f"can't make the folder {folder}: {error.strerror}") from error
        if status.st_uid != os.geteuid() or status.st_mode & 0o077 or folder.is_symlink():
            raise StorageError(f"{folder} is not a folder of this user alone: remove it")
        return folder

    @cached_property
    def _model_version(self) -> tuple[int, int]:
        return _version_of(self.model_path)

    def _path(self, kind: str) -> Path:
        """A file of the engine, shared by those who can share an engine, and by no one else."""
        parts = (
            *(self.version, REVISION, os.geteuid(), socket.gethostname(), process_space()),
            *(self.model_path.resolve(), *self._model_version),
        )
        key = hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:12]
        return self._folder / f".engine-{key}.{kind}"

    def _running(self, failed: EngineState | None, deadline: float) -> EngineState:
        """Return where the engine is reached, which is not `failed`; start it if need be."""
        if _version_of(self.model_path) != self._model_version:
            raise DataError(f"{self.model_path} was changed while it was in use: start again")
        state = self._state
        if state is None or state == failed:
            state = self._found(failed) or self._started(failed, deadline)
            self._state = state
        return state

    def _found(self, failed: EngineState | None) -> EngineState | None:
        state = read_state(self.state_path)
        is_usable = state is not None and state != failed and is_held(self._path("life"))
        return state if is_usable else None

    def _started(self, failed: EngineState | None, deadline: float) -> EngineState:
        with exclusive_lock(self._path("lock"), deadline):
            # Another process may have started it while this one waited.
            state = self._found(failed) or self._awaited(failed)
            if state is not None:
                return state
            self._spawn(deadline)
            state = read_state(self.state_path)
            if state is None:
                raise UnavailableError(
                    f"the embedded model's engine ended at once; see {self._shown_log}"
                )
            return state

    def _awaited(self, failed: EngineState | None) -> EngineState | None:
        """See to the end of the engine that `failed`; return one that is starting, or well."""
        life_path = self._path("life")
        if failed is not None and is_held(life_path):
            try:
                check_health(failed)
            except EngineFailedError:
                pass
            else:
                return failed
        # Without a failure, someone started it and was killed: it may be ready soon.
        until = time.monotonic() + (_START_SECONDS if failed is None else _END_SECONDS)
        is_killed = False
        while is_held(life_path):
            state = self._found(failed)
            if state is not None:
                return state
            if time.monotonic() > until:
                if is_killed:
                    raise UnavailableError(
                        "the embedded model's engine does not end; its number is in "
                        f"{life_path.parent.name}/{life_path.name}"
                    )
                # Only the engine holds the lock, so the number is still its own.
                os.kill(int(life_path.read_text(encoding="ascii")), signal.SIGKILL)
                is_killed = True
                until = time.monotonic() + _END_SECONDS
            time.sleep(_POLL_SECONDS)
        return None

    def _spawn(self, deadline: float) -> None:
        with self.model_path.open("rb") as file:
            if file.read(len(_GGUF_MAGIC)) != _GGUF_MAGIC:
                raise self._bad_model("it is not a GGUF file")
        settings = EngineSettings(
            model_path=str(self.model_path.resolve()),
            state_path=str(self.state_path),
            life_path=str(self._path("life")),
            idle_seconds=self._idle_seconds,
            num_threads=_num_threads(),
        )
        argument = msgspec.json.encode(settings).decode()
        source = str(Path(__file__).parents[2])
        paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {
            "GOMP_SPINCOUNT": _SPIN_COUNT,
            "OPENBLAS_NUM_THREADS": "1",  # not used, and no threads may run when it forks
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
        }
        descriptor = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "proxy.local_engine.process", argument],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
                cwd="/",
            )
        try:
            status = process.wait(min(_START_SECONDS, max(deadline - time.monotonic(), 0.0)))
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.wait()
            raise DeadlineError("the embedded model's engine did not start in time") from error
        if status == EXIT_BAD_MODEL:
            raise self._bad_model(self._last_error())
        if status not in (0, EXIT_ALREADY_RUNS):
            raise UnavailableError(
                f"the embedded model's engine did not start (status {status}): "
                f"{self._last_error()}; see {self._shown_log}"
            )

    def _bad_model(self, reason: str) -> DataError:
        return DataError(
            f"{self.model_path} can't be used ({reason}): delete it and run {FETCH_SCRIPT}"
        )

    def _last_error(self) -> str:
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        errors = [line for line in lines if "error" in line.lower()]
        return (errors or lines or ["it printed nothing"])[-1].removeprefix("error: ")


def _num_threads() -> int:
    num_cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(num_cores, _MAX_THREADS)


def _version_of(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        # The whole path is nothing for those who ask over HTTP.
        place = f"{path.parent.name}/ of the base path"
        raise DataError(
            f"there is no model file {path.name} in {place}: run {FETCH_SCRIPT}"
        ) from error
    return status.st_size, status.st_mtime_ns


def _read_stamp(path: Path) -> _Stamp | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Stamp)
    except (OSError, msgspec.DecodeError):
        return None


def _new_stamp(path: Path, model_path: Path) -> _Stamp:
    with model_path.open("rb") as file:
        status = os.fstat(file.fileno())
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    stamp = _Stamp(status.st_size, status.st_mtime_ns, sha256)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    # Without a stamp the model is hashed again: 60 ms.
    with suppress(OSError):
        draft.write_bytes(msgspec.json.encode(stamp))
        draft.replace(path)
    return stamp
