"""What a scenario is: a source of instances, each with an input and references.

A scenario is a use case turned into data: `get_instances` reads (or makes) all of it, in an order
that never changes. Names follow the reference system (HELM, 2022).
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import msgspec

from common.data_files import DataFile, DataFiles
from common.object_spec import ObjectSpec

TRAIN_SPLIT = "train"
VALID_SPLIT = "valid"
TEST_SPLIT = "test"
EVAL_SPLITS = (VALID_SPLIT, TEST_SPLIT)
CORRECT_TAG = "correct"


class PerturbationDescription(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Which perturbation made an instance; `args` are the perturbation's own arguments.

    `robustness` and `fairness` say which worst-case group it belongs to.
    """

    name: str
    robustness: bool = False
    fairness: bool = False
    args: dict[str, str | int | float | bool | None] = {}


class Reference(msgspec.Struct, frozen=True):
    """A possible output; the tag `correct` marks an acceptable one."""

    output: str
    tags: list[str] = []

    @property
    def is_correct(self) -> bool:
        """Whether this output is an acceptable answer."""
        return CORRECT_TAG in self.tags


class Instance(msgspec.Struct, frozen=True, eq=False, omit_defaults=True):
    """One input with its references. `id` is shared by an instance and its perturbed versions."""

    input: str
    references: list[Reference]
    split: str | None = None
    sub_split: str | None = None
    id: str | None = None
    perturbation: PerturbationDescription | None = None
    contrast_inputs: list[str] | None = None  # human-written contrast versions
    contrast_references: list[list[Reference]] | None = None
    test_cases: dict[str, str] | None = None  # what generated code is checked with
    # Of a candidate to be ranked: what it is a candidate for, which one it is, how relevant it is,
    # and how relevant each object is that people found relevant.
    group_id: str | None = None
    request_id: str | None = None
    relevance: int | None = None
    group_relevances: dict[str, int] | None = None

    @property
    def first_correct_reference(self) -> Reference | None:
        """The first reference tagged correct, if any."""
        return next((ref for ref in self.references if ref.is_correct), None)


class ScenarioSpec(ObjectSpec, frozen=True):
    """Names a scenario class and its arguments."""


class Scenario(ABC):
    """A source of instances. Making one does nothing; `get_instances` does the work."""

    name: ClassVar[str]
    description: ClassVar[str]
    tags: ClassVar[list[str]]
    files: ClassVar[list[DataFile]] = []  # what it downloads; none for generated scenarios

    # Where files come from: their origins, unless the runner sets a mirror.
    data_files: DataFiles = DataFiles()

    @abstractmethod
    def get_instances(self, output_path: Path) -> list[Instance]:
        """Return all instances in a fixed order, without ids.

        Args:
            output_path: Folder of this scenario's downloaded data; made when needed.

        Raises:
            DataError: A data file can't be had or is not in its format.
        """
