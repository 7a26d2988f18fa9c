r"""The text and the bytes behind token texts, of which some hold only part of a character.

Such a token has a text like `bytes:\xe2\x80`, an idea of OpenAI's API: its bytes as `\x` groups.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from urllib.parse import unquote_to_bytes

BYTES_PREFIX = "bytes:"
BYTE_MARK = "\\x"
BYTES_PER_TOKEN = 4  # of English text, where no tokenizer counts


def get_num_bytes(texts: Sequence[str]) -> int:
    r"""Number of UTF-8 bytes that the tokens stand for; a `bytes:` token counts its `\x` groups."""
    joined = "".join(texts)
    if BYTES_PREFIX not in joined:
        return len(joined) if joined.isascii() else len(text_bytes(joined))
    return sum(
        text.count(BYTE_MARK) if _is_partial(text) else len(text_bytes(text)) for text in texts
    )


def tokens_to_text(texts: Iterable[str]) -> list[str]:
    """One text per token, but one for a run of `bytes:` tokens, decoded together.

    Bytes that are not UTF-8 become U+FFFD.
    """
    spans: list[str] = []
    for is_partial, run in groupby(texts, _is_partial):
        if is_partial:
            spans.append(b"".join(map(token_bytes, run)).decode("utf-8", "replace"))
        else:
            spans.extend(run)
    return spans


def text_bytes(text: str) -> bytes:
    """The text in UTF-8; a lone surrogate, which JSON can hold, is kept as its three bytes."""
    return text.encode("utf-8", "surrogatepass")


def token_bytes(text: str) -> bytes:
    """The UTF-8 bytes that a token with this text stands for."""
    if not _is_partial(text):
        return text_bytes(text)
    return unquote_to_bytes(text_bytes(text.removeprefix(BYTES_PREFIX)).replace(b"\\x", b"%"))


def token_text(data: bytes) -> str:
    r"""Return the text of a token that stands for `data`: `bytes:\xe2\x80` if that is not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return BYTES_PREFIX + "".join(f"{BYTE_MARK}{value:02x}" for value in data)


def _is_partial(text: str) -> bool:
    return text.startswith(BYTES_PREFIX) and BYTE_MARK in text


def guess_num_tokens(text: str) -> int:
    """Return about how many tokens a text has, where no tokenizer counts them."""
    return -(-len(text_bytes(text)) // BYTES_PER_TOKEN)


def guess_tokens(text: str) -> list[str]:
    """Return `text` in about `guess_num_tokens` pieces."""
    num_tokens = guess_num_tokens(text)
    size = max(1, -(-len(text) // max(1, num_tokens)))
    return [text[start : start + size] for start in range(0, len(text), size)]
