"""How instances become requests, as data."""

import msgspec

GENERATION = "generation"
MULTIPLE_CHOICE_JOINT = "multiple_choice_joint"
MULTIPLE_CHOICE_SEPARATE_ORIGINAL = "multiple_choice_separate_original"
MULTIPLE_CHOICE_SEPARATE_CALIBRATED = "multiple_choice_separate_calibrated"
LANGUAGE_MODELING = "language_modeling"


class AdapterSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How instances become requests. Fields and defaults are those of the reference system."""

    method: str
    instructions: str = ""  # first block of the prompt
    input_prefix: str = "Input: "
    reference_prefix: str = "\nA. "  # joint multiple choice only
    output_prefix: str = "\nOutput: "
    instance_prefix: str = "\n\n"  # stands between blocks
    max_train_instances: int = 5  # in-context examples
    max_eval_instances: int | None = None  # None: all
    num_outputs: int = 5  # completions (generation), candidates (joint multiple choice)
    num_train_trials: int = 1  # independent draws of in-context examples
    model: str = "openai/davinci"
    deployment: str | None = None
    temperature: float = 1.0
    max_tokens: int = 100
    stop_sequences: list[str] = []
    random: str | None = None  # cache salt
