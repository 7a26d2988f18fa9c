"""All errors of the project: one tree, each with its HTTP status and a stable code.

    BenchError
    ├── InvalidRequestError        the caller asked for something that can't be done as asked
    │   ├── UnknownNameError       a name that is not known; suggests the nearest one
    │   └── UnsupportedFieldError  a field that this deployment can't honour
    ├── AuthenticationError, PermissionDeniedError, NotFoundError, ConflictError
    ├── QuotaError                 the account has used up what it may; nothing was asked
    ├── DataError                  a data file is missing, truncated or not what it should be
    ├── StorageError               a folder, disk or database can't be used
    │   └── StorageUnavailableError   … now; it may be back soon
    ├── MissingExtraError          an optional package is not installed
    └── ProviderError              a model's provider did not give a usable answer
        ├── RejectedError          it refused this request for good (4xx)
        │   └── CredentialsError, ModelNotFoundError   … and will refuse every other one too
        ├── RateLimitError         429; `retry_after` in seconds when the provider names it
        ├── UnavailableError       5xx, connection lost, or an answer that can't be read
        │   └── UnreachableError   no connection could be made
        └── DeadlineError          no answer in time

Handlers raise; the server's error table and each command's `main` turn errors into a status or an
exit code. A message says what is wrong, which value, and what to do.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class BenchError(Exception):
    """Base of all errors of the project."""

    status = 500
    code = "internal_error"
    is_callers_own = False


class InvalidRequestError(BenchError):
    """The request or command is not valid as given."""

    status = 400
    code = "invalid_request"


class UnknownNameError(InvalidRequestError):
    """A name that is not known.

    Args:
        kind: What was named, such as "scenario".
        name: The name as given.
        choices: All valid names; the nearest is suggested.
        hint: What else to do, as a sentence.
    """

    code = "unknown_name"

    def __init__(self, kind: str, name: str, choices: Iterable[str], hint: str = "") -> None:
        self.kind, self.name = kind, name
        nearest = get_close_matches(name, list(choices), n=1, cutoff=0.5)
        parts = [f"unknown {kind} {name!r}"]
        if nearest:
            parts.append(f"did you mean {nearest[0]!r}?")
        if hint:
            parts.append(hint)
        super().__init__("; ".join(parts))


class UnsupportedFieldError(InvalidRequestError):
    """A field of the request that the deployment can't honour."""

    status = 422
    code = "unsupported_field"


class AuthenticationError(BenchError):
    """No key, or one that is not known."""

    status = 401
    code = "invalid_api_key"


class PermissionDeniedError(BenchError):
    """The key is known, and not allowed to do this."""

    status = 403
    code = "permission_denied"


class NotFoundError(BenchError):
    """There is nothing at that path."""

    status = 404
    code = "not_found"


class ConflictError(BenchError):
    """It contradicts what is already there, or someone else is at it."""

    status = 409
    code = "conflict"


class QuotaError(BenchError):
    """The account may not spend more, or not so fast; nothing was asked.

    Args:
        message: Which limit, how much of it is used, and when it ends.
        retry_after: Seconds until there may be room again.
    """

    status = 429
    code = "insufficient_quota"
    # One account's limit says nothing about others who wait for the same answer.
    is_callers_own = True
    retry_after: float | None = None

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DataError(BenchError):
    """A data file is missing, truncated, or not what its checksum or format says."""

    code = "data_error"


class StorageError(BenchError):
    """A folder, disk or database can't be read or written."""

    code = "storage_error"


class StorageUnavailableError(StorageError):
    """The database is away, or takes no writes, and may be back soon; `retry_after` in seconds."""

    status = 503
    code = "storage_unavailable"
    retry_after = 5.0


class MissingExtraError(BenchError):
    """An optional package is needed; names the extra to install."""

    status = 503  # a model, tokenizer or scorer can't be had here; the server is well
    code = "missing_extra"

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an extra: install it with pip install 'lm-bench[{extra}]'")


class ProviderError(BenchError):
    """A provider gave no usable answer.

    Args:
        message: What happened, with the deployment and the provider's own words.
        retry_after: Seconds the provider asks us to wait, if it does.
    """

    status = 502
    code = "provider_error"
    is_retryable = False
    # True when every further request of the same run would fail alike.
    is_fatal = False

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RejectedError(ProviderError):
    """The provider refused this request for good."""

    code = "provider_rejected"


class CredentialsError(RejectedError):
    """The provider did not accept our credentials, or none are configured."""

    code = "provider_credentials"
    is_fatal = True


class ModelNotFoundError(RejectedError):
    """The provider does not know the model or the path."""

    code = "provider_not_found"
    is_fatal = True


class RateLimitError(ProviderError):
    """The provider answered 429."""

    status = 429
    code = "provider_rate_limit"
    is_retryable = True


class UnavailableError(ProviderError):
    """5xx, a lost connection, or an answer that can't be read."""

    status = 503
    code = "provider_unavailable"
    is_retryable = True


class UnreachableError(UnavailableError):
    """No connection could be made at all."""

    code = "provider_unreachable"


class DeadlineError(ProviderError):
    """No answer within the time allowed."""

    status = 504
    code = "provider_timeout"


def provider_error(code: str, message: str) -> ProviderError:
    """Return the provider error whose class has `code`; a plain ProviderError for any other."""
    kinds = [ProviderError]
    for kind in kinds:
        if kind.code == code:
            return kind(message)
        kinds.extend(kind.__subclasses__())
    return ProviderError(message)


def is_fatal(code: str) -> bool:
    """Whether an error with `code` would meet every other request of the same run as well."""
    error = provider_error(code, "")
    return error.is_fatal if error.code == code else True
