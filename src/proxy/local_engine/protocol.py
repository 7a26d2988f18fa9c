"""What the embedded model's engine is asked and what it answers, as JSON over HTTP.

`POST /complete`: CompletionBody → CompletionAnswer. `POST /tokenize`: list of texts → list of lists
of ids. `POST /pieces`: list of ids → list of Pieces. `GET /health`: Health. An error is a text and
a status.
"""

import msgspec

from common.request import FinishReason, Message

# Stands in the deployment's identity: raise it when an answer to the same body changes.
REVISION = 1
WINDOW = 4096

# Header of `/complete`: how long the answer is waited for.
TIMEOUT_HEADER = "X-Timeout-Seconds"
# How the process ends that was started: 0 when the engine, its orphan, is ready.
EXIT_BAD_MODEL = 3
EXIT_ALREADY_RUNS = 4

# The bytes of a token, each as the character of that number: bytes need not be whole characters.
Piece = str


class CompletionBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request. Its canonical JSON is also what the cache's key is made of.

    `seed` is null where nothing is drawn: at temperature 0.
    """

    prompt: str = ""
    messages: list[Message] | None = None
    max_tokens: int
    num_completions: int = 1
    temperature: float = 0.0
    top_p: float = 1.0
    top_k_per_token: int = 1
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    stop_sequences: list[str] = []
    echo_prompt: bool = False
    seed: int | None = None


class ScoredPiece(msgspec.Struct, frozen=True, array_like=True):
    """A token with its natural log-probability, and the likeliest tokens at its place."""

    piece: Piece
    logprob: float
    candidates: list[tuple[Piece, float]]


class Completion(msgspec.Struct, frozen=True):
    """Generated tokens, up to and with the one that completes a stop sequence, if any."""

    tokens: list[ScoredPiece]
    reason: FinishReason


class CompletionAnswer(msgspec.Struct, frozen=True):
    """All completions; `prompt` holds its tokens if they were asked for."""

    prompt: list[ScoredPiece]
    completions: list[Completion]
    num_prompt_tokens: int
    num_cached_tokens: int  # of the prompt's: remembered, not evaluated again


class Health(msgspec.Struct, frozen=True):
    """`step_seconds` is how long the current step runs, 0 between steps."""

    pid: int
    num_requests: int
    step_seconds: float


class EngineSettings(msgspec.Struct, frozen=True):
    """What an engine is started with, as its only argument."""

    model_path: str
    state_path: str
    life_path: str
    idle_seconds: float
    num_threads: int


class EngineState(msgspec.Struct, frozen=True):
    """Where a running engine is reached; a file that only its owner may read holds it."""

    pid: int
    port: int
    token: str


def to_piece(data: bytes) -> Piece:
    """Return bytes as characters of the same numbers."""
    return data.decode("latin-1")


def from_piece(piece: Piece) -> bytes:
    """Return the bytes that `to_piece` was given."""
    return piece.encode("latin-1")
