"""The tokenizer of `simple/model1`: it splits at single spaces."""

from common.errors import UnsupportedFieldError
from proxy.tokenizers.tokenizer import Tokenizer


class SimpleTokenizer(Tokenizer):
    """Words are tokens; a double space holds an empty one. There are no ids."""

    def encode(self, text: str) -> list[int]:
        raise UnsupportedFieldError("the tokenizer simple/model1 has no ids: leave `encode` out")

    def decode(self, ids: list[int]) -> str:
        raise UnsupportedFieldError("the tokenizer simple/model1 has no ids and can't decode")

    def tokenize(self, text: str) -> list[str]:
        return text.split(" ")
