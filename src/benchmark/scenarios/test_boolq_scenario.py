import json
from pathlib import Path
from typing import Any

import pytest

from benchmark.scenarios.boolq_scenario import CONTRAST_FILE, FILES, BoolQScenario
from benchmark.scenarios.scenario import TRAIN_SPLIT, VALID_SPLIT, Instance
from common.data_files import DataFiles
from common.errors import DataError, InvalidRequestError
from data_sources import make_mirror
from golden_instances import check_golden_instances


def row(question: str, answer: bool) -> dict[str, Any]:
    return {"question": question, "title": "T", "passage": "It is.", "answer": answer}


def edited(question: str, answer: str, *edits: tuple[str, str]) -> dict[str, Any]:
    items = [{"perturbed_q": text, "answer": edit_answer} for text, edit_answer in edits]
    return {"question": question, "answer": answer, "perturbed_questions": items}


HEADER = edited("Question", "Gold Answer", ("Perturbed Q", "New Answer"))
CONTRASTS = [
    HEADER,
    edited("is it B", "TRUE", ("is it C", "FALSE"), ("is it D", "TRUE"), ("", "FALSE")),
    edited("is it E", "TRUE", ("is it F", "TRUE")),
]
ROWS = [row("is it B", True), row("is it E", True), row("is it G ", False)]


def load(
    tmp_path: Path,
    *,
    valid: list[dict[str, Any]] = ROWS,
    contrasts: list[dict[str, Any]] = CONTRASTS,
    only_contrast: bool = False,
) -> list[Instance]:
    scenario = BoolQScenario(only_contrast)
    files = {
        FILES[TRAIN_SPLIT].url: json.dumps(row("is it B", False)),
        FILES[VALID_SPLIT].url: "\n".join(map(json.dumps, valid)),
        CONTRAST_FILE.url: json.dumps({"data": contrasts}),
    }
    scenario.data_files = DataFiles(make_mirror(tmp_path / "mirror", files))
    return scenario.get_instances(tmp_path / "boolq")


def outputs(instances: list[Instance]) -> list[tuple[str | None, str]]:
    return [(instance.split, instance.references[0].output) for instance in instances]


def test_questions_end_in_a_question_mark(tmp_path: Path) -> None:
    instances = load(tmp_path)
    assert instances[3].input == "It is.\nQuestion: Is it g?"
    assert outputs(instances) == [
        ("train", "No"),
        ("valid", "Yes"),
        ("valid", "Yes"),
        ("valid", "No"),
    ]
    assert all(instance.references[0].is_correct for instance in instances)


def test_contrast_versions_have_another_answer(tmp_path: Path) -> None:
    train, contrasted, *others = load(tmp_path)
    assert contrasted.contrast_inputs == ["It is.\nQuestion: Is it c?"]
    assert contrasted.contrast_references is not None
    [[reference]] = contrasted.contrast_references
    assert (reference.output, reference.is_correct) == ("No", True)
    assert [instance.contrast_inputs for instance in (train, *others)] == [None] * 3


def test_only_contrast_keeps_train_and_what_has_contrast_versions(tmp_path: Path) -> None:
    assert outputs(load(tmp_path, only_contrast=True)) == [("train", "No"), ("valid", "Yes")]


@pytest.mark.parametrize("value", ["True", "False", 1, None])
def test_only_contrast_is_a_bool(value: Any) -> None:
    with pytest.raises(InvalidRequestError, match=f"only_contrast={value!r} is not True or False"):
        BoolQScenario(value)


def test_answers_that_disagree_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="another answer than the contrast set has for 'is it B'"):
        load(tmp_path, valid=[row("is it B", False)])


def test_a_question_mark_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'is it x\\?' already ends with a question mark"):
        load(tmp_path, valid=[row("is it x?", True)])


def test_malformed_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"boolq/valid.jsonl line 2: .*field `answer`"):
        load(tmp_path / "1", valid=[*ROWS[:1], {"question": "x", "passage": "y"}])
    with pytest.raises(DataError, match=r"contrast.json: .*`answer` - at `\$.data\[1\]`"):
        load(tmp_path / "2", contrasts=[HEADER, {"question": "x"}])


@pytest.mark.parametrize("only_contrast", [False, True])
def test_golden(tmp_path: Path, only_contrast: bool) -> None:
    description = "boolq:only_contrast=True" if only_contrast else "boolq"
    check_golden_instances(BoolQScenario(only_contrast), description, tmp_path)
