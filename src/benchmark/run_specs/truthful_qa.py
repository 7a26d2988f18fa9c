"""Run spec `truthful_qa`: questions whose common answers are misbeliefs."""

from benchmark.adapters.adapter_spec import MULTIPLE_CHOICE_JOINT, AdapterSpec
from benchmark.run_spec import RunSpec
from benchmark.run_specs.registry import basic_metrics, run_spec
from benchmark.scenarios.scenario import ScenarioSpec


@run_spec("truthful_qa")
def truthful_qa(task: str) -> RunSpec:
    """TruthfulQA, five-shot, with the letter of the choice generated; `task` is `mc_single`."""
    return RunSpec(
        name=f"truthful_qa:task={task}",
        scenario_spec=ScenarioSpec(
            "benchmark.scenarios.truthful_qa_scenario.TruthfulQAScenario", {"task": task}
        ),
        adapter_spec=AdapterSpec(
            method=MULTIPLE_CHOICE_JOINT,
            input_prefix="Question: ",
            output_prefix="\nAnswer: ",
            max_train_instances=5,
            max_eval_instances=1000,
            num_outputs=1,
            temperature=0.0,
            max_tokens=5,
            stop_sequences=["\n"],
        ),
        metric_specs=basic_metrics("exact_match", "quasi_exact_match"),
        groups=["truthful_qa"],
    )
