"""Tests of sums of values."""

from collections.abc import Callable
from typing import Any

import pytest

from benchmark.metrics.stat import MetricName, Stat
from shared_spec import GoldenCase


def stat_of(values: list[float | None]) -> Stat:
    stat = Stat(name=MetricName("exact_match"))
    for value in values:
        stat.add(value)
    return stat


def assert_fields(stat: Stat, expected: dict[str, Any]) -> None:
    actual = {field: getattr(stat, field) for field in expected}
    assert actual == pytest.approx(expected, abs=1e-6)


def test_golden_additions(golden_cases: Callable[[str], list[GoldenCase]]) -> None:
    for case in golden_cases("stat_add"):
        assert_fields(stat_of(*case.args), case.expected)


def test_golden_merges(golden_cases: Callable[[str], list[GoldenCase]]) -> None:
    for case in golden_cases("stat_merge"):
        first, second = map(stat_of, case.args)
        assert_fields(first.merge(second), case.expected)


def test_an_empty_stat_changes_nothing() -> None:
    assert stat_of([1, 2]).merge(stat_of([])) == stat_of([1, 2])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_no_score(value: float) -> None:
    with pytest.raises(ValueError, match=r"exact_match: .* is not a score"):
        stat_of([value])
