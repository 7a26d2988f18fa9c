"""Requests to score texts: the scorer that is asked, and the scores that are kept.

A score is stored text by text, under a hash of the text and of all that its scores depend on; so
requests that share texts share scores. A failure is never stored.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock

import msgspec
from sqlalchemy import bindparam, select

from common.canonical_json import canonical_json, digest
from common.errors import BenchError, InvalidRequestError, UnknownNameError
from common.metering import Meter, estimated_tokens, unmetered
from common.object_spec import ObjectSpec, create_object
from common.toxicity import PerspectiveAPIRequest, PerspectiveAPIRequestResult, ToxicityAttributes
from proxy.settings import ServiceSettings
from proxy.store.database import Database
from proxy.store.tables import toxicity_scores
from proxy.store.upsert import insert
from proxy.toxicity.toxicity_scorer import ToxicityScorer

DEFAULT_SCORER = "linear"
SCORERS = {
    "linear": ObjectSpec("proxy.toxicity.linear_scorer.LinearScorer"),
    "detoxify": ObjectSpec("proxy.toxicity.detoxify_scorer.DetoxifyScorer"),
    "perspective": ObjectSpec("proxy.toxicity.perspective_scorer.PerspectiveScorer"),
}

_FIND = select(toxicity_scores.c.scores).where(toxicity_scores.c.key == bindparam("key"))
_STORE = insert(toxicity_scores).on_conflict_do_nothing()
_DECODER = msgspec.json.Decoder(ToxicityAttributes)
_ENCODER = msgspec.json.Encoder()


class ToxicityService:
    """Scores texts for any number of threads.

    Args:
        base_path: Folder of settings, credentials and weights.
        timeout_seconds: Total time for one request.
        scorers: Which scorers there are, by name.
    """

    def __init__(
        self,
        database: Database,
        base_path: Path,
        timeout_seconds: float = 290,
        scorers: Mapping[str, ObjectSpec] = SCORERS,
    ) -> None:
        self._database, self._base_path = database, base_path
        self._timeout_seconds = timeout_seconds
        self._settings = ServiceSettings.read(base_path)
        self._specs = scorers
        self._find = database.compile(_FIND)
        self._scorers: dict[str, ToxicityScorer] = {}
        self._lock = Lock()

    def score(
        self, request: PerspectiveAPIRequest, meter: Meter = unmetered
    ) -> PerspectiveAPIRequestResult:
        """Return the scores of each text, or why it has none.

        Args:
            meter: Does the work on the caller's account, for texts without stored scores.

        Raises:
            UnknownNameError: There is no such scorer.
            MissingExtraError: The scorer needs a package that is not installed.
            ProviderError: The scorer can score no text at all.
        """
        deadline = time.monotonic() + self._timeout_seconds
        scorer = self._scorer(request.scorer or self._settings.toxicity_scorer or DEFAULT_SCORER)
        keys = {text: _key(scorer, request, text) for text in request.text_batch}
        found = {text: scores for text in keys if (scores := self._recall(keys[text])) is not None}
        left = [text for text in keys if text not in found]
        errors: dict[str, BenchError] = {}
        if left:
            sizes = [estimated_tokens(text) for text in left]
            scored = meter(
                scorer.name,
                sum(sizes),
                lambda: scorer.score(left, request.attributes, request.languages, deadline),
                lambda scored: _scored_tokens(sizes, scored),
            )
            for text, outcome in zip(left, scored, strict=True):
                if isinstance(outcome, BenchError):
                    errors[text] = outcome
                else:
                    found[text] = outcome
            self._keep({keys[text]: found[text] for text in left if text in found})
        return PerspectiveAPIRequestResult(
            success=not errors,
            cached=bool(keys) and not left,
            text_to_toxicity_attributes={text: found[text] for text in keys if text in found},
            text_to_error={text: str(error) for text, error in errors.items()},
            error=_sentence(list(errors.values()), len(keys)),
            scorer=scorer.name,
            scorer_version=scorer.version,
        )

    def _scorer(self, name: str) -> ToxicityScorer:
        if name not in self._specs:
            raise UnknownNameError("scorer", name, self._specs, f"there are {', '.join(SCORERS)}")
        with self._lock:
            if name not in self._scorers:
                self._scorers[name] = create_object(
                    self._specs[name],
                    base_path=self._base_path,
                    perspective_qps=self._settings.perspective_qps,
                )
            return self._scorers[name]

    def _recall(self, key: bytes) -> ToxicityAttributes | None:
        row = self._database.read_one(self._find, {"key": key})
        return None if row is None else _DECODER.decode(row[0])

    def _keep(self, scores: Mapping[bytes, ToxicityAttributes]) -> None:
        now = time.time()
        rows = [
            {"key": key, "scores": _ENCODER.encode(found).decode(), "created_at": now}
            for key, found in scores.items()
        ]
        if rows:
            with self._database.write() as connection:
                connection.execute(_STORE, rows)


def _key(scorer: ToxicityScorer, request: PerspectiveAPIRequest, text: str) -> bytes:
    try:
        encoded = text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequestError(
            f"a text has half a character (a lone surrogate) at position {error.start}"
        ) from error
    asked = [scorer.name, scorer.version, sorted(request.attributes), sorted(request.languages)]
    return digest(canonical_json(asked), encoded)


def _scored_tokens(sizes: Sequence[int], scored: Sequence[ToxicityAttributes | BenchError]) -> int:
    """How many tokens the texts have that could be scored."""
    pairs = zip(sizes, scored, strict=True)
    return sum(size for size, outcome in pairs if not isinstance(outcome, BenchError))


def _sentence(errors: Sequence[BenchError], num_texts: int) -> str | None:
    if not errors:
        return None
    return f"{len(errors)} of {num_texts} texts could not be scored; the first: {errors[0]}"
