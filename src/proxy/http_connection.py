"""A connection to a host, kept alive by libcurl.

libcurl bounds a whole exchange in time, name resolution and each proxy included, repeats a request
that met a kept connection which its host had closed before, and costs a tenth of what an HTTP
client in Python does: many threads ask at a time, and only one of them runs Python.
"""

import math
import os
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from http import HTTPStatus
from typing import NamedTuple

import pycurl

from proxy.http_way import Way
from proxy.provider_words import MAX_TEXT, one_line, shortened

CONNECT_SECONDS = 10.0
MAX_IDLE_SECONDS = 110  # as long as a connection is kept
_SELECT_SECONDS = 1.0
# libcurl's select() knows no file numbers of 1,024 and more.
_BLIND_SECONDS = 0.01
# Time for the end of a stream to come, once nobody needs more of it.
_END_SECONDS = 0.1
_KEEPALIVE_SECONDS = 60


class Response(NamedTuple):
    """The beginning of an answer.

    Args:
        status: Such as 200.
        reason: The words behind it, if there are any.
        headers: By name in lower case; the last one of a name counts.
    """

    status: int
    reason: str
    headers: Mapping[str, str]


class Message(NamedTuple):
    """What is sent.

    Args:
        headers: Lines, each with the name and the value of one.
        body: None for none.
    """

    method: str
    url: str
    headers: list[str]
    body: bytes | None


class TooLongError(Exception):
    """An answer has more bytes than are wanted."""


class Connection:
    """One connection, for one exchange at a time.

    Args:
        is_stream: Whether answers are read piece by piece.
        max_bytes: A longer answer, after decompression, raises `TooLongError`.

    Attributes:
        is_busy: Whether an exchange is under way.
        seconds_to_connect: How long the last exchange might take to get a connection.
    """

    is_busy = False
    seconds_to_connect = CONNECT_SECONDS

    def __init__(self, way: Way, *, is_stream: bool, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pieces: list[bytes] = []
        self._lines: list[bytes] = []
        self._num_bytes = 0
        self._multi = pycurl.CurlMulti() if is_stream else None
        self._curl = curl = pycurl.Curl()
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.PATH_AS_IS, 1)
        curl.setopt(pycurl.MAXCONNECTS, 1)
        curl.setopt(pycurl.MAXAGE_CONN, MAX_IDLE_SECONDS)
        curl.setopt(pycurl.TCP_KEEPALIVE, 1)
        curl.setopt(pycurl.TCP_KEEPIDLE, _KEEPALIVE_SECONDS)
        curl.setopt(pycurl.TCP_KEEPINTVL, _KEEPALIVE_SECONDS)
        # Compression would hold events back.
        curl.setopt(pycurl.ACCEPT_ENCODING, "identity" if is_stream else "gzip")
        curl.setopt(pycurl.HEADERFUNCTION, self._lines.append)
        curl.setopt(pycurl.WRITEFUNCTION, self._take)
        # Empty words, too: else libcurl would look at the environment by rules of its own.
        curl.setopt(pycurl.PROXY, way.proxy)
        curl.setopt(pycurl.NOPROXY, "")
        if way.proxy_user:
            curl.setopt(pycurl.PROXYUSERPWD, way.proxy_user)
        if way.authorities:
            curl.setopt(pycurl.CAINFO, way.authorities)
            curl.setopt(pycurl.PROXY_CAINFO, way.authorities)
        if way.authorities_folder:
            curl.setopt(pycurl.CAPATH, way.authorities_folder)
            curl.setopt(pycurl.PROXY_CAPATH, way.authorities_folder)

    def exchange(self, message: Message, seconds: float) -> tuple[Response, bytes]:
        """Send, and return the answer with its body, decompressed.

        Args:
            seconds: How long all of it may take.

        Raises:
            pycurl.error: There is no whole answer.
            TooLongError: There is too much of it.
        """
        self._begin(message, seconds)
        try:
            _performed(self._curl)
        except pycurl.error:
            self.is_busy = False
            self._check_size()
            raise
        self.is_busy = False
        body, self._pieces = b"".join(self._pieces), []
        return self.response, body

    def stream(self, message: Message, seconds: float) -> Generator[bytes, None, None]:
        """Send, and yield the body of the answer as it comes; `response` is there before it.

        Who ends it early has the connection kept only if the rest comes at once. Arguments and
        errors are those of `exchange`.
        """
        assert self._multi is not None
        self._begin(message, seconds)
        self._multi.add_handle(self._curl)
        try:
            yield from self._come(self._multi)
        except GeneratorExit:
            until = time.monotonic() + _END_SECONDS
            while _go_on(self._multi) and time.monotonic() < until:
                _await(self._multi, _END_SECONDS / 10)
            raise
        finally:
            self._multi.remove_handle(self._curl)
            self.is_busy = False

    @property
    def has_sent(self) -> bool:
        """Whether the last exchange got as far as to send something to its host."""
        tunnel = int(self._curl.getinfo(pycurl.HTTP_CONNECTCODE))  # 0 where there is none
        return self._curl.getinfo(pycurl.REQUEST_SIZE) > 0 and tunnel in (0, HTTPStatus.OK)

    @property
    def system_error(self) -> str:
        """The system's own word for why there is no connection; empty for none."""
        number = self._curl.getinfo(pycurl.OS_ERRNO)
        return os.strerror(number) if number else ""

    def _begin(self, message: Message, seconds: float) -> None:
        curl = self._curl
        self.is_busy = True
        self._pieces, self._num_bytes = [], 0
        self._lines.clear()
        curl.setopt(pycurl.URL, message.url)
        curl.setopt(pycurl.HTTPHEADER, message.headers)
        if message.body is None:
            curl.setopt(pycurl.HTTPGET, 1)
        else:
            curl.setopt(pycurl.POSTFIELDS, message.body)
        curl.setopt(pycurl.CUSTOMREQUEST, message.method)
        self.seconds_to_connect = min(seconds, CONNECT_SECONDS)
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, _milliseconds(self.seconds_to_connect))
        curl.setopt(pycurl.TIMEOUT_MS, _milliseconds(seconds))

    def _take(self, piece: bytes) -> int | None:
        self._num_bytes += len(piece)
        if self._num_bytes > self._max_bytes:
            return -1
        self._pieces.append(piece)
        return None

    def _check_size(self) -> None:
        if self._num_bytes > self._max_bytes:
            raise TooLongError

    def _come(self, multi: pycurl.CurlMulti) -> Iterator[bytes]:
        while True:
            is_under_way = _go_on(multi)
            if self._pieces:
                piece = b"".join(self._pieces)
                self._pieces.clear()
                yield piece
            elif is_under_way:
                _await(multi, _SELECT_SECONDS)
            else:
                break
        for _, number, text in multi.info_read()[2]:
            self._check_size()
            raise pycurl.error(number, text)

    @property
    def response(self) -> Response:
        """The beginning of the last answer."""
        # Before the last status line stand a proxy's answer and interim ones, such as 100 Continue.
        first = max(n for n, line in enumerate(self._lines) if line.startswith(b"HTTP/"))
        words = [line.decode("latin-1").strip() for line in self._lines[first:]]
        pairs = [word.partition(":") for word in words[1:]]
        status, _, reason = words[0].partition(" ")[2].partition(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        return Response(int(status), reason, headers)


def reason_of(error: BaseException) -> str:
    """Return the system's own words, or libcurl's, for what went wrong."""
    words: tuple[object, ...] = error.args
    text = words[1] if isinstance(error, pycurl.error) else getattr(error, "strerror", None)
    return shortened(one_line(str(text or error)), MAX_TEXT) or type(error).__name__


def _performed(curl: pycurl.Curl) -> None:
    """Exchange; where this is the main thread, so that Ctrl-C ends the wait at once."""
    if threading.current_thread() is not threading.main_thread():
        curl.perform()
        return
    errors: list[Exception] = []

    def perform() -> None:
        try:
            curl.perform()
        except pycurl.error as error:
            errors.append(error)

    # Python sees a signal in its main thread only, and not while that is in libcurl.
    thread = threading.Thread(target=perform, daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def _go_on(multi: pycurl.CurlMulti) -> bool:
    """Do what can be done without waiting; whether there is more to come."""
    num_under_way: int = multi.perform()[1]
    return num_under_way > 0


def _await(multi: pycurl.CurlMulti, seconds: float) -> None:
    """Wait until something comes, or is to be done, but no longer than that."""
    milliseconds = multi.timeout()  # until a time limit of libcurl's; -1 for none
    if milliseconds >= 0:
        seconds = min(seconds, milliseconds / 1000)
    if multi.select(seconds) < 0:
        time.sleep(min(seconds, _BLIND_SECONDS))


def _milliseconds(seconds: float) -> int:
    return max(1, min(math.ceil(1000 * seconds), 2**31 - 1))
