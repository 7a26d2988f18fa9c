"""What is missing is not wrong: failures and refusals are counted beside every score."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fake_provider import Behaviour, FakeProvider, Fault
from run_process import Commands, stat_of

NUM_QUESTIONS = 20
METRIC = "exact_match_indicator"
RIGHT = " The answer is 7."  # to the question about 2 apples
# Questions 0 to 19: one fails, one is refused, one is cut off; of the others, one is right.
BEHAVIOUR = Behaviour(
    answer=RIGHT,
    faults=[
        {"kind": "400", "contains": "Question test 3:"},
        {"kind": "refusal", "contains": "Question test 4:"},
        {"kind": "length", "contains": "Question test 5:"},
    ],
)
# Of 20, 18 are scored.
LOW, HIGH = 1 / 20, 3 / 20


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Commands after a run with each outcome."""
    with FakeProvider(BEHAVIOUR) as provider:
        made = Commands(tmp_path_factory.mktemp("outcomes"), provider.url)
        made.write_mirror(NUM_QUESTIONS)
        ended = made.run("--api", "chat", "-t", "1")
        ended.assert_done()
        (made.folder / "stdout").write_text(ended.stdout)
        yield made


def main_stat(commands: Commands) -> Any:
    stats = [stat for stat in commands.stats() if stat["name"]["split"] == "test"]
    return stat_of(stats, METRIC)


def test_bounds_stand_beside_the_score(commands: Commands) -> None:
    stat = main_stat(commands)
    assert (stat["n"], stat["mean"]) == (18, pytest.approx(1 / 18))
    assert stat["bounds"] == [pytest.approx(LOW), pytest.approx(HIGH)]
    assert stat_of(commands.stats(), "num_truncated")["sum"] == 1


def test_the_table_of_a_run_counts_each_outcome(commands: Commands) -> None:
    headers, _, row = (commands.folder / "stdout").read_text().splitlines()[:3]
    assert headers.split()[-5:] == ["scored", "truncated", "refused", "errors", "status"]
    assert row.split()[-5:] == ["18", "1", "1", "1", "finished"]
    assert "if missing wrong–right" in headers
    assert "0.050–0.150" in row


def test_the_leaderboard_counts_each_outcome(commands: Commands) -> None:
    ended = commands.call("benchmark-present")
    ended.assert_done()
    assert "n=18, 1 cut, 1 refused, 1 err (0.050–0.150)" in ended.stdout
    assert "(low–high): the score if all that is missing were wrong, or right" in ended.stdout
    listed = commands.call("benchmark-present", "--list-runs")
    assert listed.stdout.splitlines()[2].split()[-5:] == ["finished", "17", "1", "1", "1"]
    [cell] = json.loads((commands.run_path().parent / "leaderboard.json").read_text())["rows"][0][
        "cells"
    ]
    assert cell["bounds"] == [pytest.approx(LOW), pytest.approx(HIGH)]
    counts = [cell[f"num_{what}"] for what in ("scored", "truncated", "refused", "errors")]
    assert counts == [18, 1, 1, 1]


def test_a_comparison_counts_each_outcome(commands: Commands) -> None:
    name = commands.run_path().name
    ended = commands.call("benchmark-compare", name, name)
    ended.assert_done()
    [headers] = [line for line in ended.stdout.splitlines() if "truncated" in line]
    assert headers.split()[2:6] == ["ok", "truncated", "refused", "error"]
    [comparison] = json.loads(commands.call("benchmark-compare", name, name, "--json").stdout)[
        "comparisons"
    ]
    outcomes = {"ok": 17, "truncated": 1, "refused": 1, "error": 1}
    assert comparison["outcomes_a"] == comparison["outcomes_b"] == outcomes


def test_too_many_errors_make_a_run_incomplete(commands: Commands) -> None:
    faults: list[Fault] = [
        {"kind": "400", "contains": f"Question test {number}:"} for number in (1, 2)
    ]
    with FakeProvider(Behaviour(answer=RIGHT, faults=faults)) as provider:
        failing = Commands(commands.folder, provider.url, "failing")
        ended = failing.run("-t", "1")
        ended.assert_failed("2 of 20 requests failed", code=1)
        assert "incomplete" in ended.stdout
        assert stat_of(failing.stats(), METRIC)["n"] == 18
        # The same command asks what failed; a tolerant one is content.
        failing.run("-t", "1", "--max-error-rate", "0.1").assert_done()
        provider.set(Behaviour(answer=RIGHT))
        failing.run("-t", "1").assert_done()
        assert stat_of(failing.stats(), METRIC)["n"] == NUM_QUESTIONS
        assert stat_of(failing.stats(), METRIC)["bounds"] is None
