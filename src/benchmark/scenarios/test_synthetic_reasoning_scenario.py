from pathlib import Path

import numpy as np
import pytest

from benchmark.scenarios.synthetic_reasoning_scenario import SyntheticReasoningScenario
from common.errors import UnknownNameError
from golden_instances import check_golden_instances, generated_sha256

GOLDEN = {
    "variable_substitution": "cb9e03a94da435b4b49ceb667cc18eb45844f607355d58b6106779fa0b17adea",
    "pattern_match": "9379138d8cff1973dda866649715b1129b41c78e07f9816a6d41812d02f3fd77",
    "induction": "62bfd62681a8998e7eab6fb6a0bbe6e06a5c488e8da8a5fd60332d831dbe2233",
}


@pytest.mark.parametrize(
    ("mode", "text", "output"),
    [
        (
            "variable_substitution",
            'Rules: + Z = X | Substitutions: X by " horse " , Z by " blueberry " ',
            "+ blueberry = horse",
        ),
        (
            "induction",
            "Two results: + blueberry = horse | + blueberry cobra = whale stork ",
            "Rule: + Z = X",
        ),
    ],
)
def test_first_instance(tmp_path: Path, mode: str, text: str, output: str) -> None:
    first = SyntheticReasoningScenario(mode).get_instances(tmp_path)[0]
    assert (first.input, first.references[0].output) == (text, output)


def test_options_hold_the_pattern(tmp_path: Path) -> None:
    for instance in SyntheticReasoningScenario("pattern_match").get_instances(tmp_path):
        options = instance.input.removeprefix("Rules: ").split(" | ")[:4]
        assert instance.references[0].output in options


@pytest.mark.parametrize("mode", GOLDEN)
def test_golden(tmp_path: Path, mode: str) -> None:
    np.random.seed(7)  # the global generator plays no part
    scenario = SyntheticReasoningScenario(mode)
    assert generated_sha256(scenario.get_instances(tmp_path)) == GOLDEN[mode]
    check_golden_instances(scenario, f"synthetic_reasoning:mode={mode}", tmp_path)


def test_an_unknown_mode_is_named() -> None:
    with pytest.raises(UnknownNameError, match="'inductive'; did you mean 'induction'"):
        SyntheticReasoningScenario("inductive")
