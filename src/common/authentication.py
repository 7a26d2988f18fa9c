"""Who is asking."""

import msgspec


class Authentication(msgspec.Struct, frozen=True):
    """A bearer key. It never shows in a log or an error: its repr leaves it out."""

    api_key: str

    def __repr__(self) -> str:
        return "Authentication(api_key=…)"
