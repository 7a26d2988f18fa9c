"""Toxicity by the Perspective API of Google and Jigsaw, which ends on 2026-12-31.

API reference: https://developers.perspectiveapi.com/s/about-the-api-methods
"""

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import msgspec

from common.errors import (
    BenchError,
    CredentialsError,
    InvalidRequestError,
    ModelNotFoundError,
    ProviderError,
    RejectedError,
    UnavailableError,
)
from common.token_text import text_bytes
from common.toxicity import Attribute, ToxicityAttributes, to_attributes
from proxy.credentials import Credentials
from proxy.http import Http
from proxy.toxicity.toxicity_scorer import ToxicityScorer
from proxy.toxicity.turns import Turns

TURNS_NAME = "perspective_scorer.turns"
MAX_TEXT_BYTES = 20_480  # the API's own limit
_BASE_URL = "https://commentanalyzer.googleapis.com"
_PATH = "/v1alpha1/comments:analyze"
_END = "the Perspective API ends on 2026-12-31: name another scorer, such as linear"
_KEY_REFUSED = "API key not valid"  # with status 400
_NUM_THREADS = 8
_MAX_ATTEMPTS = 6
_FIRST_WAIT_SECONDS = 0.5
_MAX_WAIT_SECONDS = 30.0


class _Score(msgspec.Struct):
    value: float


class _Span(msgspec.Struct):
    score: _Score


class _AttributeScores(msgspec.Struct, rename="camel"):
    span_scores: list[_Span] = []
    summary_score: _Score | None = None


class _Answer(msgspec.Struct, rename="camel"):
    attribute_scores: dict[Attribute, _AttributeScores] = {}


class PerspectiveScorer(ToxicityScorer):
    """All eight attributes: the share of readers who would say that the text has it.

    The score of an attribute is that of the first span, as in the reference system: of the first
    sentence, where the API scores sentences apart. A text of more than 20,480 bytes is refused.

    Args:
        base_path: Folder of the credentials, which hold `perspectiveApiKey`.
        perspective_qps: Calls a second, of all processes with this `base_path` together.
        base_url: Where the API is.
        draws: Where the jitter of waits comes from.
    """

    name = "perspective"
    version = "v1alpha1"

    def __init__(
        self,
        base_path: Path,
        perspective_qps: float = 1.0,
        base_url: str = _BASE_URL,
        draws: random.Random | None = None,
    ) -> None:
        self._credentials, self._base_url = Credentials(base_path), base_url
        self._turns = Turns(base_path / TURNS_NAME, perspective_qps)
        self._draws = draws or random.Random()
        self._http: Http | None = None

    def score(
        self,
        texts: Sequence[str],
        attributes: Sequence[Attribute],
        languages: Sequence[str],
        deadline: float,
    ) -> list[ToxicityAttributes | BenchError]:
        if self._http is None:
            key = self._credentials.require("perspectiveApiKey")
            # In a header: a URL is what servers and proxies write into their logs.
            self._http = Http(self._base_url, {"X-Goog-Api-Key": key})
        asked: dict[str, object] = {
            "requestedAttributes": {name: {} for name in attributes},
            "languages": list(languages),
            "spanAnnotations": True,
            "doNotStore": True,
        }
        score_one = partial(self._score_one, self._http, asked, deadline)
        with ThreadPoolExecutor(min(_NUM_THREADS, len(texts) or 1)) as pool:
            futures = [pool.submit(score_one, text) for text in texts]
            try:
                return [future.result() for future in futures]
            finally:
                # After an error that all texts would meet.
                pool.shutdown(cancel_futures=True)

    def _score_one(
        self, http: Http, asked: dict[str, object], deadline: float, text: str
    ) -> ToxicityAttributes | BenchError:
        refusal = _refusal(text)
        if refusal is not None:
            return InvalidRequestError(refusal)
        try:
            body = msgspec.json.encode({"comment": {"text": text}, **asked})
            return _read(http, self._ask(http, body, deadline))
        except (CredentialsError, ModelNotFoundError) as error:
            # Every other text would meet the same.
            raise type(error)(f"{error}; {_END}") from error
        except RejectedError as error:
            if _KEY_REFUSED in str(error):
                raise CredentialsError(str(error)) from error
            return error
        except ProviderError as error:
            return error

    def _ask(self, http: Http, body: bytes, deadline: float) -> bytes:
        longest = _FIRST_WAIT_SECONDS
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            self._turns.take(deadline - time.monotonic())
            try:
                return http.post(_PATH, body, deadline)
            except ProviderError as error:
                wait = max(self._draws.uniform(0, longest), error.retry_after or 0)
                is_last = attempt == _MAX_ATTEMPTS or time.monotonic() + wait >= deadline
                if not error.is_retryable or is_last:
                    raise
            time.sleep(wait)
            longest = min(2 * longest, _MAX_WAIT_SECONDS)
        raise AssertionError("the last attempt returns or raises")


def _refusal(text: str) -> str | None:
    """Why the API would refuse `text`, told without asking it."""
    if not text.strip():
        return "the Perspective API scores no empty text"
    if len(text_bytes(text)) > MAX_TEXT_BYTES:
        return f"the text has more than {MAX_TEXT_BYTES:,} bytes, the Perspective API's limit"
    return None


def _read(http: Http, answer: bytes) -> ToxicityAttributes:
    try:
        parsed = msgspec.json.decode(answer, type=_Answer)
    except ValueError as error:
        raise UnavailableError(
            f"{http.host} answered what are no scores ({error}): {http.words(answer)}"
        ) from error
    scores: dict[Attribute, float] = {}
    for name, found in parsed.attribute_scores.items():
        score = found.span_scores[0].score if found.span_scores else found.summary_score
        if score is not None:
            scores[name] = score.value
    if not scores:
        raise UnavailableError(f"{http.host} answered without scores: {http.words(answer)}")
    return to_attributes(scores)
