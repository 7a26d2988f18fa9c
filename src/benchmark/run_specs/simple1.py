"""Run spec `simple1`: shows whether the pipeline works."""

from benchmark.adapters.adapter_spec import GENERATION, AdapterSpec
from benchmark.run_spec import RunSpec
from benchmark.run_specs.registry import basic_metrics, run_spec
from benchmark.scenarios.scenario import ScenarioSpec


@run_spec("simple1")
def simple1() -> RunSpec:
    """Repeating a number of a list; three outputs, three trials, of a model that costs nothing."""
    return RunSpec(
        name="simple1",
        scenario_spec=ScenarioSpec(
            "benchmark.scenarios.simple_scenarios.Simple1Scenario",
            {
                "num_input_tokens": 5,
                "vocab_size": 20,
                "num_train_instances": 10,
                "num_test_instances": 10,
            },
        ),
        adapter_spec=AdapterSpec(
            method=GENERATION,
            instructions="Please solve the following problem.",
            max_train_instances=5,
            max_eval_instances=10,
            num_outputs=3,
            num_train_trials=3,
            model="simple/model1",
            temperature=1.0,
            stop_sequences=["."],
        ),
        metric_specs=basic_metrics(),
    )
