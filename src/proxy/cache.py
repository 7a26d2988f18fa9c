"""The response cache: never a wrong answer, never the same question asked twice at once.

An entry's key is a hash of everything its answer depends on (see `cache_key.py`). Whoever misses
becomes the leader of that key: in this process the others wait for it on an event; for other
processes it leaves a claim row with a lease, which a heartbeat renews, so that the claim of a
killed process lapses and someone else takes over. A leader's failure goes to those who waited for
that attempt and is never stored.
"""

import itertools
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from common.errors import BenchError, DeadlineError, StorageError, provider_error
from common.request import RequestResult
from proxy.cache_entry import Labels, entry_of
from proxy.cache_statements import CacheStatements
from proxy.clients.client import ProviderCall
from proxy.line import LINE
from proxy.store.database import Database

logger = logging.getLogger(__name__)

_PID_NAMESPACE = Path("/proc/self/ns/pid")  # process numbers mean something within it only
_HOST = socket.gethostname()[:60]
if _PID_NAMESPACE.is_symlink():
    _HOST += f"-{os.readlink(_PID_NAMESPACE)}"
_FIRST_POLL_SECONDS = 0.01
_LAST_POLL_SECONDS = 0.1

_NO_LABELS = Labels()
_RESULT_DECODER = msgspec.json.Decoder(RequestResult)


class _Flight:
    """One attempt of this process at one key."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.result: RequestResult | None = None
        self.error: Exception | None = None

    @property
    def is_void(self) -> bool:
        """Whether it ended for a reason that is its leader's alone: others try for themselves."""
        return isinstance(self.error, BenchError) and self.error.is_callers_own


class Cache:
    """Stored answers, shared by the threads, processes and hosts that share a database.

    Args:
        lease_seconds: How long a claim lasts when its process dies.
        renewal_seconds: How often a living process renews its claims; well below the lease.
    """

    def __init__(
        self, database: Database, lease_seconds: float = 30.0, renewal_seconds: float = 10.0
    ) -> None:
        self._lease_seconds = lease_seconds
        self._renewal_seconds = renewal_seconds
        self._database = database
        self._statements = CacheStatements(database)
        self._writes = database.writes
        self._flights: dict[bytes, _Flight] = {}
        self._lock = threading.Lock()
        self._owner = f"{_HOST}/{os.getpid()}/{uuid.uuid4().hex}"
        self._attempts = itertools.count()
        self._heart: threading.Thread | None = None
        self._stop = threading.Event()

    def get_or_compute(
        self,
        key: bytes,
        call: ProviderCall,
        compute: Callable[[], RequestResult],
        deadline: float,
        max_age: float | None = None,
        labels: Labels = _NO_LABELS,
    ) -> RequestResult:
        """Return the stored answer of `key`, or the one that exactly one caller computes.

        Args:
            call: What the answer is to; kept beside it, without the prompt.
            compute: Asks the provider; called at most once at a time over all processes.
            deadline: When to stop waiting for another's answer, in `time.monotonic()` seconds.
            max_age: A stored answer that is older, in seconds, counts as none.
            labels: What else is kept beside the answer.

        Raises:
            ProviderError: Asking failed, here or where we waited for it.
            QuotaError: `compute` raised it, here; never that of another caller.
        """
        oldest = 0.0 if max_age is None else time.time() - max_age
        while True:
            stored = self._find(key, oldest)
            if stored is not None:
                return stored
            with self._lock:
                flight = self._flights.get(key)
                is_leader = flight is None
                if flight is None:
                    flight = self._flights[key] = _Flight()
            if not is_leader:
                result = _join(flight, deadline)
                if result is None:
                    continue
                return result
            try:
                flight.result = self._lead(key, call, compute, deadline, oldest, labels)
                return flight.result
            except Exception as error:
                flight.error = error
                raise
            finally:
                with self._lock:
                    del self._flights[key]
                flight.done.set()

    def has(self, key: bytes, max_age: float | None = None) -> bool:
        """Whether there is a stored answer of `key` that is no older than `max_age` seconds."""
        oldest = 0.0 if max_age is None else time.time() - max_age
        row = self._database.read_one(self._statements.find_entry, {"key": key, "oldest": oldest})
        return row is not None

    def close(self) -> None:
        """Stop renewing leases."""
        self._stop.set()

    def _find(self, key: bytes, oldest: float) -> RequestResult | None:
        row = self._database.read_one(self._statements.find_entry, {"key": key, "oldest": oldest})
        return None if row is None else _RESULT_DECODER.decode(row[0])

    def _lead(
        self,
        key: bytes,
        call: ProviderCall,
        compute: Callable[[], RequestResult],
        deadline: float,
        oldest: float,
        labels: Labels,
    ) -> RequestResult:
        attempt = f"{self._owner[-16:]}{next(self._attempts):016x}"
        dead = ""
        while True:
            stored, has_claim = self._claim(key, attempt, dead, oldest)
            if stored is not None:
                return stored
            if has_claim:
                break
            with LINE.outside():
                stored, dead = self._await_other(key, deadline, oldest)
            if stored is not None:
                return stored
        try:
            result = compute()
        except Exception as error:
            self._fail(key, attempt, error)
            raise
        entry = entry_of(key, call, result, labels, time.time())
        self._store(entry, {"key": key, "attempt": attempt})
        return result

    def _claim(
        self, key: bytes, attempt: str, dead: str, oldest: float
    ) -> tuple[RequestResult | None, bool]:
        """Return the answer if it has arrived meanwhile, else whether the claim is ours.

        Args:
            dead: Another's attempt that is known to be dead, or "".
        """
        self._start_heart()
        now = time.time()
        claim = {
            "key": key,
            "owner": self._owner,
            "attempt": attempt,
            "expires_at": now + self._lease_seconds,
            "error": None,
            "now": now,
            "dead": dead,
            "oldest": oldest,
        }

        def operation(connection: Any) -> tuple[str | None, bool]:
            taken = connection.execute(self._statements.take_claim, claim)
            if not self._database.is_concurrent and taken.rowcount == 1:
                return None, True
            entry = {"key": key, "oldest": oldest}
            row = connection.execute(self._statements.find_entry, entry).fetchone()
            has_claim = taken.rowcount == 1
            if has_claim and row is not None:
                # It was committed while we waited for the claim that was dropped with it.
                connection.execute(self._statements.drop_claim, {"key": key, "attempt": attempt})
            return (None, has_claim) if row is None else (row[0], False)

        text, has_claim = self._writes.run(operation)
        return (None if text is None else _RESULT_DECODER.decode(text)), has_claim

    def _await_other(
        self, key: bytes, deadline: float, oldest: float
    ) -> tuple[RequestResult | None, str]:
        """Wait while another process has the claim.

        Returns:
            Its answer, or None when there will be none from it; and its attempt if it has died.
        """
        pause, awaited = _FIRST_POLL_SECONDS, None
        while True:
            claim = self._database.read_one(self._statements.find_claim, {"key": key})
            stored = self._find(key, oldest)
            if stored is not None or claim is None:
                return stored, ""
            owner, attempt, expires_at, error = claim
            awaited = awaited or attempt
            if error is not None and attempt == awaited:
                raise _decoded_error(error)
            if expires_at < time.time() or attempt != awaited:
                return None, ""
            if _has_died(owner):
                return None, attempt
            if time.monotonic() + pause > deadline:
                raise DeadlineError("another process asks the same and has not answered in time")
            time.sleep(pause)
            pause = min(2 * pause, _LAST_POLL_SECONDS)

    def _store(self, entry: dict[str, Any], claim: dict[str, Any]) -> None:
        def operation(connection: Any) -> None:
            connection.execute(self._statements.store_entry, entry)
            connection.execute(self._statements.drop_claim, claim)

        # Nobody waits for this commit: whoever asks again finds the entry or, before it, the claim.
        # A thread's next claim is committed with it or later, so a process that is killed loses at
        # most one answer of each thread, as if it had died during the call.
        self._writes.add(operation, _tell_loss)

    def _fail(self, key: bytes, attempt: str, error: Exception) -> None:
        if isinstance(error, BenchError) and error.is_callers_own:
            own = {"key": key, "attempt": attempt}
            self._writes.run(
                lambda connection: connection.execute(self._statements.drop_claim, own)
            )
            return
        code = error.code if isinstance(error, BenchError) else BenchError.code
        why = msgspec.json.encode([code, str(error)]).decode()
        self._writes.run(
            lambda connection: connection.execute(
                self._statements.fail_claim, {"key": key, "attempt": attempt, "why": why}
            )
        )

    def _start_heart(self) -> None:
        if self._heart is None:
            with self._lock:
                if self._heart is None:
                    self._heart = threading.Thread(
                        target=self._beat, name="cache-lease", daemon=True
                    )
                    self._heart.start()

    def _beat(self) -> None:
        while not self._stop.wait(self._renewal_seconds):
            now = time.time()

            def operation(connection: Any, now: float = now) -> None:
                if self._flights:
                    renewal = {"me": self._owner, "until": now + self._lease_seconds}
                    connection.execute(self._statements.renew_claims, renewal)
                # What failed or was left behind long ago is of no use to anyone.
                before = {"before": now - 10 * self._lease_seconds}
                connection.execute(self._statements.purge_claims, before)

            try:
                self._writes.run(operation)
            except StorageError as error:  # the next beat may do better; leases outlast two
                logger.warning("leases could not be renewed: %s", error)


def _tell_loss(error: Exception) -> None:
    # Whoever asked has the answer; the next one asks for it again when the claim has lapsed.
    logger.warning("an answer could not be kept: %s", error)


def _has_died(owner: str) -> bool:
    """Whether the owner of a claim was a process of this host that is no more.

    Of other hosts' processes, and where the number was given to another, the lease decides.
    """
    host, pid, _ = owner.rsplit("/", 2)
    if host != _HOST:
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _join(flight: _Flight, deadline: float) -> RequestResult | None:
    with LINE.outside():
        is_done = flight.done.wait(max(0.0, deadline - time.monotonic()))
    if not is_done:
        raise DeadlineError("the same request is already being asked and was not answered in time")
    if flight.is_void:
        return None
    if flight.error is not None:
        raise flight.error
    assert flight.result is not None
    return msgspec.structs.replace(flight.result, cached=True)


def _decoded_error(text: str) -> BenchError:
    code, message = msgspec.json.decode(text, type=tuple[str, str])
    return provider_error(code, message)
