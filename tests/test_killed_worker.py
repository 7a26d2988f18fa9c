"""A worker that is killed in the middle of a call: another one takes its place, nothing is lost."""

import http.client
import os
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from common.authentication import Authentication
from common.errors import QuotaError
from common.request import Request
from fake_provider import Behaviour, FakeProvider
from proxy.accounts.account import AccountChange, AccountInfo
from proxy.cli.proxy_api import ProxyApi
from proxy.services.remote_service import RemoteService
from proxy_process import ProxyProcess
from waiting import until

MODEL, GROUP = "fake/model", "fake"
QUOTA = 100  # room for one call at a time
REQUEST = Request(model=MODEL, prompt="who finishes what another began?", max_tokens=20)
HANGS_ONCE = Behaviour(faults=[{"kind": "hang", "times": 1}])


def in_database(proxy: ProxyProcess, statement: str) -> list[tuple[Any, ...]]:
    path = proxy.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


def asked_by(proxy: ProxyProcess) -> int | None:
    """The worker that waits for the provider."""
    owners = in_database(proxy, "SELECT owner FROM cache_claims")
    return int(owners[0][0].split("/")[-2]) if owners else None


def ask_once(proxy: ProxyProcess, auth: Authentication) -> None:
    """Ask without trying again where the connection is lost."""
    connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=60)
    headers = {"Authorization": f"Bearer {auth.api_key}", "Content-Type": "application/json"}
    body = f'{{"model": "{MODEL}", "prompt": "{REQUEST.prompt}", "max_tokens": 20}}'
    with closing(connection):
        connection.request("POST", "/api/request", body, headers)
        connection.getresponse()


def create(api: ProxyApi) -> tuple[AccountInfo, Authentication]:
    made = api.create(AccountChange(quotas={GROUP: {"daily": QUOTA}}))
    assert made.api_key is not None
    return made, Authentication(made.api_key)


def test_another_worker_goes_on_and_what_was_held_is_let_go(tmp_path: Path) -> None:
    with FakeProvider(HANGS_ONCE) as provider:
        proxy = ProxyProcess(tmp_path)
        proxy.deploy(MODEL, provider.url)
        with proxy, ThreadPoolExecutor(1) as pool:
            api, service = ProxyApi(proxy.url, proxy.key_path), RemoteService(proxy.url)
            account, auth = create(api)
            lost = pool.submit(ask_once, proxy, auth)
            until(lambda: provider.counters().in_flight)
            worker = asked_by(proxy)
            assert worker in proxy.workers()
            os.kill(worker, signal.SIGKILL)
            with pytest.raises((ConnectionError, http.client.HTTPException)):
                lost.result()

            # Long before the claim's lease ends, which is 30 seconds: its owner is seen to be gone.
            began = time.monotonic()
            answer = service.make_request(proxy.auth, REQUEST)
            assert answer.success
            assert not answer.cached
            assert time.monotonic() - began < 20
            assert provider.counters().requests == 2
            assert service.make_request(auth, REQUEST).cached

            # What the account had set aside is held until its lease ends.
            other = Request(model=MODEL, prompt="is there room again?", max_tokens=20)
            hasty = RemoteService(proxy.url, timeout_seconds=0.5)
            with pytest.raises(QuotaError, match="held by requests under way"):
                hasty.make_request(auth, other)
            in_database(proxy, "UPDATE reservations SET expires_at = expires_at - 30")
            assert service.make_request(auth, other).success
            assert in_database(proxy, "SELECT * FROM reservations") == []
            [row] = [row for row in api.usage(1, account.id) if row.requests > row.cached_requests]
            assert row.requests - row.cached_requests == 1
            until(lambda: len(proxy.workers()) == 2)
