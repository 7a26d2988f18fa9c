"""Texts of an exact number of tokens, to time answers with.

Source: https://github.com/stanford-crfm/benchmarking_efficiency, made from five books of Project
Gutenberg; Narayanan et al. 2023, https://arxiv.org/abs/2305.02440. Licence: none stated (books:
public domain). Size: 10 test texts for each of 10 lengths and 2 tokenizers.
"""

from pathlib import Path
from urllib.parse import quote

from benchmark.scenarios.scenario import CORRECT_TAG, TEST_SPLIT, Instance, Reference, Scenario
from common.data_files import DataFile
from common.data_formats import read_text
from common.errors import DataError, InvalidRequestError

BASE_URL = (
    "https://raw.githubusercontent.com/stanford-crfm/benchmarking_efficiency/main/"
    "synthetic_efficiency_instances"
)
NUM_INSTANCES = 10
# For these tokenizers and numbers of tokens texts are published; for others they are made by hand.
TOKENIZERS = ["huggingface/gpt2", "ai21/j1"]
NUMS_INPUT_TOKENS = [1, 16, 32, 64, 256, 512, 768, 1024, 1536, 1920]


def file_name(num_input_tokens: int, tokenizer: str, index: int) -> str:
    """Return the name of a text."""
    label = tokenizer.replace("/", "_")
    return f"input_tokens={num_input_tokens},tokenizer={label},id={index}.txt"


def data_file(name: str) -> DataFile:
    """Return the published text of that name."""
    return DataFile(f"{BASE_URL}/{quote(name)}")


class SyntheticEfficiencyScenario(Scenario):
    """One instance per text; its reference is empty, since only the time counts.

    Texts for another tokenizer or length are read from where they would have been fetched to.

    Example: ` had been to the seaside once in her life, and had come to the`

    Args:
        num_input_tokens: Length of the texts.
        tokenizer: Whose tokens are counted.
        num_instances: At most 10 are published.
    """

    name = "synthetic_efficiency"
    description = "Texts of an exact number of tokens, to time answers with"
    tags = []
    files = [
        data_file(file_name(num_tokens, tokenizer, index))
        for tokenizer in TOKENIZERS
        for num_tokens in NUMS_INPUT_TOKENS
        for index in range(NUM_INSTANCES)
    ]

    def __init__(
        self, num_input_tokens: int, tokenizer: str, num_instances: int = NUM_INSTANCES
    ) -> None:
        if num_input_tokens < 1 or num_instances < 1:
            raise InvalidRequestError(
                f"synthetic_efficiency: num_input_tokens={num_input_tokens} and "
                f"num_instances={num_instances} must be at least 1"
            )
        self._num_input_tokens = num_input_tokens
        self._tokenizer = tokenizer
        self._num_instances = num_instances

    def get_instances(self, output_path: Path) -> list[Instance]:
        names = [
            file_name(self._num_input_tokens, self._tokenizer, index)
            for index in range(self._num_instances)
        ]
        return [self._to_instance(output_path / "instances" / name) for name in names]

    def _to_instance(self, path: Path) -> Instance:
        is_published = self._tokenizer in TOKENIZERS and self._num_input_tokens in NUMS_INPUT_TOKENS
        if is_published:
            self.data_files.fetch(data_file(path.name), path)
        elif not path.exists():
            raise DataError(
                f"no {path}: texts are published for the tokenizers {', '.join(TOKENIZERS)} and "
                f"{', '.join(map(str, NUMS_INPUT_TOKENS))} tokens only; for others make "
                f"one of {self._num_input_tokens} tokens of {self._tokenizer} (as "
                "scripts/generate_synthetic_efficiency_instances.py does) and place it there"
            )
        # Line ends as the reference system reads them: they count as tokens.
        text = read_text(path).replace("\r\n", "\n").replace("\r", "\n")
        return Instance(text, [Reference("", [CORRECT_TAG])], TEST_SPLIT)
