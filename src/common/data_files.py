"""Data files that scenarios read: fetched once from their origin or a mirror, checked, and kept.

Beside each target lies `<target>.origin`, which says where its content is from. It is how a sample
from a mirror is never taken for the full data, and how a file that was cut off is noticed.
"""

import fcntl
import hashlib
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import msgspec

from common.archives import unpack
from common.data_mirrors import copy_url, open_mirror
from common.errors import DataError, StorageError

LOGGER = logging.getLogger(__name__)
RETRY_WAITS_SECONDS = (1.0, 3.0)


@dataclass(frozen=True)
class DataFile:
    """A file of a data set.

    Args:
        url: Where it is published. Names it, in mirrors too.
        sha256: Digest of the file at its origin, when known. A mirror's files are checked against
            the mirror's own checksums instead, since a mirror may hold samples.
        pinned_url: Where the origin is fetched from in place of `url`, when `url` names a branch
            that has moved on.
    """

    url: str
    sha256: str | None = None
    pinned_url: str | None = None


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a target's content is from; kept beside it as `<target>.origin`.

    Args:
        url: What was fetched; in a mirror, the original URL that its copy stands for.
        mirror: Folder or URL of the mirror, or None.
        sha256: Digest of what was fetched; of an archive, before it was unpacked.
        num_bytes: Size of the target; of a folder, of all files in it.
        num_files: Number of files in the target, if it is a folder.
    """

    url: str
    mirror: str | None
    sha256: str
    num_bytes: int
    num_files: int | None = None


def read_origin(target: Path) -> Origin | None:
    """Return what is known of where `target` is from; None if nothing is."""
    try:
        return msgspec.json.decode(_origin_path(target).read_bytes(), type=Origin)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


class DataFiles:
    """Fetches data files from where they are published, or from a mirror if one is given.

    Args:
        mirror: A folder or an http(s) URL, as `common.data_mirrors` describes. A file that the
            mirror lacks is an error; the origin is not asked instead.
        retry_waits_seconds: Pauses between the tries of a download.
    """

    def __init__(
        self,
        mirror: str | None = None,
        *,
        retry_waits_seconds: Sequence[float] = RETRY_WAITS_SECONDS,
    ) -> None:
        self._waits_seconds = retry_waits_seconds
        self._mirror = open_mirror(mirror, retry_waits_seconds) if mirror else None
        self.targets: dict[str, Path] = {}  # of all that was asked for, by URL

    def fetch(self, file: DataFile, target: Path) -> Path:
        """Return `target` once it holds the content of `file`; fetch that when needed.

        A target fetched earlier from the same place is used as it is. One from another place is
        fetched again, and so is one of which nothing is known, unless it has the digest of `file`.

        Raises:
            DataError: It can't be had, is empty, cut off or not what its digest says; or the target
                no longer has the size it was fetched with. An old target stays as it is.
            StorageError: The target can't be written.
        """
        return self._ensure(file, target, _put_file)

    def digests(self) -> dict[str, str]:
        """SHA-256 of all that was asked for, as it was fetched, by URL."""
        origins = {url: read_origin(target) for url, target in sorted(self.targets.items())}
        return {url: origin.sha256 for url, origin in origins.items() if origin is not None}

    def changed(self) -> list[Path]:
        """The files, of those asked for, that no longer hold what was fetched.

        What was unpacked from an archive is not looked at: only the archive had a digest.
        """
        found = [(target, read_origin(target)) for target in self.targets.values()]
        return [
            target
            for target, origin in found
            if origin is not None and target.is_file() and _sha256(target) != origin.sha256
        ]

    def fetch_archive(self, file: DataFile, target: Path) -> Path:
        """Return the folder `target` once it holds the unpacked archive `file`; else as `fetch`.

        When the archive holds one folder and nothing else, `target` is that folder.
        """
        return self._ensure(file, target, _put_unpacked)

    def _ensure(self, file: DataFile, target: Path, put: Callable[[Path, Path], None]) -> Path:
        self.targets[file.url] = target
        # Without the lock first: a data folder may be read-only, once all is there.
        if self._is_current(file, target) and _change(target) is None:
            return target
        with _os_errors_as_ours(target), _locked(target.parent):
            if self._is_current(file, target):
                change = _change(target)
                if change:
                    raise DataError(f"{target} {change}: delete it to fetch it again")
                return target
            digest = self._adopt(file, target) or self._fetch(file, target, put)
            num_files, num_bytes = _measure(target)
            origin = Origin(self._url(file), self._location, digest, num_bytes, num_files)
            _origin_path(target).write_bytes(msgspec.json.encode(origin) + b"\n")
        return target

    def _is_current(self, file: DataFile, target: Path) -> bool:
        origin = read_origin(target)
        return (
            origin is not None
            and target.exists()
            and (origin.url, origin.mirror) == (self._url(file), self._location)
            and (self._mirror is not None or file.sha256 in (None, origin.sha256))
        )

    def _adopt(self, file: DataFile, target: Path) -> str | None:
        """The digest of a target of unknown origin, if it proves that this is `file`."""
        if self._mirror or file.sha256 is None or read_origin(target) or not target.is_file():
            return None
        return file.sha256 if _sha256(target) == file.sha256 else None

    def _fetch(self, file: DataFile, target: Path, put: Callable[[Path, Path], None]) -> str:
        part = _temporary(target)
        LOGGER.info("fetching %s from %s", target, self._location or self._url(file))
        try:
            digest = self._download(file, part)
            put(part, target)
        except DataError as error:
            hint = "" if self._mirror else "; --data-mirror names a copy to use in its place"
            raise DataError(f"can't fetch {target}: {error}{hint}") from error
        finally:
            part.unlink(missing_ok=True)
        return digest

    def _download(self, file: DataFile, part: Path) -> str:
        if self._mirror:
            path = self._mirror.path_of(file.url)
            source, expected = f"{self._mirror.location}/{path}", self._mirror.sha256_of(path)
            self._mirror.copy(path, part)
        else:
            source, expected = self._url(file), file.sha256
            copy_url(source, part, self._waits_seconds)
        if part.stat().st_size == 0:
            raise DataError(f"{source} is empty")
        digest = _sha256(part)
        if expected and digest != expected.lower():
            raise DataError(
                f"{source} has SHA-256 {digest} where {expected} is expected: "
                "it is damaged, or has changed since that was noted"
            )
        return digest

    def _url(self, file: DataFile) -> str:
        return file.url if self._mirror else file.pinned_url or file.url

    @property
    def _location(self) -> str | None:
        return self._mirror.location if self._mirror else None


def _put_file(part: Path, target: Path) -> None:
    _origin_path(target).unlink(missing_ok=True)
    part.replace(target)


def _put_unpacked(part: Path, target: Path) -> None:
    folder, old = _temporary(target), _temporary(target)
    try:
        unpack(part, folder)
        entries = list(folder.iterdir())
        if not entries:
            raise DataError("the archive is empty")
        is_wrapped = len(entries) == 1 and entries[0].is_dir()
        _origin_path(target).unlink(missing_ok=True)
        if target.exists():
            target.rename(old)
        (entries[0] if is_wrapped else folder).rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _change(target: Path) -> str | None:
    """How `target` differs in size from what was fetched, in words; None if it does not."""
    origin = read_origin(target)
    if origin is None:
        return "has lost its .origin file"
    try:
        num_files, num_bytes = _measure(target)
    except FileNotFoundError:
        return "has just been removed"
    if origin.num_files is None or num_files is None:
        is_whole = num_bytes == origin.num_bytes
    else:  # a file browser may have added files of its own
        is_whole = num_files >= origin.num_files and num_bytes >= origin.num_bytes
    if is_whole:
        return None
    return f"holds {_size(num_files, num_bytes)}, not {_size(origin.num_files, origin.num_bytes)}"


def _size(num_files: int | None, num_bytes: int) -> str:
    return f"{num_bytes} bytes" if num_files is None else f"{num_bytes} bytes in {num_files} files"


def _measure(target: Path) -> tuple[int | None, int]:
    """Number of files below `target`, None if it is a file itself, and bytes in all."""
    if not target.is_dir():
        return None, target.stat().st_size
    files = [Path(folder, name) for folder, _, names in os.walk(target) for name in names]
    return len(files), sum(file.stat().st_size for file in files)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _origin_path(target: Path) -> Path:
    return target.with_name(f"{target.name}.origin")


def _temporary(target: Path) -> Path:
    return target.with_name(f"{target.name}.{uuid4().hex}.tmp")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold `folder`, made when needed, against other processes and threads that fetch into it."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            LOGGER.info("waiting for another process that fetches into %s", folder)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError:  # a file system without locks; names are unique, so nothing is mixed up
            yield
            return
        _remove_leftovers(folder)
        yield
    finally:
        os.close(descriptor)


def _remove_leftovers(folder: Path) -> None:
    """Remove what a killed process left; the folder is locked, so nobody is writing it."""
    for path in folder.glob("*.tmp"):
        if re.search(r"\.[0-9a-f]{32}\.tmp$", path.name):
            LOGGER.info("removing %s, left by a process that was ended", path)
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextmanager
def _os_errors_as_ours(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise StorageError(f"can't store {target}: {error.strerror or error}{where}") from error
