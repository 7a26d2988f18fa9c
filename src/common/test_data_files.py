import gzip
import io
import logging
import os
import subprocess
import sys
import tarfile
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from common.data_files import DataFile, DataFiles, read_origin
from common.errors import DataError, StorageError
from data_sources import (
    CONTENT,
    SHA256,
    URL,
    WebServer,
    make_mirror,
    names_below,
    origin_files,
    send,
)


def tar_of(*members: tuple[str, bytes | None]) -> bytes:
    """A tar archive of files (with content) and folders (None)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            info.size = len(content or b"")
            tar.addfile(info, io.BytesIO(content or b""))
    return buffer.getvalue()


def zip_of(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, content in members:
            zipped.writestr(name, content)
    return buffer.getvalue()


class TestStaleTargets:
    def test_a_sample_is_not_taken_for_the_full_data(self, web: WebServer, tmp_path: Path) -> None:
        web.files["/x"] = CONTENT
        file = DataFile(f"{web.url}/x", SHA256)
        mirror = DataFiles(make_mirror(tmp_path / "m", {file.url: b"sample"}))
        target = tmp_path / "x"
        for source, content in [
            (mirror, b"sample"),
            (origin_files(), CONTENT),
            (mirror, b"sample"),
        ]:
            assert source.fetch(file, target).read_bytes() == content
        other = DataFiles(make_mirror(tmp_path / "other", {file.url: b"other sample"}))
        assert other.fetch(file, target).read_bytes() == b"other sample"

    def test_another_pin_is_fetched_again(self, web: WebServer, tmp_path: Path) -> None:
        web.files |= {"/1": b"old", "/2": b"new"}
        for pin in ("1", "2"):
            file = DataFile(f"{web.url}/main", pinned_url=f"{web.url}/{pin}")
            path = origin_files().fetch(file, tmp_path / "x")
        assert path.read_bytes() == b"new"

    @pytest.mark.parametrize("length", [0, 5, 100])
    def test_a_file_of_another_size_is_an_error(self, tmp_path: Path, length: int) -> None:
        files = DataFiles(make_mirror(tmp_path / "m", {URL: CONTENT}))
        target = files.fetch(DataFile(URL), tmp_path / "x")
        target.write_bytes(b"y" * length)
        with pytest.raises(DataError) as raised:
            files.fetch(DataFile(URL), target)
        assert str(raised.value) == (
            f"{target} holds {length} bytes, not {len(CONTENT)} bytes: delete it to fetch it again"
        )
        target.unlink()
        assert files.fetch(DataFile(URL), target).read_bytes() == CONTENT

    def test_a_file_of_unknown_origin_is_fetched_again(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(b"from somewhere")
        (tmp_path / "x.origin").write_bytes(b"{")
        files = DataFiles(make_mirror(tmp_path / "m", {URL: CONTENT}))
        assert files.fetch(DataFile(URL), tmp_path / "x").read_bytes() == CONTENT

    def test_a_file_of_unknown_origin_is_kept_if_its_digest_is_right(
        self, web: WebServer, tmp_path: Path
    ) -> None:
        (tmp_path / "x").write_bytes(CONTENT)
        origin_files().fetch(DataFile(f"{web.url}/x", SHA256), tmp_path / "x")
        assert not web.requests
        assert read_origin(tmp_path / "x") is not None

    def test_a_failed_fetch_leaves_the_old_file(self, web: WebServer, tmp_path: Path) -> None:
        file = DataFile(f"{web.url}/x")
        mirror = DataFiles(make_mirror(tmp_path / "m", {file.url: CONTENT}))
        mirror.fetch(file, tmp_path / "x")
        with pytest.raises(DataError, match="404"):
            origin_files().fetch(file, tmp_path / "x")
        assert mirror.fetch(file, tmp_path / "x").read_bytes() == CONTENT

    def test_what_a_killed_process_left_is_removed(self, tmp_path: Path) -> None:
        (tmp_path / f"x.{'0' * 32}.tmp").write_bytes(b"half")
        (tmp_path / f"y.{'0' * 32}.tmp").mkdir()
        (tmp_path / "mine.tmp").write_bytes(b"kept")
        DataFiles(make_mirror(tmp_path / "m", {URL: CONTENT})).fetch(DataFile(URL), tmp_path / "x")
        assert [path.name for path in tmp_path.glob("*.tmp")] == ["mine.tmp"]


class TestFolders:
    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_a_read_only_folder_is_named(self, tmp_path: Path) -> None:
        files = DataFiles(make_mirror(tmp_path / "m", {URL: CONTENT}))
        folder = tmp_path / "data"
        folder.mkdir(mode=0o555)
        with pytest.raises(StorageError, match=r"can't store .*data/x: Permission denied"):
            files.fetch(DataFile(URL), folder / "x")

    def test_a_folder_that_can_not_be_made_is_named(self, tmp_path: Path) -> None:
        files = DataFiles(make_mirror(tmp_path / "m", {URL: CONTENT}))
        (tmp_path / "file").write_text("no folder")
        with pytest.raises(StorageError, match=f"can't store {tmp_path}/file/x: "):
            files.fetch(DataFile(URL), tmp_path / "file" / "x")

    def test_what_is_there_is_read_without_writing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        files = DataFiles(make_mirror(tmp_path / "m", {URL: CONTENT}))
        files.fetch(DataFile(URL), tmp_path / "data" / "x")
        monkeypatch.setattr(Path, "mkdir", lambda *_, **__: pytest.fail("wrote"))
        monkeypatch.setattr(Path, "write_bytes", lambda *_: pytest.fail("wrote"))
        assert files.fetch(DataFile(URL), tmp_path / "data" / "x").exists()

    def test_threads_share_one_download(self, web: WebServer, tmp_path: Path) -> None:
        web.files["/x"] = CONTENT
        file = DataFile(f"{web.url}/x", SHA256)
        with ThreadPoolExecutor(8) as pool:
            paths = list(pool.map(lambda _: origin_files().fetch(file, tmp_path / "x"), range(8)))
        assert {path.read_bytes() for path in paths} == {CONTENT}
        assert web.requests == {"/x": 1}
        assert names_below(tmp_path) == ["x", "x.origin"]

    def test_processes_share_one_download(self, web: WebServer, tmp_path: Path) -> None:
        web.files["/a.tar"] = tar_of(("data", None), ("data/x.csv", CONTENT))
        code = (
            "import sys; from pathlib import Path; from common.data_files import *\n"
            "path = DataFiles().fetch_archive(DataFile(sys.argv[1]), Path(sys.argv[2]))\n"
            "print((path / 'x.csv').read_text(), end='')"
        )
        command = [sys.executable, "-c", code, f"{web.url}/a.tar", str(tmp_path / "data")]
        source = str(Path(__file__).parents[1])
        processes = [
            subprocess.Popen(
                command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": source}
            )
            for _ in range(3)
        ]
        assert [process.communicate()[0] for process in processes] == [CONTENT] * 3
        assert web.requests == {"/a.tar": 1}

    def test_without_locks_nothing_is_mixed_up(
        self, web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_locks(*_: object) -> None:
            raise OSError("no locks available")

        monkeypatch.setattr("fcntl.flock", no_locks)
        web.files["/x"] = CONTENT
        file = DataFile(f"{web.url}/x", SHA256)
        with ThreadPoolExecutor(8) as pool:
            paths = list(pool.map(lambda _: origin_files().fetch(file, tmp_path / "x"), range(8)))
        assert {path.read_bytes() for path in paths} == {CONTENT}
        assert names_below(tmp_path) == ["x", "x.origin"]

    def test_waiting_is_said(
        self, web: WebServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        has_begun, may_go_on = threading.Event(), threading.Event()

        def slow(handler: BaseHTTPRequestHandler) -> None:
            has_begun.set()
            may_go_on.wait(10)
            send(handler, 200, CONTENT)

        web.answers["/x"] = slow
        file = DataFile(f"{web.url}/x")
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(origin_files().fetch, file, tmp_path / "x")
            assert has_begun.wait(10)
            second = pool.submit(origin_files().fetch, file, tmp_path / "x")
            while "waiting for another process" not in caplog.text and not second.done():
                may_go_on.wait(0.005)
            may_go_on.set()
            assert first.result() == second.result()
        assert web.requests == {"/x": 1}


class TestArchives:
    def fetch(self, tmp_path: Path, content: bytes) -> Path:
        files = DataFiles(make_mirror(tmp_path / "m", {URL: content}))
        return files.fetch_archive(DataFile(URL), tmp_path / "data")

    @pytest.mark.parametrize(
        "content",
        [
            tar_of(("./top", None), ("./top/a/x.csv", CONTENT)),
            gzip.compress(tar_of(("top/a/x.csv", CONTENT))),
            zip_of(("top/a/x.csv", CONTENT)),
        ],
        ids=["tar", "tar.gz", "zip"],
    )
    def test_a_single_folder_is_the_target(self, tmp_path: Path, content: bytes) -> None:
        folder = self.fetch(tmp_path, content)
        assert [path.read_bytes() for path in folder.glob("a/x.csv")] == [CONTENT]
        origin = read_origin(folder)
        assert origin is not None
        assert (origin.num_files, origin.num_bytes) == (1, len(CONTENT))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "data.origin", "m"]

    def test_several_entries_stay_as_they_are(self, tmp_path: Path) -> None:
        folder = self.fetch(tmp_path, zip_of(("top/x", CONTENT), ("__MACOSX/x", b"-")))
        assert names_below(folder) == ["__MACOSX", "__MACOSX/x", "top", "top/x"]

    def test_a_single_file_stays_in_the_folder(self, tmp_path: Path) -> None:
        assert names_below(self.fetch(tmp_path, tar_of(("x.csv", CONTENT)))) == ["x.csv"]

    def test_it_is_unpacked_once_and_replaced_whole(self, tmp_path: Path) -> None:
        folder = self.fetch(tmp_path, tar_of(("top/x", b"1"), ("top/y", b"1")))
        (folder / ".DS_Store").write_text("a file browser was here")
        files = DataFiles(str(tmp_path / "m"))
        files.fetch_archive(DataFile(URL), folder)
        assert (folder / ".DS_Store").exists()
        other = DataFiles(make_mirror(tmp_path / "other", {URL: tar_of(("top/x", b"2"))}))
        other.fetch_archive(DataFile(URL), folder)
        assert names_below(folder) == ["x"]

    def test_a_folder_that_lost_a_file_is_an_error(self, tmp_path: Path) -> None:
        folder = self.fetch(tmp_path, tar_of(("top/x", b"123"), ("top/y", b"4")))
        (folder / "y").unlink()
        with pytest.raises(DataError, match="holds 3 bytes in 1 files, not 4 bytes in 2 files"):
            DataFiles(str(tmp_path / "m")).fetch_archive(DataFile(URL), folder)

    def test_a_damaged_archive_leaves_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"can't fetch .*data: not a whole tar or zip archive"):
            self.fetch(tmp_path, b"<html>Sign in</html>")
        assert [path.name for path in tmp_path.iterdir()] == ["m"]

    def test_an_empty_archive_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="the archive is empty"):
            self.fetch(tmp_path, tar_of())
