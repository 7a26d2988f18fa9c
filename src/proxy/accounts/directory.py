"""Accounts as they are shown: with keys, quotas and what is used of them today."""

from collections import defaultdict
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Table, select

from common.errors import NotFoundError
from proxy.accounts.account import GRANULARITIES, AccountInfo, Granularity, KeyInfo, Usage
from proxy.accounts.periods import day_of, period_of, span_of
from proxy.accounts.usage import NANOS
from proxy.store.database import Database
from proxy.store.sums import whole_sum
from proxy.store.tables import accounts, api_keys, quotas, usage_days

# Account and group of models → granularity → tokens and nanodollars.
_Amounts = dict[tuple[int, str], dict[Granularity, tuple[Any, Any]]]


def find_account(database: Database, account_id: int, now: float) -> AccountInfo:
    """Return one account, also one that was deleted.

    Raises:
        NotFoundError: There never was one with this id.
    """
    with database.read() as connection:
        found = _read(connection, now, account_id)
    if not found:
        raise NotFoundError(f"there is no account {account_id}")
    return found[0]


def list_accounts(database: Database, now: float) -> list[AccountInfo]:
    """Return all accounts that were not deleted, in the order they were made."""
    with database.read() as connection:
        return [account for account in _read(connection, now, None) if account.deleted_at is None]


def _read(connection: Connection, now: float, account_id: int | None) -> list[AccountInfo]:
    keys: dict[int, list[KeyInfo]] = defaultdict(list)
    for row in _rows(connection, api_keys, account_id):
        keys[row.account_id].append(_key_info(row))
    usages = _usages(connection, day_of(now), account_id)
    return [
        _account_info(row, keys[row.id], usages[row.id])
        for row in _rows(connection, accounts, account_id)
    ]


def _rows(connection: Connection, table: Table, account_id: int | None) -> list[Row[Any]]:
    asked = select(table)
    if account_id is not None:
        column = table.c.id if table is accounts else table.c.account_id
        asked = asked.where(column == account_id)
    if "id" in table.c:
        asked = asked.order_by(table.c.id)
    return list(connection.execute(asked).all())


def _usages(
    connection: Connection, day: str, account_id: int | None
) -> dict[int, dict[str, dict[Granularity, Usage]]]:
    limits: _Amounts = defaultdict(dict)
    for row in _rows(connection, quotas, account_id):
        limits[row.account_id, row.model_group][row.granularity] = (row.tokens, row.cost)
    used = _used(connection, day, account_id)
    usages: dict[int, dict[str, dict[Granularity, Usage]]] = defaultdict(dict)
    for account, group in sorted(limits.keys() | used.keys()):
        usages[account][group] = {
            granularity: _usage(
                period_of(granularity, day),
                used[account, group].get(granularity, (0, 0)),
                limits[account, group].get(granularity, (None, None)),
            )
            for granularity in GRANULARITIES
        }
    return usages


def _used(connection: Connection, day: str, account_id: int | None) -> _Amounts:
    used: _Amounts = defaultdict(dict)
    table = usage_days.c
    for granularity in GRANULARITIES:
        asked = (
            select(
                table.account_id,
                table.model_group,
                whole_sum(table.prompt_tokens + table.completion_tokens),
                whole_sum(table.cost),
            )
            .where(table.day.between(*span_of(granularity, day)))
            .group_by(table.account_id, table.model_group)
        )
        if account_id is not None:
            asked = asked.where(table.account_id == account_id)
        for account, group, tokens, cost in connection.execute(asked):
            used[account, group][granularity] = (tokens, cost)
    return used


def _usage(period: str, used: tuple[int, int], limits: tuple[int | None, int | None]) -> Usage:
    return Usage(
        period=period,
        used=used[0],
        quota=limits[0],
        cost_used=used[1] / NANOS,
        cost_quota=None if limits[1] is None else limits[1] / NANOS,
    )


def _key_info(row: Row[Any]) -> KeyInfo:
    return KeyInfo(
        id=row.id,
        prefix=row.prefix,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )


def _account_info(
    row: Row[Any], keys: list[KeyInfo], usages: dict[str, dict[Granularity, Usage]]
) -> AccountInfo:
    return AccountInfo(
        id=row.id,
        # Of the newest that still works: an older one may only have its grace.
        key_prefix=next((key.prefix for key in reversed(keys) if key.revoked_at is None), ""),
        description=row.description,
        emails=msgspec.json.decode(row.emails),
        groups=msgspec.json.decode(row.groups),
        is_admin=row.is_admin,
        usages=usages,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=max((key.last_used_at for key in keys if key.last_used_at), default=None),
        deleted_at=row.deleted_at,
        requests_per_minute=row.requests_per_minute,
        tokens_per_minute=row.tokens_per_minute,
        keys=keys,
    )
