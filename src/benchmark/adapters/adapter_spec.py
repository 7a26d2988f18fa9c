"""How instances become requests, as data."""

from typing import Literal

import msgspec

GENERATION = "generation"
MULTIPLE_CHOICE_JOINT = "multiple_choice_joint"
MULTIPLE_CHOICE_SEPARATE_ORIGINAL = "multiple_choice_separate_original"
MULTIPLE_CHOICE_SEPARATE_CALIBRATED = "multiple_choice_separate_calibrated"
LANGUAGE_MODELING = "language_modeling"
# Methods that score what is given, which needs log-probabilities of a prompt.
SEPARATE_METHODS = (MULTIPLE_CHOICE_SEPARATE_ORIGINAL, MULTIPLE_CHOICE_SEPARATE_CALIBRATED)

# How separate multiple choice is asked where a prompt can't be scored: the choices stand in the
# prompt, and the letters' probabilities are compared, or a letter is generated.
TOP_LOGPROBS = "top-logprobs"
GENERATED = "generation"

Chat = Literal["user", "turns"]
Answers = Literal["exact", "parsed"]
McFallback = Literal["top-logprobs", "generation"]


class AdapterSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How instances become requests. Fields and defaults are those of the reference system.

    Those of the *profile*, at the end, are not: they say what is asked in another way because a
    model can't be asked in the plain one. A run's name has each that is not as here.
    """

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
    # The profile:
    chat: Chat | None = None  # prompt as one user message, or examples as turns; None: as it is
    answers: Answers = "exact"  # how an answer is read: as it stands, or parsed out of free text
    reasoning: int | None = None  # tokens that a model may think, beside `max_tokens`
    mc_fallback: McFallback | None = None  # how separate multiple choice is asked without scores

    @property
    def are_answers_read(self) -> bool:
        """Whether what a model says is not yet its answer, but has to be read out of it."""
        return self.answers == "parsed" or self.mc_fallback == TOP_LOGPROBS

    @property
    def profile(self) -> str:
        """What is not as in the plain profile, as arguments of an entry; "" where all is."""
        parts = {
            "chat": self.chat,
            "answers": None if self.answers == "exact" else self.answers,
            "reasoning": self.reasoning,
            "mc_fallback": self.mc_fallback,
        }
        return ",".join(f"{name}={value}" for name, value in parts.items() if value is not None)
