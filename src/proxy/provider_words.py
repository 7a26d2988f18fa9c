"""What a provider or the system says of a failure, in words that are short and safe to show."""

import email.utils
import html
import math
import re
import time
from collections.abc import Mapping, Sequence
from urllib.parse import SplitResult, unquote

import msgspec

MAX_WORDS = 1000  # characters of a provider's message
MAX_TEXT = 200  # … and of a body that holds no message
_MAX_BYTES = 2**20  # of a body that are looked at
# To hide a shorter part would make messages unreadable, and hide no secret worth the name.
_MIN_SECRET = 4


def secrets_in(url: SplitResult, headers: Mapping[str, str]) -> list[str]:
    """Return what must not be shown of a URL and headers: keys, user, password and query.

    The longest comes first, so that none is hidden in part only.
    """
    parts = [value.rpartition(" ")[2] for value in headers.values()]
    parts += [item.partition("=")[2] for item in url.query.split("&")] + [url.query]
    parts += [url.username or "", url.password or "", unquote(url.password or "")]
    return sorted({part for part in parts if len(part) >= _MIN_SECRET}, key=len, reverse=True)


def hidden(text: str, secrets: Sequence[str]) -> str:
    """Return `text` with `***` in place of each secret."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def words_of(body: bytes, secrets: Sequence[str]) -> str:
    """Return what `body` says, in one short line: its error message, if it holds one."""
    text, max_length = _words(hidden(body[:_MAX_BYTES].decode("utf-8", "replace"), secrets))
    # Once more: decoding JSON or HTML may have brought a secret to light.
    return shortened(hidden(text, secrets), max_length)


def _words(text: str) -> tuple[str, int]:
    """One line that says what `text`, a body, is; and how many characters of it to show."""
    if not text.strip():
        return "an empty body", MAX_TEXT
    try:
        message = _message(msgspec.json.decode(text))
    except (ValueError, RecursionError):  # the latter where it is nested too deeply
        message = ""
    if message:
        return one_line(message), MAX_WORDS
    if re.match(r"\s*<(!doctype\s+html|html|head|body)", text, re.IGNORECASE):
        title = re.search(r"<title[^>]*>(.*?)</title", text, re.IGNORECASE | re.DOTALL)
        named = f" titled {one_line(html.unescape(title[1]))!r}" if title else ""
        return f"an HTML page{named}, not JSON", MAX_TEXT
    return one_line(text), MAX_TEXT


def _message(value: object) -> str:
    """The error message in the forms that OpenAI, Anthropic, Ollama, FastAPI and others use."""
    while isinstance(value, dict):
        value = next((value[key] for key in ("error", "message", "detail") if value.get(key)), "")
    return value if isinstance(value, str) else ""


def one_line(text: str) -> str:
    """Return `text` with one space for each run of spaces, line breaks and control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def shortened(text: str, max_length: int) -> str:
    """Return the first `max_length` characters, with `…` behind them if there are more."""
    return text if len(text) <= max_length else text[:max_length] + "…"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait that a provider asks for; None if it asks for none.

    Args:
        headers: By name in lower case.

    It may do so in milliseconds, in seconds, or by a date.
    """
    try:
        if milliseconds := headers.get("retry-after-ms"):
            seconds = float(milliseconds) / 1000
        elif value := headers.get("retry-after"):
            if re.fullmatch(r"\s*[\d.]+\s*", value):
                seconds = float(value)
            else:
                seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
