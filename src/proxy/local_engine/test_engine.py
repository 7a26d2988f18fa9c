"""Tests of the life of the embedded model's engine: started, shared, killed, ended."""

import importlib.metadata
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from common.errors import DataError, MissingExtraError, UnavailableError
from proxy.local_engine import connection
from proxy.local_engine.engine import LocalEngine
from proxy.local_engine.files import is_held, read_state
from proxy.local_engine.protocol import CompletionAnswer, CompletionBody, EngineState

SRC = Path(__file__).parents[2]
# Asks the engine of the model file in argv, and prints its number and an answer.
SCRIPT = """
import sys, time
from pathlib import Path
from proxy.local_engine.engine import LocalEngine
from proxy.local_engine.files import read_state
engine = LocalEngine(Path(sys.argv[1]), 20.0)
answer = engine.post("/tokenize", b'["Hello world"]', time.monotonic() + 120)
print(read_state(engine.state_path).pid, answer.decode(), flush=True)
"""


@pytest.fixture
def own_engine(model_path: Path, tmp_path: Path) -> Iterator[LocalEngine]:
    """An engine of the test's own, which may be killed."""
    own = LocalEngine(linked(model_path, tmp_path), 20.0)
    yield own
    own.state_path.unlink(missing_ok=True)


def linked(model_path: Path, folder: Path) -> Path:
    link = folder / model_path.name
    link.symlink_to(model_path.resolve())
    return link


def generate(engine: LocalEngine, prompt: str, max_tokens: int = 60) -> CompletionAnswer:
    body = msgspec.json.encode(CompletionBody(prompt=prompt, max_tokens=max_tokens))
    answer = engine.post("/complete", body, time.monotonic() + 300)
    return msgspec.json.decode(answer, type=CompletionAnswer)


def state_of(engine: LocalEngine) -> EngineState:
    state = read_state(engine.state_path)
    assert state is not None
    return state


def wait_for_end(engine: LocalEngine) -> None:
    life_path = engine.state_path.with_suffix(".life")
    until = time.monotonic() + 20
    while is_held(life_path):
        assert time.monotonic() < until, "the engine does not end"
        time.sleep(0.05)


def test_a_killed_engine_is_replaced_and_its_requests_repeated(own_engine: LocalEngine) -> None:
    prompts = [f"{number} green bottles standing on the wall, and" for number in range(6)]
    expected = [generate(own_engine, prompt).completions for prompt in prompts]
    first = state_of(own_engine)
    with ThreadPoolExecutor(6) as threads:
        answers = [threads.submit(generate, own_engine, prompt) for prompt in prompts]
        time.sleep(0.3)
        os.kill(first.pid, signal.SIGKILL)
        assert [answer.result().completions for answer in answers] == expected
    assert state_of(own_engine).pid != first.pid


def test_an_engine_that_answers_nothing_is_replaced(
    own_engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_HEALTH_SECONDS", 1.0)
    expected = generate(own_engine, "Hello")
    stopped = state_of(own_engine)
    os.kill(stopped.pid, signal.SIGSTOP)
    assert generate(own_engine, "Hello").completions == expected.completions
    assert state_of(own_engine).pid != stopped.pid


def test_a_request_that_kills_every_engine_is_given_up(
    own_engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise connection.EngineFailedError

    monkeypatch.setattr(own_engine._connections, "exchange", fail)
    with pytest.raises(UnavailableError, match=r"ended 3 times.*\.log"):
        generate(own_engine, "Hello")


def test_processes_share_one_engine_and_do_not_wait_for_its_end(own_engine: LocalEngine) -> None:
    command = [sys.executable, "-c", SCRIPT, str(own_engine.model_path)]
    environment = os.environ | {"PYTHONPATH": str(SRC)}
    # Whoever inherited the engine's output would keep these pipes open.
    users = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    outputs = [user.communicate(timeout=120) for user in users]
    assert [user.returncode for user in users] == [0, 0, 0], outputs
    assert {output for output, _ in outputs} == {
        f"{state_of(own_engine).pid} [[19556,905]]\n".encode()
    }
    assert os.getsid(state_of(own_engine).pid) != os.getsid(0)


def test_a_forked_process_may_go_on_using_it(own_engine: LocalEngine) -> None:
    script = SCRIPT + (
        "import os\n"
        "child = os.fork()\n"
        "for _ in range(50):\n"
        "    again = engine.post('/tokenize', b'[\"Hello world\"]', time.monotonic() + 60)\n"
        "    assert again == answer\n"
        "if child: assert os.waitpid(child, 0)[1] == 0\n"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(own_engine.model_path)],
        env=os.environ | {"PYTHONPATH": str(SRC)},
        check=True,
        timeout=120,
    )


def test_an_idle_engine_ends_and_the_next_request_starts_another(
    model_path: Path, tmp_path: Path
) -> None:
    brief = LocalEngine(linked(model_path, tmp_path), 1.0)
    first = generate(brief, "Hello", max_tokens=2)
    pid = state_of(brief).pid
    wait_for_end(brief)
    assert not brief.state_path.exists()
    assert generate(brief, "Hello", max_tokens=2) == first
    assert state_of(brief).pid != pid
    brief.state_path.unlink()
    wait_for_end(brief)


def test_only_those_with_the_secret_are_served(own_engine: LocalEngine) -> None:
    generate(own_engine, "Hello", max_tokens=1)
    url = f"http://127.0.0.1:{state_of(own_engine).port}/tokenize"
    for headers in ({}, {"Authorization": "Bearer guess"}):
        request = urllib.request.Request(url, b'["a"]', headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with pytest.raises(urllib.error.HTTPError, match="401"):
            opener.open(request, timeout=10)
    assert own_engine.state_path.stat().st_mode & 0o777 == 0o600


def test_remembered_beginnings_are_not_evaluated_again(own_engine: LocalEngine) -> None:
    beginning = " ".join(f"{number} and" for number in range(100))
    assert generate(own_engine, beginning, max_tokens=1).num_cached_tokens == 0
    answer = generate(own_engine, beginning + " so on", max_tokens=1)
    assert answer.num_prompt_tokens - answer.num_cached_tokens < 5


@pytest.mark.parametrize("kept", [0, 1000, 5_000_000])
def test_a_damaged_file_is_named_and_how_to_get_another(
    model_path: Path, tmp_path: Path, kept: int
) -> None:
    damaged = tmp_path / "damaged.gguf"
    with model_path.open("rb") as source:
        damaged.write_bytes(source.read(kept))
    with pytest.raises(DataError, match=r"damaged\.gguf can't be used .*scripts/fetch_model\.sh"):
        generate(LocalEngine(damaged), "Hello")


def test_a_file_that_changes_is_not_mixed_with_what_it_was(
    model_path: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.gguf"
    shutil.copy(model_path, copy)
    used = LocalEngine(copy, 1.0)
    generate(used, "Hello", max_tokens=1)
    sha256 = used.model_sha256
    assert LocalEngine(copy).model_sha256 == sha256
    with copy.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    with pytest.raises(DataError, match="changed"):
        generate(used, "Hello", max_tokens=1)
    assert LocalEngine(copy).model_sha256 != sha256


def test_a_folder_that_can_only_be_read_does(
    model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    folder = LocalEngine(model_path).state_path.parent
    assert folder == tmp_path / f"lm-bench-{os.geteuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_missing_library_names_the_extra(
    model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", fail)
    with pytest.raises(MissingExtraError, match=r"lm-bench\[local\]"):
        generate(LocalEngine(model_path), "Hello")
