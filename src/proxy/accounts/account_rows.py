"""How accounts, keys and quotas are written; each in a transaction of the caller."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection, insert, update

from proxy.accounts.account import Quota, QuotaChanges
from proxy.accounts.keys import hashed, new_key, visible_part
from proxy.accounts.usage import to_nanos
from proxy.store.tables import accounts, api_keys, quotas
from proxy.store.upsert import insert as insert_or_update


def as_json(value: object) -> str:
    """Return `value` as the text that a column holds."""
    return msgspec.json.encode(value).decode()


def insert_account(
    connection: Connection,
    now: float,
    description: str,
    *,
    is_admin: bool = False,
    emails: Sequence[str] = (),
    groups: Sequence[str] = (),
) -> int:
    """Write a new account without a key, and return its id."""
    values = {
        "description": description,
        "emails": as_json(emails),
        "groups": as_json(groups),
        "is_admin": is_admin,
        "created_at": now,
    }
    made = insert(accounts).values(values).returning(accounts.c.id)
    account_id: int = connection.execute(made).scalar_one()
    return account_id


class Key(NamedTuple):
    """A key that was just written."""

    id: int
    api_key: str


def insert_key(connection: Connection, account_id: int, now: float, api_key: str = "") -> Key:
    """Give an account a key, by default a fresh one."""
    api_key = api_key or new_key()
    values = {
        "account_id": account_id,
        "prefix": visible_part(api_key),
        "key_hash": hashed(api_key),
        "created_at": now,
    }
    made = insert(api_keys).values(values).returning(api_keys.c.id)
    return Key(connection.execute(made).scalar_one(), api_key)


def revoke_key(connection: Connection, key_id: int, now: float) -> None:
    """Make a key invalid, unless it is already."""
    valid = update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
    connection.execute(valid.values(revoked_at=now))


def store_quotas(connection: Connection, account_id: int, changes: QuotaChanges) -> None:
    """Set the limits that `changes` names, and leave the others as they are."""
    for group, granularities in changes.items():
        for granularity, given in granularities.items():
            quota = given if isinstance(given, Quota) else Quota(quota=given)
            limits: dict[str, int | None] = {}
            if quota.quota is not UNSET:
                limits["tokens"] = quota.quota
            if quota.cost_quota is not UNSET:
                cost = quota.cost_quota
                limits["cost"] = None if cost is None else to_nanos(cost)
            key = {"account_id": account_id, "model_group": group, "granularity": granularity}
            statement = insert_or_update(quotas).values(key | limits)
            if limits:
                statement = statement.on_conflict_do_update(index_elements=list(key), set_=limits)
            else:
                statement = statement.on_conflict_do_nothing()
            connection.execute(statement)
