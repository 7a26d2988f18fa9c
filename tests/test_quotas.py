"""Quotas, rates and usage of a real proxy-server: two worker processes, many callers at once."""

import http.client
import json
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from common.authentication import Authentication
from common.errors import QuotaError
from common.request import Request, RequestResult
from fake_provider import Behaviour, FakeProvider
from proxy.accounts.account import AccountChange, AccountInfo, Quota
from proxy.accounts.accounts import Accounts
from proxy.accounts.directory import find_account
from proxy.cli.proxy_api import ProxyApi
from proxy.services.remote_service import RemoteService
from proxy.store.database import Database
from proxy_process import ProxyProcess

MODEL, GROUP = "fake/model", "fake"
NUM_CALLERS = 64
NUM_CALLS = 320
QUOTA = 2_000
ESTIMATE = 150  # more than a call sets aside
MAX_TOKENS = 20
FAULTS = Behaviour(
    faults=[
        {"kind": "400", "contains": "reject"},
        {"kind": "404", "contains": "unknown"},
    ]
)


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    with FakeProvider(FAULTS) as running:
        yield running


@pytest.fixture(scope="module")
def proxy(
    tmp_path_factory: pytest.TempPathFactory, provider: FakeProvider
) -> Iterator[ProxyProcess]:
    made = ProxyProcess(tmp_path_factory.mktemp("proxy"))
    made.deploy(MODEL, provider.url)
    with made:
        yield made


@pytest.fixture(scope="module")
def api(proxy: ProxyProcess) -> ProxyApi:
    return ProxyApi(proxy.url, proxy.key_path)


@pytest.fixture(scope="module")
def service(proxy: ProxyProcess) -> RemoteService:
    return RemoteService(proxy.url)


def create(api: ProxyApi, change: AccountChange) -> tuple[AccountInfo, Authentication]:
    made = api.create(change)
    assert made.api_key is not None
    return made, Authentication(made.api_key)


def ask(service: RemoteService, auth: Authentication, prompt: str) -> RequestResult:
    return service.make_request(auth, Request(model=MODEL, prompt=prompt, max_tokens=MAX_TOKENS))


def tokens_of(result: RequestResult) -> int:
    assert result.usage is not None
    return (result.usage.prompt_tokens or 0) + (result.usage.completion_tokens or 0)


def used(api: ProxyApi, account: AccountInfo) -> int:
    usages = api.get(account.id).usages
    return usages[GROUP]["daily"].used if GROUP in usages else 0


# --- Quotas -------------------------------------------------------------------------------------


def test_many_callers_never_get_a_token_more(api: ProxyApi, service: RemoteService) -> None:
    quotas: dict[str, Any] = {GROUP: {"daily": QUOTA, "monthly": QUOTA + 1, "total": QUOTA + 2}}
    account, auth = create(api, AccountChange(quotas=quotas))
    seen: list[int] = []

    def call(number: int) -> int:
        try:
            result = ask(service, auth, f"question {number} of one who asks a lot")
        except QuotaError:
            return 0
        assert result.success
        assert not result.cached
        if number % 16 == 0:
            seen.append(used(api, account))
        return tokens_of(result)

    with ThreadPoolExecutor(NUM_CALLERS) as pool:
        answered = list(pool.map(call, range(NUM_CALLS)))
    assert 0 in answered, "the quota was never reached"
    assert QUOTA - ESTIMATE < sum(answered) <= QUOTA
    assert used(api, account) == sum(answered)
    assert max(seen) <= QUOTA
    assert [row.requests for row in api.usage(1, account.id)] == [sum(map(bool, answered))]


@pytest.mark.parametrize("word", ["reject", "unknown"])
def test_a_provider_that_fails_charges_nothing(
    api: ProxyApi, service: RemoteService, word: str
) -> None:
    account, auth = create(api, AccountChange(quotas={GROUP: {"daily": 200}}))
    for number in range(3):
        assert not ask(service, auth, f"{word} {number}").success
    assert used(api, account) == 0
    assert ask(service, auth, f"then all is well {len(word)}").success


def test_what_is_stored_costs_nobody_anything(api: ProxyApi, service: RemoteService) -> None:
    first, first_auth = create(api, AccountChange(quotas={GROUP: {"daily": 200}}))
    second, second_auth = create(api, AccountChange(quotas={GROUP: {"daily": 0}}))
    paid = ask(service, first_auth, "a question of two")
    assert ask(service, second_auth, "a question of two").cached
    with pytest.raises(QuotaError):
        ask(service, second_auth, "a question of one's own")
    assert used(api, first) == tokens_of(paid)
    assert used(api, second) == 0


def test_money_is_counted_where_prices_are_known(tmp_path: Path, provider: FakeProvider) -> None:
    proxy = ProxyProcess(tmp_path)
    proxy.deploy(MODEL, provider.url)
    (tmp_path / "prod_env" / "prices.yaml").write_text(f"{MODEL}: {{input: 1000, output: 2000}}\n")
    with proxy:
        api, service = ProxyApi(proxy.url, proxy.key_path), RemoteService(proxy.url)
        change = AccountChange(quotas={GROUP: {"total": Quota(cost_quota=0.2)}})
        account, auth = create(api, change)
        usage = ask(service, auth, "What is it?").usage
        assert usage is not None
        cost = (1000 * (usage.prompt_tokens or 0) + 2000 * (usage.completion_tokens or 0)) / 1e6
        shown = api.get(account.id).usages[GROUP]["total"]
        assert shown.cost_used == pytest.approx(cost)
        is_refused = False
        for number in range(20):
            try:
                ask(service, auth, f"What is it, {number}?")
            except QuotaError as error:
                is_refused = "the total quota for fake is $0.2:" in str(error)
        assert is_refused
        assert api.get(account.id).usages[GROUP]["total"].cost_used <= 0.2


# --- What callers are told ----------------------------------------------------------------------


def post(
    proxy: ProxyProcess, auth: Authentication, path: str, body: object
) -> tuple[int, dict[str, str], Any]:
    connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=30)
    try:
        headers = {"Authorization": f"Bearer {auth.api_key}", "Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        content = json.loads(response.read())
    finally:
        connection.close()
    return response.status, {k.lower(): v for k, v in response.getheaders()}, content


def test_who_asks_too_fast_is_held_up(api: ProxyApi, proxy: ProxyProcess) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        time.sleep(seconds)

    _, auth = create(api, AccountChange(requests_per_minute=30))
    service = RemoteService(proxy.url, sleep=sleep)
    assert all(ask(service, auth, f"fast {number}").success for number in range(32))
    assert 1 <= len(waits) <= 2
    assert max(waits) <= 2


def test_a_refusal_says_when_to_come_again(api: ProxyApi, proxy: ProxyProcess) -> None:
    _, auth = create(api, AccountChange(quotas={GROUP: {"daily": 0}}))
    request = {"model": MODEL, "prompt": "x", "max_tokens": 1}
    status, headers, body = post(proxy, auth, "/api/request", request)
    assert (status, body["error"]["code"]) == (429, "insufficient_quota")
    assert "daily quota for fake is 0 tokens" in body["error"]["message"]
    assert "retry-after" not in headers  # no wait will help
    _, auth = create(api, AccountChange(requests_per_minute=1))
    assert post(proxy, auth, "/api/request", request | {"prompt": "y"})[0] == 200
    status, headers, body = post(proxy, auth, "/api/request", request | {"prompt": "z"})
    assert (status, body["error"]["code"]) == (429, "insufficient_quota")
    assert 50 <= int(headers["retry-after"]) <= 60


def test_answers_say_how_much_may_still_be_asked(api: ProxyApi, proxy: ProxyProcess) -> None:
    change = AccountChange(requests_per_minute=60, tokens_per_minute=60_000)
    _, auth = create(api, change)
    request = {"model": MODEL, "prompt": "how much is left", "max_tokens": 1}
    _, headers, body = post(proxy, auth, "/api/request", request)
    assert headers["x-ratelimit-limit-requests"] == "60"
    assert headers["x-ratelimit-remaining-requests"] == "59"
    assert headers["x-ratelimit-reset-requests"].endswith("s")
    usage = body["usage"]
    left = 60_000 - usage["prompt_tokens"] - usage["completion_tokens"]
    assert left <= int(headers["x-ratelimit-remaining-tokens"]) <= 60_000
    assert not any(name.startswith("x-ratelimit") for name in own_headers(proxy))


def test_answers_say_what_is_left_of_a_quota(api: ProxyApi, proxy: ProxyProcess) -> None:
    quotas: dict[str, Any] = {GROUP: {"daily": 1000, "total": 800, "monthly": Quota(cost_quota=1)}}
    _, auth = create(api, AccountChange(quotas=quotas))
    _, headers, _ = post(proxy, auth, "/api/request", {"model": "simple/model1"})
    assert not any(name.startswith("x-quota") for name in headers)  # of another group
    request = {"model": MODEL, "prompt": "how much is left of it", "max_tokens": 1}
    status, headers, _ = post(proxy, auth, "/api/request", request)
    assert status == 403  # the model has no price, and what is left of the money is told
    assert headers["x-quota-remaining-dollars"] == headers["x-quota-limit-dollars"] == "1"
    assert headers["x-quota-period-dollars"] == "monthly"
    assert headers["x-quota-reset-dollars"].endswith("s")
    assert headers["x-quota-remaining-tokens"] == headers["x-quota-limit-tokens"] == "800"
    assert "x-quota-reset-tokens" not in headers  # in all never starts anew


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/request", {"prompt": "left of a quota"}),
        ("/v1/completions", {"prompt": "left of a quota"}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "left?"}]}),
        ("/v1/messages", {"messages": [{"role": "user", "content": "left?"}]}),
    ],
)
def test_every_api_tells_what_is_left(
    api: ProxyApi, proxy: ProxyProcess, path: str, body: dict[str, Any]
) -> None:
    _, auth = create(api, AccountChange(quotas={GROUP: {"daily": 5000}}))
    status, headers, _ = post(proxy, auth, path, body | {"model": MODEL, "max_tokens": 5})
    assert status == 200
    assert headers["x-quota-limit-tokens"] == "5000"
    assert 4000 < int(headers["x-quota-remaining-tokens"]) <= 5000


def own_headers(proxy: ProxyProcess) -> dict[str, str]:
    """Those of an answer to someone without limits."""
    return post(proxy, proxy.auth, "/api/request", {"model": "simple/model1"})[1]


# --- What asks no model -------------------------------------------------------------------------


def test_tokenizing_and_toxicity_are_held_to_rates(api: ProxyApi, proxy: ProxyProcess) -> None:
    account, auth = create(api, AccountChange(requests_per_minute=3))
    tokens = {"text": "one two three", "tokenizer": "simple/model1"}
    assert post(proxy, auth, "/api/tokenize", tokens)[0] == 200
    assert post(proxy, auth, "/api/toxicity", {"text_batch": ["How do you do?"]})[0] == 200
    assert post(proxy, auth, "/api/tokenize", tokens | {"text": "four five"})[0] == 200
    status, headers, body = post(proxy, auth, "/api/tokenize", tokens | {"text": "six"})
    assert (status, body["error"]["code"]) == (429, "insufficient_quota")
    assert 0 < int(headers["retry-after"]) <= 20
    assert post(proxy, auth, "/api/toxicity", {"text_batch": ["And you?"]})[0] == 429
    # Scores are stored, so they are free like answers.
    assert post(proxy, auth, "/api/toxicity", {"text_batch": ["How do you do?"]})[0] == 200
    await_(lambda: sum(row.cached_requests for row in api.usage(1, account.id)) == 1)
    rows = {(row.group, row.model): row for row in api.usage(1, account.id)}
    tokenized, scored = rows["tokenizers", "simple/model1"], rows["toxicity", "linear"]
    assert (tokenized.requests, tokenized.prompt_tokens, tokenized.cost) == (2, 5, 0)
    assert (scored.requests, scored.cached_requests, scored.prompt_tokens) == (2, 1, 4)


def test_tokenizing_and_toxicity_have_quotas(api: ProxyApi, proxy: ProxyProcess) -> None:
    quotas: dict[str, Any] = {"tokenizers": {"daily": 10}, "toxicity": {"daily": 0}}
    _, auth = create(api, AccountChange(quotas=quotas))
    tokens = {"text": "six seven eight", "tokenizer": "simple/model1"}
    status, headers, _ = post(proxy, auth, "/api/tokenize", tokens)
    assert status == 200
    assert headers["x-quota-remaining-tokens"] in ("7", "6")  # settled, or about to be
    assert post(proxy, auth, "/api/tokenize", tokens | {"text": "x" * 100})[0] == 429
    status, _, body = post(proxy, auth, "/api/toxicity", {"text_batch": ["Hello."]})
    assert (status, body["error"]["code"]) == (429, "insufficient_quota")


def await_(is_so: Callable[[], bool]) -> None:
    """Wait for what is written within a second."""
    until = time.monotonic() + 10
    while not is_so() and time.monotonic() < until:
        time.sleep(0.05)


# --- Usage --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_the_end_writes_what_was_counted(tmp_path: Path, number: signal.Signals) -> None:
    with ProxyProcess(tmp_path) as proxy:
        service = RemoteService(proxy.url)
        request = Request(model="simple/model1", prompt="again and again")
        for _ in range(20):
            service.make_request(proxy.auth, request)
        if number == signal.SIGINT:
            proxy.interrupt()
        assert proxy.end(number) == 0
        accounts = Accounts(Database(proxy.database_url))
        [row] = accounts.usage.rows(1)
        assert (row.requests, row.cached_requests) == (20, 19)
        account = find_account(accounts.database, row.account_id, accounts.time_of_day())
        assert account.last_used_at is not None


@pytest.mark.parametrize("scope", ["global", "account"])
def test_who_shares_answers_is_a_setting(
    tmp_path: Path, provider: FakeProvider, scope: str
) -> None:
    proxy = ProxyProcess(tmp_path)
    proxy.deploy(MODEL, provider.url)
    (tmp_path / "prod_env" / "service.conf").write_text(
        f'cacheScope = {scope}\ndefaultQuotas = ["fake.daily=77"]\n'
    )
    with proxy:
        api, service = ProxyApi(proxy.url, proxy.key_path), RemoteService(proxy.url)
        account, auth = create(api, AccountChange())
        assert {group: usages["daily"].quota for group, usages in account.usages.items()} == {
            GROUP: 77
        }
        ask(service, proxy.auth, "shared?")
        assert ask(service, auth, "shared?").cached is (scope == "global")
        assert ask(service, proxy.auth, "shared?").cached
