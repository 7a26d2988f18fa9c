"""How many calls a second a deployment may be sent, found by trying.

There is no limit before the first refusal. What was accepted between two refusals is what the
provider allows; from there the limit grows, the faster the longer nothing is refused, so that about
one call in 400 is an attempt at more.
"""

import math

from proxy.pacing.bucket import Bucket

_PATIENT_CALLS = 400
_STEP = 0.02  # growth over so many calls
_LARGEST_CUT = 0.5
_SMALLEST_CUT = 0.98
_UNMEASURED_CUT = 0.9
_MIN_CALLS = 10  # that make a measurement
_MIN_PER_SECOND = 0.1
_RECENT_SECONDS = 60.0


class Speed:
    """The limit, of one process.

    Args:
        now: The time, in seconds.

    Attributes:
        per_second: Calls; infinite before anything was refused.
    """

    def __init__(self, now: float) -> None:
        self.per_second = math.inf
        self._bucket: Bucket | None = None
        self._began_at = now  # when counting began
        self._num_accepted = 0  # since then
        self._num_good = 0  # since the last refusal
        self._cut_at = -math.inf

    def seconds_until_free(self, now: float) -> float:
        """How long until a call may be sent."""
        return 0.0 if self._bucket is None else self._bucket.seconds_until_free(now)

    def take(self) -> None:
        """Note that a call is sent."""
        if self._bucket is not None:
            self._bucket.take(1)

    def accept(self, is_full: bool, now: float) -> None:
        """Note that a call was answered; `is_full` is that of `Window.accept`."""
        if self._bucket is None and now - self._began_at > _RECENT_SECONDS:
            # The first measurement is of what has happened lately.
            self._began_at, self._num_accepted = now, 0
        self._num_accepted += 1
        self._num_good += 1
        if self._bucket is not None and is_full:
            growth = (1 + self._num_good / _PATIENT_CALLS) * _STEP / _PATIENT_CALLS
            self._set(self.per_second * (1 + growth), now)

    def refuse(self, began: float, now: float) -> None:
        """Note that a call, sent at `began`, was refused since there were too many before it."""
        if began <= self._cut_at:
            return  # of the same volley
        measured = self._num_accepted / max(now - self._began_at, 0.1)
        if math.isinf(self.per_second):
            per_second = measured
        elif self._num_accepted < _MIN_CALLS:
            per_second = self.per_second * _UNMEASURED_CUT
        else:
            least, most = self.per_second * _LARGEST_CUT, self.per_second * _SMALLEST_CUT
            per_second = min(max(measured, least), most)
        self._set(per_second, now)
        if self._bucket is not None:
            self._bucket.empty(now)
        self._cut_at = self._began_at = now
        self._num_accepted = self._num_good = 0

    def scale(self, factor: float, now: float) -> None:
        """Go on with that part of a limit that was found."""
        if self._bucket is not None:
            self._set(self.per_second * factor, now)

    def start_at(self, per_second: float, now: float) -> None:
        """Begin with what others have found."""
        self._set(per_second, now)

    def _set(self, per_second: float, now: float) -> None:
        self.per_second = max(per_second, _MIN_PER_SECOND)
        if self._bucket is None:
            self._bucket = Bucket(self.per_second, now)
        else:
            self._bucket.set_rate(self.per_second, now)
