"""Scores of one predicted text against one gold text; a missing prediction is as bad as any.

Definitions are those of the reference system (HELM, 2022, https://arxiv.org/abs/2211.09110).
"""

import re
import string
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from benchmark.metrics.bleu_metrics import bleu_1, bleu_4
from benchmark.metrics.math_metrics import math_equiv, math_equiv_chain_of_thought
from benchmark.metrics.rouge_metrics import rouge_1, rouge_2, rouge_l
from common.errors import UnknownNameError

ARTICLES = re.compile(r"\b(a|an|the)\b")
DELETE_PUNCTUATION = str.maketrans("", "", string.punctuation)
NO_ELEMENTS = "Nothing."
MAX_REMEMBERED_CHARACTERS = 256
MAX_DIFFERENCE = 10**50  # beyond it, sums of squares overflow


def normalize_text(text: str) -> str:
    """Lower-case words of `text` without ASCII punctuation and articles, one space apart.

    Punctuation is deleted, not replaced: "3.5" becomes "35" and "A-the" becomes "athe".

    Source: the QuAC scorer, https://s3.amazonaws.com/my89public/quac/scorer.py, after SQuAD's.
    """
    if len(text) > MAX_REMEMBERED_CHARACTERS:
        return _normalize(text)
    return _normalize_remembered(text)


def exact_match(gold: str, pred: str | None) -> float:
    """1 if the texts are equal but for white space around them; 0 if `pred` is empty."""
    if not pred:
        return 0.0
    return float(gold.strip() == pred.strip())


def quasi_exact_match(gold: str, pred: str | None) -> float:
    """1 if the normalised texts are equal; 0 if `pred` is empty.

    Texts of nothing but articles and punctuation are all equal, so "the" matches "a".
    """
    if not pred:
        return 0.0
    return float(normalize_text(gold) == normalize_text(pred))


def prefix_exact_match(gold: str, pred: str | None) -> float:
    """1 if `pred` starts with `gold`, both stripped; 0 if `pred` is empty.

    An empty gold text is a prefix of everything; it matches only an empty prediction.
    """
    if not pred:
        return 0.0
    return float(_starts_with(pred.strip(), gold.strip()))


def quasi_prefix_exact_match(gold: str, pred: str | None) -> float:
    """As `prefix_exact_match`, on normalised texts: a gold "A" normalises to an empty one."""
    if not pred:
        return 0.0
    return float(_starts_with(normalize_text(pred), normalize_text(gold)))


def exact_match_indicator(gold: str, pred: str | None, indicator: str = " ") -> float:
    """`exact_match` of what follows the last `indicator` in each: by default the last words."""
    if not pred:
        return 0.0
    return exact_match(gold.split(indicator)[-1], pred.split(indicator)[-1].strip())


def f1_score(gold: str, pred: str | None) -> float:
    """F1 between the *sets* of normalised words (repeats do not count); 0 if either is empty.

    Source: the QuAC scorer has it over bags of words, the reference system over sets.
    """
    if not pred:
        return 0.0
    gold_words, pred_words = set(normalize_text(gold).split()), set(normalize_text(pred).split())
    num_common = len(gold_words & pred_words)
    return 2 * num_common / (len(gold_words) + len(pred_words)) if num_common else 0.0


def exact_set_match(gold: str, pred: str | None) -> float:
    """1 if both texts name the same set.

    "X is a and b." names {a, b} and "Nothing." names no element; of `pred` the first line counts.
    """
    if not pred:
        return 0.0
    return float(_parse_set(gold) == _parse_set(_first_line(pred)))


def iou_set_match(gold: str, pred: str | None) -> float:
    """Size of the sets' intersection over that of their union; sets as in `exact_set_match`.

    An empty gold set scores 1 if the predicted one is empty too, else 0.
    """
    if not pred:
        return 0.0
    gold_set, pred_set = _parse_set(gold), _parse_set(_first_line(pred))
    if not gold_set:
        return float(not pred_set)
    return len(gold_set & pred_set) / len(gold_set | pred_set)


def f1_set_match(gold: str, pred: str | None) -> float:
    """F1 between the sets, as in `exact_set_match`; an empty gold set as in `iou_set_match`."""
    if not pred:
        return 0.0
    gold_set, pred_set = _parse_set(gold), _parse_set(_first_line(pred))
    if not gold_set:
        return float(not pred_set)
    return 2 * len(gold_set & pred_set) / (len(gold_set) + len(pred_set))


def absolute_value_difference(gold: str, pred: str | None) -> float:
    """Distance between two whole numbers, at most 10^50; lower is better.

    Commas are removed. Whatever is no whole number counts as 0, also "3.5" and a missing
    prediction, so an answer without a number may look close: read it beside `exact_match`.
    """
    return float(min(abs(_whole_number(gold) - _whole_number(pred or "")), MAX_DIFFERENCE))


class MatchMetric(NamedTuple):
    """A function of (gold, prediction), which way it is better, and whether it is a share of 1."""

    score: Callable[[str, str | None], float]
    higher_is_better: bool = True
    is_proportion: bool = True


MATCH_METRICS = {
    "exact_match": MatchMetric(exact_match),
    "quasi_exact_match": MatchMetric(quasi_exact_match),
    "prefix_exact_match": MatchMetric(prefix_exact_match),
    "quasi_prefix_exact_match": MatchMetric(quasi_prefix_exact_match),
    "exact_match_indicator": MatchMetric(exact_match_indicator),
    "f1_score": MatchMetric(f1_score),
    "exact_set_match": MatchMetric(exact_set_match),
    "iou_set_match": MatchMetric(iou_set_match),
    "f1_set_match": MatchMetric(f1_set_match),
    "math_equiv": MatchMetric(math_equiv),
    "math_equiv_chain_of_thought": MatchMetric(math_equiv_chain_of_thought),
    "rouge-1": MatchMetric(rouge_1),
    "rouge-2": MatchMetric(rouge_2),
    "rouge-l": MatchMetric(rouge_l),
    "bleu_1": MatchMetric(bleu_1),
    "bleu_4": MatchMetric(bleu_4),
    "absolute_value_difference": MatchMetric(
        absolute_value_difference, higher_is_better=False, is_proportion=False
    ),
}


def match_metric(name: str) -> MatchMetric:
    """Return the metric called `name`.

    Raises:
        UnknownNameError: There is none; the nearest name is suggested.
    """
    if name not in MATCH_METRICS:
        raise UnknownNameError("metric", name, MATCH_METRICS)
    return MATCH_METRICS[name]


def _normalize(text: str) -> str:
    without_punctuation = text.lower().translate(DELETE_PUNCTUATION)
    words = without_punctuation.split()
    if "".join(words).isalnum():  # words end at white space only: most texts, in half the time
        return " ".join([word for word in words if word not in ("a", "an", "the")])
    return " ".join(ARTICLES.sub(" ", without_punctuation).split())


# Golds and short answers come again and again; long ones do not, and would hold memory.
_normalize_remembered = lru_cache(maxsize=8192)(_normalize)


def _starts_with(text: str, prefix: str) -> bool:
    return text.startswith(prefix) if prefix else not text


def _first_line(text: str) -> str:
    return text.split("\n", maxsplit=1)[0]


def _parse_set(text: str) -> set[str]:
    if text == NO_ELEMENTS:
        return set()
    return set(text.replace(".", "").split(" is ")[-1].split(" and "))


def _whole_number(text: str) -> int:
    try:
        return int(text.replace(",", ""))
    except ValueError:  # no number, or thousands of digits
        return 0
