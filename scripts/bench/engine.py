"""How fast the main job is, against a bare urllib3 loop over the same upstream in the same run.

    venv/bin/python scripts/bench/engine.py [--only NAME …] [--num-large N]

The upstream is tests/fake_provider.py in a process of its own. Prompts are GSM8K in format: the
bench writes the data files and serves them through --data-mirror. Goals stand in the last column.
"""

import argparse
import json
import os
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import urllib3

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from benchmark.scenarios.gsm_scenario import FILES  # noqa: E402
from fake_provider import Behaviour, FakeProvider  # noqa: E402

BIN = Path(sys.executable).parent
MODEL = "openai-compatible/fake"
NUM_THREADS = 64
NUM_PROMPTS = 1000
LATENCY_SECONDS = 0.05
WORDS = [
    "apples",
    "boxes",
    "coins",
    "days",
    "eggs",
    "friends",
    "games",
    "hours",
    "inches",
    "jars",
    "kites",
    "lamps",
    "miles",
]

Rows = Iterator[tuple[str, str, str]]  # what, measured, goal


@dataclass
class Measurement:
    """One command: seconds of wall clock and of CPU, peak memory in MB, upstream calls."""

    wall: float
    cpu: float
    memory: float
    calls: int


def main() -> None:
    """Run the parts and print the table."""
    parts: dict[str, Callable[[argparse.Namespace, Path], Rows]] = {
        "start": bench_start,
        "small": bench_small,
        "large": bench_large,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=parts, default=list(parts))
    parser.add_argument("--num-large", type=int, default=100_000)
    args = parser.parse_args()
    print(f"{'what':<44} {'measured':<44} goal")
    for name in args.only:
        with tempfile.TemporaryDirectory() as folder:
            for what, measured, goal in parts[name](args, Path(folder)):
                print(f"{what:<44} {measured:<44} {goal}", flush=True)


def bench_start(_: argparse.Namespace, folder: Path) -> Rows:
    """How long commands take that ask nobody."""
    for flag in ("--help", "--list"):
        walls = sorted(measure([flag], folder).wall for _ in range(5))
        yield f"benchmark-run {flag}", f"{walls[2]:.2f} s (median of 5)", "<= 0.3 s"


def bench_small(_: argparse.Namespace, folder: Path) -> Rows:
    """1,000 prompts at 50 ms: fresh, cached, finished; and the bare loop."""
    write_mirror(folder / "mirror", NUM_PROMPTS)
    with FakeProvider(Behaviour(latency_seconds=LATENCY_SECONDS)) as provider:
        bare = bare_loop(provider, NUM_PROMPTS)
        yield "bare urllib3 loop, 1,000 calls at 50 ms", describe(bare), ""
        fresh = run(provider, folder, "fresh")
        ratio = f", {fresh.wall / bare.wall:.1f} x wall"
        yield "1,000 prompts, fresh", describe(fresh) + ratio, "<= 2.5 s wall, <= 2.0 s CPU"
        cached = run(provider, folder, "cached")
        yield "the same in another suite, all cached", describe(cached), "<= 1.5 s wall, 0 calls"
        again = run(provider, folder, "cached")
        yield "the finished run started again", describe(again), "<= 0.7 s wall, 0 calls"


def bench_large(args: argparse.Namespace, folder: Path) -> Rows:
    """Many requests to an upstream that answers at once."""
    num = args.num_large
    write_mirror(folder / "mirror", num)
    with FakeProvider(Behaviour()) as provider:
        bare = bare_loop(provider, min(num, 20_000))
        bare_rate = bare.calls / bare.wall
        yield f"bare urllib3 loop, {bare.calls:,} calls", f"{bare_rate:,.0f} a second", ""
        large = run(provider, folder, "large", "-m", str(num))
        rate = num / large.wall
        measured = f"{rate:,.0f} a second ({rate / bare_rate:.2f} x bare), {describe(large)}"
        yield f"{num:,} requests", measured, ">= 1,000 a second, < 500 MB"
        again = run(provider, folder, "large", "-m", str(num))
        yield f"the finished run of {num:,} again", describe(again), ""
    (states,) = (folder / "out").glob("runs/large/*/states.sqlite")
    size = states.stat().st_size
    with sqlite3.connect(states) as connection:
        (own,) = connection.execute("SELECT sum(length(data)) FROM instances").fetchone()
        (tokens,) = connection.execute("SELECT sum(length(tokens)) FROM states").fetchone()
    each = (size - own - (tokens or 0)) / num
    yield "states file, over text and log-probs", f"{each:.0f} bytes a request", "<= 600"


def run(provider: FakeProvider, folder: Path, suite: str, *more: str) -> Measurement:
    """One benchmark-run of gsm over the bench's own data."""
    before = provider.counters().requests
    arguments = ["-r", "gsm", "--model", MODEL, "--base-url", f"{provider.url}/v1"]
    arguments += ["--data-mirror", str(folder / "mirror"), "-n", str(NUM_THREADS), "-q"]
    arguments += ["-o", str(folder / "out"), "--local-path", str(folder / "base")]
    measured = measure([*arguments, "--suite", suite, *more], folder)
    measured.calls = provider.counters().requests - before
    return measured


def measure(arguments: list[str], folder: Path) -> Measurement:
    """Run benchmark-run to its end, in a process of its own."""
    started = time.perf_counter()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [BIN / "benchmark-run", *arguments], stdout=log, stderr=log, cwd=folder
        )
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status:
        raise SystemExit((folder / "log").read_text())
    return Measurement(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, 0)


def bare_loop(provider: FakeProvider, num_calls: int) -> Measurement:
    """The least that Python can do: the same bodies by the same number of threads, thrown away."""
    bodies = iter([json.dumps(request_body(number)).encode() for number in range(num_calls)])
    pool = urllib3.connection_from_url(provider.url, maxsize=NUM_THREADS)
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                body = next(bodies, None)
            if body is None:
                return
            headers = {"Content-Type": "application/json"}
            pool.urlopen("POST", "/v1/completions", body=body, headers=headers)

    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(NUM_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measurement(wall, cpu, after.ru_maxrss / 1024, num_calls)


def request_body(number: int) -> dict[str, object]:
    """A body as benchmark-run sends it: a five-shot prompt."""
    rng = random.Random(number)
    prompt = "\n\n".join(f"Q: {question(rng)}\nA: {answer(rng)}" for _ in range(6))
    return {"model": "fake", "prompt": prompt, "max_tokens": 400, "logprobs": 1, "n": 1}


def question(rng: random.Random) -> str:
    """About as long as a GSM8K question."""
    return " ".join(f"{rng.randrange(1000)} {rng.choice(WORDS)}" for _ in range(20)) + "?"


def answer(rng: random.Random) -> str:
    """About as long as a GSM8K solution."""
    return " ".join(f"{rng.randrange(1000)} {rng.choice(WORDS)}" for _ in range(22)) + "."


def write_mirror(folder: Path, num_test: int) -> None:
    """Write GSM8K files of `num_test` test rows, and the index of a mirror."""
    folder.mkdir()
    rng = random.Random(0)
    for split, num_rows in (("train", 100), ("test", num_test)):
        with (folder / f"{split}.jsonl").open("w") as file:
            for number in range(num_rows):
                row = {
                    "question": f"{number} {question(rng)}",
                    "answer": f"{answer(rng)}\n#### {rng.randrange(100)}",
                }
                file.write(json.dumps(row) + "\n")
    index = {file.url: f"{split}.jsonl" for split, file in FILES.items()}
    (folder / "urls.json").write_text(json.dumps(index))


def describe(measured: Measurement) -> str:
    """One line of figures."""
    return (
        f"{measured.wall:.2f} s wall, {measured.cpu:.2f} s CPU, {measured.memory:.0f} MB, "
        f"{measured.calls:,} calls"
    )


if __name__ == "__main__":
    main()
