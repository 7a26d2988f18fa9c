"""Log-probabilities of beginnings of prompts, so that each is computed once."""

from collections import OrderedDict
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

_BLOCK = 16
_MAX_NUMBERS = 1_000_000  # some 130 MB at most


class Scored(NamedTuple):
    """A token, its log-probability, and the likeliest tokens at its place with theirs."""

    token: int
    logprob: float
    candidates: list[tuple[int, float]]


class KeptScores:
    """Scores of beginnings of prompts, in blocks of tokens; the longest unused are dropped."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[bytes, list[Scored]] = OrderedDict()
        self._num_numbers = 0

    def get(self, prompt: list[int], num_candidates: int) -> list[Scored]:
        """Return the scores of the longest beginning of `prompt` that is known."""
        scores: list[Scored] = []
        for key in _block_keys(prompt, num_candidates):
            block = self._blocks.get(key)
            if block is None:
                break
            self._blocks.move_to_end(key)
            scores += block
        return scores

    def add(self, scores: list[Scored], num_candidates: int) -> None:
        """Keep the scores of a whole prompt."""
        size = _BLOCK * (1 + num_candidates)
        keys = _block_keys([item.token for item in scores], num_candidates)
        for number, key in enumerate(keys):
            if key not in self._blocks:
                self._blocks[key] = scores[number * _BLOCK : (number + 1) * _BLOCK]
                self._num_numbers += size
        while self._num_numbers > _MAX_NUMBERS:
            _, block = self._blocks.popitem(last=False)
            self._num_numbers -= _BLOCK * (1 + len(block[-1].candidates))


def _block_keys(tokens: list[int], num_candidates: int) -> list[bytes]:
    """One key for each whole block, made of all tokens up to its end."""
    data = np.array(tokens, np.int32).tobytes()
    size = _BLOCK * np.dtype(np.int32).itemsize
    hasher = blake2b(str(num_candidates).encode(), digest_size=16)
    keys = []
    for start in range(0, len(data) - size + 1, size):
        hasher.update(data[start : start + size])
        keys.append(hasher.copy().digest())
    return keys
