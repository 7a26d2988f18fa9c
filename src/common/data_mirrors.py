"""Copies of data sets under one address, for machines that can't or shouldn't reach the origins.

A mirror is a folder or an http(s) URL. Its `urls.json` maps each original URL to a path below the
mirror; an optional `checksums.json` maps such paths to SHA-256 digests. A mirror may hold samples:
what it serves is checked against its own checksums, never against those of the originals.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from shutil import copyfile
from urllib.parse import quote

import msgspec

from common.errors import DataError, InvalidRequestError

URLS_FILE = "urls.json"
CHECKSUMS_FILE = "checksums.json"


class Mirror(ABC):
    """A copy of data sets; `location` is what names it in messages and stored files."""

    location: str

    @abstractmethod
    def read_if_there(self, path: str) -> bytes | None:
        """Return the content of a small file of the mirror; None when there is none."""

    @abstractmethod
    def copy(self, path: str, target: Path) -> None:
        """Write the file at `path` below the mirror to `target`. Raises DataError, OSError."""

    def path_of(self, url: str) -> str:
        """Return where the copy of `url` is below the mirror. Raises DataError when nowhere."""
        path = self._paths.get(_single_slashes(url))
        if path is None:
            raise DataError(
                f"the data mirror {self.location} has no copy of {url}: add it to the mirror's "
                f"{URLS_FILE}, or run without --data-mirror to fetch it from there"
            )
        parts = PurePosixPath(path).parts
        if not parts or parts[0] == "/" or ".." in parts:
            raise DataError(
                f"{self.location}/{URLS_FILE}: {path!r} is not a path below the mirror ({url})"
            )
        return path

    def sha256_of(self, path: str) -> str | None:
        """Return the digest that the mirror itself states for `path`, if it does."""
        return self._checksums.get(path)

    @cached_property
    def _paths(self) -> dict[str, str]:
        content = self.read_if_there(URLS_FILE)
        if content is None:
            raise DataError(
                f"the data mirror {self.location} has no {URLS_FILE}, which maps each original URL "
                "to a path below the mirror"
            )
        paths = self._texts(URLS_FILE, content)
        return {_single_slashes(url): path for url, path in paths.items()}

    @cached_property
    def _checksums(self) -> dict[str, str]:
        content = self.read_if_there(CHECKSUMS_FILE)
        return {} if content is None else self._texts(CHECKSUMS_FILE, content)

    def _texts(self, name: str, content: bytes) -> dict[str, str]:
        try:
            return msgspec.json.decode(content, type=dict[str, str])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise DataError(
                f"{self.location}/{name} is not a JSON object of texts: {error}"
            ) from error


def _single_slashes(url: str) -> str:
    """Published URLs of data sets write "/data//train.jsonl" and "/data/train.jsonl" alike."""
    return re.sub(r"(?<!:)/{2,}", "/", url)


class FolderMirror(Mirror):
    """A mirror in a folder of this machine."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder).expanduser().resolve()
        self.location = str(self._folder)

    def read_if_there(self, path: str) -> bytes | None:
        if not self._folder.is_dir():
            raise DataError(f"the data mirror {self.location} is not a folder")
        file = self._folder / path
        return file.read_bytes() if file.exists() else None

    def copy(self, path: str, target: Path) -> None:
        file = self._folder / path
        if not file.is_file():
            raise DataError(f"{file}: no such file, though the mirror's {URLS_FILE} names it")
        copyfile(file, target)


class WebMirror(Mirror):
    """A mirror below an http or https URL, which may hold a user name and a password."""

    def __init__(self, url: str, waits_seconds: Sequence[float]) -> None:
        self._url = url.rstrip("/")
        self._waits_seconds = waits_seconds
        self.location = re.sub(r"(?<=://)[^/?#]*@", "", self._url)

    def read_if_there(self, path: str) -> bytes | None:
        from common.web_download import read_if_there

        return read_if_there(f"{self._url}/{quote(path)}", self._waits_seconds)

    def copy(self, path: str, target: Path) -> None:
        copy_url(f"{self._url}/{quote(path)}", target, self._waits_seconds)


def open_mirror(address: str, waits_seconds: Sequence[float]) -> Mirror:
    """Return the mirror at `address`, a folder or an http(s) URL, without reaching for it yet.

    Raises:
        InvalidRequestError: It is a URL of another kind.
    """
    if address.lower().startswith(("http://", "https://")):
        return WebMirror(address, waits_seconds)
    if "://" in address:
        raise InvalidRequestError(
            f"the data mirror {address!r} is neither a folder nor an http or https URL; "
            "a folder is given by its path"
        )
    return FolderMirror(address)


def copy_url(url: str, target: Path, waits_seconds: Sequence[float]) -> None:
    """Write what is at `url` to `target`. Raises DataError and OSError as `Mirror.copy`."""
    # Here and above, not at the top: urllib3 takes 0.1 s to import, and most runs download nothing.
    from common.web_download import download

    download(url, target, waits_seconds)
