"""Downloads over HTTP: streamed, checked for completeness, tried again when the connection is lost.

Nothing imports this file at the top but its tests: urllib3 takes a tenth of a second to import, and
most runs download nothing. Proxies come from HTTP_PROXY, HTTPS_PROXY and NO_PROXY, a private
certificate authority from SSL_CERT_FILE.
"""

import logging
import os
import re
import ssl
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urljoin
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError, IncompleteRead, NameResolutionError, SSLError
from urllib3.util import Url, make_headers, parse_url

from common.errors import DataError
from common.version import VERSION

LOGGER = logging.getLogger(__name__)
TIMEOUT = urllib3.Timeout(connect=20, read=60)
CHUNK_BYTES = 1 << 18
MAX_REDIRECTS = 5

_Result = TypeVar("_Result")


class _LostError(DataError):
    """The server or the connection failed in a way that may pass."""


class _MissingError(DataError):
    """The server answered that there is no such file."""


def download(url: str, path: Path, waits_seconds: Sequence[float]) -> None:
    """Write the body of `url` to `path`, replacing it.

    Args:
        url: An http or https URL; redirects are followed.
        path: Where to write. After an error it may hold a part of the body.
        waits_seconds: Pauses between tries; there is one try more than pauses.

    Raises:
        DataError: It can't be had or broke off; the message names URL and reason.
        OSError: `path` can't be written.
    """

    def save(response: urllib3.BaseHTTPResponse) -> None:
        with path.open("wb") as file:
            for chunk in response.stream(CHUNK_BYTES, decode_content=False):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())

    _try(url, save, waits_seconds)


def read_if_there(url: str, waits_seconds: Sequence[float]) -> bytes | None:
    """Return the body of `url`, or None when the server answers 404. Errors as in `download`."""

    def body(response: urllib3.BaseHTTPResponse) -> bytes:
        return b"".join(response.stream(CHUNK_BYTES, decode_content=False))

    try:
        return _try(url, body, waits_seconds)
    except _MissingError:
        return None


def without_credentials(url: str) -> str:
    """`url` without user name and password, fit for messages and stored files."""
    return re.sub(r"(?<=://)[^/?#]*@", "", url)


def _try(
    url: str,
    use: Callable[[urllib3.BaseHTTPResponse], _Result],
    waits_seconds: Sequence[float],
) -> _Result:
    for wait in waits_seconds:
        try:
            return _once(url, use)
        except _LostError as error:
            LOGGER.warning("%s; next try in %g s", error, wait)
            time.sleep(wait)
    return _once(url, use)


def _once(url: str, use: Callable[[urllib3.BaseHTTPResponse], _Result]) -> _Result:
    try:
        with _open(url) as response:
            return use(response)
    except HTTPError as error:
        reason, may_pass = _reason(error)
        kind = _LostError if may_pass else DataError
        raise kind(f"{without_credentials(url)}: {reason}") from error


def _open(url: str) -> urllib3.BaseHTTPResponse:
    address, shown = url, without_credentials(url)
    for _ in range(MAX_REDIRECTS + 1):
        parsed = parse_url(address)
        if parsed.scheme not in ("http", "https") or parsed.host is None:
            raise DataError(f"{without_credentials(address)} is not an http or https URL")
        response = _pool(parsed).request(
            "GET",
            without_credentials(address),
            headers=_headers(parsed),
            preload_content=False,
            redirect=False,
            retries=False,
            timeout=TIMEOUT,
        )
        location = response.get_redirect_location()
        if not location:
            _check_status(shown, response)
            return response
        response.close()
        address = urljoin(address, location)
    raise DataError(f"{shown} redirects more than {MAX_REDIRECTS} times")


def _pool(url: Url) -> urllib3.PoolManager:
    context = ssl.create_default_context()
    proxies = getproxies()
    proxy = proxies.get(url.scheme or "") or proxies.get("all")
    if not proxy or proxy_bypass(url.netloc or ""):
        return urllib3.PoolManager(ssl_context=context)
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    auth = parse_url(proxy).auth
    headers = make_headers(proxy_basic_auth=unquote(auth)) if auth else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, ssl_context=context)


def _headers(url: Url) -> dict[str, str]:
    # Asked for as it is stored: else a server may take a .gz apart, and no checksum would match.
    headers = {"Accept-Encoding": "identity", "User-Agent": f"lm-bench/{VERSION}"}
    if url.auth:
        headers |= make_headers(basic_auth=unquote(url.auth))
    return headers


def _check_status(url: str, response: urllib3.BaseHTTPResponse) -> None:
    status = response.status
    if status == HTTPStatus.OK:
        return
    message = f"{url} answered {status} {response.reason or ''}".rstrip()
    response.close()
    if status == HTTPStatus.NOT_FOUND:
        raise _MissingError(message)
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _LostError(message)
    raise DataError(message)


def _reason(error: HTTPError) -> tuple[str, bool]:
    """What happened, in words, and whether it may pass."""
    chain = [error, *(part for part in error.args if isinstance(part, Exception))]
    for part in chain:
        if isinstance(part, IncompleteRead) and part.expected is not None:
            total = part.partial + part.expected
            return f"the connection ended after {part.partial} of {total} bytes", True
        if isinstance(part, NameResolutionError):
            return "the name of the host can't be resolved", True
        if isinstance(part, SSLError):
            hint = "a private certificate authority is named by SSL_CERT_FILE"
            return f"no secure connection ({part}; {hint})", False
    words = [part for part in error.args if isinstance(part, str)]
    return f"no connection, or it was lost ({'; '.join(words) or error})", True
