"""What a client of a model provider is: two methods, `prepare` and `send`.

`prepare` is pure and turns a Request into the one call that will be made; `send` makes it. What
applies to every client (cache, retries) is a wrapper of the same interface.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import msgspec

from common.errors import UnavailableError
from common.request import Request, RequestResult
from proxy.clients.capabilities import Capabilities

# Is told the place of a completion, and what was added to the end of its text.
OnPiece = Callable[[int, str], None]


class ProviderCall(msgspec.Struct, frozen=True):
    """Everything of one call that its answer depends on, apart from the deployment's identity.

    `body` is canonical JSON and is sent as it is, so what is sent is what is keyed. `handling`
    holds the fields that are honoured on our side instead of the provider's (stop sequences cut,
    completions asked for one by one). `random` is the caller's cache salt.
    """

    body: bytes
    path: str = ""
    handling: dict[str, Any] = {}
    random: str | None = None


class Client(ABC):
    """Asks one deployment of one model."""

    # How many calls it makes at a time, where more would only wait inside it.
    max_in_flight: int | None = None

    @property
    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What makes two deployments the same for the cache: client class, base URL, upstream
        model, API version, fixed extra fields; never a label, never a credential."""

    @property
    def capabilities(self) -> Capabilities:
        """What it does with the fields of a request; by default all of them are honoured."""
        return Capabilities()

    @abstractmethod
    def prepare(self, request: Request) -> ProviderCall:
        """Return the call for `request`, without making it.

        Raises:
            UnsupportedFieldError: The deployment can't honour a field of the request.
        """

    @abstractmethod
    def send(
        self, call: ProviderCall, deadline: float, on_piece: OnPiece | None = None
    ) -> RequestResult:
        """Make the call and return its completions in the provider's order.

        Args:
            deadline: When to give up, in seconds of `time.monotonic()`.
            on_piece: Told the text as it comes, by clients whose provider streams; the others
                ignore it. What was told is always a beginning of the text that is returned.

        Raises:
            ProviderError: There is no usable answer.
        """

    def result_of(self, call: ProviderCall, data: bytes) -> RequestResult:
        """Return what `data`, a whole body that answered `call` at another time, means.

        Raises:
            ProviderError: It is no usable answer, or this client can't tell.
        """
        raise UnavailableError(f"{type(self).__name__} does not read answers of other times")


class ClientWrapper(Client):
    """A client that sends by another one, and is the same in all else."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def identity(self) -> dict[str, Any]:
        return self._client.identity

    @property
    def capabilities(self) -> Capabilities:
        return self._client.capabilities

    def prepare(self, request: Request) -> ProviderCall:
        return self._client.prepare(request)

    def result_of(self, call: ProviderCall, data: bytes) -> RequestResult:
        return self._client.result_of(call, data)
