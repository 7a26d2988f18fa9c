"""What runs behind `proxy-server`: one master that prepares, and gunicorn's worker processes.

The master reads the settings, takes the port, brings the database to its newest layout and makes
the first key. Connections, pools and threads do not survive a fork, so each worker makes its own.
"""

import errno
import ipaddress
import logging
import os
import resource
import signal
import socket
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication

from common.errors import BenchError, ConflictError, InvalidRequestError
from common.version import VERSION
from proxy.accounts.accounts import Accounts
from proxy.accounts.import_accounts import OLD_FILES, was_imported
from proxy.accounts.rules import rules_of
from proxy.api import build_app
from proxy.cache_tools.upkeep import Upkeep
from proxy.deployments import Deployments
from proxy.legacy_get import LegacyGet
from proxy.metrics import Metrics
from proxy.open_connections import OpenConnections
from proxy.operations import Operations
from proxy.request_log import HOOKS, Log
from proxy.routes.web import Context
from proxy.services.server_service import ServerService
from proxy.settings import ServiceSettings
from proxy.store.database import Database
from proxy.worker import Worker

KEY_FILE = Path("proxy_api_key.txt")

# What is left of a request's time for everything but its provider.
RESERVED_SECONDS = 10.0
# Longer than load balancers keep an idle connection (60 s), so that they are the ones to close it.
_KEEPALIVE_SECONDS = 80
_FLUSH_SECONDS = 2.0
_DATABASE_SECONDS = 60.0  # how long the start waits for a database that does not answer
_HEARTBEAT_SECONDS = 60  # a worker that is silent for so long is replaced
_BACKLOG = 2048
_MAX_LINE_BYTES = 4094
_NUM_SPARE_SLOTS = 8
_NUM_IDLE_CONNECTIONS = 1000  # of each worker, beside those that wait for an answer
_FIRST_FREE_PORT = 1024
_MAX_OPEN_FILES = 10_240  # two a request; 1,024, which many systems allow at first, is too few

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to serve; see the flags of `proxy-server`. Port 0 takes any free one."""

    host: str
    port: int
    base_path: Path
    database_url: str
    num_workers: int
    num_threads: int
    timeout_seconds: int
    ssl_key_file: Path | None
    ssl_cert_file: Path | None
    is_verbose: bool
    legacy_get: bool = False
    output_path: Path = Path("benchmark_output")
    patience_seconds: float = 20.0  # with clients that take their time; see `proxy.worker`


@dataclass(frozen=True, kw_only=True)
class _Installation:
    """What is read from files, at the start and with SIGHUP."""

    deployments: Deployments
    service_settings: ServiceSettings
    tls: ssl.SSLContext | None

    @classmethod
    def read(cls, settings: Settings) -> "_Installation":
        return cls(
            deployments=Deployments(settings.base_path),
            service_settings=ServiceSettings.read(settings.base_path),
            tls=_tls_context(settings),
        )


def serve(settings: Settings) -> None:
    """Serve until a signal says to end: SIGTERM lets what is under way finish, SIGINT does not.

    SIGHUP reads certificate, models and settings again: new processes take over from the old ones.

    Raises:
        InvalidRequestError: A setting or a file that it names can't be used.
        ConflictError: The port is in use.
        StorageError: The database can't be used.
        SystemExit: Always, at the end.
    """
    # Until gunicorn takes it over, it would end the process; what it asks for is being done.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    installation = _Installation.read(settings)
    listener = _listen(settings.host, settings.port)
    _prepare_database(settings)
    _allow_open_files()
    tls = installation.tls
    scheme, (host, port) = "https" if tls else "http", listener.getsockname()[:2]
    logger.info(
        "proxy-server %s listens at %s://%s:%d with %d workers",
        *(VERSION, scheme, f"[{host}]" if ":" in host else host, port, settings.num_workers),
    )
    if not ipaddress.ip_address(host).is_loopback:
        if tls is None:
            logger.warning("keys and prompts cross the network unencrypted: give --ssl-… files")
    elif tls is not None or port < _FIRST_FREE_PORT:
        logger.info("only this machine reaches %s: others need --host 0.0.0.0", host)
    _Server(settings, installation, listener).run()


# --- Before the fork ----------------------------------------------------------------------------


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConflictError(
                f"port {port} of {host} is in use, perhaps by another proxy-server: "
                "end that one, or choose another port with --port"
            ) from error
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        if error.errno == errno.EACCES and port < _FIRST_FREE_PORT:
            reason = f"{reason}: ports below {_FIRST_FREE_PORT} need CAP_NET_BIND_SERVICE"
        raise InvalidRequestError(f"can't listen at {host}, port {port}: {reason}") from error


def _tls_context(settings: Settings) -> ssl.SSLContext | None:
    if settings.ssl_cert_file is None or settings.ssl_key_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.ssl_cert_file, settings.ssl_key_file)
    except OSError as error:
        files = f"{settings.ssl_cert_file} and {settings.ssl_key_file}"
        raise InvalidRequestError(
            f"{files} are not a certificate and its key: {error.strerror}"
        ) from error
    return context


def _prepare_database(settings: Settings) -> None:
    # Whatever starts the machines may have started the database a moment ago.
    database = Database(settings.database_url, patience_seconds=_DATABASE_SECONDS)
    try:
        api_key = Accounts(database).create_first_admin()
        _name_old_accounts(settings.base_path, database)
    finally:
        database.close()
    if api_key is not None:
        print(f"The key of the first administrator, shown only now: {api_key}", flush=True)
        _write_key_file(api_key)


def _name_old_accounts(base_path: Path, database: Database) -> None:
    old = [path for name in OLD_FILES if (path := base_path / name).is_file()]
    if old and not was_imported(database):
        logger.warning(
            "%s holds accounts of another installation: take them over with the command "
            "proxy-cli -b %s import-accounts %s",
            *(old[0], base_path, old[0]),
        )


def _write_key_file(api_key: str) -> None:
    try:
        descriptor = os.open(KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        logger.warning("%s exists and was left as it is: it holds another key", KEY_FILE)
    except OSError as error:
        logger.warning("the key could not be written to %s: %s", KEY_FILE, error.strerror)
    else:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(f"{api_key}\n")
        print(f"It was also written to {KEY_FILE}, where our commands look for it.", flush=True)


def _allow_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


# --- gunicorn -----------------------------------------------------------------------------------


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(
        self, settings: Settings, installation: _Installation, listener: socket.socket
    ) -> None:
        self._settings = settings
        self._installation = installation
        # Each worker that ends after SIGHUP has its slot until then.
        num_slots = 2 * settings.num_workers + _NUM_SPARE_SLOTS
        self.metrics = Metrics(num_slots)
        self.open_connections = OpenConnections(num_slots)
        self.patience_seconds = settings.patience_seconds
        self._is_draining = threading.Event()
        self._accounts: Accounts | None = None
        self._gunicorn_settings = _gunicorn_settings(settings, listener) | HOOKS
        if installation.tls is not None:
            self._gunicorn_settings |= {
                "certfile": str(settings.ssl_cert_file),
                "keyfile": str(settings.ssl_key_file),
                # Read once, not for every connection.
                "ssl_context": lambda _config, _make_default: self._installation.tls,
            }
        super().__init__(prog="proxy-server")

    def load_config(self) -> None:
        for name, value in self._gunicorn_settings.items():
            # Older versions of gunicorn lack some.
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def reload(self) -> None:
        """SIGHUP, in the master: the workers that are made next get what is in the files now."""
        try:
            self._installation = _Installation.read(self._settings)
            logger.info("certificate, models and settings were read again")
        except BenchError as error:
            logger.error("what was read before stays in use: %s", error)
        super().reload()

    def load(self) -> Any:
        """Called in each worker."""
        settings, installation = self._settings, self._installation
        database = Database(settings.database_url, is_prepared=True)
        rules = rules_of(installation.service_settings)
        accounts = self._accounts = Accounts(database, rules=rules)
        service = ServerService(
            settings.base_path,
            installation.deployments,
            database=database,
            accounts=accounts,
            metrics=self.metrics,
            timeout_seconds=settings.timeout_seconds - RESERVED_SECONDS,
        )
        Upkeep(
            database,
            settings.base_path,
            max_entries=installation.service_settings.cache_max_entries,
            max_age_days=installation.service_settings.cache_max_age_days,
        ).start()
        operations = Operations(
            metrics=self.metrics,
            check_database=database.check,
            is_draining=self._is_draining.is_set,
        )
        context = Context(
            service=service,
            accounts=accounts,
            base_path=settings.base_path,
            output_path=settings.output_path,
            operations=operations,
        )
        app = build_app(context)
        return LegacyGet(app) if settings.legacy_get else app

    def begin_drain(self) -> None:
        """The worker takes no new connections, and ends when all is answered."""
        self._is_draining.set()

    def flush(self) -> None:
        """Write what the worker has counted; a database that is busy is not waited for long."""
        if self._accounts is not None:
            writer = threading.Thread(target=self._close, args=(self._accounts,), daemon=True)
            writer.start()
            writer.join(_FLUSH_SECONDS)

    def _close(self, accounts: Accounts) -> None:
        accounts.close()
        accounts.database.writes.close()


def _gunicorn_settings(settings: Settings, listener: socket.socket) -> dict[str, Any]:
    return {
        "bind": f"fd://{listener.detach()}",
        "worker_class": Worker,
        "workers": settings.num_workers,
        "threads": settings.num_threads,
        "worker_connections": settings.num_threads + _NUM_IDLE_CONNECTIONS,
        "timeout": _HEARTBEAT_SECONDS,
        "graceful_timeout": settings.timeout_seconds,
        "keepalive": _KEEPALIVE_SECONDS,
        # The reference's requests are in the first line.
        "limit_request_line": 0 if settings.legacy_get else _MAX_LINE_BYTES,
        "logger_class": Log,
        "loglevel": "info" if settings.is_verbose else "warning",
        "control_socket_disable": True,
    }
