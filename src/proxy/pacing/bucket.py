"""So much a minute, given out evenly."""

# What a rounding error leaves of a debt is none.
_NOTHING = 1e-6
# What was not asked in the last second is lost: a provider counts over windows of its own.
_BURST_SECONDS = 1.0


class Bucket:
    """Fills at a steady rate. Who takes more than there is lets the next ones wait.

    Args:
        per_second: How fast it fills.
        now: The time, in seconds; it is empty then.

    Attributes:
        per_second: How fast it fills.
    """

    def __init__(self, per_second: float, now: float) -> None:
        self.per_second = per_second
        self._left = 0.0
        self._filled_at = now

    def set_rate(self, per_second: float, now: float) -> None:
        """Go on at another rate."""
        self._fill(now)
        self.per_second = per_second
        self._left = min(self._left, per_second * _BURST_SECONDS)

    def seconds_until_free(self, now: float) -> float:
        """How long until something may be taken."""
        self._fill(now)
        return 0.0 if self._left > -_NOTHING else -self._left / self.per_second

    def take(self, amount: float) -> None:
        """Take `amount`; a negative one is given back."""
        self._left -= amount

    def empty(self, now: float) -> None:
        """Let nothing be left of what was saved."""
        self._fill(now)
        self._left = min(self._left, 0.0)

    def _fill(self, now: float) -> None:
        added = max(0.0, now - self._filled_at) * self.per_second
        self._left = min(self._left + added, self.per_second * _BURST_SECONDS)
        self._filled_at = now
