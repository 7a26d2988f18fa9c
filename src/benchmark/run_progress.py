"""What a run under way notes of itself in its states file, for those who watch it."""

import msgspec

PROGRESS = "progress"  # its key among the notes


class RunProgress(msgspec.Struct, frozen=True, kw_only=True):
    """What the answers themselves do not tell. Times are in seconds since the epoch.

    `num_resumed` requests were answered before the run was started (again) at `began_at`; tokens,
    hits of the cache and `cost` in US dollars are of those since then. `cost` is null for a model
    without known prices.
    """

    began_at: float
    noted_at: float
    num_resumed: int
    num_cached: int
    num_tokens: int
    cost: float | None


def read_progress(text: str | None) -> RunProgress | None:
    """Return what was noted; None if nothing was, or by a version that notes otherwise."""
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=RunProgress)
    except msgspec.MsgspecError:
        return None
