"""The pace of one deployment: how many calls, and how fast, for all threads of a process.

What a deployment is configured to take is kept; what nobody has said is found by trying. Who can't
ask at once waits in the queue of its account, and the accounts take turns.
"""

import math
import threading
import time
from collections.abc import Callable

import msgspec

from common.errors import DeadlineError, RateLimitError
from proxy.pacing.bucket import Bucket
from proxy.pacing.latency import Latency
from proxy.pacing.refusals import STEP, Advice, Refusals
from proxy.pacing.speed import Speed
from proxy.pacing.waiting import Turn, Waiting
from proxy.pacing.window import Window

# Providers count over windows of their own: the last two percent are left for that.
USED_SHARE = 0.98
MINUTE = 60.0
# After a refusal that says nothing of a time; twice as long after each that follows.
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.5, 30.0
# Whoever waits is told of a longer one, such as that to the end of a day.
_LONGEST_PAUSE_SECONDS = 300.0
_LONGEST_SLEEP_SECONDS = 1.0
_LINGER_SECONDS = 5.0
_IDLE_SECONDS = 5.0
# Calls end sooner: who asks for a longer wait counts those of a time, not those under way.
_CALL_SECONDS = 10.0


class Limits(msgspec.Struct, frozen=True):
    """What a deployment takes, of all processes together; None where it is to be found."""

    max_in_flight: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None

    @property
    def are_set(self) -> bool:
        """Whether there is one."""
        return any(limit is not None for limit in msgspec.structs.astuple(self))


class Pace:
    """Gives turns to threads.

    Args:
        name: The deployment's.
        clock: In seconds; that of deadlines.
    """

    def __init__(
        self, name: str, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name, self.limits = name, limits
        self._clock = clock
        now = clock()
        self.lock = threading.RLock()
        self._changed = threading.Condition(self.lock)
        self.window, self.speed = Window(), Speed(now)
        self._latency = Latency()
        self.most_in_flight = float(limits.max_in_flight or math.inf)  # of this process
        self.requests = _bucket(limits.requests_per_minute, now)
        self.tokens = _bucket(limits.tokens_per_minute, now)
        self.paused_until = -math.inf
        self.in_flight = 0
        self._last_number = self._last_answered = self._refused_number = 0
        self._refusals = Refusals()
        self._was_for_number = False
        # Where a refusal says nothing of a time: of the last volley, and of the next one.
        self._own_pause = self._next_pause = _FIRST_PAUSE_SECONDS
        self._advice = Advice.ASK_LESS
        self._waiting = Waiting()
        self._keeper: threading.Thread | None = None
        # Since the last report to other processes.
        self.num_begun, self.num_tokens, self.peak, self.has_waited = 0, 0, 0, False
        self.used_at = -math.inf

    # --- Turns -----------------------------------------------------------------------------------

    def take_now(self, tokens: int, deadline: float) -> Turn | None:
        """Return a turn if there is one at once.

        Args:
            tokens: How many the call will take, about.
            deadline: When the answer is no more wanted.

        Raises:
            RateLimitError: The provider wants to be asked later than that.
        """
        with self.lock:
            now = self._clock()
            if self.paused_until > deadline:
                raise self._told_to_wait(now)
            if self._waiting or self._seconds_until_free(now) > 0:
                return None
            if self.in_flight == 0 and now - max(self.used_at, self.paused_until) > _IDLE_SECONDS:
                self.speed.begin(now)
            return self._begin(tokens, now)

    def wait(self, caller: int | None, tokens: int, deadline: float | None) -> Turn:
        """Return a turn once it comes; callers that wait take turns.

        Args:
            caller: The account that asks.
            deadline: None to wait for as long as it takes.

        Raises:
            DeadlineError: It has not come in time.
            RateLimitError: The provider wants to be asked much later.
        """
        with self.lock:
            waiter = self._waiting.add(caller, tokens)
            self.has_waited = True
            self._keep_time()
        waiter.event.wait(None if deadline is None else max(0.0, deadline - self._clock()))
        with self.lock:
            if waiter.turn is not None:
                return waiter.turn
            if waiter.error is not None:
                raise waiter.error
            self._waiting.remove(caller, waiter)
            num_waiting = len(self._waiting)
        raise DeadlineError(
            f"{self.name} was not asked in time: {self.in_flight:,} calls are under way and "
            f"{num_waiting:,} others wait for their turn"
        )

    def accept(self, turn: Turn, tokens: int, completion_tokens: int) -> None:
        """End the turn of a call that was answered.

        Args:
            tokens: How many it took.
            completion_tokens: How many of them the answer has.
        """
        with self.lock:
            now = self._clock()
            self._last_answered = max(self._last_answered, turn.number)
            self._next_pause = _FIRST_PAUSE_SECONDS
            # Only what holds the others up is to grow.
            is_full = bool(self._waiting) and self.in_flight + 1 > self.window.size
            self.window.accept(turn.in_flight, is_full)
            self.speed.accept(bool(self._waiting) and not is_full, now)
            if self.tokens is not None:
                self.tokens.take(tokens - turn.tokens)
                self.num_tokens += tokens - turn.tokens
            if self._latency.has_risen(now - turn.began, completion_tokens):
                self.window.slow_down(self.in_flight, now)
            self._end(now)

    def refuse(self, turn: Turn, retry_after: float | None) -> None:
        """End the turn of a call that met a rate limit; all wait as long as it says."""
        with self.lock:
            now = self._clock()
            if turn.number > self._refused_number:  # else it is of the same volley
                num_calls = turn.number - self._refused_number - 1
                self.window.review(turn.in_flight, num_calls)
                self._was_for_number = self._is_for_number(turn, retry_after)
                self._advice = self._judge_refusal(num_calls, now)
                self._refused_number = self._last_number
                self._own_pause = self._next_pause
                self._next_pause = min(2 * self._next_pause, _LAST_PAUSE_SECONDS)
            # Where it may be tried again at once, there was no limit to be found.
            if retry_after != 0 and self._advice is Advice.ASK_LESS:
                self._ask_less(turn, retry_after, now)
                self._pause(self._own_pause if retry_after is None else retry_after, now)
            else:
                self._pause(retry_after or 0.0, now)
            self._end(now)

    def time_out(self, turn: Turn) -> None:
        """End the turn of a call that was not answered in time."""
        with self.lock:
            now = self._clock()
            # Where much later calls have been answered, it alone was lost.
            if self._last_answered <= turn.number + turn.in_flight:
                self.window.time_out(self.in_flight, turn.began, now)
            self._end(now)

    def end(self, turn: Turn, retry_after: float | None = None) -> None:
        """End the turn of a call that failed for another reason."""
        with self.lock:
            now = self._clock()
            self._pause(retry_after or 0.0, now)
            self._end(now)

    # --- With the lock held -----------------------------------------------------------------------

    @property
    def is_learned(self) -> bool:
        """Whether a limit was found by trying."""
        return math.isfinite(self.window.size) or math.isfinite(self.speed.per_second)

    @property
    def is_waited_for(self) -> bool:
        """Whether somebody waits for a turn."""
        return bool(self._waiting)

    def now(self) -> float:
        """The time of its clock."""
        return self._clock()

    def wake(self) -> None:
        """Have limits that were changed looked at."""
        self._changed.notify()

    def _is_for_number(self, turn: Turn, retry_after: float | None) -> bool:
        """Whether a call was refused for how many are under way, rather than for how fast."""
        is_short = (retry_after or 0.0) <= _CALL_SECONDS
        return is_short and not self.window.has_proven(turn.in_flight)

    def _judge_refusal(self, num_calls: int, now: float) -> Advice:
        """Note the first refusal of a volley."""
        advice = self._refusals.add(num_calls)
        if advice is Advice.TAKE_BACK or (advice is Advice.ASK_MORE and self._waiting):
            factor = STEP if advice is Advice.ASK_MORE else 1 / STEP
            self.window.scale(factor)
            self.speed.scale(factor, now)
        return advice

    def _ask_less(self, turn: Turn, retry_after: float | None, now: float) -> None:
        if self._was_for_number:
            self.window.refuse(self.in_flight, turn.began, now)
            return
        if math.isinf(self.speed.per_second):
            self.window.doubt()
        given = math.inf if self.requests is None else self.requests.per_second
        self.speed.refuse(turn.began, now, retry_after or 0.0, given)

    def _seconds_until_free(self, now: float) -> float:
        if self.in_flight > 0 and self.in_flight + 1 > min(self.window.size, self.most_in_flight):
            return math.inf
        wait = max(self.paused_until - now, self.speed.seconds_until_free(now))
        for bucket in (self.requests, self.tokens):
            if bucket is not None:
                wait = max(wait, bucket.seconds_until_free(now))
        return wait

    def _begin(self, tokens: int, now: float) -> Turn:
        self.in_flight += 1
        self._last_number += 1
        self.num_begun += 1
        self.num_tokens += tokens
        self.peak = max(self.peak, self.in_flight)
        self.used_at = now
        self.speed.take(now)
        if self.requests is not None:
            self.requests.take(1)
        if self.tokens is not None:
            self.tokens.take(tokens)
        return Turn(tokens, self.in_flight, self._last_number, now)

    def _end(self, now: float) -> None:
        self.in_flight -= 1
        self.used_at = now
        if self._waiting:
            self._give_turns(now)
            if self._waiting and self._seconds_until_free(now) < math.inf:
                self._changed.notify()

    def _pause(self, seconds: float, now: float) -> None:
        self.paused_until = max(self.paused_until, now + seconds)
        if self.paused_until - now > _LONGEST_PAUSE_SECONDS:
            self._waiting.refuse(self._told_to_wait(now))

    def _told_to_wait(self, now: float) -> RateLimitError:
        seconds = self.paused_until - now
        return RateLimitError(
            f"{self.name} was not asked: its provider wants to be asked again in {seconds:.3g} s",
            seconds,
        )

    # --- Who waits --------------------------------------------------------------------------------

    def _give_turns(self, now: float) -> None:
        while self._waiting and self._seconds_until_free(now) <= 0:
            waiter = self._waiting.pop()
            waiter.turn = self._begin(waiter.tokens, now)
            waiter.event.set()

    def _keep_time(self) -> None:
        """Have somebody give turns when their time comes."""
        if self._keeper is None:
            self._keeper = threading.Thread(
                target=self._give_turns_in_time, name=f"pace {self.name}", daemon=True
            )
            self._keeper.start()
        self._changed.notify()

    def _give_turns_in_time(self) -> None:
        with self._changed:
            while self._waiting or self._changed.wait(_LINGER_SECONDS):
                now = self._clock()
                self._give_turns(now)
                self.has_waited |= bool(self._waiting)
                wait = self._seconds_until_free(now) if self._waiting else math.inf
                self._changed.wait(min(wait, _LONGEST_SLEEP_SECONDS))
            self._keeper = None


def _bucket(per_minute: int | None, now: float) -> Bucket | None:
    return None if per_minute is None else Bucket(per_minute * USED_SHARE / MINUTE, now)
