"""Dyck languages: complete a sequence of brackets so that all are closed.

Generated, after Suzgun et al. 2019, https://arxiv.org/abs/1911.03329; no download, no licence.
Size: 3 train and 500 test instances.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np

from benchmark.scenarios.scenario import (
    CORRECT_TAG,
    TEST_SPLIT,
    TRAIN_SPLIT,
    Instance,
    Reference,
    Scenario,
)
from common.errors import InvalidRequestError

SEED = 42
BRACKETS = [("(", ")"), ("[", "]"), ("{", "}"), ("<", ">")]
CLOSERS = dict(BRACKETS)
WRAP_PROBABILITY, JOIN_PROBABILITY = 0.5, 0.25
MAX_DEPTH = 100
MAX_PART_LENGTH = 100
MAX_NUM_CLOSERS = 3
# Split → number of instances, and bounds of the length of the whole word.
CORPORA = {TRAIN_SPLIT: (3, 4, 50), TEST_SPLIT: (500, 52, 100)}


class DyckLanguageScenario(Scenario):
    """One instance per drawn word; its reference is the one to three brackets cut off its end.

    Example: `< [ [ [ < [ ] > ] ]` → ` ] >`

    Args:
        num_parenthesis_pairs: Kinds of brackets, 1 to 4, in the order `()`, `[]`, `{}`, `<>`.
    """

    name = "dyck_language"
    description = "Completion of well-nested bracket sequences"
    tags = ["reasoning", "language", "hierarchy"]

    def __init__(self, num_parenthesis_pairs: int) -> None:
        if num_parenthesis_pairs not in range(1, len(BRACKETS) + 1):
            raise InvalidRequestError(
                f"dyck_language: num_parenthesis_pairs={num_parenthesis_pairs!r} is not a whole "
                f"number from 1 to {len(BRACKETS)}"
            )
        self._num_kinds = int(num_parenthesis_pairs)

    def get_instances(self, output_path: Path) -> list[Instance]:
        grammar = _Grammar(self._num_kinds)
        seen: set[str] = set()
        instances = []
        for split, (num_instances, min_length, max_length) in CORPORA.items():
            for _ in range(num_instances):
                prefix = grammar.draw_prefix(min_length, max_length, seen)
                seen.add(prefix)
                output = "".join(f" {closer}" for closer in _missing_closers(prefix))
                instances.append(
                    Instance(" ".join(prefix), [Reference(output, [CORRECT_TAG])], split)
                )
        return instances


class _Grammar:
    """Draws words of the grammar S → ( S ) | S S | nothing."""

    def __init__(self, num_kinds: int) -> None:
        self._rng = Random(SEED)
        self._brackets = _draw_brackets(num_kinds)

    def draw_prefix(self, min_length: int, max_length: int, exclude: set[str]) -> str:
        """Draw words till one gives a prefix not in `exclude` that lacks 1 to 3 closers."""
        while True:
            word = self._draw_word(0, max_length)
            if len(word) < min_length:
                continue
            prefix = _cut(word, self._rng.randint(1, MAX_NUM_CLOSERS))
            if prefix and prefix not in exclude:
                return prefix

    def _draw_word(self, depth: int, max_length: int = MAX_PART_LENGTH) -> str:
        if depth > MAX_DEPTH:
            return ""
        draw = self._rng.random()
        if draw < WRAP_PROBABILITY:
            opener, closer = next(self._brackets)
            word = opener + self._draw_word(depth + 1) + closer
        elif draw < WRAP_PROBABILITY + JOIN_PROBABILITY:
            word = self._draw_word(depth) + self._draw_word(depth)
        else:
            word = ""
        return word if len(word) <= max_length else ""


def _draw_brackets(num_kinds: int) -> Iterator[tuple[str, str]]:
    """Pairs of brackets without end. Drawn by the thousand: one by one takes six times as long."""
    rng = np.random.RandomState(SEED)
    while True:
        for kind in rng.randint(num_kinds, size=1000).tolist():
            yield BRACKETS[kind]


def _cut(word: str, num_closers: int) -> str:
    """The longest prefix of `word` that lacks `num_closers` closers; empty if there is none."""
    num_open = 0
    for index in reversed(range(len(word))):
        num_open += -1 if word[index] in CLOSERS else 1
        if num_open == num_closers:
            return word[:index]
    return ""


def _missing_closers(prefix: str) -> list[str]:
    open_brackets: list[str] = []
    for bracket in prefix:
        if bracket in CLOSERS:
            open_brackets.append(bracket)
        else:
            open_brackets.pop()
    return [CLOSERS[bracket] for bracket in reversed(open_brackets)]
