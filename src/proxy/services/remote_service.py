"""The service of another process or machine: a `proxy-server`, asked over HTTP."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Never, TypeVar
from urllib.parse import urlencode

import msgspec

from common.authentication import Authentication
from common.errors import QuotaError, UnavailableError, UnreachableError
from common.request import Request, RequestResult
from common.tokenization import (
    DecodeRequest,
    DecodeRequestResult,
    TokenizationRequest,
    TokenizationRequestResult,
)
from common.toxicity import PerspectiveAPIRequest, PerspectiveAPIRequestResult
from proxy.error_answer import ErrorAnswer, to_error
from proxy.http import Http, Response
from proxy.provider_words import retry_after
from proxy.services.service import DeploymentInfo, GeneralInfo, Service

DEFAULT_URL = "http://localhost:1959"

# Between attempts; long enough for a proxy to be started anew.
_PAUSES_SECONDS = (0.2, 1.0, 3.0)

logger = logging.getLogger(__name__)

T = TypeVar("T")


class RemoteService(Service):
    """Hands every call to the proxy at `base_url`, and its errors and results back as they were.

    A lost connection is tried again: the proxy answers the same request from its cache, or lets it
    join the one still under way, so nothing is asked or paid for twice. Where the account has a
    rate, or holds too much at the moment, a call waits as long as the proxy says.

    Args:
        base_url: Such as `http://localhost:1959`.
        timeout_seconds: Total time for a call, attempts included. More than the proxy's own
            limit, so that it is the one to give up.
        sleep: Waits that many seconds between attempts.

    Every method raises UnreachableError if there is no proxy, DeadlineError if it does not answer
    in time, and UnavailableError if what answers is none.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        *,
        timeout_seconds: float = 330,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base_url = base_url
        self._timeout_seconds = timeout_seconds
        self._sleep = sleep
        self._connections: dict[str, Http] = {}  # by API key; "" is none
        self._lock = threading.Lock()
        self._connect("")  # so that a wrong URL is told at once

    def get_general_info(self) -> GeneralInfo:
        http = self._connect("")
        return self._ask(lambda deadline: http.get("/api/general_info", deadline), GeneralInfo)

    def get_deployment(
        self, auth: Authentication, model: str, deployment: str | None = None
    ) -> DeploymentInfo:
        http = self._connect(auth.api_key)
        fields = {"model": model} | ({"deployment": deployment} if deployment else {})
        path = f"/api/deployment?{urlencode(fields)}"
        return self._ask(lambda deadline: http.get(path, deadline), DeploymentInfo)

    def make_request(
        self,
        auth: Authentication,
        request: Request,
        on_piece: Callable[[int, str], None] | None = None,
    ) -> RequestResult:
        try:
            result = self._post(auth, "/api/request", request, RequestResult)
        except _FailedRequestError as failed:
            return failed.result
        return result

    def tokenize(
        self, auth: Authentication, request: TokenizationRequest
    ) -> TokenizationRequestResult:
        return self._post(auth, "/api/tokenize", request, TokenizationRequestResult)

    def decode(self, auth: Authentication, request: DecodeRequest) -> DecodeRequestResult:
        return self._post(auth, "/api/decode", request, DecodeRequestResult)

    def get_toxicity_scores(
        self, auth: Authentication, request: PerspectiveAPIRequest
    ) -> PerspectiveAPIRequestResult:
        return self._post(auth, "/api/toxicity", request, PerspectiveAPIRequestResult)

    def _post(self, auth: Authentication, path: str, value: object, kind: type[T]) -> T:
        http = self._connect(auth.api_key)
        body = msgspec.json.encode(value)
        return self._ask(lambda deadline: http.post(path, body, deadline), kind)

    def _connect(self, api_key: str) -> Http:
        with self._lock:
            if api_key not in self._connections:
                headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
                self._connections[api_key] = _ProxyHttp(self._base_url, headers)
            return self._connections[api_key]

    def _ask(self, exchange: Callable[[float], bytes], kind: type[T]) -> T:
        answer = self._when_allowed(exchange, time.monotonic() + self._timeout_seconds)
        try:
            return msgspec.json.decode(answer, type=kind)
        except ValueError as error:
            raise UnavailableError(
                f"{self._base_url} did not answer as a proxy-server of this version does: {error}"
            ) from error

    def _when_allowed(self, exchange: Callable[[float], bytes], deadline: float) -> bytes:
        """Wait where the account may go on soon: for its rate, or for what it holds meanwhile."""
        while True:
            try:
                return self._exchange(exchange, deadline)
            except QuotaError as error:
                wait = error.retry_after
                if wait is None or time.monotonic() + wait >= deadline:
                    raise
                logger.debug("trying again in %g s: %s", wait, error)
                self._sleep(wait)

    def _exchange(self, exchange: Callable[[float], bytes], deadline: float) -> bytes:
        for pause in _PAUSES_SECONDS:
            try:
                return exchange(deadline)
            except UnavailableError as error:
                if time.monotonic() + pause >= deadline:
                    break
                logger.debug("trying again in %g s: %s", pause, error)
                self._sleep(pause)
        try:
            return exchange(deadline)
        except UnreachableError as error:
            raise UnreachableError(
                f"there is no proxy at {self._base_url}: start one with the command "
                f"proxy-server, or name another with --server-url ({error})"
            ) from error


class _FailedRequestError(Exception):
    """A provider failed; the proxy's account of it is a result like any other."""

    def __init__(self, result: RequestResult) -> None:
        super().__init__(result.error)
        self.result = result


class _ProxyHttp(Http):
    """HTTP to a proxy, whose errors are ours already and need no guessing from the status."""

    def refuse(self, response: Response, body: bytes) -> Never:
        """Raise the error that the proxy raised, or hand on the result of a failed request."""
        try:
            answer = msgspec.json.decode(body, type=ErrorAnswer)
        except ValueError:
            # Something between us and the proxy has answered.
            super().refuse(response, body)
        if answer.result is not None:
            raise _FailedRequestError(answer.result)
        error = to_error(response.status, answer.error)
        if isinstance(error, QuotaError):
            error.retry_after = retry_after(response.headers)
        raise error
