"""Tests of the Perspective scorer, over a real socket."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from common.errors import (
    BenchError,
    CredentialsError,
    InvalidRequestError,
    ModelNotFoundError,
    RejectedError,
    UnavailableError,
)
from common.toxicity import ATTRIBUTES, ToxicityAttributes
from proxy.toxicity.perspective_scorer import MAX_TEXT_BYTES, PerspectiveScorer
from scripted_server import Received, Reply, ScriptedServer

KEY = "a-secret-key-of-perspective"


def scores(first: float = 0.75) -> dict[str, Any]:
    """An answer with two sentences, of which the first has `first`."""
    spans = [{"begin": 0, "score": {"value": first}}, {"begin": 9, "score": {"value": 0.125}}]
    toxicity = {"spanScores": spans, "summaryScore": {"value": 0.5, "type": "PROBABILITY"}}
    return {"attributeScores": {"TOXICITY": toxicity}, "languages": ["en"]}


def rejected(message: str, status: int = 400) -> Reply:
    return Reply({"error": {"code": status, "message": message}}, status=status)


class Scene:
    """A scorer, and the server that it asks."""

    def __init__(self, folder: Path, server: ScriptedServer, rate: float = 1000) -> None:
        (folder / "credentials.conf").write_text(f'perspectiveApiKey = "{KEY}"')
        self.server = server
        self.scorer = PerspectiveScorer(folder, perspective_qps=rate, base_url=server.url)

    def score(self, *texts: str, seconds: float = 30) -> list[ToxicityAttributes | BenchError]:
        return self.scorer.score(texts, ATTRIBUTES, ["en"], time.monotonic() + seconds)

    def fail(self, text: str = "a") -> BenchError:
        [found] = self.score(text)
        assert isinstance(found, BenchError)
        return found


def by_text(replies: dict[str, Reply]) -> Callable[[Received], Reply]:
    """Answer each text with its reply, others with scores."""

    def reply(request: Received) -> Reply:
        return replies.get(request.json["comment"]["text"], Reply(scores()))

    return reply


def test_the_score_of_the_first_span_counts(tmp_path: Path) -> None:
    with ScriptedServer([Reply(scores(0.75))]) as server:
        assert Scene(tmp_path, server).score("You fool. Hello.") == [
            ToxicityAttributes(toxicity_score=0.75)
        ]
    [asked] = server.received
    assert asked.path == "/v1alpha1/comments:analyze"
    assert asked.headers["x-goog-api-key"] == KEY
    assert asked.json == {
        "comment": {"text": "You fool. Hello."},
        "requestedAttributes": {name: {} for name in ATTRIBUTES},
        "languages": ["en"],
        "spanAnnotations": True,
        "doNotStore": True,
    }


def test_without_spans_the_summary_counts(tmp_path: Path) -> None:
    answer = {"attributeScores": {"INSULT": {"summaryScore": {"value": 0.5}}}}
    with ScriptedServer([Reply(answer)]) as server:
        assert Scene(tmp_path, server).score("a") == [ToxicityAttributes(insult_score=0.5)]


def test_a_text_that_fails_leaves_the_others_alone(tmp_path: Path) -> None:
    replies = {
        "bad": rejected("Attribute THREAT does not support request languages: th"),
        "good": Reply(scores(0.25)),
    }
    with ScriptedServer(by_text(replies)) as server:
        bad, good, other = Scene(tmp_path, server).score("bad", "good", "other")
    assert isinstance(bad, RejectedError)
    assert "does not support request languages: th" in str(bad)
    assert good == ToxicityAttributes(toxicity_score=0.25)
    assert other == ToxicityAttributes(toxicity_score=0.75)


@pytest.mark.parametrize("text", ["", " \n", "é" * (MAX_TEXT_BYTES // 2 + 1)])
def test_what_would_be_refused_is_not_asked(tmp_path: Path, text: str) -> None:
    with ScriptedServer([Reply(scores())]) as server:
        scene = Scene(tmp_path, server)
        assert isinstance(scene.fail(text), InvalidRequestError)
        assert scene.score("é" * (MAX_TEXT_BYTES // 2)) == [ToxicityAttributes(toxicity_score=0.75)]
    assert len(server.received) == 1


def test_a_rate_limit_is_waited_for(tmp_path: Path) -> None:
    busy = Reply({"error": {"message": "Quota exceeded"}}, status=429, headers={"Retry-After": "0"})
    with ScriptedServer([busy, Reply(scores())]) as server:
        assert Scene(tmp_path, server).score("a") == [ToxicityAttributes(toxicity_score=0.75)]
    assert len(server.received) == 2


def test_no_wait_goes_beyond_the_deadline(tmp_path: Path) -> None:
    busy = Reply({"error": {"message": "Quota"}}, status=429, headers={"Retry-After": "3600"})
    with ScriptedServer([busy]) as server:
        [found] = Scene(tmp_path, server).score("a", seconds=5)
    assert isinstance(found, BenchError)
    assert found.code == "provider_rate_limit"
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("reply", "kind", "message"),
    [
        (rejected("API key not valid. Please pass"), CredentialsError, "API key not valid"),
        (rejected("No permission", 403), CredentialsError, "ends on 2026-12-31"),
        (rejected("Not found.", 404), ModelNotFoundError, "ends on 2026-12-31"),
    ],
    ids=["key", "permission", "gone"],
)
def test_what_all_texts_would_meet_ends_the_request(
    tmp_path: Path, reply: Reply, kind: type[BenchError], message: str
) -> None:
    with ScriptedServer([reply]) as server:
        scene = Scene(tmp_path, server)
        with pytest.raises(kind, match=message) as raised:
            scene.score("a", "b")
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"", b"{}", b"[]", b'{"attributeScores": {"TOXICITY": {"spanScores": 1}}}'],
    ids=["html", "empty", "nothing", "list", "type"],
)
def test_garbage_is_an_error_of_its_text(tmp_path: Path, body: bytes) -> None:
    with ScriptedServer([Reply(body)]) as server:
        assert isinstance(Scene(tmp_path, server).fail(), UnavailableError)


def test_a_missing_key_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PERSPECTIVE_API_KEY", raising=False)
    with pytest.raises(CredentialsError, match="there is no perspectiveApiKey"):
        PerspectiveScorer(tmp_path).score(["a"], ATTRIBUTES, ["en"], time.monotonic() + 1)


def test_all_of_an_installation_share_one_rate(tmp_path: Path) -> None:
    with ScriptedServer([Reply(scores())]) as server:
        # As two processes, they share nothing but the folder.
        scenes = [Scene(tmp_path, server, rate=5) for _ in range(2)]
        began = time.monotonic()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda scene: scene.score("a", "b", "c", "d"), scenes))
        assert time.monotonic() - began >= 0.55  # five at once, three more
    assert len(server.received) == 8
