"""Cutting a completion at a stop sequence: text and tokens together, so that they always agree."""

from common.request import Sequence, Token
from common.token_text import text_bytes, token_bytes


def truncate_at_stop(sequence: Sequence, stop_sequences: list[str]) -> Sequence:
    """Return `sequence` up to the first stop sequence in its text, which is itself left out.

    The last token is cut where the text is; its log-probability stays that of the whole token. A
    completion that was cut ends with the reason "stop"; one without a stop sequence is returned as
    it is.
    """
    starts = [sequence.text.find(stop) for stop in stop_sequences if stop]
    found = [start for start in starts if start >= 0]
    if not found:
        return sequence
    text = sequence.text[: min(found)]
    tokens: list[Token] = []
    num_left = len(text_bytes(text))
    for token in sequence.tokens:
        size = len(token_bytes(token.text))
        if num_left <= 0:
            break
        if size > num_left:
            kept = token_bytes(token.text)[:num_left].decode(errors="replace")
            token = Token(kept, token.logprob, token.top_logprobs)
        tokens.append(token)
        num_left -= size
    return Sequence(
        text,
        sum(token.logprob for token in tokens),
        tokens,
        {"reason": "stop"},
        sequence.thinking,
    )
