"""Run spec `boolq`: yes/no questions about a passage."""

from benchmark.adapters.adapter_spec import GENERATION, AdapterSpec
from benchmark.run_spec import RunSpec
from benchmark.run_specs.registry import basic_metrics, run_spec
from benchmark.scenarios.scenario import ScenarioSpec


@run_spec("boolq")
def boolq(only_contrast: bool = False) -> RunSpec:
    """BoolQ, five-shot; `only_contrast` keeps the questions that have contrast versions."""
    return RunSpec(
        name=f"boolq:only_contrast={only_contrast}" if only_contrast else "boolq",
        scenario_spec=ScenarioSpec(
            "benchmark.scenarios.boolq_scenario.BoolQScenario", {"only_contrast": only_contrast}
        ),
        adapter_spec=AdapterSpec(
            method=GENERATION,
            input_prefix="Passage: ",
            output_prefix="\nAnswer: ",
            max_train_instances=5,
            max_eval_instances=1000,
            num_outputs=1,
            temperature=0.0,
            max_tokens=5,
            stop_sequences=["\n"],
        ),
        metric_specs=basic_metrics("exact_match", "quasi_exact_match"),
        groups=["boolq"],
    )
