"""Tests of scores, candidates and draws."""

import math

import numpy as np
import pytest

from proxy.local_engine.sampling import Sampler, candidates, log_normalizer, logprob_of

LOGITS = np.array([1.0, 3.0, 2.0, 3.0, -50.0], np.float32)


def test_log_probabilities_are_those_of_a_softmax() -> None:
    normalizer = log_normalizer(LOGITS)
    total = sum(math.exp(float(logit)) for logit in LOGITS)
    assert logprob_of(LOGITS, 2, normalizer) == pytest.approx(2 - math.log(total), abs=1e-6)
    certain = np.array([0.0, 200.0], np.float32)
    assert logprob_of(certain, 1, log_normalizer(certain)) == 0


def test_equally_likely_candidates_come_by_id() -> None:
    normalizer = log_normalizer(LOGITS)
    assert [token for token, _ in candidates(LOGITS, 1, normalizer)] == [1]
    assert [token for token, _ in candidates(LOGITS, 3, normalizer)] == [1, 3, 2]
    assert candidates(LOGITS, 0, normalizer) == []


def test_draws_follow_the_probabilities() -> None:
    sampler = Sampler(1.0, 1.0, 0.0, 0.0, seed=1)
    counts = np.bincount([sampler.choose(LOGITS) for _ in range(4000)], minlength=5)
    assert counts[[1, 3]] / 4000 == pytest.approx([0.399, 0.399], abs=0.03)
    assert counts[4] == 0


def test_top_p_leaves_out_the_unlikely() -> None:
    sampler = Sampler(1.0, 0.75, 0.0, 0.0, seed=1)
    assert {sampler.choose(LOGITS) for _ in range(200)} == {1, 3}
    assert Sampler(1.0, 0.01, 0.0, 0.0, seed=1).choose(LOGITS) == 1


def test_penalties_lower_what_was_chosen() -> None:
    sampler = Sampler(0.0, 1.0, 1.5, 0.0, seed=1)
    assert [sampler.choose(LOGITS) for _ in range(5)] == [1, 3, 2, 1, 1]
    by_count = Sampler(0.0, 1.0, 0.0, 0.75, seed=1)
    assert [by_count.choose(LOGITS) for _ in range(6)] == [1, 3, 1, 3, 2, 1]
