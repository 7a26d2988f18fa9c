"""The golden prompts of the specification, and what we ask in their place."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

import golden_counts
from benchmark.adapters.adapter_factory import make_adapter
from benchmark.adapters.request_state import RequestState
from benchmark.data_preprocessor import DataPreprocessor
from benchmark.run_spec import RunSpec
from benchmark.scenarios.scenario import Scenario
from benchmark.window_services.window_service import WindowService
from common.data_files import DataFiles
from common.object_spec import create_object, parse_object_spec
from golden_mirror import golden_mirror
from shared_spec import PROMPTS

# As the golden files were made: 20 instances a run, whatever the run spec says.
MAX_EVAL_INSTANCES = 20
# What stood before a text whose first token was to be scored.
PREFIX_TOKEN = "<|endoftext|>"
QUIRK = "quirk:"

Record = dict[str, Any]


def golden_files(pattern: str) -> list[str]:
    """The golden files of a pattern, from the folder of all of them."""
    return [str(path.relative_to(PROMPTS)) for path in sorted(PROMPTS.glob(pattern))]


def read_records(file_name: str) -> list[Record]:
    """The records of a golden file, in its order."""
    with (PROMPTS / file_name).open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def make_states(run_spec: RunSpec, data_dir: Path, mirror: str | None = None) -> list[RequestState]:
    """The requests of a run, made as the golden files were: no window, 20 instances.

    Args:
        mirror: The sample data, unless the records were made with other files.
    """
    spec = replace(run_spec.adapter_spec, max_eval_instances=MAX_EVAL_INSTANCES)
    scenario: Scenario = create_object(run_spec.scenario_spec)
    scenario.data_files = DataFiles(mirror or golden_mirror(data_dir / "mirror"))
    preprocessor = DataPreprocessor(run_spec.data_augmenter_spec)
    instances = preprocessor.preprocess(scenario.get_instances(data_dir / scenario.name))
    adapter = make_adapter(spec, WindowService(prefix_token=PREFIX_TOKEN))
    return list(adapter.adapt(*adapter.select(instances)))


def to_record(state: RequestState) -> Record:
    """What a golden record says of a request."""
    request, instance = state.request, state.instance
    perturbation = instance.perturbation
    return {
        "trial": state.train_trial_index,
        "id": instance.id,
        "split": instance.split,
        "perturbation": perturbation
        and {
            "name": perturbation.name,
            "robustness": perturbation.robustness,
            "fairness": perturbation.fairness,
            **perturbation.args,
        },
        "reference_index": state.reference_index,
        "request_mode": state.request_mode,
        "prompt_sha256": hashlib.sha256(request.prompt.encode()).hexdigest(),
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "stop_sequences": request.stop_sequences,
        "num_completions": request.num_completions,
        "top_k_per_token": request.top_k_per_token,
        "echo_prompt": request.echo_prompt,
        "num_in_context_examples": state.num_in_context_examples,
        "num_conditioning_tokens": state.num_conditioning_tokens,
        "references": [
            [reference.output, reference.is_correct] for reference in instance.references
        ],
        "output_mapping": state.output_mapping,
    }


def check_records(made: list[Record], expected: list[Record], left_out: Iterable[str] = ()) -> None:
    """Assert that each request is that of its golden record, unless that has a quirk; count both.

    Args:
        left_out: Fields that the golden records lack.
    """
    assert len(made) == len(expected)
    different = []
    for own, record in zip(made, expected, strict=True):
        name, _ = parse_object_spec(record["description"])
        fields = own.keys() - set(left_out)
        own, golden = ({key: it.get(key) for key in fields} for it in (own, record))
        tags = {tag for tag in record.get("tags", []) if tag.startswith(QUIRK)}
        golden_counts.add(name, own == golden, tags)
        if own != golden and not tags:
            different.append((own, golden))
    assert not different, (len(different), different[0])
