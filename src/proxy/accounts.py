"""Accounts and their keys: who may ask, and who may change things.

A key is shown once, when it is made. What is kept is its SHA-256: a key holds 256 random bits
beside its visible part, so nobody can try them out, and a slow hash would add nothing but delay.
"""

import hashlib
import secrets
import threading
import time
from collections.abc import Callable

import msgspec
from sqlalchemy import Connection, bindparam, insert, select, update

from common.authentication import Authentication
from common.errors import AuthenticationError
from proxy.store.database import Database
from proxy.store.tables import accounts, api_keys

KEY_MARK = "lmb-"  # lets people, and scanners for leaked secrets, recognise a key
_NUM_KEY_BYTES = 38  # 48 bits are visible in the prefix, 256 are not
_PREFIX_LENGTH = len(KEY_MARK) + 8
MEMORY_SECONDS = 1.0  # so a revocation acts in all processes within this time
_MAX_REMEMBERED = 10_000

_FIND_KEY = (
    select(
        accounts.c.id,
        accounts.c.description,
        accounts.c.is_admin,
        api_keys.c.id.label("key_id"),
        api_keys.c.prefix.label("key_prefix"),
    )
    .join_from(api_keys, accounts)
    .where(api_keys.c.key_hash == bindparam("key_hash"), api_keys.c.revoked_at.is_(None))
)
_FIND_ANY = select(accounts.c.id).limit(1)


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account, and the key it was recognised by. The key's prefix may be shown and logged."""

    id: int
    description: str
    is_admin: bool
    key_id: int
    key_prefix: str


class NewAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account that was just made; nobody can get at its key a second time."""

    account: Account
    api_key: str

    def __repr__(self) -> str:
        return f"NewAccount({self.account!r}, api_key=…)"


class Accounts:
    """The accounts of one installation; the only code that touches their tables.

    Args:
        clock: Tells seconds, for how long a checked key is remembered.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._remembered: dict[bytes, tuple[float, Account]] = {}
        self._lock = threading.Lock()

    def authenticate(self, auth: Authentication) -> Account:
        """Return the account whose key is in `auth`.

        Raises:
            AuthenticationError: There is none, or the key was revoked. The key is not repeated.
        """
        # Found by its hash, so the time it takes says nothing about any key.
        key_hash = _hash(auth.api_key)
        now = self._clock()
        known = self._remembered.get(key_hash)
        if known is not None and now - known[0] < MEMORY_SECONDS:
            return known[1]
        with self._database.read() as connection:
            row = connection.execute(_FIND_KEY, {"key_hash": key_hash}).first()
        if row is None:
            self._remembered.pop(key_hash, None)
            raise AuthenticationError("this API key is not known, or was revoked")
        account = Account(**row._asdict())
        self._remember(key_hash, now, account)
        return account

    def create(self, description: str = "", *, is_admin: bool = False) -> NewAccount:
        """Make an account with a fresh key."""
        with self._database.write() as connection:
            return _insert_account(connection, description, is_admin=is_admin)

    def create_first_admin(self) -> str | None:
        """Make an administrator and return the key, or None if there is any account already.

        However many processes call this at the same time, only one gets a key.
        """
        with self._database.write() as connection:
            if connection.execute(_FIND_ANY).first() is not None:
                return None
            return _insert_account(connection, "first administrator", is_admin=True).api_key

    def revoke(self, key_id: int) -> None:
        """Make a key invalid, in every process within `MEMORY_SECONDS`."""
        revoked = update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
        with self._database.write() as connection:
            connection.execute(revoked.values(revoked_at=time.time()))

    def _remember(self, key_hash: bytes, now: float, account: Account) -> None:
        with self._lock:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[key_hash] = (now, account)


def _insert_account(connection: Connection, description: str, *, is_admin: bool) -> NewAccount:
    now = time.time()
    account_id: int = connection.execute(
        insert(accounts)
        .values(description=description, is_admin=is_admin, created_at=now)
        .returning(accounts.c.id)
    ).scalar_one()
    api_key = KEY_MARK + secrets.token_urlsafe(_NUM_KEY_BYTES)
    prefix = api_key[:_PREFIX_LENGTH]
    key_id: int = connection.execute(
        insert(api_keys)
        .values(account_id=account_id, prefix=prefix, key_hash=_hash(api_key), created_at=now)
        .returning(api_keys.c.id)
    ).scalar_one()
    account = Account(
        id=account_id,
        description=description,
        is_admin=is_admin,
        key_id=key_id,
        key_prefix=prefix,
    )
    return NewAccount(account=account, api_key=api_key)


def _hash(api_key: str) -> bytes:
    return hashlib.sha256(api_key.encode("utf-8", "surrogatepass")).digest()
