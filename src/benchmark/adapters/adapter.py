"""What an adapter is: instances in, requests out, in a fixed order."""

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from benchmark.adapters.adapter_spec import AdapterSpec
from benchmark.adapters.in_context import Example, num_template_tokens, to_messages
from benchmark.adapters.request_state import RequestState
from benchmark.adapters.subsampling import sample_examples, select_eval_instances
from benchmark.scenarios.scenario import EVAL_SPLITS, TRAIN_SPLIT, Instance
from benchmark.window_services.window_service import WindowService
from common.request import Message, Request

# Number of examples and input → the whole prompt, and the length of what precedes the input.
_Build = Callable[[int, str], tuple[str, int]]

NO_ANSWER = "n/a"  # shown for an in-context example that has no correct reference


class Prompt(msgspec.Struct, frozen=True):
    """A prompt that fits, and what it took to make it fit.

    `prefix_length`: characters before the eval instance's input, equal for all its neighbours; in
    the last message where it is a chat.
    """

    text: str
    num_in_context_examples: int
    is_truncated: bool
    prefix_length: int
    messages: list[Message] | None = None


class Adapter(ABC):
    """Turns instances into requests by one method; one subclass a method.

    Args:
        spec: How.
        window: What fits.
    """

    def __init__(self, spec: AdapterSpec, window: WindowService) -> None:
        self.spec = spec
        self.window = window

    def select(self, instances: list[Instance]) -> tuple[list[Instance], list[Instance]]:
        """Return the train pool, and the eval instances that are asked about, in request order."""
        train = [instance for instance in instances if instance.split == TRAIN_SPLIT]
        pool = [instance for instance in instances if instance.split in EVAL_SPLITS]
        return train, select_eval_instances(pool, self.spec.max_eval_instances)

    def adapt(self, train: list[Instance], evaluated: list[Instance]) -> Iterator[RequestState]:
        """Yield the requests of every trial and eval instance, one after the other.

        Nothing is kept: memory does not grow with the number of requests.
        """
        for trial in range(self.spec.num_train_trials):
            examples = sample_examples(train, self.spec.max_train_instances, seed=trial)
            blocks = [self.example(instance, self.answer(instance)) for instance in examples]
            for instance in evaluated:
                yield from self.requests(blocks, instance, trial)

    def num_requests(self, evaluated: list[Instance]) -> int:
        """How many requests `adapt` will yield."""
        return self.spec.num_train_trials * sum(map(self.num_requests_of, evaluated))

    def num_requests_of(self, instance: Instance) -> int:
        """How many requests ask about `instance` in one trial."""
        return 1

    @abstractmethod
    def requests(
        self, examples: list[Example], instance: Instance, trial: int
    ) -> list[RequestState]:
        """Return the requests about `instance`.

        Args:
            examples: The in-context examples, in prompt order.
        """

    def answer(self, instance: Instance) -> str:
        """The output that stands in the prompt when `instance` is an in-context example."""
        reference = instance.first_correct_reference
        return NO_ANSWER if reference is None else reference.output

    def choices(self, instance: Instance) -> str:
        """What stands between an instance's input and the output prefix."""
        return ""

    def example(self, instance: Instance, output: str) -> Example:
        """An instance with its output, as it stands in the prompts about others."""
        spec = self.spec
        text = (
            f"{spec.input_prefix}{instance.input}{self.choices(instance)}"
            f"{spec.output_prefix}{output}"
        )
        return Example(text, output)

    def request(self, prompt: Prompt, **fields: Any) -> Request:
        """Return the request that asks `prompt`, by the profile of the specification."""
        spec = self.spec
        if spec.reasoning is not None:
            fields["reasoning"] = {"max_tokens": spec.reasoning}
        if prompt.messages is None:
            fields["prompt"] = prompt.text
        else:
            fields["messages"] = prompt.messages
        return Request(model=spec.model, deployment=spec.deployment, random=spec.random, **fields)

    @property
    def stop_sequences(self) -> list[str]:
        """What ends a completion.

        An answer that is parsed may have several paragraphs: in place of a stop of white space
        alone stands the beginning of a next question.
        """
        spec = self.spec
        if spec.answers == "exact":
            return spec.stop_sequences
        stops = [stop for stop in spec.stop_sequences if stop.strip()]
        next_question = spec.input_prefix.strip()
        return [*stops, f"\n{next_question}"] if next_question else stops

    def prompt(
        self, examples: list[Example], instance: Instance, output: str | None = None
    ) -> Prompt:
        """Return the prompt about `instance` that fits the window with as many examples as can be.

        Examples are dropped from the end; when none is left, the end of the input is cut, never
        the cue for the answer. Without `output` the prompt ends with the output prefix, stripped.
        """
        spec = self.spec
        cue = spec.output_prefix.rstrip() if output is None else spec.output_prefix + output
        ending = self.choices(instance) + cue
        texts = [example.text for example in examples]

        def build(num_examples: int, input: str) -> tuple[str, int]:
            blocks = [spec.instructions] if spec.instructions else []
            blocks += [*texts[:num_examples], spec.input_prefix]
            prefix = spec.instance_prefix.join(blocks)
            return prefix + input + ending, len(prefix)

        def is_too_long(num_examples: int) -> bool:
            room = self.num_answer_tokens + num_template_tokens(spec, num_examples)
            return not self.window.fits(build(num_examples, instance.input)[0], room)

        num_examples, is_truncated, input = len(examples), False, instance.input
        if is_too_long(num_examples):
            # The first number of examples that is too many, less one.
            num_examples = bisect_left(range(num_examples), True, key=is_too_long) - 1
            if num_examples < 0:
                num_examples, is_truncated = 0, True
                input = input[: self._num_fitting_characters(build, input)]
        text, prefix_length = build(num_examples, input)
        messages = None
        if spec.chat is not None:
            question_start = prefix_length - len(spec.input_prefix)
            messages, start = to_messages(spec, examples[:num_examples], text, question_start)
            prefix_length += start - question_start
        return Prompt(text, num_examples, is_truncated, prefix_length, messages)

    @property
    def num_answer_tokens(self) -> int:
        """The room that is left for an answer, thoughts included."""
        return self.spec.max_tokens + (self.spec.reasoning or 0)

    def _num_fitting_characters(self, build: _Build, input: str) -> int:
        room = self.num_answer_tokens + num_template_tokens(self.spec, 0)

        def is_too_long(length: int) -> bool:
            return not self.window.fits(build(0, input[:length])[0], room)

        return max(0, bisect_left(range(len(input)), True, key=is_too_long) - 1)
