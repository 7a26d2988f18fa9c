"""Accounts for tests, and a clock that stands still until it is set."""

from datetime import UTC, datetime
from typing import Any

from common.authentication import Authentication
from common.errors import StorageError
from proxy.accounts.account import Account, AccountChange, QuotaChanges
from proxy.accounts.accounts import Accounts
from proxy.accounts.management import Management
from proxy.store.writes import OnFailure, Operation, Writes

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()


class Clock:
    """Tells the time that was set last, in seconds since the epoch."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now

    def set(self, text: str) -> None:
        """Set it to a time in UTC, such as "2026-11-23T00:00"."""
        self.now = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


class FailingWrites(Writes):
    """Fail as those to a full disk do, while told to; else they are those of a database."""

    is_failing = False

    def __init__(self, writes: Writes) -> None:
        self._writes = writes

    def run(self, operation: Operation) -> Any:
        if self.is_failing:
            raise StorageError("the disk is full")
        return self._writes.run(operation)

    def add(self, operation: Operation, on_failure: OnFailure) -> None:
        if self.is_failing:
            on_failure(StorageError("the disk is full"))
        else:
            self._writes.add(operation, on_failure)


def administrator(accounts: Accounts) -> Account:
    """The first administrator, who is made if there is nobody yet."""
    key = accounts.create_first_admin()
    assert key is not None
    return accounts.authenticate(Authentication(key))


def limited(
    accounts: Accounts,
    quotas: QuotaChanges,
    *,
    requests_per_minute: int | None = None,
    tokens_per_minute: int | None = None,
) -> Account:
    """A new account with limits, as a request knows it."""
    made = accounts.create("limited", is_admin=True)
    change = AccountChange(
        quotas=quotas, requests_per_minute=requests_per_minute, tokens_per_minute=tokens_per_minute
    )
    Management(accounts).change(made.account, change)
    return accounts.authenticate(Authentication(made.api_key))
