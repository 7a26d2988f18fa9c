"""Synthetic reasoning in simple English: which rules apply to a fact, and what follows?

Generated; no download, no licence. Size: 5 train, 50 valid and 50 test instances a difficulty.
"""

from pathlib import Path
from random import Random

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
from common.errors import UnknownNameError

SEED = 42
NUM_INSTANCES = {TRAIN_SPLIT: 5, VALID_SPLIT: 50, TEST_SPLIT: 50}
DIFFICULTIES = ["easy", "medium", "hard"]
NUM_RULES = 5
NUM_FACT_ATTRIBUTES = 2
# Problems from which nothing follows are drawn again, but for this share.
NOTHING_PROBABILITY = 0.1
PERSON = "person"
_ANIMALS = """
    dog cat rabbit mouse tiger lion bear squirrel cow panda hedgehog elephant giraffe hippo
"""
SUBJECTS = {
    PERSON: ["Alice", "Bob", "Carol", "Dan", "Erin", "Frank"],
    "animal": _ANIMALS.split(),
    "plant": ["poppy", "dandelion", "tree", "rose", "sunflower"],
}
# Each attribute, and after it other words that say the same.
_ATTRIBUTES = """
    young, soft, sad, scary, cold chill cool, hot warm, smart clever wise intelligent, clean tidy,
    small little tiny, big enormous giant huge, good kind nice, beautiful pretty, red crimson,
    blue cobalt, green viridian, purple violet, boring dull, old ancient antique,
    strong powerful muscular, weak frail fragile, fast quick, slow sluggish, bad evil wicked mean,
    happy elated glad cheerful, round circular spherical
"""
SPECIFIC_WORDS = {words.split()[0]: words.split() for words in _ATTRIBUTES.split(",")}
ATTRIBUTES = list(SPECIFIC_WORDS)


class SRNScenario(Scenario):
    """One instance per drawn set of five rules and a fact; its reference is what follows.

    Example (easy; three of the rules left out):

        If a poppy is boring and red, then the poppy is big.
        If a poppy is hot and beautiful, then the poppy is good.
        Fact:
        The poppy is beautiful and hot.
        The following can be determined about the poppy:

    → `The poppy is good.`

    Args:
        difficulty: `easy`; `medium`: rules may be about the subject's category; `hard`: facts may
            also use other words than the rules.
    """

    name = "synthetic_reasoning_natural"
    description = "Reasoning with rules and a fact in simple English"
    tags = ["reasoning", "language", "pattern_matching"]

    def __init__(self, difficulty: str) -> None:
        if difficulty not in DIFFICULTIES:
            raise UnknownNameError(
                "difficulty of synthetic_reasoning_natural",
                str(difficulty),
                DIFFICULTIES,
                f"its difficulties: {', '.join(DIFFICULTIES)}",
            )
        self._difficulty = difficulty

    def get_instances(self, output_path: Path) -> list[Instance]:
        rng = Random(SEED)
        return [
            self._make_instance(split, rng)
            for split, num in NUM_INSTANCES.items()
            for _ in range(num)
        ]

    def _make_instance(self, split: str, rng: Random) -> Instance:
        category = rng.choice(list(SUBJECTS))
        subject = rng.choice(SUBJECTS[category])
        rules = _draw_rules([subject] if self._difficulty == "easy" else [category, subject], rng)
        while True:
            fact = rng.sample(ATTRIBUTES, NUM_FACT_ATTRIBUTES)
            specific_fact = [rng.choice(SPECIFIC_WORDS[attribute]) for attribute in fact]
            conclusions = [rule.consequent for rule in rules if rule.adds_to(fact)]
            if conclusions or rng.random() <= NOTHING_PROBABILITY:
                break
        shown_fact = specific_fact if self._difficulty == "hard" else fact
        lines = [
            *(rule.sentence() for rule in rules),
            "Fact:",
            _statement(subject, shown_fact),
            f"The following can be determined about {_definite(subject)}:",
        ]
        answer = _statement(subject, conclusions) if conclusions else "Nothing."
        text = "\n".join(lines) + "\n"
        return Instance(text, [Reference(answer, [CORRECT_TAG])], split)


class _Rule(msgspec.Struct):
    subject: str
    conditions: list[str]
    conjunction: str  # "and" or "or"
    consequent: str

    def adds_to(self, fact: list[str]) -> bool:
        """Whether the rule applies to `fact` and says something new."""
        are_met = [condition in fact for condition in self.conditions]
        applies = all(are_met) if self.conjunction == "and" else any(are_met)
        return applies and self.consequent not in fact

    def sentence(self) -> str:
        condition = f" {self.conjunction} ".join(self.conditions)
        return (
            f"If {_indefinite(self.subject)} is {condition}, "
            f"then {_definite(self.subject)} is {self.consequent}."
        )


def _draw_rules(subjects: list[str], rng: Random) -> list[_Rule]:
    """Draw rules over disjoint attributes, so that what follows never takes two steps."""
    attributes = ATTRIBUTES.copy()
    rng.shuffle(attributes)
    rules: list[_Rule] = []
    while len(attributes) > 2 and len(rules) < NUM_RULES:
        subject = rng.choice(subjects) if len(subjects) > 1 else subjects[0]
        num_attributes = rng.randint(2, 3)
        *conditions, consequent = attributes[:num_attributes]
        del attributes[:num_attributes]
        rules.append(_Rule(subject, conditions, rng.choice(["and", "or"]), consequent))
    return rules


def _statement(subject: str, attributes: list[str]) -> str:
    text = f"{_definite(subject)} is {' and '.join(attributes)}."
    return text[0].upper() + text[1:]


def _has_article(subject: str) -> bool:
    return subject != PERSON and subject not in SUBJECTS[PERSON]


def _definite(subject: str) -> str:
    return f"the {subject}" if _has_article(subject) else subject


def _indefinite(subject: str) -> str:
    if not _has_article(subject):
        return subject
    return f"an {subject}" if subject[0] in "aeiou" else f"a {subject}"
