"""Who waits to ask a deployment: a queue for each account, and the accounts take turns."""

import threading
from collections import OrderedDict, deque

from common.errors import RateLimitError


class Turn:
    """Leave to make one call, until it is ended."""

    __slots__ = ("began", "in_flight", "number", "tokens")

    def __init__(self, tokens: int, in_flight: int, number: int, began: float) -> None:
        self.tokens = tokens
        self.in_flight = in_flight  # with it
        self.number = number  # of all so far
        self.began = began


class Waiter:
    """Somebody who waits; `event` is set with either of the others."""

    __slots__ = ("error", "event", "tokens", "turn")

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.event = threading.Event()
        self.turn: Turn | None = None
        self.error: RateLimitError | None = None


class Waiting:
    """All who wait. Its users hold a lock of theirs."""

    def __init__(self) -> None:
        self._queues: OrderedDict[int | None, deque[Waiter]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._queues)

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def add(self, caller: int | None, tokens: int) -> Waiter:
        """Let an account wait behind those of its own."""
        waiter = Waiter(tokens)
        self._queues.setdefault(caller, deque()).append(waiter)
        return waiter

    def pop(self) -> Waiter:
        """Take out whose turn it is."""
        caller, queue = self._queues.popitem(last=False)
        waiter = queue.popleft()
        if queue:
            self._queues[caller] = queue  # behind all other callers
        return waiter

    def remove(self, caller: int | None, waiter: Waiter) -> None:
        """Take out one that has given up."""
        queue = self._queues[caller]
        queue.remove(waiter)
        if not queue:
            del self._queues[caller]

    def refuse(self, error: RateLimitError) -> None:
        """Let nobody wait any longer."""
        for queue in self._queues.values():
            for waiter in queue:
                waiter.error = error
                waiter.event.set()
        self._queues.clear()
