"""The rows behind quotas, and the few statements that read and change them.

All run on the driver's own connection, in a transaction of the caller. A row of `quota_periods` is
made when a request first needs it, and from then on equals the sums over `usage_days` and
`reservations`: so quotas that are set later know what was used before.
"""

from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Table, and_, bindparam, case, delete, select, update

from proxy.accounts.account import GRANULARITIES, Granularity, Spent
from proxy.accounts.locks import lock_account
from proxy.accounts.periods import period_of, span_of
from proxy.accounts.usage import ADD_USAGE, usage_values
from proxy.store.database import Database
from proxy.store.sums import whole_sum
from proxy.store.tables import quota_periods, quotas, reservations, usage_days
from proxy.store.upsert import insert

_PERIODS: dict[Granularity, Any] = {name: bindparam(name) for name in GRANULARITIES}
_AMOUNTS = ("used_tokens", "used_cost", "reserved_tokens", "reserved_cost")
_NO_CHANGE = {f"add_{name}": 0 for name in _AMOUNTS}


def _of_group(table: Table) -> ColumnElement[bool]:
    return and_(
        table.c.account_id == bindparam("account_id"),
        table.c.model_group == bindparam("model_group"),
    )


def _of_days(table: Table) -> ColumnElement[bool]:
    return and_(_of_group(table), table.c.day.between(bindparam("first"), bindparam("last")))


_LOOK = (
    select(
        quotas.c.granularity,
        quotas.c.tokens,
        quotas.c.cost,
        *(quota_periods.c[name] for name in _AMOUNTS),
    )
    .select_from(
        quotas.outerjoin(
            quota_periods,
            and_(
                quota_periods.c.account_id == quotas.c.account_id,
                quota_periods.c.model_group == quotas.c.model_group,
                quota_periods.c.period
                == case(
                    (quotas.c.granularity == bindparam("is_daily"), _PERIODS["daily"]),
                    (quotas.c.granularity == bindparam("is_monthly"), _PERIODS["monthly"]),
                    else_=_PERIODS["total"],
                ),
            ),
        )
    )
    .where(_of_group(quotas))
)
_NAMES = {"is_daily": "daily", "is_monthly": "monthly"}
_SUM_USED = select(
    whole_sum(usage_days.c.prompt_tokens + usage_days.c.completion_tokens),
    whole_sum(usage_days.c.cost),
).where(_of_days(usage_days))
_SUM_RESERVED = select(whole_sum(reservations.c.tokens), whole_sum(reservations.c.cost)).where(
    _of_days(reservations)
)
_MAKE = insert(quota_periods)
_ADD = (
    update(quota_periods)
    .where(_of_group(quota_periods), quota_periods.c.period.in_(list(_PERIODS.values())))
    .values({name: quota_periods.c[name] + bindparam(f"add_{name}") for name in _AMOUNTS})
)
_RESERVE = insert(reservations).on_conflict_do_nothing()
_DROP = delete(reservations).where(reservations.c.id == bindparam("id"))
_RENEW = (
    update(reservations)
    .where(reservations.c.owner == bindparam("me"))
    .values(expires_at=bindparam("until"))
)
_FIND_LAPSED = (
    select(reservations.c.account_id)
    .distinct()
    .where(reservations.c.expires_at < bindparam("now"))
    .order_by(reservations.c.account_id)
)
_TAKE_BACK = (
    delete(reservations)
    .where(
        reservations.c.account_id == bindparam("account_id"),
        reservations.c.expires_at < bindparam("now"),
    )
    .returning(
        *(reservations.c[name] for name in ("account_id", "model_group", "day", "tokens", "cost"))
    )
)


class QuotaRow(NamedTuple):
    """A quota and what is left of it in the current period; null is no limit. Cost in nanos."""

    granularity: Granularity
    tokens: int | None
    cost: int | None
    used_tokens: int
    used_cost: int
    reserved_tokens: int
    reserved_cost: int


class Held(NamedTuple):
    """What is set aside for a call under way; `cost` in nanodollars."""

    account_id: int
    model_group: str
    day: str
    tokens: int
    cost: int


class QuotaRows:
    """The statements, compiled for one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._find = database.compile(_LOOK)
        self._sum_used = database.compile(_SUM_USED)
        self._sum_reserved = database.compile(_SUM_RESERVED)
        self._make = database.compile(_MAKE)
        self._add = database.compile(_ADD)
        self._reserve = database.compile(_RESERVE)
        self._drop = database.compile(_DROP)
        self._renew = database.compile(_RENEW)
        self._find_lapsed = database.compile(_FIND_LAPSED)
        self._take_back = database.compile(_TAKE_BACK)
        self._add_usage = database.compile(ADD_USAGE)

    def read(self, connection: Any, account_id: int, group: str, day: str) -> list[QuotaRow]:
        """Return the quotas that an account has for a group of models, as they stand on `day`."""
        lock_account(self._database, connection, account_id)
        where = {"account_id": account_id, "model_group": group}
        parameters = where | _NAMES | _periods(day)
        found = connection.execute(self._find, parameters).fetchall()
        rows = []
        for granularity, tokens, cost, *amounts in found:
            if amounts[0] is None:
                amounts = self._make_period(connection, where, granularity, day)
            rows.append(QuotaRow(granularity, tokens, cost, *amounts))
        return rows

    def look(self, account_id: int, group: str, day: str) -> list[QuotaRow] | None:
        """Return the same without a transaction; None before the first request in a period."""
        where = {"account_id": account_id, "model_group": group}
        with self._database.read() as connection:
            found = connection.execute(_LOOK, where | _NAMES | _periods(day)).all()
        rows = [QuotaRow(*row) for row in found]
        return None if any(row.used_tokens is None for row in rows) else rows

    def _make_period(
        self, connection: Any, where: dict[str, Any], granularity: Granularity, day: str
    ) -> list[int]:
        first, last = span_of(granularity, day)
        days = where | {"first": first, "last": last}
        used = connection.execute(self._sum_used, days).fetchone()
        reserved = connection.execute(self._sum_reserved, days).fetchone()
        amounts = [*used, *reserved]
        values = {"period": period_of(granularity, day)}
        connection.execute(self._make, where | values | dict(zip(_AMOUNTS, amounts, strict=True)))
        return amounts

    def reserve(
        self, connection: Any, reservation_id: str, held: Held, owner: str, until: float
    ) -> None:
        """Set `held` aside."""
        values = held._asdict() | {"id": reservation_id, "owner": owner, "expires_at": until}
        # Where a lost connection has left open whether it was committed, it may be there already.
        if connection.execute(self._reserve, values).rowcount:
            self._change(connection, held, reserved_tokens=held.tokens, reserved_cost=held.cost)

    def settle(
        self, connection: Any, reservation_id: str | None, held: Held, spent: Spent | None
    ) -> None:
        """Let `held` go, unless its lease has lapsed and that was done; charge what was `spent`."""
        amounts = {}
        lock_account(self._database, connection, held.account_id)
        is_held = reservation_id is not None
        if is_held and connection.execute(self._drop, {"id": reservation_id}).rowcount:
            amounts = {"reserved_tokens": -held.tokens, "reserved_cost": -held.cost}
        if spent is not None:
            usage = usage_values(held.account_id, held.day, held.model_group, spent)
            connection.execute(self._add_usage, usage)
            amounts |= {"used_tokens": spent.tokens, "used_cost": usage["cost"]}
        if amounts:
            self._change(connection, held, **amounts)

    def renew(self, connection: Any, owner: str, until: float) -> None:
        """Let all that `owner` holds last until then."""
        connection.execute(self._renew, {"me": owner, "until": until})

    def lapsed_accounts(self, connection: Any, now: float) -> list[int]:
        """Return the accounts for which something is held that is no longer renewed."""
        found = connection.execute(self._find_lapsed, {"now": now}).fetchall()
        return [account_id for (account_id,) in found]

    def take_back(self, connection: Any, account_id: int, now: float) -> bool:
        """Let go what an account holds and nobody renews; return whether there was any."""
        lock_account(self._database, connection, account_id)
        where = {"account_id": account_id, "now": now}
        lapsed = connection.execute(self._take_back, where).fetchall()
        for row in lapsed:
            held = Held(*row)
            self._change(connection, held, reserved_tokens=-held.tokens, reserved_cost=-held.cost)
        return bool(lapsed)

    def _change(self, connection: Any, held: Held, **amounts: int) -> None:
        values = _NO_CHANGE | {f"add_{name}": amount for name, amount in amounts.items()}
        where = {"account_id": held.account_id, "model_group": held.model_group}
        connection.execute(self._add, values | where | _periods(held.day))


@lru_cache(maxsize=8)
def _periods(day: str) -> dict[str, str]:
    return {granularity: period_of(granularity, day) for granularity in GRANULARITIES}
