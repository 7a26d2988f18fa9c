import math
import threading
import time

import pytest

from common.errors import DeadlineError, RateLimitError
from proxy.pacing.pace import Limits, Pace
from proxy.pacing.waiting import Turn

FAR = math.inf
END_SECONDS = 10.0


class Clock:
    """Time that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Waiting:
    """A thread that waits for a turn."""

    def __init__(self, pace: Pace, caller: int | None, order: list[int | None]) -> None:
        self._pace, self._caller, self._order = pace, caller, order
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._wait)
        self.thread.start()

    def _wait(self) -> None:
        try:
            turn = self._pace.wait(self._caller, 0, None)
        except RateLimitError as error:
            self.error = error
            return
        self._order.append(self._caller)
        self._pace.accept(turn, 0, 0)


def taken(pace: Pace, tokens: int = 0) -> Turn:
    turn = pace.take_now(tokens, FAR)
    assert turn is not None
    return turn


def num_at_once(pace: Pace) -> int:
    """How many turns there are; they are not ended."""
    num = 0
    while num < 1000 and pace.take_now(0, FAR) is not None:
        num += 1
    return num


def queued(pace: Pace, callers: list[int], order: list[int | None]) -> list[Waiting]:
    waiting = []
    for num, caller in enumerate(callers, start=1):
        waiting.append(Waiting(pace, caller, order))
        until = time.monotonic() + END_SECONDS
        while len(pace._waiting) < num and time.monotonic() < until:
            time.sleep(0.001)
    return waiting


def test_nothing_bounds_what_nobody_has_refused() -> None:
    assert num_at_once(Pace("m", Limits())) == 1000


def test_so_many_are_under_way_as_are_allowed() -> None:
    pace = Pace("m", Limits(max_in_flight=3))
    turn = taken(pace)
    assert num_at_once(pace) == 2
    pace.end(turn)
    assert num_at_once(pace) == 1


def test_requests_of_a_minute_are_spread_over_it() -> None:
    clock = Clock()
    pace = Pace("m", Limits(requests_per_minute=60), clock)
    num = 0
    for _ in range(600):
        clock.now += 0.1
        turn = pace.take_now(0, FAR)
        if turn is not None:
            num += 1
            pace.accept(turn, 0, 0)
    assert 58 <= num <= 60


def test_tokens_of_a_minute_are_counted_as_the_answer_tells() -> None:
    clock = Clock()
    pace = Pace("m", Limits(tokens_per_minute=6000), clock)
    clock.now += 1
    pace.accept(taken(pace, tokens=10), tokens=980, completion_tokens=900)
    assert pace.take_now(10, FAR) is None
    clock.now += 9.0  # 98 tokens a second; the first second's are there
    assert pace.take_now(10, FAR) is not None


def test_all_wait_as_long_as_a_refusal_says() -> None:
    clock = Clock()
    pace = Pace("m", Limits(), clock)
    other = taken(pace)
    pace.refuse(taken(pace), retry_after=7)
    pace.end(other)
    clock.now += 6.9
    assert pace.take_now(0, FAR) is None
    clock.now += 0.2
    assert pace.take_now(0, FAR) is not None


def test_what_can_not_be_asked_in_time_is_told_at_once() -> None:
    clock = Clock()
    pace = Pace("m", Limits(), clock)
    pace.refuse(taken(pace), retry_after=60)
    with pytest.raises(RateLimitError, match="wants to be asked again in 60 s"):
        pace.take_now(0, clock.now + 30)


def test_a_number_that_was_refused_is_not_tried_again_soon() -> None:
    clock = Clock()
    pace = Pace("m", Limits(), clock)
    turns = [taken(pace) for _ in range(32)]
    clock.now += 0.1
    for turn in turns[20:]:
        pace.refuse(turn, retry_after=1)
    clock.now += 1.1
    for turn in turns[:20]:
        pace.accept(turn, 0, 0)
    assert num_at_once(pace) == 20


def test_a_long_wait_is_for_what_was_asked_in_a_minute() -> None:
    clock = Clock()
    pace = Pace("m", Limits(), clock)
    turns = [taken(pace) for _ in range(30)]
    clock.now += 10
    for turn in turns:
        pace.accept(turn, 0, 0)
    pace.refuse(taken(pace), retry_after=50)
    assert math.isinf(pace.window.size)
    assert pace.speed.per_second == pytest.approx(0.98 * 30 / 60)


def test_a_call_that_is_not_answered_in_time_makes_room() -> None:
    clock = Clock()
    pace = Pace("m", Limits(), clock)
    turns = [taken(pace) for _ in range(32)]
    clock.now += 300
    for turn in turns:
        pace.time_out(turn)
    assert num_at_once(pace) == 16


@pytest.mark.parametrize("seconds", [0.2, 5.0], ids=["short", "long"])
def test_answers_that_come_late_make_room(seconds: float) -> None:
    clock = Clock()
    pace = Pace("m", Limits(), clock)
    for latency in [0.1] * 32 + [seconds] * 64:
        turns = [pace.take_now(20, FAR) for _ in range(10)]
        clock.now += latency
        for turn in turns:
            if turn is not None:
                pace.accept(turn, 20, 20)
    found = pace.window.size
    assert math.isinf(found) if seconds < 1 else found < 10


def test_long_answers_are_not_late() -> None:
    clock = Clock()
    pace = Pace("m", Limits(), clock)
    for num_tokens in [1] * 64 + [1000] * 64:
        turn = taken(pace)
        clock.now += (20 + num_tokens) / 50
        pace.accept(turn, num_tokens, num_tokens)
    assert math.isinf(pace.window.size)


def test_callers_take_turns() -> None:
    pace = Pace("m", Limits(max_in_flight=1))
    first = taken(pace)
    order: list[int | None] = []
    waiting = queued(pace, [1, 1, 1, 1, 2, 2], order)
    pace.end(first)
    for it in waiting:
        it.thread.join(END_SECONDS)
    assert order == [1, 2, 1, 2, 1, 1]


def test_who_waits_too_long_is_told_and_leaves_the_queue() -> None:
    pace = Pace("m", Limits(max_in_flight=1))
    taken(pace)
    with pytest.raises(DeadlineError, match="m was not asked in time: 1 calls are under way"):
        pace.wait(1, 0, time.monotonic() + 0.01)
    assert not pace.is_waited_for


def test_who_waits_is_told_of_a_day_off() -> None:
    pace = Pace("m", Limits(max_in_flight=2))
    turn, _ = taken(pace), taken(pace)
    [waiting] = queued(pace, [1], [])
    pace.refuse(turn, retry_after=10_000)
    waiting.thread.join(END_SECONDS)
    assert isinstance(waiting.error, RateLimitError)


def test_turns_come_with_the_time() -> None:
    pace = Pace("m", Limits(requests_per_minute=6000))
    order: list[int | None] = []
    began = time.monotonic()
    for it in [Waiting(pace, caller, order) for caller in range(20)]:
        it.thread.join(END_SECONDS)
    assert {*order} == {*range(20)}
    assert time.monotonic() - began >= 18 / 98
