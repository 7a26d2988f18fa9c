"""In-context examples as they stand in a prompt, or in the turns of a chat."""

from collections.abc import Sequence

import msgspec

from benchmark.adapters.adapter_spec import AdapterSpec
from common.request import Message

# What a chat template adds to each message and to the whole is in no text; common ones add fewer.
_TOKENS_PER_MESSAGE = 8
_TOKENS_PER_CHAT = 32


class Example(msgspec.Struct, frozen=True):
    """The text of an instance with its output, which ends with `answer`."""

    text: str
    answer: str

    @property
    def question(self) -> str:
        """What stands before the answer, without white space at its end."""
        return self.text[: len(self.text) - len(self.answer)].rstrip()


def num_template_tokens(spec: AdapterSpec, num_examples: int) -> int:
    """Return about how many tokens a chat takes beside its texts."""
    if spec.chat is None:
        return 0
    num_messages = 1 + (2 * num_examples if spec.chat == "turns" else 0)
    return _TOKENS_PER_CHAT + num_messages * _TOKENS_PER_MESSAGE


def to_messages(
    spec: AdapterSpec, examples: Sequence[Example], prompt: str, question_start: int
) -> tuple[list[Message], int]:
    """Return the chat that stands for a prompt.

    Of `turns`, each example is a user's turn with the assistant's answer; the texts are those of
    the prompt, and instructions begin the first turn: not every model takes a system message.

    Args:
        examples: Those in the prompt.
        question_start: Where the eval instance begins in the prompt, with its input prefix.

    Returns:
        The messages, and where the eval instance begins in the last of them.
    """
    if spec.chat == "user" or not examples:
        return [Message("user", prompt)], question_start
    head = spec.instructions + spec.instance_prefix if spec.instructions else ""
    messages = []
    for example in examples:
        messages += [
            Message("user", head + example.question),
            Message("assistant", example.answer.strip()),
        ]
        head = ""
    return [*messages, Message("user", prompt[question_start:])], 0
