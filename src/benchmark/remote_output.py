"""Finished runs anywhere that fsspec reaches: `-o s3://bucket/results`.

A run under way is a database, which needs a disk of this machine: it is kept in a working folder,
and when it is finished its files go to the URL, `stats.json` last, so that a run that has it there
is whole. A run that is there and not here is fetched before it is gone on with.

fsspec: https://filesystem-spec.readthedocs.io
"""

import hashlib
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from common.errors import InvalidRequestError, MissingExtraError, NotFoundError, StorageError

WORK_PATH = Path("benchmark_output", "remote")
# What a finished run is, in the order in which it is written; what comes last makes it whole.
_DATABASE, _LAST = "states.sqlite", "stats.json"
_FILES = ("run_spec.json", "scenario.json", "timings.json")
# Without a run's answers, which no leaderboard needs.
_SHOWN = (*_FILES, _LAST)


class RemoteOutput:
    """The outputs at one URL.

    Args:
        url: Such as `s3://bucket/results`, `gs://…`, `file:///mnt/results`.

    Raises:
        MissingExtraError: fsspec is not installed.
        InvalidRequestError: Nothing is known to reach the URL, or a package for it is missing.

    Attributes:
        name: The URL without what might be secret.
        work_path: The folder of this machine with the same runs, and those under way.
    """

    def __init__(self, url: str) -> None:
        self.name = _without_secrets(url)
        scheme, _, rest = self.name.partition("://")
        digest = hashlib.sha256(self.name.encode()).hexdigest()[:8]
        words = "".join(letter if letter.isalnum() else "-" for letter in f"{scheme}-{rest}")
        self.work_path = WORK_PATH / f"{words[:60].strip('-')}-{digest}"
        try:
            fsspec: Any = import_module("fsspec.core")
        except ImportError as error:
            raise MissingExtraError(f"-o {self.name}", "remote") from error
        try:
            self._files, self._root = fsspec.url_to_fs(url)
        except (ImportError, ValueError) as error:  # no such scheme, or a package of its own
            raise InvalidRequestError(f"-o {self.name} can't be used: {error}") from error
        except Exception as error:  # whatever another package says
            raise self._failed("used", error) from error

    def check_writable(self, suite: str) -> None:
        """Write a file beside the runs of a suite, and delete it.

        Raises:
            StorageError: It can't be written, which is better known before a model is asked.
        """
        folder = self._at(suite)
        trial = f"{folder}/.{uuid.uuid4().hex}"  # others may try at the same time
        with self._told("written"):
            self._make_folder(folder)
            self._put_whole(trial, b"")
            self._files.rm_file(trial)

    def fetch_run(self, suite: str, name: str) -> None:
        """Bring a finished run here, if it is there and nothing of it is here.

        Raises:
            StorageError: It can't be read.
        """
        here = self.work_path / "runs" / suite / name
        if (here / "run_spec.json").exists():
            return
        there = self._at(suite, name)
        with self._told("read"):
            if self._files.exists(f"{there}/{_LAST}"):
                here.mkdir(parents=True, exist_ok=True)
                self._get(there, here, (*_SHOWN, _DATABASE))

    def publish_run(self, suite: str, name: str) -> None:
        """Write a finished run of the working folder to the URL, unless it is there as it is.

        Raises:
            StorageError: It can't be written; the run stays in the working folder.
        """
        here, there = self.work_path / "runs" / suite / name, self._at(suite, name)
        with self._told("written"):
            # Of two executions the times differ.
            same = ("timings.json", _LAST)
            if all(self._content(f"{there}/{file}") == (here / file).read_bytes() for file in same):
                return
            self._make_folder(there)
            if self._files.exists(f"{there}/{_LAST}"):
                self._files.rm_file(f"{there}/{_LAST}")
            for file in _FILES:
                self._files.put_file(str(here / file), f"{there}/{file}")
            with TemporaryDirectory() as folder:
                copy = Path(folder, _DATABASE)
                _copy_database(here / _DATABASE, copy)
                self._files.put_file(str(copy), f"{there}/{_DATABASE}")
            self._put_whole(f"{there}/{_LAST}", (here / _LAST).read_bytes())

    @contextmanager
    def suite(self, name: str, *, with_answers: bool = False) -> Iterator[Path]:
        """A folder of outputs with the finished runs of a suite.

        What is written into the suite's own folder goes to the URL.

        Raises:
            NotFoundError: There is no such suite.
            StorageError: It can't be read or written.
        """
        files = (*_SHOWN, _DATABASE) if with_answers else _SHOWN
        with TemporaryDirectory(prefix="lm-bench-suite-") as folder:
            output_path = Path(folder)
            here, there = output_path / "runs" / name, self._at(name)
            with self._told("read"):
                # Lists are kept by some; another process may have written since.
                self._files.invalidate_cache()
                paths = self._files.glob(f"{there}/*/{_LAST}")
                if not paths:
                    raise NotFoundError(
                        f"there is no finished run in suite {name!r} at {self.name}"
                    )
                for path in sorted(paths):
                    run = path.rsplit("/", 2)[-2]
                    (here / run).mkdir(parents=True)
                    self._get(f"{there}/{run}", here / run, files)
            yield output_path
            with self._told("written"):
                for file in sorted(path for path in here.iterdir() if path.is_file()):
                    self._put_whole(f"{there}/{file.name}", file.read_bytes())

    def delete_run(self, suite: str, name: str) -> None:
        """Delete a run there.

        Raises:
            NotFoundError: There is none.
            StorageError: It can't be deleted.
        """
        there = self._at(suite, name)
        with self._told("written"):
            if not name.strip(".") or "/" in name or not self._files.exists(there):
                raise NotFoundError(f"there is no run {name!r} in suite {suite!r} at {self.name}")
            self._files.rm(there, recursive=True)

    def _at(self, *parts: str) -> str:
        return "/".join((self._root.rstrip("/"), "runs", *parts))

    def _make_folder(self, path: str) -> None:
        # In a bucket there are no folders, and a bucket that is not there is a mistyped one.
        if self._root.startswith("/"):
            self._files.makedirs(path, exist_ok=True)

    def _get(self, there: str, here: Path, names: tuple[str, ...]) -> None:
        # The last one last here as well.
        for name in sorted(names, key=lambda name: name == _LAST):
            self._files.get_file(f"{there}/{name}", str(here / name))

    def _content(self, path: str) -> bytes | None:
        try:
            content: bytes = self._files.cat_file(path)
        except FileNotFoundError:
            return None
        return content

    def _put_whole(self, path: str, content: bytes) -> None:
        """Not every file system replaces a file in one step; all of them can move one."""
        self._files.pipe_file(f"{path}.new", content)
        self._files.mv(f"{path}.new", path)

    @contextmanager
    def _told(self, done: str) -> Iterator[None]:
        try:
            yield
        except (StorageError, NotFoundError):
            raise
        except Exception as error:  # each file system has its own
            raise self._failed(done, error) from error

    def _failed(self, done: str, error: Exception) -> StorageError:
        reason = (str(error).strip() or type(error).__name__).partition("\n")[0]
        is_kept = done == "written" and self.work_path.exists()
        kept = f"; all is kept in {self.work_path}" if is_kept else ""
        return StorageError(f"{self.name} can't be {done} ({reason[:300]}){kept}")


def is_url(output_path: str) -> bool:
    """Whether results go elsewhere than into a folder of this machine."""
    return "://" in output_path


def _without_secrets(url: str) -> str:
    split = urlsplit(url)
    return urlunsplit(split._replace(netloc=split.netloc.rpartition("@")[2], query=""))


def _copy_database(source: Path, target: Path) -> None:
    # Someone may be reading it, and then its last part may lie in another file.
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)
