"""What administrators, and owners, do with accounts; each change leaves an entry in the audit."""

from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, or_, select, update

from common.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
)
from proxy.accounts import audit
from proxy.accounts.account import Account, AccountChange, AccountInfo, AuditRow, UsageRow
from proxy.accounts.account_rows import (
    as_json,
    insert_account,
    insert_key,
    revoke_key,
    store_quotas,
)
from proxy.accounts.accounts import Accounts
from proxy.accounts.directory import find_account, list_accounts
from proxy.store.tables import accounts, api_keys, sessions

GRACE_SECONDS = 24 * 3600.0  # how long an old key still works by default
_MAX_GRACE_SECONDS = 90 * 24 * 3600.0
_MAX_KEYS = 20  # that work at a time, of one account
_OWN_FIELDS = {"description", "emails"}
_PERSONAL_FIELDS = {"description", "emails", "groups"}  # the audit names them without their values
ERASED = "erased"


class AccountExport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is kept of an account."""

    account: AccountInfo
    usage: list[UsageRow]
    audit: list[AuditRow]


class Management:
    """Reads and changes accounts, as far as the one who asks may."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._database = accounts.database

    # --- Reading --------------------------------------------------------------------------------

    def get(self, actor: Account, account_id: int | None = None) -> AccountInfo:
        """Return an account, by default one's own.

        Raises:
            PermissionDeniedError: It is another's, and `actor` is no administrator.
            NotFoundError: There is none.
        """
        account_id = self._whose(actor, account_id)
        return find_account(self._database, account_id, self._accounts.time_of_day())

    def list_all(self, actor: Account) -> list[AccountInfo]:
        """Return all accounts.

        Raises:
            PermissionDeniedError: `actor` is no administrator.
        """
        self.require_admin(actor)
        return list_accounts(self._database, self._accounts.time_of_day())

    def export(self, actor: Account, account_id: int | None = None) -> AccountExport:
        """Return everything that is kept of an account; errors are those of `get`."""
        account = self.get(actor, account_id)
        return AccountExport(
            account=account,
            usage=self._accounts.usage.all_rows(account.id),
            audit=audit.entries(self._database, account.id),
        )

    def usage_of(self, actor: Account, days: int, account_id: int | None = None) -> list[UsageRow]:
        """Return the use of the last `days` days by an account; errors are those of `get`."""
        return self._accounts.usage.rows(days, self._whose(actor, account_id))

    def usage_of_all(self, actor: Account, days: int) -> list[UsageRow]:
        """As `usage_of`, for all accounts; errors are those of `list_all`."""
        self.require_admin(actor)
        return self._accounts.usage.rows(days)

    def audit_entries(self, actor: Account) -> list[AuditRow]:
        """Return who changed what, newest first; errors are those of `list_all`."""
        self.require_admin(actor)
        return audit.entries(self._database)

    # --- Changing -------------------------------------------------------------------------------

    def create(self, actor: Account, change: AccountChange) -> AccountInfo:
        """Make an account; the answer has its key, which is shown only there.

        Raises:
            PermissionDeniedError: `actor` is no administrator.
            InvalidRequestError: `change` names an id.
        """
        self.require_admin(actor)
        if change.id is not msgspec.UNSET:
            raise InvalidRequestError("a new account gets its id here: leave `id` out")
        now = self._accounts.time_of_day()
        with self._database.write() as connection:
            account_id = insert_account(connection, now, "")
            store_quotas(connection, account_id, self._accounts.rules.default_quotas)
            _apply(connection, account_id, change)
            api_key = insert_key(connection, account_id, now).api_key
            details = _told(change)
            audit.record(connection, now, actor.id, "account.create", account_id, **details)
        return self._shown(account_id, api_key)

    def change(self, actor: Account, change: AccountChange) -> AccountInfo:
        """Change an account. Owners change what says who they are, administrators all.

        Raises:
            PermissionDeniedError: `actor` may not change this.
            NotFoundError: There is no such account.
            ConflictError: No administrator would be left.
        """
        account_id = self._whose(actor, None if change.id is msgspec.UNSET else change.id)
        fields = change.fields()
        if not actor.is_admin and not fields.keys() <= _OWN_FIELDS:
            forbidden = ", ".join(sorted(fields.keys() - _OWN_FIELDS))
            raise PermissionDeniedError(f"only an administrator may change {forbidden}")
        now = self._accounts.time_of_day()
        with self._database.write() as connection:
            _require_account(connection, account_id)
            _apply(connection, account_id, change)
            _require_admin_left(connection, now)
            details = _told(change)
            audit.record(connection, now, actor.id, "account.update", account_id, **details)
        return self._shown(account_id)

    def delete(self, actor: Account, account_id: int, *, erase: bool = False) -> AccountInfo:
        """Take an account out of use, and its keys. Its name stays, for usage and audit.

        Args:
            erase: Whether to remove all that says whose it is, also of one deleted before.

        Raises:
            PermissionDeniedError: `actor` is no administrator.
            NotFoundError: There is no such account.
            ConflictError: No administrator would be left.
        """
        self.require_admin(actor)
        now = self._accounts.time_of_day()
        with self._database.write() as connection:
            _require_account(connection, account_id, is_deleted_too=erase)
            _delete(connection, account_id, now, erase=erase)
            _require_admin_left(connection, now)
            action = "account.erase" if erase else "account.delete"
            audit.record(connection, now, actor.id, action, account_id)
        return self._shown(account_id)

    def rotate(
        self,
        actor: Account,
        account_id: int | None = None,
        *,
        grace_seconds: float = GRACE_SECONDS,
    ) -> AccountInfo:
        """Give an account a new key, shown only in the answer; its others end after the grace.

        Raises:
            PermissionDeniedError: It is another's, and `actor` is no administrator.
            NotFoundError: There is no such account.
            InvalidRequestError: The grace is too long, or below 0.
            ConflictError: The account has too many keys that still work.
        """
        account_id = self._whose(actor, account_id)
        if not 0 <= grace_seconds <= _MAX_GRACE_SECONDS:
            raise InvalidRequestError(
                f"`grace_seconds` must be in 0 … {_MAX_GRACE_SECONDS:.0f}, not {grace_seconds}"
            )
        now = self._accounts.time_of_day()
        with self._database.write() as connection:
            _require_account(connection, account_id)
            _end_keys(connection, account_id, now, now + grace_seconds)
            api_key = insert_key(connection, account_id, now).api_key
            audit.record(
                *(connection, now, actor.id, "key.rotate", account_id), grace_seconds=grace_seconds
            )
        return self._shown(account_id, api_key)

    def revoke(self, actor: Account, key_id: int) -> AccountInfo:
        """Make a key invalid at once; errors are those of `rotate`."""
        now = self._accounts.time_of_day()
        with self._database.write() as connection:
            found = connection.execute(select(api_keys.c.account_id).where(api_keys.c.id == key_id))
            account_id: int | None = found.scalar()
            if account_id is None or not (actor.is_admin or account_id == actor.id):
                raise NotFoundError(f"there is no key {key_id} that you may revoke")
            revoke_key(connection, key_id, now)
            audit.record(connection, now, actor.id, "key.revoke", account_id, key_id=key_id)
        return self._shown(account_id)

    def require_admin(self, actor: Account) -> None:
        """Raise PermissionDeniedError unless `actor` is an administrator."""
        if not actor.is_admin:
            raise PermissionDeniedError("this needs the key of an administrator")

    def _whose(self, actor: Account, account_id: int | None) -> int:
        if account_id is None or account_id == actor.id:
            return actor.id
        self.require_admin(actor)
        return account_id

    def _shown(self, account_id: int, api_key: str | None = None) -> AccountInfo:
        info = find_account(self._database, account_id, self._accounts.time_of_day())
        return msgspec.structs.replace(info, api_key=api_key)


# --- In a transaction ---------------------------------------------------------------------------


def _require_account(
    connection: Connection, account_id: int, *, is_deleted_too: bool = False
) -> None:
    asked = select(accounts.c.id).where(accounts.c.id == account_id)
    if not is_deleted_too:
        asked = asked.where(accounts.c.deleted_at.is_(None))
    if connection.execute(asked).first() is None:
        raise NotFoundError(f"there is no account {account_id}")


def _require_admin_left(connection: Connection, now: float) -> None:
    """Undo the transaction if nobody could administrate after it."""
    admins = select(func.count()).where(
        accounts.c.is_admin,
        accounts.c.deleted_at.is_(None),
        or_(accounts.c.expires_at.is_(None), accounts.c.expires_at > now),
    )
    if not connection.execute(admins).scalar():
        raise ConflictError("this is the last administrator: make another one first")


def _apply(connection: Connection, account_id: int, change: AccountChange) -> None:
    values: dict[str, Any] = change.fields()
    quotas = values.pop("quotas", None)
    for name in ("emails", "groups"):
        if name in values:
            values[name] = as_json(values[name])
    if values:
        connection.execute(update(accounts).where(accounts.c.id == account_id).values(values))
    if quotas:
        store_quotas(connection, account_id, quotas)


def _delete(connection: Connection, account_id: int, now: float, *, erase: bool) -> None:
    mine = update(accounts).where(accounts.c.id == account_id)
    connection.execute(mine.where(accounts.c.deleted_at.is_(None)).values(deleted_at=now))
    if erase:
        nobody = {"description": ERASED, "emails": "[]", "groups": "[]"}
        connection.execute(mine.values(nobody))
    keys = select(api_keys.c.id).where(api_keys.c.account_id == account_id).order_by(api_keys.c.id)
    connection.execute(delete(sessions).where(sessions.c.key_id.in_(keys)))
    for key_id in connection.execute(keys).scalars().all():
        revoke_key(connection, key_id, now)


def _end_keys(connection: Connection, account_id: int, now: float, until: float) -> None:
    valid = (
        api_keys.c.account_id == account_id,
        api_keys.c.revoked_at.is_(None),
        or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now),
    )
    keys = connection.execute(select(api_keys.c.id, api_keys.c.expires_at).where(*valid)).all()
    if len(keys) >= _MAX_KEYS:
        raise ConflictError(f"{len(keys)} keys of this account still work: revoke some first")
    for key in keys:
        if until <= now:
            revoke_key(connection, key.id, now)
        elif key.expires_at is None or key.expires_at > until:
            ending = update(api_keys).where(api_keys.c.id == key.id)
            connection.execute(ending.values(expires_at=until))


def _told(change: AccountChange) -> dict[str, Any]:
    """What the audit keeps of a change: nothing that says whose account it is."""
    fields: dict[str, Any] = msgspec.to_builtins(change)
    fields.pop("id", None)
    personal = fields.keys() & _PERSONAL_FIELDS
    return fields | dict.fromkeys(sorted(personal), "changed")
