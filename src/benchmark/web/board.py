"""The leaderboard as its page shows it: models × tasks, who wins how often, and who is as good.

A column is a task with one statistic of it, a cell a run. Runs that are not finished have a cell
that says so. How the columns of a view are found is in `VIEWS` and the registry's stat groups.
"""

import math
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from statistics import NormalDist, fmean

import msgspec

from benchmark.leaderboard import column_label
from benchmark.metric_traits import traits_of
from benchmark.metrics.metric import base_name
from benchmark.metrics.stat import Stat
from benchmark.metrics.statistics import CONFIDENCE, cluster_mean
from benchmark.run_spec import RunSpec
from benchmark.schema import group_of, load_schema, main_stat
from benchmark.web.board_types import (
    BEST,
    TIED,
    Board,
    BoardCell,
    BoardGroup,
    BoardRow,
    Column,
    View,
)
from benchmark.web.model_use import use_of
from benchmark.web.pairing import paired_difference
from benchmark.web.run_files import KnownRun, RunHead, head_of

MAIN_VIEW = "accuracy"
# View → the name of the worst case over perturbations that it shows.
_WORST_CASES = {"robustness": "worst_robustness", "fairness": "worst_fairness"}

# What an answer may spend on reading single values; later pairs are compared by their intervals
# until the table is asked for again: those that were read are remembered.
_PAIRING_SECONDS = 2.5
_Z = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2)


_Key = tuple[str, str]  # task and metric
_Cells = dict[_Key, dict[str, tuple[KnownRun, BoardCell, Stat | None]]]


def make_board(
    suite: str, runs: Iterable[KnownRun], *, view: str = MAIN_VIEW, group: str = ""
) -> Board:
    """Return the leaderboard of `runs`.

    Args:
        view: One of the views; one that is not known shows nothing.
        group: Name of a section or a group; "" for all.
    """
    runs = list(runs)
    columns: dict[_Key, Column] = {}
    cells: _Cells = {}
    left_out = []
    groups: dict[str, BoardGroup] = {}
    for run in runs:
        spec = run.record.run_spec
        found = list(_columns_of(run, view))
        groups |= _groups_of(spec)
        if not found:
            left_out.append(spec.name)
        for column, stat in found:
            if group in ("", column.section, column.group):
                key = column.task, column.metric
                columns[key] = column
                own = cells.setdefault(key, {})
                own[spec.adapter_spec.model] = (run, _cell(run, stat), stat)
    keys = sorted(columns, key=lambda key: (_section_place(columns[key].section), key))
    models = sorted({model for own in cells.values() for model in own})
    for key in keys:
        _mark_outdated(cells[key])
    wins = {key: _win_rates(columns[key], cells[key]) for key in keys}
    deadline = time.monotonic() + _PAIRING_SECONDS
    standings = {key: _standings(columns[key], cells[key], deadline) for key in keys}
    is_complete = time.monotonic() < deadline
    rows = []
    for model in models:
        rates = {str(key): [wins[key][model]] for key in keys if model in wins[key]}
        estimate = cluster_mean(rates) if rates else None
        interval = estimate.interval if estimate else None
        rows.append(
            BoardRow(
                model,
                estimate.mean if estimate else None,
                _shown_interval(interval),
                [_standing_cell(cells[key].get(model), standings[key]) for key in keys],
                use_of(cells[key][model][0].stats for key in keys if model in cells[key]),
            )
        )
    rows.sort(key=_order)
    return Board(
        suite=suite,
        view=view,
        views=_views(runs),
        group=group,
        groups=sorted(groups.values(), key=lambda one: one.display_name),
        columns=[columns[key] for key in keys],
        rows=rows,
        left_out=left_out,
        updated_at=max(
            (cell.updated_at for own in cells.values() for _, cell, _ in own.values()), default=0.0
        ),
        is_complete=is_complete,
    )


# --- Columns ------------------------------------------------------------------------------------


def _columns_of(run: KnownRun, view: str) -> Iterable[tuple[Column, Stat | None]]:
    """The columns that a run has a cell in; a run that is not finished has that of its group."""
    spec = run.record.run_spec
    group = group_of(spec)
    if group is None:
        return
    main = main_stat(spec, run.stats)
    if not run.is_finished:
        if view == MAIN_VIEW or view in _WORST_CASES:
            yield _column(spec, group.metric), None
        return
    if main is None:
        return
    if view == MAIN_VIEW:
        yield _column(spec, main.name.name), main
    elif view in _WORST_CASES:
        wanted = _WORST_CASES[view]
        for stat in run.stats:
            is_same = (stat.name.name, stat.name.split) == (main.name.name, main.name.split)
            if is_same and stat.name.perturbation and stat.name.perturbation.name == wanted:
                yield _column(spec, main.name.name), stat
    else:
        for stat_group in load_schema().stat_groups:
            if stat_group.name == view:
                for name in stat_group.stats:
                    found = _original(run.stats, name, main.name.split)
                    if found is not None:
                        yield _column(spec, name), found


def _original(stats: Sequence[Stat], name: str, split: str | None) -> Stat | None:
    found = [
        stat
        for stat in stats
        if stat.name.name == name
        and stat.name.split == split
        and stat.mean is not None
        and (stat.name.perturbation is None or stat.name.perturbation.name == "identity")
    ]
    return found[0] if found else None


def _column(spec: RunSpec, metric: str) -> Column:
    group = group_of(spec)
    assert group is not None
    task = column_label(spec)
    traits = traits_of(spec)
    names = {one.name: one.display_name for one in load_schema().metrics}
    return Column(
        task=task,
        display_name=group.display_name,
        details=task.partition(":")[2],
        section=group.section,
        group=group.name,
        metric=metric,
        metric_display_name=names.get(metric, metric),
        higher_is_better=traits.direction_of(metric),
        is_proportion=base_name(metric) in traits.proportions,
        profile=spec.adapter_spec.profile,
    )


def _groups_of(spec: RunSpec) -> dict[str, BoardGroup]:
    group = group_of(spec)
    if group is None:
        return {}
    sections = {one.name: one.display_name for one in load_schema().sections}
    section = BoardGroup(group.section, sections.get(group.section, group.section))
    return {group.section: section, group.name: BoardGroup(group.name, group.display_name)}


def _section_place(section: str) -> int:
    names = [one.name for one in load_schema().sections]
    return names.index(section) if section in names else len(names)


def _views(runs: list[KnownRun]) -> list[View]:
    """The views that show anything."""
    views = [View(MAIN_VIEW, "Accuracy")]
    names = {"robustness": "Robustness", "fairness": "Fairness"}
    names |= {one.name: one.display_name for one in load_schema().stat_groups if one.stats}
    for name, display_name in names.items():
        if any(run.is_finished and any(True for _ in _columns_of(run, name)) for run in runs):
            views.append(View(name, display_name))
    return views


# --- Cells --------------------------------------------------------------------------------------


def _cell(run: KnownRun, stat: Stat | None) -> BoardCell:
    head: RunHead = head_of(run)
    return BoardCell(
        run=head.name,
        status=head.status,
        mean=stat.mean if stat else None,
        interval=stat.interval if stat else None,
        standard_error=stat.standard_error if stat else None,
        n=stat.n if stat else None,
        num_requests=head.num_requests,
        num_done=head.num_done,
        num_errors=head.outcomes.get("error", 0),
        num_refused=head.outcomes.get("refused", 0),
        num_truncated=head.outcomes.get("truncated", 0),
        num_unparsed=run.counts.get("num_unparsed", 0),
        bounds=stat.bounds if stat else None,
        updated_at=head.updated_at or 0.0,
    )


def _mark_outdated(cells: dict[str, tuple[KnownRun, BoardCell, Stat | None]]) -> None:
    """Mark what an older version of the metric has scored: it can't be compared with the others."""
    newest = max((stat.version for _, _, stat in cells.values() if stat is not None), default=1)
    for model, (run, cell, stat) in cells.items():
        if stat is not None and stat.version != newest:
            cells[model] = run, msgspec.structs.replace(cell, is_outdated=True), stat


def _win_rates(
    column: Column, cells: dict[str, tuple[KnownRun, BoardCell, Stat | None]]
) -> dict[str, float]:
    """By model: the share of the other models that it beats; an equal one counts half."""
    means = {
        model: cell.mean
        for model, (_, cell, _) in cells.items()
        if cell.mean is not None and not cell.is_outdated
    }
    if column.higher_is_better is None or len(means) < 2:
        return {}
    sign = 1 if column.higher_is_better else -1
    ordered = sorted(sign * mean for mean in means.values())
    rates = {}
    for model, mean in means.items():
        num_worse = bisect_left(ordered, sign * mean)
        num_equal = bisect_right(ordered, sign * mean) - num_worse - 1  # itself left out
        rates[model] = (num_worse + 0.5 * num_equal) / (len(ordered) - 1)
    return rates


def _standings(
    column: Column, cells: dict[str, tuple[KnownRun, BoardCell, Stat | None]], deadline: float
) -> dict[str, tuple[str | None, bool]]:
    """By run: whether it is the best, or tied with it, and whether that was told by pairs."""
    scored = [
        (run, cell, stat)
        for run, cell, stat in cells.values()
        if cell.mean is not None and stat is not None and not cell.is_outdated
    ]
    if column.higher_is_better is None or len(scored) < 2:
        return {}
    choose: Callable[..., tuple[KnownRun, BoardCell, Stat]]
    choose = max if column.higher_is_better else min
    best_run, best, best_stat = choose(scored, key=lambda one: one[1].mean or 0.0)
    standings: dict[str, tuple[str | None, bool]] = {best.run: (BEST, False)}
    for run, cell, stat in scored:
        if cell.run == best.run:
            continue
        pair = None
        if time.monotonic() < deadline:
            pair = paired_difference(best_run, run, best_stat, stat)
        if pair is not None:
            low, high = pair
            standings[cell.run] = (TIED if low <= 0 <= high else None, True)
        else:
            standings[cell.run] = (TIED if _may_be_equal(best, cell) else None, False)
    return standings


def _may_be_equal(one: BoardCell, other: BoardCell) -> bool:
    """Whether two means of different instances can't be told apart."""
    if one.mean is None or other.mean is None:
        return False
    if one.standard_error is None or other.standard_error is None:
        return True  # a single instance says nothing
    error = math.hypot(one.standard_error, other.standard_error)
    return abs(one.mean - other.mean) <= _Z * error


def _standing_cell(
    found: tuple[KnownRun, BoardCell, Stat | None] | None,
    standings: dict[str, tuple[str | None, bool]],
) -> BoardCell | None:
    if found is None:
        return None
    standing, is_paired = standings.get(found[1].run, (None, False))
    return msgspec.structs.replace(found[1], standing=standing, is_paired=is_paired)


def _shown_interval(interval: tuple[float, float] | None) -> tuple[float, float] | None:
    """The interval of a rate. Few columns that all agree do not make it certain: then, none."""
    if interval is None or interval[0] == interval[1]:
        return None
    return max(0.0, interval[0]), min(1.0, interval[1])


def _order(row: BoardRow) -> tuple[bool, float, bool, float, str]:
    """The winner first; without wins, those with all cells, by the mean of these."""
    means = [cell.mean for cell in row.cells if cell is not None and cell.mean is not None]
    rate = -1.0 if row.win_rate is None else row.win_rate
    has_gaps = len(means) < len(row.cells)
    return row.win_rate is None, -rate, has_gaps, -fmean(means) if means else 0.0, row.model
