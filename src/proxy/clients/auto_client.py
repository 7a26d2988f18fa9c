"""One client a deployment, behind the cache; here retries end and failures become results."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from common.canonical_json import canonical_json
from common.errors import (
    CredentialsError,
    DataError,
    MissingExtraError,
    ModelNotFoundError,
    ProviderError,
    UnavailableError,
    UnsupportedFieldError,
)
from common.object_spec import create_object
from common.request import Request, RequestResult, Usage, failed_result
from proxy.cache_entry import Labels
from proxy.cache_key import cache_key
from proxy.clients.capabilities import Capabilities
from proxy.clients.client import Client, OnPiece, ProviderCall
from proxy.clients.paced_client import PacedClient, called_by
from proxy.clients.retrying_client import RetryingClient
from proxy.credentials import Credentials
from proxy.deployments import ModelDeployment, TokenizerConfig
from proxy.line import LINE
from proxy.metrics import Metrics
from proxy.pacing.pace import Limits, Pace
from proxy.tokenizers.tokenizer import Tokenizer

if TYPE_CHECKING:
    from proxy.cache import Cache
    from proxy.pacing.shares import Shares

logger = logging.getLogger(__name__)

# Makes a call on someone's account: is given the call, and returns or raises what it does.
Spend = Callable[[Callable[[], RequestResult]], RequestResult]

_PLAIN = Request()
_MAX_TOKENS = 10**9  # of one request


class AutoClient:
    """One client a deployment: cache, then the caller's account, then retries, then the provider.

    Args:
        base_path: Folder of models and credentials, for clients that need it.
        cache: Where answers are kept; opened with the first request.
        timeout_seconds: Total time for one request, retries included.
        metrics: Where answers and calls are counted.
        shares: Divides the pace of deployments with other processes; opened with the first call.
        is_patient: Whether the wait for a turn takes nothing from the time for a request.
    """

    def __init__(
        self,
        base_path: Path,
        cache: Callable[[], "Cache"],
        timeout_seconds: float,
        metrics: Metrics | None = None,
        shares: "Callable[[], Shares] | None" = None,
        *,
        is_patient: bool = False,
    ) -> None:
        self._base_path = base_path
        self._cache = cache
        self._timeout_seconds = timeout_seconds
        self._metrics = metrics or Metrics()
        self._shares, self._is_patient = shares, is_patient
        self._paces: dict[str, Pace] = {}
        self._credentials = Credentials(base_path)
        self._missing_keys: dict[str, str] = {}
        self._providers: dict[str, Client] = {}
        self._identities: dict[str, bytes] = {}
        self._tokenizers: dict[str, Tokenizer] = {}
        self._lock = threading.Lock()

    def make_request(
        self,
        deployment: ModelDeployment,
        request: Request,
        *,
        scope: str = "",
        account_id: int | None = None,
        spend: Spend | None = None,
        on_piece: OnPiece | None = None,
    ) -> RequestResult:
        """Ask `deployment`; a provider's failure becomes a result with outcome "error".

        Args:
            scope: Who shares stored answers with the caller: those with the same scope.
            account_id: Whose request it is, to be noted beside its answer.
            spend: Makes the call on the caller's account; not used where there is an answer.
            on_piece: As for `Client.send`; not told anything where there is an answer.

        Raises:
            UnsupportedFieldError: The deployment can't honour a field; nothing was asked.
            QuotaError: `spend` has refused; nothing was asked.
        """
        try:
            provider = self._provider(deployment)
        except ProviderError as error:
            return failed_result(str(error), error.code)
        _check_fields(deployment, request)
        call = provider.prepare(request)
        identity, model = self._identities[deployment.name], deployment.model
        deadline = time.monotonic() + self._timeout_seconds

        def send() -> RequestResult:
            self._share_pace(deployment)
            with called_by(account_id), LINE.outside():
                return self._counted(
                    model, lambda: _read_safely(provider, call, deadline, on_piece)
                )

        def ask() -> RequestResult:
            # Not earlier: what is stored needs neither the provider nor its key.
            self._check_can_be_asked(deployment)
            return send() if spend is None else spend(send)

        try:
            result = self._cache().get_or_compute(
                cache_key(identity, call, scope),
                call,
                ask,
                deadline,
                request.max_cache_age,
                Labels(model=model, account_id=account_id, identity=identity, scope=scope),
            )
        except ProviderError as error:
            logger.debug("%s: %s", deployment.name, error.code)  # its text may quote a prompt
            result = failed_result(str(error), error.code, error.retry_after)
        self._metrics.count_answer(model, is_hit=result.cached)
        return result

    def is_stored(self, deployment: ModelDeployment, request: Request, scope: str = "") -> bool:
        """Whether there is a stored answer; false for a request that can't be made."""
        try:
            call = self._provider(deployment).prepare(request)
        except (ProviderError, UnsupportedFieldError):
            return False
        key = cache_key(self._identities[deployment.name], call, scope)
        return self._cache().has(key, request.max_cache_age)

    def _counted(self, model: str, ask: Callable[[], RequestResult]) -> RequestResult:
        began = time.monotonic()
        try:
            result = ask()
        except ProviderError as error:
            self._metrics.count_call(model, error.code, time.monotonic() - began)
            raise
        self._metrics.count_call(model, result.outcome, time.monotonic() - began, result)
        return result

    def identity(self, deployment: ModelDeployment) -> dict[str, Any]:
        """Return what makes the answers of `deployment` its own."""
        return self._provider(deployment).identity

    def client(self, deployment: ModelDeployment) -> Client:
        """Return the client of `deployment`, made on first use."""
        return self._provider(deployment)

    def capabilities(self, deployment: ModelDeployment) -> Capabilities:
        """Return what `deployment` does with the fields of a request."""
        of_client = msgspec.to_builtins(self._provider(deployment).capabilities)
        return msgspec.convert(of_client | deployment.capabilities, Capabilities)

    def _provider(self, deployment: ModelDeployment) -> Client:
        provider = self._providers.get(deployment.name)
        if provider is None:
            with self._lock:
                provider = self._providers.get(deployment.name)
                if provider is None:
                    try:
                        provider = RetryingClient(self._paced(deployment))
                    except (DataError, MissingExtraError) as error:
                        # To whoever asks it is a model that can't be had here, as others are.
                        raise ModelNotFoundError(f"{deployment.name}: {error}") from error
                    self._identities[deployment.name] = canonical_json(provider.identity)
                    self._providers[deployment.name] = provider
        return provider

    def tokenizer(self, config: TokenizerConfig) -> Tokenizer:
        """Return the tokenizer that `config` describes, made on first use."""
        with self._lock:
            if config.name not in self._tokenizers:
                self._tokenizers[config.name] = create_object(
                    config.tokenizer_spec, base_path=self._base_path, name=config.name
                )
            return self._tokenizers[config.name]

    def _paced(self, deployment: ModelDeployment) -> Client:
        client = self._create(deployment)
        limits = Limits(
            deployment.max_in_flight or client.max_in_flight,
            deployment.requests_per_minute,
            deployment.tokens_per_minute,
        )
        pace = self._paces[deployment.name] = Pace(deployment.name, limits)
        return PacedClient(
            client,
            pace,
            self._metrics,
            deployment.model,
            is_patient=self._is_patient,
        )

    def _share_pace(self, deployment: ModelDeployment) -> None:
        if self._shares is not None:
            pace = self._paces.get(deployment.name)
            if pace is not None:
                self._shares().join(pace)

    def _create(self, deployment: ModelDeployment) -> Any:
        offered, missing = self._credentials.of_client(
            deployment.name, deployment.client_spec, deployment.credential
        )
        if missing is not None:
            self._missing_keys[deployment.name] = missing
        return create_object(
            deployment.client_spec,
            base_path=self._base_path,
            model_name=deployment.model.partition("/")[2],
            **offered,
        )

    def _check_can_be_asked(self, deployment: ModelDeployment) -> None:
        if deployment.is_retired:
            instead = f": ask {deployment.successor} in its place" if deployment.successor else ""
            raise ModelNotFoundError(
                f"{deployment.name} was retired on {deployment.retired}{instead}"
            )
        if deployment.name in self._missing_keys:
            missing = self._credentials.missing(self._missing_keys[deployment.name])
            raise CredentialsError(f"{deployment.name}: {missing}")


def _read_safely(
    provider: Client, call: ProviderCall, deadline: float, on_piece: OnPiece | None
) -> RequestResult:
    try:
        return _with_plausible_usage(provider.send(call, deadline, on_piece))
    except RecursionError as error:
        raise UnavailableError("the provider's answer has too many levels of JSON") from error


def _with_plausible_usage(result: RequestResult) -> RequestResult:
    """Return `result` without counts that can't be: accounts are charged by them."""
    if result.usage is None:
        return result
    counts = msgspec.structs.asdict(result.usage)
    possible = {
        name: count if count is not None and 0 <= count <= _MAX_TOKENS else None
        for name, count in counts.items()
    }
    return (
        result if possible == counts else msgspec.structs.replace(result, usage=Usage(**possible))
    )


def _check_fields(deployment: ModelDeployment, request: Request) -> None:
    """Raise if the request sets a field that the deployment is declared not to support."""
    for name, support in deployment.capabilities.items():
        if support == "unsupported" and getattr(request, name) != getattr(_PLAIN, name):
            raise UnsupportedFieldError(f"{name}: {deployment.name} does not support it")
