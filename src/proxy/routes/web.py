"""What all routes share: who asks, the body, the answer, and the one place that tells errors.

Handlers raise. Every answer carries `X-Request-Id`; one with a status of 400 or more has the body
of `error_answer.py`, or of the API that its path belongs to.
"""

import itertools
import logging
import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import bottle
import msgspec

from common.authentication import Authentication
from common.errors import (
    AuthenticationError,
    BenchError,
    InvalidRequestError,
    MissingExtraError,
    ProviderError,
    StorageUnavailableError,
    provider_error,
)
from common.request import RequestResult
from proxy.accounts.account import Account
from proxy.accounts.accounts import Accounts
from proxy.operations import Operations
from proxy.routes import limit_headers
from proxy.routes.callers import WrongKeys, address, sent_authentication
from proxy.routes.error_shapes import OPENAI_PATH, Failure, shaped
from proxy.services.service import Service

MAX_BODY_BYTES = 16 * 2**20

# Where the WSGI environment has what an access log wants to know.
REQUEST_ID = "lm_bench.request_id"
KEY_PREFIX = "lm_bench.key_prefix"

# Errors that only HTTP has.
_HTTP_CODES = {
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "request_too_large",
}
_OWN_FAILURE = "the server failed; its log says more under this request id"
_AWAY = "the server's database is away for the moment: try again"

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the routes work with.

    Attributes:
        base_path: Folder of the installation's settings.
        output_path: Folder of the benchmark's results.
        operations: How this process stands.
        groups: Which quotas the models that were asked count for.
    """

    service: Service
    accounts: Accounts
    base_path: Path = Path("prod_env")
    output_path: Path = Path("benchmark_output")
    wrong_keys: WrongKeys = field(default_factory=WrongKeys)
    operations: Operations = field(default_factory=Operations)
    groups: limit_headers.Groups = field(default_factory=limit_headers.Groups)


def authenticate(context: Context) -> Authentication:
    """Return the key that the request in hand brings, which is checked before its body is read.

    A browser's session counts as a key.

    Raises:
        AuthenticationError: There is none, or it is not known.
        QuotaError: Too many wrong ones came from the same address.
    """
    auth = sent_authentication()
    # Before the body is read: a stranger can't make us work.
    account = authenticate_key(context, auth)
    bottle.request.environ[KEY_PREFIX] = account.key_prefix
    limit_headers.note_account(context.accounts, account)
    return auth


def authenticate_key(context: Context, auth: Authentication) -> Account:
    """Return the account of `auth`; errors are those of `authenticate`."""
    if not context.accounts.remembers(auth):
        context.wrong_keys.check(address())
    try:
        return context.accounts.authenticate(auth)
    except AuthenticationError:
        context.wrong_keys.count(address())
        raise


# --- Bodies -------------------------------------------------------------------------------------


def decode_body(decoder: msgspec.json.Decoder[T]) -> T:
    """Return the body of the request in hand.

    Raises:
        InvalidRequestError: It is not JSON, or not of that type; names the field.
    """
    try:
        return decoder.decode(read_body())
    except msgspec.ValidationError as error:
        raise InvalidRequestError(f"the body is not a valid {_name(decoder)}: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequestError(
            f"the body is not JSON, which a {_name(decoder)} has to be: {error}"
        ) from error
    except RecursionError as error:
        raise InvalidRequestError("the body has too many levels of JSON") from error


def _name(decoder: msgspec.json.Decoder[Any]) -> str:
    return str(decoder.type.__name__)


def read_body() -> bytes:
    """Return the body of the request in hand, which has a limit."""
    length = bottle.request.content_length
    if length > MAX_BODY_BYTES:
        raise bottle.HTTPError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    # Not bottle's own reader: it decodes chunks a second time after gunicorn has.
    body: bytes = bottle.request.environ["wsgi.input"].read(
        length if length >= 0 else MAX_BODY_BYTES + 1
    )
    if len(body) > MAX_BODY_BYTES:
        raise bottle.HTTPError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return body


def json_answer(value: object, status: int = HTTPStatus.OK) -> bytes:
    """Answer with `value` as JSON."""
    bottle.response.status = int(status)
    bottle.response.content_type = "application/json"
    return msgspec.json.encode(value)


# --- Around every request -----------------------------------------------------------------------


def install(app: bottle.Bottle) -> None:
    """Make `app` treat errors, request ids and headers as all of ours does."""
    app.install(_hand_over_errors)
    app.default_error_handler = _answer_error
    # Random numbers are a call of the system each, during which other threads run; one is enough.
    start, numbers = uuid.uuid4().hex[:16], itertools.count()

    def begin() -> None:
        bottle.request.environ[REQUEST_ID] = f"{start}{next(numbers):016x}"

    app.add_hook("before_request", begin)
    app.add_hook("after_request", _add_headers)


def request_id() -> str:
    """The id of the request in hand, which its answer and our log carry."""
    return str(bottle.request.environ.get(REQUEST_ID, ""))


def _add_headers() -> None:
    headers = bottle.response.headers
    headers["X-Request-Id"] = request_id()
    headers["X-Content-Type-Options"] = "nosniff"
    if bottle.request.path.startswith(("/api/", OPENAI_PATH)):
        headers["Cache-Control"] = "no-store"
    limit_headers.add_limits()


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
    if raised.exception is None:
        failure = _describe_http_error(raised.status_code)
    else:
        failure = describe(raised.exception, request_id())
    if failure.status == HTTPStatus.UNAUTHORIZED:
        bottle.response.headers["WWW-Authenticate"] = "Bearer"
    if failure.retry_after is not None:
        bottle.response.headers["Retry-After"] = str(math.ceil(failure.retry_after))
    result = raised.body if isinstance(raised.body, RequestResult) else None
    status, body = shaped(bottle.request.path, failure, request_id(), result)
    return json_answer(body, status)


def describe(error: Exception, request_id: str) -> Failure:
    """Return what a caller is told of `error`; the log is told the rest under `request_id`."""
    if isinstance(error, ProviderError | MissingExtraError) or (
        isinstance(error, BenchError) and error.status < 500
    ):
        subject, wait = getattr(error, "kind", ""), getattr(error, "retry_after", None)
        return Failure(error.status, error.code, str(error), subject, wait)
    # Our own failure: the log has the details, which may name files; the caller gets the code.
    if isinstance(error, BenchError):
        logger.error("request %s: %s", request_id, error)
        if isinstance(error, StorageUnavailableError):
            return Failure(error.status, error.code, _AWAY, "", error.retry_after)
        return Failure(error.status, error.code, _OWN_FAILURE)
    logger.error("request %s failed", request_id, exc_info=error)
    return Failure(BenchError.status, BenchError.code, _OWN_FAILURE)


def error_of(result: RequestResult) -> ProviderError:
    """Return the error that a result with outcome "error" was made of."""
    error = provider_error(result.error_code or "", result.error or "")
    error.retry_after = result.retry_after
    return error


def _describe_http_error(status: int) -> Failure:
    asked = f"{bottle.request.method} {bottle.request.path}"
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        message = f"the body has more than {MAX_BODY_BYTES // 2**20} MiB"
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        message = f"{asked} is not possible; use {bottle.response.headers['Allow']}"
    elif status == HTTPStatus.NOT_FOUND:
        message = f"there is nothing at {bottle.request.path}"
    else:
        message = HTTPStatus(status).phrase
    code = _HTTP_CODES.get(HTTPStatus(status), InvalidRequestError.code)
    return Failure(status, code, message)
