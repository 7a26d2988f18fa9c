"""One client a deployment; here retries end and failures become results."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.errors import ProviderError
from common.object_spec import ObjectSpec, create_object
from common.request import Request, RequestResult, failed_result
from proxy.clients.caching_client import CachingClient
from proxy.clients.client import Client
from proxy.clients.retrying_client import RetryingClient
from proxy.deployments import ModelDeployment, TokenizerConfig
from proxy.tokenizers.tokenizer import Tokenizer

if TYPE_CHECKING:
    from proxy.cache import Cache

logger = logging.getLogger(__name__)


class AutoClient:
    """One client a deployment: cache, then retries, then the provider.

    Args:
        base_path: Folder of models and credentials, for clients that need it.
        cache: Where answers are kept; opened with the first request.
        timeout_seconds: Total time for one request, retries included.
    """

    def __init__(
        self, base_path: Path, cache: Callable[[], "Cache"], timeout_seconds: float
    ) -> None:
        self._base_path = base_path
        self._cache = cache
        self._timeout_seconds = timeout_seconds
        self._providers: dict[str, Client] = {}
        self._clients: dict[str, Client] = {}
        self._tokenizers: dict[str, Tokenizer] = {}
        self._lock = threading.Lock()

    def make_request(self, deployment: ModelDeployment, request: Request) -> RequestResult:
        """Ask `deployment`; a provider's failure becomes a result with outcome "error".

        Raises:
            UnsupportedFieldError: The deployment can't honour a field; nothing was asked.
        """
        client = self._client(deployment)
        call = client.prepare(request)
        try:
            return client.send(call, time.monotonic() + self._timeout_seconds)
        except ProviderError as error:
            logger.debug("%s: %s", deployment.name, error.code)  # its text may quote a prompt
            return failed_result(str(error), error.code)

    def identity(self, deployment: ModelDeployment) -> dict[str, Any]:
        """Return what makes the answers of `deployment` its own."""
        return self._provider(deployment).identity

    def _client(self, deployment: ModelDeployment) -> Client:
        client = self._clients.get(deployment.name)
        if client is None:
            provider = self._provider(deployment)
            with self._lock:
                client = self._clients.get(deployment.name)
                if client is None:
                    client = CachingClient(RetryingClient(provider), self._cache())
                    self._clients[deployment.name] = client
        return client

    def _provider(self, deployment: ModelDeployment) -> Client:
        with self._lock:
            if deployment.name not in self._providers:
                self._providers[deployment.name] = self._create(deployment.client_spec)
            return self._providers[deployment.name]

    def tokenizer(self, config: TokenizerConfig) -> Tokenizer:
        """Return the tokenizer that `config` describes, made on first use."""
        with self._lock:
            if config.name not in self._tokenizers:
                self._tokenizers[config.name] = self._create(config.tokenizer_spec)
            return self._tokenizers[config.name]

    def _create(self, spec: ObjectSpec) -> Any:
        return create_object(spec, base_path=self._base_path)
