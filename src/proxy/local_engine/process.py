"""The embedded model's engine: a process of its own that serves one model file on this machine.

`engine` starts it as `python -m proxy.local_engine.process SETTINGS`. It writes where it is
reached to a state file when it is ready, holds a lock on a file as long as it lives, and ends after
some time without requests, or when its state file is gone.
"""

import hmac
import importlib.metadata
import os
import secrets
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec

from proxy.local_engine.files import take_lock, write_state
from proxy.local_engine.llama_library import LlamaError
from proxy.local_engine.protocol import (
    EXIT_ALREADY_RUNS,
    EXIT_BAD_MODEL,
    TIMEOUT_HEADER,
    CompletionAnswer,
    CompletionBody,
    EngineSettings,
    EngineState,
    Health,
)
from proxy.local_engine.service import EngineService, RequestError

_IDLE_CONNECTION_SECONDS = 60.0
_LOCK_SECONDS = 2.0


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, service: EngineService, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.service = service
        self.authorization = f"Bearer {token}"
        self.lock = threading.Lock()
        self.num_requests = 0
        self.last_use = time.monotonic()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_CONNECTION_SECONDS
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body of an answer go out together
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: requests are not logged."""

    def do_GET(self) -> None:
        self._answer(self._health if self.path == "/health" else self._not_found)

    def do_POST(self) -> None:
        actions = {
            "/complete": self._complete,
            "/tokenize": self._tokenize,
            "/pieces": self._pieces,
        }
        action = actions.get(self.path, self._not_found)
        with self.server.lock:
            self.server.num_requests += 1
        try:
            self._answer(action)
        finally:
            with self.server.lock:
                self.server.num_requests -= 1
                self.server.last_use = time.monotonic()

    def _answer(self, action: Any) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        given = self.headers.get("Authorization", "")
        status = HTTPStatus.OK
        try:
            if not hmac.compare_digest(given.encode(), self.server.authorization.encode()):
                raise RequestError(HTTPStatus.UNAUTHORIZED, "not the right token")
            body = msgspec.json.encode(action(data))
        except RequestError as error:
            status, body = error.status, str(error).encode()
        except ValueError as error:
            status, body = HTTPStatus.BAD_REQUEST, str(error).encode()
        except LlamaError as error:
            status, body = HTTPStatus.INTERNAL_SERVER_ERROR, str(error).encode()
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _not_found(self, data: bytes) -> Any:
        raise RequestError(HTTPStatus.NOT_FOUND, f"there is nothing at {self.path}")

    def _health(self, data: bytes) -> Health:
        return Health(os.getpid(), self.server.num_requests, self.server.service.step_seconds)

    def _complete(self, data: bytes) -> CompletionAnswer:
        until = time.monotonic() + float(self.headers[TIMEOUT_HEADER])
        body = msgspec.json.decode(data, type=CompletionBody)
        return self.server.service.complete(body, until, self.connection)

    def _tokenize(self, data: bytes) -> list[list[int]]:
        return self.server.service.tokenize(msgspec.json.decode(data, type=list[str]))

    def _pieces(self, data: bytes) -> list[str]:
        return self.server.service.pieces(msgspec.json.decode(data, type=list[int]))


def _end_when_idle(server: _Server, settings: EngineSettings) -> None:
    state_path = Path(settings.state_path)
    while True:
        time.sleep(min(1.0, settings.idle_seconds / 4))
        with server.lock:
            idle_seconds = time.monotonic() - server.last_use
            is_idle = not server.num_requests and idle_seconds > settings.idle_seconds
            if is_idle or not state_path.exists():
                state_path.unlink(missing_ok=True)
                os._exit(0)


def main() -> None:
    """Load the model, then leave the parent and serve until idle."""
    settings = msgspec.json.decode(sys.argv[1], type=EngineSettings)
    lock = take_lock(Path(settings.life_path), _LOCK_SECONDS)
    if lock is None:
        sys.exit(EXIT_ALREADY_RUNS)
    # The starter waits for this process; the one that serves is its orphan, so nobody has to.
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        status = os.read(reader, 1)
        os._exit(status[0] if status else 1)
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    version = importlib.metadata.version("xllamacpp")
    print(f"engine {os.getpid()}: xllamacpp {version}, {settings.model_path}", flush=True)
    try:
        service = EngineService(Path(settings.model_path), settings.num_threads)
    except LlamaError as error:
        print(f"error: {error}", flush=True)
        os.write(writer, bytes([EXIT_BAD_MODEL]))
        os._exit(EXIT_BAD_MODEL)
    token = secrets.token_urlsafe(32)
    server = _Server(service, token)
    state = EngineState(os.getpid(), server.server_address[1], token)
    write_state(Path(settings.state_path), state)
    os.write(writer, bytes([0]))
    os.close(writer)
    threading.Thread(target=_end_when_idle, args=(server, settings), daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
