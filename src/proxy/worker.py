"""gunicorn's worker process, with limits for slow clients, and an end that comes in time.

A client may take its time to connect and say nothing, to send its request, or to take its answer.
None of it may hold a thread for long: the main loop, which wakes once a second, cuts such
connections off, and the thread that waits for one sees its end.
"""

import math
import os
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

# How many times the patience for headers there is for a body, which may have 16 MiB.
_BODY_FACTOR = 4.0
# For a connection that was taken just before the end began to say what it wants.
_LAST_WORD_SECONDS = 2.0
_NOTIFY_SECONDS = 1.0  # the master waits for many
# For another worker to take a connection that waits.
_LEAVING_SECONDS = 0.005
# For an answer to be taken, beyond the time that a request may take.
_ANSWER_SECONDS = 60.0


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Serves many requests at a time in threads.

    Its application, `self.app`, has `patience_seconds`: for a new connection to say something, for
    a TLS handshake with a request's first line and headers, and, some times over, for a body. It
    has `begin_drain`, called when the end begins, and `flush`, called last. `open_connections` are
    those of all workers, where this one has the `slot`, if any.
    """

    slot: int | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Connections that a thread waits for, and until when it may.
        self._until: dict[TConn, float] = {}
        # Since it left a connection to others: when to look whether it has been taken.
        self._resume_at = 0.0
        self._notified_at = -math.inf
        # Until when new connections may still ask, once the end has begun.
        self._last_word = math.inf

    def notify(self) -> None:
        """Tell the master that this process is alive: once a second, and not with each event."""
        now = time.monotonic()
        if now - self._notified_at >= _NOTIFY_SECONDS:
            self._notified_at = now
            super().notify()

    # --- Busy threads ---------------------------------------------------------------------------

    def set_accept_enabled(self, enabled: bool) -> None:
        """Take connections only while there is a thread for them.

        One that finds all threads busy is left to another worker, or to the system's queue: here
        it would wait for one of ours to be free.
        """
        num_busy = self.nr_conns - len(self.keepalived_conns) - len(self.pending_conns)
        has_thread = num_busy < self.cfg.threads and time.monotonic() >= self._resume_at
        super().set_accept_enabled(enabled and self.alive and has_thread)
        if not self.alive:
            # Whoever comes now is refused at once, and can ask elsewhere.
            for listener in self.sockets:
                listener.close()

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for connections to say something, and for threads to end with theirs."""
        if self.alive:
            self._tell_connections(self.nr_conns)
            self.set_accept_enabled(self.nr_conns < self.worker_connections)
            until_resumed = self._resume_at - time.monotonic()
            if until_resumed > 0:
                timeout = min(timeout, until_resumed)
        else:
            until_resumed = 0.0
            self._tell_connections(None)
        resume_at = self._resume_at
        super().wait_for_and_dispatch_events(timeout)
        if until_resumed <= 0 and self._resume_at == resume_at:
            self._resume_at = 0.0  # what was left has been taken: nothing waits any more

    def _leaves_to_others(self) -> bool:
        """Whether another worker had better take the connection that waits; asked once for each."""
        was_left = self._resume_at > 0
        self._resume_at = 0.0
        if was_left or self.slot is None or not self.app.open_connections.is_ahead(self.slot):
            return False
        # The other one is told of it at the same time. If it does not come, it is busy.
        self._resume_at = time.monotonic() + _LEAVING_SECONDS
        self.set_accept_enabled(False)
        return True

    def _tell_connections(self, number: int | None) -> None:
        if self.slot is not None:
            self.app.open_connections.set(self.slot, number)

    # --- Slow clients ---------------------------------------------------------------------------

    def accept(self, listener: socket.socket) -> None:
        """Take a connection; it gets a thread when it says something."""
        if self._leaves_to_others():
            return
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        connection = TConn(self.cfg, client, address, listener.getsockname())
        self.nr_conns += 1
        self._tell_connections(self.nr_conns)
        connection.timeout = time.monotonic() + self.app.patience_seconds
        self.pending_conns.append(connection)
        readable = partial(self.on_pending_socket_readable, connection)
        self.poller.register(connection.sock, selectors.EVENT_READ, readable)

    def handle(self, conn: TConn) -> Any:
        """Read and answer one request."""
        self._until[conn] = time.monotonic() + self.app.patience_seconds
        try:
            return super().handle(conn)
        finally:
            self._until.pop(conn, None)

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """Answer a request whose headers have been read."""
        self._until[conn] = time.monotonic() + self.cfg.graceful_timeout + _ANSWER_SECONDS
        seconds = _BODY_FACTOR * self.app.patience_seconds
        req.body = _TimedBody(req.body, seconds, partial(self._reading, conn))
        return super().handle_request(req, conn)

    @contextmanager
    def _reading(self, conn: TConn, seconds: float) -> Iterator[None]:
        before = self._until.get(conn)
        self._until[conn] = time.monotonic() + seconds
        try:
            yield
        finally:
            if before is not None:
                self._until[conn] = before

    def murder_pending(self) -> None:
        """Cut off connections whose time is up; called once a second or more often."""
        now = time.monotonic()
        for connection, until in list(self._until.items()):
            if until < now:
                _cut_off(connection.sock)
        # Browsers open connections in advance. The end need not wait long for one that asks
        # nothing, but a request may be on its way.
        if not self.alive:
            self._last_word = min(self._last_word, now + _LAST_WORD_SECONDS)
            for connection in self.pending_conns:
                connection.timeout = min(connection.timeout, self._last_word)
        super().murder_pending()

    # --- The end --------------------------------------------------------------------------------

    def handle_exit(self, sig: int, frame: object) -> None:
        """SIGTERM: finish what is under way."""
        self.app.begin_drain()
        super().handle_exit(sig, frame)

    def handle_quit(self, _signal: int, _frame: object) -> None:
        """Ctrl-C: end at once.

        Leaving by an exception, as gunicorn does, is undone by the second signal that comes from
        the terminal or the master meanwhile, and waits for all requests.
        """
        self.app.flush()
        os._exit(0)


def end_worker(_server: object, worker: Any) -> None:
    """The hook `worker_exit`: end without waiting for threads, which have had their time."""
    # The master calls this as well, and so does a worker that could not start.
    if worker.booted and worker.pid == os.getpid():
        worker.app.flush()
        os._exit(0)


def _cut_off(client: socket.socket) -> None:
    with suppress(OSError):  # it may have ended already
        # Not that of a TLS connection, which would change it under the thread that reads.
        socket.socket.shutdown(client, socket.SHUT_RDWR)


class _TimedBody:
    """The body of a request, of which all reads together may take so many seconds."""

    def __init__(self, body: Any, seconds: float, reading: Any) -> None:
        self._body, self._left, self._reading = body, seconds, reading

    def _timed(self, read: Any, *args: Any) -> Any:
        began = time.monotonic()
        with self._reading(self._left):
            data = read(*args)
        self._left -= time.monotonic() - began
        return data

    def read(self, *args: Any) -> Any:
        return self._timed(self._body.read, *args)

    def readline(self, *args: Any) -> Any:
        return self._timed(self._body.readline, *args)

    def readlines(self, *args: Any) -> Any:
        return self._timed(self._body.readlines, *args)

    def __iter__(self) -> Any:
        return iter(self.readlines())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)
