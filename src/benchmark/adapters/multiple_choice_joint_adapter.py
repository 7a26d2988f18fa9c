"""Joint multiple choice: all choices stand in the prompt with letters; the answer is a letter."""

from benchmark.adapters.adapter import NO_ANSWER, Adapter
from benchmark.adapters.adapter_spec import TOP_LOGPROBS
from benchmark.adapters.in_context import Example
from benchmark.adapters.request_state import RequestState
from benchmark.scenarios.scenario import Instance

# Most that a chat API lists; where fewer are to be had, the others are less probable than those.
_MAX_CANDIDATES = 20


class MultipleChoiceJointAdapter(Adapter):
    """Asks for one token, greedily, with `num_outputs` candidates.

    An answer that is to be parsed has room for `max_tokens`. Where the letters' probabilities are
    compared (`mc_fallback`), as many candidates are listed as there can be.
    """

    def requests(
        self, examples: list[Example], instance: Instance, trial: int
    ) -> list[RequestState]:
        spec = self.spec
        prompt = self.prompt(examples, instance)
        is_parsed = spec.answers == "parsed"
        is_compared = spec.mc_fallback == TOP_LOGPROBS
        request = self.request(
            prompt,
            num_completions=1,
            top_k_per_token=_MAX_CANDIDATES if is_compared else spec.num_outputs,
            temperature=0.0,
            max_tokens=spec.max_tokens if is_parsed else 1,
            stop_sequences=self.stop_sequences if is_parsed else [],
        )
        mapping = {
            self.letter(index): reference.output
            for index, reference in enumerate(instance.references)
        }
        state = RequestState(
            instance=instance,
            request=request,
            train_trial_index=trial,
            output_mapping=mapping,
            num_in_context_examples=prompt.num_in_context_examples,
            is_truncated=prompt.is_truncated,
            prefix_length=prompt.prefix_length,
        )
        return [state]

    def answer(self, instance: Instance) -> str:
        for index, reference in enumerate(instance.references):
            if reference.is_correct:
                return self.letter(index)
        return NO_ANSWER

    def choices(self, instance: Instance) -> str:
        return "".join(
            reference_prefix(self.spec.reference_prefix, index) + reference.output
            for index, reference in enumerate(instance.references)
        )

    def letter(self, index: int) -> str:
        """The letter that stands for reference `index`."""
        return chr(ord("A") + index)


def reference_prefix(prefix: str, index: int) -> str:
    """Return `prefix` with each "A" replaced by the letter of reference `index`."""
    return prefix.replace("A", chr(ord("A") + index))
