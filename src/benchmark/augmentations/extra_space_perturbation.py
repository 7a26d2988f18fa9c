"""More spaces between words."""

import random

from benchmark.augmentations.perturbation import Perturbation
from benchmark.scenarios.scenario import PerturbationDescription


class ExtraSpacePerturbation(Perturbation):
    """Replaces each space by `num_spaces` spaces.

    Example, two spaces: "Hello my name" → "Hello  my  name"
    """

    name = "extra_space"

    def __init__(self, num_spaces: int) -> None:
        self._num_spaces = num_spaces

    @property
    def description(self) -> PerturbationDescription:
        args: dict[str, str | int | float | bool | None] = {"num_spaces": self._num_spaces}
        return PerturbationDescription(self.name, robustness=True, args=args)

    def perturb(self, text: str, rng: random.Random) -> str:
        return text.replace(" ", " " * self._num_spaces)
