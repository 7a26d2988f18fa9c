"""Accounts of the reference system: a line of JSON each, or rows of pickles in SQLite.

Keys go on working, and are kept as hashes. Quotas are kept, and so is what was used: as usage of
the day, the month and the time before, so that all sums are what they were.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
from sqlalchemy import Connection, select

from common.errors import DataError
from common.old_stores import read_store
from proxy.accounts import audit
from proxy.accounts.account import GRANULARITIES, MAX_TOKENS, Granularity, Quota, Spent
from proxy.accounts.account_rows import insert_account, insert_key, revoke_key, store_quotas
from proxy.accounts.keys import hashed, new_key
from proxy.accounts.usage import usage_values
from proxy.store.database import Database
from proxy.store.tables import api_keys, audit_entries, usage_days
from proxy.store.upsert import insert

OLD_FILES = ("accounts.jsonl", "accounts.sqlite")
IMPORTED_MODEL = "(imported)"

_ACTION = "accounts.import"
_MIN_KEY_LENGTH = 16  # shorter ones, such as the well-known first key, can be guessed
_LONG_AGO = "1970-01-01"
_DATE = re.compile(r"(\d{4})-(\d{1,2})(?:-(\d{1,2}))?", re.ASCII)


_Tokens = Annotated[int, msgspec.Meta(ge=0, le=MAX_TOKENS)]


class OldUsage(msgspec.Struct, frozen=True):
    """Periods were written without leading zeros: 2022-8-2, 2022-8, all."""

    period: str | None = None
    used: _Tokens = 0
    quota: _Tokens | None = None


class OldAccount(msgspec.Struct, frozen=True):
    """An account as the reference system kept it."""

    api_key: str
    description: str = ""
    emails: list[str] = []
    groups: list[str] = []
    is_admin: bool = False
    usages: dict[str, dict[Granularity, OldUsage]] = {}

    def __repr__(self) -> str:
        return f"OldAccount(description={self.description!r}, …)"


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file's accounts; `new_keys` are of those whose key was too short to keep."""

    num_imported: int
    num_known: int
    new_keys: list[tuple[str, str]]  # description and key

    def __repr__(self) -> str:
        return f"Imported(num_imported={self.num_imported}, num_known={self.num_known}, …)"


def read_old_accounts(path: Path) -> list[OldAccount]:
    """Return the accounts in an `accounts.jsonl` or an `accounts.sqlite`.

    Raises:
        DataError: The file is neither, or an account in it is not valid; no key is told.
    """
    if not path.is_file():
        raise DataError(f"{path} is not a file")
    with open(path, "rb") as file:
        is_sqlite = file.read(16).startswith(b"SQLite format 3")
    places = _stored(path) if is_sqlite else _lines(path)
    accounts = []
    for place, value in places:
        try:
            accounts.append(msgspec.convert(value, OldAccount))
        except msgspec.ValidationError as error:
            raise DataError(f"{path}, {place}: {error}") from error
    return accounts


def import_accounts(database: Database, old: Iterable[OldAccount], now: float) -> Imported:
    """Write accounts that are not there yet, all or none.

    Args:
        now: The time, in seconds since the epoch.
    """
    num_imported, num_known = 0, 0
    new_keys: list[tuple[str, str]] = []
    with database.write() as connection:
        for account in old:
            if _is_known(connection, account.api_key):
                num_known += 1
                continue
            num_imported += 1
            api_key = account.api_key
            account_id = _import(connection, account, now)
            if len(api_key) < _MIN_KEY_LENGTH:
                # It stays known, and of no use.
                revoke_key(connection, insert_key(connection, account_id, now, api_key).id, now)
                api_key = new_key()
                new_keys.append((account.description, api_key))
            insert_key(connection, account_id, now, api_key)
        audit.record(connection, now, None, _ACTION, None, number=num_imported)
    return Imported(num_imported=num_imported, num_known=num_known, new_keys=new_keys)


def was_imported(database: Database) -> bool:
    """Whether accounts were ever imported."""
    asked = select(audit_entries.c.id).where(audit_entries.c.action == _ACTION).limit(1)
    with database.read() as connection:
        return connection.execute(asked).first() is not None


def _lines(path: Path) -> Iterable[tuple[str, object]]:
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if line.strip():
            try:
                yield f"line {number}", msgspec.json.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise DataError(f"{path}, line {number}: {error}") from error


def _stored(path: Path) -> Iterable[tuple[str, object]]:
    for number, (key, value) in enumerate(read_store(path, are_keys_secret=True), start=1):
        # The key of the row counts, as it did.
        yield f"row {number}", value | {"api_key": key} if isinstance(value, dict) else value


def _is_known(connection: Connection, api_key: str) -> bool:
    asked = select(api_keys.c.id).where(api_keys.c.key_hash == hashed(api_key))
    return connection.execute(asked).first() is not None


def _import(connection: Connection, old: OldAccount, now: float) -> int:
    account_id = insert_account(
        connection,
        now,
        old.description,
        is_admin=old.is_admin,
        emails=old.emails,
        groups=old.groups,
    )
    for group, usages in old.usages.items():
        limits: dict[Granularity, Quota | int | None] = {
            granularity: usage.quota
            for granularity, usage in usages.items()
            if usage.quota is not None
        }
        store_quotas(connection, account_id, {group: limits})
        for day, tokens in _days(usages).items():
            spent = Spent(model=IMPORTED_MODEL, prompt_tokens=tokens, completion_tokens=0)
            values = usage_values(account_id, day, group, spent) | {"requests": 0}
            connection.execute(insert(usage_days).values(values))
    return account_id


def _days(usages: dict[Granularity, OldUsage]) -> dict[str, int]:
    """Spread what was used over days, so that day, month and all time have their sums again."""
    days: dict[str, int] = {}
    for granularity in GRANULARITIES:
        usage = usages.get(granularity)
        if usage is None or usage.used <= 0:
            continue
        start = _LONG_AGO if granularity == "total" else _first_day(usage.period)
        span = "" if granularity == "total" else start[:7]
        rest = usage.used - sum(tokens for day, tokens in days.items() if day.startswith(span))
        if rest > 0:
            days[start] = days.get(start, 0) + rest
    return days


def _first_day(period: str | None) -> str:
    found = _DATE.fullmatch(period or "")
    if found is None:
        return _LONG_AGO
    year, month, day = found[1], int(found[2]), int(found[3] or 1)
    return f"{year}-{month:02}-{day:02}"
