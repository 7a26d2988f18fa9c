import multiprocessing
from pathlib import Path

import pytest
from sqlalchemy import select

from common.authentication import Authentication
from common.errors import AuthenticationError
from proxy.accounts.accounts import MEMORY_SECONDS, Accounts
from proxy.store.database import Database
from proxy.store.tables import api_keys

NUM_PROCESSES = 4


class Clock:
    """A clock that stands still until it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def first_key(url: str) -> str | None:
    return Accounts(Database(url)).create_first_admin()


def test_a_key_names_its_account(database: Database) -> None:
    accounts = Accounts(database)
    made = accounts.create("Ada", is_admin=False)
    found = accounts.authenticate(Authentication(made.api_key))
    assert found == made.account
    assert (found.description, found.is_admin) == ("Ada", False)


def test_keys_are_long_and_differ(database: Database) -> None:
    accounts = Accounts(database)
    keys = {accounts.create().api_key for _ in range(20)}
    assert len(keys) == 20
    # 43 characters of base 64 hold 256 bits; 8 more are shown.
    assert all(key.startswith("lmb-") and len(key) >= 4 + 8 + 43 for key in keys)


def test_only_a_hash_of_the_key_is_stored(database: Database, tmp_path: Path) -> None:
    made = Accounts(database).create("Ada")
    with database.read() as connection:
        row = connection.execute(select(api_keys)).one()
    assert row.prefix == made.account.key_prefix == made.api_key[:12]
    assert len(row.key_hash) == 32
    secret = made.api_key[12:].encode()
    assert not any(secret in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize("key", ["", "lmb-", "x", "ключ", "\udc80", "a" * 100_000])
def test_a_wrong_key_is_refused_without_being_repeated(database: Database, key: str) -> None:
    accounts = Accounts(database)
    accounts.create()
    with pytest.raises(AuthenticationError) as raised:
        accounts.authenticate(Authentication(key))
    assert len(str(raised.value)) < 100
    assert len(key) < 3 or key not in str(raised.value)


def test_a_key_does_not_show_by_accident(database: Database) -> None:
    made = Accounts(database).create()
    assert made.api_key not in repr(made)


def test_a_revocation_acts_within_a_second(database: Database) -> None:
    clock = Clock()
    accounts, elsewhere = Accounts(database, clock), Accounts(database)
    made = accounts.create()
    auth = Authentication(made.api_key)
    accounts.authenticate(auth)
    elsewhere.revoke(made.account.key_id)
    clock.now += MEMORY_SECONDS - 0.01
    assert accounts.authenticate(auth) == made.account
    clock.now += 0.01
    with pytest.raises(AuthenticationError):
        accounts.authenticate(auth)


def test_revoking_one_key_leaves_the_others(database: Database) -> None:
    accounts = Accounts(database)
    revoked, kept = accounts.create(), accounts.create()
    accounts.revoke(revoked.account.key_id)
    assert accounts.authenticate(Authentication(kept.api_key)) == kept.account


def test_the_first_account_is_an_admin_and_made_once(database: Database) -> None:
    accounts = Accounts(database)
    key = accounts.create_first_admin()
    assert key is not None
    assert accounts.authenticate(Authentication(key)).is_admin
    assert accounts.create_first_admin() is None
    assert Accounts(database).create_first_admin() is None


def test_of_many_processes_one_gets_the_first_key(database_url: str) -> None:
    urls = [database_url] * NUM_PROCESSES
    with multiprocessing.get_context("spawn").Pool(NUM_PROCESSES) as pool:
        keys = pool.map(first_key, urls)
    assert sum(key is not None for key in keys) == 1
