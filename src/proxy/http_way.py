"""How to get to a host: the parts of its address, and what the environment says of the way there.

Proxies come from HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, certificate authorities from
SSL_CERT_FILE or REQUESTS_CA_BUNDLE, or else from the system.
"""

import os
import re
import ssl
from base64 import b64encode
from functools import cache
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from common.errors import InvalidRequestError


class Way(NamedTuple):
    """How to get to a host.

    Args:
        proxy: The URL of a proxy without its user; empty for none.
        proxy_user: `user:password`; empty for none.
        authorities: A file with the certificates of who may vouch for the host; empty for none.
        authorities_folder: One with more of them, in OpenSSL's hashed form; empty for none.
    """

    proxy: str = ""
    proxy_user: str = ""
    authorities: str = ""
    authorities_folder: str = ""


def split_url(base_url: str) -> SplitResult:
    """Return the parts of a base URL.

    Raises:
        InvalidRequestError: It can't be one.
    """
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


def way_to(url: SplitResult) -> Way:
    """Return how the environment says to get to the host of `url`.

    Raises:
        InvalidRequestError: The proxy is not an HTTP proxy, or SSL_CERT_FILE or REQUESTS_CA_BUNDLE
            names no certificates.
    """
    way = Way()
    proxy = _proxy_for(url)
    if proxy is not None:
        address = f"{proxy.scheme}://{proxy.netloc.rpartition('@')[2]}"
        if proxy.scheme not in ("http", "https"):
            raise InvalidRequestError(
                f"the proxy at {address} is of a kind that can't be used: give it as http://…"
            )
        user = unquote(proxy.netloc.rpartition("@")[0])
        way = way._replace(proxy=address, proxy_user=user)
    if "https" in (url.scheme, proxy and proxy.scheme):
        authorities, folder = _authorities(*map(os.environ.get, _CERTIFICATE_VARIABLES))
        way = way._replace(authorities=authorities, authorities_folder=folder)
    return way


_CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


@cache  # to read all authorities takes 50 ms, and an installation may have a hundred deployments
def _authorities(*paths: str | None) -> tuple[str, str]:
    """A file and a folder with certificates of authorities: those at `paths`, or the system's."""
    file = folder = ""
    # OpenSSL itself honours SSL_CERT_FILE, and is silent where there is no such file.
    for variable, path in zip(_CERTIFICATE_VARIABLES, paths, strict=True):
        if not path:
            continue
        try:
            if os.path.isdir(path):
                ssl.create_default_context(capath=path)
                folder = folder or path
            else:
                ssl.create_default_context(cafile=path)
                file = file or path
        except OSError as error:
            raise InvalidRequestError(
                f"{variable} names {path!r}, which holds no certificates: {error.strerror or error}"
            ) from error
    system = ssl.get_default_verify_paths()
    return file or system.cafile or "", folder or system.capath or ""


def _proxy_for(url: SplitResult) -> SplitResult | None:
    """Return the proxy that the environment names for `url`, if any."""
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(url.netloc.rpartition("@")[2]):
        return None
    return urlsplit(proxy if "://" in proxy else f"http://{proxy}")


def basic_authorization(url: SplitResult, header: str = "Authorization") -> dict[str, str]:
    """Return the header that sends the user and password in `url`; none without them."""
    userinfo = unquote(url.netloc.rpartition("@")[0])
    return {header: f"Basic {b64encode(userinfo.encode()).decode()}"} if userinfo else {}
