"""What is drawn of a run, from runs whose values are known."""

import math
from pathlib import Path

import pytest

from benchmark.metrics.calibration_metrics import Answer
from benchmark.metrics.stat import MetricName, Stat
from benchmark.scenarios.scenario import PerturbationDescription
from benchmark.web.model_use import use_of
from benchmark.web.run_plots import RunPlots, calibration_bins, read_plots
from some_runs import write_run

NAME = "gsm:model=m_a"


def test_the_effect_of_a_perturbation_is_that_on_the_same_instances(tmp_path: Path) -> None:
    values = {"id0": 1.0, "id1": 1.0, "id2": 0.0, "id3": 1.0}
    perturbed = {"id0": 0.0, "id1": 1.0, "id2": 0.0}  # of one, no perturbed version was made
    plots = read_plots(write_run(tmp_path, NAME, values, perturbed=perturbed))
    [effect] = plots.effects
    assert (effect.perturbation, effect.n) == ("lowercase", 3)
    assert effect.difference == pytest.approx(-1 / 3)
    assert effect.interval is not None
    assert effect.interval[0] < -1 / 3 < effect.interval[1]


def test_trials_of_an_instance_are_no_instances_of_their_own(tmp_path: Path) -> None:
    values = {"id0": [1.0, 0.0], "id1": [1.0, 1.0]}
    perturbed = {"id0": [0.0, 0.0], "id1": [1.0, 0.0]}
    folder = write_run(tmp_path, NAME, values, perturbed=perturbed, num_train_trials=2)
    [effect] = read_plots(folder).effects
    assert (effect.difference, effect.n) == (-0.5, 2)


def test_what_there_is_nothing_of_is_empty(tmp_path: Path) -> None:
    folder = write_run(tmp_path, NAME, {"id0": 1.0, "id1": 0.0})
    assert read_plots(folder) == RunPlots()  # no perturbation, no tokens, no times
    folder.states_path.unlink()
    assert read_plots(folder) == RunPlots()


def test_bins_of_confidence_have_their_means() -> None:
    answers = [Answer(0.12, False), Answer(0.18, True), Answer(0.95, True), Answer(1.0, True)]
    low, high = calibration_bins(answers)
    assert (low.n, low.accuracy) == (2, 0.5)
    assert low.confidence == pytest.approx(0.15)
    assert (high.n, high.accuracy, high.interval[1]) == (2, 1.0, 1.0)
    assert math.isclose(high.confidence, 0.975)
    assert calibration_bins([]) == []


def test_what_a_request_takes_is_a_mean_over_instances_then_over_runs() -> None:
    def stat(name: str, mean: float, n: int, perturbation: str | None = None) -> Stat:
        version = PerturbationDescription(perturbation) if perturbation else None
        return Stat(name=MetricName(name, perturbation=version), mean=mean, n=n)

    first = [
        stat("num_output_tokens", 10, 3),
        stat("num_output_tokens", 2, 1, "lowercase"),
        stat("num_output_tokens", 99, 3, "worst_robustness"),
    ]
    use = use_of([first, [stat("num_output_tokens", 4, 50), stat("inference_runtime", 2, 50)]])
    assert (use.num_prompt_tokens, use.num_completion_tokens, use.seconds) == (None, 6.0, 2.0)
