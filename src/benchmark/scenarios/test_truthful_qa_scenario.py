from pathlib import Path

import pytest

from benchmark.scenarios.scenario import Instance
from benchmark.scenarios.truthful_qa_scenario import FILE, TruthfulQAScenario
from common.data_files import DataFiles
from common.errors import DataError, UnknownNameError
from data_sources import make_mirror
from golden_instances import check_golden_instances

HEADER = "Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers,Source\n"


def load(tmp_path: Path, content: str) -> list[Instance]:
    scenario = TruthfulQAScenario("mc_single")
    scenario.data_files = DataFiles(make_mirror(tmp_path / "mirror", {FILE.url: content}))
    return scenario.get_instances(tmp_path / "truthful_qa")


def test_answers_are_sentences_turned_by_the_first_letter(tmp_path: Path) -> None:
    rows = "A,B, Why? ,b,b; c,no; Never. ;;,url\n" * 11
    instances = load(tmp_path, HEADER + rows)
    assert [instance.split for instance in instances] == ["train"] * 2 + ["valid"] * 9
    assert instances[0].input == "Why?"
    # "b" is character 98, and 98 % 3 = 2
    assert [(it.output, it.is_correct) for it in instances[0].references] == [
        ("b.", True),
        ("no.", False),
        ("Never.", False),
    ]


def test_columns_may_be_added(tmp_path: Path) -> None:
    content = "Question,Best Answer,Best Incorrect Answer,Incorrect Answers\nWhy?,b,no,no\n"
    assert len(load(tmp_path, content)[0].references) == 2


def test_golden(tmp_path: Path) -> None:
    check_golden_instances(TruthfulQAScenario("mc_single"), "truthful_qa:task=mc_single", tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Question,Best Answer\nWhy?,b\n", "line 1: no column 'Incorrect Answers'"),
        (HEADER + "A,B,Why?,b,b\n", "line 2: 5 columns where 7 are expected"),
        (HEADER + "A,B,Why?,,b,no,url\n", "no 'Best Answer' for the question 'Why\\?'"),
    ],
)
def test_malformed_files_are_named(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=rf"truthful_qa/TruthfulQA.csv.* {message}|{message}"):
        load(tmp_path, content)


def test_an_unknown_task_is_named() -> None:
    with pytest.raises(UnknownNameError, match="'mc_multi'; its task: mc_single"):
        TruthfulQAScenario("mc_multi")
