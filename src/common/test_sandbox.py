import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from common.sandbox import CHILD, Limits, Sandbox

GRADER = """
def grade(code):
    names = {}
    try:
        exec(code, names)
    except BaseException as error:
        return type(error).__name__
    return names.get("x")
"""
BRIEF = Limits(seconds=-8.0)  # beside the ten that starting may take


@pytest.fixture
def grader(tmp_path: Path) -> Path:
    path = tmp_path / "grader.py"
    path.write_text(GRADER)
    return path


def run(grader: Path, code: str, limits: Limits = BRIEF) -> Any:
    return Sandbox().run(grader, code, limits)


def test_limits_hold_here() -> None:
    Sandbox().check()


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("x = 1 + 1", 2),
        ("import threading; t = threading.Thread(target=print); t.start(); t.join(); x = 3", 3),
        ("import numpy; x = float(numpy.ones(3).sum())", 3.0),
        ("print('y' * 10**6); import sys; sys.stderr.write('z' * 10**6); x = 4", 4),
        ("import os; x = os.listdir('.')", []),
        ("import sys; x = sys.stdin.read()", ""),
        ("raise SystemExit(0)", "SystemExit"),
    ],
)
def test_what_code_may_do(code: str, answer: Any, grader: Path) -> None:
    assert run(grader, code) == answer


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.socket()",
        "import socket; socket.create_connection(('127.0.0.1', 80))",
        "import os; os.fork()",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.execv('/bin/true', ['true'])",
        "import os; os.kill(os.getppid(), 9)",
        "import os; os.kill(-1, 9)",
        "import os; os.mkdir('a')",
        "import os; os.rename('/etc/hostname', '/etc/h')",
        "import os; os.chmod('.', 0)",
        "import os; os.remove('/nowhere/at/all')",
        "open('a', 'w')",
        "open('/dev/null', 'a')",
        "import os; os.open('.', os.O_TMPFILE | os.O_RDWR)",
        "import tempfile; open(f'/tmp/{__name__}', 'w')",
        "import os; os.symlink('/etc/passwd', 'a')",
        "import os; os.link('/etc/passwd', 'a')",
        "import os; os.truncate('/etc/passwd', 0)",
        "import multiprocessing; multiprocessing.Process(target=print).start()",
        "import signal, os; os.pidfd_open(os.getppid())",
        "import os; os.posix_spawn('/bin/true', ['true'], {})",
        "import resource; resource.prlimit(1, resource.RLIMIT_CPU, (1, 1))",
    ],
)
def test_what_code_may_not_do(code: str, grader: Path) -> None:
    assert run(grader, code) == "PermissionError"


@pytest.mark.parametrize(
    "code",
    [
        "libc.fork()",
        "libc.syscall(57)",  # fork
        "libc.syscall(62, os.getppid(), 9)",  # kill
        "libc.kill(-1, 9)",
        "libc.socket(2, 1, 0)",
        "libc.open(b'a', os.O_CREAT | os.O_WRONLY, 0o600)",
        "libc.execve(b'/bin/true', None, None)",
        "libc.ptrace(16, os.getppid(), None, None)",
        "libc.prctl(22, 0, None)",
        "libc.mount(b'none', b'/', b'tmpfs', 0, None)",
    ],
)
def test_what_goes_around_python_is_refused_too(code: str, grader: Path) -> None:
    assert run(grader, f"import ctypes, os; libc = ctypes.CDLL(None); x = {code}") == -1


def test_memory_is_limited(grader: Path) -> None:
    assert run(grader, "x = bytearray(10 << 30)") == "MemoryError"
    small = Limits(seconds=-8.0, memory_bytes=256 << 20)
    assert run(grader, "x = [bytearray(1 << 20) for _ in range(10_000)]", small) == "MemoryError"


def test_threads_are_limited(grader: Path) -> None:
    code = (
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(9,)).start()"
    )
    # By their number, or, for a superuser, by their memory.
    assert run(grader, code) in ("RuntimeError", "MemoryError", None)


def test_a_fork_bomb_makes_no_process(grader: Path) -> None:
    code = """
import os
x = 0
for _ in range(20_000):
    try:
        os.fork()
        x += 1
    except OSError:
        pass
"""
    assert run(grader, code) == 0


def test_no_other_process_can_be_ended(grader: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        code = """
import os, signal
x = 0
for name in os.listdir("/proc"):
    for kill in (os.kill, os.killpg):
        if name.isdecimal():
            try:
                kill(int(name), signal.SIGKILL)
                x += 1
            except OSError:
                pass
"""
        assert run(grader, code) == 0
        assert other.poll() is None
        other.kill()


def test_nothing_is_left_behind(grader: Path) -> None:
    before = set(Path("/tmp").glob("sandbox-*"))
    assert run(grader, "import os; x = os.getcwd()").startswith("/tmp/sandbox-")
    assert set(Path("/tmp").glob("sandbox-*")) <= before


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(99)",
        "import os; os._exit(0)",
        "import os; os.abort()",
        "import sys; sys.setrecursionlimit(10**9); f = lambda: f(); f()",
        "x = 'y' * (2 << 20)",
        # Deaf to every signal that one can be deaf to, and stopped.
        "import signal; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 3, 13, 14, 15)]\n"
        "while True: pass",
        "import signal; signal.raise_signal(signal.SIGSTOP)",
        # To every descriptor that is open, for ever: the one for the answer is among them.
        "import os\nwhile True:\n for n in range(64):\n  try: os.write(n, b'y' * 65536)\n"
        "  except OSError: pass",
    ],
)
def test_without_an_answer_there_is_none(code: str, grader: Path) -> None:
    started = time.monotonic()
    assert run(grader, code) is None
    assert time.monotonic() - started < 10


def test_a_grader_that_fails(tmp_path: Path) -> None:
    path = tmp_path / "grader.py"
    path.write_text("def grade(task): return 1 / 0")
    assert run(path, "") is None


def test_nothing_of_the_environment_is_seen(grader: Path) -> None:
    names = run(grader, "import os; x = sorted(os.environ)")
    assert set(names) <= {"LC_ALL", "OPENBLAS_NUM_THREADS", "PATH", "LC_CTYPE"}


def test_a_limit_that_cannot_be_set_refuses(grader: Path, tmp_path: Path) -> None:
    job = {
        "grader": str(grader),
        "task": "x = 1",
        "folder": str(tmp_path / "nowhere"),
        "cpu_seconds": 5,
        "memory_bytes": 1 << 30,
        "file_bytes": 1,
        "num_files": 9,
        "num_processes": 9,
    }
    ended = subprocess.run(
        [sys.executable, "-I", str(CHILD)],
        input=json.dumps(job).encode(),
        capture_output=True,
        check=False,
        env={"PATH": os.defpath},
    )
    assert ended.returncode == 3
    assert "FileNotFoundError" in json.loads(ended.stdout)["refused"]
