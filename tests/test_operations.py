"""`proxy-server` as who looks after it meets it: states, counts, signals, logs, slow clients."""

import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlencode

import pytest

from common.request import Request
from fake_provider import Behaviour, FakeProvider
from proxy.services.remote_service import RemoteService
from proxy_process import ProxyProcess
from waiting import until

PROMPT = "a prompt that is nobody else's business"
needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="makes its certificate with openssl"
)


@pytest.fixture(autouse=True)
def _no_http_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def address(proxy: ProxyProcess) -> tuple[str, int]:
    host, _, port = proxy.url.rpartition("/")[2].partition(":")
    return host, int(port)


def get(proxy: ProxyProcess, path: str, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(*address(proxy), timeout=30)
    try:
        connection.request(
            "GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


# --- States and counts --------------------------------------------------------------------------


def values(proxy: ProxyProcess) -> dict[str, float]:
    lines = get(proxy, "/metrics")[1].splitlines()
    pairs = (line.rpartition(" ")[::2] for line in lines if not line.startswith("#"))
    return {name.removeprefix("lm_bench_"): float(value) for name, value in pairs}


def test_counts_are_of_all_workers(tmp_path: Path) -> None:
    behaviour = Behaviour(faults=[{"kind": "400", "contains": "reject"}])
    with FakeProvider(behaviour) as provider:
        proxy = ProxyProcess(tmp_path)
        proxy.deploy("fake/model", provider.url)
        with proxy, ThreadPoolExecutor(8) as pool:
            assert get(proxy, "/readyz") == (200, "ready\n")

            def ask(number: int) -> None:
                # With a connection of its own, so that each worker gets some.
                prompt = "reject" if number == 0 else f"{number % 10}"
                request = Request(model="fake/model", prompt=prompt)
                RemoteService(proxy.url).make_request(proxy.auth, request)

            list(pool.map(ask, range(41)))
            get(proxy, "/nowhere")
            # Each is counted when its last byte has been sent.
            counted = 'http_request_seconds_count{route="%s"}'

            def whole_counts() -> dict[str, float] | None:
                # One answer for all: the next may count the end of this one too late.
                found = values(proxy)
                is_whole = (
                    counted % "none" in found
                    and found.get(counted % "/api/request") == 41
                    and found["http_requests_in_flight"] == 1
                )
                return found if is_whole else None

            found = until(whole_counts)
    posted = 'http_requests_total{method="POST",route="/api/request",status='
    assert found[f'{posted}"200"}}'] == 40
    assert found[f'{posted}"502"}}'] == 1
    assert found['http_requests_total{method="GET",route="none",status="404"}'] == 1
    assert found['http_request_seconds_count{route="/api/request"}'] == 41
    assert found['cache_lookups_total{model="fake/model",result="hit"}'] == 30
    assert found['cache_lookups_total{model="fake/model",result="miss"}'] == 11
    assert found['provider_calls_total{model="fake/model",outcome="ok"}'] == 10
    assert found['provider_calls_total{model="fake/model",outcome="provider_rejected"}'] == 1
    assert found['tokens_total{model="fake/model",kind="completion"}'] > 0
    assert found["http_requests_in_flight"] == 1  # the one that asks for this


def test_counts_are_for_this_machine_and_for_holders_of_keys(tmp_path: Path) -> None:
    with ProxyProcess(tmp_path) as proxy:
        assert get(proxy, "/metrics")[0] == 200
        assert get(proxy, "/metrics", X_Forwarded_For="203.0.113.9")[0] == 401
        key = f"Bearer {proxy.auth.api_key}"
        assert get(proxy, "/metrics", X_Forwarded_For="203.0.113.9", Authorization=key)[0] == 200


def test_a_killed_worker_is_replaced_and_its_counts_stay(tmp_path: Path) -> None:
    series = 'http_requests_total{method="GET",route="/healthz",status="200"}'
    with ProxyProcess(tmp_path, "-w", "1") as proxy:
        get(proxy, "/healthz")
        until(lambda: values(proxy).get(series) == 1)
        [worker] = proxy.workers()
        os.kill(worker, signal.SIGKILL)
        until(lambda: proxy.workers() not in ([], [worker]))
        get(proxy, "/healthz")
        until(lambda: values(proxy).get(series) == 2)


# --- Signals ------------------------------------------------------------------------------------


def test_an_ending_server_refuses_and_says_so_but_finishes(tmp_path: Path) -> None:
    with FakeProvider(Behaviour(latency_seconds=2.0)) as provider, ThreadPoolExecutor() as pool:
        proxy = ProxyProcess(tmp_path, "-w", "1")
        proxy.deploy("fake/model", provider.url)
        with proxy:
            kept = http.client.HTTPConnection(*address(proxy), timeout=30)
            kept.request("GET", "/readyz")
            assert kept.getresponse().read() == b"ready\n"
            service = RemoteService(proxy.url)
            asked = pool.submit(service.make_request, proxy.auth, Request(model="fake/model"))
            until(lambda: provider.counters().in_flight == 1)
            proxy.send_signal(signal.SIGTERM)
            until(lambda: not is_open(proxy))
            kept.request("GET", "/readyz")
            response = kept.getresponse()
            assert (response.status, response.read()) == (503, b"ending\n")
            assert asked.result().outcome == "ok"
            assert proxy.wait() == 0


def is_open(proxy: ProxyProcess) -> bool:
    try:
        socket.create_connection(address(proxy), timeout=5).close()
    except ConnectionError:
        return False
    return True


def make_certificate(folder: Path, name: str) -> None:
    names = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *names, *files],
        cwd=folder,
        check=True,
        capture_output=True,
    )


def certificate_of(proxy: ProxyProcess) -> str:
    return ssl.get_server_certificate(address(proxy))


@contextmanager
def hammering(proxy: ProxyProcess) -> Iterator[list[int]]:
    """Send requests, each with a connection of its own, and collect the statuses."""
    statuses: list[int] = []
    end = Event()
    context = ssl._create_unverified_context()

    def hammer() -> None:
        while not end.is_set():
            connection = http.client.HTTPSConnection(*address(proxy), timeout=30, context=context)
            connection.request("GET", "/healthz", headers={"Connection": "close"})
            statuses.append(connection.getresponse().status)
            connection.close()

    with ThreadPoolExecutor() as pool:
        running = [pool.submit(hammer) for _ in range(4)]
        try:
            yield statuses
        finally:
            end.set()
        for each in running:
            each.result()


@needs_openssl
def test_a_new_certificate_is_taken_up_without_losing_a_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_certificate(tmp_path, "old")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    flags = ("--ssl-key-file", "key.pem", "--ssl-cert-file", "cert.pem")
    with FakeProvider(Behaviour(latency_seconds=2.0)) as provider, ThreadPoolExecutor() as pool:
        proxy = ProxyProcess(tmp_path, *flags)
        proxy.deploy("fake/model", provider.url)
        with proxy:
            assert "only this machine reaches 127.0.0.1" in proxy.log()
            service = RemoteService(proxy.url)
            slow = pool.submit(service.make_request, proxy.auth, Request(model="fake/model"))
            until(lambda: provider.counters().in_flight == 1)
            old = certificate_of(proxy)
            with hammering(proxy) as statuses:
                until(lambda: len(statuses) > 10)
                make_certificate(tmp_path, "new")
                proxy.send_signal(signal.SIGHUP)
                until(lambda: certificate_of(proxy) != old)
                until(lambda: len({certificate_of(proxy) for _ in range(10)}) == 1)
                # A file that can't be read changes nothing.
                new = certificate_of(proxy)
                (tmp_path / "cert.pem").write_text("no certificate")
                proxy.send_signal(signal.SIGHUP)
                until(lambda: "what was read before stays in use" in proxy.log())
                assert certificate_of(proxy) == new
            assert set(statuses) == {200}
            assert slow.result().outcome == "ok"


def test_models_are_read_again(tmp_path: Path) -> None:
    with FakeProvider() as provider, ProxyProcess(tmp_path) as proxy:
        service = RemoteService(proxy.url)
        assert service.get_general_info().all_models  # it is up
        proxy.deploy("fake/model", provider.url)
        proxy.send_signal(signal.SIGHUP)

        def is_known() -> bool:
            models = service.get_general_info().all_models
            return any(model.name == "fake/model" for model in models)

        until(is_known)


# --- Log ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_flag", [True, False])
def test_a_log_of_objects(tmp_path: Path, is_flag: bool) -> None:
    (tmp_path / "prod_env").mkdir()
    setting = "" if is_flag else "logFormat = json"
    (tmp_path / "prod_env" / "service.conf").write_text(setting)
    flags = ("--log-format", "json") if is_flag else ()
    with ProxyProcess(tmp_path, *flags) as proxy:
        request = Request(model="simple/model1", prompt=PROMPT)
        RemoteService(proxy.url).make_request(proxy.auth, request)
        get(proxy, f"/nowhere?key={proxy.auth.api_key}")
        proxy.end(signal.SIGTERM)
        lines = [json.loads(line) for line in proxy.log().splitlines()]
        key = proxy.auth.api_key
    [made] = [line for line in lines if line.get("path") == "/api/request"]
    assert made.keys() == {
        *("time", "level", "logger", "request_id", "key_prefix"),
        *("method", "path", "status", "seconds", "bytes"),
    }
    assert (made["method"], made["status"], made["key_prefix"]) == ("POST", 200, key[:12])
    assert any(line.get("path") == "/nowhere" and line["status"] == 404 for line in lines)
    assert key[12:] not in str(lines)
    assert "nobody" not in str(lines)


# --- Slow clients -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxyProcess]:
    """A server of one thread that waits half a second for its clients."""
    with ImpatientProcess(tmp_path_factory.mktemp("impatient")) as running:
        yield running


class ImpatientProcess(ProxyProcess):
    """Runs with settings that have no flag."""

    def command(self) -> list[str]:
        script = (
            "import logging; from pathlib import Path; from proxy.serving import Settings, serve\n"
            "logging.basicConfig(level=logging.INFO)\n"
            "serve(Settings(host='127.0.0.1', port=0, base_path=Path('prod_env'),"
            " database_url='sqlite:///prod_env/proxy.sqlite', num_workers=1, num_threads=1,"
            " timeout_seconds=20, ssl_key_file=None, ssl_cert_file=None, is_verbose=False,"
            " patience_seconds=0.5))"
        )
        return [sys.executable, "-c", script]


HEAD = b"POST /api/request HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "beginning",
    [b"", b"POST ", HEAD, HEAD + b"Content-Length: 10\r\nAuthorization: Bearer KEY\r\n\r\n{"],
    ids=["nothing", "a piece of a line", "some headers", "a piece of a body"],
)
def test_a_client_that_stalls_is_cut_off(impatient: ProxyProcess, beginning: bytes) -> None:
    began = time.monotonic()
    with socket.create_connection(address(impatient), timeout=15) as stalling:
        stalling.sendall(beginning.replace(b"KEY", impatient.auth.api_key.encode()))
        # … and others are answered meanwhile, or soon after.
        assert get(impatient, "/healthz") == (200, "ok\n")
        with suppress(ConnectionError):
            assert stalling.recv(1000) == b""
    assert time.monotonic() - began < 10
    assert "Traceback" not in impatient.log()


def test_a_client_that_sends_byte_by_byte_is_cut_off(impatient: ProxyProcess) -> None:
    began = time.monotonic()
    with (
        socket.create_connection(address(impatient), timeout=15) as dribbling,
        suppress(ConnectionError),
    ):
        while time.monotonic() - began < 15:
            dribbling.sendall(b"a")
            time.sleep(0.05)
    assert time.monotonic() - began < 10
    assert get(impatient, "/healthz") == (200, "ok\n")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 10_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 200 + b"\r\n", 431),
    ],
    ids=["a long line", "a long header", "many headers"],
)
def test_there_is_a_limit_to_headers(impatient: ProxyProcess, head: bytes, status: int) -> None:
    with socket.create_connection(address(impatient), timeout=15) as connection:
        connection.sendall(head)
        answer = connection.recv(100)
    # Versions of gunicorn differ in how exact they are.
    assert answer.split()[1] in (str(status).encode(), b"400")


# --- The reference's requests -------------------------------------------------------------------


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxyProcess]:
    """A server that takes the reference's requests."""
    with FakeProvider(Behaviour(faults=[{"kind": "400", "contains": "reject"}])) as provider:
        proxy = ProxyProcess(tmp_path_factory.mktemp("legacy"), "--legacy-get", "-v")
        proxy.deploy("fake/model", provider.url)
        with proxy:
            yield proxy


def get_as_reference(
    proxy: ProxyProcess, path: str, request: Any = None, **fields: str
) -> tuple[int, Any]:
    auth = json.dumps({"api_key": proxy.auth.api_key})
    query = {"auth": auth, **fields} | ({} if request is None else {"request": json.dumps(request)})
    status, body = get(proxy, f"{path}?{urlencode(query)}")
    return status, json.loads(body)


@pytest.mark.parametrize("prompt", ["1 2 +", "é \n & = % #", "a" * 20_000])
def test_a_request_of_the_reference(legacy: ProxyProcess, prompt: str) -> None:
    request = {"model": "simple/model1", "prompt": prompt}
    status, result = get_as_reference(legacy, "/api/request", request)
    assert (status, result["success"]) == (200, True)
    assert result["completions"][0]["text"] == prompt.split(" ")[-1]


def test_other_requests_of_the_reference(legacy: ProxyProcess) -> None:
    request: dict[str, Any] = {"text": "1 2 3", "tokenizer": "simple/model1"}
    _, tokens = get_as_reference(legacy, "/api/tokenize", request)
    assert [token["value"] for token in tokens["tokens"]] == ["1", "2", "3"]
    for more in ({}, {"all": "true"}):
        _, [account] = get_as_reference(legacy, "/api/account", **more)
        assert account["is_admin"]


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({"model": "simple/modle1"}, "did you mean 'simple/model1'?"),
        ({"promt": ""}, "promt"),
        (None, "not JSON"),
        ({"model": "fake/model", "prompt": "reject"}, "400"),
    ],
)
def test_a_failure_is_told_as_the_reference_does(
    legacy: ProxyProcess, request_: Any, named: str
) -> None:
    status, answer = get_as_reference(legacy, "/api/request", request_)
    assert status == 200
    assert named in answer["error"]


@pytest.mark.parametrize("auth", ["", "{", '{"api_key": "wrong"}', '{"api_key": "a\\nb"}', "{}"])
def test_a_wrong_key_is_told_as_the_reference_does(legacy: ProxyProcess, auth: str) -> None:
    status, body = get(legacy, f"/api/request?{urlencode({'auth': auth, 'request': '{}'})}")
    assert status == 200
    assert "key" in json.loads(body)["error"]


def test_today_s_requests_are_taken_as_well(legacy: ProxyProcess) -> None:
    key = f"Bearer {legacy.auth.api_key}"
    assert get(legacy, "/api/account", Authorization=key)[0] == 200
    assert get(legacy, "/api/account")[0] == 401
    assert get(legacy, "/api/request")[0] == 405
    RemoteService(legacy.url).make_request(legacy.auth, Request(model="simple/model1"))


def test_a_query_of_the_reference_is_not_logged(legacy: ProxyProcess) -> None:
    get_as_reference(legacy, "/api/request", {"model": "simple/model1", "prompt": PROMPT})
    get_as_reference(legacy, "/api/request", {"model": "nowhere", "prompt": PROMPT})
    key = legacy.auth.api_key
    until(lambda: "GET /api/request 400" in legacy.log() or legacy.log().count("request=") > 1)
    assert f"key={key[:12]}\n" in legacy.log()
    assert key[12:] not in legacy.log()
    assert "nobody" not in legacy.log()


def test_without_the_flag_there_are_none(tmp_path: Path) -> None:
    with ProxyProcess(tmp_path) as proxy:
        query = urlencode({"auth": json.dumps({"api_key": proxy.auth.api_key}), "request": "{}"})
        assert get(proxy, f"/api/request?{query}")[0] == 405
