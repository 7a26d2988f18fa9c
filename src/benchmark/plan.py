"""What runs would take, before anything is asked: requests, tokens, money and time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from benchmark.budget import IsStored, dollars
from benchmark.console_table import MISSING, format_table
from common.request import Request
from common.token_text import BYTES_PER_TOKEN, guess_num_tokens
from proxy.prices import estimate
from proxy.services.service import DeploymentInfo

_APPROXIMATE = "~"


class RunPlan(msgspec.Struct):
    """The open requests of one run, added up.

    `num_answered` are those that the run has answers to already, `num_stored` those that the cache
    has; None where that can't be told. Tokens and `cost` are of the others; `cost` is None where a
    price is not known.
    """

    model: str
    num_answered: int = 0
    num_open: int = 0
    num_stored: int | None = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = 0.0
    is_approximate: bool = False
    tokenizer: str | None = None  # what counts the tokens, unless they are approximate

    @property
    def num_requests(self) -> int:
        """All requests of the run."""
        return self.num_answered + self.num_open

    @property
    def num_to_send(self) -> int:
        """Requests that somebody has to answer."""
        return self.num_open - (self.num_stored or 0)


class Planner:
    """Makes the plan of one run.

    Args:
        model: Who would be asked.
        num_answered: Requests of it that have an answer.
        deployment: Where, and for how much.
        count_tokens: Tokens of a text; None: not known, and told from its bytes.
        is_stored: Which requests the cache has an answer to.
    """

    def __init__(
        self,
        model: str,
        num_answered: int,
        deployment: DeploymentInfo,
        count_tokens: Callable[[str], int] | None,
        is_stored: IsStored,
    ) -> None:
        self.plan = RunPlan(
            model,
            num_answered=num_answered,
            is_approximate=count_tokens is None,
            tokenizer=None if count_tokens is None else deployment.tokenizer,
        )
        self._deployment = deployment
        self._count_tokens = count_tokens or guess_num_tokens
        self._is_stored = is_stored

    def add(self, request: Request) -> None:
        """Count an open request."""
        plan = self.plan
        plan.num_open += 1
        is_stored = self._is_stored(request)
        if is_stored is None:
            plan.num_stored = None
        if is_stored:
            plan.num_stored = (plan.num_stored or 0) + 1
            return
        texts = [request.prompt]
        if request.messages is not None:
            texts = [message.text for message in request.messages]
        num_tokens = sum(map(self._count_tokens, texts))
        plan.prompt_tokens += num_tokens
        thoughts = (request.reasoning or {}).get("max_tokens", 0)
        plan.completion_tokens += request.num_completions * (request.max_tokens + thoughts)
        _, cost = estimate(request, self._deployment, num_tokens)
        plan.cost = None if cost is None or plan.cost is None else plan.cost + cost


def plan_table(
    plans: Mapping[str, RunPlan], seconds_of: Mapping[str, float], num_threads: int
) -> str:
    """Return a row a run, and one for all of them.

    Args:
        plans: By the name of the run.
        seconds_of: How long a request takes, by model, as far as it is known.
        num_threads: How many would be asked at a time.
    """
    headers = ("run", "requests", "answered", "cached", "to send", "prompt tokens")
    more = ("completion tokens, at most", "cost, at most", "time")
    times = [_seconds(plan, seconds_of, num_threads) for plan in plans.values()]
    rows = [
        _row(name, plan, seconds)
        for (name, plan), seconds in zip(plans.items(), times, strict=True)
    ]
    if len(plans) > 1:
        known = [seconds for seconds in times if seconds is not None]
        rows.append(_row("all", _total(list(plans.values())), _sum_if_all(known, len(times))))
    text = format_table((*headers, *more), rows)
    tokenizers = {
        plan.model: plan.tokenizer for plan in plans.values() if plan.tokenizer and plan.num_to_send
    }
    if tokenizers:
        counted = ", ".join(f"{name} ({model})" for model, name in sorted(tokenizers.items()))
        text += f"\nTokens are counted by {counted}"
    if any(plan.is_approximate and plan.num_to_send for plan in plans.values()):
        text += f"\n{_APPROXIMATE} approximate: {BYTES_PER_TOKEN} bytes a token"
    return text


def _total(plans: Sequence[RunPlan]) -> RunPlan:
    def added(field: str) -> Any:
        values = [getattr(plan, field) for plan in plans]
        return _sum_if_all([value for value in values if value is not None], len(plans))

    fields = ("num_answered", "num_open", "num_stored", "prompt_tokens", "completion_tokens")
    return RunPlan(
        "",
        is_approximate=any(plan.is_approximate and plan.num_to_send for plan in plans),
        **{field: added(field) for field in (*fields, "cost")},
    )


def _sum_if_all(values: Sequence[float], num: int) -> float | None:
    return sum(values) if len(values) == num else None


def _row(name: str, plan: RunPlan, seconds: float | None) -> tuple[str, ...]:
    mark = _APPROXIMATE if plan.is_approximate and plan.num_to_send else ""
    return (
        name,
        f"{plan.num_requests:,}",
        f"{plan.num_answered:,}",
        MISSING if plan.num_stored is None else f"{plan.num_stored:,}",
        f"{plan.num_to_send:,}",
        f"{plan.prompt_tokens:,}{mark}",
        f"{plan.completion_tokens:,}",
        MISSING if plan.cost is None else f"{dollars(plan.cost)}{mark}",
        MISSING if seconds is None else _duration(seconds),
    )


def _seconds(plan: RunPlan, seconds_of: Mapping[str, float], num_threads: int) -> float | None:
    if not plan.num_to_send:
        return 0.0
    of_one = seconds_of.get(plan.model)
    return None if of_one is None else plan.num_to_send * of_one / num_threads


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
