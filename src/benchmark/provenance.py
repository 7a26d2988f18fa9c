"""What a run was made of and with: data files, prompts, parameters, who answered, code, packages.

It stands in `run_spec.json` beside the run's record. The record decides whether a run may be gone
on with; this only tells, so a newer version goes on with an older one's run.
"""

import hashlib
from collections.abc import Iterator

import msgspec
from msgspec.structs import asdict, replace

from benchmark.adapters.request_state import RequestState
from benchmark.state_key import state_key
from common.canonical_json import canonical_json
from common.request import Request

_ENCODER = msgspec.json.Encoder(order="deterministic")
_PLAIN = asdict(Request())

# The place of a request in the run, the place of its instance, the request.
_Placed = tuple[int, int, RequestState]


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing in it depends on time or machine; what is null is known at the end of a run.

    Args:
        data_files: SHA-256 of each file that was fetched, by its URL; of an archive, as fetched.
        code: Kind of code → module → SHA-256 of its source and of the data files that it names.
        packages: Version of Python and of each package that this code imports.
        prompts_sha256: Over all prompts, with what each of them is for, in the order of the run.
        parameters_sha256: Over all else that the requests hold.
        served_models: What the providers said had answered.
    """

    data_files: dict[str, str]
    code: dict[str, dict[str, str]]
    packages: dict[str, str]
    prompts_sha256: str | None = None
    parameters_sha256: str | None = None
    served_models: list[str] | None = None


class RequestsHash:
    """Hashes requests that pass through it, in the order of the run."""

    def __init__(self) -> None:
        self._prompts, self._parameters = hashlib.sha256(), hashlib.sha256()
        self._served: set[str] = set()
        self._known: dict[bytes, bytes] = {}

    def watch(self, states: Iterator[_Placed]) -> Iterator[_Placed]:
        """Yield `states` as they are."""
        for placed in states:
            self.add(placed[2])
            yield placed

    def add(self, state: RequestState) -> None:
        """Take one request, and who answered it."""
        request = state.request
        _add(self._prompts, _ENCODER.encode([state_key(state), request.prompt, request.messages]))
        _add(self._parameters, self._parameters_of(request))
        if state.result is not None and state.result.served_model is not None:
            self._served.add(state.result.served_model)

    def completed(self, provenance: Provenance) -> Provenance:
        """Return `provenance` with what has passed."""
        return replace(
            provenance,
            prompts_sha256=self._prompts.hexdigest(),
            parameters_sha256=self._parameters.hexdigest(),
            served_models=sorted(self._served),
        )

    def _parameters_of(self, request: Request) -> bytes:
        # Few sets of parameters stand in a run, so each is turned into JSON once.
        key = _ENCODER.encode(replace(request, prompt="", messages=None))
        if key not in self._known:
            self._known[key] = canonical_json(parameters_of(request))
        return self._known[key]


def parameters_of(request: Request) -> dict[str, object]:
    """Return what a request holds beside its prompt, without fields that have their default.

    So a field that is added to requests later changes no hash of those that do not use it.
    """
    return {
        name: value
        for name, value in asdict(request).items()
        if name not in ("prompt", "messages") and value != _PLAIN[name]
    }


def _add(sha: "hashlib._Hash", part: bytes) -> None:
    sha.update(len(part).to_bytes(8, "big"))
    sha.update(part)
