"""What a request's answers are read as, by the profile of its run: as metrics and tables see them.

Without a profile an answer stands as it is.
"""

import math
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from benchmark.adapters.adapter_spec import TOP_LOGPROBS, AdapterSpec
from benchmark.adapters.request_state import RequestState
from benchmark.metrics.answer_parsing import read_final_answer, read_letter
from benchmark.metrics.metric import Metric
from benchmark.metrics.stat import MetricName, Stat
from benchmark.scenarios.scenario import Instance, Reference
from common.request import Sequence as Completion

NUM_UNPARSED = "num_unparsed"
_BOX = "\\boxed"


def read_state(spec: AdapterSpec, state: RequestState) -> RequestState:
    """Return `state` with each completion's text as it is read, "" where nothing can be.

    Where a free answer is parsed, so are the references it is compared with. Where candidates were
    to be compared and the provider listed none, there is no completion.
    """
    if not spec.are_answers_read or state.result is None:
        return state
    completions = [
        replace(completion, text=read_completion(spec, state, completion) or "")
        for completion in state.result.completions
        if spec.mc_fallback != TOP_LOGPROBS or has_candidates(completion)
    ]
    instance = state.instance
    if state.output_mapping is None:
        instance = replace(instance, references=_read_references(spec, instance))
    return replace(state, instance=instance, result=replace(state.result, completions=completions))


def read_completion(spec: AdapterSpec, state: RequestState, completion: Completion) -> str | None:
    """Return the letter or text that one completion is read as; None if there is none."""
    mapping = state.output_mapping
    if mapping is None:
        return _read_text(spec, completion.text, state.instance.references) or None
    if spec.mc_fallback == TOP_LOGPROBS:
        return _most_probable_letter(completion, mapping) if has_candidates(completion) else None
    return read_letter(completion.text, mapping)


def has_candidates(completion: Completion) -> bool:
    """Whether the provider has listed candidates for the first token."""
    return bool(completion.tokens and completion.tokens[0].top_logprobs)


def _most_probable_letter(completion: Completion, choices: Mapping[str, str]) -> str | None:
    """The letter that is most probable as the first token, with or without space before it.

    None if no letter is among the candidates; what is not listed is less probable than what is.
    """
    chances: dict[str, float] = {}
    for text, logprob in completion.tokens[0].top_logprobs.items():
        letter = text.strip()
        if letter in choices and not math.isnan(logprob):
            chances[letter] = chances.get(letter, 0.0) + math.exp(min(logprob, 0.0))
    return max(chances, key=lambda letter: chances[letter]) if chances else None


class UnparsedMetric(Metric):
    """`num_unparsed`: answers that nothing could be read out of; they are scored as not right."""

    is_total = True

    def evaluate_generation(
        self, adapter_spec: AdapterSpec, request_state: RequestState
    ) -> list[Stat]:
        completions = request_state.result.completions if request_state.result else []
        texts = [completion.text for completion in completions[:1]]
        return [Stat(name=MetricName(NUM_UNPARSED)).add(float(not text)) for text in texts]


def _read_references(spec: AdapterSpec, instance: Instance) -> list[Reference]:
    return [
        replace(reference, output=_read_text(spec, reference.output, instance.references))
        for reference in instance.references
    ]


def _read_text(spec: AdapterSpec, text: str, references: Iterable[Reference]) -> str:
    if any(_BOX in reference.output for reference in references):
        return text  # the metrics of such tasks look for the box themselves
    return read_final_answer(text, spec.stop_sequences)
