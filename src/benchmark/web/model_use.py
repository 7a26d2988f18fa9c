"""What a model takes: tokens and seconds of a request, for the plots of scores against cost."""

from collections.abc import Iterable
from statistics import fmean

from benchmark.metrics.stat import Stat
from benchmark.web.board_types import ModelUse

# Statistics that must be known of a run.
NAMES = ("num_prompt_tokens", "num_output_tokens", "inference_runtime")


def use_of(runs: Iterable[Iterable[Stat]]) -> ModelUse:
    """Return what a request takes as a mean over runs, of those that tell.

    Args:
        runs: The statistics of each run.
    """
    means: dict[str, list[float]] = {name: [] for name in NAMES}
    for stats in runs:
        of_run: dict[str, list[Stat]] = {}
        for stat in stats:
            if stat.name.name in means and stat.mean is not None and not _is_worst_case(stat):
                of_run.setdefault(stat.name.name, []).append(stat)
        for name, own in of_run.items():
            total = sum((stat.n or 1) * (stat.mean or 0.0) for stat in own)
            means[name].append(total / sum(stat.n or 1 for stat in own))
    prompt, completion, seconds = (fmean(means[name]) if means[name] else None for name in NAMES)
    return ModelUse(prompt, completion, seconds)


def _is_worst_case(stat: Stat) -> bool:
    perturbation = stat.name.perturbation
    return perturbation is not None and perturbation.name.startswith("worst_")
