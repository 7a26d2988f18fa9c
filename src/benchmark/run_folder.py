"""The folder of one run: what is in it, whose it is, and whether it can be gone on with."""

import fcntl
import os
import shutil
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from benchmark.provenance import Provenance
from benchmark.run_spec import RunSpec
from common.canonical_json import canonical_json, digest
from common.errors import ConflictError, DataError, StorageError
from common.json_files import write_json

_Fields = TypeVar("_Fields", bound=msgspec.Struct)

_EXTENDABLE = "adapter_spec.max_eval_instances"


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides a run's results: the content of `run_spec.json`.

    `deployment` is the identity of who answers; `data_sha256` a hash of all instances.
    """

    run_spec: RunSpec
    deployment: dict[str, Any]
    data_sha256: str

    @property
    def hash(self) -> str:
        """SHA-256 over the record."""
        return digest(canonical_json(self)).hex()


class _OwnFields(msgspec.Struct):
    """What `run_spec.json` holds beside the fields of the run spec."""

    deployment: dict[str, Any]
    data_sha256: str
    hash: str
    provenance: Provenance | None = None


class RunFolder:
    """Files of one run under `suite_path`.

    Raises:
        StorageError: The folder can't be made.
    """

    def __init__(self, suite_path: Path, run_name: str) -> None:
        self.path = suite_path / run_name
        self._lock: int | None = None

    @property
    def states_path(self) -> Path:
        """The file that is appended while the run goes on."""
        return self.path / "states.sqlite"

    @property
    def stats_path(self) -> Path:
        """There when the run is finished."""
        return self.path / "stats.json"

    def acquire(self) -> None:
        """Make the folder and take it for this process, until it ends.

        Raises:
            ConflictError: Another process is at this run.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # The kernel drops the lock when the process ends, however it ends.
            self._lock = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StorageError(f"can't write to {self.path}: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise ConflictError(
                f"another process is working on this run ({self.path}): wait for it, or use "
                "another --suite"
            ) from error

    def release(self) -> None:
        """Let other processes at this run."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def moved_to_copy(self, suite_path: Path) -> "RunFolder":
        """Return a copy of this folder under `suite_path`, taken, and release this one."""
        copy = RunFolder(suite_path, self.path.name)
        try:
            shutil.copytree(self.path, copy.path)
        except OSError as error:
            raise StorageError(f"can't copy {self.path} to {copy.path}: {error}") from error
        copy.acquire()
        self.release()
        return copy

    def read_record(self) -> RunRecord | None:
        """Return what is recorded of an earlier start, if there was one.

        Raises:
            DataError: The record can't be read.
        """
        if not (self.path / "run_spec.json").exists():
            return None
        spec, own = self._read(RunSpec), self._read(_OwnFields)
        return RunRecord(run_spec=spec, deployment=own.deployment, data_sha256=own.data_sha256)

    def read_provenance(self) -> Provenance | None:
        """Return what the run was made of and with; None if that is not written down.

        Raises:
            DataError: The file can't be read.
        """
        return self._read(_OwnFields).provenance

    def read_hash(self) -> str:
        """Return the hash that stands beside the record.

        Raises:
            DataError: The file can't be read.
        """
        return self._read(_OwnFields).hash

    def _read(self, kind: type[_Fields]) -> _Fields:
        path = self.path / "run_spec.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise DataError(f"{path} can't be read ({error}): move the folder aside") from error

    def write_record(self, record: RunRecord, provenance: Provenance | None = None) -> None:
        """Record what this run is, and what it was made of and with, as far as that is known."""
        fields = msgspec.to_builtins(record.run_spec)
        fields |= {
            "deployment": record.deployment,
            "data_sha256": record.data_sha256,
            "hash": record.hash,
        }
        if provenance is not None:
            fields["provenance"] = msgspec.to_builtins(provenance)
        write_json(self.path / "run_spec.json", fields)


def extends(old: RunRecord, new: RunRecord) -> bool:
    """Whether `new` asks for the same as `old` and for more instances.

    Raises:
        ConflictError: They differ in anything else; names the first field.
    """
    difference = _first_difference(msgspec.to_builtins(old), msgspec.to_builtins(new), path=())
    if difference is None:
        return False
    field, before, now = difference
    field = field.removeprefix("run_spec.")
    if field == _EXTENDABLE and before is not None and (now is None or now > before):
        return True
    raise ConflictError(
        f"the run was started with another {field} ({before!r} then, {now!r} now): "
        "use another --suite, or delete it with benchmark-present --delete-run"
    )


def _first_difference(before: Any, now: Any, path: tuple[str, ...]) -> tuple[str, Any, Any] | None:
    if isinstance(before, dict) and isinstance(now, dict):
        # A larger number of instances is looked at last: it alone may differ.
        keys = sorted(
            before.keys() | now.keys(), key=lambda key: (key == "max_eval_instances", key)
        )
        # Within the record, the run spec comes last for the same reason.
        for key in sorted(keys, key=lambda key: key in ("run_spec", "adapter_spec")):
            found = _first_difference(before.get(key), now.get(key), (*path, key))
            if found is not None:
                return found
        return None
    return None if before == now else (".".join(path), before, now)
