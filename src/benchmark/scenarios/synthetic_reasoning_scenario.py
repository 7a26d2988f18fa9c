"""Synthetic reasoning with abstract symbols: match, apply or find a pattern such as `+ Z = X`.

Generated, after LIME: Wu et al. 2021, https://arxiv.org/abs/2101.06223; no download, no licence.
Size: 5 train, 50 valid and 50 test instances a mode.
"""

from pathlib import Path

import msgspec
import numpy as np

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
PATTERN_MATCH, VARIABLE_SUBSTITUTION, INDUCTION = MODES = [
    "pattern_match",
    "variable_substitution",
    "induction",
]
NUM_DISTRACTORS = 3
RULE_SYMBOLS = ["X", "Y", "Z"]
MATH_SYMBOLS = ["+", "-", "*", "="]
_WORDS = """
    zebra cobra stork penguin shark lion buffalo whale seal eagle horse rat apple peach watermelon
    banana grape kiwi pear strawberry blueberry blackberry
"""
WORDS = _WORDS.split()


class SyntheticReasoningScenario(Scenario):
    """Problems about a pattern and what comes out when words take the place of its variables.

    Examples, of the pattern `+ Z = X`:

        pattern_match          Rules: Z X + = | + Z = X | … | Result: + blueberry = horse
                               → + Z = X
        variable_substitution  Rules: + Z = X | Substitutions: X by " horse " , Z by " blueberry "
                               → + blueberry = horse
        induction              Two results: + blueberry = horse | + blueberry cobra = whale stork
                               → Rule: + Z = X

    Args:
        mode: One of `MODES`: find the pattern that fits a result, apply it, or find it.
    """

    name = "synthetic_reasoning"
    description = "Reasoning about patterns of abstract symbols"
    tags = ["reasoning", "language", "pattern_matching"]

    def __init__(self, mode: str) -> None:
        if mode not in MODES:
            hint = f"its modes: {', '.join(MODES)}"
            raise UnknownNameError("mode of synthetic_reasoning", str(mode), MODES, hint)
        self._mode = mode

    def get_instances(self, output_path: Path) -> list[Instance]:
        rng = np.random.RandomState(SEED)
        return [
            self._make_instance(split, rng)
            for split, num in NUM_INSTANCES.items()
            for _ in range(num)
        ]

    def _make_instance(self, split: str, rng: np.random.RandomState) -> Instance:
        problem = _draw_problem(rng)
        pattern, result = " ".join(problem.pattern), _apply(problem.pattern, problem.substitution)
        if self._mode == PATTERN_MATCH:
            rules = " | ".join(_draw_options(problem, rng))
            text, output = f"Rules: {rules} | Result: {result} ", pattern
        elif self._mode == VARIABLE_SUBSTITUTION:
            pairs = [f'{symbol} by " {words} "' for symbol, words in problem.substitution.items()]
            text, output = f"Rules: {pattern} | Substitutions: {' , '.join(pairs)} ", result
        else:
            second_result = _apply(problem.pattern, problem.second_substitution)
            text, output = f"Two results: {result} | {second_result} ", f"Rule: {pattern}"
        return Instance(text, [Reference(output, [CORRECT_TAG])], split)


class _Problem(msgspec.Struct):
    pattern: list[str]
    symbols: list[str]  # what the pattern is made of, with each variable once
    substitution: dict[str, str]
    second_substitution: dict[str, str]


def _draw_problem(rng: np.random.RandomState) -> _Problem:
    variables = rng.choice(RULE_SYMBOLS, size=rng.randint(2, 4)).tolist()
    operators = rng.choice(MATH_SYMBOLS, size=rng.randint(2, 4)).tolist()
    pattern = variables + operators
    rng.shuffle(pattern)
    distinct = sorted(set(variables))
    return _Problem(
        pattern, distinct + operators, _draw_words(distinct, rng), _draw_words(distinct, rng)
    )


def _draw_words(variables: list[str], rng: np.random.RandomState) -> dict[str, str]:
    return {variable: " ".join(rng.choice(WORDS, size=rng.randint(1, 3))) for variable in variables}


def _draw_options(problem: _Problem, rng: np.random.RandomState) -> list[str]:
    """The pattern among distractors, each the same symbols in another order."""
    options = []
    for _ in range(NUM_DISTRACTORS):
        distractor = problem.symbols.copy()
        rng.shuffle(distractor)
        options.append(" ".join(distractor))
    options.append(" ".join(problem.pattern))
    rng.shuffle(options)
    return options


def _apply(pattern: list[str], substitution: dict[str, str]) -> str:
    return " ".join(substitution.get(symbol, symbol) for symbol in pattern)
