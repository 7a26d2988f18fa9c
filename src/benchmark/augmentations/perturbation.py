"""What a perturbation is: a pure function of (text, generator) that makes another version."""

import random
from abc import ABC, abstractmethod
from typing import ClassVar

from msgspec.structs import replace

from benchmark.scenarios.scenario import Instance, PerturbationDescription, Reference


class Perturbation(ABC):
    """Makes a perturbed version of an instance.

    Randomness comes from a private generator seeded with the number in the instance's id, so an
    instance's version depends on nothing but the instance. References are perturbed before the
    input (and draw from the generator first), as in the reference system.
    """

    name: ClassVar[str]
    should_perturb_references: ClassVar[bool] = False

    @property
    @abstractmethod
    def description(self) -> PerturbationDescription:
        """What stands in the results: the name, its arguments, and its worst-case group."""

    @abstractmethod
    def perturb(self, text: str, rng: random.Random) -> str:
        """Return another version of `text`, drawing from `rng` only."""

    def apply(self, instance: Instance) -> Instance:
        """Return the perturbed version of `instance`, with the same id."""
        rng = random.Random(_seed(instance))
        references = instance.references
        if self.should_perturb_references:
            references = [
                Reference(self.perturb(reference.output, rng), [*reference.tags, self.name])
                for reference in references
            ]
        return replace(
            instance,
            input=self.perturb(instance.input, rng),
            references=references,
            perturbation=self.description,
        )


def _seed(instance: Instance) -> int:
    assert instance.id is not None, "the data preprocessor gives ids before it perturbs"
    return int(instance.id.removeprefix("id"))
