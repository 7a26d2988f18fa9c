"""Real `benchmark-run` processes for tests: GSM8K in format, asked of the fake provider.

commands = Commands(tmp_path, provider.url)
commands.write_mirror(num_test=20)
commands.run("-m", "5").assert_done()
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

from benchmark.export_formats import write_jsonl
from benchmark.run_folder import RunFolder
from benchmark.scenarios.gsm_scenario import FILES

BIN = Path(sys.executable).parent
MODEL = "openai-compatible/fake"
GSM = ("gsm",)
END_SECONDS = 60
PAUSE_SECONDS = 0.005
# Settings of the machine that would lead requests elsewhere, or take data from elsewhere.
_VARIABLES = {
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "benchmark_data_mirror",
    "openai_compatible_api_key",
}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str
    seconds: float

    def assert_done(self) -> None:
        """Assert that it succeeded."""
        assert self.code == 0, self.stderr
        assert "Traceback" not in self.stderr, self.stderr

    def assert_failed(self, *words: str, code: int | None = None) -> None:
        """Assert that it failed, and says why in plain words: `words` among them."""
        assert self.code == code if code else self.code > 0, (self.code, self.stdout, self.stderr)
        assert "Traceback" not in self.stderr, self.stderr
        for word in words:
            assert word in self.stderr, (word, self.stderr)


class CommandProcess:
    """A command under way; it is killed when its `with` block ends first."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
    ) -> None:
        environment = {
            name: value for name, value in os.environ.items() if name.lower() not in _VARIABLES
        }
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_take_interrupts,
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
        """Wait for what comes soon; the test fails if it does not, or the command ends first."""
        until = time.monotonic() + seconds
        while not is_so():
            if self._process.poll() is not None or time.monotonic() > until:
                self._process.kill()
                raise AssertionError(f"ended, or took too long: {self._process.communicate()}")
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

    def wait(self) -> Ended:
        """Return how it ended; one that does not end is killed, and the test fails."""
        try:
            stdout, stderr = self._process.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise AssertionError(f"it goes on and on: {self._process.communicate()}") from None
        return Ended(self._process.returncode, stdout, stderr, time.monotonic() - self._started)


class Commands:
    """Our commands, run in `folder` with the data of `folder`/mirror and the model at `url`.

    Args:
        folder: Where it all lies.
        url: Address of the fake provider.
        name: Names the folder of outputs and cache: commands of another name know nothing of them.
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

    def write_mirror(self, num_test: int) -> None:
        """Write GSM8K files with `num_test` test rows, and the mirror's index."""
        self.mirror.mkdir(exist_ok=True)
        for split, num_rows in (("train", 8), ("test", num_test)):
            # Few of the training answers differ, so that every trial draws other examples.
            num_answers = 2 if split == "train" else num_rows
            rows = [_row(f"{split} {number}", number % num_answers) for number in range(num_rows)]
            text = "".join(json.dumps(row) + "\n" for row in rows)
            (self.mirror / f"{split}.jsonl").write_text(text)
        index = {file.url: f"{split}.jsonl" for split, file in FILES.items()}
        (self.mirror / "urls.json").write_text(json.dumps(index))

    def start(self, *more: str, entries: Sequence[str] = GSM) -> CommandProcess:
        """Start `benchmark-run`; of arguments given twice, those of `more` win."""
        command = [str(BIN / "benchmark-run"), *self._arguments(), "-r", *entries, *more]
        return CommandProcess(command, self.folder)

    def run(self, *more: str, entries: Sequence[str] = GSM) -> Ended:
        """Run `benchmark-run` to its end."""
        with self.start(*more, entries=entries) as process:
            return process.wait()

    def run_file(self, conf_path: Path) -> Ended:
        """Run `benchmark-run` with entries from a file."""
        return self.call("benchmark-run", *self._arguments(), "-c", str(conf_path))

    def call(self, name: str, *arguments: str) -> Ended:
        """Run a command of ours, on this output folder unless `arguments` say otherwise."""
        command = [str(BIN / name), "-o", str(self.output_path), *arguments]
        with CommandProcess(command, self.folder) as process:
            return process.wait()

    def _arguments(self) -> list[str]:
        return [
            *("--model", MODEL, "--base-url", f"{self.url}/v1"),
            *("--data-mirror", str(self.mirror), "--local-path", str(self.local_path)),
            *("-o", str(self.output_path)),
        ]

    def run_path(self, run_name: str = "gsm", suite: str = "default") -> Path:
        """The folder of a run of the model."""
        separator = "," if ":" in run_name else ":"
        name = f"{run_name}{separator}model={MODEL.replace('/', '_')}"
        return self.output_path / "runs" / suite / name

    def states_path(self, run_name: str = "gsm") -> Path:
        """The database of a run's requests and answers."""
        return self.run_path(run_name) / "states.sqlite"

    def stats(self, run_name: str = "gsm") -> list[dict[str, Any]]:
        """The statistics of a finished run."""
        text = (self.run_path(run_name) / "stats.json").read_text()
        stats: list[dict[str, Any]] = json.loads(text)
        return stats

    def requests(self, run_name: str = "gsm") -> list[dict[str, Any]]:
        """All requests of a run with their results, as `benchmark-export` writes them."""
        run_path = self.run_path(run_name)
        [path] = write_jsonl(RunFolder(run_path.parent, run_path.name))
        return [json.loads(line) for line in path.read_bytes().splitlines()]

    def results(self, run_name: str = "gsm") -> dict[str, bytes]:
        """All that is the same in every execution of a run, by file name."""
        self.requests(run_name)
        names = ("run_spec.json", "scenario.json", "stats.json", "requests.jsonl")
        return {name: (self.run_path(run_name) / name).read_bytes() for name in names}


def stat_of(stats: list[dict[str, Any]], name: str, perturbation: str | None = None) -> Any:
    """The only stat of that name, perturbation, and no k."""
    [found] = [
        stat
        for stat in stats
        if stat["name"]["name"] == name
        and stat["name"]["k"] is None
        and (stat["name"]["perturbation"] or {}).get("name") == perturbation
    ]
    return found


def _take_interrupts() -> None:
    # Where tests run in the background, their children are born deaf to Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _row(name: str, number: int) -> dict[str, str]:
    question = f"Question {name}: Tom HAS {number} apples and buys {number + 3}. How many now?"
    return {"question": question, "answer": f"He has {2 * number + 3}.\n#### {2 * number + 3}"}
