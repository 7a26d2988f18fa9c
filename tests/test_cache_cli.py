"""`proxy-cli cache`: what people type, on the database of a proxy that runs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.request import Request
from proxy.services.remote_service import RemoteService
from proxy_process import ProxyProcess


class Installation:
    """A running proxy, and the command beside it."""

    def __init__(self, proxy: ProxyProcess) -> None:
        self._proxy = proxy

    def ask(self, prompt: str, **fields: Any) -> bool:
        """Ask the simple model; return whether the answer was stored already."""
        request = Request(model="simple/model1", prompt=prompt, **fields)
        return RemoteService(self._proxy.url).make_request(self._proxy.auth, request).cached

    def call(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "proxy.cli.main", "cache", *arguments]
        folder = self._proxy.folder
        return subprocess.run(
            command, cwd=folder, input=text, capture_output=True, text=True, timeout=60
        )

    def output(self, *arguments: str, text: str = "") -> str:
        """What a command that succeeds prints."""
        ended = self.call(*arguments, text=text)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ProxyProcess(tmp_path, "-w", "1") as proxy:
        yield Installation(proxy)


def test_stored_answers_are_counted_explained_moved_and_deleted(
    installation: Installation,
) -> None:
    for prompt in ("one", "two", "three", "three"):
        installation.ask(prompt)
    assert "simple/model1" in installation.output("stats")
    statistics = json.loads(installation.output("stats", "--json"))
    assert (statistics["num_entries"], statistics["models"][0]["num_entries"]) == (3, 3)

    request = {"model": "simple/model1", "prompt": "two"}
    found = installation.call("explain", "-", text=json.dumps(request))
    assert (found.returncode, found.stdout[:4]) == (0, "hit:")
    found = installation.call("explain", "-", text=json.dumps(request | {"num_completions": 2}))
    assert found.returncode == 1
    assert found.stdout.endswith("differs in n: 1 there, 2 here\n")

    written = json.loads(installation.output("export", "all.jsonl", "--json"))
    assert written == {"num_written": 3, "file": "all.jsonl"}
    assert "3 stored" in installation.output("purge", "--model", "simple/model1")
    assert not installation.ask("one")
    assert "2 answers were added, 1 were" in installation.output("import", "all.jsonl")
    assert installation.ask("two")
    assert installation.output("export", "--model", "simple/model1").count("\n") == 3
    assert "0 stored" in installation.output("purge", "--before", "2020-01-01")
    assert json.loads(installation.output("purge", "--all", "--json")) == {"num_deleted": 3}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["purge"], "--model, --account or --before"),
        (["purge", "--all", "--model", "x"], "--all alone"),
        (["purge", "--before", "yesterday"], "not a date: 'yesterday'"),
        (["import", "nowhere.jsonl"], "nowhere.jsonl"),
        (["explain", "nowhere.json"], "nowhere.json"),
        (["stats", "-b", "nowhere"], "nowhere"),
        ([], "COMMAND"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, arguments: list[str], named: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "proxy.cli.main", "cache", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert named in ended.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []
