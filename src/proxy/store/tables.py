"""The tables of the proxy's database, as the newest migration leaves them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

cache_entries = Table(
    "cache_entries",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),
    # Enough to explain a miss without keeping the prompt twice: its hash, and all other fields.
    Column("prompt_hash", LargeBinary(8), nullable=False, index=True),
    Column("parameters", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("created_at", Float, nullable=False, index=True),
    Column("origin", Text, nullable=False, default="{}"),  # JSON: what else is in the key
    Column("model", String(256), nullable=False, default=""),
    Column("account_id", Integer),  # who asked first; null: unknown
)

cache_claims = Table(
    "cache_claims",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),
    Column("owner", String(128), nullable=False),  # the process that asks the provider
    Column("attempt", String(32), nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("error", Text),  # set when the attempt failed, for those who wait for it
    # Few rows, written twice a request: one tree in place of two halves the pages written.
    sqlite_with_rowid=False,
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("description", Text, nullable=False, default=""),
    Column("emails", Text, nullable=False, default="[]"),  # JSON
    Column("groups", Text, nullable=False, default="[]"),  # JSON; people's groups, not models'
    Column("is_admin", Boolean, nullable=False, default=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("deleted_at", Float),  # the row stays, for usage and audit
    Column("requests_per_minute", Integer),
    Column("tokens_per_minute", Integer),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("prefix", String(16), nullable=False),  # the visible part, to tell keys apart
    Column("key_hash", LargeBinary(32), nullable=False, unique=True),  # SHA-256
    Column("created_at", Float, nullable=False),
    Column("revoked_at", Float),
    Column("expires_at", Float),
    Column("last_used_at", Float),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),  # SHA-256
    Column("key_id", ForeignKey("api_keys.id"), nullable=False),  # ends with this key
    Column("expires_at", Float, nullable=False),
    sqlite_with_rowid=False,
)

quotas = Table(
    "quotas",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("model_group", String(128), primary_key=True),
    Column("granularity", String(8), primary_key=True),  # daily, monthly, total
    Column("tokens", BigInteger),  # null: no limit
    Column("cost", BigInteger),  # in nanodollars; null: no limit
    sqlite_with_rowid=False,
)

# What is used and held of a quota. A row is made with the first request in a period, out of
# `usage_days` and `reservations`, and kept equal to their sums.
quota_periods = Table(
    "quota_periods",
    metadata,
    Column("account_id", Integer, primary_key=True),
    Column("model_group", String(128), primary_key=True),
    Column("period", String(10), primary_key=True),  # 2026-11-22, 2026-11 or "all", in UTC
    Column("used_tokens", BigInteger, nullable=False),
    Column("used_cost", BigInteger, nullable=False),
    Column("reserved_tokens", BigInteger, nullable=False),
    Column("reserved_cost", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

reservations = Table(
    "reservations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("account_id", Integer, nullable=False),
    Column("model_group", String(128), nullable=False),
    Column("day", String(10), nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("cost", BigInteger, nullable=False),
    Column("owner", String(32), nullable=False),  # the process that asks the provider
    Column("expires_at", Float, nullable=False),
    sqlite_with_rowid=False,
)

usage_days = Table(
    "usage_days",
    metadata,
    Column("account_id", Integer, primary_key=True),
    Column("day", String(10), primary_key=True),  # in UTC
    Column("model", String(256), primary_key=True),
    Column("model_group", String(128), primary_key=True),
    Column("requests", BigInteger, nullable=False),  # cached ones included
    Column("cached_requests", BigInteger, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),  # of those that were not cached
    Column("completion_tokens", BigInteger, nullable=False),
    Column("cost", BigInteger, nullable=False),  # in nanodollars
    sqlite_with_rowid=False,
)

rate_levels = Table(
    "rate_levels",
    metadata,
    Column("account_id", Integer, primary_key=True),
    Column("requests", Float, nullable=False),  # what may still be asked at once
    Column("tokens", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
)

toxicity_scores = Table(
    "toxicity_scores",
    metadata,
    # Of the scorer with its version, what was asked of it, and the text, which is kept nowhere.
    Column("key", LargeBinary(32), primary_key=True),
    Column("scores", Text, nullable=False),  # JSON
    Column("created_at", Float, nullable=False),
    sqlite_with_rowid=False,
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("account_id", Integer),  # who did it; null: someone with access to the database
    Column("action", String(32), nullable=False),
    Column("subject", Integer),  # the account it was done to
    Column("details", Text, nullable=False),  # JSON, without personal data
)

# What each process has said of how it asks a deployment, in the last seconds.
deployment_paces = Table(
    "deployment_paces",
    metadata,
    Column("deployment", String(256), primary_key=True),
    Column("process", String(64), primary_key=True),
    Column("at", Float, nullable=False),
    Column("peak", Integer, nullable=False),  # calls under way
    Column("requests", Float, nullable=False),  # a second
    Column("tokens", Float, nullable=False),
    Column("has_waited", Boolean, nullable=False),
    Column("window_size", Float),  # limits that were found by trying; null: none
    Column("calls_per_second", Float),
    Column("paused_until", Float, nullable=False),
    sqlite_with_rowid=False,
)
