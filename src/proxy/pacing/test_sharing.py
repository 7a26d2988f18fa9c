import math

import pytest

from proxy.pacing.pace import Limits, Pace
from proxy.pacing.sharing import Report, SharedPace, fair_shares
from proxy.pacing.test_pace import FAR, Clock

NOW = 1_000_000.0
LIMITS = Limits(max_in_flight=20, requests_per_minute=600)


class Processes:
    """Several processes that ask one deployment."""

    def __init__(self, num: int, limits: Limits) -> None:
        self.clock = Clock()
        self.all = [
            SharedPace(Pace("m", limits, self.clock), f"process {number}") for number in range(num)
        ]
        self.now = NOW

    def exchange(self, *active: int) -> None:
        """Each of them tells and reads, one after the other, as they do once a second."""
        said = {number: self.all[number].report(self.now) for number in active}
        for number in active:
            others = [said[other] for other in active if other != number]
            self.all[number].divide(said[number], others, self.now)
        self.now += 1
        self.clock.now += 1

    def wait(self, *waiting: int) -> None:
        """Have somebody wait in these processes."""
        for number in waiting:
            self.all[number].pace.has_waited = True


@pytest.mark.parametrize(
    ("uses", "shares"),
    [
        ([math.inf], [12]),
        ([math.inf, math.inf], [6, 6]),
        ([1, math.inf], [1, 11]),
        ([2, 4], [5, 7]),
        ([1, 100, math.inf], [1, 5.5, 5.5]),
        ([0, 0, 0], [4, 4, 4]),
    ],
)
def test_who_uses_little_leaves_the_rest(uses: list[float], shares: list[float]) -> None:
    assert fair_shares(12, uses) == pytest.approx(shares)


def test_processes_that_lack_have_equal_parts_of_what_there_is() -> None:
    processes = Processes(3, LIMITS)
    for _ in range(2):
        processes.wait(0, 1, 2)
        processes.exchange(0, 1, 2)
    paces = [it.pace for it in processes.all]
    assert sorted(pace.most_in_flight for pace in paces) == [6, 7, 7]
    rates = [pace.requests.per_second for pace in paces if pace.requests]
    assert rates == pytest.approx([9.8 / 3] * 3)


def test_a_process_that_asks_little_leaves_the_rest() -> None:
    processes = Processes(2, LIMITS)
    for _ in range(2):
        processes.wait(0)
        processes.exchange(0, 1)
    assert [it.pace.most_in_flight for it in processes.all] == [19, 1]


def test_a_newcomer_takes_hardly_anything_until_the_others_know() -> None:
    processes = Processes(2, LIMITS)
    first, second = (it.pace for it in processes.all)
    processes.wait(0)
    processes.exchange(0)
    processes.exchange(0, 1)
    assert (first.most_in_flight, second.most_in_flight) == (10, 1)
    assert second.requests is not None
    assert second.requests.per_second == pytest.approx(9.8 / 50)
    processes.wait(0, 1)
    processes.exchange(0, 1)
    assert (first.most_in_flight, second.most_in_flight) == (10, 10)


def test_what_was_found_is_divided_when_a_process_comes_and_goes() -> None:
    processes = Processes(2, Limits())
    first, second = (it.pace for it in processes.all)
    first.window.start_at(20)
    first.speed.start_at(10, processes.clock.now)
    processes.exchange(0)
    processes.exchange(0, 1)
    assert [pace.window.size for pace in (first, second)] == [10, 10]
    assert [pace.speed.per_second for pace in (first, second)] == [5, 5]
    processes.exchange(0)
    assert (first.window.size, first.speed.per_second) == (20, 10)


def test_all_wait_as_long_as_one_was_told() -> None:
    processes = Processes(2, Limits())
    first, second = (it.pace for it in processes.all)
    turn = first.take_now(0, FAR)
    assert turn is not None
    first.refuse(turn, retry_after=30)
    processes.exchange(0, 1)
    assert second.paused_until == pytest.approx(first.paused_until)
    assert second.take_now(0, FAR) is None


def test_a_report_is_a_row() -> None:
    [process] = Processes(1, Limits()).all
    assert len(process.report(NOW)) == len(Report._fields)
