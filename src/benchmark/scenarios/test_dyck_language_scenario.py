from pathlib import Path
from typing import Any

import pytest

from benchmark.scenarios.dyck_language_scenario import DyckLanguageScenario
from benchmark.scenarios.scenario import TEST_SPLIT, TRAIN_SPLIT
from common.errors import InvalidRequestError
from golden_instances import check_golden_instances, generated_sha256

GOLDEN = {
    1: None,
    2: "342bdce2ba999e5b8b78a559c3e85204e4d790e40d2692a7963ead275fe45208",
    3: "78035b20df49ee8fb1a2dba8426f2df47afb64317fb3c0e64b5c5c01951c18ca",
    4: "84270800d9cfab07d4929775825abed7c1a236d31974452bbe8cceca500850cc",
}
PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">"}


@pytest.mark.parametrize("num_pairs", GOLDEN)
def test_golden(tmp_path: Path, num_pairs: int) -> None:
    scenario = DyckLanguageScenario(num_pairs)
    golden = GOLDEN[num_pairs]
    assert golden in (None, generated_sha256(scenario.get_instances(tmp_path)))
    check_golden_instances(scenario, f"dyck_language:num_parenthesis_pairs={num_pairs}", tmp_path)


def test_references_close_what_is_open(tmp_path: Path) -> None:
    instances = DyckLanguageScenario(4).get_instances(tmp_path)
    assert (instances[0].input, instances[0].references[0].output) == (
        "< [ [ [ < [ ] > ] ]",
        " ] >",
    )
    assert [instance.split for instance in instances] == [TRAIN_SPLIT] * 3 + [TEST_SPLIT] * 500
    assert len({instance.input for instance in instances}) == len(instances)
    for instance in instances:
        open_brackets: list[str] = []
        for symbol in (instance.input + instance.references[0].output).split(" "):
            if symbol in PAIRS:
                open_brackets.append(symbol)
            else:
                assert PAIRS[open_brackets.pop()] == symbol
        assert not open_brackets


@pytest.mark.parametrize("num_pairs", [0, 5, -1, 2.5, "2"])
def test_other_numbers_of_pairs_are_refused(num_pairs: Any) -> None:
    with pytest.raises(InvalidRequestError, match="not a whole number from 1 to 4"):
        DyckLanguageScenario(num_pairs)
