"""Runs code that nobody has read, in a process that may do next to nothing.

Each run is a process group of its own, in an empty folder, with limits on wall-clock time, CPU
time, memory, file size, open files and processes, without network, and without a way to change the
file system: see sandbox_child.py. Linux on x86_64 and aarch64 only; elsewhere it refuses.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from common.errors import BenchError

CHILD = Path(__file__).with_name("sandbox_child.py")
CHECK_GRADER = Path(__file__).with_name("sandbox_check.py")
REFUSED_EXIT_CODE = 3
START_SECONDS = 10.0  # to load Python and the grader, on a machine that is busy


class SandboxError(BenchError):
    """Code can't be run under limits here; it is not run without them."""

    code = "sandbox_unavailable"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one run may use; code runs until `seconds` of wall-clock time are over."""

    seconds: float
    memory_bytes: int = 4 << 30
    file_bytes: int = 1 << 20
    num_files: int = 64
    num_processes: int = 64  # threads count; processes can't be made at all
    max_answer_bytes: int = 1 << 20


class Sandbox:
    """Runs graders, files with a function `grade(task)`, on code that they are given."""

    def check(self) -> None:
        """Do nothing if code can be run here.

        Raises:
            SandboxError: The limits can't be set on this machine, or do not hold.
        """
        if self.run(CHECK_GRADER, None, Limits(seconds=START_SECONDS)) is not True:
            raise SandboxError("code can't be run under limits here: a test of them failed")

    def run(self, grader: Path, task: Any, limits: Limits) -> Any | None:
        """Return what `grade(task)` gives, read from JSON; None if the process ended before, was
        ended by a limit, or answered at too great a length.

        Args:
            grader: A Python file that needs nothing but the standard library.
            task: Anything JSON can tell.
            limits: What it may use.

        Raises:
            SandboxError: The limits can't be set on this machine.
        """
        with tempfile.TemporaryDirectory(prefix="sandbox-") as folder:
            job = msgspec.structs.asdict(limits) | {
                "grader": str(grader),
                "task": task,
                "folder": folder,
                "cpu_seconds": int(limits.seconds + START_SECONDS) + 1,
            }
            code, output = _communicate(msgspec.json.encode(job), folder, limits)
        try:
            answer = msgspec.json.decode(output, type=dict[str, Any])
        except msgspec.MsgspecError:
            return None
        if code == REFUSED_EXIT_CODE and "refused" in answer:
            raise SandboxError(f"code can't be run under limits here: {answer['refused']}")
        return answer.get("answer") if code == 0 else None


def _communicate(job: bytes, folder: str, limits: Limits) -> tuple[int, bytes]:
    """Run the child on `job`; return its exit code and output, or (-1, b"") if it was ended.

    No more than an answer may have is read: what writes for ever fills no memory here.
    """
    with subprocess.Popen(
        [sys.executable, "-I", "-B", str(CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"},
        start_new_session=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        timer = threading.Timer(limits.seconds + START_SECONDS, _end_group, [child.pid])
        timer.start()
        try:
            with suppress(BrokenPipeError):  # it was ended before it had read all
                child.stdin.write(job)
                child.stdin.close()
            output = child.stdout.read(limits.max_answer_bytes + 1)
        finally:
            timer.cancel()
            _end_group(child.pid)
        if len(output) > limits.max_answer_bytes:
            return -1, b""
        return child.wait(), output


def _end_group(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
