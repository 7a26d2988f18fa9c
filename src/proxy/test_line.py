"""Tests of the line that threads work in."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from proxy.line import Line

SECONDS = 10.0
A_WHILE = 0.02


@pytest.fixture
def line() -> Line:
    """A line in which nobody is passed."""
    return Line(patience_seconds=10 * SECONDS)


@pytest.fixture
def hasty_line() -> Line:
    return Line(patience_seconds=A_WHILE)


class Member:
    """A thread that stays in a line until it is told to go on."""

    def __init__(self, line: Line, work: Callable[[], None] = lambda: None) -> None:
        self.is_in, self.may_end = threading.Event(), threading.Event()
        self._line, self._work = line, work
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._line.inside():
            self.is_in.set()
            self._work()
            assert self.may_end.wait(SECONDS)

    def end(self) -> None:
        self.may_end.set()
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()


def test_the_next_one_starts_when_the_first_has_ended(line: Line) -> None:
    first = Member(line)
    assert first.is_in.wait(SECONDS)
    second = Member(line)
    assert not second.is_in.wait(A_WHILE)
    first.end()
    assert second.is_in.wait(SECONDS)
    second.end()


def test_who_waits_lets_the_others_go_on(line: Line) -> None:
    answered, has_returned = threading.Event(), threading.Event()

    def ask() -> None:
        with line.outside():
            assert answered.wait(SECONDS)
        has_returned.set()

    first = Member(line, ask)
    assert first.is_in.wait(SECONDS)
    second = Member(line)
    assert second.is_in.wait(SECONDS)
    answered.set()
    assert not has_returned.wait(A_WHILE)  # it stands behind the second now
    second.end()
    assert has_returned.wait(SECONDS)
    first.end()


def test_who_stays_is_passed_once(hasty_line: Line) -> None:
    stuck = Member(hasty_line)
    assert stuck.is_in.wait(SECONDS)
    began = time.monotonic()
    for _ in range(100):
        with hasty_line.inside():
            pass
    assert time.monotonic() - began < 50 * A_WHILE  # else 100 times
    stuck.end()


def test_waiting_outside_changes_nothing_for_who_was_not_in_line(line: Line) -> None:
    with line.outside():
        member = Member(line)
        assert member.is_in.wait(SECONDS)
    member.end()


def test_an_error_leaves_the_line(line: Line) -> None:
    with pytest.raises(ValueError, match="outside"), line.inside(), line.outside():
        raise ValueError("outside")
    with pytest.raises(ValueError, match="inside"), line.inside():
        raise ValueError("inside")
    last = Member(line)
    assert last.is_in.wait(SECONDS)
    last.end()


@pytest.mark.parametrize("patience_seconds", [10 * SECONDS, 0.0])
def test_many_threads_all_get_through(patience_seconds: float) -> None:
    line = Line(patience_seconds)

    def work() -> None:
        for _ in range(50):
            with line.inside(), line.outside():
                time.sleep(0)

    with ThreadPoolExecutor(16) as pool:
        ended: list[Future[None]] = [pool.submit(work) for _ in range(16)]
        for future in ended:
            future.result(SECONDS)
    last = Member(line)
    assert last.is_in.wait(SECONDS)
    last.end()
