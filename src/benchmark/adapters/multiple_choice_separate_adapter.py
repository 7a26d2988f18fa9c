"""Separate multiple choice: each choice is put after the question and scored by its log-prob."""

from benchmark.adapters.adapter import Adapter
from benchmark.adapters.in_context import Example
from benchmark.adapters.request_state import RequestState
from benchmark.scenarios.scenario import Instance
from common.request import Request

ORIGINAL_MODE = "original"


class MultipleChoiceSeparateAdapter(Adapter):
    """One request a reference: the prompt with that reference as output, echoed, nothing added."""

    def requests(
        self, examples: list[Example], instance: Instance, trial: int
    ) -> list[RequestState]:
        return [
            self.scoring_state(examples, instance, trial, index)
            for index in range(len(instance.references))
        ]

    def num_requests_of(self, instance: Instance) -> int:
        return len(instance.references)

    def scoring_state(
        self, examples: list[Example], instance: Instance, trial: int, reference_index: int
    ) -> RequestState:
        """Return the request that scores one reference after the instance's input."""
        output = instance.references[reference_index].output
        prompt = self.prompt(examples, instance, output)
        request = Request(
            model=self.spec.model,
            deployment=self.spec.deployment,
            prompt=prompt.text,
            num_completions=1,
            temperature=0.0,
            max_tokens=0,
            stop_sequences=[],
            echo_prompt=True,
            random=self.spec.random,
        )
        return RequestState(
            instance=instance,
            request=request,
            train_trial_index=trial,
            reference_index=reference_index,
            request_mode=ORIGINAL_MODE,
            num_in_context_examples=prompt.num_in_context_examples,
            is_truncated=prompt.is_truncated,
            prefix_length=prompt.prefix_length,
        )
