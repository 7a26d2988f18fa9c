"""Cutting a completion at a stop sequence: text and tokens together, so that they always agree."""

from common.request import Sequence, Token


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
    num_left = len(text.encode())
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


def token_bytes(text: str) -> bytes:
    """The UTF-8 bytes of a token's text, which may be written `bytes:\\xe2\\x80`."""
    if text.startswith("bytes:"):
        return bytes.fromhex(text.removeprefix("bytes:").replace("\\x", ""))
    return text.encode()
