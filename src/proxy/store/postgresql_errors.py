"""What an error of PostgreSQL means: wait, do it again, or give up with which words.

Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from enum import Enum, auto
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from common.errors import BenchError, InvalidRequestError, StorageError, StorageUnavailableError

# Connection lost or refused, the server ends or starts, a failure of its system.
_AWAY_CLASSES = ("08", "57P", "58")
_TOO_MANY_CONNECTIONS = "53300"
_FULL = ("53100", "53200", "53400")
_READ_ONLY = "25006"
_IDLE_TOO_LONG = "25P03"  # the process had been stopped in a transaction
_CLASHES = ("40001", "40P01", "55P03")  # no serial order, deadlock, lock not available
_BAD_VALUE_CLASS = "22"

# Errors before there is a connection come without a code. These words are of refusals for good;
# all others, such as that the server is starting, may pass.
_REFUSALS = {
    "password authentication failed": "check the user's name and password (PGPASSWORD, ~/.pgpass)",
    "no password supplied": "give one as PGPASSWORD, in ~/.pgpass or in the URL",
    "pg_hba.conf": "the server's pg_hba.conf does not let this machine and user in",
    "does not exist": "make it first (createuser, createdb), or correct the URL",
    "not permitted to log in": "the user needs the right LOGIN",
    "permission denied": "the user must own the database, or may create tables in it",
    "invalid connection option": "correct what follows the ? of the URL",
    "server does not support SSL": "correct sslmode in the URL",
}


class Verdict(Enum):
    """What is to be done about an error."""

    AWAY = auto()  # the database does not answer now: the same may succeed later
    STUCK = auto()  # it answers, and can't write before someone does something about it
    CLASH = auto()  # two transactions were in each other's way: the same may succeed at once
    VALUE = auto()  # what was given can't be stored
    FAILED = auto()


def verdict_on(error: Exception) -> Verdict:
    """Return what `error`, of the driver or of SQLAlchemy, means."""
    if isinstance(error, PoolTimeoutError):
        return Verdict.AWAY
    code = _code_of(error)
    if code is None:
        if _is_a(error, "DataError"):
            return Verdict.VALUE
        is_lost = _is_a(error, "OperationalError", "InterfaceError") and not _advice(error)
        return Verdict.AWAY if is_lost else Verdict.FAILED
    if code.startswith(_AWAY_CLASSES) or code in (_TOO_MANY_CONNECTIONS, _IDLE_TOO_LONG):
        return Verdict.AWAY
    if code in (*_FULL, _READ_ONLY):
        return Verdict.STUCK
    if code in _CLASHES:
        return Verdict.CLASH
    return Verdict.VALUE if code.startswith(_BAD_VALUE_CLASS) else Verdict.FAILED


def explained(error: Exception, name: str) -> BenchError:
    """Return the error of ours that `error` becomes.

    Args:
        name: The database, for the message.
    """
    verdict = verdict_on(error)
    reason = _reason(error)
    if verdict is Verdict.VALUE:
        return InvalidRequestError(f"a value can't be stored: {reason}")
    if verdict is Verdict.AWAY:
        return StorageUnavailableError(f"the database {name} does not answer ({reason})")
    if verdict is Verdict.STUCK:
        what = "takes no writes" if _code_of(error) == _READ_ONLY else "has no room left"
        return StorageUnavailableError(f"the database {name} {what} ({reason})")
    return StorageError(f"the database {name} can't be used: {reason}{_advice(error)}")


def _advice(error: Exception) -> str:
    """What to do about a refusal; "" if it is none that is known."""
    text = str(_driver_error(error))
    return next((f"; {what}" for words, what in _REFUSALS.items() if words in text), "")


def _driver_error(error: Exception) -> Any:
    return error.orig if isinstance(error, DBAPIError) else error


def _code_of(error: Exception) -> str | None:
    code: str | None = getattr(_driver_error(error), "sqlstate", None)
    return code


def _is_a(error: Exception, *names: str) -> bool:
    # By name: whoever has such an error has the driver, and others need not import it.
    return any(kind.__name__ in names for kind in type(_driver_error(error)).__mro__)


def _reason(error: Exception) -> str:
    """The first line, which has no values in it; those below may have."""
    if isinstance(error, PoolTimeoutError):
        return "all connections of this process are in use"
    lines = str(_driver_error(error)).strip().splitlines() or [type(error).__name__]
    return lines[0].removeprefix("connection failed: ").strip()
