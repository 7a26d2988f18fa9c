"""Arguments that any run entry takes: each turns one run spec into one or more."""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from benchmark.adapters.adapter_spec import (
    GENERATED,
    GENERATION,
    MULTIPLE_CHOICE_JOINT,
    SEPARATE_METHODS,
    TOP_LOGPROBS,
    AdapterSpec,
)
from benchmark.data_augmentations import AUGMENTATIONS
from benchmark.model_selectors import packaged_selectors
from benchmark.run_spec import DataAugmenterSpec, RunSpec
from common.errors import InvalidRequestError, UnknownNameError

Expander = Callable[[RunSpec, Any], list[RunSpec]]

_ALL_TRAIN_SIZES = [0, 1, 2, 4, 8, 16]
# What most models need to think about a question, with room; what is not used is not paid.
DEFAULT_REASONING_TOKENS = 8192
_DEFAULTS = {"num_train_trials": 3, "num_outputs": 1, "reasoning": DEFAULT_REASONING_TOKENS}
# Room for an answer in free text, where the plain way asks for a letter.
_PARSED_MAX_TOKENS = 100
_LETTER_INSTRUCTIONS = (
    "Each of the following is followed by choices. "
    "Answer with the letter of the choice that fits best."
)


def expand(run_spec: RunSpec, expander: str, value: Any) -> list[RunSpec]:
    """Apply the expander of that name.

    Raises:
        InvalidRequestError: It does not take `value`.
    """
    return EXPANDERS[expander](run_spec, value)


def with_model(run_spec: RunSpec, model: str) -> RunSpec:
    """Return `run_spec` with `model`, which its name then carries."""
    return _with_adapter_field(run_spec, "model", model)


def _with_adapter_field(run_spec: RunSpec, field: str, value: Any) -> RunSpec:
    return replace(
        run_spec,
        name=_with_suffix(run_spec.name, f"{field}={value}"),
        adapter_spec=replace(run_spec.adapter_spec, **{field: value}),
    )


def _with_suffix(name: str, suffix: str) -> str:
    return f"{name}{',' if ':' in name else ':'}{suffix.replace('/', '_')}"


def _expand_number(field: str, values: Iterable[int], run_spec: RunSpec) -> list[RunSpec]:
    return [_with_adapter_field(run_spec, field, value) for value in values]


def _int_expander(field: str, minimum: int) -> Expander:
    def expand_int(run_spec: RunSpec, value: Any) -> list[RunSpec]:
        if value == "default" and field in _DEFAULTS:
            value = _DEFAULTS[field]
        if value == "all" and field == "max_train_instances":
            return _expand_number(field, _ALL_TRAIN_SIZES, run_spec)
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise InvalidRequestError(
                f"{field} must be a whole number of at least {minimum}, not {value!r}"
            )
        return _expand_number(field, [value], run_spec)

    return expand_int


def _expand_model(run_spec: RunSpec, value: Any) -> list[RunSpec]:
    models = packaged_selectors().models(str(value))
    return [with_model(run_spec, model) for model in models]


def _expand_data_augmentation(run_spec: RunSpec, value: Any) -> list[RunSpec]:
    if value not in AUGMENTATIONS:
        choices = ", ".join(AUGMENTATIONS)
        raise UnknownNameError("data_augmentation", str(value), AUGMENTATIONS, f"one of {choices}")
    return [
        replace(
            run_spec,
            name=_with_suffix(run_spec.name, f"data_augmentation={name}"),
            data_augmenter_spec=DataAugmenterSpec(
                perturbation_specs=perturbation_specs,
                should_augment_eval_instances=True,
                should_include_original_eval=True,
                should_skip_unchanged_eval=True,
            ),
        )
        for name, perturbation_specs in AUGMENTATIONS[value]
    ]


# --- The profile: see docs/chat_models.md ---------------------------------------------------------


def _expand_chat(run_spec: RunSpec, value: Any) -> list[RunSpec]:
    _check_value("chat", value, ["user", "turns"])
    _check_generates("chat", run_spec)
    return [_with_adapter_field(run_spec, "chat", value)]


def _expand_answers(run_spec: RunSpec, value: Any) -> list[RunSpec]:
    _check_value("answers", value, ["parsed"])
    _check_generates("answers", run_spec)
    spec = run_spec.adapter_spec
    if spec.method == MULTIPLE_CHOICE_JOINT and spec.max_tokens < _PARSED_MAX_TOKENS:
        spec = replace(spec, max_tokens=_PARSED_MAX_TOKENS)
    return [_with_adapter_field(replace(run_spec, adapter_spec=spec), "answers", value)]


def _expand_reasoning(run_spec: RunSpec, value: Any) -> list[RunSpec]:
    _check_generates("reasoning", run_spec)
    return _int_expander("reasoning", 1)(run_spec, value)


def _expand_mc_fallback(run_spec: RunSpec, value: Any) -> list[RunSpec]:
    _check_value("mc_fallback", value, [TOP_LOGPROBS, GENERATED])
    spec = run_spec.adapter_spec
    if spec.method not in SEPARATE_METHODS:
        raise InvalidRequestError(
            f"mc_fallback is for multiple choice that is scored choice by choice, and "
            f"{run_spec.name} is asked by {spec.method}: leave it out"
        )
    expanded = replace(run_spec, adapter_spec=_asking_for_a_letter(spec, value == GENERATED))
    return [_with_adapter_field(expanded, "mc_fallback", value)]


def _asking_for_a_letter(spec: AdapterSpec, is_generated: bool) -> AdapterSpec:
    """The joint form of separate multiple choice: its own texts, and what a letter needs."""
    instructions = [spec.instructions, _LETTER_INSTRUCTIONS]
    return replace(
        spec,
        method=MULTIPLE_CHOICE_JOINT,
        instructions="\n".join(filter(None, instructions)),
        output_prefix="\nAnswer: ",
        max_tokens=max(spec.max_tokens, _PARSED_MAX_TOKENS) if is_generated else 1,
        answers="parsed" if is_generated else "exact",
    )


def _check_value(key: str, value: Any, choices: list[str]) -> None:
    if value not in choices:
        raise UnknownNameError(key, str(value), choices, f"there is {' and '.join(choices)}")


def _check_generates(key: str, run_spec: RunSpec) -> None:
    method = run_spec.adapter_spec.method
    if method not in (GENERATION, MULTIPLE_CHOICE_JOINT):
        raise InvalidRequestError(
            f"{key} is for runs in which something is generated, and {run_spec.name} scores what "
            f"is given ({method}): leave it out"
        )


EXPANDERS: dict[str, Expander] = {
    "num_train_trials": _int_expander("num_train_trials", 1),
    "max_train_instances": _int_expander("max_train_instances", 0),
    "num_outputs": _int_expander("num_outputs", 1),
    "max_tokens": _int_expander("max_tokens", 1),
    "chat": _expand_chat,
    "answers": _expand_answers,
    "reasoning": _expand_reasoning,
    "mc_fallback": _expand_mc_fallback,
    "model": _expand_model,
    "data_augmentation": _expand_data_augmentation,
}
