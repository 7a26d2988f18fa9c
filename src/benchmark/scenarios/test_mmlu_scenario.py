import io
import tarfile
from pathlib import Path

import pytest

from benchmark.scenarios.mmlu_scenario import ARCHIVE, SUBJECTS, MMLUScenario
from benchmark.scenarios.scenario import Instance
from common.data_files import DataFiles
from common.errors import DataError, UnknownNameError
from data_sources import make_mirror
from golden_instances import check_golden_instances

FILES = {
    "dev/anatomy_dev.csv": 'Which?,"a, or b",b,c,d,A\n',
    "val/anatomy_val.csv": "Who?,0,1,2,3,D\n",
    "test/anatomy_test.csv": "What?,x,y,x,z,C\nHow?,1,2,3,4,B\n",
}


def load(tmp_path: Path, files: dict[str, str], subject: str = "anatomy") -> list[Instance]:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"data/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content.encode()))
    scenario = MMLUScenario(subject)
    scenario.data_files = DataFiles(
        make_mirror(tmp_path / "mirror", {ARCHIVE.url: buffer.getvalue()})
    )
    return scenario.get_instances(tmp_path / "mmlu")


def test_choices_keep_their_order(tmp_path: Path) -> None:
    instances = load(tmp_path, FILES)
    assert [instance.split for instance in instances] == ["train", "valid", "test", "test"]
    assert instances[0].input == "Which?"
    assert [it.output for it in instances[0].references] == ["a, or b", "b", "c", "d"]
    right = [[it.is_correct for it in instance.references] for instance in instances]
    assert right[1] == [False, False, False, True]


def test_two_equal_choices_are_both_right(tmp_path: Path) -> None:
    references = load(tmp_path, FILES)[2].references
    assert [it.is_correct for it in references] == [True, False, True, False]


@pytest.mark.parametrize(
    "subject",
    """abstract_algebra anatomy college_chemistry computer_security econometrics global_facts
    philosophy us_foreign_policy""".split(),  # noqa: SIM905
)
def test_golden(tmp_path: Path, subject: str) -> None:
    check_golden_instances(MMLUScenario(subject), f"mmlu:subject={subject}", tmp_path)


def test_there_are_57_subjects() -> None:
    assert len(SUBJECTS) == len(set(SUBJECTS)) == 57
    assert sorted(SUBJECTS) == SUBJECTS


@pytest.mark.parametrize("subject", ["philosofy", "Philosophy"])
def test_an_unknown_subject_is_named(subject: str) -> None:
    with pytest.raises(UnknownNameError, match=f"'{subject}'; did you mean 'philosophy'"):
        MMLUScenario(subject)


def test_a_subject_that_the_data_lack_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no .*virology_dev.csv: the data hold .* anatomy;"):
        load(tmp_path, FILES, "virology")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Who?,0,1,2,A", "5 columns where 6 are expected"),
        ("Who?,0,1,2,3,E", r"Invalid enum value 'E' - at `\$.answer`"),
    ],
)
def test_a_malformed_row_is_named(tmp_path: Path, row: str, message: str) -> None:
    files = FILES | {"val/anatomy_val.csv": f"Who?,0,1,2,3,D\n{row}\n"}
    with pytest.raises(DataError, match=rf"val/anatomy_val.csv line 2: {message}"):
        load(tmp_path, files)
