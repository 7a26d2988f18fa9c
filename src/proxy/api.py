"""The HTTP API: one small function a route, and one place that turns errors into answers.

Handlers raise. Every answer carries `X-Request-Id`; one with a status of 400 or more has the body
of `error_answer.py`. The routes, bodies and errors are listed in docs/api.md.
"""

import logging
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

import bottle
import msgspec

from common.authentication import Authentication
from common.errors import (
    AuthenticationError,
    BenchError,
    InvalidRequestError,
    ProviderError,
    provider_error,
)
from common.request import Request, RequestResult
from common.tokenization import DecodeRequest, TokenizationRequest
from proxy.accounts import Accounts
from proxy.error_answer import ErrorAnswer, ErrorInfo
from proxy.services.service import Service

MAX_BODY_BYTES = 16 * 2**20

# Where the WSGI environment has what an access log wants to know.
REQUEST_ID = "lm_bench.request_id"
KEY_PREFIX = "lm_bench.key_prefix"

_REQUEST = msgspec.json.Decoder(Request)
_TOKENIZATION_REQUEST = msgspec.json.Decoder(TokenizationRequest)
_DECODE_REQUEST = msgspec.json.Decoder(DecodeRequest)

# Errors that only HTTP has.
_HTTP_CODES = {
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "request_too_large",
}
_OWN_FAILURE = "the server failed; its log says more under this request id"

logger = logging.getLogger(__name__)

T = TypeVar("T")


def build_app(service: Service, accounts: Accounts) -> bottle.Bottle:
    """Return the WSGI application that serves `service` to the holders of `accounts`."""
    api = _Api(service, accounts)
    app = bottle.Bottle()
    app.install(_hand_over_errors)
    app.default_error_handler = _answer_error
    app.add_hook("before_request", _begin)
    app.add_hook("after_request", _add_headers)
    app.route("/healthz", "GET", api.get_health)
    app.route("/api/general_info", "GET", api.get_general_info)
    app.route("/api/deployment", "GET", api.get_deployment)
    app.route("/api/request", "POST", api.post_request)
    app.route("/api/tokenize", "POST", api.post_tokenize)
    app.route("/api/decode", "POST", api.post_decode)
    return app


class _Api:
    def __init__(self, service: Service, accounts: Accounts) -> None:
        self._service = service
        self._accounts = accounts

    def get_health(self) -> bytes:
        """Say that this process answers. No key is needed."""
        bottle.response.content_type = "text/plain; charset=utf-8"
        return b"ok\n"

    def get_general_info(self) -> bytes:
        """Version, examples and models. No key is needed."""
        return _json(self._service.get_general_info())

    def get_deployment(self) -> bytes:
        """What a run needs to know of the deployment that serves `?model=`."""
        auth = self._authenticate()
        model = bottle.request.query.getunicode("model")
        if not model:
            raise InvalidRequestError("say which model: /api/deployment?model=NAME")
        deployment = bottle.request.query.getunicode("deployment")
        return _json(self._service.get_deployment(auth, model, deployment))

    def post_request(self) -> bytes:
        """Ask a model. Body: Request; answer: RequestResult."""
        auth = self._authenticate()
        result = self._service.make_request(auth, _decode(_REQUEST))
        if result.outcome == "error":
            error = provider_error(result.error_code or "", result.error or "")
            raise bottle.HTTPError(error.status, result, error)
        return _json(result)

    def post_tokenize(self) -> bytes:
        """Split a text. Body: TokenizationRequest; answer: TokenizationRequestResult."""
        auth = self._authenticate()
        return _json(self._service.tokenize(auth, _decode(_TOKENIZATION_REQUEST)))

    def post_decode(self) -> bytes:
        """Turn token ids into text. Body: DecodeRequest; answer: DecodeRequestResult."""
        auth = self._authenticate()
        return _json(self._service.decode(auth, _decode(_DECODE_REQUEST)))

    def _authenticate(self) -> Authentication:
        scheme, _, api_key = bottle.request.get_header("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not api_key.strip():
            raise AuthenticationError("give an API key in a header: 'Authorization: Bearer KEY'")
        auth = Authentication(api_key.strip())
        # Before the body is read: a stranger can't make us work.
        account = self._accounts.authenticate(auth)
        bottle.request.environ[KEY_PREFIX] = account.key_prefix
        return auth


# --- Bodies -------------------------------------------------------------------------------------


def _decode(decoder: msgspec.json.Decoder[T]) -> T:
    try:
        return decoder.decode(_read_body())
    except msgspec.ValidationError as error:
        raise InvalidRequestError(f"the body is not a valid {_name(decoder)}: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequestError(
            f"the body is not JSON, which a {_name(decoder)} has to be: {error}"
        ) from error


def _name(decoder: msgspec.json.Decoder[Any]) -> str:
    return str(decoder.type.__name__)


def _read_body() -> bytes:
    if bottle.request.content_length > MAX_BODY_BYTES:
        raise bottle.HTTPError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    # Not bottle's own reader: it decodes chunks a second time after gunicorn has.
    body: bytes = bottle.request.environ["wsgi.input"].read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise bottle.HTTPError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return body


def _json(value: object, status: int = HTTPStatus.OK) -> bytes:
    bottle.response.status = int(status)
    bottle.response.content_type = "application/json"
    return msgspec.json.encode(value)


# --- Around every request -----------------------------------------------------------------------


def _begin() -> None:
    bottle.request.environ[REQUEST_ID] = uuid.uuid4().hex


def _request_id() -> str:
    return str(bottle.request.environ.get(REQUEST_ID, ""))


def _add_headers() -> None:
    headers = bottle.response.headers
    headers["X-Request-Id"] = _request_id()
    headers["X-Content-Type-Options"] = "nosniff"
    if bottle.request.path.startswith("/api/"):
        headers["Cache-Control"] = "no-store"


def _hand_over_errors(handler: Callable[..., bytes]) -> Callable[..., bytes]:
    """A bottle plugin: all errors of handlers go to where bottle takes its own, `_answer_error`."""

    def call(*args: Any, **kwargs: Any) -> bytes:
        try:
            return handler(*args, **kwargs)
        except bottle.HTTPResponse:
            raise
        except Exception as error:
            raise bottle.HTTPError(HTTPStatus.INTERNAL_SERVER_ERROR, exception=error) from error

    return call


def _answer_error(raised: bottle.HTTPError) -> bytes:
    """The error table: every answer with a status of 400 or more is written here."""
    error = raised.exception
    if error is None:
        status, code, message = _describe_http_error(raised.status_code)
    elif isinstance(error, ProviderError) or (isinstance(error, BenchError) and error.status < 500):
        status, code, message = error.status, error.code, str(error)
    else:
        status, code, message = _describe_failure(error)
    if status == HTTPStatus.UNAUTHORIZED:
        bottle.response.headers["WWW-Authenticate"] = "Bearer"
    result = raised.body if isinstance(raised.body, RequestResult) else None
    return _json(ErrorAnswer(ErrorInfo(code, message, _request_id()), result), status)


def _describe_http_error(status: int) -> tuple[int, str, str]:
    asked = f"{bottle.request.method} {bottle.request.path}"
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        message = f"the body has more than {MAX_BODY_BYTES // 2**20} MiB"
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        message = f"{asked} is not possible; use {bottle.response.headers['Allow']}"
    elif status == HTTPStatus.NOT_FOUND:
        message = f"there is nothing at {bottle.request.path}"
    else:
        message = HTTPStatus(status).phrase
    return status, _HTTP_CODES.get(HTTPStatus(status), InvalidRequestError.code), message


def _describe_failure(error: Exception) -> tuple[int, str, str]:
    """Our own failure: the log has the details, which may name files; the caller gets the code."""
    if isinstance(error, BenchError):
        logger.error("request %s: %s", _request_id(), error)
        return error.status, error.code, _OWN_FAILURE
    logger.error("request %s failed", _request_id(), exc_info=error)
    return BenchError.status, BenchError.code, _OWN_FAILURE
