"""Headers that tell callers how much they may still ask.

`X-RateLimit-…` is for rates, `X-Quota-…` for quotas: of those of the asked group, the one of which
the least is left. Accounts without limits get none, and cost nothing.

The form is OpenAI's: https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import bottle

from common.authentication import Authentication
from common.errors import BenchError, StorageError
from proxy.accounts.account import Account
from proxy.accounts.accounts import Accounts
from proxy.accounts.quotas import QuotaLeft
from proxy.accounts.rates import Levels
from proxy.services.service import Service

# Where the WSGI environment has whose limits are told, and the group of models that was asked.
_LIMITED = "lm_bench.limited"
_GROUP = "lm_bench.limited_group"


class _Limited(NamedTuple):
    accounts: Accounts
    account: Account


def note_account(accounts: Accounts, account: Account) -> None:
    """Note who has sent the request in hand."""
    if account.has_rate or account.limited_groups:
        bottle.request.environ[_LIMITED] = _Limited(accounts, account)


def note_group(group: str) -> None:
    """Note what is asked, so that the answer tells what is left of its quota."""
    bottle.request.environ[_GROUP] = group


class Groups:
    """The groups of the models that were asked; each is looked up once."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str | None], str] = {}

    def note(
        self, service: Service, auth: Authentication, model: str, deployment: str | None
    ) -> None:
        """Note which model the request in hand asks."""
        limited: _Limited | None = bottle.request.environ.get(_LIMITED)
        if limited is None or not limited.account.limited_groups:
            return
        group = self._groups.get((model, deployment))
        if group is None:
            try:
                group = service.get_deployment(auth, model, deployment).group
            except BenchError:  # told by who asks it
                return
            self._groups[model, deployment] = group
        note_group(group)


def add_limits() -> None:
    """Add the headers to the answer in hand."""
    limited: _Limited | None = bottle.request.environ.get(_LIMITED)
    if limited is not None:
        with suppress(StorageError):  # an answer is worth more than its headers
            for name, value in _headers(limited, bottle.request.environ.get(_GROUP)):
                bottle.response.headers[name] = value


def _headers(limited: _Limited, group: str | None) -> Iterator[tuple[str, str]]:
    account, quotas = limited.account, limited.accounts.quotas
    if account.has_rate:
        yield from _rate_headers(quotas.levels(account))
    if group in account.limited_groups:
        yield from _quota_headers(quotas.left(account, group))


def _rate_headers(levels: Levels) -> Iterator[tuple[str, str]]:
    for name, level in zip(Levels._fields, levels, strict=True):
        if level.limit is not None:
            seconds = level.seconds_until(level.limit) or 0
            yield f"X-RateLimit-Limit-{name.title()}", str(level.limit)
            yield f"X-RateLimit-Remaining-{name.title()}", str(max(0, int(level.left)))
            yield f"X-RateLimit-Reset-{name.title()}", f"{seconds:.1f}s"


def _quota_headers(quotas: list[QuotaLeft]) -> Iterator[tuple[str, str]]:
    for unit in ("Tokens", "Dollars"):
        of_unit = [quota for quota in quotas if quota.is_money == (unit == "Dollars")]
        if of_unit:
            least = min(of_unit, key=lambda quota: quota.left)
            yield f"X-Quota-Period-{unit}", least.granularity
            yield f"X-Quota-Limit-{unit}", f"{least.limit:.12g}"
            yield f"X-Quota-Remaining-{unit}", f"{least.left:.12g}"
            if least.reset_seconds is not None:
                yield f"X-Quota-Reset-{unit}", f"{least.reset_seconds:.1f}s"
