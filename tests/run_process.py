"""Real `benchmark-run` processes for tests: GSM8K in format, asked of the fake provider.

commands = Commands(tmp_path, provider.url)
commands.write_mirror(num_test=20)
ended = commands.run("-m", "5")
assert ended.code == 0
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmark.scenarios.gsm_scenario import FILES

BIN = Path(sys.executable).parent
MODEL = "openai-compatible/fake"
END_SECONDS = 60
PAUSE_SECONDS = 0.005
# Settings of the machine that would lead requests elsewhere, or data from elsewhere.
_VARIABLES = (
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "benchmark_data_mirror",
    "openai_compatible_api_key",
)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str
    seconds: float

    def assert_failed(self, *words: str, code: int | None = None) -> None:
        """Assert that it failed with one plain sentence on stderr that has all of `words`."""
        assert self.code != 0, self.stdout
        assert code is None or self.code == code, self.stderr
        assert "Traceback" not in self.stderr, self.stderr
        for word in words:
            assert word in self.stderr, self.stderr

    def assert_done(self) -> None:
        """Assert that it succeeded without a traceback."""
        assert self.code == 0, self.stderr
        assert "Traceback" not in self.stderr, self.stderr


class CommandProcess:
    """A command of ours under way; it is killed when the `with` block ends before it does."""

    def __init__(self, command: Sequence[str | Path], folder: Path, **options: Any) -> None:
        environment = {
            name: value for name, value in os.environ.items() if name.lower() not in _VARIABLES
        }
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment | options.pop("env", {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **{"preexec_fn": _take_interrupts} | options,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def wait_until(self, is_so: Callable[[], bool], seconds: float = 30) -> None:
        """Wait for what comes soon; the test fails if it does not, or if the command ends first."""
        until = time.monotonic() + seconds
        while not is_so():
            if self._process.poll() is not None or time.monotonic() > until:
                self._process.kill()
                raise AssertionError(f"ended, or has taken too long: {self._process.communicate()}")
            time.sleep(PAUSE_SECONDS)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self._process.kill()
        self._process.communicate()

    def interrupt(self) -> Ended:
        """Press Ctrl-C; the seconds of the result count from here."""
        self._started = time.monotonic()
        self._process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self, seconds: float = END_SECONDS) -> Ended:
        """Return how it ended; one that does not end is killed, and the test fails."""
        try:
            stdout, stderr = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            stdout, stderr = self._process.communicate()
            raise AssertionError(f"no end within {seconds} s: {stdout}\n{stderr}") from None
        return Ended(self._process.returncode, stdout, stderr, time.monotonic() - self._started)


class Commands:
    """Our commands, run in `folder` with the data of `folder`/mirror and the model at `url`.

    Args:
        folder: Where it all lies.
        url: Address of the fake provider.
        name: Names the output folder and the folder of the cache, both below `folder`: commands
            of another name know nothing of these.
    """

    def __init__(self, folder: Path, url: str, name: str = "own") -> None:
        self.folder = folder
        self.url = url
        self.output_path = folder / name / "out"
        self.local_path = folder / name / "base"
        self.mirror = folder / "mirror"

    def named(self, name: str) -> "Commands":
        """The same with other outputs and nothing in the cache."""
        return Commands(self.folder, self.url, name)

    def write_mirror(self, num_test: int, num_train: int = 8) -> None:
        """Write GSM8K files with `num_test` test rows, and the mirror's index."""
        self.mirror.mkdir(exist_ok=True)
        for split, num_rows in (("train", num_train), ("test", num_test)):
            rows = [_row(f"{split} {number}", number) for number in range(num_rows)]
            (self.mirror / f"{split}.jsonl").write_text("".join(map(_line, rows)))
        index = {file.url: f"{split}.jsonl" for split, file in FILES.items()}
        (self.mirror / "urls.json").write_text(json.dumps(index))

    def arguments(self, *more: str, entries: Sequence[str] = ("gsm",)) -> list[str]:
        """What `benchmark-run` gets; later arguments win."""
        return [
            "-r",
            *entries,
            *("--model", MODEL, "--base-url", f"{self.url}/v1"),
            *("--data-mirror", str(self.mirror), "--local-path", str(self.local_path)),
            *("-o", str(self.output_path)),
            *more,
        ]

    def start(
        self, *more: str, entries: Sequence[str] = ("gsm",), **options: Any
    ) -> CommandProcess:
        """Start `benchmark-run`; `options` are those of Popen."""
        command = [BIN / "benchmark-run", *self.arguments(*more, entries=entries)]
        return CommandProcess(command, self.folder, **options)

    def run(self, *more: str, entries: Sequence[str] = ("gsm",), **options: Any) -> Ended:
        """Run `benchmark-run` to its end."""
        with self.start(*more, entries=entries, **options) as process:
            return process.wait()

    def call(self, name: str, *arguments: str) -> Ended:
        """Run another of our commands, on this output folder unless `arguments` say otherwise."""
        command = [BIN / name, "-o", str(self.output_path), *arguments]
        with CommandProcess(command, self.folder) as process:
            return process.wait()

    def run_path(self, run_name: str = "gsm", suite: str = "default") -> Path:
        """The folder of a run of the model."""
        separator = "," if ":" in run_name else ":"
        name = f"{run_name}{separator}model={MODEL.replace('/', '_')}"
        return self.output_path / "runs" / suite / name

    def stats(self, run_name: str = "gsm", suite: str = "default") -> list[dict[str, Any]]:
        """The statistics of a finished run."""
        stats: list[dict[str, Any]] = json.loads(
            (self.run_path(run_name, suite) / "stats.json").read_text()
        )
        return stats

    def results(self, run_name: str = "gsm", suite: str = "default") -> dict[str, str]:
        """All that must be the same in each execution of a run, by file name."""
        self.call("benchmark-export", "--format", "jsonl", "--suite", suite).assert_done()
        names = ("run_spec.json", "scenario.json", "stats.json", "requests.jsonl")
        return {name: (self.run_path(run_name, suite) / name).read_text() for name in names}


def stat_of(stats: list[dict[str, Any]], name: str, **fields: Any) -> dict[str, Any]:
    """The only stat with that name and those further fields of its name."""
    [found] = [
        stat
        for stat in stats
        if stat["name"]["name"] == name
        and all(stat["name"][field] == value for field, value in fields.items())
    ]
    return found


def _take_interrupts() -> None:
    # Where tests run in the background, their children are born deaf to Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _row(name: str, number: int) -> dict[str, str]:
    question = f"Question {name}: Tom HAS {number} apples and buys {number + 3}. How many now?"
    return {"question": question, "answer": f"He has {2 * number + 3}.\n#### {2 * number + 3}"}


def _line(row: dict[str, str]) -> str:
    return json.dumps(row) + "\n"
