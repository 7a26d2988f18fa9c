"""Tests of turns at a steady rate."""

import multiprocessing
import struct
import time
from pathlib import Path

import pytest

from common.errors import DeadlineError, StorageError
from proxy.toxicity.turns import Turns

SPAWN = multiprocessing.get_context("spawn")


class Clock:
    """Time that passes only by sleeping."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(
    ("rate", "expected"),
    [(1, [0, 1, 2]), (0.5, [0, 2, 4]), (3, [0, 0, 0, 1 / 3, 2 / 3])],
    ids=["1", "0.5", "3"],
)
def test_calls_pass_at_the_rate_that_is_set(
    tmp_path: Path, rate: float, expected: list[float]
) -> None:
    clock = Clock()
    passed = []
    for _ in expected:
        # Another object each time, as in another process.
        Turns(tmp_path / "turns", rate, clock, clock.sleep).take(1000)
        passed.append(clock.now - Clock.now)
    assert passed == pytest.approx(expected, abs=1e-5)


def test_a_turn_that_comes_too_late_is_left_for_others(tmp_path: Path) -> None:
    clock = Clock()
    turns = Turns(tmp_path / "turns", 1, clock, clock.sleep)
    turns.take(0.5)
    with pytest.raises(DeadlineError, match="perspectiveQps allows 1 calls a second"):
        turns.take(0.5)
    assert clock.now == Clock.now
    turns.take(1.5)
    assert clock.now == Clock.now + 1


@pytest.mark.parametrize(
    "content",
    [b"", b"half", b"x" * 100, struct.pack("<d", float("nan")), struct.pack("<d", 1e300)],
    ids=["empty", "cut", "long", "nan", "clock set back"],
)
def test_what_can_not_be_in_the_file_delays_nobody(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "turns").write_bytes(content)
    clock = Clock()
    for _ in range(2):
        Turns(tmp_path / "turns", 1, clock, clock.sleep).take(10)
    assert clock.now == Clock.now + 1


def test_a_file_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nowhere"):
        Turns(tmp_path / "nowhere" / "turns", 1).take(1)


def take_some(path: Path, rate: float, number: int) -> list[float]:
    turns = Turns(path, rate)
    times = []
    for _ in range(number):
        turns.take(60)
        times.append(time.time())
    return times


def test_the_rate_holds_over_processes(tmp_path: Path) -> None:
    rate, number = 50.0, 40
    with SPAWN.Pool(2) as pool:
        batches = pool.starmap(take_some, [(tmp_path / "turns", rate, number)] * 2, chunksize=1)
    times = sorted(time for batch in batches for time in batch)
    assert times[-1] - times[0] >= (2 * number - rate) / rate - 0.1
