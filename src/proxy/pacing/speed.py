"""How many calls a second a deployment may be sent, found by trying.

There is no limit before the first refusal. What was accepted in the last minute, or up to the time
that the provider names, is what it allows. From there the limit grows, the faster the longer
nothing is refused, so that about one call in 400 is an attempt at more.
"""

import math

from proxy.pacing.bucket import Bucket

_PATIENT_CALLS = 400
_STEP = 0.03  # growth over so many calls
_LARGEST_CUT = 0.25
# A refusal that says nothing of a time, and comes after calls that were answered, may be chance.
_LARGEST_CHANCE_CUT, _MIN_GOOD = 0.95, 4
_SMALLEST_CUT = 0.98
_MIN_PER_SECOND = 0.01
_RECENT_SECONDS = 60.0  # most providers count by the minute


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
        self._num_good = 0  # calls since the last refusal
        self._cut_at = -math.inf
        self.begin(now)

    def begin(self, now: float) -> None:
        """Measure anew: nobody has asked for a while."""
        self._began_at = now
        self._sent: dict[int, int] = {}  # by second, and not refused

    def seconds_until_free(self, now: float) -> float:
        """How long until a call may be sent."""
        return 0.0 if self._bucket is None else self._bucket.seconds_until_free(now)

    def take(self, now: float) -> None:
        """Note that a call is sent."""
        second = math.floor(now)
        if second not in self._sent:
            while self._sent and (oldest := next(iter(self._sent))) < second - _RECENT_SECONDS:
                del self._sent[oldest]
            self._sent[second] = 0
        self._sent[second] += 1
        if self._bucket is not None:
            self._bucket.take(1)

    def accept(self, is_full: bool, now: float) -> None:
        """Note that a call was answered.

        Args:
            is_full: Whether more would have been asked, had this limit allowed it.
        """
        self._num_good += 1
        if self._bucket is not None and is_full:
            patience = self._num_good / _PATIENT_CALLS
            growth = (1 + patience + patience**2) * _STEP / _PATIENT_CALLS
            self._set(self.per_second * (1 + growth), now)

    def refuse(
        self, began: float, now: float, retry_after: float = 0.0, given: float = math.inf
    ) -> None:
        """Note that a call, sent at `began`, was refused since there were too many before it.

        Args:
            retry_after: After how many seconds there may be more.
            given: The limit that is known already, if there is one.
        """
        if math.floor(began) in self._sent:
            self._sent[math.floor(began)] -= 1
        if began <= self._cut_at:
            return  # of the same volley
        measured = self._measured(now, retry_after)
        if math.isinf(self.per_second):
            is_given = math.isfinite(given)
            per_second = given if is_given else measured
            per_second *= _SMALLEST_CUT
        else:
            may_be_chance = retry_after == 0 and self._num_good >= _MIN_GOOD
            largest_cut = _LARGEST_CHANCE_CUT if may_be_chance else _LARGEST_CUT
            most = self.per_second * _SMALLEST_CUT
            per_second = min(max(measured, self.per_second * largest_cut), most)
        self._set(per_second, now)
        if self._bucket is not None:
            self._bucket.empty(now)
        self._cut_at = now
        self._num_good = 0

    def scale(self, factor: float, now: float) -> None:
        """Go on with that part of a limit that was found."""
        if self._bucket is not None:
            self._set(self.per_second * factor, now)

    def start_at(self, per_second: float, now: float) -> None:
        """Begin with what others have found."""
        self._set(per_second, now)

    def _measured(self, now: float, retry_after: float) -> float:
        """How many calls a second are not refused."""
        counted = min(now - self._began_at, _RECENT_SECONDS)
        per = counted + retry_after
        if per > _RECENT_SECONDS >= retry_after:
            # The first call of a full minute leaves it after that wait.
            counted, per = _RECENT_SECONDS - retry_after, _RECENT_SECONDS
        first = math.floor(now - counted)
        num = sum(count for second, count in self._sent.items() if second >= first)
        return num / max(0.1, per)

    def _set(self, per_second: float, now: float) -> None:
        self.per_second = max(per_second, _MIN_PER_SECOND)
        if math.isinf(per_second):  # doubled often enough
            self._bucket = None
        elif self._bucket is None:
            self._bucket = Bucket(self.per_second, now)
        else:
            self._bucket.set_rate(self.per_second, now)
