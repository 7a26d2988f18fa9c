"""How fast prompts are made of instances, and how fast run specs are made of a conf file.

    venv/bin/python scripts/bench/prompts.py [--num-instances N]

Questions are MMLU in format: the bench writes the archive and serves it as a data mirror, and the
scenario, the preprocessor and the adapter do what they do in a run. Nobody is asked. Each figure is
the median of several processes of one thread; goals stand in the last column.
"""

import argparse
import gc
import io
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

# The bench of the proxy lies beside this file, and would be taken for the package of that name.
sys.path.remove(str(Path(__file__).resolve().parent))

import msgspec
from msgspec.structs import replace

from benchmark.adapters.adapter_factory import make_adapter
from benchmark.conf_files import RUN_SPECS_CONF, packaged_conf
from benchmark.data_preprocessor import DataPreprocessor
from benchmark.run_entries import make_run_specs
from benchmark.scenarios.mmlu_scenario import ARCHIVE
from benchmark.scenarios.scenario import Scenario
from benchmark.window_services.window_service import WindowService
from common.data_files import DataFiles
from common.object_spec import create_object

BIN = Path(sys.executable).parent
SUBJECT = "philosophy"
MODEL = "simple/model1"
NUM_REPEATS = 5
NUM_TRAIN = 5
# Tokens of a prompt: so many that nobody has to count them, and too few for all examples.
WIDE_WINDOW, NARROW_WINDOW = 8192, 300
WORDS = [
    "according",
    "premise",
    "argument",
    "moral",
    "duty",
    "virtue",
    "claims",
    "therefore",
    "knowledge",
    "freedom",
]

Rows = Iterator[tuple[str, str, str]]  # what, measured, goal


class Built(msgspec.Struct, frozen=True):
    """What one process measured: seconds for instances and for prompts, bytes of prompts, memory.

    `memory` is what the process grew by while it made both and kept the instances, in MB.
    """

    reading: float
    building: float
    num_prompts: int
    num_bytes: int
    memory: float


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--num-instances", type=int, default=10_000)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--window", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure is not None:
        print(msgspec.json.encode(build(args.measure, args.window)).decode())
        return
    print(f"{'what':<44} {'measured':<52} goal")
    with tempfile.TemporaryDirectory() as name:
        for rows in (bench_conf(Path(name)), bench_prompts(Path(name), args.num_instances)):
            for what, measured, goal in rows:
                print(f"{what:<44} {measured:<52} {goal}", flush=True)


def bench_prompts(folder: Path, num: int) -> Rows:
    """Five-shot prompts, and what twice as many instances take of memory."""
    single, double = folder / "single", folder / "double"
    write_mirror(single, num)
    write_mirror(double, 2 * num)
    wide = measured_builds(single, WIDE_WINDOW)
    seconds = statistics.median(built.building for built in wide)
    size = wide[0].num_bytes / wide[0].num_prompts
    measured = f"{seconds:.2f} s ({seconds / num * 1e6:.0f} us a prompt of {size:,.0f} bytes)"
    yield f"{num:,} five-shot prompts", measured, "< 2 s for 10,000"
    reading = statistics.median(built.reading for built in wide)
    yield "their instances, read and checked", f"{reading:.2f} s", ""
    grown = statistics.median(built.memory for built in wide)
    more = statistics.median(built.memory for built in measured_builds(double, WIDE_WINDOW))
    growth = (more - grown) / num * 10_000
    measured = f"{growth:.1f} MB ({grown:.1f} MB for {num:,}, {more:.1f} MB for {2 * num:,})"
    yield "memory of 10,000 instances more", measured, "< 30 MB"
    narrow = measured_builds(single, NARROW_WINDOW)
    seconds = statistics.median(built.building for built in narrow)
    measured = f"{seconds:.2f} s ({narrow[0].num_bytes / num:,.0f} bytes a prompt)"
    yield "the same, cut to a window, words as tokens", measured, ""


def bench_conf(folder: Path) -> Rows:
    """The whole packaged conf file, and the list of run specs."""
    conf = str(packaged_conf(RUN_SPECS_CONF))
    goals = {("-c", conf, "--skip-instances", "-q"): "< 5 s", ("--list",): "< 0.5 s"}
    for arguments, goal in goals.items():
        pairs = [command_seconds(arguments, folder) for _ in range(NUM_REPEATS)]
        wall, cpu = (statistics.median(column) for column in zip(*pairs, strict=True))
        shown = " ".join(Path(argument).name for argument in arguments)
        yield f"benchmark-run {shown}", f"{wall:.2f} s wall, {cpu:.2f} s CPU", goal


def measured_builds(mirror: Path, window: int) -> list[Built]:
    """The same in several processes, each with a memory of its own."""
    command = [sys.executable, __file__, "--measure", str(mirror), "--window", str(window)]
    outputs = (subprocess.check_output(command) for _ in range(NUM_REPEATS))
    return [msgspec.json.decode(output, type=Built) for output in outputs]


def build(mirror: Path, window: int) -> Built:
    """Make all prompts of a mirror's questions, one after the other, as a run does."""
    [run_spec] = make_run_specs(f"mmlu:subject={SUBJECT}", MODEL)
    adapter = make_adapter(
        replace(run_spec.adapter_spec, max_eval_instances=None),
        WindowService(window, str.split),
    )
    preprocessor = DataPreprocessor(run_spec.data_augmenter_spec)
    scenario: Scenario = create_object(run_spec.scenario_spec)
    scenario.data_files = DataFiles(str(mirror))
    # Unpacked before: this is done once, and is the work of the archive's library.
    output_path = mirror / "unpacked"
    scenario.data_files.fetch_archive(ARCHIVE, output_path / "data")
    gc.collect()
    before, started = resident_mb(), time.process_time()
    train, evaluated = adapter.select(preprocessor.preprocess(scenario.get_instances(output_path)))
    read = time.process_time()
    num_prompts = num_bytes = 0
    for state in adapter.adapt(train, evaluated):
        num_prompts += 1
        num_bytes += len(state.request.prompt)
    ended = time.process_time()
    return Built(read - started, ended - read, num_prompts, num_bytes, resident_mb() - before)


def write_mirror(mirror: Path, num_test: int) -> None:
    """Write MMLU's archive with `num_test` test questions of one subject, and its index."""
    mirror.mkdir()
    rng = random.Random(0)
    with tarfile.open(mirror / "data.tar", "w") as tar:
        for split, num_rows in (("dev", NUM_TRAIN), ("val", 0), ("test", num_test)):
            content = "".join(row(rng) for _ in range(num_rows)).encode()
            info = tarfile.TarInfo(f"data/{split}/{SUBJECT}_{split}.csv")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    (mirror / "urls.json").write_text(json.dumps({ARCHIVE.url: "data.tar"}))


def row(rng: random.Random) -> str:
    """A question with four choices, about as long as MMLU's are on average."""
    question = " ".join(rng.choices(WORDS, k=rng.randint(10, 50)))
    choices = [" ".join(rng.choices(WORDS, k=rng.randint(1, 10))) for _ in range(4)]
    return ",".join([f'"{question}, or not?"', *choices, rng.choice("ABCD")]) + "\n"


def resident_mb() -> float:
    """Memory of this process that is in use now, in MB; at most, where /proc is missing."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def command_seconds(arguments: Sequence[str], folder: Path) -> tuple[float, float]:
    """Run benchmark-run to its end, in a process of its own; return its wall and CPU seconds."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [BIN / "benchmark-run", *arguments], cwd=folder, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"benchmark-run {' '.join(arguments)} failed")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
