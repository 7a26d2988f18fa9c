"""What a deployment does with the fields of a request: asked before a run, shown to users."""

from typing import Literal

import msgspec

# native: the provider honours it. emulated: honoured on our side, or left out where leaving it out
# still gives an answer; the result lists it in `emulated`. unsupported: the request is refused.
Support = Literal["native", "emulated", "unsupported"]


class Capabilities(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Support of each field of Request, by its name; and what no single field tells.

    Fields that are not listed here are honoured by every client.
    """

    messages: Support = "native"
    temperature: Support = "native"
    top_p: Support = "native"
    presence_penalty: Support = "native"
    frequency_penalty: Support = "native"
    seed: Support = "native"
    num_completions: Support = "native"
    top_k_per_token: Support = "native"  # noqa: S105 (no password)
    stop_sequences: Support = "native"
    echo_prompt: Support = "native"
    response_format: Support = "native"
    reasoning: Support = "native"
    tools: Support = "native"
    tool_choice: Support = "native"
    embedding_input: Support = "native"
    thinks: bool = False  # before each answer, asked or not, out of the tokens for the answer
    has_logprobs: bool = True  # of the tokens of a completion
    has_prompt_logprobs: bool = True  # by `echo_prompt`
    max_stop_sequences: int | None = None  # at the provider; those beyond are cut on our side
    max_candidates: int | None = None  # most of `top_k_per_token`; there are fewer beyond
    streams: bool = False  # whether the text is told as it comes
