"""`demo.py` as a new user runs it, against a real proxy."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy_process import PROXY_VARIABLES, ProxyProcess

DEMO = Path(__file__).parents[1] / "demo.py"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxyProcess]:
    with ProxyProcess(tmp_path_factory.mktemp("proxy"), "-w", "1") as running:
        yield running


def run_demo(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if name.lower() not in PROXY_VARIABLES
    }
    command = [sys.executable, str(DEMO), *flags]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )


def test_it_prints_a_completion_and_tokens(proxy: ProxyProcess) -> None:
    ended = run_demo(proxy.folder, "--server-url", proxy.url)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [
        "simple/model1 completes 'One small step for a' with 'a'",
        "simple/model1 reads ['Tokens', 'are', 'what', 'models', 'read.']",
    ]


def test_a_missing_key_and_an_unknown_model_are_told(proxy: ProxyProcess, tmp_path: Path) -> None:
    ended = run_demo(tmp_path, "--server-url", proxy.url)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "proxy_api_key.txt can't be read" in ended.stderr
    key = ("--api-key-path", str(proxy.key_path))
    ended = run_demo(tmp_path, "--server-url", proxy.url, *key, "--model", "simple/modl1")
    assert ended.returncode == 2
    assert "did you mean 'simple/model1'?" in ended.stderr
