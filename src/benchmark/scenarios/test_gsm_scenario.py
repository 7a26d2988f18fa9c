import json
import time
from pathlib import Path

import pytest

from benchmark.scenarios.gsm_scenario import FILES, GSM8KScenario
from benchmark.scenarios.scenario import TEST_SPLIT, TRAIN_SPLIT
from common.data_files import DataFiles
from common.errors import DataError
from data_sources import make_mirror
from golden_instances import check_golden_instances

TRAIN_URL, TEST_URL = FILES[TRAIN_SPLIT].url, FILES[TEST_SPLIT].url
ROW = json.dumps({"question": "2+2?", "answer": "2+2=<<2+2=4>>4\nSo 4.\n#### 4"}) + "\n"


def scenario_on(tmp_path: Path, train: str, test: str = ROW) -> GSM8KScenario:
    scenario = GSM8KScenario()
    scenario.data_files = DataFiles(
        make_mirror(tmp_path / "mirror", {TRAIN_URL: train, TEST_URL: test})
    )
    return scenario


def test_solutions_are_one_line_that_ends_in_the_answer(tmp_path: Path) -> None:
    instances = scenario_on(tmp_path, ROW * 2).get_instances(tmp_path / "gsm")
    assert [instance.split for instance in instances] == [TRAIN_SPLIT, TRAIN_SPLIT, TEST_SPLIT]
    assert instances[0].input == "2+2?\n"
    [reference] = instances[0].references
    assert reference.output == "2+2=<<2+2=4>>4 So 4. The answer is 4."
    assert reference.is_correct


def test_golden(tmp_path: Path) -> None:
    check_golden_instances(GSM8KScenario(), "gsm", tmp_path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"question": "x"}', "missing required field `answer`"),
        ('{"question": "x", "answer": 4}', r"Expected `str`, got `int` - at `\$.answer`"),
        ('{"question": "x"', "not valid JSON"),
    ],
)
def test_a_malformed_row_is_named(tmp_path: Path, row: str, message: str) -> None:
    scenario = scenario_on(tmp_path, ROW + row)
    with pytest.raises(DataError, match=rf"gsm/train.jsonl line 2: .*{message}"):
        scenario.get_instances(tmp_path / "gsm")


def test_many_rows_are_read_fast(tmp_path: Path) -> None:
    scenario = scenario_on(tmp_path, ROW * 100_000)
    start = time.monotonic()
    assert len(scenario.get_instances(tmp_path / "gsm")) == 100_001
    assert time.monotonic() - start < 10  # about 0.5 s on an idle machine
