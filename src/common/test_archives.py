import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from common.archives import unpack
from common.errors import DataError


def tar_member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def write_tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return path


def write_zip(path: Path, name: str, content: bytes = b"x", mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        zipped.writestr(info, content)
    return path


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "a\\..\\x"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    for archive in (
        write_tar(tmp_path / f"{len(name)}.tar", tar_member(name, b"x")),
        write_zip(tmp_path / f"{len(name)}.zip", name),
    ):
        with pytest.raises(DataError, match="would be written outside of its folder"):
            unpack(archive, tmp_path / f"{archive.name}.d")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_inside_becomes_a_copy(tmp_path: Path, kind: bytes) -> None:
    target = "x" if kind == tarfile.SYMTYPE else "a/x"
    archive = write_tar(
        tmp_path / "t", tar_member("a/x", b"1"), tar_member("a/y", type=kind, linkname=target)
    )
    unpack(archive, tmp_path / "d")
    assert (tmp_path / "d/a/y").read_bytes() == b"1"
    assert not (tmp_path / "d/a/y").is_symlink()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc/passwd", "y", "none", "folder"])
def test_other_links_are_refused(tmp_path: Path, kind: bytes, target: str) -> None:
    archive = write_tar(
        tmp_path / "t",
        tar_member("folder", type=tarfile.DIRTYPE),
        tar_member("y", type=kind, linkname=target),
    )
    with pytest.raises(DataError, match="'y' is a link to no file of the archive"):
        unpack(archive, tmp_path / "d")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    archive = write_tar(tmp_path / "t", tar_member("dev", type=kind))
    with pytest.raises(DataError, match="'dev' is neither a file nor a folder"):
        unpack(archive, tmp_path / "d")


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "z", "link", b"/etc/passwd", mode=0o120777)
    with pytest.raises(DataError, match="'link' is neither a file nor a folder"):
        unpack(archive, tmp_path / "d")


def test_an_archive_that_grows_too_large_is_refused(tmp_path: Path) -> None:
    for archive in (
        write_zip(tmp_path / "z", "bomb", bytes(10**6)),
        write_tar(tmp_path / "t", tar_member("a", bytes(600)), tar_member("b", bytes(600))),
    ):
        with pytest.raises(DataError, match="more than 1000 bytes when unpacked"):
            unpack(archive, tmp_path / f"{archive.name}.d", max_bytes=1000)


def test_files_get_default_permissions(tmp_path: Path) -> None:
    unpack(write_tar(tmp_path / "t", tar_member("x", b"1", mode=0o4777)), tmp_path / "d")
    assert (tmp_path / "d/x").stat().st_mode & 0o7111 == 0


def test_truncated_and_corrupt_archives_are_named_so(tmp_path: Path) -> None:
    whole = write_tar(tmp_path / "t", tar_member("x", bytes(range(256)) * 40)).read_bytes()
    packed = gzip.compress(whole)
    zipped = write_zip(tmp_path / "z", "x", bytes(range(256)) * 40).read_bytes()
    wrong_sum = packed[:-8] + b"\0\0\0\0" + packed[-4:]
    for number, content in enumerate(
        [whole[:5000], packed[:-200], packed[:10], zipped[:-30], wrong_sum, b"PK\x03\x04", b"no"]
    ):
        archive = tmp_path / f"{number}"
        archive.write_bytes(content)
        with pytest.raises(DataError, match=r"not a whole tar or zip archive|a damaged archive"):
            unpack(archive, tmp_path / f"{number}.d")
