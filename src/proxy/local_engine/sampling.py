"""From logits to log-probabilities, candidates and the next token."""

import math
import random
from collections import Counter

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float32]

# Shorter to store, and equal on machines whose exponentials differ in the last bits.
_NUM_DIGITS = 6


def log_normalizer(logits: Logits) -> float:
    """Return what is to be subtracted from a logit to get the natural log-probability."""
    highest = logits.max()
    return float(highest) + math.log(float(np.exp(logits - highest).sum(dtype=np.float64)))


def logprob_of(logits: Logits, token: int, normalizer: float) -> float:
    """Return the log-probability of `token`, rounded, at most 0."""
    return min(round(float(logits[token]) - normalizer, _NUM_DIGITS), 0.0)


def candidates(logits: Logits, count: int, normalizer: float) -> list[tuple[int, float]]:
    """Return the `count` likeliest tokens and their log-probabilities, the likeliest first.

    Of two that are equally likely, the one with the lower id comes first.
    """
    if count == 0:
        return []
    if count == 1:
        tokens = [int(logits.argmax())]
    else:
        lowest = np.partition(logits, -count)[-count]
        at_least = np.flatnonzero(logits >= lowest)
        order = np.lexsort((at_least, -logits[at_least]))[:count]
        tokens = at_least[order].tolist()
    return [(token, logprob_of(logits, token, normalizer)) for token in tokens]


class Sampler:
    """Chooses one completion's tokens, one after the other.

    The penalties are OpenAI's: what is subtracted from the logit of a token that this completion
    has `count` times already is `count * frequency_penalty + presence_penalty`.

    Args:
        temperature: 0 chooses the likeliest token.
        top_p: Only the likeliest tokens that together have this probability are drawn from.
        seed: The same seed draws the same tokens.
    """

    def __init__(
        self,
        temperature: float,
        top_p: float,
        presence_penalty: float,
        frequency_penalty: float,
        seed: int,
    ) -> None:
        self._temperature = temperature
        self._top_p = top_p
        self._presence_penalty = presence_penalty
        self._frequency_penalty = frequency_penalty
        self._random = random.Random(seed)
        self._counts: Counter[int] = Counter()

    def choose(self, logits: Logits) -> int:
        """Return the next token."""
        if self._counts and (self._presence_penalty or self._frequency_penalty):
            logits = logits.copy()
            for token, count in self._counts.items():
                logits[token] -= count * self._frequency_penalty + self._presence_penalty
        token = int(logits.argmax()) if self._temperature == 0 else self._draw(logits)
        self._counts[token] += 1
        return token

    def _draw(self, logits: Logits) -> int:
        scaled = (logits - logits.max()).astype(np.float64) / self._temperature
        weights = np.exp(scaled)
        tokens = np.arange(len(weights))
        if self._top_p < 1:
            tokens = np.argsort(-weights, kind="stable")
            weights = weights[tokens]
            total = weights.cumsum()
            kept = int(np.searchsorted(total, self._top_p * total[-1])) + 1
            tokens, weights = tokens[:kept], weights[:kept]
        total = weights.cumsum()
        index = int(np.searchsorted(total, self._random.random() * total[-1], side="right"))
        return int(tokens[min(index, len(tokens) - 1)])
