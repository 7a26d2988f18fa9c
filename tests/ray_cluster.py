"""A real Ray cluster of one machine for tests, with two workers' room and no GPU.

with RayCluster(tmp_path) as cluster:
    commands.run("--runner", "ray", "--ray-address", cluster.address)
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

START_SECONDS = 120
END_SECONDS = 30
PAUSE_SECONDS = 0.1
NUM_CPUS = 2
_WORKER = b"ray::RayWorker"


class RayCluster:
    """Runs from `__enter__` to `__exit__`.

    Attributes:
        address: HOST:PORT of its head.
    """

    def __init__(self, folder: Path) -> None:
        self._log = folder / "ray.txt"
        # Not below the test's own: names of sockets are short.
        self._folder = tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.address = f"127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        command = [str(Path(sys.executable).parent / "ray"), "start", "--head", "--block"]
        command += [f"--port={self._port}", f"--num-cpus={NUM_CPUS}", "--num-gpus=0"]
        command += ["--include-dashboard=false", "--object-store-memory=100000000"]
        command += ["--disable-usage-stats", f"--temp-dir={self._folder.name}"]
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, process_group=0)
        until = time.monotonic() + START_SECONDS
        while b"Ray runtime started" not in self._log.read_bytes():
            if self._process.poll() is not None or time.monotonic() > until:
                self._end()
                raise RuntimeError(f"Ray did not start: {self._log.read_text()}")
            time.sleep(PAUSE_SECONDS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()
        self._folder.cleanup()

    def workers(self) -> list[int]:
        """The processes of this cluster that ask models."""
        return [
            process
            for process in _descendants(self._process.pid)
            if _read(f"/proc/{process}/cmdline").startswith(_WORKER)
        ]

    def _end(self) -> None:
        processes = _descendants(self._process.pid)
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for process in processes:  # what its head has left
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue


def _descendants(process: int) -> list[int]:
    children = [
        int(child)
        for task in Path(f"/proc/{process}/task").glob("*/children")
        for child in _read(str(task)).split()
    ]
    return [*children, *(below for child in children for below in _descendants(child))]


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:  # it has ended
        return b""
