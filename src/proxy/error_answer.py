"""An error as it crosses HTTP: the JSON the server writes, and the error a client makes of it."""

import msgspec

from common.errors import BenchError, InvalidRequestError, ProviderError
from common.request import RequestResult


class ErrorInfo(msgspec.Struct, frozen=True):
    """What went wrong. `request_id` finds it in the server's log."""

    code: str
    message: str
    request_id: str


class ErrorAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of every answer with a status of 400 or more.

    `result` is there if a model was asked and its provider failed.
    """

    error: ErrorInfo
    result: RequestResult | None = None


def to_error(status: int, error: ErrorInfo) -> BenchError:
    """Return the error that the server raised: of the same class, with the same message.

    Only the message survives: attributes such as the `name` of an UnknownNameError do not.
    """
    message = error.message
    if status >= 500:
        message = f"{message} (request id {error.request_id})"
    for kind in _kinds(BenchError):
        if kind.code == error.code:
            if issubclass(kind, ProviderError):
                return kind(message)
            # Others compose their message out of parts that did not cross: it is put in as it is.
            return kind.__new__(kind, message)
    return InvalidRequestError(message) if status < 500 else BenchError(message)


def _kinds(kind: type[BenchError]) -> list[type[BenchError]]:
    below = [deeper for child in kind.__subclasses__() for deeper in _kinds(child)]
    return [kind, *below]
