"""Requests to tokenizers, answered once: the same one again comes out of memory."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

import msgspec

from common.errors import InvalidRequestError
from common.metering import Meter, estimated_tokens, unmetered
from common.token_text import text_bytes
from common.tokenization import (
    DecodeRequest,
    DecodeRequestResult,
    TokenizationRequest,
    TokenizationRequestResult,
    TokenizationToken,
)
from proxy.tokenizers.tokenizer import SplitText, Tokenizer

MAX_BYTES = 32 * 2**20
# What Python needs for an answer, about: beside its text, and for each token.
_ANSWER_BYTES = 500
_TOKEN_BYTES = 150

_ENCODER = msgspec.json.Encoder()

# English punctuation as the libraries' decoders tidy it: " ." becomes ".".
_CLEAN_UP = [
    *[(f" {mark}", mark) for mark in ".?!,"],
    (" ' ", "'"),
    *[(f" {ending}", ending) for ending in ("n't", "'m", "'s", "'ve", "'re")],
]

Answer = TokenizationRequestResult | DecodeRequestResult


class TokenizerAnswers:
    """Answers the requests of any number of threads, each by its tokenizer.

    Args:
        find: The tokenizer of a name.
        max_bytes: Bound on the memory for answers, about; those not asked for longest go first.
    """

    def __init__(self, find: Callable[[str], Tokenizer], max_bytes: int = MAX_BYTES) -> None:
        self._find, self._max_bytes = find, max_bytes
        self._answers: OrderedDict[bytes, tuple[Answer, int]] = OrderedDict()
        self._num_bytes = 0
        self._lock = Lock()

    def tokenize(
        self, request: TokenizationRequest, meter: Meter = unmetered
    ) -> TokenizationRequestResult:
        """Split a text; errors are those of the tokenizer.

        Args:
            meter: Does the work on the caller's account, where there is no answer yet.

        Raises:
            InvalidRequestError: The text holds half of a character.
        """
        key = _key(request)
        found = self._recall(key)
        if isinstance(found, TokenizationRequestResult):
            return found
        started = time.monotonic()
        split = meter(
            request.tokenizer,
            estimated_tokens(request.text),
            lambda: self._split(request),
            lambda split: len(split.tokens),
        )
        result = TokenizationRequestResult(
            success=True,
            cached=False,
            text=split.text,
            tokens=split.tokens,
            request_time=time.monotonic() - started,
        )
        num_bytes = len(text_bytes(split.text)) + _TOKEN_BYTES * len(split.tokens)
        self._keep(key, msgspec.structs.replace(result, cached=True), num_bytes)
        return result

    def decode(self, request: DecodeRequest, meter: Meter = unmetered) -> DecodeRequestResult:
        """Turn ids into text; errors are those of the tokenizer.

        Args:
            meter: As for `tokenize`.
        """
        key = _key(request)
        found = self._recall(key)
        if isinstance(found, DecodeRequestResult):
            return found
        started = time.monotonic()
        num_tokens = len(request.tokens)
        text = meter(
            request.tokenizer,
            num_tokens,
            lambda: self._find(request.tokenizer).decode(request.tokens),
            lambda _: num_tokens,
        )
        if request.clean_up_tokenization_spaces:
            text = clean_up(text)
        taken = time.monotonic() - started
        result = DecodeRequestResult(success=True, cached=False, text=text, request_time=taken)
        self._keep(key, msgspec.structs.replace(result, cached=True), len(text_bytes(text)))
        return result

    def _split(self, request: TokenizationRequest) -> SplitText:
        tokenizer = self._find(request.tokenizer)
        return _encode(tokenizer, request) if request.encode else tokenizer.split(request.text)

    def _recall(self, key: bytes) -> Answer | None:
        with self._lock:
            found = self._answers.get(key)
            if found is None:
                return None
            self._answers.move_to_end(key)
            return found[0]

    def _keep(self, key: bytes, answer: Answer, num_bytes: int) -> None:
        num_bytes += _ANSWER_BYTES
        if num_bytes > self._max_bytes:
            return
        with self._lock:
            if key in self._answers:  # another thread was quicker
                return
            self._answers[key] = answer, num_bytes
            self._num_bytes += num_bytes
            while self._num_bytes > self._max_bytes:
                self._num_bytes -= self._answers.popitem(last=False)[1][1]


def clean_up(text: str) -> str:
    """Return `text` without the spaces that stand before punctuation and contracted endings."""
    for before, after in _CLEAN_UP:
        text = text.replace(before, after)
    return text


def _encode(tokenizer: Tokenizer, request: TokenizationRequest) -> SplitText:
    ids = tokenizer.encode(request.text)
    if request.truncation:
        ids = ids[: request.max_length]
    return SplitText(request.text, [TokenizationToken(value) for value in ids])


def _key(request: TokenizationRequest | DecodeRequest) -> bytes:
    try:
        encoded = _ENCODER.encode(request)
    except UnicodeEncodeError as error:
        raise InvalidRequestError(
            f"the text has half a character (a lone surrogate) at position {error.start}"
        ) from error
    # The names of the fields tell the two kinds of request apart.
    return hashlib.sha256(encoded).digest()
