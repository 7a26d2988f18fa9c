"""Run spec `synthetic_reasoning_natural`: rules and facts in simple English."""

from benchmark.adapters.adapter_spec import GENERATION, AdapterSpec
from benchmark.run_spec import RunSpec
from benchmark.run_specs.registry import basic_metrics, run_spec
from benchmark.scenarios.scenario import ScenarioSpec


@run_spec("synthetic_reasoning_natural")
def synthetic_reasoning_natural(difficulty: str) -> RunSpec:
    """Synthetic reasoning in English, three-shot; `difficulty` is easy, medium or hard."""
    return RunSpec(
        name=f"synthetic_reasoning_natural:difficulty={difficulty}",
        scenario_spec=ScenarioSpec(
            "benchmark.scenarios.synthetic_reasoning_natural_scenario.SRNScenario",
            {"difficulty": difficulty},
        ),
        adapter_spec=AdapterSpec(
            method=GENERATION,
            instructions="Please solve the following problem.",
            input_prefix="Rules:\n",
            output_prefix="",
            max_train_instances=3,
            max_eval_instances=1000,
            num_outputs=1,
            temperature=0.0,
            max_tokens=20,
            stop_sequences=["\n"],
        ),
        metric_specs=basic_metrics("f1_set_match", "iou_set_match", "exact_set_match"),
        groups=["synthetic_reasoning", "synthetic_reasoning_natural"],
    )
