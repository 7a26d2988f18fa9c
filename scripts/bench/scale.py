"""How the program behaves beyond one process and one second.

    venv/bin/python scripts/bench/scale.py [--only NAME …] [--minutes N] [--requests N …]

The upstream is tests/fake_provider.py in a process of its own. Goals stand in the last column.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from engine import BIN, write_mirror  # noqa: E402
from scale_parts import KINDS, bench_cache, bench_cost, bench_proxies, bench_ray  # noqa: E402

from fake_provider import Allowance, Behaviour, FakeProvider  # noqa: E402

PER_MINUTE, IN_FLIGHT = 600, 20
LATENCY_SECONDS = 1.0
CLIENT = "proxy.clients.openai_compatible_client.OpenAICompatibleClient"
TOLD = {"requests_per_minute": PER_MINUTE, "max_in_flight": IN_FLIGHT}
GOAL = ">= 95 % used, < 1 % refused"

Rows = Iterator[tuple[str, str, str]]  # what, measured, goal


def main() -> None:
    """Run the parts and print the table."""
    parts: dict[str, Callable[[argparse.Namespace, Path], Rows]] = {
        "cost": bench_cost,
        "cache": bench_cache,
        "proxies": bench_proxies,
        "ray": bench_ray,
        "budget": bench_budget,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=parts, default=list(parts))
    parser.add_argument(
        "--minutes", type=float, default=5, help="how long each run of `budget` is, about"
    )
    parser.add_argument(
        "--requests",
        type=int,
        nargs="+",
        default=[10_000, 100_000, 1_000_000],
        help="of the runs of `cost`",
    )
    parser.add_argument(
        "--entries",
        type=int,
        nargs="+",
        default=[10_000, 5_000_000],
        help="stored answers of `cache`",
    )
    parser.add_argument(
        "--databases", nargs="+", choices=KINDS, default=KINDS, help="of `cost` and `cache`"
    )
    parser.add_argument("--proxied", type=int, default=10_000, help="requests of `proxies`")
    args = parser.parse_args()
    print(f"{'what':<48} {'measured':<52} goal")
    for name in args.only:
        with tempfile.TemporaryDirectory() as folder:
            for what, measured, goal in parts[name](args, Path(folder)):
                print(f"{what:<48} {measured:<52} {goal}", flush=True)


def bench_budget(args: argparse.Namespace, folder: Path) -> Rows:
    """benchmark-run as it is, against a provider that refuses what is too much.

    All at once, each with a provider of its own: they do little but wait.
    """
    write_mirror(folder / "mirror", round(args.minutes * PER_MINUTE))
    cases = [
        ("limits in model_deployments.yaml", TOLD, 1),
        ("limits found by trying", {}, 1),
        ("limits in the file, two runs share them", TOLD, 2),
    ]
    with ThreadPoolExecutor() as pool:
        used = pool.map(lambda case: budget_used(folder, case[1], case[2]), cases)
        for (name, _, _), measured in zip(cases, used, strict=True):
            yield name, measured, GOAL


def budget_used(folder: Path, limits: dict[str, int], num_runs: int) -> str:
    """Run until all is answered; what share of the budget was used meanwhile, and refused.

    The first minute does not count for the share: before it nothing has been asked, so that more
    is allowed at once. Its refusals count.
    """
    allowance = Allowance(requests=PER_MINUTE, in_flight=IN_FLIGHT)
    behaviour = Behaviour(latency_seconds=LATENCY_SECONDS, allowance=allowance)
    samples: list[tuple[float, int]] = []  # when, and how many were answered
    with FakeProvider(behaviour) as provider, tempfile.TemporaryDirectory(dir=folder) as base:
        deploy(Path(base), provider.url, limits)
        runs = [start_run(folder, Path(base), number) for number in range(num_runs)]
        # While all of them ask.
        while all(run.poll() is None for run in runs):
            time.sleep(0.1)
            found = provider.counters()
            if found.requests > (samples[-1][1] if samples else 0):
                samples.append((time.monotonic(), found.requests - found.refused))
        for run in runs:
            run.terminate()
            run.wait()
    started = samples[0][0] + min(60.0, (samples[-1][0] - samples[0][0]) / 2)
    counted = [sample for sample in samples if sample[0] >= started]
    seconds = counted[-1][0] - counted[0][0]
    used = (counted[-1][1] - counted[0][1]) / (seconds * PER_MINUTE / 60)
    return (
        f"{used:.1%} used in {seconds:.0f} s, {found.refused / found.requests:.2%} of "
        f"{found.requests:,} refused, at most {found.max_in_flight} at a time"
    )


def deploy(base: Path, url: str, limits: dict[str, int]) -> None:
    """Make `fake/m` known in a new installation."""
    args = {"base_url": f"{url}/v1", "model_name": "m"}
    item = {"name": "fake/m", "client_spec": {"class_name": CLIENT, "args": args}, **limits}
    deployments = json.dumps({"model_deployments": [item]})
    (base / "model_deployments.yaml").write_text(deployments)


def start_run(folder: Path, base: Path, number: int) -> subprocess.Popen[bytes]:
    """Start benchmark-run with the defaults; runs of other numbers ask other things."""
    command = [BIN / "benchmark-run", "-r", f"gsm:max_train_instances={5 - number}", "-q"]
    command += ["--model", "fake/m", "--data-mirror", folder / "mirror", "--local-path", base]
    command += ["-o", base / f"out{number}", "-m", str(10**6)]
    environment = {**os.environ, "no_proxy": "127.0.0.1"}
    with (base / f"log{number}").open("w") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)


if __name__ == "__main__":
    main()
