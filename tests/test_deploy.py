"""The examples of docs/deploy.md, as they stand there: nginx in front of a server, the unit."""

import getpass
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPSConnection
from pathlib import Path
from typing import NamedTuple

import pytest

from proxy_process import ProxyProcess
from scripted_server import Reply, ScriptedServer

DEPLOY = Path(__file__).parents[1] / "docs" / "deploy.md"
NGINX = shutil.which("nginx", path="/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin")
MODEL = "slow/model"
PIECES = ["one", " two", " three"]
PAUSE_SECONDS = 0.4
START_SECONDS = 30
# What Debian's own nginx.conf has around a server, without folders of the system.
AROUND = """
daemon off;
user {user};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""


def example(beginning: str) -> str:
    """The block of the page that begins so."""
    blocks = re.findall(r"```text\n(.*?)```", DEPLOY.read_text(encoding="utf-8"), re.DOTALL)
    [found] = [block for block in blocks if block.startswith(beginning)]
    return str(found)


def replaced(text: str, places: dict[str, str]) -> str:
    """`text` with each place, which is there, replaced."""
    for old, new in places.items():
        assert old in text
        text = text.replace(old, new)
    return text


# --- nginx --------------------------------------------------------------------------------------


class Front(NamedTuple):
    """An nginx, and the server behind it."""

    port: int
    proxy: ProxyProcess

    def connect(self) -> HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.proxy.folder / "cert.pem"))
        return HTTPSConnection("localhost", self.port, timeout=60, context=context)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def make_certificate(folder: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )


def chunk(text: str) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    if NGINX is None or shutil.which("openssl") is None:
        pytest.skip("needs nginx and openssl")
    folder = tmp_path_factory.mktemp("front")
    make_certificate(folder)
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    events = [*map(chunk, PIECES), last, b"[DONE]"]
    with ScriptedServer([Reply(events=events, pause=PAUSE_SECONDS)]) as provider:
        proxy = ProxyProcess(folder, "-w", "1")
        proxy.deploy(MODEL, provider.url, api="chat")
        with proxy:
            port = free_port()
            places = {
                "443 ssl": f"127.0.0.1:{port} ssl",
                "bench.example.org;": "localhost;",
                "/etc/letsencrypt/live/bench.example.org/fullchain.pem": f"{folder}/cert.pem",
                "/etc/letsencrypt/live/bench.example.org/privkey.pem": f"{folder}/key.pem",
                "http://127.0.0.1:1959": proxy.url,
            }
            server = replaced(example("server {"), places)
            settings = folder / "nginx.conf"
            settings.write_text(AROUND.format(folder=folder, user=getpass.getuser(), server=server))
            command = [NGINX, "-p", str(folder), "-c", str(settings)]
            with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as nginx:
                try:
                    await_port(port, nginx)
                    yield Front(port, proxy)
                finally:
                    nginx.send_signal(signal.SIGTERM)


def await_port(port: int, nginx: subprocess.Popen[str]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if nginx.poll() is not None:
            assert nginx.stderr is not None
            pytest.fail(nginx.stderr.read())
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail("nginx does not listen")


def test_answers_are_streamed_through_nginx(front: Front) -> None:
    connection = front.connect()
    body = (
        f'{{"model": "{MODEL}", "stream": true, "messages": [{{"role": "user", "content": "?"}}]}}'
    )
    headers = {"Authorization": f"Bearer {front.proxy.auth.api_key}"}
    connection.request("POST", "/v1/chat/completions", body, headers)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Type"]) == (
        200,
        "text/event-stream; charset=utf-8",
    )
    came = dict.fromkeys(PIECES, 0.0)
    for line in answer:
        for piece in PIECES:
            if f'"content":"{piece}"'.encode() in line:
                came[piece] = time.monotonic()
    # A proxy that collects the answer hands all pieces on at once.
    assert came[" three"] - came["one"] > PAUSE_SECONDS
    connection.close()


def test_nginx_tells_who_asks_and_hides_the_counts(front: Front) -> None:
    connection = front.connect()
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 403
    connection.request("GET", "/readyz")
    assert connection.getresponse().read() == b"ready\n"
    connection.close()


def test_a_large_body_passes_nginx_and_a_too_large_one_does_not(front: Front) -> None:
    headers = {"Authorization": f"Bearer {front.proxy.auth.api_key}"}
    statuses = []
    for num_bytes in (15 * 2**20, 17 * 2**20):
        connection = front.connect()
        text = "x" * num_bytes
        body = f'{{"prompt": "{text}", "settings": "", "environments": ""}}'
        with suppress(ConnectionError):  # it may be answered before all is sent
            connection.request("POST", "/api/query", body, headers)
        statuses.append(connection.getresponse().status)
        connection.close()
    assert statuses[0] in (200, 400)
    assert statuses[1] == 413


# --- systemd ------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_the_unit_is_valid(tmp_path: Path) -> None:
    program = tmp_path / "proxy-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    places = {"/srv/bench/venv/bin/proxy-server": str(program), "User=bench": "User=daemon"}
    unit = tmp_path / "bench-proxy.service"
    unit.write_text(replaced(example("[Unit]"), places))
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True
    )
    told = [line for line in checked.stderr.splitlines() if "bench-proxy" in line]
    assert (checked.returncode, told) == (0, [])
