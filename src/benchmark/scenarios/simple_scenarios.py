"""Problems so small that they only show whether the pipeline works.

Generated; no download, no licence. Size: 10 train and 10 test instances by default.
"""

from pathlib import Path
from random import Random

from benchmark.scenarios.scenario import (
    CORRECT_TAG,
    TEST_SPLIT,
    TRAIN_SPLIT,
    Instance,
    Reference,
    Scenario,
)

SEED = 1


class Simple1Scenario(Scenario):
    """Numbers as input; one of them, drawn, is the right output and `-1` is a wrong one.

    Example: `4 18 2 8 3` → `8`.

    Args:
        num_input_tokens: Numbers in an input.
        vocab_size: They are drawn from 0 to this, exclusive.
        num_train_instances: Instances to make for training, before those for testing.
        num_test_instances: Instances to make for testing.
    """

    name = "simple1"
    description = "A simple scenario"
    tags = ["simple"]

    def __init__(
        self,
        num_input_tokens: int = 5,
        vocab_size: int = 20,
        num_train_instances: int = 10,
        num_test_instances: int = 10,
    ) -> None:
        self._num_input_tokens = num_input_tokens
        self._vocab_size = vocab_size
        self._splits = [TRAIN_SPLIT] * num_train_instances + [TEST_SPLIT] * num_test_instances

    def get_instances(self, output_path: Path) -> list[Instance]:
        rng = Random(SEED)
        return [self._make_instance(split, rng) for split in self._splits]

    def _make_instance(self, split: str, rng: Random) -> Instance:
        tokens = [str(rng.randint(0, self._vocab_size - 1)) for _ in range(self._num_input_tokens)]
        references = [Reference(rng.choice(tokens), [CORRECT_TAG]), Reference("-1")]
        return Instance(" ".join(tokens), references, split)
