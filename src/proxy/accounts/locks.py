"""The order in which what an account spends is written."""

from typing import Any

from proxy.store.database import Database


def lock_account(database: Database, connection: Any, account_id: int) -> None:
    """In an operation of `writes`, wait for all others of the same account.

    Its quotas, reservations and rates are read before they are changed, and a sum that is written
    must not miss what another process is about to add.
    """
    database.lock(connection, f"account {account_id}")
