"""`proxy-server` as its users meet it: processes, sockets, keys and logs."""

import http.client
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest

from common.authentication import Authentication
from common.errors import (
    AuthenticationError,
    BenchError,
    InvalidRequestError,
    UnavailableError,
    UnknownNameError,
    UnreachableError,
    UnsupportedFieldError,
)
from common.request import Request, RequestResult
from common.tokenization import DecodeRequest, TokenizationRequest
from fake_provider import Behaviour, FakeProvider
from proxy.accounts.accounts import MEMORY_SECONDS, Accounts
from proxy.deployments import Deployments
from proxy.services.remote_service import RemoteService
from proxy.services.server_service import ServerService
from proxy.services.service import Service
from proxy.store.database import Database
from proxy_process import ProxyProcess
from waiting import until

NUM_CALLERS = 100
PROMPT = "a prompt that is nobody else's business"

# What the provider does where a prompt has such a word; `times` None is for ever.
BEHAVIOUR = Behaviour(
    faults=[
        {"kind": "400", "contains": "reject"},
        {"kind": "401", "contains": "credentials"},
        {"kind": "404", "contains": "unknown"},
        {"kind": "429", "contains": "limit", "retry_after": 100_000},
        {"kind": "hang", "contains": "hang"},
        {"kind": "refusal", "contains": "refuse"},
        {"kind": "length", "contains": "long"},
    ]
)


@pytest.fixture(scope="module", autouse=True)
def _no_http_proxy() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "all_proxy"):
            patch.delenv(name, raising=False)
            patch.delenv(name.upper(), raising=False)
        yield


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    with FakeProvider(BEHAVIOUR) as running:
        yield running


@pytest.fixture(scope="module")
def proxy(
    tmp_path_factory: pytest.TempPathFactory, provider: FakeProvider
) -> Iterator[ProxyProcess]:
    made = ProxyProcess(tmp_path_factory.mktemp("proxy"))
    made.deploy("fake/model", provider.url)
    made.deploy("fake/limited", provider.url)  # after a refusal it is not asked for a while
    made.deploy("fake/impatient", provider.url, timeout=0.3)
    made.deploy("fake/nowhere", f"http://127.0.0.1:{free_port()}")
    with made:
        yield made


@pytest.fixture
def service(proxy: ProxyProcess) -> RemoteService:
    return RemoteService(proxy.url)


@pytest.fixture(scope="module")
def local_service(proxy: ProxyProcess) -> ServerService:
    """What the proxy has inside, with a cache of its own."""
    folder = proxy.folder / "local"
    return ServerService(folder, Deployments(proxy.folder / "prod_env"))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def call(
    proxy: ProxyProcess, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str], Any]:
    """One exchange: status, headers in lower case, and the parsed body."""
    connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=30)
    try:
        key = {"Authorization": f"Bearer {proxy.auth.api_key}"}
        connection.request(method, path, body, key | headers)
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    parsed = msgspec.json.decode(content) if content.startswith(b"{") else content
    return response.status, {k.lower(): v for k, v in response.getheaders()}, parsed


# --- Keys ---------------------------------------------------------------------------------------


def test_the_first_start_makes_a_key_and_later_ones_none(tmp_path: Path) -> None:
    with ProxyProcess(tmp_path) as proxy:
        key = proxy.auth.api_key
        assert proxy.output().count(key) == 1
        assert key not in proxy.log()
        assert stat.S_IMODE(proxy.key_path.stat().st_mode) == 0o600
    with ProxyProcess(tmp_path) as proxy:
        assert proxy.output() == ""
        assert proxy.auth.api_key == key
        RemoteService(proxy.url).make_request(proxy.auth, Request(model="simple/model1"))


def test_a_key_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "proxy_api_key.txt").write_text("precious\n")
    with ProxyProcess(tmp_path) as proxy:
        assert proxy.key_path.read_text() == "precious\n"
        assert "proxy_api_key.txt exists" in proxy.log()
        key = proxy.output().split()[-1]
        RemoteService(proxy.url).get_deployment(Authentication(key), "simple/model1")


def test_a_wrong_key_is_401(proxy: ProxyProcess, service: RemoteService) -> None:
    status, headers, body = call(proxy, "POST", "/api/request", Authorization="Bearer lmb-wrong")
    assert (status, body["error"]["code"]) == (401, "invalid_api_key")
    assert headers["www-authenticate"] == "Bearer"
    with pytest.raises(AuthenticationError, match="not known"):
        service.make_request(Authentication("lmb-wrong"), Request(model="simple/model1"))


def test_a_revocation_acts_within_a_second(proxy: ProxyProcess, service: RemoteService) -> None:
    accounts = Accounts(Database(proxy.database_url))
    made = accounts.create("soon gone")
    auth = Authentication(made.api_key)
    for _ in range(10):  # so that both workers remember the key
        service.get_deployment(auth, "simple/model1")
    accounts.revoke(made.account.key_id)
    time.sleep(MEMORY_SECONDS)
    for _ in range(10):
        with pytest.raises(AuthenticationError):
            service.get_deployment(auth, "simple/model1")


# --- Requests -----------------------------------------------------------------------------------


def test_the_simple_model_answers(proxy: ProxyProcess, service: RemoteService) -> None:
    request = Request(model="simple/model1", prompt="one two", num_completions=2)
    result = service.make_request(proxy.auth, request)
    assert [completion.text for completion in result.completions] == ["two", "one"]
    assert service.make_request(proxy.auth, request).cached


def test_tokenize(proxy: ProxyProcess, service: RemoteService) -> None:
    request = TokenizationRequest(text="one  two é", tokenizer="simple/model1")
    result = service.tokenize(proxy.auth, request)
    assert result.raw_tokens == ["one", "", "two", "é"]


def test_general_info_names_the_models(service: RemoteService) -> None:
    names = [model.name for model in service.get_general_info().all_models]
    assert {"simple/model1", "fake/model"} <= set(names)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"prompt": 1}', 400),
        (b'{"promt": ""}', 400),
        (b" " * 2**25, 413),
    ],
)
def test_malformed_bodies(proxy: ProxyProcess, body: bytes, status: int) -> None:
    try:
        answered, headers, answer = call(proxy, "POST", "/api/request", body)
    except ConnectionError:
        # The server has answered and gone before all of it was sent.
        assert status == 413
        return
    assert answered == status
    assert answer["error"]["request_id"] == headers["x-request-id"]


def test_a_chunked_body_is_read(proxy: ProxyProcess) -> None:
    body = msgspec.json.encode(Request(model="simple/model1", prompt="in pieces"))
    connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=30)
    headers = {"Authorization": f"Bearer {proxy.auth.api_key}"}
    connection.request(
        "POST", "/api/request", iter([body[:9], body[9:]]), headers, encode_chunked=True
    )
    response = connection.getresponse()
    assert response.status == 200, response.read()
    connection.close()


def test_100_identical_requests_reach_the_provider_once(
    proxy: ProxyProcess, provider: FakeProvider
) -> None:
    provider.set(Behaviour(latency_seconds=0.5))
    provider.reset()
    request = Request(model="fake/model", prompt="the same for all")

    def ask(_: int) -> RequestResult:
        # Each with a connection of its own, so that both workers get some.
        return RemoteService(proxy.url).make_request(proxy.auth, request)

    with ThreadPoolExecutor(NUM_CALLERS) as pool:
        results = list(pool.map(ask, range(NUM_CALLERS)))
    assert provider.counters().requests == 1
    assert sum(not result.cached for result in results) == 1
    assert len({msgspec.json.encode(result.completions) for result in results}) == 1
    provider.set(BEHAVIOUR)


# --- Errors, there and back ---------------------------------------------------------------------


def outcome(service: Service, auth: Authentication, request: Request) -> object:
    try:
        result = service.make_request(auth, request)
    except BenchError as error:
        return type(error), str(error)
    return msgspec.structs.replace(result, request_time=None, request_datetime=None)


@pytest.mark.parametrize(
    ("model", "prompt", "expected"),
    [
        ("fake/model", "please do", ("ok", None)),
        ("fake/model", "a long one", ("truncated", None)),
        ("fake/model", "refuse this", ("refused", None)),
        ("fake/model", "reject this", ("error", "provider_rejected")),
        ("fake/model", "credentials", ("error", "provider_credentials")),
        ("fake/model", "unknown", ("error", "provider_not_found")),
        ("fake/limited", "limit", ("error", "provider_rate_limit")),
        ("fake/impatient", "hang", ("error", "provider_timeout")),
        ("fake/nowhere", "hello", ("error", "provider_unreachable")),
    ],
)
def test_a_result_is_the_same_from_near_and_far(
    proxy: ProxyProcess,
    service: RemoteService,
    local_service: ServerService,
    model: str,
    prompt: str,
    expected: tuple[str, str | None],
) -> None:
    request = Request(model=model, prompt=prompt, stop_sequences=["\n"])
    far, near = outcome(service, proxy.auth, request), outcome(local_service, proxy.auth, request)
    assert isinstance(far, RequestResult)
    assert (far.outcome, far.error_code) == expected
    assert far == near


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (Request(model="simple/modle1"), UnknownNameError),
        (Request(model="simple/model1", deployment="nowhere"), UnknownNameError),
        (Request(model="simple/model1", deployment="fake/model"), InvalidRequestError),
        (Request(model="simple/model1", messages=[]), UnsupportedFieldError),
    ],
)
def test_an_error_is_the_same_from_near_and_far(
    proxy: ProxyProcess,
    service: RemoteService,
    local_service: ServerService,
    request_: Request,
    kind: type[BenchError],
) -> None:
    far = outcome(service, proxy.auth, request_)
    assert far == outcome(local_service, proxy.auth, request_)
    assert isinstance(far, tuple)
    assert far[0] is kind


def test_the_rest_is_the_same_from_near_and_far(
    proxy: ProxyProcess, service: RemoteService, local_service: ServerService
) -> None:
    auth = proxy.auth
    tokenization = TokenizationRequest(text="a b", tokenizer="simple/model1")
    assert (
        service.tokenize(auth, tokenization).tokens
        == local_service.tokenize(auth, tokenization).tokens
    )
    assert service.get_general_info() == local_service.get_general_info()
    for name in ("simple/model1", "fake/model"):
        far = service.get_deployment(auth, name, name)
        assert far == local_service.get_deployment(auth, name, name)
    with pytest.raises(UnsupportedFieldError, match="can't decode"):
        service.decode(auth, DecodeRequest(tokens=[1], tokenizer="simple/model1"))


@pytest.mark.parametrize(
    ("model", "prompt", "status"),
    [
        ("fake/model", "refuse this", 200),
        ("fake/model", "reject this", 502),
        ("fake/limited", "limit", 429),
        ("fake/impatient", "hang", 504),
        ("fake/nowhere", "hello", 503),
        ("simple/modle1", "hello", 400),
    ],
)
def test_statuses(proxy: ProxyProcess, model: str, prompt: str, status: int) -> None:
    body = msgspec.json.encode({"model": model, "prompt": prompt})
    answered, _, answer = call(proxy, "POST", "/api/request", body)
    assert answered == status
    assert ("result" in answer) == (status > 400)
    if model == "simple/modle1":
        assert "did you mean 'simple/model1'?" in answer["error"]["message"]


# --- A proxy that is not there, or not well -----------------------------------------------------


def test_no_proxy_is_told_with_its_address() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    pauses: list[float] = []
    service = RemoteService(url, sleep=pauses.append)
    with pytest.raises(UnreachableError, match=f"no proxy at {url}: .* proxy-server"):
        service.get_general_info()
    assert len(pauses) == 3


class Flaky(BaseHTTPRequestHandler):
    """Drops connections until `num_drops` is 0, then answers with `answer`."""

    num_drops = 0
    answer = b""

    def do_GET(self) -> None:
        if Flaky.num_drops:
            Flaky.num_drops -= 1
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def flaky_url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Flaky) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_lost_connection_is_made_anew(flaky_url: str) -> None:
    Flaky.num_drops = 2
    Flaky.answer = b'{"version": "1", "example_queries": [], "all_models": []}'
    pauses: list[float] = []
    assert RemoteService(flaky_url, sleep=pauses.append).get_general_info().version == "1"
    assert len(pauses) == 2
    Flaky.num_drops = 4
    with pytest.raises(UnavailableError, match="lost"):
        RemoteService(flaky_url, sleep=pauses.append).get_general_info()


@pytest.mark.parametrize("text", [b"", b"<html>", b'{"version": 1}'])
def test_another_server_is_not_taken_for_a_proxy(flaky_url: str, text: bytes) -> None:
    Flaky.answer = text
    with pytest.raises(UnavailableError, match="did not answer as a proxy-server"):
        RemoteService(flaky_url).get_general_info()


# --- Start and end ------------------------------------------------------------------------------


def start(*flags: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A start that is expected to fail."""
    command = [sys.executable, "-m", "proxy.server", *flags]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def test_a_port_in_use_is_one_sentence(proxy: ProxyProcess, tmp_path: Path) -> None:
    port = proxy.url.rpartition(":")[2]
    ended = start("-p", port, folder=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert f"port {port} of 127.0.0.1 is in use" in ended.stderr
    # … and no key was made for a server that never was.
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--ssl-key-file", "key.pem"], "go together"),
        (["--ssl-key-file", "key.pem", "--ssl-cert-file", "cert.pem"], "cert.pem"),
        (["--timeout", "10"], "--timeout"),
        (["--workers", "0"], "--workers"),
        (["--port", "70000"], "--port"),
        (["--host", "256.0.0.1"], "256.0.0.1"),
        (["--database", "mysql://x"], "sqlite"),
    ],
)
def test_a_wrong_flag_is_named(tmp_path: Path, flags: list[str], named: str) -> None:
    ended = start("-p", "0", *flags, folder=tmp_path)
    assert ended.returncode == 2
    assert named in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


def test_wrong_deployments_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "prod_env").mkdir()
    (tmp_path / "prod_env" / "model_deployments.yaml").write_text("model_deployments: [{name: 1}]")
    ended = start("-p", "0", folder=tmp_path)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "model_deployments.yaml" in ended.stderr


def test_help_is_quick(tmp_path: Path) -> None:
    code = "import sys, proxy.server; print({'bottle', 'gunicorn', 'sqlalchemy'} & {*sys.modules})"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path) == b"set()\n"
    assert "--base-path" in start("--help", folder=tmp_path).stdout


def test_sigterm_lets_requests_finish(tmp_path: Path) -> None:
    with FakeProvider(Behaviour(latency_seconds=1.5)) as provider, ThreadPoolExecutor() as pool:
        proxy = ProxyProcess(tmp_path)
        proxy.deploy("fake/model", provider.url)
        with proxy:
            service = RemoteService(proxy.url)
            asked = pool.submit(service.make_request, proxy.auth, Request(model="fake/model"))
            until(lambda: provider.counters().in_flight == 1)
            assert proxy.end(signal.SIGTERM) == 0
            assert asked.result().outcome == "ok"
            assert "Traceback" not in proxy.log()


def test_a_connection_that_asks_nothing_does_not_delay_the_end(tmp_path: Path) -> None:
    with ProxyProcess(tmp_path) as proxy:
        host, _, port = proxy.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))):
            time.sleep(5.5)  # gunicorn waits 5 s in a thread, and then much longer elsewhere
            began = time.monotonic()
            assert proxy.end(signal.SIGTERM) == 0
            assert time.monotonic() - began < 5


def test_an_impatient_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    with FakeProvider(BEHAVIOUR) as provider, ThreadPoolExecutor() as pool:
        proxy = ProxyProcess(tmp_path)
        proxy.deploy("fake/model", provider.url)
        with proxy:
            service = RemoteService(proxy.url, sleep=lambda _: None)
            request = Request(model="fake/model", prompt="hang")
            asked = pool.submit(service.make_request, proxy.auth, request)
            until(lambda: provider.counters().in_flight == 1)
            began = time.monotonic()
            proxy.interrupt()
            proxy.interrupt()
            assert proxy.wait() == 0
            assert time.monotonic() - began < 10
            with pytest.raises(UnavailableError):
                asked.result()


def test_the_log_has_no_key_and_no_prompt(tmp_path: Path) -> None:
    with FakeProvider(BEHAVIOUR) as provider:
        proxy = ProxyProcess(tmp_path, "-v")
        proxy.deploy("fake/model", provider.url)
        with proxy:
            for prompt in (PROMPT, f"reject {PROMPT}"):
                body = msgspec.json.encode({"model": "fake/model", "prompt": prompt})
                call(proxy, "POST", "/api/request", body)
            query = f"/api/request?auth={proxy.auth.api_key}&request={PROMPT}".replace(" ", "%20")
            call(proxy, "GET", query)
            send_raw(proxy, f"GET /api/request?{PROMPT} HTTP/1.1\r\n\r\n")
            send_raw(proxy, f"GET / HTTP/1.1\r\nX: {proxy.auth.api_key}\x01\r\n\r\n")
            proxy.end(signal.SIGTERM)
            log = proxy.log()
    assert "POST /api/request 200" in log
    assert "POST /api/request 502" in log
    assert "GET /api/request 405" in log
    assert f"key={proxy.auth.api_key[:12]}\n" in log
    assert proxy.auth.api_key[12:] not in log
    assert PROMPT not in log
    assert "nobody" not in log


def send_raw(proxy: ProxyProcess, text: str) -> None:
    host, _, port = proxy.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(text.encode())
        assert b" 400 " in connection.recv(1000)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
def test_https(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *names, *files],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    flags = ("--ssl-key-file", "key.pem", "--ssl-cert-file", "cert.pem")
    with ProxyProcess(tmp_path, *flags) as proxy:
        assert proxy.url.startswith("https://")
        info = RemoteService(proxy.url).get_deployment(proxy.auth, "simple/model1")
        assert info.name == "simple/model1"
