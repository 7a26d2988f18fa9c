"""How several processes divide what one deployment takes: by arithmetic, without asking each other.

Each tells once a second what it does and lacks, reads the same of the others, and comes to the same
division. Whoever uses less than an equal part leaves the rest to the others (max-min fairness).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from proxy.pacing.pace import MINUTE, USED_SHARE, Pace

_MORE = 1.25  # than it has used lately, so that a process can grow
_LEAST_SHARE = 0.02


class Report(NamedTuple):
    """What one process says of one deployment.

    Args:
        deployment: Its name.
        process: Who says it.
        at: When, in seconds since the epoch.
        peak: The most calls under way since the last report.
        requests: Calls a second.
        tokens: Tokens a second.
        has_waited: Whether somebody had to wait for a turn.
        window_size: The number of calls that it has found to be possible, if any.
        calls_per_second: The same for calls a second.
        paused_until: When the provider wants to be asked again, in seconds since the epoch.
    """

    deployment: str
    process: str
    at: float
    peak: int
    requests: float
    tokens: float
    has_waited: bool
    window_size: float | None
    calls_per_second: float | None
    paused_until: float


class SharedPace:
    """The part of a deployment's pace that is this process's."""

    def __init__(self, pace: Pace, process: str) -> None:
        self.pace = pace
        self._process = process
        self._reported_at: float | None = None
        self._num_others = 0

    def report(self, now: float) -> Report:
        """Return what there is to say, and begin anew.

        Args:
            now: The time in seconds since the epoch.
        """
        pace = self.pace
        with pace.lock:
            seconds = max(0.1, 1.0 if self._reported_at is None else now - self._reported_at)
            said = Report(
                deployment=pace.name,
                process=self._process,
                at=now,
                peak=pace.peak,
                requests=pace.num_begun / seconds,
                tokens=max(0, pace.num_tokens) / seconds,
                has_waited=pace.has_waited,
                window_size=_known(pace.window.size),
                calls_per_second=_known(pace.speed.per_second),
                paused_until=max(0.0, now + pace.paused_until - pace.now()),
            )
            pace.num_begun = pace.num_tokens = 0
            pace.peak, pace.has_waited = pace.in_flight, pace.is_waited_for
        return said

    def divide(self, own: Report, others: Sequence[Report], now: float) -> None:
        """Take this process's part.

        Args:
            own: The report that the others read.
            others: Theirs.
        """
        pace = self.pace
        is_new = self._reported_at is None
        self._reported_at = now
        with pace.lock:
            self._divide_limits(own, others, is_new)
            self._divide_found(others, is_new)
            for other in others:
                until = pace.now() + other.paused_until - now
                pace.paused_until = max(pace.paused_until, until)
            pace.wake()

    def _divide_limits(self, own: Report, others: Sequence[Report], is_new: bool) -> None:
        pace, limits, now = self.pace, self.pace.limits, self.pace.now()
        # The others have still to read that it is there.
        has_to_wait = is_new and bool(others)
        if limits.max_in_flight is not None:
            uses = [_use(it, it.peak + 1) for it in (own, *others)]
            names = [it.process for it in (own, *others)]
            whole = _whole_share(limits.max_in_flight, uses, names)
            pace.most_in_flight = 1.0 if has_to_wait else whole
        for bucket, limit, used in (
            (pace.requests, limits.requests_per_minute, "requests"),
            (pace.tokens, limits.tokens_per_minute, "tokens"),
        ):
            if bucket is not None and limit is not None:
                total = limit * USED_SHARE / MINUTE
                uses = [_use(it, getattr(it, used) * _MORE) for it in (own, *others)]
                share = 0.0 if has_to_wait else fair_shares(total, uses)[0]
                bucket.set_rate(max(share, total * _LEAST_SHARE), now)

    def _divide_found(self, others: Sequence[Report], is_new: bool) -> None:
        """Keep the sum of what was found when a process comes or goes."""
        pace, num = self.pace, len(others)
        factor = (self._num_others + 1) / (num + 1)
        if is_new and not pace.is_learned:
            windows = [it.window_size for it in others if it.window_size is not None]
            speeds = [it.calls_per_second for it in others if it.calls_per_second is not None]
            if windows:
                pace.window.start_at(sum(windows) / (num + 1))
            if speeds:
                pace.speed.start_at(sum(speeds) / (num + 1), pace.now())
        elif factor != 1:
            pace.window.scale(factor)
            pace.speed.scale(factor, pace.now())
        self._num_others = num


def fair_shares(total: float, uses: Sequence[float]) -> list[float]:
    """Divide `total` so that none gets less than it uses while another gets more than that one.

    What nobody uses is given to all alike.
    """
    shares = [0.0] * len(uses)
    left = total
    order = sorted(range(len(uses)), key=lambda place: uses[place])
    for done, place in enumerate(order):
        shares[place] = min(uses[place], left / (len(order) - done))
        left -= shares[place]
    return [share + left / len(uses) for share in shares]


def _whole_share(total: int, uses: Sequence[float], names: Sequence[str]) -> float:
    """Return the first one's part in whole calls; what is left over goes by the order of names."""
    shares = fair_shares(total, uses)
    left = total - sum(map(math.floor, shares))
    rank = sorted(names).index(names[0])
    return max(1.0, math.floor(shares[0]) + (rank < left))


def _use(report: Report, used: float) -> float:
    return math.inf if report.has_waited else used


def _known(limit: float) -> float | None:
    return limit if math.isfinite(limit) else None
