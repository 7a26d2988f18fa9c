"""The tables of the proxy's database, as the newest migration leaves them."""

from sqlalchemy import (
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
    Column("prompt_hash", LargeBinary(8), nullable=False),
    Column("parameters", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("created_at", Float, nullable=False),
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
    Column("is_admin", Boolean, nullable=False, default=False),
    Column("created_at", Float, nullable=False),
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
)
