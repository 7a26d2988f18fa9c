"""Who is asked, as data: made from flags, sent to workers, and opened where it is needed."""

import argparse
import atexit
import os
import shutil
import socket
import tempfile
from pathlib import Path

import msgspec

from benchmark.plugins import add_plugins
from common.authentication import Authentication
from common.errors import InvalidRequestError
from common.object_spec import ObjectSpec, create_object
from proxy.deployments import Deployments
from proxy.services.service import Service
from proxy.settings import database_url

# What decides who is asked, and how. There are keys in the first.
_SETTINGS = ("credentials.conf", "model_deployments.yaml", "prices.yaml", "service.conf")


class ServiceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Where requests go.

    Attributes:
        server_url: The proxy; None: the process itself asks, as what follows says.
        local_path: Folder of cache, models and settings.
        model, base_url, api, api_key: A server beside those in the settings.
        plugins: Folder of own modules, which every machine has to have.
        settings: The files of settings, for machines that do not have the folder.
        host, folder: Machine and working folder of the command.
    """

    server_url: str | None
    local_path: Path
    model: str | None = None
    base_url: str | None = None
    api: str = "completions"
    api_key: str | None = None
    plugins: Path | None = None
    settings: dict[str, bytes] = {}
    host: str = ""
    folder: Path = Path()

    @classmethod
    def of(cls, args: argparse.Namespace, api_key: str | None) -> "ServiceSpec":
        """Return what the flags of a command say.

        Args:
            api_key: Key for --base-url, if there is one.
        """
        return cls(
            server_url=args.server_url,
            local_path=args.local_path,
            model=args.model,
            base_url=args.base_url,
            api=args.api,
            api_key=api_key,
            plugins=args.plugins,
        )

    def open(self) -> Service:
        """Return the service in this process, or the proxy's.

        Raises:
            InvalidRequestError: A file of settings is not valid.
        """
        if self.server_url is not None:
            proxy = "proxy.services.remote_service.RemoteService"
            remote: Service = create_object(ObjectSpec(proxy, {"base_url": self.server_url}))
            return remote
        here: Service = create_object(
            ObjectSpec("proxy.services.server_service.ServerService"),
            base_path=self.local_path,
            deployments=self.deployments(),
        )
        return here

    def deployments(self) -> Deployments:
        """Return what this process can ask, and where.

        Raises:
            InvalidRequestError: A file of settings is not valid.
        """
        deployments = Deployments(self.local_path)
        if self.base_url:
            key = {"api_key": self.api_key} if self.api_key else {}
            deployments.add_ad_hoc(self.model or "", self.base_url, {"api": self.api, **key})
        return deployments

    def for_workers(self, num_machines: int) -> "ServiceSpec":
        """Return the same with all that another process needs.

        Raises:
            InvalidRequestError: The database is a file, which several machines can't share.
        """
        if self.server_url:
            return self
        url = database_url(self.local_path)
        if num_machines > 1 and url.startswith("sqlite"):
            raise InvalidRequestError(
                f"the Ray cluster has {num_machines} machines, and they can't share the cache "
                f"{url}: set `database` in service.conf to PostgreSQL, or ask through "
                "--server-url (docs/scaling.md)"
            )
        files = {name: self.local_path / name for name in _SETTINGS}
        return msgspec.structs.replace(
            self,
            settings={name: path.read_bytes() for name, path in files.items() if path.is_file()},
            host=socket.gethostname(),
            folder=Path.cwd(),
        )

    def open_on_worker(self) -> Service:
        """Return the service of a process that a cluster has started, on whatever machine."""
        if self.folder.is_dir():
            os.chdir(self.folder)  # paths in flags and settings may be relative
        if self.plugins is not None:
            add_plugins(self.plugins)
        is_here = socket.gethostname() == self.host or self.local_path.is_dir()
        if self.server_url or is_here:
            return self.open()
        # Readable by this user alone. A worker that is killed leaves it to whatever removes the
        # temporary files of the machine.
        folder = Path(tempfile.mkdtemp(prefix="lm-bench-settings-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        for name, content in self.settings.items():
            (folder / name).write_bytes(content)
        return msgspec.structs.replace(self, local_path=folder).open()


def authentication(args: argparse.Namespace) -> Authentication:
    """Return with which key is asked; in this process there is none.

    Raises:
        InvalidRequestError: The file with the proxy's key can't be read.
    """
    if not args.server_url:
        return Authentication("")
    try:
        return Authentication(args.api_key_path.read_text(encoding="utf-8").strip())
    except OSError as error:
        raise InvalidRequestError(
            f"can't read the key for --server-url from {args.api_key_path}: {error.strerror}; "
            "name the file with --api-key-path"
        ) from error
