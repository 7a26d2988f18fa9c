"""What a tokenizer is: text to ids, ids to text."""

from abc import ABC, abstractmethod


class Tokenizer(ABC):
    """Splits text as one model does. Safe to use from several threads."""

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Return the ids of the tokens of `text`, without special tokens put before or after."""

    @abstractmethod
    def decode(self, ids: list[int]) -> str:
        """Return the text of `ids`; parts of a character that is not whole become U+FFFD."""

    @abstractmethod
    def tokenize(self, text: str) -> list[str]:
        """Return the text of each token; together they are `text`."""
