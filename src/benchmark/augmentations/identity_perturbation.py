"""The perturbation that changes nothing: marks the original among its perturbed versions."""

import random

from benchmark.augmentations.perturbation import Perturbation
from benchmark.scenarios.scenario import PerturbationDescription


class IdentityPerturbation(Perturbation):
    """Returns the text as it is."""

    name = "identity"

    @property
    def description(self) -> PerturbationDescription:
        return PerturbationDescription(self.name)

    def perturb(self, text: str, rng: random.Random) -> str:
        return text
