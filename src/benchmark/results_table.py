"""The table that a command ends with."""

from collections.abc import Sequence

from benchmark.console_table import MISSING, format_score, format_table
from benchmark.metrics.stat import Stat
from benchmark.run_results import RunOutcome
from benchmark.run_spec import RunSpec
from benchmark.schema import main_stat


def results_table(run_specs: Sequence[RunSpec], outcomes: Sequence[RunOutcome]) -> str:
    """Return one row a run: its main score with a 95 % interval, and what the score covers."""
    headers = (
        "run",
        "metric",
        "score [95 %]",
        "n",
        "scored",
        "truncated",
        "refused",
        "errors",
        "status",
    )
    rows = []
    for spec, outcome in zip(run_specs, outcomes, strict=True):
        stat = main_stat(spec, outcome.stats)
        counts = [
            _count(outcome.stats, name)
            for name in ("num_scored", "num_truncated", "num_refused", "num_errors")
        ]
        metric = MISSING if stat is None else f"{stat.name.name} ({stat.name.split})"
        size = MISSING if stat is None or stat.n is None else str(stat.n)
        rows.append((spec.name, metric, format_score(stat), size, *counts, outcome.status))
    return format_table(headers, rows)


def _count(stats: list[Stat], name: str) -> str:
    stat = next((stat for stat in stats if stat.name.name == name), None)
    return MISSING if stat is None else f"{stat.sum:.0f}"
