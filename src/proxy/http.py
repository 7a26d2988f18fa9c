"""The one way to a provider: HTTP over libcurl, bounded in time and size, and quick.

It adds to `http_connection` connections that are kept, and the error tree of `common.errors` with
the provider's own words and no secret in them.
"""

import re
import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from http import HTTPStatus
from itertools import chain
from typing import Never
from urllib.parse import parse_qsl

import pycurl

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
from common.version import VERSION
from proxy.http_connection import (
    Connection,
    Message,
    Response,
    TooLongError,
    reason_of,
)
from proxy.http_way import basic_authorization, split_url, way_to
from proxy.provider_words import (
    MAX_TEXT,
    hidden,
    one_line,
    retry_after,
    secrets_in,
    shortened,
    words_of,
)
from proxy.server_sent_events import EventParser

__all__ = ["MAX_ANSWER_BYTES", "Http", "Response"]

MAX_ANSWER_BYTES = 256 * 2**20
# Else libcurl asks whether a large body is wanted, which costs a round trip.
_NO_EXPECT = "Expect:"
# No key, a wrong one, or an account without money.
_NOT_LET_IN = {HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN}
_NO_HOST = {
    pycurl.E_COULDNT_RESOLVE_HOST,
    pycurl.E_COULDNT_RESOLVE_PROXY,
    pycurl.E_URL_MALFORMAT,  # the rest of the URL was looked at before
}
_NOT_SECURE = {
    pycurl.E_PEER_FAILED_VERIFICATION,
    pycurl.E_SSL_CONNECT_ERROR,
    pycurl.E_SSL_CERTPROBLEM,
    pycurl.E_SSL_CIPHER,
    pycurl.E_SSL_CACERT_BADFILE,
    pycurl.E_SSL_ISSUER_ERROR,
    pycurl.E_SSL_INVALIDCERTSTATUS,
}
# Transient by their definition, though below 500.
_TRY_AGAIN = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY}


class Http:
    """Connections to one base URL, kept alive; any number of threads may use them at a time.

    Args:
        base_url: Such as `https://api.openai.com/v1`. A user and password in it are sent as basic
            authentication, a query (`?api-version=…`) goes with every request.
        headers: Sent with every request. Their values are never shown.
        max_answer_bytes: A longer answer, after decompression, is an error.

    Raises:
        InvalidRequestError: The URL, a header, or a proxy or certificate setting can't be used.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str] | None = None,
        *,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        url = split_url(base_url)
        self.host = url.netloc.rpartition("@")[2]
        self.base_url = f"{url.scheme}://{self.host}{url.path.rstrip('/')}"
        self.api_version = dict(parse_qsl(url.query)).get("api-version")
        self._query = f"?{url.query}" if url.query else ""
        self._max_answer_bytes = max_answer_bytes
        given = basic_authorization(url) | dict(headers or {})
        self._secrets = secrets_in(url, given)
        common = {"User-Agent": f"lm-bench/{VERSION}"}
        common |= {name: _checked_value(name, value) for name, value in given.items()}
        self._get_headers = _lines({"Accept": "application/json"} | common)
        posted = {"Content-Type": "application/json"} | common
        streaming = {"Accept": "text/event-stream, application/json"}
        self._post_headers = [_NO_EXPECT, *_lines({"Accept": "application/json"} | posted)]
        self._stream_headers = [_NO_EXPECT, *_lines(streaming | posted)]
        self._way = way_to(url)
        # The last one used comes first, so that those that are not needed grow old and are closed.
        self._idle: deque[Connection] = deque()
        self._idle_streams: deque[Connection] = deque()

    def __repr__(self) -> str:
        return f"Http({self.base_url!r})"

    def post(self, path: str, body: bytes, deadline: float) -> bytes:
        """Send JSON and return the body of the answer, decompressed.

        Args:
            path: What follows the base URL, such as `/completions`.
            deadline: When to give up, in seconds of `time.monotonic()`.

        Raises:
            ProviderError: There was no answer, or one with a status other than 2xx.
        """
        return self._exchange("POST", path, body, self._post_headers, deadline)

    def get(self, path: str, deadline: float) -> bytes:
        """Return the body at `path`; arguments and errors are those of `post`."""
        return self._exchange("GET", path, None, self._get_headers, deadline)

    def events(self, path: str, body: bytes, deadline: float) -> Generator[bytes, None, None]:
        """Send JSON and yield the data of each server-sent event of the answer, as it comes.

        Nothing is sent before the first event is asked for. A server that does not stream is met
        with one `WholeBody`. Whether a stream is complete, its reader must tell by its last event.
        Arguments and errors are those of `post`; the deadline is that of the last event.
        """
        with self._connection(self._idle_streams, is_stream=True) as connection:
            allowed = self._allowed(deadline)
            message = self._message("POST", path, body, self._stream_headers)
            parser = EventParser()
            try:
                with closing(connection.stream(message, allowed)) as coming:
                    first = next(coming, b"")
                    response = connection.response
                    if not 200 <= response.status < 300:
                        self.refuse(response, first + b"".join(coming))
                    for piece in chain([first] if first else [], coming):
                        yield from parser.feed(piece)
            except pycurl.error as error:
                raise self._lost(connection, error, allowed) from error
            yield from parser.end()

    def words(self, body: bytes) -> str:
        """What `body` says, in one short line that is safe to show: its error message, if any."""
        return words_of(body, self._secrets)

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: list[str], deadline: float
    ) -> bytes:
        with self._connection(self._idle, is_stream=False) as connection:
            allowed = self._allowed(deadline)
            message = self._message(method, path, body, headers)
            try:
                response, answer = connection.exchange(message, allowed)
            except pycurl.error as error:
                raise self._lost(connection, error, allowed) from error
        if not 200 <= response.status < 300:
            self.refuse(response, answer)
        return answer

    @contextmanager
    def _connection(self, idle: deque[Connection], *, is_stream: bool) -> Iterator[Connection]:
        try:
            connection = idle.pop()
        except IndexError:
            connection = Connection(
                self._way, is_stream=is_stream, max_bytes=self._max_answer_bytes
            )
        try:
            yield connection
        except TooLongError:
            limit = self._max_answer_bytes / 2**20
            raise ProviderError(f"{self.host} sent an answer of more than {limit:g} MiB") from None
        finally:
            if not connection.is_busy:  # as it is when Ctrl-C has ended the wait
                idle.append(connection)

    def _allowed(self, deadline: float) -> float:
        allowed = deadline - time.monotonic()
        if allowed <= 0:
            raise DeadlineError(f"{self.host} was not asked: the deadline had passed")
        return allowed

    def _message(self, method: str, path: str, body: bytes | None, headers: list[str]) -> Message:
        query = self._query.replace("?", "&", 1) if "?" in path else self._query
        return Message(method, f"{self.base_url}{path}{query}", headers, body)

    def _lost(self, connection: Connection, error: pycurl.error, allowed: float) -> ProviderError:
        number = error.args[0]
        reason = hidden(reason_of(error), self._secrets)
        where, check = self.host, "is it running, and base_url right?"
        if self._way.proxy:
            where = f"the proxy {self._way.proxy.partition('//')[2]}"
            check = "check HTTPS_PROXY and NO_PROXY"
        if number == pycurl.E_OPERATION_TIMEDOUT:
            if connection.has_sent or connection.seconds_to_connect >= allowed:
                # What was allowed, but for the moments that it took to come here.
                seconds = max(0.1, round(allowed, 1))
                return DeadlineError(f"{self.host} gave no whole answer within {seconds:g} s")
            seconds = connection.seconds_to_connect
            return UnreachableError(f"no connection to {where} within {seconds:g} s; {check}")
        if number in _NO_HOST:
            return UnreachableError(f"no such host: {where} ({reason}); {check}")
        if number == pycurl.E_COULDNT_CONNECT:
            reason = connection.system_error or reason
            return UnreachableError(f"no connection to {where}: {reason}; {check}")
        if number in _NOT_SECURE:
            if number == pycurl.E_PEER_FAILED_VERIFICATION:
                check = "name a private authority's file in SSL_CERT_FILE"
            return UnreachableError(f"no secure connection to {self.host}: {reason}; {check}")
        if self._way.proxy and not connection.has_sent:
            return UnreachableError(
                f"no connection to {self.host} through the proxy: {reason}; {check}"
            )
        if number == pycurl.E_BAD_CONTENT_ENCODING:
            return UnavailableError(f"{self.host} sent an answer that can't be decompressed")
        return UnavailableError(f"the connection to {self.host} was lost: {reason}")

    def refuse(self, response: Response, body: bytes) -> Never:
        """Raise what an answer with a status other than 2xx means.

        A server with errors of its own reads them here, in a subclass.

        Args:
            body: That of `response`, which is read to its end already.

        Raises:
            ProviderError: Always, of the kind that fits status and body.
        """
        status, headers = response.status, response.headers
        name = hidden(one_line(f"{status} {response.reason or ''}"), self._secrets)
        message = f"{self.host} answered {name}: {self.words(body)}"
        if 300 <= status < 400:
            target = headers.get("location", "nowhere").partition("?")[0].rpartition("@")[2]
            target = shortened(hidden(one_line(target), self._secrets), MAX_TEXT)
            raise RejectedError(f"{message} (it redirects to {target}: is base_url right?)")
        if status in _NOT_LET_IN:
            raise CredentialsError(message)
        if status == HTTPStatus.NOT_FOUND:
            raise ModelNotFoundError(f"{message} (asked at {self.base_url})")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            if b'"insufficient_quota"' in body:
                # OpenAI's word for an account without money: no wait will help.
                raise CredentialsError(message)
            raise RateLimitError(message, retry_after(headers))
        if status >= 500 or status in _TRY_AGAIN:
            raise UnavailableError(message, retry_after(headers))
        raise RejectedError(message)


def _lines(headers: Mapping[str, str]) -> list[str]:
    # A colon with nothing behind it is libcurl's way to leave a header out.
    return [f"{name}: {value}" if value else f"{name};" for name, value in headers.items()]


def _checked_value(name: str, value: str) -> str:
    if not re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", name, re.ASCII):
        raise InvalidRequestError(f"{name!r} can't be the name of a header")
    if not value.isascii() or not value.isprintable():
        raise InvalidRequestError(f"the header {name} holds a character that can't be sent")
    return value
