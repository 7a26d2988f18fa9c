"""BoolQ: yes/no questions that people asked a search engine, each with a passage that answers it.

Source: https://github.com/google-research-datasets/boolean-questions; Clark et al. 2019,
https://aclanthology.org/N19-1300. Licence: CC BY-SA 3.0. Size: 9,427 train and 3,270 valid
questions. Contrast versions of 70 valid questions: https://github.com/allenai/contrast-sets;
Gardner et al. 2020, https://aclanthology.org/2020.findings-emnlp.117. Licence: none stated.
"""

from pathlib import Path

import msgspec

from benchmark.scenarios.scenario import (
    CORRECT_TAG,
    TRAIN_SPLIT,
    VALID_SPLIT,
    Instance,
    Reference,
    Scenario,
)
from common.data_files import DataFile
from common.data_formats import read_json, read_json_lines
from common.errors import DataError, InvalidRequestError

FILES = {
    TRAIN_SPLIT: DataFile(
        "https://storage.googleapis.com/boolq/train.jsonl",
        "cc7a79d44479867e8323a7b0c5c1d82edf516ca34912201f9384c3a3d098d8db",
    ),
    VALID_SPLIT: DataFile(
        "https://storage.googleapis.com/boolq/dev.jsonl",
        "ebc29ea3808c5c611672384b3de56e83349fe38fc1fe876fd29b674d81d0a80a",
    ),
}
CONTRAST_FILE = DataFile(
    "https://raw.githubusercontent.com/allenai/contrast-sets/main/BoolQ/boolq_perturbed.json",
    "0b4505e885d99fba40ff3d5a1f70d26839eb444cfe21d07cbf571c52f967c536",
)


class BoolQScenario(Scenario):
    """One instance per question; its reference is `Yes` or `No`.

    A valid question that people wrote contrast versions of (small edits that change the answer)
    carries them in `contrast_inputs` and `contrast_references`.

    Example: `Persian, also known by its endonym Farsi, is one of … \\nQuestion: Do iran and
    afghanistan speak the same language?` → `Yes`.

    Args:
        only_contrast: Leave out valid questions that have no contrast version.
    """

    name = "boolq"
    description = "Naturally occurring yes/no questions about a passage"
    tags = ["question_answering"]
    files = [*FILES.values(), CONTRAST_FILE]

    def __init__(self, only_contrast: bool = False) -> None:
        if not isinstance(only_contrast, bool):
            raise InvalidRequestError(
                f"boolq: only_contrast={only_contrast!r} is not True or False"
            )
        self._only_contrast = only_contrast

    def get_instances(self, output_path: Path) -> list[Instance]:
        path = self.data_files.fetch(CONTRAST_FILE, output_path / "contrast.json")
        contrasts = _read_contrasts(path)
        instances = []
        for split, file in FILES.items():
            path = self.data_files.fetch(file, output_path / f"{split}.jsonl")
            for row in read_json_lines(path, _Row):
                contrast = contrasts.get(row.question) if split == VALID_SPLIT else None
                if contrast or split == TRAIN_SPLIT or not self._only_contrast:
                    instances.append(_to_instance(row, split, contrast, path))
        return instances


class _Row(msgspec.Struct):
    question: str
    passage: str
    answer: bool


class _Edit(msgspec.Struct):
    perturbed_q: str
    answer: str


class _Original(msgspec.Struct):
    question: str
    answer: str
    perturbed_questions: list[_Edit]


class _Originals(msgspec.Struct):
    data: list[_Original]


class _Contrast(msgspec.Struct):
    """Contrast versions of a question: they all have the answer that the question has not."""

    original_answer: bool
    questions: list[str]


def _read_contrasts(path: Path) -> dict[str, _Contrast]:
    contrasts = {}
    for original in read_json(path, _Originals).data[1:]:  # the first only names the fields
        edits = [
            edit.perturbed_q
            for edit in original.perturbed_questions
            if edit.perturbed_q and (edit.answer == "TRUE") != (original.answer == "TRUE")
        ]
        if edits:
            contrasts[original.question] = _Contrast(original.answer == "TRUE", edits)
    return contrasts


def _to_instance(row: _Row, split: str, contrast: _Contrast | None, path: Path) -> Instance:
    text, references = _input(row.passage, row.question, path), [_reference(row.answer)]
    if contrast is None:
        return Instance(text, references, split)
    if contrast.original_answer != row.answer:
        raise DataError(f"{path}: another answer than the contrast set has for {row.question!r}")
    return Instance(
        text,
        references,
        split,
        contrast_inputs=[_input(row.passage, edit, path) for edit in contrast.questions],
        contrast_references=[[_reference(not row.answer)] for _ in contrast.questions],
    )


def _input(passage: str, question: str, path: Path) -> str:
    question = question.strip()
    if question.endswith("?"):
        raise DataError(f"{path}: the question {question!r} already ends with a question mark")
    return f"{passage}\nQuestion: {question.capitalize()}?"


def _reference(answer: bool) -> Reference:
    return Reference("Yes" if answer else "No", [CORRECT_TAG])
