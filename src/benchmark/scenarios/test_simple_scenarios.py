from pathlib import Path

from benchmark.scenarios.scenario import TEST_SPLIT, TRAIN_SPLIT
from benchmark.scenarios.simple_scenarios import Simple1Scenario
from golden_instances import check_golden_instances, generated_sha256


def test_first_instances(tmp_path: Path) -> None:
    scenario = Simple1Scenario(num_train_instances=2, num_test_instances=2)
    instances = scenario.get_instances(tmp_path)
    assert [(it.split, it.input, it.references[0].output) for it in instances] == [
        (TRAIN_SPLIT, "4 18 2 8 3", "8"),
        (TRAIN_SPLIT, "14 15 12 6 3", "6"),
        (TEST_SPLIT, "0 12 13 19 0", "19"),
        (TEST_SPLIT, "8 7 18 3 10", "8"),
    ]
    for instance in instances:
        assert [reference.is_correct for reference in instance.references] == [True, False]
        assert instance.references[1].output == "-1"


def test_golden(tmp_path: Path) -> None:
    assert generated_sha256(Simple1Scenario().get_instances(tmp_path)) == (
        "d147e2329d9de21ee20237e2f0a7c308fa9758338620e1ede58459dbd70c3608"
    )
    check_golden_instances(Simple1Scenario(), "simple1", tmp_path)
