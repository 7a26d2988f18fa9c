"""How many calls of a deployment may be under way, found by trying.

There is no limit before the first trouble. Then it is cut, and grows by steps: additive increase,
multiplicative decrease (Chiu and Jain 1989, https://doi.org/10.1016/0169-7552(89)90019-6). It grows
quickly to where the trouble was, and from there the faster the longer all goes well, as CUBIC does
(https://www.rfc-editor.org/rfc/rfc9438).
"""

import math

_PATIENT_CALLS = 400  # between two attempts at more: each may cost a refusal
_CUT = 0.8  # where less than was refused is refused again, or answers come late
_TIMEOUT_CUT = 0.5
# Refusals in a row above all that was accepted meanwhile: fewer are chance. Of those that came
# sooner than after some calls nothing can be said.
_NUM_ABOVE, _MIN_CALLS = 3, 4


class Window:
    """The limit, of one process.

    Attributes:
        size: How many calls may be under way; infinite before there was any trouble.
    """

    def __init__(self) -> None:
        self.size = math.inf
        self._proven = 0  # so many were under way when one of them was accepted
        self._lately_proven = 0  # the same, since the row of refusals began that lie above it
        self._num_above = 0  # refusals of that row
        self._ceiling = math.inf  # so many were under way at the last trouble
        self._num_good = 0  # calls since then
        self._cut_at = -math.inf
        self._is_first = False  # the last cut

    def has_proven(self, in_flight: int) -> bool:
        """Whether so many calls were accepted before: then their number is no reason to refuse."""
        return in_flight <= self._proven

    def accept(self, in_flight: int, is_full: bool) -> None:
        """Note that a call was answered.

        Args:
            in_flight: How many were under way when it began, with it.
            is_full: Whether more would have been asked, had this limit allowed it.
        """
        self._lately_proven = max(self._lately_proven, in_flight)
        if math.isinf(self.size):
            self._proven = max(self._proven, in_flight)
            return
        # Not so many: one of them may have been answered while this one was on its way.
        self._proven = max(self._proven, in_flight - 1)
        self._num_good += 1
        if not is_full:
            return
        if self.size < self._ceiling - 1:
            self.size += 1 / self.size
        else:
            self.size += (1 + self._num_good / _PATIENT_CALLS) / _PATIENT_CALLS

    def review(self, in_flight: int, num_calls: int) -> None:
        """Note the first refusal of a volley, whatever the reason, before that is judged.

        Where a provider takes fewer than before, all refusals lie above all that is accepted. Those
        that come of too many calls a minute, or at random, do not.

        Args:
            in_flight: How many were under way when the call began, with it.
            num_calls: How many were begun since the last volley.
        """
        if in_flight <= self._lately_proven:
            self._num_above = self._lately_proven = 0
        elif num_calls >= _MIN_CALLS:
            self._num_above += 1
            if self._num_above == _NUM_ABOVE:
                self._proven = min(self._proven, self._lately_proven)
                self._num_above = self._lately_proven = 0

    def refuse(self, in_flight: int, began: float, now: float) -> None:
        """Note that a call was refused, since too many were under way.

        Args:
            in_flight: How many are under way at `now`, with it.
            began: When it was sent.
        """
        if began > self._cut_at:
            too_many = min(float(in_flight), self.size)
            self._is_first = math.isinf(self.size)
            is_again = not self._is_first and self._num_good < _PATIENT_CALLS
            self._cut(too_many * _CUT if is_again else too_many - 1, too_many, now)
        elif self._is_first:
            # Of the first volley: those of it that are not refused are as many as may be.
            self._cut(self.size - 1, self.size, self._cut_at)

    def time_out(self, in_flight: int, began: float, now: float) -> None:
        """Note that an answer has not come in time; arguments are those of `refuse`."""
        if began > self._cut_at:
            self._cut(in_flight * _TIMEOUT_CUT, in_flight, now)

    def slow_down(self, in_flight: int, now: float) -> None:
        """Note that answers take much longer than before."""
        self._cut(in_flight * _CUT, in_flight, now)

    def doubt(self) -> None:
        """Try more soon: what looked like too many may have been too fast."""
        self._ceiling = math.inf

    def scale(self, factor: float) -> None:
        """Go on with that part of a limit that was found."""
        self.size = max(1.0, self.size * factor)
        self._ceiling *= factor

    def start_at(self, size: float) -> None:
        """Begin with what others have found."""
        self.size = max(1.0, size)

    def _cut(self, size: float, ceiling: float, now: float) -> None:
        self.size = max(1.0, min(size, self.size))
        self._ceiling = ceiling
        # Not the last one, which may have begun while an answer was on its way.
        self._proven = int(self.size) - 1
        self._num_good = 0
        self._cut_at = now
