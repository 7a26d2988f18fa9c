"""Money: what a command may spend, what is under way, and what has been spent."""

import threading
from collections.abc import Callable

from common.errors import DeadlineError
from common.request import Request, RequestResult
from proxy.prices import cost_of, estimate
from proxy.services.service import DeploymentInfo

# Whether there is a stored answer, which costs nothing; None where that is not known.
IsStored = Callable[[Request], bool | None]


class Budget:
    """US dollars of one command. May be used by several threads at once.

    Args:
        limit: What may be spent; None: no limit.
    """

    def __init__(self, limit: float | None = None) -> None:
        self.limit = limit
        self.spent = 0.0
        self._reserved = 0.0
        self._num_under_way = 0
        self._changed = threading.Condition()

    def reserve(self, bound: float) -> bool:
        """Set aside what a request costs at most; return whether the limit allows it.

        What is under way mostly costs less than its bound. So where that alone is in the way, this
        waits for it to come back.
        """
        with self._changed:
            while self.limit is not None and bound:
                if self.spent + self._reserved + bound <= self.limit:
                    break
                if not self._num_under_way or self.spent + bound > self.limit:
                    return False
                self._changed.wait()
            self._reserved += bound
            self._num_under_way += 1
            return True

    def settle(self, bound: float, cost: float) -> None:
        """Replace what was set aside by what it was."""
        with self._changed:
            self._num_under_way -= 1
            self.spent += cost
            # Sums of what was added and taken away again are not quite 0.
            self._reserved = self._reserved - bound if self._num_under_way else 0.0
            self._changed.notify_all()


class Meter:
    """What the requests of one run cost.

    Args:
        deployment: Who answers, and for how much.
        budget: Of the command.
        is_stored: Tells which requests cost nothing.
    """

    def __init__(self, deployment: DeploymentInfo, budget: Budget, is_stored: IsStored) -> None:
        self.spent = 0.0
        self._deployment = deployment
        self._budget = budget
        self._is_stored = is_stored
        self._lock = threading.Lock()

    def admit(self, request: Request) -> float | None:
        """Return what is set aside for a request until it is settled; None: do not send it."""
        bound = 0.0
        if self._budget.limit is not None and not self._is_stored(request):
            bound = self._bound(request)
        return bound if self._budget.reserve(bound) else None

    def settle(self, request: Request, bound: float, result: RequestResult) -> None:
        """Count what an answer has cost. Without its usage, that is the most it could have."""
        cost = self._cost(request, result)
        with self._lock:
            self.spent += cost
        self._budget.settle(bound, cost)

    @property
    def has_prices(self) -> bool:
        """Whether it is known what an answer costs."""
        return self._deployment.prices is not None

    @property
    def text(self) -> str:
        """What is spent, as a part of a line; empty for models that cost nothing."""
        prices = self._deployment.prices
        if prices is None or not (prices.input or prices.output):
            return ""
        if self._budget.limit is None:
            return dollars(self.spent)
        in_all = f"{dollars(self._budget.spent)} of {dollars(self._budget.limit)}"
        return f"{dollars(self.spent)} ({in_all})"

    def _cost(self, request: Request, result: RequestResult) -> float:
        if result.cached:
            return 0.0
        cost = cost_of(result.usage, self._deployment.prices)
        if cost is not None:
            return cost
        # Nobody charges for a failure, but one that we no longer waited for may have been none.
        is_free = result.outcome == "error" and result.error_code != DeadlineError.code
        return 0.0 if is_free else self._bound(request)

    def _bound(self, request: Request) -> float:
        return estimate(request, self._deployment)[1] or 0.0


def dollars(amount: float) -> str:
    """Return an amount of money as text: $12.30, or $0.0042 where it is little."""
    return f"${amount:,.2f}" if amount >= 1 or amount == 0 else f"${amount:.4f}"
