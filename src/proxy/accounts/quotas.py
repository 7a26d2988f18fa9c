"""Quotas: what an account may use of a group of models in a day, in a month, and in all.

Before a call an upper estimate of what it may take is held; afterwards what it took is charged and
the rest let go. Each is one transaction, shared by the threads that are at it meanwhile, so `used +
reserved` never exceeds a quota, however many processes ask. What a killed process held lapses with
its lease. A call that failed is free; one that took more than was held is charged in full.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import msgspec

from common.errors import BenchError, PermissionDeniedError, QuotaError, StorageError
from proxy.accounts.account import Account, Granularity, Spent
from proxy.accounts.periods import day_of, end_of
from proxy.accounts.quota_rows import Held, QuotaRow, QuotaRows
from proxy.accounts.rates import Levels, Rates
from proxy.accounts.usage import NANOS, to_nanos
from proxy.store.database import Database
from proxy.store.writes import Writes

logger = logging.getLogger(__name__)

# When what others hold is all that is in the way: calls end at any time.
_SOON_SECONDS = 1.0


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """The right to make one call. `id` is null where there is no quota that holds anything."""

    id: str | None
    account: Account
    held: Held


class QuotaLeft(NamedTuple):
    """A quota, and what is left of it beside what is set aside: tokens, or US dollars.

    `reset_seconds` is how long until it starts anew; None is never.
    """

    granularity: Granularity
    is_money: bool
    limit: float
    left: float
    reset_seconds: float | None


class Quotas:
    """Lets accounts spend, as far as they may.

    Args:
        clock: Tells the time of day, in seconds since the epoch.
        lease_seconds: How long a reservation lasts when its process dies.
        renewal_seconds: How often a living process renews its own; well below the lease.
        deny_without_quota: Whether an account needs a quota to use a group of models.
    """

    def __init__(
        self,
        database: Database,
        writes: Writes,
        clock: Callable[[], float] = time.time,
        *,
        lease_seconds: float = 30.0,
        renewal_seconds: float = 10.0,
        deny_without_quota: bool = False,
    ) -> None:
        self._writes = writes
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._renewal_seconds = renewal_seconds
        self._deny_without_quota = deny_without_quota
        self._rows = QuotaRows(database)
        self._rates = Rates(database)
        self._owner = uuid.uuid4().hex
        self._unsettled: list[Callable[[Any], None]] = []
        self._heart: threading.Thread | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def reserve(self, account: Account, group: str, tokens: int, cost: float | None) -> Reservation:
        """Hold what a call to a model of `group` may take at most.

        Args:
            cost: In US dollars; None if no price is known.

        Raises:
            QuotaError: A quota or a rate of `account` has no room for it; says which and when.
            PermissionDeniedError: A quota is in money, and the price is not known.
        """
        now = self._clock()
        held = Held(account.id, group, day_of(now), tokens, to_nanos(cost))
        is_limited = group in account.limited_groups
        if self._deny_without_quota and not (is_limited or account.may_use_freely(group)):
            raise QuotaError(f"the account has no quota for {group}; ask an administrator for one")
        if not is_limited and not account.has_rate:
            return Reservation(id=None, account=account, held=held)
        reservation = Reservation(
            id=uuid.uuid4().hex if is_limited else None, account=account, held=held
        )
        refusal: BenchError | None = self._writes.run(
            lambda connection: self._try(connection, reservation, now, cost is not None)
        )
        if refusal is not None:
            raise refusal
        if is_limited:
            self._start_heart()
        return reservation

    def settle(self, reservation: Reservation, spent: Spent) -> None:
        """Charge what the call took, and let go what was held."""

        def operation(connection: Any) -> None:
            self._rows.settle(connection, reservation.id, reservation.held, spent)
            self._return_unused(connection, reservation, spent.tokens)

        self._finish(operation)

    def release(self, reservation: Reservation) -> None:
        """Let go what was held: the call has failed, and is free."""
        if reservation.id is None and not reservation.account.has_rate:
            return

        def operation(connection: Any) -> None:
            self._rows.settle(connection, reservation.id, reservation.held, None)
            self._return_unused(connection, reservation, 0)

        self._finish(operation)

    def levels(self, account: Account) -> Levels:
        """Return how much `account` may ask at once."""
        return self._rates.read(account, self._clock())

    def left(self, account: Account, group: str) -> list[QuotaLeft]:
        """Return what is left of the quotas that `account` has for `group`."""
        now = self._clock()
        day = day_of(now)
        rows = self._rows.look(account.id, group, day)
        if rows is None:
            rows = self._writes.run(lambda it: self._rows.read(it, account.id, group, day))
        return [left for row in rows or [] for left in _left(row, day, now)]

    def close(self) -> None:
        """Stop renewing leases."""
        self._stop.set()

    def _try(
        self, connection: Any, reservation: Reservation, now: float, is_priced: bool
    ) -> BenchError | None:
        account, held = reservation.account, reservation.held
        if reservation.id is not None:
            refusal = self._check(connection, held, now, is_priced)
            # Only where it matters: most calls need not look for what has lapsed.
            if refusal is not None and self._rows.take_back(connection, held.account_id, now):
                refusal = self._check(connection, held, now, is_priced)
            if refusal is not None:
                return refusal
        if account.has_rate:
            too_fast = self._rates.take(connection, account, held.tokens, now)
            if too_fast is not None:
                return too_fast
        if reservation.id is not None:
            until = now + self._lease_seconds
            self._rows.reserve(connection, reservation.id, held, self._owner, until)
        return None

    def _check(self, connection: Any, held: Held, now: float, is_priced: bool) -> BenchError | None:
        for row in self._rows.read(connection, held.account_id, held.model_group, held.day):
            if row.cost is not None and not is_priced:
                return PermissionDeniedError(
                    f"the account has a quota in money for {held.model_group}, and the price of "
                    "this model is not known: name it in prices.yaml, or use another model"
                )
            if row.tokens is not None:
                used, reserved = row.used_tokens, row.reserved_tokens
                if used + reserved + held.tokens > row.tokens:
                    return _refusal(row, held, now, is_money=False)
            if row.cost is not None:
                used, reserved = row.used_cost, row.reserved_cost
                if used + reserved + held.cost > row.cost:
                    return _refusal(row, held, now, is_money=True)
        return None

    def _return_unused(self, connection: Any, reservation: Reservation, used_tokens: int) -> None:
        account, held = reservation.account, reservation.held
        if account.tokens_per_minute is not None:
            unused = held.tokens - used_tokens
            self._rates.give_back(connection, account, unused, self._clock())

    def _finish(self, operation: Callable[[Any], None]) -> None:
        """Have `operation` run; where the database fails, later: the call has been made."""

        def retry_later(error: Exception) -> None:
            logger.error("a call could not be charged yet: %s", error)
            self._unsettled.append(operation)
            self._start_heart()

        self._writes.add(operation, retry_later)

    def _start_heart(self) -> None:
        if self._heart is None:
            with self._lock:
                if self._heart is None:
                    self._heart = threading.Thread(
                        target=self._beat_now_and_then, name="quota-lease", daemon=True
                    )
                    self._heart.start()

    def _beat_now_and_then(self) -> None:
        while not self._stop.wait(self._renewal_seconds):
            try:
                self.beat()
            except StorageError as error:  # the next beat may do better; leases outlast two
                logger.warning("reservations could not be renewed: %s", error)

    def beat(self) -> None:
        """Renew what this process holds, take back what others let lapse, charge what is left.

        Raises:
            StorageError: The database has failed.
        """
        now = self._clock()

        def renew(connection: Any) -> list[int]:
            self._rows.renew(connection, self._owner, now + self._lease_seconds)
            return self._rows.lapsed_accounts(connection, now)

        # Each account in a transaction of its own, as all that locks one.
        for account_id in self._writes.run(renew):
            take_back = partial(self._rows.take_back, account_id=account_id, now=now)
            self._writes.run(take_back)
        unsettled, self._unsettled = self._unsettled, []
        for operation in unsettled:
            self._finish(operation)


def _left(row: QuotaRow, day: str, now: float) -> Iterator[QuotaLeft]:
    end = end_of(row.granularity, day)
    reset = None if end is None else end.timestamp() - now
    if row.tokens is not None:
        left = row.tokens - row.used_tokens - row.reserved_tokens
        yield QuotaLeft(row.granularity, False, row.tokens, max(0, left), reset)
    if row.cost is not None:
        nanos = max(0, row.cost - row.used_cost - row.reserved_cost)
        yield QuotaLeft(row.granularity, True, row.cost / NANOS, nanos / NANOS, reset)


def _refusal(row: QuotaRow, held: Held, now: float, *, is_money: bool) -> QuotaError:
    text: Callable[[int], str]
    if is_money:
        text, limit = _dollars, row.cost or 0
        used, reserved, wanted = row.used_cost, row.reserved_cost, held.cost
    else:
        text, limit = _tokens, row.tokens or 0
        used, reserved, wanted = row.used_tokens, row.reserved_tokens, held.tokens
    message = (
        f"the {row.granularity} quota for {held.model_group} is {text(limit)}: {text(used)} used, "
        f"{text(reserved)} held by requests under way, and this one may take {text(wanted)}"
    )
    if used + wanted <= limit:
        return QuotaError(f"{message}; try again when they are done", _SOON_SECONDS)
    end = end_of(row.granularity, held.day)
    if end is None or wanted > limit:
        return QuotaError(f"{message}; ask for less, or an administrator for more")
    return QuotaError(
        f"{message}; it starts anew at {end:%Y-%m-%dT%H:%M:%SZ}", end.timestamp() - now
    )


def _tokens(number: int) -> str:
    return f"{number:,} tokens"


def _dollars(nanos: int) -> str:
    return f"${nanos / NANOS:,.6f}".rstrip("0").rstrip(".")
