"""Run spec `gsm`: grade-school math word problems."""

from benchmark.adapters.adapter_spec import GENERATION, AdapterSpec
from benchmark.run_spec import RunSpec
from benchmark.run_specs.registry import basic_metrics, run_spec
from benchmark.scenarios.scenario import ScenarioSpec


@run_spec("gsm")
def gsm() -> RunSpec:
    """GSM8K, five-shot with worked solutions; the last word of the completion is the answer."""
    return RunSpec(
        name="gsm",
        scenario_spec=ScenarioSpec("benchmark.scenarios.gsm_scenario.GSM8KScenario"),
        adapter_spec=AdapterSpec(
            method=GENERATION,
            input_prefix="Q: ",
            output_prefix="A: ",
            max_train_instances=5,
            max_eval_instances=1000,
            num_outputs=1,
            temperature=0.0,
            max_tokens=400,
            stop_sequences=["\n\n"],
        ),
        metric_specs=basic_metrics("exact_match_indicator"),
        groups=["gsm"],
    )
