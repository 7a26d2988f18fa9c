"""Deployments are asked as much as they take: by all threads, and by all processes."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from common.authentication import Authentication
from common.errors import InvalidRequestError
from common.request import Request, RequestResult
from fake_provider import Allowance, Behaviour, FakeProvider
from proxy.accounts.accounts import Accounts
from proxy.deployments import Deployments
from proxy.metrics import Metrics
from proxy.pacing.pace import Limits, Pace
from proxy.pacing.shares import Shares
from proxy.services.server_service import ServerService
from proxy.store.database import Database

CLIENT = "proxy.clients.openai_compatible_client.OpenAICompatibleClient"
MODEL = "fake/m"
NOBODY = Authentication("")
# Asks 40 things with 12 threads, and says how many were answered.
ASKING = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from common.authentication import Authentication
from common.request import Request
from proxy.deployments import Deployments
from proxy.services.server_service import ServerService

folder = Path(sys.argv[1])
service = ServerService(folder, Deployments(folder))
def ask(number):
    request = Request(model="fake/m", prompt=f"{sys.argv[2]} {number}")
    return service.make_request(Authentication(""), request).success
with ThreadPoolExecutor(12) as pool:
    print(sum(pool.map(ask, range(40))))
service.close()
"""


@pytest.fixture(scope="module")
def shared_provider() -> Iterator[FakeProvider]:
    with FakeProvider() as running:
        yield running


@pytest.fixture
def provider(shared_provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    shared_provider.set(Behaviour())
    shared_provider.reset()
    return shared_provider


def deploy(folder: Path, provider: FakeProvider, **limits: int) -> Deployments:
    args = {"base_url": f"{provider.url}/v1", "model_name": "m"}
    item = {"name": MODEL, "client_spec": {"class_name": CLIENT, "args": args}, **limits}
    path = folder / "model_deployments.yaml"
    path.write_text(json.dumps({"model_deployments": [item]}), encoding="utf-8")
    return Deployments(folder)


def ask_all(service: ServerService, num: int, num_threads: int) -> list[RequestResult]:
    def ask(number: int) -> RequestResult:
        return service.make_request(NOBODY, Request(model=MODEL, prompt=f"question {number}"))

    with ThreadPoolExecutor(num_threads) as pool:
        return list(pool.map(ask, range(num)))


def test_no_more_are_under_way_than_the_file_says(tmp_path: Path, provider: FakeProvider) -> None:
    provider.set(Behaviour(latency_seconds=0.02, allowance=Allowance(in_flight=5)))
    service = ServerService(tmp_path, deploy(tmp_path, provider, max_in_flight=5))
    assert all(result.success for result in ask_all(service, 60, 20))
    service.close()
    found = provider.counters()
    assert (found.max_in_flight, found.refused) == (5, 0)


def test_what_a_provider_takes_is_found_by_trying(tmp_path: Path, provider: FakeProvider) -> None:
    provider.set(Behaviour(latency_seconds=0.05, allowance=Allowance(in_flight=8)))
    service = ServerService(tmp_path, deploy(tmp_path, provider))
    assert all(result.success for result in ask_all(service, 30, 16))
    provider.reset()
    assert all(result.success for result in ask_all(service, 100, 16)[30:])
    service.close()
    assert provider.counters().refused <= 5


def test_two_processes_share_what_a_deployment_takes(
    tmp_path: Path, provider: FakeProvider
) -> None:
    provider.set(Behaviour(latency_seconds=0.1, allowance=Allowance(in_flight=10)))
    deploy(tmp_path, provider, max_in_flight=10)
    running = [
        subprocess.Popen(
            [sys.executable, "-c", ASKING, str(tmp_path), name], stdout=subprocess.PIPE, text=True
        )
        for name in ("one", "two")
    ]
    assert [process.communicate(timeout=60)[0].strip() for process in running] == ["40", "40"]
    found = provider.counters()
    assert found.requests - found.refused == 80
    assert found.refused <= 10  # one volley, where both begin in the same instant


def test_shares_are_divided_through_the_database(database_url: str) -> None:
    limits = Limits(max_in_flight=10)
    both = [Database(database_url) for _ in range(2)]
    shares = [Shares(database) for database in both]
    paces = [Pace("m", limits) for _ in shares]
    for share, pace in zip(shares, paces, strict=True):
        pace.take_now(0, float("inf"))
        share.join(pace)
    assert [pace.most_in_flight for pace in paces] == [10, 1]
    for _ in range(2):  # what one has told, the other reads a beat later
        for pace in paces:
            pace.has_waited = True
        for share in shares:
            share.beat()
    for share in shares:
        share.close()
    for database in both:
        database.close()
    assert sum(pace.most_in_flight for pace in paces) == 10


def test_who_asks_much_does_not_keep_others_waiting(tmp_path: Path, provider: FakeProvider) -> None:
    provider.set(Behaviour(latency_seconds=0.02))
    database = Database(f"sqlite:///{tmp_path}/proxy.sqlite")
    accounts, metrics = Accounts(database), Metrics()
    service = ServerService(
        tmp_path,
        deploy(tmp_path, provider, max_in_flight=2),
        database=database,
        accounts=accounts,
        metrics=metrics,
    )
    greedy, modest = (
        Authentication(accounts.create(name).api_key) for name in ("greedy", "modest")
    )
    order: list[str] = []

    def ask(auth: Authentication, name: str, number: int) -> None:
        result = service.make_request(auth, Request(model=MODEL, prompt=f"{name} {number}"))
        assert result.success, result.error
        order.append(name)

    threads = [threading.Thread(target=ask, args=(greedy, "greedy", it)) for it in range(60)]
    for thread in threads:
        thread.start()
    for number in range(3):
        ask(modest, "modest", number)
    assert order.count("greedy") < 40
    for thread in threads:
        thread.join()
    service.close()
    text = metrics.render()
    assert 'lm_bench_provider_calls_in_flight{model="fake/m"} 0\n' in text
    assert 'lm_bench_provider_calls_waiting{model="fake/m"} 0\n' in text
    assert 'lm_bench_provider_wait_seconds_count{model="fake/m"}' in text


def test_refusals_are_counted(tmp_path: Path, provider: FakeProvider) -> None:
    provider.set(Behaviour(faults=[{"kind": "429", "times": 1, "retry_after": 0.01}]))
    metrics = Metrics()
    service = ServerService(tmp_path, deploy(tmp_path, provider), metrics=metrics)
    assert ask_all(service, 1, 1)[0].success
    service.close()
    assert 'lm_bench_provider_refusals_total{model="fake/m"} 1\n' in metrics.render()


@pytest.mark.parametrize("name", ["max_in_flight", "requests_per_minute", "tokens_per_minute"])
def test_a_limit_that_lets_nothing_pass_is_refused(
    tmp_path: Path, provider: FakeProvider, name: str
) -> None:
    with pytest.raises(InvalidRequestError, match=f"{name} must be at least 1, not 0"):
        deploy(tmp_path, provider, **{name: 0})
