"""Language modelling: the input itself is scored, in windows that cover it once."""

from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from benchmark.adapters.adapter import Adapter
from benchmark.adapters.in_context import Example
from benchmark.adapters.request_state import RequestState
from benchmark.scenarios.scenario import Instance
from common.request import Request


class Window(NamedTuple):
    """A part of a text: its prompt, and how many tokens at its start give context only."""

    prompt: str
    num_conditioning_tokens: int


class LanguageModelingAdapter(Adapter):
    """Has the model score the input: echoed prompts to which nothing is added.

    The first window begins with the deployment's prefix token, if it has one. Each later one
    scores as many new tokens as fit behind one token of context; the last is filled up with
    context. Prefixes, examples and trials do not apply.

    A window begins and ends between two characters, so every token is scored exactly once; the
    reference system loses those around a character that is cut.
    """

    def adapt(self, train: list[Instance], evaluated: list[Instance]) -> Iterator[RequestState]:
        for instance in evaluated:
            yield from self.requests([], instance, trial=0)

    def num_requests(self, evaluated: list[Instance]) -> int:
        return sum(map(self.num_requests_of, evaluated))

    def num_requests_of(self, instance: Instance) -> int:
        return len(self.windows(instance.input))

    def requests(
        self, examples: list[Example], instance: Instance, trial: int
    ) -> list[RequestState]:
        spec = self.spec
        return [
            RequestState(
                instance=instance,
                request=Request(
                    model=spec.model,
                    deployment=spec.deployment,
                    prompt=window.prompt,
                    num_completions=1,
                    temperature=0.0,
                    max_tokens=spec.max_tokens,
                    stop_sequences=spec.stop_sequences,
                    echo_prompt=True,
                    random=spec.random,
                ),
                train_trial_index=trial,
                num_conditioning_tokens=window.num_conditioning_tokens,
                window_index=index,
            )
            for index, window in enumerate(self.windows(instance.input))
        ]

    def windows(self, text: str) -> list[Window]:
        """Return the windows that score each token of `text` once.

        Where the deployment's tokenizer or limits are not known, it is one window.
        """
        prefix = self.window.prefix_token
        num_prefix_tokens = 1 if prefix else 0
        limit = self.window.max_request_length
        if limit is None:
            return [Window(prefix + text, num_prefix_tokens)]
        # Prefix and text together are bounded, too.
        length = min(self.window.max_sequence_length or limit, limit - num_prefix_tokens)
        if len(text.encode()) <= length:  # no token is shorter than a byte
            return [Window(prefix + text, num_prefix_tokens)]
        pieces = self.window.split(text)
        data = b"".join(pieces)
        # Between which tokens a character does not go on.
        ends = [0, *accumulate(map(len, pieces))]
        is_border = [end == len(data) or not 0x80 <= data[end] < 0xC0 for end in ends]

        def text_of(start: int, end: int) -> str:
            return data[ends[start] : ends[end]].decode()

        done = _last_border(is_border, 0, min(length, len(pieces)))
        windows = [Window(prefix + text_of(0, done), num_prefix_tokens)]
        while done < len(pieces):
            end = _last_border(is_border, done, min(done + limit - 1, len(pieces)))
            while True:
                start = _next_border(is_border, max(0, end - limit), done)
                prompt = text_of(start, end)
                # Alone, a part of a text may be split in another way, into more tokens.
                excess = self.window.num_tokens(prompt) - limit
                if excess <= 0:
                    break
                shorter = _last_border(is_border, done, end - excess)
                if shorter >= end:
                    break
                end = shorter
            windows.append(Window(prompt, done - start))
            done = end
        return windows


def _last_border(is_border: list[bool], start: int, end: int) -> int:
    """The last border up to `end`, or the first one after `start` where there is none between."""
    for place in range(end, start, -1):
        if is_border[place]:
            return place
    return next(place for place in range(start + 1, len(is_border)) if is_border[place])


def _next_border(is_border: list[bool], start: int, end: int) -> int:
    return next(place for place in range(start, end + 1) if is_border[place])
