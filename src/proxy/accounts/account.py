"""Accounts as data: as they cross HTTP, and as a request in hand knows them.

Numbers of money are US dollars; `used` and `quota` count tokens.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

Granularity = Literal["daily", "monthly", "total"]

# What is counted beside models, as groups of their own. Nobody is paid for it.
TOKENIZERS_GROUP, TOXICITY_GROUP = "tokenizers", "toxicity"

# Of accounts and keys; databases have 32 bits for them.
MAX_ID = 2**31 - 1
Id = Annotated[int, msgspec.Meta(ge=1, le=MAX_ID)]

GRANULARITIES: tuple[Granularity, ...] = ("daily", "monthly", "total")

MAX_TOKENS = 10**15
_MAX_RATE = 10**9
_MAX_DOLLARS = 10**9  # their billionths are counted, in 64 bits
_MAX_LENGTH = 1000


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account, and the key it was recognised by. The key's prefix may be shown and logged.

    `limited_groups` are the groups of models that it has a quota for, `free_groups` those that it
    may use without a limit.
    """

    id: int
    description: str
    is_admin: bool
    key_id: int
    key_prefix: str
    groups: tuple[str, ...] = ()
    limited_groups: frozenset[str] = frozenset()
    free_groups: frozenset[str] = frozenset()
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None

    @property
    def has_rate(self) -> bool:
        """Whether it may ask only so much in a minute."""
        return self.requests_per_minute is not None or self.tokens_per_minute is not None

    def may_use_freely(self, group: str) -> bool:
        """Whether it may use a group without a quota also where models need one."""
        is_model = group not in (TOKENIZERS_GROUP, TOXICITY_GROUP)
        return not is_model or self.is_admin or group in self.free_groups


class NewAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account that was just made; nobody can get at its key a second time."""

    account: Account
    api_key: str

    def __repr__(self) -> str:
        return f"NewAccount({self.account!r}, api_key=…)"


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What an account has used of a group of models in one period; no quota is null."""

    period: str
    used: int = 0
    quota: int | None = None
    cost_used: float = 0.0
    cost_quota: float | None = None


class KeyInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its secret. Times are in seconds since the epoch."""

    id: int
    prefix: str
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    last_used_at: float | None = None


class AccountInfo(msgspec.Struct, frozen=True, kw_only=True):
    """All that is shown of an account. `api_key` is there only where it was just made."""

    id: int
    api_key: str | None = None
    key_prefix: str
    description: str
    emails: list[str]
    groups: list[str]
    is_admin: bool
    usages: dict[str, dict[Granularity, Usage]]
    created_at: float
    expires_at: float | None = None
    last_used_at: float | None = None
    deleted_at: float | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    keys: list[KeyInfo] = []

    def __repr__(self) -> str:
        return f"AccountInfo(id={self.id}, key_prefix={self.key_prefix!r}, …)"


class Quota(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A limit in tokens, in money, or both; null is none, and what is left out stays as it is.

    Raises:
        ValueError: A limit is below 0.
    """

    quota: int | UnsetType | None = UNSET
    cost_quota: float | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        _check_limit("quota", self.quota, MAX_TOKENS)
        _check_limit("cost_quota", self.cost_quota, _MAX_DOLLARS)


# A number in place of a Quota is one in tokens.
QuotaChanges = dict[str, dict[Granularity, Quota | int | None]]


class AccountChange(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """What an account is made with, or changed to; what is left out stays as it is.

    Raises:
        ValueError: A field has a value that it can't have.
    """

    id: Id | UnsetType = UNSET  # whose; default: one's own
    description: str | UnsetType = UNSET
    emails: list[str] | UnsetType = UNSET
    groups: list[str] | UnsetType = UNSET
    is_admin: bool | UnsetType = UNSET
    expires_at: float | UnsetType | None = UNSET
    requests_per_minute: int | UnsetType | None = UNSET
    tokens_per_minute: int | UnsetType | None = UNSET
    quotas: QuotaChanges | UnsetType = UNSET

    def __post_init__(self) -> None:
        _check_limit("requests_per_minute", self.requests_per_minute, _MAX_RATE)
        _check_limit("tokens_per_minute", self.tokens_per_minute, _MAX_RATE)
        texts = [self.description, *(self.emails or []), *(self.groups or [])]
        if any(text is not UNSET and len(text) > _MAX_LENGTH for text in texts):
            raise ValueError(f"a text has more than {_MAX_LENGTH} characters")

    def fields(self) -> dict[str, object]:
        """The fields that are to be changed."""
        values = {name: getattr(self, name) for name in self.__struct_fields__ if name != "id"}
        return {name: value for name, value in values.items() if value is not UNSET}


def _check_limit(name: str, value: float | UnsetType | None, most: int) -> None:
    if value is not UNSET and value is not None and not 0 <= value <= most:
        raise ValueError(f"`{name}` must be in 0 … {most:,}, not {value}")


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What one call to a provider took. `cost` is null where no price is known."""

    model: str
    prompt_tokens: int
    completion_tokens: int
    cost: float | None = None

    @property
    def tokens(self) -> int:
        """All of them, as quotas count."""
        return self.prompt_tokens + self.completion_tokens


class UsageRow(msgspec.Struct, frozen=True, kw_only=True):
    """What an account asked a model on one day (UTC). Tokens and cost are of uncached requests."""

    day: str
    account_id: int
    model: str
    group: str
    requests: int
    cached_requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: float


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what to which account; `account_id` is null for the installation's own commands."""

    at: float
    account_id: int | None
    action: str
    subject: int | None
    details: dict[str, object]
