from pathlib import Path

import pytest

from benchmark.adapters.adapter_spec import GENERATION, AdapterSpec
from benchmark.leaderboard import Leaderboard, leaderboard_table, make_leaderboard
from benchmark.metrics.stat import MetricName, Stat
from benchmark.run_folder import RunFolder, RunRecord
from benchmark.run_spec import MetricSpec, RunSpec
from benchmark.scenarios.scenario import ScenarioSpec
from benchmark.suite import FinishedRun

BASIC = MetricSpec("benchmark.metrics.basic_metrics.BasicMetric")
STATS = {"gsm": "exact_match_indicator", "numeracy": "absolute_value_difference"}


def finished(group: str, model: str, mean: float) -> FinishedRun:
    spec = RunSpec(
        name=f"{group}:model={model}",
        scenario_spec=ScenarioSpec("benchmark.scenarios.simple_scenarios.Simple1Scenario"),
        adapter_spec=AdapterSpec(method=GENERATION, model=model),
        metric_specs=[BASIC],
        groups=[group],
    )
    stat = Stat(name=MetricName(STATS[group], split="test"), n=4).add(mean)
    record = RunRecord(run_spec=spec, deployment={}, data_sha256="")
    return FinishedRun(RunFolder(Path("runs"), spec.name), record, [stat])


def order(leaderboard: Leaderboard) -> list[str]:
    return [row.model for row in leaderboard.rows]


def test_the_higher_score_comes_first() -> None:
    found = make_leaderboard([finished("gsm", "m1", 0.1), finished("gsm", "m2", 0.9)])
    assert order(found) == ["m2", "m1"]
    assert [column.higher_is_better for column in found.columns] == [True]


def test_the_lower_score_comes_first_where_that_is_better() -> None:
    found = make_leaderboard([finished("numeracy", "m1", 7.0), finished("numeracy", "m2", 900.0)])
    assert order(found) == ["m1", "m2"]
    assert [column.higher_is_better for column in found.columns] == [False]


@pytest.mark.parametrize("scale", [1.0, 1e9])
def test_a_column_weighs_as_much_as_another_whatever_its_scale(scale: float) -> None:
    runs = [
        *(finished("gsm", model, mean) for model, mean in (("m1", 0.3), ("m2", 0.2), ("m3", 0.1))),
        finished("numeracy", "m1", 2 * scale),
        finished("numeracy", "m2", 1 * scale),
        finished("numeracy", "m3", 1.5 * scale),
    ]
    # Shares of wins: m1 (1 + 0) / 2, m2 (1/2 + 1) / 2, m3 (0 + 1/2) / 2.
    assert order(make_leaderboard(runs)) == ["m2", "m1", "m3"]


def test_a_row_with_a_gap_comes_last() -> None:
    runs = [
        finished("gsm", "m1", 0.9),
        finished("gsm", "m2", 0.1),
        finished("numeracy", "m2", 5.0),
    ]
    assert order(make_leaderboard(runs)) == ["m2", "m1"]


def test_versions_of_a_metric_do_not_meet() -> None:
    old, new = finished("gsm", "m1", 0.9), finished("gsm", "m2", 0.1)
    new.stats[0].version = 2
    found = make_leaderboard([old, new])
    assert order(found) == ["m2", "m1"]
    assert [column.version for column in found.columns] == [2]
    text = leaderboard_table(found)
    assert "0.900 n=4 !v1" in text
    assert "compared with no other score: benchmark-run --rescore, with gsm:model=m1" in text
