"""Requests of a run beside those that are made again: which are others, and where the first is."""

from collections.abc import Iterator

from benchmark.adapters.request_state import RequestState
from benchmark.provenance import parameters_of
from benchmark.state_key import StateKey
from common.canonical_json import canonical_json

# The place of a request in the run, the place of its instance, the request.
Placed = tuple[int, int, RequestState]
Asked = tuple[StateKey | None, str]

_EXCERPT = 60
_BEFORE = 20


class Mismatches:
    """Counts requests that differ, and keeps the first."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._num_compared = self._num_other = 0
        self._example = ""

    def compare(self, state: RequestState, then: Asked, now: Asked) -> None:
        """Compare what a request is for, and a text of it."""
        self._num_compared += 1
        if then == now:
            return
        if self._num_other == 0:
            self._example = f"{state.instance.id}: {_excerpts(then[1], now[1])}"
        self._num_other += 1

    def sentences(self) -> Iterator[str]:
        """Yield what is to be said, if anything is."""
        if self._num_other:
            counts = f"{self._num_other:,} of {self._num_compared:,}"
            yield f"{self._what}: those of {counts} requests are others, such as {self._example}"


def paired(
    stored: Iterator[Placed], derived: Iterator[Placed]
) -> Iterator[tuple[RequestState | None, RequestState | None]]:
    """Yield the states at each place, of which one may be missing; both come in order."""
    then, now = next(stored, None), next(derived, None)
    while then is not None or now is not None:
        place = min(one[0] for one in (then, now) if one is not None)
        has_then = then is not None and then[0] == place
        has_now = now is not None and now[0] == place
        yield (then[2] if then and has_then else None, now[2] if now and has_now else None)
        then = next(stored, None) if has_then else then
        now = next(derived, None) if has_now else now


def prompt_of(state: RequestState) -> str:
    """The prompt, or the messages in its place."""
    messages = state.request.messages
    return state.request.prompt if messages is None else repr(messages)


def parameters_text(state: RequestState) -> str:
    """All else that the request holds."""
    return canonical_json(parameters_of(state.request)).decode()


def _excerpts(then: str, now: str) -> str:
    """Both texts from shortly before the first character that differs."""
    place = next(
        (place for place, (a, b) in enumerate(zip(then, now, strict=False)) if a != b),
        min(len(then), len(now)),
    )
    start = max(0, place - _BEFORE)
    return f"{then[start : start + _EXCERPT]!r} then, {now[start : start + _EXCERPT]!r} now"
