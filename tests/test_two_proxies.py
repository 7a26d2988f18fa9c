"""Two `proxy-server` processes with one database in PostgreSQL: one truth for all who ask."""

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from common.authentication import Authentication
from common.request import Request
from fake_provider import Behaviour, FakeProvider
from postgresql_server import PASSWORD, PostgresqlServer
from proxy.accounts.account import AccountChange, AccountInfo
from proxy.cli.proxy_api import ProxyApi
from proxy.services.remote_service import RemoteService
from proxy_process import ProxyProcess
from waiting import until

MODEL, GROUP = "fake/model", "fake"
NUM_CALLERS = 16
ESTIMATE = 150  # more than a call sets aside
BEHAVIOUR = Behaviour(
    latency_seconds=0.05, faults=[{"kind": "hang", "contains": "hold", "times": 1}]
)


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    with FakeProvider(BEHAVIOUR) as running:
        yield running


@pytest.fixture(scope="module")
def url(postgresql: PostgresqlServer) -> str:
    return postgresql.new_schema()


def make_proxy(folder: Path, url: str, provider: FakeProvider) -> ProxyProcess:
    proxy = ProxyProcess(folder, "-w", "1")
    proxy.deploy(MODEL, provider.url)
    (folder / "prod_env" / "service.conf").write_text(f'database = "{url}"\n')
    return proxy


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, url: str, provider: FakeProvider
) -> Iterator[tuple[ProxyProcess, ProxyProcess]]:
    first, second = (
        make_proxy(tmp_path_factory.mktemp(name), url, provider) for name in ("first", "second")
    )
    with first, second:
        yield first, second


@pytest.fixture(scope="module")
def api(pair: tuple[ProxyProcess, ProxyProcess]) -> ProxyApi:
    # Whoever was first in the database has the first administrator's key.
    return ProxyApi(pair[1].url, pair[0].key_path)


def create(api: ProxyApi, change: AccountChange) -> tuple[AccountInfo, Authentication]:
    made = api.create(change)
    assert made.api_key is not None
    return made, Authentication(made.api_key)


def post(url: str, auth: Authentication, prompt: str) -> tuple[int, Any, http.client.HTTPMessage]:
    """Ask once, over a connection of its own; return status, answer and headers."""
    connection = http.client.HTTPConnection(url.partition("//")[2], timeout=40)
    body = json.dumps({"model": MODEL, "prompt": prompt, "max_tokens": 20})
    try:
        headers = {"Authorization": f"Bearer {auth.api_key}"}
        connection.request("POST", "/api/request", body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read()), response.headers
    finally:
        connection.close()


def ready(url: str) -> int:
    connection = http.client.HTTPConnection(url.partition("//")[2], timeout=10)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status
    finally:
        connection.close()


def wait_for_more(asked: list[str]) -> None:
    number = len(asked) + 10
    until(lambda: len(asked) > number)


def wait_until_ready(proxy: ProxyProcess) -> None:
    until(lambda: ready(proxy.url) == 200)


def tokens_of(answer: Any) -> int:
    return int(answer["usage"]["prompt_tokens"] + answer["usage"]["completion_tokens"])


# --- One truth ------------------------------------------------------------------------------------


def test_what_both_are_asked_is_asked_once(
    pair: tuple[ProxyProcess, ProxyProcess], provider: FakeProvider
) -> None:
    auth = pair[0].auth
    provider.reset()

    def ask(number: int) -> str:
        status, answer, _ = post(pair[number % 2].url, auth, f"the same {number % 40 // 2}")
        assert status == 200
        return str(answer["completions"][0]["text"])

    with ThreadPoolExecutor(NUM_CALLERS) as pool:
        texts = list(pool.map(ask, range(120)))
    assert provider.counters().requests == 20
    assert texts[:40] == texts[40:80] == texts[80:]


def test_a_quota_holds_over_both(pair: tuple[ProxyProcess, ProxyProcess], api: ProxyApi) -> None:
    quota = 1500
    account, auth = create(api, AccountChange(quotas={GROUP: {"daily": quota}}))

    def ask(number: int) -> int:
        status, answer, _ = post(pair[number % 2].url, auth, f"one of many questions, {number}")
        assert status in (200, 429)
        return tokens_of(answer) if status == 200 else 0

    with ThreadPoolExecutor(NUM_CALLERS) as pool:
        answered = list(pool.map(ask, range(160)))
    assert 0 in answered, "the quota was never reached"
    assert quota - NUM_CALLERS * ESTIMATE < sum(answered) <= quota
    usage = api.get(account.id).usages[GROUP]["daily"]
    until(lambda: api.get(account.id).usages[GROUP]["daily"].used == sum(answered))
    assert usage.used <= quota


def test_requests_per_minute_hold_over_both(
    pair: tuple[ProxyProcess, ProxyProcess], api: ProxyApi
) -> None:
    allowed = 12
    _, auth = create(api, AccountChange(requests_per_minute=allowed))
    began = time.monotonic()
    with ThreadPoolExecutor(NUM_CALLERS) as pool:
        statuses = list(pool.map(lambda n: post(pair[n % 2].url, auth, f"quick {n}")[0], range(60)))
    filled_up = (time.monotonic() - began) * allowed / 60
    assert set(statuses) == {200, 429}
    assert allowed <= statuses.count(200) <= allowed + filled_up


def test_a_revoked_key_is_refused_by_both(
    pair: tuple[ProxyProcess, ProxyProcess], api: ProxyApi
) -> None:
    account, auth = create(api, AccountChange(description="for a moment"))
    assert [post(proxy.url, auth, "x")[0] for proxy in pair] == [200, 200]
    api.delete(account.id, erase=False)
    until(lambda: [post(proxy.url, auth, "x")[0] for proxy in pair] == [401, 401])


# --- The end of one -------------------------------------------------------------------------------


def test_what_a_killed_proxy_was_asking_the_other_asks(
    tmp_path: Path, pair: tuple[ProxyProcess, ProxyProcess], url: str, provider: FakeProvider
) -> None:
    auth = pair[0].auth
    provider.reset()
    doomed = make_proxy(tmp_path, url, provider)
    with doomed, ThreadPoolExecutor(2) as pool:
        lost = pool.submit(post, doomed.url, auth, "hold this")
        until(lambda: provider.counters().requests == 1)
        waiting = pool.submit(post, pair[0].url, auth, "hold this")
        for number in doomed.workers():
            os.kill(number, signal.SIGKILL)
        doomed.end(signal.SIGKILL)
        assert waiting.result()[0] == 200
        assert lost.exception() is not None
    assert provider.counters().requests == 2


def test_a_rolling_restart_fails_no_request(
    tmp_path: Path, url: str, provider: FakeProvider, pair: tuple[ProxyProcess, ProxyProcess]
) -> None:
    auth = pair[0].auth
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
    proxies = [make_proxy(folder, url, provider) for folder in folders]
    provider.reset()
    is_over = threading.Event()
    asked: list[str] = []

    def ask_on(caller: int) -> list[int]:
        """As a load balancer does: what one refuses before it answers goes to the other."""
        statuses: list[int] = []
        while not is_over.is_set():
            prompt = f"caller {caller}, question {len(statuses)}"
            for number in range(100):
                try:
                    status = post(proxies[(caller + number) % 2].url, auth, prompt)[0]
                except (ConnectionError, http.client.RemoteDisconnected):
                    time.sleep(0.01)
                    continue
                statuses.append(status)
                asked.append(prompt)
                break
        return statuses

    for proxy in proxies:
        proxy.__enter__()
    try:
        with ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(ask_on, caller) for caller in range(4)]
            try:
                for proxy in proxies:
                    wait_for_more(asked)
                    assert proxy.end(signal.SIGTERM) == 0
                    proxy.__enter__()
                    wait_until_ready(proxy)
            finally:
                is_over.set()
            statuses = {status for future in asking for status in future.result()}
    finally:
        for proxy in proxies:
            proxy.end(signal.SIGKILL)
    assert statuses == {200}
    assert provider.counters().requests == len(set(asked))


# --- The database ---------------------------------------------------------------------------------


def test_a_database_that_is_away_is_waited_for(tmp_path: Path, provider: FakeProvider) -> None:
    with PostgresqlServer() as server:
        name = "own"
        server.execute(f"CREATE DATABASE {name}")
        proxy = make_proxy(tmp_path, server.url(name), provider)
        server.stop()
        with ThreadPoolExecutor(1) as pool:
            entering = pool.submit(proxy.__enter__)
            until(lambda: (tmp_path / "stderr.txt").exists() and "does not answer" in proxy.log())
            server.start()
            entering.result()
        with proxy, ThreadPoolExecutor(1) as pool:
            assert post(proxy.url, proxy.auth, "before")[0] == 200
            server.kill()
            until(lambda: ready(proxy.url) == 503)
            waiting = pool.submit(post, proxy.url, proxy.auth, "meanwhile")
            time.sleep(0.5)
            server.start()
            assert waiting.result()[0] == 200
            until(lambda: ready(proxy.url) == 200)
            server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            server.execute(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
            )
            status, answer, headers = post(proxy.url, proxy.auth, "while it takes no writes")
            assert (status, answer["error"]["code"]) == (503, "storage_unavailable")
            assert int(headers["Retry-After"]) > 0
            assert post(proxy.url, proxy.auth, "before")[1]["cached"]
        for text in (proxy.log(), proxy.output(), answer["error"]["message"]):
            assert PASSWORD not in text
            assert "a%20secret" not in text


def test_requests_are_made_through_our_own_client(
    pair: tuple[ProxyProcess, ProxyProcess],
) -> None:
    results = [
        RemoteService(proxy.url).make_request(
            pair[0].auth, Request(model=MODEL, prompt="by our client")
        )
        for proxy in pair
    ]
    assert [result.cached for result in results] == [False, True]
