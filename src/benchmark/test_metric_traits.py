from importlib import import_module

import pytest

from benchmark.adapters.adapter_spec import GENERATION, AdapterSpec
from benchmark.metric_traits import Traits, traits_of
from benchmark.metrics.metric import base_name
from benchmark.run_spec import MetricSpec, RunSpec
from benchmark.scenarios.scenario import ScenarioSpec
from benchmark.schema import load_groups


def traits(*class_names: str) -> Traits:
    return traits_of(
        RunSpec(
            name="run",
            scenario_spec=ScenarioSpec("benchmark.scenarios.simple_scenarios.Simple1Scenario"),
            adapter_spec=AdapterSpec(method=GENERATION),
            metric_specs=[MetricSpec(name) for name in class_names],
        )
    )


def test_metrics_tell_which_way_is_good() -> None:
    found = traits("benchmark.metrics.basic_metrics.BasicMetric")
    assert found.direction_of("exact_match") is True
    assert found.direction_of("absolute_value_difference") is False
    assert found.direction_of("inference_runtime") is False
    assert found.direction_of("num_output_tokens") is None
    assert "exact_match" in found.proportions
    assert "absolute_value_difference" not in found.proportions


def test_a_stat_of_the_best_few_is_like_the_others() -> None:
    found = traits("benchmark.metrics.ranking_metrics.InformationRetrievalMetric")
    assert found.direction_of("NDCG@10") is True


def test_the_reference_s_names_are_known() -> None:
    found = traits("benchmark.basic_metrics.BasicMetric")
    assert found.direction_of("exact_match") is True


@pytest.mark.parametrize(
    "name", ["os.path.join", "benchmark.metrics.none.None", "benchmark.run.main", ""]
)
def test_what_is_no_metric_of_ours_says_nothing(name: str) -> None:
    assert traits(name) == traits()


def test_every_main_metric_has_a_direction_unless_it_has_none() -> None:
    known = dict(traits().higher_is_better)
    for name in (
        *("basic", "bbq", "bias", "code", "copyright", "disinformation", "ifeval"),
        *("numeracy", "ranking", "toxicity"),
    ):
        for kind in vars(import_module(f"benchmark.metrics.{name}_metrics")).values():
            directions = getattr(kind, "higher_is_better", None)
            known |= directions if isinstance(directions, dict) else {}
    neutral = {group.metric for group in load_groups().values()} - known.keys()
    assert {base_name(name) for name in neutral} - known.keys() <= {
        "BBQMetric: bias score across ambiguous examples",  # best at 0, between -1 and 1
        "self_bleu",  # how varied texts are, be that good or bad
    }
