"""Generation: one prompt an instance, and the completion is the answer."""

from benchmark.adapters.adapter import Adapter
from benchmark.adapters.in_context import Example
from benchmark.adapters.request_state import RequestState
from benchmark.scenarios.scenario import Instance


class GenerationAdapter(Adapter):
    """Asks for `num_outputs` completions of the prompt."""

    def requests(
        self, examples: list[Example], instance: Instance, trial: int
    ) -> list[RequestState]:
        spec = self.spec
        prompt = self.prompt(examples, instance)
        request = self.request(
            prompt,
            num_completions=spec.num_outputs,
            temperature=spec.temperature,
            max_tokens=spec.max_tokens,
            stop_sequences=self.stop_sequences,
        )
        state = RequestState(
            instance=instance,
            request=request,
            train_trial_index=trial,
            num_in_context_examples=prompt.num_in_context_examples,
            is_truncated=prompt.is_truncated,
            prefix_length=prompt.prefix_length,
        )
        return [state]
