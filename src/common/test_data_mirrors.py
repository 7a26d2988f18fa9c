import json
from pathlib import Path

import pytest

from common.data_files import DataFile, DataFiles, Origin, read_origin
from common.errors import DataError, InvalidRequestError
from data_sources import CONTENT, SHA256, URL, WebServer, make_mirror


def test_a_folder_stands_for_the_origin(tmp_path: Path) -> None:
    mirror = make_mirror(tmp_path / "m", {URL: CONTENT})
    target = tmp_path / "data" / "train.jsonl"
    assert DataFiles(mirror).fetch(DataFile(URL), target).read_bytes() == CONTENT
    assert read_origin(target) == Origin(URL, mirror, SHA256, len(CONTENT))


def test_a_url_stands_for_the_origin(web: WebServer, tmp_path: Path) -> None:
    web.files["/m/urls.json"] = json.dumps({URL: "my set/train.jsonl"}).encode()
    web.files["/m/my%20set/train.jsonl"] = CONTENT
    mirror = DataFiles(f"{web.url}/m/")
    assert mirror.fetch(DataFile(URL), tmp_path / "x").read_bytes() == CONTENT
    mirror.fetch(DataFile(URL), tmp_path / "y")
    assert web.requests["/m/urls.json"] == web.requests["/m/checksums.json"] == 1


def test_its_password_is_sent_but_never_shown(web: WebServer, tmp_path: Path) -> None:
    web.files["/urls.json"] = json.dumps({URL: "x"}).encode()
    mirror = DataFiles(web.url.replace("//", "//user:pass@"))
    with pytest.raises(DataError, match="answered 404") as raised:
        mirror.fetch(DataFile(URL), tmp_path / "x")
    assert web.headers["Authorization"] == "Basic dXNlcjpwYXNz"
    assert "user:" not in str(raised.value)
    web.files["/x"] = CONTENT
    mirror.fetch(DataFile(URL), tmp_path / "x")
    assert "user:" not in (tmp_path / "x.origin").read_text()


def test_a_sample_need_not_have_the_digest_of_the_original(tmp_path: Path) -> None:
    mirror = make_mirror(tmp_path / "m", {URL: CONTENT})
    assert DataFiles(mirror).fetch(DataFile(URL, "0" * 64), tmp_path / "x").exists()


def test_its_own_checksums_rule(tmp_path: Path) -> None:
    mirror = make_mirror(tmp_path / "m", {URL: CONTENT}, {"0": SHA256})
    DataFiles(mirror).fetch(DataFile(URL), tmp_path / "x")
    (tmp_path / "m" / "0").write_bytes(CONTENT[:-1])
    with pytest.raises(DataError, match=f"m/0 has SHA-256 .* where {SHA256} is expected"):
        DataFiles(mirror).fetch(DataFile(URL), tmp_path / "y")


def test_what_it_lacks_is_not_fetched_elsewhere(web: WebServer, tmp_path: Path) -> None:
    web.files["/x"] = CONTENT
    mirror = make_mirror(tmp_path / "m", {URL: CONTENT})
    with pytest.raises(DataError, match=f"{mirror} has no copy of {web.url}/x: add it to"):
        DataFiles(mirror).fetch(DataFile(f"{web.url}/x"), tmp_path / "x")
    assert not web.requests


@pytest.mark.parametrize("content", ["{", "[]", '{"a": 1}', "\xff"])
def test_a_broken_urls_file_is_named(tmp_path: Path, content: str) -> None:
    mirror = make_mirror(tmp_path / "m", {})
    (tmp_path / "m" / "urls.json").write_text(content, encoding="latin-1")
    with pytest.raises(DataError, match=r"m/urls.json is not a JSON object of texts"):
        DataFiles(mirror).fetch(DataFile(URL), tmp_path / "x")


def test_a_missing_urls_file_is_named(web: WebServer, tmp_path: Path) -> None:
    for mirror in (str(tmp_path), web.url):
        with pytest.raises(DataError, match=f"mirror {mirror} has no urls.json"):
            DataFiles(mirror).fetch(DataFile(URL), tmp_path / "x")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"mirror {tmp_path}/none is not a folder"):
        DataFiles(f"{tmp_path}/none").fetch(DataFile(URL), tmp_path / "x")


@pytest.mark.parametrize("path", ["/etc/hostname", "../secret", "a/../../secret", ""])
def test_paths_out_of_it_are_refused(tmp_path: Path, path: str) -> None:
    mirror = make_mirror(tmp_path / "m", {})
    (tmp_path / "secret").write_text("s")
    (tmp_path / "m" / "urls.json").write_text(json.dumps({URL: path}))
    with pytest.raises(DataError, match="is not a path below the mirror"):
        DataFiles(mirror).fetch(DataFile(URL), tmp_path / "x")


def test_other_kinds_of_urls_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="neither a folder nor an http"):
        DataFiles(f"file://{tmp_path}")
