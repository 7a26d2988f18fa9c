"""Whether answers take longer than they did: the sign of a server that has too much to do."""

_NUM_CALLS = 32  # in an average
# So many tokens take as long as an answer takes to begin: short and long answers compare by it.
_TOKENS_TO_BEGIN = 20
_FACTOR = 3.0
_MIN_SECONDS = 1.0  # less is noise, or this machine's own
_FORGET = 1.02  # of the best average, with each later one


class Latency:
    """Compares averages of seconds a token with the best one so far."""

    def __init__(self) -> None:
        self._best: float | None = None
        self._num_calls, self._seconds, self._tokens = 0, 0.0, 0

    def has_risen(self, seconds: float, num_tokens: int) -> bool:
        """Note an answer; whether, with it, the last ones took much longer than at the best time.

        Args:
            seconds: How long it took.
            num_tokens: How long it is.
        """
        self._num_calls += 1
        self._seconds += seconds
        self._tokens += num_tokens + _TOKENS_TO_BEGIN
        if self._num_calls < _NUM_CALLS:
            return False
        average, mean_seconds = self._seconds / self._tokens, self._seconds / self._num_calls
        self._num_calls, self._seconds, self._tokens = 0, 0.0, 0
        if self._best is None or average < self._best:
            self._best = average
            return False
        self._best = min(self._best * _FORGET, average)
        excess = mean_seconds * (1 - self._best / average)
        return average > _FACTOR * self._best and excess > _MIN_SECONDS
