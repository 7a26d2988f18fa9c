import pytest

from common.authentication import Authentication
from common.errors import StorageError
from proxy.accounts.account import Spent, UsageRow
from proxy.accounts.accounts import Accounts
from proxy.accounts.directory import find_account
from proxy.accounts.usage import UsageLog, to_nanos
from proxy.store.database import Database
from some_accounts import NOON, Clock, FailingWrites

MODEL, GROUP = "openai/davinci", "gpt3"


def test_calls_and_hits_are_one_row_a_day_account_and_model(
    accounts: Accounts, clock: Clock
) -> None:
    account = accounts.create().account
    spent = Spent(model=MODEL, prompt_tokens=10, completion_tokens=5, cost=0.25)
    for _ in range(2):
        accounts.quotas.settle(accounts.quotas.reserve(account, GROUP, 20, 0.5), spent)
    accounts.usage.count_hit(account.id, MODEL, GROUP)
    accounts.usage.flush()
    clock.set("2026-11-23T00:00")
    accounts.usage.count_hit(account.id, MODEL, GROUP)
    accounts.usage.flush()
    first, second = accounts.usage.rows(30, account.id)
    assert first == UsageRow(
        day="2026-11-22",
        account_id=account.id,
        model=MODEL,
        group=GROUP,
        requests=3,
        cached_requests=1,
        prompt_tokens=20,
        completion_tokens=10,
        cost=0.5,
    )
    assert (second.day, second.requests, second.cached_requests) == ("2026-11-23", 1, 1)


def test_rows_are_of_the_last_days_and_of_whom_is_asked(accounts: Accounts, clock: Clock) -> None:
    first, second = accounts.create().account, accounts.create().account
    accounts.usage.count_hit(first.id, MODEL, GROUP)
    accounts.usage.count_hit(second.id, MODEL, GROUP)
    accounts.usage.flush()
    assert [row.account_id for row in accounts.usage.rows(1)] == [first.id, second.id]
    assert [row.account_id for row in accounts.usage.rows(1, second.id)] == [second.id]
    clock.set("2026-11-24T00:00")
    assert accounts.usage.rows(2) == []
    assert len(accounts.usage.rows(3)) == 2
    assert len(accounts.usage.all_rows(first.id)) == 1


def test_closing_writes_what_is_left(accounts: Accounts) -> None:
    account = accounts.create().account
    for _ in range(10):
        accounts.usage.count_hit(account.id, MODEL, GROUP)
    accounts.close()
    [row] = accounts.usage.rows(1)
    assert row.cached_requests == 10


def test_what_could_not_be_written_is_kept(database: Database, clock: Clock) -> None:
    writes = FailingWrites(database.writes)
    writes.is_failing = True
    usage = UsageLog(database, writes, clock)
    usage.count_hit(1, MODEL, GROUP)
    with pytest.raises(StorageError):
        usage.flush()
    usage.count_hit(1, MODEL, GROUP)
    writes.is_failing = False
    usage.flush()
    [row] = usage.rows(1)
    assert row.requests == 2


def test_the_use_of_a_key_is_known_to_the_minute(accounts: Accounts, clock: Clock) -> None:
    made = accounts.create()

    def last_used() -> float | None:
        accounts.authenticate(Authentication(made.api_key))
        accounts.usage.flush()
        return find_account(accounts.database, made.account.id, clock.now).last_used_at

    assert last_used() == NOON
    clock.now = NOON + 59
    assert last_used() == NOON
    clock.now = NOON + 120
    assert last_used() == NOON + 120


@pytest.mark.parametrize(
    ("dollars", "nanos"),
    [(None, 0), (0.0, 0), (1.0, 10**9), (0.1, 10**8), (0.7, 7 * 10**8), (1e-9, 1), (2e-10, 1)],
)
def test_money_is_counted_in_whole_billionths(dollars: float | None, nanos: int) -> None:
    assert to_nanos(dollars) == nanos
