"""Parts of scale.py: the costs of many requests and many stored answers, two proxies, and Ray."""

import argparse
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

from engine import BIN, MODEL, measure, write_mirror

from fake_provider import Behaviour, FakeProvider
from postgresql_server import PostgresqlServer
from proxy_process import ProxyProcess
from ray_cluster import RayCluster

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("sqlite", "postgresql")
NUM_HITS = 5000
NUM_RUNS, RUN_SIZE = 20, 100
IN_FLIGHT = 64
PROXIED = "fake/m"
# Beside this file there is another proxy.py than the package that is measured.
FILL_AND_HIT = """
import random, sys, time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from common.authentication import Authentication
from common.request import Request
from proxy.cache import Cache
from proxy.deployments import Deployments
from proxy.services.server_service import ServerService
from proxy.store.database import Database
from proxy.store.tables import cache_entries
from sqlalchemy import insert

url, base, num_hits = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
sizes = [int(size) for size in sys.argv[4:]]
database, nobody = Database(url), Authentication("")
cache = Cache(database)
service = ServerService(base, Deployments(base), database=database)
result = '{"success":true,"completions":[{"text":"' + 200 * "answer " + '","logprob":-1.0,' \\
    '"tokens":[]}],"cached":true}'
def row(number):
    key = sha256(str(number).encode()).digest()
    return {"key": key, "prompt_hash": key[:8], "parameters": '{"max_tokens":400}',
            "origin": '{"class":"OpenAICompatibleClient"}', "result": result,
            "created_at": time.time(), "model": "fake/m", "account_id": None}
def middle(times):
    times.sort()
    return 1e6 * times[len(times) // 2]
filled = 0
for size in sizes:
    while filled < size:
        top = min(size, filled + 10_000)
        with database.write() as connection:
            connection.execute(insert(cache_entries), [row(n) for n in range(filled, top)])
        filled = top
    draws, lookups, hits = random.Random(size), [], []
    asked = [Request(model="fake/m", prompt=f"{size} {number}") for number in range(num_hits)]
    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(lambda it: service.make_request(nobody, it).success, asked))
    draws.shuffle(asked)
    for request in asked:
        began = time.perf_counter()
        answer = service.make_request(nobody, request)
        hits.append(time.perf_counter() - began)
        assert answer.cached
        key = sha256(str(draws.randrange(size)).encode()).digest()
        began = time.perf_counter()
        found = cache.has(key)
        lookups.append(time.perf_counter() - began)
        assert found
    print(size, middle(hits), middle(lookups), flush=True)
service.close()
"""

Rows = Iterator[tuple[str, str, str]]  # what, measured, goal


@contextmanager
def database_of(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'bench.sqlite'}"
        return
    with PostgresqlServer() as server:
        yield server.new_schema()


def bench_cost(args: argparse.Namespace, folder: Path) -> Rows:
    """What a request costs as runs grow, of one command with an instant upstream."""
    for kind in args.databases:
        fewest = None
        for num in sorted(args.requests):
            base = folder / f"{kind}-{num}"
            base.mkdir()
            write_mirror(base / "mirror", num)  # all rows of a data set are read
            with database_of(kind, base) as url, FakeProvider(Behaviour()) as provider:
                (base / "service.conf").write_text(f'database = "{url}"\n')
                command = ["-r", "gsm", "--model", MODEL, "--base-url", f"{provider.url}/v1", "-q"]
                command += ["--data-mirror", str(base / "mirror"), "--local-path", str(base)]
                command += ["-o", str(base / "out"), "-n", str(IN_FLIGHT), "-m", str(num)]
                now = measure(command, folder)
            kept = sum(path.stat().st_size for path in base.rglob("*.sqlite")) / num
            each = 1000 * now.cpu / num
            fewest = fewest or each
            text = f"{each:.2f} ms CPU, {1000 * now.wall / num:.2f} ms, {now.memory:.0f} MB, "
            yield (
                f"{kind}: {num:,} requests, each",
                f"{text}{kept:,.0f} bytes in files; CPU {each / fewest:.2f} x the fewest",
                "<= 1.10 x",
            )


def bench_cache(args: argparse.Namespace, folder: Path) -> Rows:
    """How long a hit takes among few and many stored answers, and what of it finds the row."""
    for kind in args.databases:
        base = folder / kind
        base.mkdir()
        with database_of(kind, folder) as url, FakeProvider(Behaviour()) as provider:
            ProxyProcess(base).deploy(PROXIED, provider.url)
            sizes = [str(size) for size in sorted(args.entries)]
            command = [sys.executable, "-c", FILL_AND_HIT, url, base / "prod_env", str(NUM_HITS)]
            ended = subprocess.run(
                [*command, *sizes], capture_output=True, text=True, check=True, cwd=folder
            )
        lines = [[float(part) for part in line.split()] for line in ended.stdout.splitlines()]
        _, first_hit, first_lookup = lines[0]
        for size, hit, lookup in lines:
            measured = f"{hit:.0f} µs ({hit / first_hit:.2f} x), its row {lookup:.0f} µs "
            measured += f"({lookup / first_lookup:.2f} x)"
            yield f"{kind}: a hit among {size:,.0f} entries", measured, "<= 1.50 x"
        if kind == "sqlite":
            each = (folder / "bench.sqlite").stat().st_size / lines[-1][0]
            yield "sqlite: an entry with an answer of 1,400 bytes", f"{each:,.0f} bytes", ""


def bench_proxies(args: argparse.Namespace, folder: Path) -> Rows:
    """Uncached requests through one proxy and through two, of one worker each, on PostgreSQL."""
    load = load_tools()
    rates = []
    with PostgresqlServer() as server, FakeProvider(Behaviour()) as provider:
        for num in (1, 2):
            url = server.new_schema()
            proxies = [proxy_of(folder / f"{num}-{place}", url, provider) for place in range(num)]
            for proxy in proxies:
                proxy.__enter__()
            try:
                before = cpu_seconds()
                rates.append(rate_of(load, proxies, args.proxied))
                idle = 1 - (cpu_seconds() - before) / (args.proxied / rates[-1] * os.cpu_count())
            finally:
                for proxy in proxies:
                    proxy.__exit__(None, None, None)
            yield f"{num} proxy on PostgreSQL", f"{rates[-1]:,.0f} uncached a second", ""
    measured = f"{rates[1] / rates[0]:.2f} x on {os.cpu_count()} cores ({idle:.0%} idle)"
    yield "two proxies against one", measured, ">= 1.6 x where cores allow"


def bench_ray(args: argparse.Namespace, folder: Path) -> Rows:
    """Twenty runs on two workers, of which one is killed halfway."""
    write_mirror(folder / "mirror", RUN_SIZE)
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": sha256(os.urandom(32)).hexdigest()}
    # Runs that share no prompt: each has another number of examples to draw from.
    entries = [f"gsm:max_train_instances={number}" for number in (1, 2, 3, 4, 5)]
    entries += [
        f"gsm:max_train_instances={number},num_outputs={outputs}"
        for outputs in (2, 3, 4)
        for number in (1, 2, 3, 4, 5)
    ]
    behaviour = Behaviour(latency_seconds=0.02)
    with FakeProvider(behaviour) as provider, RayCluster(folder) as cluster:
        command = [str(BIN / "benchmark-run"), "-r", *entries[:NUM_RUNS], "-q"]
        command += ["--model", MODEL, "--base-url", f"{provider.url}/v1", "-n", "8"]
        command += ["--data-mirror", str(folder / "mirror"), "--local-path", str(folder / "base")]
        command += ["-o", str(folder / "out"), "--runner", "ray", "--ray-address", cluster.address]
        began = time.monotonic()
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        total = NUM_RUNS * RUN_SIZE
        while provider.counters().requests < total / 2 and process.poll() is None:
            time.sleep(0.01)
        in_flight = provider.counters().in_flight
        workers = cluster.workers()
        os.kill(workers[0], signal.SIGKILL)
        code = process.wait()
        calls, wall = provider.counters().requests, time.monotonic() - began
    finished = len(list((folder / "out").glob("runs/default/*/stats.json")))
    yield (
        f"{NUM_RUNS} runs of {RUN_SIZE} on {len(workers)} workers, one killed",
        f"{finished} finished (exit {code}), {calls - total} of {in_flight} in flight asked again, "
        f"{wall:.0f} s",
        "all, and none beyond those in flight",
    )


def proxy_of(folder: Path, url: str, provider: FakeProvider) -> ProxyProcess:
    """A server of one worker that has its data in the database at `url`."""
    folder.mkdir()
    proxy = ProxyProcess(folder, "-w", "1")
    proxy.deploy(PROXIED, provider.url, api="chat")
    (folder / "prod_env" / "service.conf").write_text(f'database = "{url}"\n')
    return proxy


def rate_of(load: ModuleType, proxies: Sequence[ProxyProcess], num: int) -> float:
    """Uncached answers a second, of all proxies together."""
    key = proxies[0].auth.api_key  # whoever was first in the database has it
    parts: list[list[Any]] = [[] for _ in proxies]
    for number in range(num):
        body = load.chat_body(PROXIED, f"Question {number} of {len(proxies)}: {Random(number)}?")
        parts[number % len(parts)].append(load.http_post("/v1/chat/completions", body, key))
    began = time.perf_counter()
    with ThreadPoolExecutor() as pool:
        loads = pool.map(
            lambda pair: load.run_load(pair[0].url, pair[1], IN_FLIGHT // len(proxies)),
            zip(proxies, parts, strict=True),
        )
        answered = sum(one.num(200) for one in loads)
    if answered < num:
        raise SystemExit(f"{num - answered} of {num} failed")
    return num / (time.perf_counter() - began)


def load_tools() -> ModuleType:
    """The load of proxy.py beside this file, which has the name of our package."""
    spec = importlib.util.spec_from_file_location("bench_proxy", ROOT / "scripts/bench/proxy.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # which its dataclasses look for
    spec.loader.exec_module(module)
    return module


def cpu_seconds() -> float:
    """What all processes of the machine have used."""
    ticks = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    idle = int(ticks[3]) + int(ticks[4])
    return (sum(map(int, ticks[:8])) - idle) / os.sysconf("SC_CLK_TCK")
