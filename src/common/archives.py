"""Unpacks tar and zip archives that were downloaded, and so are not to be trusted."""

import gzip
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from common.errors import DataError

MAX_UNPACKED_BYTES = 20 * 10**9
CHUNK_BYTES = 1 << 18


def unpack(archive: Path, folder: Path, max_bytes: int = MAX_UNPACKED_BYTES) -> None:
    """Unpack `archive` (tar, tar.gz or zip, told apart by content) into a new `folder`.

    Only plain files and folders are written, all below `folder` and with default permissions. A
    link inside a tar becomes a copy of the file it names.

    Raises:
        DataError: It is no archive, is damaged, holds a name or link that leads out of it, a device
            or an encrypted file, or is larger than `max_bytes` when unpacked.
        OSError: `folder` can't be written.
    """
    folder.mkdir()
    writer = _Writer(folder, max_bytes)
    with archive.open("rb") as file, _damage_as_data_error():
        start = file.read(4)
        file.seek(0)
        if start in (b"PK\x03\x04", b"PK\x05\x06"):
            _unpack_zip(file, writer)
        elif start.startswith(b"\x1f\x8b"):
            with gzip.open(file) as unzipped:
                _unpack_tar(unzipped, writer)
        else:
            _unpack_tar(file, writer)


class _Writer:
    """Writes members below a folder, up to a number of bytes in all."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = self._bytes_left = max_bytes

    def make_folder(self, name: str) -> None:
        self._path(name).mkdir(parents=True, exist_ok=True)

    def write(self, name: str, content: IO[bytes]) -> None:
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            while chunk := content.read(CHUNK_BYTES):
                self._bytes_left -= len(chunk)
                if self._bytes_left < 0:
                    raise DataError(f"more than {self._max_bytes} bytes when unpacked")
                file.write(chunk)

    def _path(self, name: str) -> Path:
        parts = PurePosixPath(name).parts
        if name.startswith("/") or ".." in parts or "\\" in name or "\0" in name:
            raise DataError(f"member {name!r} would be written outside of its folder")
        return self._folder.joinpath(*parts)


def _unpack_tar(file: IO[bytes] | gzip.GzipFile, writer: _Writer) -> None:
    with tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
            if member.isdir():
                writer.make_folder(member.name)
                continue
            if not (member.isfile() or member.issym() or member.islnk()):
                raise DataError(f"member {member.name!r} is neither a file nor a folder")
            writer.write(member.name, _tar_content(tar, member))
    while file.read(CHUNK_BYTES):  # to the end, where gzip keeps its checksum
        pass


def _tar_content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    try:
        content = tar.extractfile(member)
    except (KeyError, RecursionError):
        content = None
    if content is None:
        raise DataError(f"member {member.name!r} is a link to no file of the archive")
    return content


def _unpack_zip(file: IO[bytes], writer: _Writer) -> None:
    with zipfile.ZipFile(file) as zipped:
        for member in zipped.infolist():
            mode = member.external_attr >> 16
            if member.is_dir():
                writer.make_folder(member.filename)
            elif stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                raise DataError(f"member {member.filename!r} is neither a file nor a folder")
            else:
                with zipped.open(member) as content:
                    writer.write(member.filename, content)


@contextmanager
def _damage_as_data_error() -> Iterator[None]:
    try:
        yield
    except tarfile.ReadError as error:
        raise DataError(f"not a whole tar or zip archive ({error})") from error
    except (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(f"a damaged archive ({error})") from error
    except RuntimeError as error:  # encrypted, or an unknown compression
        raise DataError(f"an archive of a kind that can't be unpacked ({error})") from error
