"""How a request becomes an account's: what it may take is held, and what it took is charged."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import msgspec

from common.metering import Meter, estimated_tokens
from common.request import Request, RequestResult, Usage
from proxy.accounts.account import Account, Spent
from proxy.clients.auto_client import Spend
from proxy.deployments import ModelDeployment
from proxy.prices import cost_of, estimate

if TYPE_CHECKING:
    from proxy.accounts.quotas import Quotas, Reservation

T = TypeVar("T")


def spender(
    quotas: "Quotas", account: Account, request: Request, deployment: ModelDeployment, group: str
) -> Spend:
    """Return what makes a call on `account`: quotas are asked before, and charged after it.

    Args:
        group: The group of models whose quotas it counts for.
    """

    def spend(send: Callable[[], RequestResult]) -> RequestResult:
        tokens, cost = estimate(request, deployment)
        reservation = quotas.reserve(account, group, tokens, cost)
        return _settled(quotas, reservation, send, lambda it: spent_by(request, it, deployment))

    return spend


def meter(quotas: "Quotas", account: Account, group: str) -> Meter:
    """Return what does the work of tokenizers or scorers on `account`; it costs no money.

    Args:
        group: What it counts for.
    """

    def metered(name: str, tokens: int, work: Callable[[], T], count: Callable[[T], int]) -> T:
        def spent(value: T) -> Spent:
            return Spent(model=name, prompt_tokens=count(value), completion_tokens=0, cost=0.0)

        reservation = quotas.reserve(account, group, tokens, 0.0)
        return _settled(quotas, reservation, work, spent)

    return metered


def _settled(
    quotas: "Quotas",
    reservation: "Reservation",
    work: Callable[[], T],
    spent: Callable[[T], Spent],
) -> T:
    try:
        value = work()
    except BaseException:
        quotas.release(reservation)
        raise
    quotas.settle(reservation, spent(value))
    return value


def spent_by(request: Request, result: RequestResult, deployment: ModelDeployment) -> Spent:
    """Return what an answer took: as its provider counts, or as far as we can, ourselves."""
    usage = result.usage or Usage()
    if usage.prompt_tokens is None:
        usage = msgspec.structs.replace(usage, prompt_tokens=_prompt_tokens(request, result))
    if usage.completion_tokens is None:
        usage = msgspec.structs.replace(usage, completion_tokens=_completion_tokens(result))
    prompt, completion = usage.prompt_tokens or 0, usage.completion_tokens or 0
    cached, reasoning = usage.cached_tokens or 0, usage.reasoning_tokens or 0
    # Some providers count these beside the others: they exceed what they would be a part of.
    return Spent(
        model=deployment.model,
        prompt_tokens=prompt + (cached if cached > prompt else 0),
        completion_tokens=completion + (reasoning if reasoning > completion else 0),
        cost=cost_of(usage, deployment.prices),
    )


def scope_of(account: Account, cache_scope: str) -> str:
    """Return who shares stored answers with `account`: all with the same text."""
    if cache_scope == "group" and account.groups:
        return "groups:" + msgspec.json.encode(sorted(account.groups)).decode()
    return "" if cache_scope == "global" else f"account:{account.id}"


def _prompt_tokens(request: Request, result: RequestResult) -> int:
    if request.echo_prompt and result.completions:
        return 0  # it is among the tokens of each completion
    number = sum(map(estimated_tokens, [request.prompt, *(request.embedding_input or [])]))
    for message in request.messages or []:
        number += estimated_tokens(msgspec.json.encode(message.content).decode())
    return number


def _completion_tokens(result: RequestResult) -> int:
    return sum(
        len(sequence.tokens) or estimated_tokens(sequence.text) for sequence in result.completions
    )
