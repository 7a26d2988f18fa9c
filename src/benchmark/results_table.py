"""The table that a command ends with."""

from collections.abc import Sequence

from benchmark.console_table import MISSING, format_score, format_table
from benchmark.metrics.answer_reading import NUM_UNPARSED
from benchmark.metrics.stat import Stat
from benchmark.run_results import RunOutcome
from benchmark.run_spec import RunSpec
from benchmark.schema import main_stat

# Columns that are there only where a run has something in them.
_BOUNDS_PLACE = 3
_UNPARSED_PLACE = 7


def results_table(run_specs: Sequence[RunSpec], outcomes: Sequence[RunOutcome]) -> str:
    """Return one row a run: its main score with a 95 % interval, and what the score covers.

    Where answers are missing, a column has the score if all of them were wrong, and right.
    """
    headers = [
        *("run", "metric", "score [95 %]", "if missing wrong–right", "n"),
        *("scored", "truncated", "unparsed", "refused", "errors", "status"),
    ]
    rows = []
    for spec, outcome in zip(run_specs, outcomes, strict=True):
        stat = main_stat(spec, outcome.stats)
        counts = [
            _count(outcome.stats, name)
            for name in (
                *("num_scored", "num_truncated", NUM_UNPARSED),
                *("num_refused", "num_errors"),
            )
        ]
        metric = MISSING if stat is None else f"{stat.name.name} ({stat.name.split})"
        size = MISSING if stat is None or stat.n is None else str(stat.n)
        bounds = MISSING if stat is None or stat.bounds is None else _range(*stat.bounds)
        rows.append([spec.name, metric, format_score(stat), bounds, size, *counts, outcome.status])
    for place in (_UNPARSED_PLACE, _BOUNDS_PLACE):
        if all(row[place] == MISSING for row in rows):
            for line in (headers, *rows):
                del line[place]
    return format_table(headers, rows)


def _range(low: float, high: float) -> str:
    return f"{low:.3f}–{high:.3f}"


def _count(stats: list[Stat], name: str) -> str:
    stat = next((stat for stat in stats if stat.name.name == name), None)
    return MISSING if stat is None else f"{stat.sum:.0f}"
