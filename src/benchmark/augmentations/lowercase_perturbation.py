"""Lower case throughout."""

import random

from benchmark.augmentations.perturbation import Perturbation
from benchmark.scenarios.scenario import PerturbationDescription


class LowerCasePerturbation(Perturbation):
    """Puts the input in lower case; references stay.

    Example: "Hello World!" → "hello world!"
    """

    name = "lowercase"

    @property
    def description(self) -> PerturbationDescription:
        return PerturbationDescription(self.name, robustness=True)

    def perturb(self, text: str, rng: random.Random) -> str:
        return text.lower()
