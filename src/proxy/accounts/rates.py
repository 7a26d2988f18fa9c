"""How much an account may ask in a minute.

Each account has a level of requests and one of tokens that may be asked at once. They fill up
evenly, to what a whole minute allows. They are in the database, so that they hold over all
processes, and are taken from in the transaction that reserves.
"""

from typing import Any, NamedTuple

from sqlalchemy import bindparam, select

from common.errors import QuotaError
from proxy.accounts.account import Account
from proxy.accounts.locks import lock_account
from proxy.store.database import Database
from proxy.store.tables import rate_levels
from proxy.store.upsert import insert

_MINUTE = 60.0

_FIND = select(rate_levels.c.requests, rate_levels.c.tokens, rate_levels.c.updated_at).where(
    rate_levels.c.account_id == bindparam("account_id")
)
_COLUMNS = ("requests", "tokens", "updated_at")
_store = insert(rate_levels).values({name: bindparam(name) for name in ("account_id", *_COLUMNS)})
_STORE = _store.on_conflict_do_update(
    index_elements=["account_id"], set_={name: _store.excluded[name] for name in _COLUMNS}
)


class Level(NamedTuple):
    """What may be asked of one thing: `limit` in a minute (None is no limit), `left` at once."""

    limit: int | None
    left: float

    def seconds_until(self, wanted: float) -> float | None:
        """How long until `wanted` may be asked; None if never."""
        if self.limit is None or wanted <= self.left:
            return 0.0
        return None if wanted > self.limit else (wanted - self.left) * _MINUTE / self.limit


class Levels(NamedTuple):
    """What one account may ask."""

    requests: Level
    tokens: Level


class Rates:
    """The levels of all accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._find = database.compile(_FIND)
        self._store = database.compile(_STORE)

    def read(self, account: Account, now: float) -> Levels:
        """Return what `account` may ask at the time `now`, in seconds since the epoch."""
        row = self._database.read_one(self._find, {"account_id": account.id})
        return _levels(account, row, now)

    def take(self, connection: Any, account: Account, tokens: int, now: float) -> QuotaError | None:
        """Take one request and `tokens`, or return why `account` may not ask.

        Args:
            connection: The driver's, in a transaction.
        """
        levels = self._locked(connection, account, now)
        for name, level, wanted in zip(Levels._fields, levels, (1, tokens), strict=True):
            wait = level.seconds_until(wanted)
            if wait != 0:
                return _refusal(name, level, wanted, wait)
        self._put(connection, account, levels.requests.left - 1, levels.tokens.left - tokens, now)
        return None

    def give_back(self, connection: Any, account: Account, tokens: int, now: float) -> None:
        """Return tokens that were taken and not used; below 0, take more."""
        levels = self._locked(connection, account, now)
        self._put(connection, account, levels.requests.left, levels.tokens.left + tokens, now)

    def _locked(self, connection: Any, account: Account, now: float) -> Levels:
        lock_account(self._database, connection, account.id)
        row = connection.execute(self._find, {"account_id": account.id}).fetchone()
        return _levels(account, row, now)

    def _put(
        self, connection: Any, account: Account, requests: float, tokens: float, now: float
    ) -> None:
        values = {"requests": requests, "tokens": tokens, "updated_at": now}
        connection.execute(self._store, {"account_id": account.id} | values)


def _levels(account: Account, row: tuple[float, float, float] | None, now: float) -> Levels:
    requests, tokens, updated_at = row or (None, None, now)
    seconds = max(0.0, now - updated_at)
    return Levels(
        _level(account.requests_per_minute, requests, seconds),
        _level(account.tokens_per_minute, tokens, seconds),
    )


def _level(limit: int | None, stored: float | None, seconds: float) -> Level:
    if limit is None:
        return Level(None, 0.0)
    if stored is None:
        return Level(limit, float(limit))
    return Level(limit, min(float(limit), stored + seconds * limit / _MINUTE))


def _refusal(name: str, level: Level, wanted: float, wait: float | None) -> QuotaError:
    allowed = f"at most {level.limit:,} {name} a minute are allowed"
    if wait is None:
        return QuotaError(f"{allowed}, and this request alone may take {wanted:,.0f}")
    left = max(0, int(level.left))
    return QuotaError(f"{allowed}, {left:,} are left now: try again in {wait:.1f} s", wait)
