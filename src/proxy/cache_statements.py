"""The few statements of the cache: over entries, which are answers, and claims to make one."""

from sqlalchemy import bindparam, delete, exists, select, update

from proxy.store.database import Database
from proxy.store.tables import cache_claims, cache_entries
from proxy.store.upsert import insert

_FRESH_ENTRY = (
    cache_entries.c.key == bindparam("key"),
    cache_entries.c.created_at >= bindparam("oldest"),
)
_FIND_ENTRY = select(cache_entries.c.result).where(*_FRESH_ENTRY)
_store = insert(cache_entries)
_STORE_ENTRY = _store.on_conflict_do_update(  # where only a younger answer was wanted
    index_elements=["key"],
    set_={
        "result": _store.excluded["result"],
        "created_at": _store.excluded["created_at"],
        "account_id": _store.excluded["account_id"],
    },
)
_FIND_CLAIM = select(
    cache_claims.c.owner, cache_claims.c.attempt, cache_claims.c.expires_at, cache_claims.c.error
).where(cache_claims.c.key == bindparam("key"))
_CLAIM_COLUMNS = ("key", "owner", "attempt", "expires_at", "error")
# Only where no answer has come meanwhile.
_claim = insert(cache_claims).from_select(
    _CLAIM_COLUMNS,
    select(*(bindparam(name, type_=cache_claims.c[name].type) for name in _CLAIM_COLUMNS)).where(
        ~exists().where(*_FRESH_ENTRY)
    ),
)
_TAKE_CLAIM = _claim.on_conflict_do_update(
    index_elements=["key"],
    set_={name: _claim.excluded[name] for name in _CLAIM_COLUMNS[1:]},
    # A failed attempt is over, and so is one whose lease has lapsed or whose process has died.
    where=(cache_claims.c.expires_at < bindparam("now"))
    | cache_claims.c.error.is_not(None)
    | (cache_claims.c.attempt == bindparam("dead"))
    # Where a lost connection has left open whether the claim was committed.
    | (cache_claims.c.attempt == _claim.excluded.attempt),
)
_OWN_CLAIM = (
    cache_claims.c.key == bindparam("key"),
    cache_claims.c.attempt == bindparam("attempt"),
)
_DROP_CLAIM = delete(cache_claims).where(*_OWN_CLAIM)
_FAIL_CLAIM = update(cache_claims).where(*_OWN_CLAIM).values(error=bindparam("why"))
_RENEW_CLAIMS = (
    update(cache_claims)
    .where(cache_claims.c.owner == bindparam("me"), cache_claims.c.error.is_(None))
    .values(expires_at=bindparam("until"))
)
_PURGE_CLAIMS = delete(cache_claims).where(cache_claims.c.expires_at < bindparam("before"))


class CacheStatements:
    """The statements of the cache, compiled for one database."""

    def __init__(self, database: Database) -> None:
        self.find_entry = database.compile(_FIND_ENTRY)
        self.store_entry = database.compile(_STORE_ENTRY)
        self.find_claim = database.compile(_FIND_CLAIM)
        self.take_claim = database.compile(_TAKE_CLAIM)
        self.drop_claim = database.compile(_DROP_CLAIM)
        self.fail_claim = database.compile(_FAIL_CLAIM)
        self.renew_claims = database.compile(_RENEW_CLAIMS)
        self.purge_claims = database.compile(_PURGE_CLAIMS)
