"""How fast the pages about runs are: 50 made-up models x 42 tasks, and a run of 100,000 instances.

    venv/bin/python scripts/bench/pages.py [--models 50] [--instances 100000]

Writes the runs to a temporary folder as the runner writes them, serves them with a real
proxy-server of two workers, and opens them in Chromium. Goals stand in the last column.
"""

import argparse
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import msgspec

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from benchmark.conf_files import RUN_SPECS_CONF, packaged_conf, read_entries  # noqa: E402
from benchmark.metrics.stat import MetricName, Stat  # noqa: E402
from benchmark.metrics.statistics import cluster_mean  # noqa: E402
from benchmark.run_entries import make_run_specs  # noqa: E402
from benchmark.run_folder import RunFolder, RunRecord  # noqa: E402
from benchmark.run_spec import RunSpec  # noqa: E402
from benchmark.scenarios.scenario import Instance, PerturbationDescription  # noqa: E402
from benchmark.schema import group_of, load_schema  # noqa: E402
from benchmark.states_file import StatesFile  # noqa: E402
from browser import log_in, new_page, open_browser  # noqa: E402
from proxy_process import ProxyProcess  # noqa: E402
from some_runs import write_run  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

SEED = 11
SUITE, LARGE = "synthetic", "large"
NUM_INSTANCES = 200  # of each task
VERSIONS = ("identity", "TyposPerturbation", "lowercase", "worst_robustness", "worst_fairness")
TABLES = {"leaderboard": "table.board tbody tr", "runs": "table.runs tbody tr"}
BIN = Path(sys.executable).parent

Row = tuple[str, str, str]  # what, measured, goal


def tasks() -> list[RunSpec]:
    """A run of every run spec in the packaged conf file, and of the others that need no argument.

    A run spec with several tasks lends those that are missing to 42.
    """
    entries = [entry.description for entry in read_entries(packaged_conf(RUN_SPECS_CONF))]
    found: dict[str, RunSpec] = {}
    for entry in entries:
        spec = make_run_specs(f"{entry.partition(',model=')[0]}", "org/model")[0]
        group = group_of(spec)
        if group is not None:
            found.setdefault(group.name, spec)
    return list(found.values())[:42]


def write_suite(output_path: Path, num_models: int) -> None:
    """Write finished runs of every model and task."""
    generator = random.Random(SEED)
    for task in tasks():
        template = output_path / "template.sqlite"
        group = group_of(task)
        assert group is not None
        states = StatesFile(template)
        ids = range(NUM_INSTANCES)
        states.add_instances(Instance(f"q{n}", [], split=group.split, id=f"id{n}") for n in ids)
        states.add_values((n, 0, group.metric, 0.0) for n in ids)
        states.set_meta("status", "finished")
        states.close()
        _checkpoint(template)
        for number in range(num_models):
            model = f"org{number % 7}/model-{number}"
            write_finished(output_path, task, model, group.metric, template, generator)
        template.unlink()


def write_finished(
    output_path: Path,
    task: RunSpec,
    model: str,
    metric: str,
    template: Path,
    generator: random.Random,
) -> None:
    """Write one of them: its values are drawn about a skill of its own."""
    name = f"{task.name.partition('model=')[0]}model={model.replace('/', '_')}"
    adapter_spec = msgspec.structs.replace(task.adapter_spec, model=model)
    spec = msgspec.structs.replace(task, name=name, adapter_spec=adapter_spec)
    folder = RunFolder(output_path / "runs" / SUITE, name)
    folder.path.mkdir(parents=True)
    folder.write_record(RunRecord(run_spec=spec, deployment={"model": model}, data_sha256="same"))
    skill = generator.uniform(0.3, 0.9)
    values = [float(generator.random() < skill) for _ in range(NUM_INSTANCES)]
    shutil.copyfile(template, folder.states_path)
    connection = sqlite3.connect(folder.states_path)
    connection.execute("PRAGMA synchronous=OFF")
    rows = ((value, place) for place, value in enumerate(values))
    connection.executemany("UPDATE metric_values SET value = ? WHERE instance = ?", rows)
    connection.commit()
    connection.close()
    estimate = cluster_mean({n: [value] for n, value in enumerate(values)}, is_proportion=True)
    stats = []
    names = {metric, *(one for group in load_schema().stat_groups for one in group.stats)}
    names |= {f"other_{number}" for number in range(20)}
    for stat_name in sorted(names):
        for version in VERSIONS:
            perturbation = PerturbationDescription(version)
            split = getattr(group_of(spec), "split", "test")
            stat = Stat(name=MetricName(stat_name, None, split, None, perturbation))
            stat.add(estimate.mean)
            stat.n, stat.standard_error = estimate.n, estimate.standard_error
            stat.interval = estimate.interval
            stats.append(stat)
    timings = {"status": "finished", "stats": []}
    (folder.path / "timings.json").write_bytes(msgspec.json.encode(timings))
    folder.stats_path.write_bytes(msgspec.json.encode(stats))


def _checkpoint(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()


def timed(act: Callable[..., object], *args: object) -> float:
    """Seconds that `act(*args)` takes."""
    began = time.monotonic()
    act(*args)
    return time.monotonic() - began


def fetch(page: "Page", path: str) -> bytes:
    """The body of an answer of the API."""
    return page.request.get(path, timeout=60_000).body()


def measure(proxy: ProxyProcess, output_path: Path, run: str, num_instances: int) -> Iterator[Row]:
    """Yield what is measured."""
    command = [BIN / "benchmark-present", "-o", output_path, "--suite", SUITE, "--json", "-q"]
    present = timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
    yield "benchmark-present, all of it", f"{present:.2f} s", "5 s"
    with open_browser() as browser:
        page = new_page(browser, proxy.url)
        log_in(page, proxy)
        path = f"/api/leaderboard?suite={SUITE}"
        for state in ("first", "again"):
            seconds = timed(fetch, page, path)
            yield f"leaderboard as JSON, {state}", f"{seconds:.2f} s", "5 s"
        size = len(fetch(page, path))
        yield "its size", f"{size / 2**20:.2f} MiB", ""
        for what in ("leaderboard", "runs"):
            # Both workers are to have read the runs before.
            seconds = min(timed(_open, page, what) for _ in range(5))
            yield f"page /{what}, until a row can be used", f"{seconds:.2f} s", "1 s"
        _open(page, "leaderboard")
        seconds = timed(_sort, page)
        yield "sorting the leaderboard", f"{1000 * seconds:.0f} ms", ""
        yield from samples(page, run, num_instances)
        page.context.close()


def _open(page: "Page", what: str) -> None:
    page.goto(f"/{what}?suite={SUITE}", wait_until="commit")
    page.locator(TABLES[what]).first.wait_for(timeout=60_000)
    page.evaluate("() => new Promise(done => setTimeout(done))")  # the main thread is free


def _sort(page: "Page") -> None:
    page.get_by_role("button", name="mean win rate").click()
    page.locator("th[aria-sort]").wait_for()


def samples(page: "Page", run: str, num_instances: int) -> Iterator[Row]:
    """Samples of a large run: anywhere in it, and through filters."""
    path = f"/api/runs/{LARGE}/{quote(run, safe='')}/samples"
    places = [0, num_instances // 2, num_instances - 1]
    seconds = max(timed(fetch, page, f"{path}/{place}") for place in places)
    yield f"a sample of {num_instances:,}, by the API", f"{1000 * seconds:.0f} ms", "200 ms"
    page.goto(f"/runs?{urlencode({'suite': LARGE, 'run': run, 'tab': 'samples'})}")
    page.locator("tr.line").first.wait_for(timeout=60_000)
    seconds = max(timed(_choose, page, place) for place in range(1, 6))
    yield "a sample, from the click to the page", f"{1000 * seconds:.0f} ms", "200 ms"
    last = f"{path}?offset={num_instances - 50}"
    seconds = timed(fetch, page, last)
    yield "the list's last page", f"{1000 * seconds:.0f} ms", "200 ms"
    for asked in ("filter=wrong", "q=99999"):
        for state in ("first", "again"):
            seconds = timed(fetch, page, f"{path}?{asked}")
            yield f"list with {asked}, {state}", f"{1000 * seconds:.0f} ms", ""


def _choose(page: "Page", number: int) -> None:
    line = page.locator("tr.line").nth(number)
    place = line.get_attribute("data-place")
    line.click()
    page.locator("#sample .prompt", has_text=f"Question id{place}?").wait_for()


def main() -> None:
    """Print a table of what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--instances", type=int, default=100_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        output_path = Path(folder, "results")
        (output_path / "runs").mkdir(parents=True)
        seconds = timed(lambda: write_suite(output_path, args.models))
        print(f"wrote {args.models} x {len(tasks())} runs in {seconds:.0f} s", file=sys.stderr)
        values = {f"id{number}": number % 2 for number in range(args.instances)}
        run = write_run(output_path, "gsm:model=org_large", values, suite=LARGE).path.name
        print(f"wrote a run of {args.instances:,} instances", file=sys.stderr)
        with ProxyProcess(Path(folder), "--output-path", str(output_path)) as proxy:
            for row in measure(proxy, output_path, run, args.instances):
                print("  ".join((row[0].ljust(46), row[1].rjust(10), row[2])), flush=True)


if __name__ == "__main__":
    main()
