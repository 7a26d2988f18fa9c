"""The one way to a provider: HTTP over urllib3, bounded in time and size, and quick.

It adds to urllib3 what its callers need: a deadline over the whole exchange (urllib3's read timeout
starts anew with every byte), the error tree of `common.errors` with the provider's own words and no
secret in them, and the proxies and certificates that the environment names.

Name resolution has the time limits of the system's resolver: no portable call takes a deadline.
"""

import email.utils
import html
import math
import os
import re
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Never
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    DecodeError,
    HTTPError,
    ProxyError,
    ProxySchemeUnknown,
    SSLError,
)
from urllib3.exceptions import TimeoutError as UrllibTimeoutError
from urllib3.util import Retry, Timeout

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

CONNECT_SECONDS = 10.0
MAX_ANSWER_BYTES = 256 * 2**20
MAX_WORDS = 1000  # characters of a provider's message
MAX_TEXT = 200  # … and of a body that holds no message
# As many idle connections are kept. A server's worker has fewer threads than this.
_MAX_IDLE = 1024
# A connection that the server had closed before shows it within a round trip.
_STALE_SECONDS = 1.0
_PIECE_BYTES = 2**20
_NO_RETRIES = Retry(total=False)
# Transient by their definition, though below 500.
_TRY_AGAIN = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY}
_MIN_SECRET = 4
_CHECK = "is it running, and base_url right?"
_CHECK_PROXY = "check HTTPS_PROXY and NO_PROXY"


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
        url = _split(base_url)
        self.host = url.netloc.rpartition("@")[2]
        self.base_url = f"{url.scheme}://{self.host}{url.path.rstrip('/')}"
        self._scheme, self._hostname, self._port = url.scheme, url.hostname or "", url.port
        self.api_version = dict(parse_qsl(url.query)).get("api-version")
        self._query = f"?{url.query}" if url.query else ""
        self._max_answer_bytes = max_answer_bytes
        given = _basic_authorization(url) | dict(headers or {})
        self._secrets = _secrets(url, given)
        self._get_headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": f"lm-bench/{VERSION}",
        } | {name: _checked_value(name, value) for name, value in given.items()}
        self._post_headers = {"Content-Type": "application/json"} | self._get_headers
        self._proxy = _proxy_for(url)
        schemes = {url.scheme, self._proxy.scheme if self._proxy else ""}
        self._tls = _tls_context() if "https" in schemes else None
        # A plain proxy wants to be told the whole URL; through a tunnel, the path is enough.
        is_forwarded = self._proxy is not None and url.scheme == "http"
        self._prefix = self.base_url if is_forwarded else url.path.rstrip("/")
        self._pool = self._new_pool()

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

    def words(self, body: bytes) -> str:
        """What `body` says, in one short line that is safe to show: its error message, if any."""
        text, max_length = _words(self._hide(body[:_PIECE_BYTES].decode("utf-8", "replace")))
        return _shortened(self._hide(text), max_length)

    def _hide(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], deadline: float
    ) -> bytes:
        pool = self._pool
        query = self._query.replace("?", "&", 1) if "?" in path else self._query
        url = f"{self._prefix}{path}{query}"
        try:
            return self._ask(pool, method, url, body, headers, deadline)
        except _StaleConnectionError:
            # The server had ended the idle connection before our request reached it. To repeat
            # it is safe: nothing of an answer has come, and asking a model changes nothing at the
            # provider. The other idle connections are as old, so they go, too.
            if self._pool is pool:
                self._pool = self._new_pool()
            return self._ask(self._pool, method, url, body, headers, deadline)

    def _ask(
        self,
        pool: urllib3.HTTPConnectionPool,
        method: str,
        url: str,
        body: bytes | None,
        headers: dict[str, str],
        deadline: float,
    ) -> bytes:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise DeadlineError(f"{self.host} was not asked: the deadline had passed")
        try:
            response = pool.urlopen(
                method,
                url,
                body,
                headers,
                _NO_RETRIES,
                redirect=False,
                assert_same_host=False,
                timeout=Timeout(total=remaining),
                preload_content=False,
            )
            answer = self._read(response)
        except (HTTPError, OSError) as error:
            raise self._lost(error, remaining) from error
        if not 200 <= response.status < 300:
            self._refuse(response, answer)
        return answer

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        length = response.length_remaining
        is_short = length is not None and length <= self._max_answer_bytes
        if is_short and "Content-Encoding" not in response.headers:
            return response.read()
        pieces, size = [], 0
        for piece in response.stream(_PIECE_BYTES):
            pieces.append(piece)
            size += len(piece)
            if size > self._max_answer_bytes:
                response.close()
                limit = self._max_answer_bytes / 2**20
                raise ProviderError(f"{self.host} sent an answer of more than {limit:g} MiB")
        return b"".join(pieces)

    def _lost(self, error: Exception, allowed: float) -> ProviderError:
        reason = self._hide(_reason(error))
        cause = _innermost(error)
        # The system's own time-outs, of a host that is gone, have a number; ours have none.
        if isinstance(cause, UrllibTimeoutError | TimeoutError) and not getattr(cause, "errno", 0):
            return DeadlineError(f"{self.host} gave no whole answer within {allowed:.3g} s")
        if isinstance(error, ProxyError):
            return UnreachableError(
                f"no connection to {self.host} through the proxy: {reason}; {_CHECK_PROXY}"
            )
        if isinstance(error, SSLError):
            is_untrusted = "certificate" in reason.lower()
            check = "name a private authority's file in SSL_CERT_FILE" if is_untrusted else _CHECK
            return UnreachableError(f"no secure connection to {self.host}: {reason}; {check}")
        if isinstance(error, DecodeError):
            return UnavailableError(f"{self.host} sent an answer that can't be decompressed")
        return UnavailableError(f"the connection to {self.host} was lost: {reason}")

    def _refuse(self, response: urllib3.BaseHTTPResponse, body: bytes) -> Never:
        """Raise what a status other than 2xx means."""
        status, headers = response.status, response.headers
        name = self._hide(_one_line(f"{status} {response.reason or ''}"))
        message = f"{self.host} answered {name}: {self.words(body)}"
        if 300 <= status < 400:
            target = headers.get("Location", "nowhere").partition("?")[0].rpartition("@")[2]
            target = self._hide(_shortened(_one_line(target), MAX_TEXT))
            raise RejectedError(f"{message} (it redirects to {target}: is base_url right?)")
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise CredentialsError(message)
        if status == HTTPStatus.NOT_FOUND:
            raise ModelNotFoundError(f"{message} (asked at {self.base_url})")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            if b'"insufficient_quota"' in body:
                # OpenAI's word for an account without money: no wait will help.
                raise CredentialsError(message)
            raise RateLimitError(message, _retry_after(headers))
        if status >= 500 or status in _TRY_AGAIN:
            raise UnavailableError(message, _retry_after(headers))
        raise RejectedError(message)

    def _new_pool(self) -> urllib3.HTTPConnectionPool:
        manager: urllib3.PoolManager
        options: dict[str, Any] = {"maxsize": _MAX_IDLE, "ssl_context": self._tls}
        if self._proxy is None:
            manager = urllib3.PoolManager(**options)
        else:
            headers = _basic_authorization(self._proxy, "Proxy-Authorization")
            address = f"{self._proxy.scheme}://{self._proxy.netloc.rpartition('@')[2]}"
            options |= {"proxy_headers": headers, "proxy_ssl_context": self._tls}
            try:
                manager = urllib3.ProxyManager(address, **options)
            except ProxySchemeUnknown as error:
                raise InvalidRequestError(
                    f"the proxy at {address} is of a kind that can't be used: give it as http://…"
                ) from error
        manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        return manager.connection_from_host(self._hostname, self._port, self._scheme)


# --- Connections --------------------------------------------------------------------------------


class _StaleConnectionError(UnavailableError):
    """A kept connection had been closed by the server before it got our request."""


class _BoundedSocket(socket.socket):
    """A socket whose timeout bounds all that is read until it is set again, not each piece."""

    has_received = False
    _until = math.inf

    def settimeout(self, value: float | None) -> None:
        self.has_received = False
        self._until = math.inf if value is None else time.monotonic() + value
        super().settimeout(value)

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        # The first piece has the timeout just set.
        if self.has_received:
            self._tighten()
        num_bytes = super().recv_into(*args, **kwargs)
        self.has_received |= num_bytes > 0
        return num_bytes

    def _tighten(self) -> None:
        remaining = self._until - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("timed out")
        if remaining < math.inf:
            super().settimeout(remaining)


class _BoundedTlsSocket(_BoundedSocket, ssl.SSLSocket):
    def send(self, *args: Any, **kwargs: Any) -> int:
        self._tighten()
        return super().send(*args, **kwargs)


class _Connection(HTTPConnection):
    """urllib3's, with a bound on the time to connect, and an eye on whether it is a used one."""

    _is_used = False

    def _new_conn(self) -> socket.socket:
        self._is_used = False
        total = float(self.timeout or CONNECT_SECONDS)
        until = time.monotonic() + total
        where, check = f"{self.host}:{self.port}", _CHECK
        if self.proxy:
            where, check = f"the proxy {where}", _CHECK_PROXY
        try:
            connected = self._connect(min(total, CONNECT_SECONDS))
        except TimeoutError as error:
            if total <= CONNECT_SECONDS:
                raise DeadlineError(f"no connection to {where} within {total:.3g} s") from error
            raise UnreachableError(
                f"no connection to {where} within {CONNECT_SECONDS:g} s; {check}"
            ) from error
        except socket.gaierror as error:
            raise UnreachableError(f"no such host: {where} ({error.strerror}); {check}") from error
        except (OSError, UnicodeError) as error:
            reason = _reason(error)
            raise UnreachableError(f"no connection to {where}: {reason}; {check}") from error
        connected.settimeout(max(until - time.monotonic(), 0.001))
        return connected

    def _connect(self, seconds: float) -> _BoundedSocket:
        until = time.monotonic() + seconds
        failure: OSError = OSError("the name has no address")
        host = self._dns_host.strip("[]")
        addresses = socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, address in addresses:
            connected = _BoundedSocket(family, kind, protocol)
            try:
                for option in self.socket_options or ():
                    connected.setsockopt(*option)
                connected.settimeout(max(until - time.monotonic(), 0.001))
                connected.connect(address)
            except OSError as error:
                connected.close()
                failure = error
            else:
                return connected
        raise failure

    # urllib3 declares another type here than http.client, too.
    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]
        connected, start = self.sock, time.monotonic()
        try:
            response = super().getresponse()
        except ConnectionError as error:
            is_early = time.monotonic() - start < _STALE_SECONDS
            if self._is_used and is_early and not getattr(connected, "has_received", True):
                raise _StaleConnectionError(f"{self.host} closed the connection") from error
            raise
        self._is_used = True
        return response


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


# --- Settings -----------------------------------------------------------------------------------


def _split(base_url: str) -> SplitResult:
    shown = base_url.partition("?")[0].partition("#")[0].rpartition("@")[2]
    expected = "expected an address such as http://localhost:8000/v1"
    try:
        url = urlsplit(base_url)
        is_valid = url.scheme in ("http", "https") and bool(url.hostname) and not url.fragment
        is_valid = is_valid and url.port != 0 and not re.search(r"[\x00-\x20\x7f]", base_url)
    except ValueError:
        # The cause is left out, since it quotes the URL with its password.
        raise InvalidRequestError(f"base_url {shown!r} can't be read; {expected}") from None
    if not is_valid:
        raise InvalidRequestError(f"base_url {shown!r} is not valid; {expected}")
    return url


def _basic_authorization(url: SplitResult, header: str = "Authorization") -> dict[str, str]:
    userinfo = unquote(url.netloc.rpartition("@")[0])
    return {header: f"Basic {b64encode(userinfo.encode()).decode()}"} if userinfo else {}


def _checked_value(name: str, value: str) -> str:
    # urllib3's own error would quote the value, which may be a key.
    if not value.isascii() or not value.isprintable():
        raise InvalidRequestError(f"the header {name} holds a character that can't be sent")
    return value


def _secrets(url: SplitResult, headers: Mapping[str, str]) -> list[str]:
    parts = [value.rpartition(" ")[2] for value in headers.values()]
    parts += [item.partition("=")[2] for item in url.query.split("&")] + [url.query]
    parts += [url.password or "", unquote(url.password or "")]
    parts += [url.username or ""]
    return sorted({part for part in parts if len(part) >= _MIN_SECRET}, key=len, reverse=True)


def _proxy_for(url: SplitResult) -> SplitResult | None:
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(url.netloc.rpartition("@")[2]):
        return None
    return urlsplit(proxy if "://" in proxy else f"http://{proxy}")


def _tls_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    # OpenSSL itself honours SSL_CERT_FILE, and is silent where there is no such file.
    for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        path = os.environ.get(variable)
        if not path:
            continue
        try:
            if os.path.isdir(path):
                context.load_verify_locations(capath=path)
            else:
                context.load_verify_locations(cafile=path)
        except OSError as error:
            raise InvalidRequestError(
                f"{variable} names {path!r}, which holds no certificates: {_reason(error)}"
            ) from error
    context.sslsocket_class = _BoundedTlsSocket
    return context


# --- Words --------------------------------------------------------------------------------------


def _words(text: str) -> tuple[str, int]:
    """One line that says what `text`, a body, is; and how many characters of it to show."""
    if not text.strip():
        return "an empty body", MAX_TEXT
    try:
        message = _message(msgspec.json.decode(text))
    except ValueError:
        message = ""
    if message:
        return _one_line(message), MAX_WORDS
    if re.match(r"\s*<(!doctype\s+html|html|head|body)", text, re.IGNORECASE):
        title = re.search(r"<title[^>]*>(.*?)</title", text, re.IGNORECASE | re.DOTALL)
        named = f" titled {_one_line(html.unescape(title[1]))!r}" if title else ""
        return f"an HTML page{named}, not JSON", MAX_TEXT
    return _one_line(text), MAX_TEXT


def _message(value: object) -> str:
    """The error message in the forms that OpenAI, Anthropic, Ollama, FastAPI and others use."""
    while isinstance(value, dict):
        value = next((value[key] for key in ("error", "message", "detail") if value.get(key)), "")
    return value if isinstance(value, str) else ""


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _shortened(text: str, max_length: int) -> str:
    return text if len(text) <= max_length else text[:max_length] + "…"


def _innermost(error: BaseException) -> BaseException:
    while inner := [arg for arg in error.args if isinstance(arg, BaseException)]:
        error = inner[-1]
    return error


def _reason(error: BaseException) -> str:
    """The system's own words for what went wrong."""
    error = _innermost(error)
    text = getattr(error, "verify_message", "") or getattr(error, "strerror", None) or str(error)
    return _shortened(_one_line(str(text)), MAX_TEXT) or type(error).__name__


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as the provider asks for: in milliseconds, in seconds, or as a date."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            seconds = float(milliseconds) / 1000
        elif value := headers.get("Retry-After"):
            if re.fullmatch(r"\s*[\d.]+\s*", value):
                seconds = float(value)
            else:
                seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
