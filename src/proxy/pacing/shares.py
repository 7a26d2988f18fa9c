"""The paces of all processes that share a database: told and read once a second, in one go."""

import logging
import os
import threading
import time
import uuid
from typing import Any

from sqlalchemy import bindparam, delete, select

from common.errors import StorageError
from proxy.pacing.pace import Pace
from proxy.pacing.sharing import Report, SharedPace
from proxy.store.database import Database
from proxy.store.tables import deployment_paces
from proxy.store.upsert import insert

_BEAT_SECONDS = 1.0
_LAPSE_SECONDS = 4.0  # a process that has said nothing for so long is gone, or has nothing to ask

_COLUMNS = Report._fields
_tell = insert(deployment_paces).values({name: bindparam(name) for name in _COLUMNS})
_TELL = _tell.on_conflict_do_update(
    index_elements=["deployment", "process"],
    set_={name: _tell.excluded[name] for name in _COLUMNS[2:]},
)
_READ = select(*(deployment_paces.c[name] for name in _COLUMNS)).where(
    deployment_paces.c.at >= bindparam("oldest")
)
_FORGET = delete(deployment_paces).where(deployment_paces.c.at < bindparam("oldest"))
_LEAVE = delete(deployment_paces).where(deployment_paces.c.process == bindparam("me"))

logger = logging.getLogger(__name__)


class Shares:
    """Divides what deployments take among the processes that ask them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statements = {
            name: database.compile(statement)
            for name, statement in (
                *(("tell", _TELL), ("read", _READ)),
                *(("forget", _FORGET), ("leave", _LEAVE)),
            )
        }
        self._process = f"{os.getpid()}-{uuid.uuid4().hex[:16]}"
        self._lock = threading.Lock()
        self._paces: dict[str, SharedPace] = {}
        self._heart: threading.Thread | None = None
        self._stop = threading.Event()
        self._is_told = False

    def join(self, pace: Pace) -> None:
        """Divide `pace` with other processes from now on."""
        if pace.name in self._paces:
            return  # without the lock: each call comes here
        with self._lock:
            if pace.name in self._paces:
                return
            shared = SharedPace(pace, self._process)
            if pace.limits.are_set:
                self._exchange([shared])  # before the first call: its part may be small
            self._paces[pace.name] = shared
            if self._heart is None:
                self._heart = threading.Thread(target=self._beat, name="paces", daemon=True)
                self._heart.start()

    def close(self) -> None:
        """Leave the others what this process had."""
        self._stop.set()
        with self._lock:
            if self._is_told:
                self._is_told = False
                me = {"me": self._process}
                text = self._statements["leave"]
                try:
                    self._database.writes.run(lambda connection: connection.execute(text, me))
                except StorageError as error:
                    logger.debug("the paces of this process were not deleted: %s", error)

    def beat(self) -> None:
        """Tell and read now; done once a second by itself."""
        with self._lock:
            active = [it for it in self._paces.values() if _is_active(it.pace)]
            if active and not self._stop.is_set():
                self._exchange(active)

    def _beat(self) -> None:
        while not self._stop.wait(_BEAT_SECONDS):
            self.beat()

    def _exchange(self, paces: list[SharedPace]) -> None:
        now = time.time()
        told = [shared.report(now) for shared in paces]
        lapsed = {"oldest": now - _LAPSE_SECONDS}

        def operation(connection: Any) -> Any:
            self._database.lock(connection, "paces")
            for report in told:
                connection.execute(self._statements["tell"], report._asdict())
            connection.execute(self._statements["forget"], lapsed)
            return connection.execute(self._statements["read"], lapsed).fetchall()

        try:
            rows = self._database.writes.run(operation)
        except StorageError as error:  # until then each goes on with what it has
            logger.warning("the pace of calls could not be shared: %s", error)
            return
        self._is_told = True
        found = [Report(*row) for row in rows]
        for shared, own in zip(paces, told, strict=True):
            others = [
                it
                for it in found
                if it.deployment == own.deployment and it.process != self._process
            ]
            shared.divide(own, others, now)


def _is_active(pace: Pace) -> bool:
    with pace.lock:
        return pace.now() - pace.used_at < _LAPSE_SECONDS or pace.is_waited_for
