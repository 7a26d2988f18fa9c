"""How many connections each worker process of a server has, in memory that all of them share.

The system gives a new connection to whichever worker asks first, and that may be the same one for
all connections of a client: then one processor does the work, and its threads wait for each other.
"""

import mmap
import struct

_COUNT = struct.Struct("=q")
_NOBODY = -1
# How far a worker may be ahead of the others before it leaves a new connection to them.
_SOME = 2
_SHARE = 1.25


class OpenConnections:
    """The numbers of connections of all workers. Each has a slot of its own.

    Args:
        num_slots: How many workers there may be at a time.
    """

    def __init__(self, num_slots: int) -> None:
        self._num_slots = num_slots
        self._memory = mmap.mmap(-1, num_slots * _COUNT.size)
        for slot in range(num_slots):
            self.set(slot, None)

    def set(self, slot: int, number: int | None) -> None:
        """The worker of `slot` has so many connections; None if it takes no more."""
        value = _NOBODY if number is None else number
        _COUNT.pack_into(self._memory, slot * _COUNT.size, value)

    def is_ahead(self, slot: int) -> bool:
        """Whether the worker of `slot` has far more connections than another."""
        all_numbers: list[int] = [number for (number,) in _COUNT.iter_unpack(self._memory)]
        numbers = [number for number in all_numbers if number != _NOBODY]
        own = all_numbers[slot]
        return own >= _SHARE * min(numbers, default=own) + _SOME
