"""Run spec `synthetic_reasoning`: patterns of abstract symbols."""

from benchmark.adapters.adapter_spec import GENERATION, AdapterSpec
from benchmark.run_spec import RunSpec
from benchmark.run_specs.registry import basic_metrics, run_spec
from benchmark.scenarios.scenario import ScenarioSpec


@run_spec("synthetic_reasoning")
def synthetic_reasoning(mode: str) -> RunSpec:
    """Synthetic reasoning, five-shot; `mode`: pattern_match, variable_substitution, induction."""
    return RunSpec(
        name=f"synthetic_reasoning:mode={mode}",
        scenario_spec=ScenarioSpec(
            "benchmark.scenarios.synthetic_reasoning_scenario.SyntheticReasoningScenario",
            {"mode": mode},
        ),
        adapter_spec=AdapterSpec(
            method=GENERATION,
            instructions="Please solve the following problem.",
            input_prefix="",
            output_prefix="| Target: ",
            max_train_instances=5,
            max_eval_instances=1000,
            num_outputs=1,
            temperature=0.0,
            max_tokens=50,
            stop_sequences=["\n"],
        ),
        # quasi_exact_match drops punctuation, and so the operators of a pattern.
        metric_specs=basic_metrics("exact_match", "quasi_exact_match"),
        groups=["synthetic_reasoning", f"synthetic_reasoning_{mode}"],
    )
