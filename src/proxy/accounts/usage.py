"""What accounts have asked: a row a day, account and model.

A call that was paid for is written by whoever made it, in the transaction that settles its quota.
A hit of the cache writes nothing: hits are counted here and added at most once a second, together
with the times at which keys were last used.
"""

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, select, update

from common.errors import StorageError
from proxy.accounts.account import Spent, UsageRow
from proxy.accounts.periods import day_of, days_before
from proxy.store.database import Database
from proxy.store.tables import api_keys, usage_days
from proxy.store.upsert import insert
from proxy.store.writes import Writes

logger = logging.getLogger(__name__)

NANOS = 10**9  # money is counted in billionths of a dollar: whole numbers, so that sums are exact
FLUSH_SECONDS = 1.0

_COUNTS = ("requests", "cached_requests", "prompt_tokens", "completion_tokens", "cost")
_add = insert(usage_days).values(
    {name: bindparam(name) for name in ("account_id", "day", "model", "model_group", *_COUNTS)}
)
ADD_USAGE = _add.on_conflict_do_update(
    index_elements=["account_id", "day", "model", "model_group"],
    set_={name: usage_days.c[name] + _add.excluded[name] for name in _COUNTS},
)
_TOUCH_KEY = (
    update(api_keys)
    .where(api_keys.c.id == bindparam("key_id"))
    .values(last_used_at=bindparam("used_at"))
)


class _Hit(NamedTuple):
    account_id: int
    day: str
    model: str
    model_group: str


def usage_values(account_id: int, day: str, group: str, spent: Spent) -> dict[str, Any]:
    """Return the parameters of `ADD_USAGE` for one call that was made."""
    return {
        "account_id": account_id,
        "day": day,
        "model": spent.model,
        "model_group": group,
        "requests": 1,
        "cached_requests": 0,
        "prompt_tokens": spent.prompt_tokens,
        "completion_tokens": spent.completion_tokens,
        "cost": to_nanos(spent.cost),
    }


def to_nanos(dollars: float | None) -> int:
    """Return an amount of money as a whole number of billionths, rounded up; unknown is 0."""
    # The error of a float does not add a billionth.
    return math.ceil(dollars * NANOS - 1e-4) if dollars else 0


class UsageLog:
    """Counts hits and the use of keys, and reads what was used.

    Args:
        clock: Tells the time of day, in seconds since the epoch.
    """

    def __init__(
        self, database: Database, writes: Writes, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._writes = writes
        self._clock = clock
        self._add_usage = database.compile(ADD_USAGE)
        self._touch_key = database.compile(_TOUCH_KEY)
        self._hits: Counter[_Hit] = Counter()
        self._touched: dict[int, float] = {}
        self._lock, self._flush_lock = threading.Lock(), threading.Lock()
        self._flusher: threading.Thread | None = None
        self._stop = threading.Event()

    def count_hit(self, account_id: int, model: str, group: str) -> None:
        """Count a request that the cache has answered."""
        hit = _Hit(account_id, day_of(self._clock()), model, group)
        with self._lock:
            self._hits[hit] += 1
        self._start_flusher()

    def touch(self, key_id: int) -> None:
        """Note that a key was used just now."""
        with self._lock:
            self._touched[key_id] = self._clock()
        self._start_flusher()

    def flush(self) -> None:
        """Write what was counted since the last time.

        Raises:
            StorageError: It could not be written; it is kept for the next time.
        """
        # One at a time: who finds nothing left may rely on it that all is written.
        with self._flush_lock:
            with self._lock:
                hits, touched = self._hits, self._touched
                self._hits, self._touched = Counter(), {}
            if not hits and not touched:
                return
            try:
                self._writes.run(lambda connection: self._write(connection, hits, touched))
            except StorageError:
                with self._lock:
                    self._hits.update(hits)
                    self._touched = touched | self._touched
                raise

    def _write(self, connection: Any, hits: Counter[_Hit], touched: dict[int, float]) -> None:
        # In one order, so that two processes never wait for each other.
        for hit, number in sorted(hits.items()):
            counts = dict.fromkeys(_COUNTS, 0) | {"requests": number, "cached_requests": number}
            connection.execute(self._add_usage, hit._asdict() | counts)
        for key_id, used_at in sorted(touched.items()):
            connection.execute(self._touch_key, {"key_id": key_id, "used_at": used_at})

    def close(self) -> None:
        """Write what is left, and count no more."""
        self._stop.set()
        self.flush()

    def rows(self, days: int, account_id: int | None = None) -> list[UsageRow]:
        """Return the use of the last `days` days, today included, of one account or of all."""
        first = days_before(day_of(self._clock()), days - 1)
        return self._select(usage_days.c.day >= first, account_id)

    def all_rows(self, account_id: int) -> list[UsageRow]:
        """Return everything that an account has ever used."""
        return self._select(usage_days.c.day >= "", account_id)

    def _select(self, since: ColumnElement[bool], account_id: int | None) -> list[UsageRow]:
        asked = select(usage_days).where(since)
        if account_id is not None:
            asked = asked.where(usage_days.c.account_id == account_id)
        order = (usage_days.c.day, usage_days.c.account_id, usage_days.c.model)
        with self._database.read() as connection:
            rows = connection.execute(asked.order_by(*order)).all()
        return [
            UsageRow(
                day=row.day,
                account_id=row.account_id,
                model=row.model,
                group=row.model_group,
                requests=row.requests,
                cached_requests=row.cached_requests,
                prompt_tokens=row.prompt_tokens,
                completion_tokens=row.completion_tokens,
                cost=row.cost / NANOS,
            )
            for row in rows
        ]

    def _start_flusher(self) -> None:
        if self._flusher is None:
            with self._lock:
                if self._flusher is None:
                    self._flusher = threading.Thread(
                        target=self._flush_now_and_then, name="usage-flush", daemon=True
                    )
                    self._flusher.start()

    def _flush_now_and_then(self) -> None:
        while not self._stop.wait(FLUSH_SECONDS):
            try:
                self.flush()
            except StorageError as error:
                logger.warning("usage could not be written, and is kept: %s", error)
