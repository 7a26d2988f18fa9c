"""A client whose answers are kept: the wrapper that puts the cache before any other client."""

from typing import TYPE_CHECKING, Any

from common.canonical_json import canonical_json
from common.request import Request, RequestResult
from proxy.cache_key import cache_key
from proxy.clients.client import Client, ProviderCall

if TYPE_CHECKING:
    from proxy.cache import Cache


class CachingClient(Client):
    """Asks `client` only what `cache` does not know, and nothing twice at the same time."""

    def __init__(self, client: Client, cache: "Cache") -> None:
        self._client = client
        self._cache = cache
        self._identity_json = canonical_json(client.identity)

    @property
    def identity(self) -> dict[str, Any]:
        return self._client.identity

    def prepare(self, request: Request) -> ProviderCall:
        return self._client.prepare(request)

    def send(self, call: ProviderCall, deadline: float) -> RequestResult:
        return self._cache.get_or_compute(
            cache_key(self._identity_json, call),
            call,
            lambda: self._client.send(call, deadline),
            deadline,
        )
