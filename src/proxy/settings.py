"""Settings of one installation: `service.conf` in the base path (HOCON), all of them optional.

defaultModel = mistral/mistral-small-2506
cacheScope = group
defaultQuotas { openai { daily = 50000, monthly = $20 } }
"""

import re
from pathlib import Path
from typing import Any, Literal

import msgspec

from common.errors import InvalidRequestError, UnknownNameError
from common.hocon import read_hocon

FILE_NAME = "service.conf"
DATABASE_NAME = "proxy.sqlite"
GRANULARITIES = ("daily", "monthly", "total")

_QUOTA_NAME = re.compile(r"(?P<group>[^=\s]+)\.(?P<granularity>[^.=\s]+)")
_TOKENS = re.compile(r"[0-9]{1,15}")
_DOLLARS = re.compile(r"\$([0-9]{1,9}(?:\.[0-9]{1,6})?)")
UNLIMITED = "unlimited"


class QuotaSetting(msgspec.Struct, frozen=True):
    """What an account may spend on a group of models in a day, a month or altogether.

    `limit` is in tokens, or in US dollars where `is_money`; null is no limit.
    """

    group: str
    granularity: Literal["daily", "monthly", "total"]
    limit: int | float | None
    is_money: bool = False


# What new accounts get where `defaultQuotas` is not set: tokens a day, as in the reference system.
DEFAULT_QUOTAS = tuple(
    QuotaSetting(group, "daily", 10_000) for group in ("gpt3", "codex", "jurassic", "gooseai")
)


class ServiceSettings(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """The settings; in the file their names are written `defaultModel` and so on.

    Attributes:
        default_model: The model of run entries that name none.
        cache_scope: Who shares stored answers: everyone, an account's groups, or nobody.
        default_quotas: What new accounts may spend; replaces `DEFAULT_QUOTAS` where it is set.
        deny_without_quota: Whether an account without a quota for a group of models is refused.
        toxicity_scorer: Who scores texts where a request names nobody.
        perspective_qps: Calls a second to the Perspective API.
        database: URL of the database, where the command line names none.
        requests_per_minute: Limit of each account that has none of its own.
        tokens_per_minute: The same for tokens.
        log_format: One line of text, or one JSON object, a request.
        cache_max_entries: Stored answers beyond it are deleted, the oldest first.
        cache_max_age_days: Older stored answers are deleted.
    """

    default_model: str | None = None
    cache_scope: Literal["global", "group", "account"] = "global"
    default_quotas: tuple[QuotaSetting, ...] = DEFAULT_QUOTAS
    deny_without_quota: bool = False
    toxicity_scorer: str | None = None
    perspective_qps: float = 1.0
    database: str | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    log_format: Literal["text", "json"] = "text"
    cache_max_entries: int | None = None
    cache_max_age_days: float | None = None

    @classmethod
    def read(cls, base_path: Path) -> "ServiceSettings":
        """Return the settings of the installation in `base_path`; the defaults without a file.

        Raises:
            InvalidRequestError: The file is not valid; names the setting.
        """
        path = base_path / FILE_NAME
        return _to_settings(read_hocon(path), path) if path.exists() else cls()


def database_url(base_path: Path, given: str | None = None) -> str:
    """Return which database the installation in `base_path` has.

    Args:
        given: What the command line names, which goes before the setting `database`. Without
            either it is SQLite in the folder.
    """
    default = f"sqlite:///{base_path / DATABASE_NAME}"
    return given or ServiceSettings.read(base_path).database or default


def is_there_a_database(base_path: Path) -> bool:
    """Whether there is anything that the installation's database may hold."""
    return bool(ServiceSettings.read(base_path).database) or (base_path / DATABASE_NAME).exists()


def parse_quota(text: str) -> QuotaSetting:
    """Read `<group>.<daily|monthly|total>=<limit>`: a number of tokens, `$5.00` or `unlimited`.

    Raises:
        InvalidRequestError: It is not of this form; says which part.
    """
    name, equals, limit = text.partition("=")
    if not equals:
        raise InvalidRequestError(
            f"{text!r} is not a quota: write <group>.<{'|'.join(GRANULARITIES)}>="
            f"<tokens|$dollars|{UNLIMITED}>"
        )
    return _to_quota(name.strip(), limit.strip())


def _to_quota(name: str, limit: str) -> QuotaSetting:
    found = _QUOTA_NAME.fullmatch(name)
    if found is None:
        raise InvalidRequestError(f"{name!r} is not <group>.<{'|'.join(GRANULARITIES)}>")
    granularity = found["granularity"]
    if granularity not in GRANULARITIES:
        choices = f"there are {', '.join(GRANULARITIES)}"
        raise UnknownNameError(f"period of {name!r}", granularity, GRANULARITIES, choices)
    money = _DOLLARS.fullmatch(limit)
    if not money and limit != UNLIMITED and not _TOKENS.fullmatch(limit):
        raise InvalidRequestError(
            f"{name}: {limit!r} is not a number of tokens, $dollars or {UNLIMITED}"
        )
    amount = None if limit == UNLIMITED else float(money[1]) if money else int(limit)
    quota = {"group": found["group"], "granularity": granularity, "limit": amount}
    return msgspec.convert(quota | {"is_money": money is not None}, QuotaSetting)


def _to_settings(tree: dict[str, Any], path: Path) -> ServiceSettings:
    names = [field.encode_name for field in msgspec.structs.fields(ServiceSettings)]
    for name in tree:
        if name not in names:
            raise UnknownNameError(f"setting of {path}:", name, names)
    try:
        if "defaultQuotas" in tree:
            tree = tree | {"defaultQuotas": _to_quotas(tree["defaultQuotas"])}
        settings = msgspec.convert(tree, ServiceSettings)
        _check_numbers(tree)
    except (msgspec.ValidationError, InvalidRequestError) as error:
        raise InvalidRequestError(f"{path}: {error}") from error
    return settings


def _check_numbers(tree: dict[str, Any]) -> None:
    for name, value in tree.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and value <= 0:
            raise InvalidRequestError(f"{name} must be above 0, not {value}")


def _to_quotas(tree: object) -> list[dict[str, Any]]:
    """From a list of texts, or from a table of groups and periods."""
    if isinstance(tree, list):
        return [msgspec.to_builtins(parse_quota(str(item))) for item in tree]
    if not isinstance(tree, dict):
        raise InvalidRequestError("defaultQuotas must be a table or a list")
    quotas = []
    for group, limits in tree.items():
        if not isinstance(limits, dict):
            raise InvalidRequestError(
                f"defaultQuotas: {group!r} must be a table such as {{ daily = 10000 }}"
            )
        quotas += [_to_quota(f"{group}.{name}", str(limit)) for name, limit in limits.items()]
    return [msgspec.to_builtins(quota) for quota in quotas]
