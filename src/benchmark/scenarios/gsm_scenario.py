"""GSM8K: grade-school math word problems whose solutions take two to eight steps.

Source: https://github.com/openai/grade-school-math; Cobbe et al. 2021,
https://arxiv.org/abs/2110.14168. Licence: MIT. Size: 7,473 train and 1,319 test problems.
"""

from pathlib import Path

import msgspec

from benchmark.scenarios.scenario import (
    CORRECT_TAG,
    TEST_SPLIT,
    TRAIN_SPLIT,
    Instance,
    Reference,
    Scenario,
)
from common.data_files import DataFile
from common.data_formats import read_json_lines

BASE_URL = (
    "https://raw.githubusercontent.com/openai/grade-school-math/master/grade_school_math/data"
)
FILES = {
    TRAIN_SPLIT: DataFile(
        f"{BASE_URL}/train.jsonl",
        "17f347dc51477c50d4efb83959dbb7c56297aba886e5544ee2aaed3024813465",
    ),
    TEST_SPLIT: DataFile(
        f"{BASE_URL}/test.jsonl",
        "3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14",
    ),
}


class GSM8KScenario(Scenario):
    """One instance per problem; its reference is the worked solution, ending in the answer.

    Example (calculator marks are kept):

        Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in
        May. How many clips did Natalia sell altogether in April and May?

    → `Natalia sold 48/2 = <<48/2=24>>24 clips in May. Natalia sold 48+24 = <<48+24=72>>72 clips
    altogether in April and May. The answer is 72.`
    """

    name = "gsm"
    description = "Grade school math word problems"
    tags = ["reasoning", "math"]
    files = list(FILES.values())

    def get_instances(self, output_path: Path) -> list[Instance]:
        instances = []
        for split, file in FILES.items():
            path = self.data_files.fetch(file, output_path / f"{split}.jsonl")
            instances += [_to_instance(row, split) for row in read_json_lines(path, _Problem)]
        return instances


class _Problem(msgspec.Struct):
    question: str
    answer: str


def _to_instance(problem: _Problem, split: str) -> Instance:
    solution = problem.answer.replace("####", "The answer is").replace("\n", " ") + "."
    return Instance(f"{problem.question}\n", [Reference(solution, [CORRECT_TAG])], split)
