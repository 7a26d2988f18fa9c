"""Whether calls are refused for how much is asked, or at random.

A provider that others keep busy refuses some calls at any pace. Who asks it less and less ends at
nothing and is refused as often. So where refusals follow each other closely, although less was
asked after each, more is tried again, step by step, as long as no larger share is refused.
"""

import enum
from statistics import mean, median

STEP = 2.0  # times as much is tried
_CLEAN_CALLS = 300  # without a refusal: less was asked, and it helped
_NUM_IN_ROW = 8  # refusals, before they count as random
# Calls between two refusals of a row, as a rule. Where fewer get through, there is a limit; more
# lie between our own attempts to find one.
_MIN_CALLS, _MAX_CALLS = 3, 120
_NUM_IN_STEP = 16  # refusals, before a step is judged
_WORSE = 2.0  # times the usual share
_NUM_KEPT = 4  # steps, after one that was wrong


class Advice(enum.Enum):
    """What to do after a refusal."""

    ASK_LESS = enum.auto()
    KEEP = enum.auto()
    ASK_MORE = enum.auto()  # a step
    TAKE_BACK = enum.auto()  # the last step


class Refusals:
    """Tells one from the other, of one process."""

    def __init__(self) -> None:
        self._num_calls: list[int] = []  # before each refusal of the row, or of the step
        self._usual: float | None = None  # calls before a refusal; None where a limit explains all
        self._has_stepped = False
        self._num_to_keep = 0

    def add(self, num_calls: int) -> Advice:
        """Note a refusal, and say what to do.

        Args:
            num_calls: How many calls were begun between the last refusal and this call.
        """
        if self._usual is not None:
            self._num_calls.append(num_calls)
            return self._judge_step(self._usual)
        if num_calls >= _CLEAN_CALLS:
            self._num_calls.clear()
            return Advice.ASK_LESS
        self._num_calls = [*self._num_calls[1 - _NUM_IN_ROW :], num_calls]
        usual = mean(self._num_calls)
        is_row = len(self._num_calls) == _NUM_IN_ROW and usual <= _MAX_CALLS
        if not is_row or median(self._num_calls) < _MIN_CALLS:
            return Advice.ASK_LESS
        self._num_calls.clear()
        self._usual, self._has_stepped, self._num_to_keep = usual, True, 0
        return Advice.ASK_MORE

    def _judge_step(self, usual: float) -> Advice:
        if len(self._num_calls) < _NUM_IN_STEP:
            return Advice.KEEP
        calls = mean(self._num_calls)
        self._num_calls.clear()
        if calls >= _CLEAN_CALLS:
            self._usual = None
            return Advice.KEEP
        if calls >= usual / _WORSE:
            self._usual = (usual + calls) / 2
            self._has_stepped = self._num_to_keep == 0
            self._num_to_keep = max(0, self._num_to_keep - 1)
            return Advice.ASK_MORE if self._has_stepped else Advice.KEEP
        if self._has_stepped:
            self._has_stepped, self._num_to_keep = False, _NUM_KEPT
            return Advice.TAKE_BACK
        self._usual = None
        return Advice.ASK_LESS
