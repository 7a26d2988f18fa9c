from pathlib import Path

import pytest

from benchmark.scenarios.synthetic_reasoning_natural_scenario import SRNScenario
from common.errors import UnknownNameError
from golden_instances import check_golden_instances, generated_sha256

GOLDEN = {
    "easy": "2fe3025bbe971f78dca90f6904310795ebbd7a1940430c5f9df21d4db6642713",
    "medium": "3a6084e2ce14a4d830a910b8d5377ace4af8a0096c7a0d5ede58f172eb082d47",
    "hard": "7edb301a8479308d376dc3d9f23a41e794764020ee5217febfb5631011701dbd",
}


def test_first_instance(tmp_path: Path) -> None:
    first = SRNScenario("easy").get_instances(tmp_path)[0]
    assert first.input.startswith("If a poppy is boring and red, then the poppy is big.\n")
    assert first.input.endswith(
        "Fact:\nThe poppy is beautiful and hot.\nThe following can be determined about the poppy:\n"
    )
    assert first.references[0].output == "The poppy is good."


def test_persons_have_no_article(tmp_path: Path) -> None:
    inputs = [instance.input for instance in SRNScenario("medium").get_instances(tmp_path)]
    assert any("If person is " in text for text in inputs)
    assert not any("a person" in text or "the Alice" in text for text in inputs)
    assert any("If an elephant is " in text for text in inputs)


def test_some_facts_lead_to_nothing(tmp_path: Path) -> None:
    instances = SRNScenario("easy").get_instances(tmp_path)
    assert sum(instance.references[0].output == "Nothing." for instance in instances) == 16


@pytest.mark.parametrize("difficulty", GOLDEN)
def test_golden(tmp_path: Path, difficulty: str) -> None:
    scenario = SRNScenario(difficulty)
    assert generated_sha256(scenario.get_instances(tmp_path)) == GOLDEN[difficulty]
    description = f"synthetic_reasoning_natural:difficulty={difficulty}"
    check_golden_instances(scenario, description, tmp_path)


def test_an_unknown_difficulty_is_named() -> None:
    with pytest.raises(UnknownNameError, match="'Hard'; did you mean 'hard'"):
        SRNScenario("Hard")
