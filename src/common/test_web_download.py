import gzip
import hashlib
import socket
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from common.data_files import DataFile, Origin, read_origin
from common.errors import DataError
from data_sources import (
    CONTENT,
    SHA256,
    WebServer,
    names_below,
    origin_files,
    send,
)


def test_a_file_is_fetched_once_and_its_origin_kept(web: WebServer, tmp_path: Path) -> None:
    web.files["/train.jsonl"] = CONTENT
    file = DataFile(f"{web.url}/train.jsonl", SHA256)
    target = tmp_path / "gsm" / "train.jsonl"
    for _ in range(2):
        assert origin_files().fetch(file, target).read_bytes() == CONTENT
    assert web.requests == {"/train.jsonl": 1}
    assert names_below(tmp_path / "gsm") == ["train.jsonl", "train.jsonl.origin"]
    assert read_origin(target) == Origin(file.url, None, SHA256, len(CONTENT))


def test_it_is_asked_for_as_it_is_stored(web: WebServer, tmp_path: Path) -> None:
    body = gzip.compress(CONTENT)
    web.answers["/a.gz"] = lambda it: send(it, 200, body, Content_Encoding="gzip")
    path = origin_files().fetch(DataFile(f"{web.url}/a.gz"), tmp_path / "a.gz")
    assert path.read_bytes() == body
    assert web.headers["Accept-Encoding"] == "identity"


def test_redirects_are_followed(web: WebServer, tmp_path: Path) -> None:
    web.answers["/old"] = lambda it: send(it, 302, b"moved", Location="/new?raw=true")
    web.files["/new?raw=true"] = CONTENT
    path = origin_files().fetch(DataFile(f"{web.url}/old"), tmp_path / "x")
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("target", ["/loop", "file:///etc/hostname"])
def test_redirects_that_lead_nowhere_end(web: WebServer, tmp_path: Path, target: str) -> None:
    web.answers["/loop"] = lambda it: send(it, 301, b"", Location=target)
    with pytest.raises(DataError, match=r"redirects more than 5 times|not an http or https URL"):
        origin_files().fetch(DataFile(f"{web.url}/loop"), tmp_path / "x")


def test_a_missing_file_leaves_nothing(web: WebServer, tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        origin_files().fetch(DataFile(f"{web.url}/none"), tmp_path / "x")
    assert str(raised.value) == (
        f"can't fetch {tmp_path}/x: {web.url}/none answered 404 Not Found; "
        "--data-mirror names a copy to use in its place"
    )
    assert web.requests == {"/none": 1}
    assert names_below(tmp_path) == []


def test_an_empty_file_is_an_error(web: WebServer, tmp_path: Path) -> None:
    web.files["/empty"] = b""
    with pytest.raises(DataError, match="/empty is empty"):
        origin_files().fetch(DataFile(f"{web.url}/empty"), tmp_path / "x")
    assert names_below(tmp_path) == []


def test_a_download_that_breaks_off_is_tried_three_times(web: WebServer, tmp_path: Path) -> None:
    web.answers["/cut"] = lambda it: send(it, 200, CONTENT, Content_Length="1000")
    with pytest.raises(DataError, match=rf"ended after {len(CONTENT)} of 1000 bytes"):
        origin_files().fetch(DataFile(f"{web.url}/cut"), tmp_path / "x")
    assert web.requests["/cut"] == 3
    assert names_below(tmp_path) == []


def test_a_server_that_comes_back_is_enough(
    web: WebServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail_once(handler: BaseHTTPRequestHandler) -> None:
        is_first = web.requests["/busy"] == 1
        send(handler, 503 if is_first else 200, b"busy" if is_first else CONTENT)

    web.answers["/busy"] = fail_once
    path = origin_files().fetch(DataFile(f"{web.url}/busy"), tmp_path / "x")
    assert path.read_bytes() == CONTENT
    assert "answered 503 Service Unavailable; next try in 0 s" in caplog.text


def test_a_host_that_does_not_answer_is_named(web: WebServer, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/x"
        with pytest.raises(DataError, match=rf"{url}: no connection.*Connection refused"):
            origin_files().fetch(DataFile(url), tmp_path / "x")


def test_other_content_than_known_is_refused(web: WebServer, tmp_path: Path) -> None:
    web.files["/x"] = CONTENT + b"more"
    found = hashlib.sha256(CONTENT + b"more").hexdigest()
    with pytest.raises(DataError, match=f"SHA-256 {found} where {SHA256} is expected"):
        origin_files().fetch(DataFile(f"{web.url}/x", SHA256), tmp_path / "x")
    assert names_below(tmp_path) == []


def test_file_urls_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    with pytest.raises(DataError, match="is not an http or https URL"):
        origin_files().fetch(DataFile(f"file://{tmp_path}/secret"), tmp_path / "x")


def test_the_pinned_url_is_fetched(web: WebServer, tmp_path: Path) -> None:
    web.files["/commit/x"] = CONTENT
    file = DataFile(f"{web.url}/main/x", pinned_url=f"{web.url}/commit/x")
    origin_files().fetch(file, tmp_path / "x")
    assert web.requests == {"/commit/x": 1}


def test_a_proxy_is_used_and_its_password_sent(
    web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", web.url.replace("//", "//user:pass@"))
    web.files["http://data.example/x"] = CONTENT
    path = origin_files().fetch(DataFile("http://data.example/x"), tmp_path / "x")
    assert path.read_bytes() == CONTENT
    assert web.headers["Proxy-Authorization"] == "Basic dXNlcjpwYXNz"


def test_hosts_of_no_proxy_are_reached_directly(
    web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    web.files["/x"] = CONTENT
    assert origin_files().fetch(DataFile(f"{web.url}/x"), tmp_path / "x").exists()
