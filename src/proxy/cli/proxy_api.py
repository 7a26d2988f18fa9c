"""A proxy-server's routes for accounts, as methods that raise the errors the server raised."""

import time
from pathlib import Path
from typing import Any, Never, TypeVar
from urllib.parse import urlencode

import msgspec

from common.errors import InvalidRequestError, UnavailableError, UnreachableError
from proxy.accounts.account import AccountChange, AccountInfo, AuditRow, UsageRow
from proxy.error_answer import ErrorAnswer, to_error
from proxy.http import Http, Response

_TIMEOUT_SECONDS = 60.0

T = TypeVar("T")


class _Rows(msgspec.Struct):
    rows: msgspec.Raw


class ProxyApi:
    """Asks the proxy-server at `server_url`.

    Args:
        api_key_path: File with the key.

    Raises:
        InvalidRequestError: There is no key in that file, or the URL can't be used.
    """

    def __init__(self, server_url: str, api_key_path: Path) -> None:
        self._url = server_url
        key = _read_key(api_key_path)
        self._connection = _Connection(server_url, {"Authorization": f"Bearer {key}"})

    def own(self) -> AccountInfo:
        """Return the account of the key."""
        return self._ask("GET", "/api/account", list[AccountInfo])[0]

    def get(self, account_id: int) -> AccountInfo:
        """Return an account."""
        return self._ask("GET", f"/api/account?id={account_id}", list[AccountInfo])[0]

    def list_all(self) -> list[AccountInfo]:
        """Return all accounts."""
        return self._ask("GET", "/api/account?all=true", list[AccountInfo])

    def create(self, change: AccountChange) -> AccountInfo:
        """Make an account; the answer has its key."""
        return self._ask("POST", "/api/account", AccountInfo, change)

    def change(self, change: AccountChange) -> AccountInfo:
        """Change an account."""
        return self._ask("PUT", "/api/account", AccountInfo, change)

    def delete(self, account_id: int, *, erase: bool) -> AccountInfo:
        """Take an account out of use, and with `erase` remove all that says whose it is."""
        body = {"id": account_id, "erase": erase}
        return self._ask("DELETE", "/api/account", AccountInfo, body)

    def rotate(self, account_id: int, grace_seconds: float | None) -> AccountInfo:
        """Give an account a new key, which the answer has."""
        grace = {} if grace_seconds is None else {"grace_seconds": grace_seconds}
        return self._ask("PUT", "/api/account/api_key", AccountInfo, {"id": account_id} | grace)

    def revoke(self, key_id: int) -> AccountInfo:
        """End a key at once."""
        return self._ask("DELETE", "/api/account/api_key", AccountInfo, {"key_id": key_id})

    def usage(self, days: int, account_id: int | None = None) -> list[UsageRow]:
        """Return what all accounts, or one, have used in the last days."""
        whose = {"all": "true"} if account_id is None else {"account": account_id}
        query = urlencode({"days": days} | whose)
        answer = self._ask("GET", f"/api/usage?{query}", _Rows)
        return msgspec.json.decode(answer.rows, type=list[UsageRow])

    def audit(self) -> list[AuditRow]:
        """Return who changed what, newest first."""
        return msgspec.json.decode(self._ask("GET", "/api/audit", _Rows).rows, type=list[AuditRow])

    def export(self, account_id: int) -> Any:
        """Return everything that is kept of an account, as JSON."""
        return self._ask("GET", f"/api/account/export?id={account_id}", dict)

    def _ask(self, method: str, path: str, kind: type[T], body: object = None) -> T:
        content = None if body is None else msgspec.json.encode(body)
        try:
            answer = self._connection.ask(method, path, content)
            return msgspec.json.decode(answer, type=kind)
        except UnreachableError as error:
            raise UnreachableError(
                f"there is no proxy at {self._url}: start one with the command proxy-server, or "
                f"name another with --server-url ({error})"
            ) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UnavailableError(
                f"{self._url} did not answer as a proxy-server of this version does: {error}"
            ) from error


class _Connection(Http):
    """HTTP to a proxy, whose errors are ours already."""

    def ask(self, method: str, path: str, body: bytes | None) -> bytes:
        """Return the body of the answer."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        return self._exchange(method, path, body, self._post_headers, deadline)

    def refuse(self, response: Response, body: bytes) -> Never:
        """Raise the error that the proxy raised."""
        try:
            answer = msgspec.json.decode(body, type=ErrorAnswer)
        except ValueError:
            # Something between us and the proxy has answered.
            super().refuse(response, body)
        raise to_error(response.status, answer.error)


def _read_key(path: Path) -> str:
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise InvalidRequestError(
            f"no API key can be read from {path} ({reason}): name its file with --api-key-path"
        ) from error
    if not key:
        raise InvalidRequestError(f"{path} is empty: it should hold an API key")
    return key
