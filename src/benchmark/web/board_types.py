"""The parts of a leaderboard as its page shows it."""

import msgspec

BEST, TIED = "best", "tied"


class View(msgspec.Struct, frozen=True):
    """Which statistics are shown."""

    name: str
    display_name: str


class BoardGroup(msgspec.Struct, frozen=True):
    """A section or a group of runs that can be chosen."""

    name: str
    display_name: str


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A task and a statistic of it; `higher_is_better` is null where neither way is.

    `profile`: how its runs are asked in another way than the plain one; "" where they are not.
    """

    task: str
    display_name: str
    details: str
    section: str
    group: str
    metric: str
    metric_display_name: str
    higher_is_better: bool | None
    is_proportion: bool
    profile: str = ""


class BoardCell(msgspec.Struct, frozen=True, kw_only=True):
    """A run: its score with interval, or how it stands.

    `standing` is "best" or "tied" where the column has a best; tied is what can't be told from it:
    by the paired difference over the same instances if `is_paired`. `bounds` is the score if all
    that is missing were wrong, and if all were right. `is_outdated`: of an older version of the
    metric than another cell of the column, with which it is not compared.
    """

    run: str
    status: str
    mean: float | None = None
    interval: tuple[float, float] | None = None
    standard_error: float | None = None
    n: int | None = None
    num_requests: int | None = None
    num_done: int = 0
    num_errors: int = 0
    num_refused: int = 0
    num_truncated: int = 0
    num_unparsed: int = 0
    bounds: tuple[float, float] | None = None
    is_outdated: bool = False
    updated_at: float = 0.0
    standing: str | None = None
    is_paired: bool = False


class ModelUse(msgspec.Struct, frozen=True):
    """What a request takes on average, over the runs of a row; null where that is not known."""

    num_prompt_tokens: float | None
    num_completion_tokens: float | None
    seconds: float | None


class BoardRow(msgspec.Struct, frozen=True):
    """A model. `win_rate`: of the models it meets in a column, the share that it beats there, as a
    mean over columns; with its interval over them."""

    model: str
    win_rate: float | None
    win_interval: tuple[float, float] | None
    cells: list[BoardCell | None]
    use: ModelUse | None = None


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """The whole table; `left_out` names runs that have no column in this view.

    `updated_at` is when the latest change of a run was, in seconds since the epoch. A table that is
    not complete lacks comparisons by pairs: asked for again, it has more of them.
    """

    suite: str
    view: str
    views: list[View]
    group: str
    groups: list[BoardGroup]
    columns: list[Column]
    rows: list[BoardRow]
    left_out: list[str]
    updated_at: float = 0.0
    is_complete: bool = True
