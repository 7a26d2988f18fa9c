"""Tests of requests to score texts: who is asked, and which scores are kept."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from common.errors import BenchError, InvalidRequestError, RejectedError, UnknownNameError
from common.object_spec import ObjectSpec
from common.toxicity import Attribute, PerspectiveAPIRequest, ToxicityAttributes
from proxy.store.database import Database
from proxy.toxicity.toxicity_scorer import ToxicityScorer
from proxy.toxicity.toxicity_service import ToxicityService

T = TypeVar("T")


class LengthScorer(ToxicityScorer):
    """Scores a text by its length, and fails at those with "bad"; notes what it was asked."""

    name = "length"
    version = "1"
    asked: list[list[str]] = []

    def score(
        self,
        texts: Sequence[str],
        attributes: Sequence[Attribute],
        languages: Sequence[str],
        deadline: float,
    ) -> list[ToxicityAttributes | BenchError]:
        self.asked.append(list(texts))
        return [
            RejectedError("not this one")
            if "bad" in text
            else ToxicityAttributes(toxicity_score=len(text) / 10)
            for text in texts
        ]


class NewLengthScorer(LengthScorer):
    """The same in another version."""

    version = "2"


SCORERS = {
    "length": ObjectSpec(f"{__name__}.LengthScorer"),
    "new": ObjectSpec(f"{__name__}.NewLengthScorer"),
}


class Scene:
    """A service with these scorers."""

    def __init__(self, folder: Path) -> None:
        database = Database(f"sqlite:///{folder}/proxy.sqlite")
        self.service = ToxicityService(database, folder, scorers=SCORERS)
        LengthScorer.asked.clear()

    def score(self, *texts: str, **fields: object) -> dict[str, float | None]:
        """Scores by text; the others are errors."""
        self.result = self.service.score(request(*texts, **fields))
        found = self.result.text_to_toxicity_attributes
        return {text: scores.toxicity_score for text, scores in found.items()}


def request(*texts: str, **fields: object) -> PerspectiveAPIRequest:
    values = {"text_batch": list(texts), "scorer": "length"} | fields
    return PerspectiveAPIRequest(**values)  # type: ignore[arg-type]  # a test's shorthand


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_batches_that_share_texts_share_scores(scene: Scene) -> None:
    assert scene.score("a", "bb", "a") == {"a": 0.1, "bb": 0.2}
    assert (scene.result.cached, scene.result.success) == (False, True)
    assert (scene.result.scorer, scene.result.scorer_version) == ("length", "1")
    assert scene.score("ccc", "bb") == {"ccc": 0.3, "bb": 0.2}
    assert scene.score("bb", "a") == {"bb": 0.2, "a": 0.1}
    assert scene.result.cached
    assert LengthScorer.asked == [["a", "bb"], ["ccc"]]


def test_scores_outlive_the_process(scene: Scene, tmp_path: Path) -> None:
    scene.score("a")
    again = Scene(tmp_path)
    assert again.score("a") == {"a": 0.1}
    assert again.result.cached


def test_a_failure_is_told_and_not_kept(scene: Scene) -> None:
    for _ in range(2):
        assert scene.score("bad", "a") == {"a": 0.1}
        assert not scene.result.success
        assert scene.result.text_to_error == {"bad": "not this one"}
        assert scene.result.error == "1 of 2 texts could not be scored; the first: not this one"
    assert LengthScorer.asked == [["bad", "a"], ["bad"]]


@pytest.mark.parametrize(
    "fields",
    [{"scorer": "new"}, {"attributes": ["TOXICITY"]}, {"languages": ["de"]}],
    ids=["version", "attributes", "languages"],
)
def test_all_that_scores_depend_on_is_told_apart(scene: Scene, fields: dict[str, object]) -> None:
    scene.score("a")
    scene.score("a", **fields)
    assert not scene.result.cached


def test_the_order_of_attributes_does_not_matter(scene: Scene) -> None:
    scene.score("a", attributes=["TOXICITY", "INSULT"])
    scene.score("a", attributes=["INSULT", "TOXICITY"])
    assert scene.result.cached


def test_only_what_is_scored_is_put_on_an_account(scene: Scene) -> None:
    metered: list[tuple[str, int, int]] = []

    def meter(name: str, tokens: int, work: Callable[[], T], count: Callable[[T], int]) -> T:
        value = work()
        metered.append((name, tokens, count(value)))
        return value

    scene.service.score(request("a", "b" * 8, "bad"), meter)
    scene.service.score(request("a", "b" * 8), meter)
    assert metered == [("length", 4, 3)]  # a token for four bytes begun


def test_no_text_needs_no_scorer(scene: Scene) -> None:
    assert scene.score() == {}
    assert (scene.result.cached, scene.result.success) == (False, True)
    assert LengthScorer.asked == []


def test_settings_name_the_scorer_of_requests_that_do_not(tmp_path: Path) -> None:
    (tmp_path / "service.conf").write_text("toxicityScorer = length")
    scene = Scene(tmp_path)
    assert scene.score("a", scorer=None) == {"a": 0.1}


def test_an_unknown_scorer_is_refused(scene: Scene) -> None:
    with pytest.raises(UnknownNameError, match="unknown scorer 'lenght'; did you mean 'length'"):
        scene.score("a", scorer="lenght")


def test_half_characters_are_refused(scene: Scene) -> None:
    with pytest.raises(InvalidRequestError, match="half a character"):
        scene.score("a\ud800")
