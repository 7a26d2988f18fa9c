import multiprocessing
import os
import time
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from common.errors import PermissionDeniedError, QuotaError, StorageError
from proxy.accounts.account import Account, AccountChange, Granularity, Quota, Spent
from proxy.accounts.accounts import Accounts
from proxy.accounts.directory import find_account
from proxy.accounts.management import Management
from proxy.accounts.quotas import QuotaLeft, Quotas
from proxy.accounts.rules import AccountRules, parse_quotas
from proxy.store.database import Database
from some_accounts import NOON, Clock, FailingWrites, limited

GROUP = "gpt4"
LEASE_SECONDS = 0.3


Limits = dict[Granularity, Quota | int | None]


def spent(tokens: int, cost: float | None = None) -> Spent:
    return Spent(model="openai/davinci", prompt_tokens=tokens, completion_tokens=0, cost=cost)


def use(accounts: Accounts, account: Account, tokens: int, cost: float | None = None) -> None:
    accounts.quotas.settle(
        accounts.quotas.reserve(account, GROUP, tokens, cost), spent(tokens, cost)
    )


def used(accounts: Accounts, account: Account, granularity: Granularity = "daily") -> int:
    info = find_account(accounts.database, account.id, accounts.time_of_day())
    return info.usages[GROUP][granularity].used


def room(accounts: Accounts, account: Account) -> int:
    """How many tokens may still be reserved, found by trying."""
    least, most = 0, 10**6
    while least < most:
        middle = (least + most + 1) // 2
        try:
            accounts.quotas.release(accounts.quotas.reserve(account, GROUP, middle, None))
            least = middle
        except QuotaError:
            most = middle - 1
    return least


def test_what_is_reserved_is_not_there_for_others(accounts: Accounts) -> None:
    account = limited(accounts, {GROUP: {"daily": 100}})
    held = accounts.quotas.reserve(account, GROUP, 70, None)
    assert room(accounts, account) == 30
    accounts.quotas.settle(held, spent(20))
    assert room(accounts, account) == 80
    assert used(accounts, account) == 20


def test_a_failed_call_is_free(accounts: Accounts) -> None:
    account = limited(accounts, {GROUP: {"daily": 100}})
    accounts.quotas.release(accounts.quotas.reserve(account, GROUP, 100, None))
    assert room(accounts, account) == 100


def test_more_than_was_reserved_is_charged_in_full(accounts: Accounts) -> None:
    account = limited(accounts, {GROUP: {"daily": 100}})
    accounts.quotas.settle(accounts.quotas.reserve(account, GROUP, 10, None), spent(130))
    assert used(accounts, account) == 130
    assert room(accounts, account) == 0


@pytest.mark.parametrize("granularity", ["daily", "monthly", "total"])
def test_the_smallest_room_counts(accounts: Accounts, granularity: Granularity) -> None:
    quotas: Limits = {"daily": 1000, "monthly": 1000, "total": 1000}
    quotas[granularity] = 50
    account = limited(accounts, {GROUP: quotas})
    with pytest.raises(QuotaError, match=f"the {granularity} quota for gpt4 is 50 tokens"):
        accounts.quotas.reserve(account, GROUP, 51, None)
    assert room(accounts, account) == 50


def test_a_refusal_names_limit_use_and_reset(accounts: Accounts) -> None:
    account = limited(accounts, {GROUP: {"daily": 10_000}})
    use(accounts, account, 9_000)
    accounts.quotas.reserve(account, GROUP, 400, None)
    with pytest.raises(QuotaError) as raised:
        accounts.quotas.reserve(account, GROUP, 1_001, None)
    for words in ("10,000 tokens", "9,000 tokens used", "400 tokens held", "1,001 tokens"):
        assert words in str(raised.value)
    assert "2026-11-23T00:00:00Z" in str(raised.value)
    assert raised.value.retry_after == 12 * 3600


def test_where_only_others_hold_it_a_second_later_may_do(accounts: Accounts) -> None:
    account = limited(accounts, {GROUP: {"daily": 100}})
    accounts.quotas.reserve(account, GROUP, 60, None)
    with pytest.raises(QuotaError, match="try again when they are done") as raised:
        accounts.quotas.reserve(account, GROUP, 60, None)
    assert raised.value.retry_after == 1


def test_what_is_left_is_told(accounts: Accounts, clock: Clock) -> None:
    account = limited(accounts, {GROUP: {"daily": 100, "total": Quota(cost_quota=0.5)}})
    day = QuotaLeft("daily", False, 100, 100, 12 * 3600)
    money = QuotaLeft("total", True, 0.5, 0.5, None)
    assert accounts.quotas.left(account, GROUP) == [day, money]
    accounts.quotas.reserve(account, GROUP, 60, 0.2)
    use(accounts, account, 15, 0.1)
    day, money = day._replace(left=25), money._replace(left=0.2)
    assert accounts.quotas.left(account, GROUP) == [day, money]
    clock.now += 13 * 3600
    day = day._replace(left=100, reset_seconds=23 * 3600)
    assert accounts.quotas.left(account, GROUP) == [day, money]
    assert accounts.quotas.left(account, "other") == []


def test_what_never_fits_has_no_time_to_retry(accounts: Accounts) -> None:
    account = limited(accounts, {GROUP: {"daily": 100}})
    with pytest.raises(QuotaError, match="ask for less") as raised:
        accounts.quotas.reserve(account, GROUP, 101, None)
    assert raised.value.retry_after is None


def test_periods_roll_over(accounts: Accounts, clock: Clock) -> None:
    account = limited(accounts, {GROUP: {"daily": 100, "monthly": 150, "total": 200}})
    use(accounts, account, 100)
    clock.set("2026-11-23T00:00")
    assert room(accounts, account) == 50
    use(accounts, account, 50)
    clock.set("2026-12-01T00:00")
    assert room(accounts, account) == 50
    assert [used(accounts, account, name) for name in ("daily", "monthly", "total")] == [0, 0, 150]


def test_a_call_over_midnight_counts_for_the_day_it_began(accounts: Accounts, clock: Clock) -> None:
    account = limited(accounts, {GROUP: {"daily": 100}})
    held = accounts.quotas.reserve(account, GROUP, 60, None)
    clock.set("2026-11-23T00:01")
    accounts.quotas.settle(held, spent(60))
    assert room(accounts, account) == 100
    assert [row.day for row in accounts.usage.all_rows(account.id)] == ["2026-11-22"]


def test_a_quota_that_is_set_later_knows_what_was_used(accounts: Accounts) -> None:
    account = limited(accounts, {})
    use(accounts, account, 70)
    held = accounts.quotas.reserve(account, GROUP, 5, None)
    Management(accounts).change(account, AccountChange(quotas={GROUP: {"monthly": 100}}))
    changed = msgspec.structs.replace(account, limited_groups=frozenset({GROUP}))
    assert room(accounts, changed) == 30  # what is held without a quota is not set aside
    accounts.quotas.settle(held, spent(5))
    assert room(accounts, changed) == 25


def test_other_groups_and_accounts_have_room_of_their_own(accounts: Accounts) -> None:
    account, other = (limited(accounts, {GROUP: {"daily": 100}}) for _ in range(2))
    accounts.quotas.reserve(account, GROUP, 100, None)
    accounts.quotas.reserve(account, "codex", 100, None)
    assert room(accounts, other) == 100


def test_a_quota_of_zero_blocks(accounts: Accounts) -> None:
    account = limited(accounts, {GROUP: {"total": 0}})
    with pytest.raises(QuotaError):
        accounts.quotas.reserve(account, GROUP, 1, None)


# --- Money --------------------------------------------------------------------------------------


def test_money_has_quotas_of_its_own(accounts: Accounts) -> None:
    account = limited(accounts, parse_quotas([f"{GROUP}.daily=$1.00", f"{GROUP}.daily=100000"]))
    use(accounts, account, 10, cost=0.7)
    with pytest.raises(QuotaError, match=r"is \$1: \$0.7 used, \$0 held .* may take \$0.4"):
        accounts.quotas.reserve(account, GROUP, 10, 0.4)
    use(accounts, account, 10, cost=0.3)
    info = find_account(accounts.database, account.id, NOON)
    assert info.usages[GROUP]["daily"].cost_used == 1.0


def test_sums_of_money_are_exact(accounts: Accounts) -> None:
    account = limited(accounts, {GROUP: {"daily": Quota(cost_quota=0.1)}})
    for _ in range(100):
        use(accounts, account, 1, cost=0.001)
    with pytest.raises(QuotaError):
        accounts.quotas.reserve(account, GROUP, 1, 1e-9)


def test_what_has_no_price_can_not_be_held_against_money(accounts: Accounts) -> None:
    account = limited(accounts, {GROUP: {"total": Quota(cost_quota=5.0)}})
    with pytest.raises(PermissionDeniedError, match=r"prices\.yaml"):
        accounts.quotas.reserve(account, GROUP, 1, None)


# --- Without a quota ----------------------------------------------------------------------------


def test_without_a_quota_only_usage_is_written(accounts: Accounts) -> None:
    account = limited(accounts, {})
    use(accounts, account, 10**9)
    assert used(accounts, account, "total") == 10**9


def test_without_a_quota_a_group_can_be_denied(database: Database, clock: Clock) -> None:
    rules = AccountRules(
        default_quotas=parse_quotas(["free.daily=unlimited"]), deny_without_quota=True
    )
    accounts = Accounts(database, clock, time_of_day=clock, rules=rules)
    account = accounts.create("Ada").account
    with pytest.raises(QuotaError, match="no quota for gpt4"):
        accounts.quotas.reserve(account, GROUP, 1, None)
    accounts.quotas.reserve(account, "free", 10**9, None)
    administrator = accounts.create("Grace", is_admin=True).account
    accounts.quotas.reserve(administrator, GROUP, 1, None)


# --- Many at once, and the end of processes -----------------------------------------------------


def test_of_many_threads_none_gets_more_than_there_is(accounts: Accounts) -> None:
    account = limited(accounts, {GROUP: {"daily": 1000, "total": 1000}})

    def call(number: int) -> int:
        try:
            reservation = accounts.quotas.reserve(account, GROUP, 30, None)
        except QuotaError:
            return 0
        accounts.quotas.settle(reservation, spent(number % 30))
        return number % 30

    with ThreadPoolExecutor(32) as pool:
        charged = sum(pool.map(call, range(300)))
    assert 0 < charged <= 1000
    assert used(accounts, account) == charged


def _reserve_and_die(url: str, account: Account) -> None:
    database = Database(url)
    quotas = Quotas(database, database.writes, lease_seconds=LEASE_SECONDS)
    quotas.reserve(account, GROUP, 100, None)
    os._exit(9)


def test_what_a_killed_process_held_lapses_with_its_lease(
    database: Database, database_url: str
) -> None:
    accounts = Accounts(database)
    account = limited(accounts, {GROUP: {"daily": 100}})
    process = multiprocessing.get_context("spawn").Process(
        target=_reserve_and_die, args=(database_url, account)
    )
    process.start()
    process.join()
    assert process.exitcode == 9
    until = time.monotonic() + 10 * LEASE_SECONDS
    while room(accounts, account) < 100:
        assert time.monotonic() < until
        time.sleep(LEASE_SECONDS / 10)


def test_a_lease_that_is_renewed_lasts(accounts: Accounts, clock: Clock) -> None:
    account = limited(accounts, {GROUP: {"daily": 100}})
    accounts.quotas.reserve(account, GROUP, 100, None)
    for _ in range(5):
        clock.now += 20
        accounts.quotas.beat()
    assert room(accounts, account) == 0
    clock.now += 31
    assert room(accounts, account) == 100


def test_a_lapsed_reservation_is_not_let_go_twice(accounts: Accounts, clock: Clock) -> None:
    account = limited(accounts, {GROUP: {"daily": 100}})
    late = accounts.quotas.reserve(account, GROUP, 60, None)
    clock.now += 31
    held = accounts.quotas.reserve(account, GROUP, 60, None)
    accounts.quotas.settle(late, spent(30))  # it had frozen, and was paid for
    assert room(accounts, account) == 10
    accounts.quotas.release(held)
    assert room(accounts, account) == 70


def test_what_could_not_be_charged_is_charged_later(
    database: Database, accounts: Accounts, clock: Clock
) -> None:
    account = limited(accounts, {GROUP: {"daily": 100}})
    writes = FailingWrites(database.writes)
    quotas = Quotas(database, writes, clock)
    held = quotas.reserve(account, GROUP, 50, None)
    writes.is_failing = True
    quotas.settle(held, spent(40))
    assert used(accounts, account) == 0
    with pytest.raises(StorageError):
        quotas.beat()
    writes.is_failing = False
    quotas.beat()
    assert used(accounts, account) == 40
    assert room(accounts, account) == 60
