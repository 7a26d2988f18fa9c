"""Tests of the HTTP layer, over real sockets on 127.0.0.1."""

import gzip
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from email.utils import formatdate
from pathlib import Path

import pytest

from common.errors import (
    CredentialsError,
    DeadlineError,
    InvalidRequestError,
    ModelNotFoundError,
    ProviderError,
    RateLimitError,
    RejectedError,
    UnavailableError,
    UnreachableError,
)
from fake_provider import Behaviour, FakeProvider, Fault
from proxy import http_connection
from proxy.http import Http

KEY = "sk-very-secret-0123456789"
BODY = b'{"model":"m","prompt":"2+2="}'
PROXY_VARIABLES = ["http_proxy", "https_proxy", "no_proxy", "all_proxy"]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def shared_provider() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def provider(shared_provider: FakeProvider) -> FakeProvider:
    shared_provider.set(Behaviour())
    shared_provider.reset()
    return shared_provider


def soon(seconds: float = 10.0) -> float:
    return time.monotonic() + seconds


def answer(body: bytes = b"{}", status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def read_request(connection: socket.socket) -> bytes:
    """One request with its body; empty when the client has closed the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    while length and len(body) < int(length[1]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def server(handle: Callable[[socket.socket], None]) -> Iterator[str]:
    """The URL of a server that calls `handle` in a thread for each connection, then closes it."""

    def run(connection: socket.socket) -> None:
        # A client that has given up ends the connection.
        with connection, suppress(OSError):
            handle(connection)

    def accept() -> None:
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=run, args=[connection], daemon=True).start()

    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def answering(*answers: bytes) -> Callable[[socket.socket], None]:
    """A handler that gives these answers, one a request, on each connection."""

    def handle(connection: socket.socket) -> None:
        for data in answers:
            if not read_request(connection):
                return
            connection.sendall(data)
        connection.recv(1)

    return handle


def unused_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def raised_by(answered: bytes, path: str = "/completions") -> ProviderError:
    with server(answering(answered)) as url, pytest.raises(ProviderError) as raised:
        Http(f"{url}/v1", {"Authorization": f"Bearer {KEY}"}).post(path, BODY, soon())
    return raised.value


# --- Answers ------------------------------------------------------------------------------------


def test_post_sends_the_bytes_and_headers_as_given(provider: FakeProvider) -> None:
    provider.set(Behaviour(require_key=KEY))
    http = Http(f"{provider.url}/v1/", {"Authorization": f"Bearer {KEY}"})
    assert b'"choices"' in http.post("/completions", BODY, soon())
    received = provider.last()[0]
    assert (received.method, received.path) == ("POST", "/v1/completions")
    assert received.body == {"model": "m", "prompt": "2+2="}
    assert received.headers["content-type"] == "application/json"
    assert received.headers["user-agent"].startswith("lm-bench/")


def test_get(provider: FakeProvider) -> None:
    assert b'"data"' in Http(f"{provider.url}/v1").get("/models", soon())
    assert provider.last()[0].method == "GET"


def test_connections_are_kept(provider: FakeProvider) -> None:
    http = Http(f"{provider.url}/v1")
    for _ in range(5):
        http.post("/completions", BODY, soon())
    assert provider.counters().connections == 1


def test_many_threads_share_one_http(
    provider: FakeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.set(Behaviour(latency_seconds=0.02))
    http = Http(f"{provider.url}/v1")
    with ThreadPoolExecutor(64) as threads:
        bodies = [b'{"model":"m","prompt":"%d","echo":true}' % i for i in range(640)]
        answers = list(threads.map(lambda b: http.post("/completions", b, soon(60)), bodies))
    counters = provider.counters()
    assert all(b'"text": "%d ' % i in answer for i, answer in enumerate(answers))
    assert counters.requests == 640
    assert counters.connections <= 64
    assert counters.max_in_flight > 16
    assert not caplog.records


def test_gzip() -> None:
    packed = answer(gzip.compress(b'{"a":1}', mtime=0), "200 OK", "Content-Encoding: gzip")
    with server(answering(packed, packed)) as url:
        http = Http(url)
        assert [http.get("/", soon()) for _ in range(2)] == [b'{"a":1}', b'{"a":1}']


def test_chunks() -> None:
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n1\r\n\n\r\n0\r\n\r\n"
    with server(answering(data, data)) as url:
        http = Http(url)
        assert [http.get("/", soon()) for _ in range(2)] == [b"{}\n\n", b"{}\n\n"]


@pytest.mark.parametrize(
    "data",
    [
        answer(b"x" * 2000),
        answer(gzip.compress(b"x" * 2000, mtime=0), "200 OK", "Content-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2000,
    ],
)
def test_a_too_long_answer_is_an_error(data: bytes) -> None:
    def handle(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(data)

    with server(handle) as url, pytest.raises(ProviderError, match="more than"):
        Http(url, max_answer_bytes=1000).get("/", soon())


# --- Errors -------------------------------------------------------------------------------------

STATUS_ERRORS: list[tuple[str, type[ProviderError]]] = [
    ("400", RejectedError),
    ("401", CredentialsError),
    ("404", ModelNotFoundError),
    ("429", RateLimitError),
    ("500", UnavailableError),
    ("503", UnavailableError),
]


@pytest.mark.parametrize(("kind", "error"), STATUS_ERRORS)
def test_status_errors_carry_the_providers_words(
    provider: FakeProvider, kind: str, error: type[ProviderError]
) -> None:
    provider.set(Behaviour(faults=[{"kind": kind}]))
    host = provider.url.removeprefix("http://")
    with pytest.raises(ProviderError) as raised:
        Http(f"{provider.url}/v1").post("/completions", BODY, soon())
    assert type(raised.value) is error
    assert str(raised.value).startswith(f"{host} answered {kind} ")
    assert "{" not in str(raised.value)


@pytest.mark.parametrize(
    ("status", "error", "is_retryable"),
    [
        ("402 Payment Required", CredentialsError, False),
        ("403 Forbidden", CredentialsError, False),
        ("408 Request Timeout", UnavailableError, True),
        ("409 Conflict", UnavailableError, True),
        ("413 Content Too Large", RejectedError, False),
        ("422 Unprocessable Content", RejectedError, False),
        ("425 Too Early", UnavailableError, True),
        ("502 Bad Gateway", UnavailableError, True),
        ("529 Overloaded", UnavailableError, True),
    ],
)
def test_other_statuses(status: str, error: type[ProviderError], is_retryable: bool) -> None:
    raised = raised_by(answer(b"", status))
    assert type(raised) is error
    assert raised.is_retryable is is_retryable
    assert f"answered {status}: an empty body" in str(raised)


def test_an_account_without_money_is_not_a_rate_limit() -> None:
    body = b'{"error":{"message":"You exceeded your quota","code":"insufficient_quota"}}'
    raised = raised_by(answer(body, "429 Too Many Requests", "Retry-After: 1"))
    assert isinstance(raised, CredentialsError)
    assert "You exceeded your quota" in str(raised)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("Retry-After: 7", 7.0),
        ("Retry-After: 0.5", 0.5),
        ("retry-after-ms: 1500", 1.5),
        ("Retry-After: IN_AN_HOUR", 3600.0),
        ("Retry-After: Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Retry-After: soon", None),
        ("Retry-After: nan", None),
        ("Retry-After: 1.2.3", None),
        ("retry-after-ms: inf", None),
        ("X-Other: 1", None),
    ],
)
@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_the_wait_asked_for(status: str, header: str, seconds: float | None) -> None:
    header = header.replace("IN_AN_HOUR", formatdate(time.time() + 3600, usegmt=True))
    wait = raised_by(answer(b"", status, header)).retry_after
    assert wait == (None if seconds is None else pytest.approx(seconds, abs=60))
    assert wait is None or wait >= 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error":{"message":"no such thing","type":"x"}}', "no such thing"),
        (b'{"error":"no such thing"}', "no such thing"),
        (b'{"message":"no such thing"}', "no such thing"),
        (b'{"detail":{"error":{"message":"no such\\n\\u001b[31m thing"}}}', "no such [31m thing"),
        (b'{"detail":[{"loc":["n"]}]}', '{"detail":[{"loc":["n"]}]}'),
        (b"plain \x00\x07 text", "plain text"),
        (b"\xff\xfe", "\N{REPLACEMENT CHARACTER}" * 2),
        (b"x" * 1000, "x" * 200 + "…"),
        (b'{"error":"' + b"y" * 5000 + b'"}', "y" * 1000 + "…"),
        (
            b"<!DOCTYPE html><title>502 &amp;\n Bad</title>",
            "an HTML page titled '502 & Bad', not JSON",
        ),
        (b" <html><body>oops</body></html>", "an HTML page, not JSON"),
        (b"", "an empty body"),
    ],
)
def test_words(body: bytes, words: str) -> None:
    assert Http("http://localhost").words(body) == words
    assert str(raised_by(answer(body, "400 Bad Request"))).endswith(f"400 Bad Request: {words}")


def test_redirects_are_not_followed() -> None:
    moved = answer(b"", "301 Moved Permanently", "Location: https://elsewhere.test/v2?token=hidden")
    raised = raised_by(moved)
    assert type(raised) is RejectedError
    assert "https://elsewhere.test/v2" in str(raised)
    assert "hidden" not in str(raised)


def test_nobody_listens() -> None:
    url = unused_url()
    with pytest.raises(UnreachableError) as raised:
        Http(f"{url}/v1").post("/completions", BODY, soon())
    address = url.removeprefix("http://")
    assert f"no connection to {address}: Connection refused; is it running" in str(raised.value)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70 + ".test"])
def test_a_host_that_does_not_exist(host: str) -> None:
    with pytest.raises(UnreachableError, match=re.escape(host)):
        Http(f"http://{host}:8000/v1").post("/completions", BODY, soon())


@pytest.mark.parametrize("kind", ["reset", "cut"])
def test_a_lost_connection(provider: FakeProvider, kind: str) -> None:
    provider.set(Behaviour(faults=[{"kind": kind}]))
    with pytest.raises(UnavailableError, match="was lost") as raised:
        Http(f"{provider.url}/v1").post("/completions", BODY, soon())
    assert provider.counters().requests == 1
    assert type(raised.value) is UnavailableError


@pytest.mark.parametrize(
    "data",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 400_000,
    ],
)
def test_what_is_not_http(data: bytes) -> None:
    assert type(raised_by(data)) is UnavailableError


# --- Deadlines ----------------------------------------------------------------------------------


def took(http: Http, seconds: float) -> float:
    start = time.monotonic()
    with pytest.raises(DeadlineError):
        http.post("/completions", BODY, start + seconds)
    return time.monotonic() - start


def test_a_hanging_provider(provider: FakeProvider) -> None:
    provider.set(Behaviour(faults=[{"kind": "hang"}]))
    assert 0.2 <= took(Http(f"{provider.url}/v1"), 0.2) < 3


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        # The beginning of a file name, as gzip has it.
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 100000\r\n\r\n"
        b"\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x03",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 ",
    ],
)
def test_bytes_that_drip_do_not_put_the_deadline_off(start: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(start)
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)

    with server(drip) as url:
        assert 0.3 <= took(Http(url), 0.3) < 3


def test_a_provider_that_does_not_read() -> None:
    with server(lambda connection: time.sleep(5)) as url:
        start = time.monotonic()
        with pytest.raises(DeadlineError):
            Http(url).post("/completions", b"x" * 2**25, start + 0.3)
        assert time.monotonic() - start < 3


def test_a_deadline_in_the_past_asks_nothing(provider: FakeProvider) -> None:
    assert took(Http(provider.url), -1) < 0.1
    assert provider.counters().requests == 0


def test_a_host_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    # With its queue of connections full, the system lets further ones wait.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for connection in waiting:
            connection.setblocking(False)
            connection.connect_ex(address)
        http_ = Http(f"http://127.0.0.1:{address[1]}")
        assert 0.2 <= took(http_, 0.2) < 3
        monkeypatch.setattr(http_connection, "CONNECT_SECONDS", 0.2)
        with pytest.raises(UnreachableError, match=r"within 0\.2 s"):
            http_.post("/completions", BODY, soon())
        for connection in waiting:
            connection.close()


def test_a_kept_connection_has_the_deadline_of_its_next_call(provider: FakeProvider) -> None:
    http = Http(f"{provider.url}/v1")
    http.post("/completions", BODY, soon(0.3))
    provider.set(Behaviour(latency_seconds=0.4))
    http.post("/completions", BODY, soon())
    assert provider.counters().connections == 1


# --- Kept connections that the server has closed ------------------------------------------------


def closing_after(num_answers: int, seen: list[bytes]) -> Callable[[socket.socket], None]:
    """A handler that answers, waits for one more request, and closes without a word."""

    def handle(connection: socket.socket) -> None:
        for _ in range(num_answers):
            seen.append(read_request(connection))
            connection.sendall(answer())
        seen.append(read_request(connection))

    return handle


def test_a_stale_connection_is_replaced() -> None:
    seen: list[bytes] = []
    with server(closing_after(1, seen)) as url:
        http = Http(url)
        for _ in range(4):
            assert http.post("/completions", BODY, soon()) == b"{}"
    assert len([request for request in seen if request]) == 7  # the first, and three sent twice


def test_a_new_connection_that_is_closed_is_no_stale_one() -> None:
    seen: list[bytes] = []
    with server(closing_after(0, seen)) as url, pytest.raises(UnavailableError, match="was lost"):
        Http(url).post("/completions", BODY, soon())
    assert len(seen) == 1


def test_a_request_is_not_repeated_once_an_answer_has_begun() -> None:
    seen: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        connection.sendall(answer())
        seen.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")

    with server(handle) as url:
        http = Http(url)
        http.post("/completions", BODY, soon())
        with pytest.raises(UnavailableError):
            http.post("/completions", BODY, soon())
    assert len(seen) == 2


# --- Addresses, secrets, proxies and certificates -----------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000/v1",
        "api.test/v1",
        "ftp://api.test",
        "http://",
        "http:///v1",
        "http://host:port",
        "http://host:99999",
        "http://host:0",
        "http://[::1",
        "http://a b/v1",
        "http://api.test/v1\n",
        "http://api.test/#x",
        "http://user:hidden@host:port/?key=hidden",
    ],
)
def test_a_base_url_that_can_not_be_used(url: str) -> None:
    with pytest.raises(InvalidRequestError, match="http://localhost:8000/v1") as raised:
        Http(url)
    assert "hidden" not in str(raised.value)


def test_user_and_query_of_the_base_url_are_sent_and_not_shown(provider: FakeProvider) -> None:
    address = provider.url.removeprefix("http://")
    http = Http(f"http://us%C3%A9r:pass%40word@{address}/v1?api-version=2&key=query-secret")
    http.post("/completions", BODY, soon())
    received = provider.last()[0]
    assert received.path == "/v1/completions?api-version=2&key=query-secret"
    assert received.headers["authorization"] == "Basic dXPDqXI6cGFzc0B3b3Jk"
    http.get("/models?limit=2", soon())
    assert provider.last()[1].path == "/v1/models?limit=2&api-version=2&key=query-secret"
    assert http.base_url == f"http://{address}/v1"
    assert http.api_version == "2"
    assert repr(http) == f"Http('http://{address}/v1')"


FAULTS: list[Fault] = [
    {"kind": kind} for kind in ("400", "401", "404", "429", "500", "reset", "cut")
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["kind"])
def test_no_error_shows_a_secret(provider: FakeProvider, fault: Fault) -> None:
    provider.set(Behaviour(faults=[fault]))
    address = provider.url.removeprefix("http://")
    http = Http(
        f"http://user-name:user-password@{address}/v1?key=query-secret",
        {"X-Api-Key": KEY},
    )
    with pytest.raises(ProviderError) as raised:
        http.post("/completions", BODY, soon())
    error: BaseException | None = raised.value
    while error is not None:
        for secret in (KEY, "user-name", "user-password", "query-secret"):
            assert secret not in f"{error} {error!r}"
        error = error.__cause__


@pytest.mark.parametrize(
    "data",
    [
        answer(b'{"error":{"message":"Incorrect API key: %s"}}' % KEY.encode(), "401 No"),
        answer(b"x" * 190 + KEY.encode(), "400 No"),
        answer(b'{"error":"%s"}' % KEY.replace("-", "\\u002d").encode(), "400 No"),
        answer(b"", f"400 {KEY}"),
        answer(b"", "302 Found", f"Location: http://api.test/{KEY}"),
        f"HTTP/1.1 {KEY}\r\n\r\n".encode(),
    ],
)
def test_a_provider_that_quotes_the_key(data: bytes) -> None:
    assert KEY[:8] not in str(raised_by(data))


@pytest.mark.parametrize("value", ["a\nb", "caf\u00e9", "a\x00"])
def test_a_header_that_can_not_be_sent(value: str) -> None:
    with pytest.raises(InvalidRequestError, match="the header X-Key") as raised:
        Http("http://localhost", {"X-Key": value})
    assert value not in str(raised.value)


@pytest.mark.parametrize("name", ["", "X Y", "X:Y", "X\r\nY", "caf\u00e9"])
def test_a_header_name_that_can_not_be_sent(name: str) -> None:
    with pytest.raises(InvalidRequestError, match="can't be the name of a header"):
        Http("http://localhost", {name: "x"})


def test_an_empty_header_is_sent(provider: FakeProvider) -> None:
    Http(f"{provider.url}/v1", {"X-Empty": ""}).post("/completions", BODY, soon())
    assert provider.last()[0].headers["x-empty"] == ""


def test_a_stream_that_is_left_gives_its_connection_back(provider: FakeProvider) -> None:
    http = Http(f"{provider.url}/v1")
    body = b'{"model":"m","prompt":"a b c d e f g h","stream":true}'
    for _ in range(3):
        events = http.events("/completions", body, soon())
        assert b"choices" in next(events)
        events.close()
    whole = list(http.events("/completions", body, soon()))
    assert whole[-1] == b"[DONE]"
    assert len(http._idle_streams) == 1


def test_a_stream_that_hangs_ends_at_its_deadline(provider: FakeProvider) -> None:
    provider.set(Behaviour(faults=[{"kind": "hang"}]))
    http, began = Http(f"{provider.url}/v1"), time.monotonic()
    with pytest.raises(DeadlineError, match=r"within 0\.3 s"):
        list(http.events("/completions", BODY, began + 0.3))
    assert 0.3 <= time.monotonic() - began < 0.9


def test_ctrl_c_ends_the_wait(provider: FakeProvider) -> None:
    provider.set(Behaviour(faults=[{"kind": "hang"}]))
    program = (
        # Processes in the background of a shell ignore Ctrl-C, and hand that on.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "import sys, time; from proxy.http import Http; print('asking', flush=True); "
        "Http(sys.argv[1]).post('/completions', sys.argv[2].encode(), time.monotonic() + 60)"
    )
    command = [sys.executable, "-c", program, f"{provider.url}/v1", BODY.decode()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        until = time.monotonic() + 20
        while not provider.counters().requests and time.monotonic() < until:
            time.sleep(0.01)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert b"KeyboardInterrupt" in process.communicate(timeout=20)[1]
    assert time.monotonic() - began < 5


def test_an_http_proxy_gets_the_whole_url(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    def proxy(connection: socket.socket) -> None:
        for _ in range(2):
            seen.append(read_request(connection))
            connection.sendall(answer(b'{"a":1}'))

    with server(proxy) as url:
        monkeypatch.setenv("http_proxy", url.replace("http://", "http://me:proxy-password@"))
        http = Http("http://model.test:8000/v1?v=1", {"Authorization": f"Bearer {KEY}"})
        assert http.post("/completions", BODY, soon()) == b'{"a":1}'
        assert http.get("/models", soon()) == b'{"a":1}'
    lines = seen[0].decode().split("\r\n")
    assert lines[0] == "POST http://model.test:8000/v1/completions?v=1 HTTP/1.1"
    assert "Host: model.test:8000" in lines
    assert "Proxy-Authorization: Basic bWU6cHJveHktcGFzc3dvcmQ=" in lines


def test_an_https_call_asks_the_proxy_for_a_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    def proxy(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    with server(proxy) as url:
        monkeypatch.setenv("HTTPS_PROXY", url.replace("http://", "http://me:proxy-password@"))
        http = Http("https://model.test/v1", {"Authorization": f"Bearer {KEY}"})
        with pytest.raises(UnreachableError, match="407") as raised:
            http.post("/completions", BODY, soon())
    assert seen[0].startswith(b"CONNECT model.test:443 ")
    assert KEY.encode() not in seen[0]
    assert "HTTPS_PROXY" in str(raised.value)
    assert "proxy-password" not in str(raised.value)


def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    url = unused_url()
    monkeypatch.setenv("http_proxy", url.removeprefix("http://"))
    with pytest.raises(UnreachableError, match=f"the proxy {url.removeprefix('http://')}"):
        Http("http://model.test/v1").post("/completions", BODY, soon())


def test_no_proxy(provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", unused_url())
    monkeypatch.setenv("no_proxy", "model.test,127.0.0.1")
    Http(f"{provider.url}/v1").post("/completions", BODY, soon())


def test_a_proxy_of_another_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://me:hidden@localhost:1080")
    with pytest.raises(InvalidRequestError, match="socks5://localhost:1080") as raised:
        Http("https://model.test/v1")
    assert "hidden" not in str(raised.value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and a certificate for 127.0.0.1 that no authority has signed."""
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command")
    folder = tmp_path_factory.mktemp("tls")
    options = (
        "-x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext subjectAltName=IP:127.0.0.1"
    )
    command = ["openssl", "req", *options.split(), "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    path = folder / "both.pem"
    path.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return path


def over_tls(certificate: Path, handle: Callable[[socket.socket], None]) -> Callable[..., None]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    def handle_tls(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            handle(wrapped)

    return handle_tls


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_private_authority(
    variable: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(certificate))
    with server(over_tls(certificate, answering(answer(), answer()))) as url:
        http = Http(url.replace("http:", "https:"))
        assert [http.post("/", BODY, soon()) for _ in range(2)] == [b"{}", b"{}"]


def test_a_certificate_that_is_not_trusted(certificate: Path) -> None:
    handle = over_tls(certificate, answering(answer()))
    with server(handle) as url, pytest.raises(UnreachableError, match="SSL_CERT_FILE"):
        Http(url.replace("http:", "https:")).post("/", BODY, soon())


def test_the_deadline_holds_over_tls(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def drip(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with server(over_tls(certificate, drip)) as url:
        assert 0.3 <= took(Http(url.replace("http:", "https:")), 0.3) < 3


def test_a_server_without_tls() -> None:
    def handle(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(answer(b"", "400 Bad Request"))

    with server(handle) as url, pytest.raises(UnreachableError, match="no secure connection"):
        Http(url.replace("http:", "https:")).post("/", BODY, soon())


def test_a_handshake_that_hangs() -> None:
    with server(lambda connection: time.sleep(5)) as url:
        assert 0.2 <= took(Http(url.replace("http:", "https:")), 0.2) < 3


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_certificate_file_that_is_missing(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "/no/such/file.pem")
    with pytest.raises(InvalidRequestError, match=f"{variable} names '/no/such/file.pem'"):
        Http("https://model.test")
