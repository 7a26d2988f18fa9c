"""MMLU (Massive Multitask Language Understanding): four-choice exam questions of 57 subjects.

Source: https://github.com/hendrycks/test; Hendrycks et al. 2021, https://arxiv.org/abs/2009.03300.
Licence: MIT. Size: of each subject 5 train questions and 8 to 170 valid, 100 to 1,534 test
questions; 285, 1,531 and 14,042 in all. The archive's auxiliary_train is not used.
"""

from pathlib import Path
from typing import Literal

import msgspec

from benchmark.scenarios.scenario import (
    CORRECT_TAG,
    TEST_SPLIT,
    TRAIN_SPLIT,
    VALID_SPLIT,
    Instance,
    Reference,
    Scenario,
)
from common.data_files import DataFile
from common.data_formats import read_csv_without_header
from common.errors import DataError, UnknownNameError

ARCHIVE = DataFile(
    "https://people.eecs.berkeley.edu/~hendrycks/data.tar",
    "bec563ba4bac1d6aaf04141cd7d1605d7a5ca833e38f994051e818489592989b",
)
SPLIT_FOLDERS = {TRAIN_SPLIT: "dev", VALID_SPLIT: "val", TEST_SPLIT: "test"}
SUBJECTS = Path(__file__).with_name("mmlu_subjects.txt").read_text(encoding="utf-8").split()


class MMLUScenario(Scenario):
    """One instance per question of a subject; its references are the four choices.

    Example line: `Find all c in Z_3 such that Z_3[x]/(x^2 + c) is a field.,0,1,2,3,B`

    Args:
        subject: One of `SUBJECTS`.
    """

    name = "mmlu"
    description = "Massive Multitask Language Understanding"
    tags = ["knowledge", "multiple_choice"]
    files = [ARCHIVE]

    def __init__(self, subject: str) -> None:
        if subject not in SUBJECTS:
            raise UnknownNameError("MMLU subject", str(subject), SUBJECTS)
        self._subject = subject

    def get_instances(self, output_path: Path) -> list[Instance]:
        data = self.data_files.fetch_archive(ARCHIVE, output_path / "data")
        instances = []
        for split, folder in SPLIT_FOLDERS.items():
            path = data / folder / f"{self._subject}_{folder}.csv"
            if not path.exists():
                held = sorted(file.name.removesuffix("_test.csv") for file in data.glob("test/*"))
                raise DataError(
                    f"no {path}: the data hold the subjects {', '.join(held)}; "
                    "a mirror may have fewer than the original"
                )
            rows = read_csv_without_header(path, _Row)
            instances += [_to_instance(row, split) for row in rows]
        return instances


class _Row(msgspec.Struct):
    question: str
    A: str
    B: str
    C: str
    D: str
    answer: Literal["A", "B", "C", "D"]


def _to_instance(row: _Row, split: str) -> Instance:
    choices = {"A": row.A, "B": row.B, "C": row.C, "D": row.D}
    # Two choices with the same text are both right, or both wrong.
    references = [
        Reference(text, [CORRECT_TAG] if text == choices[row.answer] else [])
        for text in choices.values()
    ]
    return Instance(row.question, references, split)
