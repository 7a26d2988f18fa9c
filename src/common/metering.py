"""How work is put on somebody's account by those who do it, and know nothing of accounts."""

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")

# Of text, where nobody has counted; bytes bound tokens, and this is what they are on average.
_BYTES_PER_TOKEN = 4


class Meter(Protocol):
    """Does work that asks no model, such as a tokenizer's, on an account."""

    def __call__(
        self, name: str, tokens: int, work: Callable[[], T], count: Callable[[T], int]
    ) -> T:
        """Return what `work` returns; it is not begun where the account may not ask.

        Args:
            name: What does the work, as usage calls it.
            tokens: About how many it takes.
            count: Tells of what was returned how many tokens it took.

        Raises:
            QuotaError: A rate or quota has no room for it.
        """
        ...


def unmetered(name: str, tokens: int, work: Callable[[], T], count: Callable[[T], int]) -> T:
    """Do work on nobody's account: there are none."""
    return work()


def estimated_tokens(text: str) -> int:
    """Return about how many tokens `text` has, for any tokenizer."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN)
