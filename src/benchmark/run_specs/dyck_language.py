"""Run spec `dyck_language`: closing open brackets."""

from benchmark.adapters.adapter_spec import GENERATION, AdapterSpec
from benchmark.run_spec import RunSpec
from benchmark.run_specs.registry import basic_metrics, run_spec
from benchmark.scenarios.scenario import ScenarioSpec


@run_spec("dyck_language")
def dyck_language(num_parenthesis_pairs: int) -> RunSpec:
    """Dyck sequences of 1 to 4 kinds of brackets, three-shot."""
    return RunSpec(
        name=f"dyck_language_np={num_parenthesis_pairs}",
        scenario_spec=ScenarioSpec(
            "benchmark.scenarios.dyck_language_scenario.DyckLanguageScenario",
            {"num_parenthesis_pairs": num_parenthesis_pairs},
        ),
        adapter_spec=AdapterSpec(
            method=GENERATION,
            instructions=(
                "Please complete the rest of the following Dyck sequences, "
                "making sure that the parentheses are closed properly. "
            ),
            input_prefix="Input: ",
            output_prefix="",
            max_train_instances=3,
            max_eval_instances=1000,
            num_outputs=1,
            temperature=0.0,
            max_tokens=5,
            stop_sequences=["\n"],
        ),
        # exact_match_indicator, the reference system's, compares the last bracket only.
        metric_specs=basic_metrics("exact_match_indicator", "exact_match"),
        groups=["dyck_language"],
    )
