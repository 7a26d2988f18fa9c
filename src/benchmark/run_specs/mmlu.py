"""Run spec `mmlu`: exam questions of one subject."""

from benchmark.adapters.adapter_spec import MULTIPLE_CHOICE_JOINT, AdapterSpec
from benchmark.run_spec import RunSpec
from benchmark.run_specs.registry import basic_metrics, run_spec
from benchmark.scenarios.scenario import ScenarioSpec


@run_spec("mmlu")
def mmlu(subject: str) -> RunSpec:
    """MMLU, five-shot, with the letter of the choice generated."""
    topic = subject.replace("_", " ")
    return RunSpec(
        name=f"mmlu:subject={subject}",
        scenario_spec=ScenarioSpec(
            "benchmark.scenarios.mmlu_scenario.MMLUScenario", {"subject": subject}
        ),
        adapter_spec=AdapterSpec(
            method=MULTIPLE_CHOICE_JOINT,
            instructions=(
                f"The following are multiple choice questions (with answers) about {topic}."
            ),
            input_prefix="Question: ",
            output_prefix="\nAnswer: ",
            max_train_instances=5,
            max_eval_instances=1000,
            num_outputs=1,
            temperature=0.0,
            stop_sequences=["\n"],
        ),
        metric_specs=basic_metrics("exact_match", "quasi_exact_match"),
        groups=["mmlu"],
    )
