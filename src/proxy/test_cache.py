import multiprocessing
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from sqlalchemy import func, select

from common.errors import (
    BenchError,
    CredentialsError,
    DeadlineError,
    ProviderError,
    QuotaError,
    RateLimitError,
    provider_error,
)
from common.object_spec import ObjectSpec
from common.request import Message, Request, RequestResult, Sequence
from fake_provider import Behaviour, FakeProvider
from proxy.cache import Cache
from proxy.clients.auto_client import AutoClient
from proxy.clients.client import ProviderCall
from proxy.deployments import ModelDeployment
from proxy.store.database import Database
from proxy.store.tables import cache_claims, cache_entries

KEY = b"k" * 32
CALL = ProviderCall(b'{"model":"m","prompt":"2+2="}')
NUM_CALLERS = 100
CLIENT = "proxy.clients.openai_compatible_client.OpenAICompatibleClient"
LEASE_SECONDS = 1.0
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def url(database_url: str) -> str:
    return database_url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with closing(Database(url)) as made:
        yield made


@pytest.fixture
def cache(database: Database) -> Iterator[Cache]:
    with closing(Cache(database)) as made:
        yield made


@pytest.fixture
def file_cache(tmp_path: Path) -> Iterator[Cache]:
    """A cache in SQLite, for what has nothing to do with the database."""
    with closing(Cache(Database(f"sqlite:///{tmp_path}/proxy.sqlite"))) as made:
        yield made


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as started:
        yield started


class Asked:
    """A model that answers `text` after `seconds`, or fails with `error`; counts its calls."""

    def __init__(
        self, text: str = "4", *, seconds: float = 0.0, error: BenchError | None = None
    ) -> None:
        self.num_calls = 0
        self.is_asked = threading.Event()
        self._text, self._seconds, self._error = text, seconds, error

    def __call__(self) -> RequestResult:
        self.num_calls += 1
        self.is_asked.set()
        time.sleep(self._seconds)
        if self._error is not None:
            raise self._error
        completion = Sequence(self._text, 0.0, [])
        return RequestResult(success=True, completions=[completion], cached=False)


def get(
    cache: Cache, compute: Callable[[], RequestResult], key: bytes = KEY, seconds: float = 30
) -> RequestResult:
    """Ask through `cache`, waiting at most `seconds`."""
    return cache.get_or_compute(key, CALL, compute, time.monotonic() + seconds)


def get_text(cache: Cache, compute: Callable[[], RequestResult], seconds: float = 30) -> str:
    """The completion that `get` gives."""
    return get(cache, compute, seconds=seconds).completions[0].text


def lead(
    url: str, ready: Connection, seconds: float, error_code: str | None, lease_seconds: float
) -> None:
    """In another process: claim the key, say so, and answer or fail `seconds` later."""
    cache = Cache(Database(url), lease_seconds, lease_seconds / 5)

    def compute() -> RequestResult:
        ready.send("asking")
        time.sleep(seconds)
        if error_code is not None:
            raise provider_error(error_code, "the other's words")
        completion = Sequence("the other's", 0.0, [])
        return RequestResult(success=True, completions=[completion], cached=False)

    with suppress(ProviderError):
        get(cache, compute)
    ready.send("done")


def start_leader(
    url: str,
    seconds: float,
    error_code: str | None = None,
    lease_seconds: float = LEASE_SECONDS,
) -> tuple[BaseProcess, Connection]:
    """Start `lead` and return once it asks."""
    receiver, sender = SPAWN.Pipe(duplex=False)
    process = SPAWN.Process(
        target=lead, args=(url, sender, seconds, error_code, lease_seconds), daemon=True
    )
    process.start()
    assert receiver.poll(30)
    assert receiver.recv() == "asking"
    return process, receiver


def ask_slowly(url: str, folder: str) -> str:
    """In another process: ask, and leave a file for each call that was really made."""
    cache = Cache(Database(url))
    completion = Sequence("4", 0.0, [])

    def compute() -> RequestResult:
        Path(folder, f"{os.getpid()}").touch()
        time.sleep(1.0)
        return RequestResult(success=True, completions=[completion], cached=False)

    return get_text(cache, compute)


# --- In one process -----------------------------------------------------------------------------


def test_an_answer_is_computed_once_and_marked_as_cached_afterwards(cache: Cache) -> None:
    asked = Asked()
    first, second = get(cache, asked), get(cache, asked)
    assert asked.num_calls == 1
    assert (first.cached, second.cached) == (False, True)
    assert first.completions == second.completions


def test_threads_that_ask_the_same_at_once_share_one_call(cache: Cache) -> None:
    asked = Asked(seconds=0.3)
    with ThreadPoolExecutor(NUM_CALLERS) as pool:
        results = list(pool.map(lambda _: get(cache, asked), range(NUM_CALLERS)))
    assert asked.num_calls == 1
    assert {result.completions[0].text for result in results} == {"4"}
    assert [result.cached for result in results].count(False) == 1


def test_threads_that_ask_other_things_do_not_wait_for_each_other(cache: Cache) -> None:
    barrier = threading.Barrier(8, timeout=10)

    def compute() -> RequestResult:
        barrier.wait()
        return Asked()()

    keys = [bytes([number]) * 32 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda key: get(cache, compute, key), keys))


def test_a_failure_goes_to_those_who_waited_for_it_and_to_nobody_later(cache: Cache) -> None:
    failing = Asked(seconds=0.5, error=RateLimitError("slow down", retry_after=7))
    with ThreadPoolExecutor(10) as pool:
        futures = [pool.submit(get, cache, failing) for _ in range(10)]
        errors = [future.exception() for future in futures]
    assert failing.num_calls == 1
    assert all(isinstance(error, RateLimitError) for error in errors)
    assert {str(error) for error in errors} == {"slow down"}
    assert get_text(cache, Asked("fine")) == "fine"


def test_a_failure_is_not_stored(cache: Cache, url: str) -> None:
    with pytest.raises(CredentialsError):
        get(cache, Asked(error=CredentialsError("wrong key")))
    assert get_text(Cache(Database(url)), Asked("fine")) == "fine"


def test_a_defect_in_a_call_does_not_block_its_key(cache: Cache) -> None:
    def compute() -> RequestResult:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        get(cache, compute)
    assert get_text(cache, Asked("fine"), seconds=5) == "fine"


def test_waiting_ends_with_the_deadline(cache: Cache) -> None:
    slow = Asked(seconds=1.0)
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(get, cache, slow)
        assert slow.is_asked.wait(10)
        with pytest.raises(DeadlineError):
            get(cache, Asked(), seconds=0.1)
        assert leader.result().completions[0].text == "4"


def test_a_hit_writes_nothing(file_cache: Cache, tmp_path: Path) -> None:
    get(file_cache, Asked())
    files = sorted(tmp_path.iterdir())
    with sqlite3.connect(tmp_path / "proxy.sqlite") as other:
        before = other.execute("PRAGMA data_version").fetchone()
        contents = [file.read_bytes() for file in files if not file.name.endswith("-shm")]
        for _ in range(100):
            assert get(file_cache, Asked()).cached
        assert other.execute("PRAGMA data_version").fetchone() == before
    other.close()
    assert [file.read_bytes() for file in files if not file.name.endswith("-shm")] == contents


def test_no_claim_is_left_behind(cache: Cache, database: Database) -> None:
    get(cache, Asked())
    with database.read() as connection:
        for table, number in ((cache_claims, 0), (cache_entries, 1)):
            assert connection.execute(select(func.count()).select_from(table)).scalar() == number


def test_the_prompt_is_not_kept_beside_its_answer(file_cache: Cache, tmp_path: Path) -> None:
    call = ProviderCall(b'{"model":"m","prompt":"a secret prompt"}')
    file_cache.get_or_compute(KEY, call, Asked(), time.monotonic() + 5)
    for file in tmp_path.iterdir():
        assert b"a secret prompt" not in file.read_bytes()


# --- Between processes --------------------------------------------------------------------------


def test_processes_that_ask_the_same_at_once_share_one_call(url: str, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    calls.mkdir()
    Database(url).close()
    with SPAWN.Pool(2) as pool:
        texts = pool.starmap(ask_slowly, [(url, str(calls))] * 2, chunksize=1)
    assert texts == ["4", "4"]
    assert len(list(calls.iterdir())) == 1


def test_the_answer_of_another_process_is_waited_for(url: str) -> None:
    start_leader(url, seconds=0.5)
    mine = Asked()
    result = get(Cache(Database(url)), mine)
    assert (result.completions[0].text, result.cached) == ("the other's", True)
    assert mine.num_calls == 0


def test_a_process_that_is_killed_is_followed_by_another(url: str) -> None:
    process, _ = start_leader(url, seconds=60)
    process.kill()
    process.join()
    mine = Asked()
    started = time.monotonic()
    assert get_text(Cache(Database(url), LEASE_SECONDS, 0.2), mine) == "4"
    assert time.monotonic() - started < LEASE_SECONDS + 2
    assert mine.num_calls == 1


def test_one_of_many_follows_a_process_that_is_killed(url: str) -> None:
    process, _ = start_leader(url, seconds=60)
    process.kill()
    process.join()
    mine = Asked(seconds=0.2)
    caches = [Cache(Database(url), LEASE_SECONDS, 0.2) for _ in range(4)]
    with ThreadPoolExecutor(len(caches)) as pool:
        assert list(pool.map(lambda cache: get_text(cache, mine), caches)) == ["4"] * len(caches)
    assert mine.num_calls == 1


def test_caches_that_store_and_ask_at_the_same_moment_ask_once(url: str) -> None:
    caches = [Cache(Database(url)) for _ in range(3)]
    keys = [bytes([number]) * 32 for number in range(40)]
    mine = Asked()

    def ask_all(cache: Cache) -> None:
        for key in keys:
            get(cache, mine, key)

    with ThreadPoolExecutor(len(caches)) as pool:
        list(pool.map(ask_all, caches))
    assert mine.num_calls == len(keys)


def test_a_call_that_takes_longer_than_the_lease_keeps_its_claim(url: str) -> None:
    start_leader(url, seconds=3 * LEASE_SECONDS)
    mine = Asked()
    assert get_text(Cache(Database(url), LEASE_SECONDS, 0.2), mine) == "the other's"
    assert mine.num_calls == 0


def test_a_failure_in_another_process_is_told_and_then_over(url: str) -> None:
    _, receiver = start_leader(url, seconds=0.5, error_code=CredentialsError.code)
    cache, mine = Cache(Database(url)), Asked()
    with pytest.raises(CredentialsError, match="the other's words"):
        get(cache, mine)
    assert mine.num_calls == 0
    assert receiver.poll(10)
    assert get_text(cache, mine) == "4"


def test_waiting_for_another_process_ends_with_the_deadline(url: str) -> None:
    process, _ = start_leader(url, seconds=60)
    with pytest.raises(DeadlineError):
        get(Cache(Database(url)), Asked(), seconds=0.3)
    process.kill()
    process.join()


# --- What makes two requests the same -----------------------------------------------------------


class Asking:
    """Requests to a fake provider through one cache."""

    def __init__(self, provider: FakeProvider, cache: Cache) -> None:
        provider.set(Behaviour())
        provider.reset()
        self.provider, self._cache = provider, cache

    def ask(self, request: Request, base_url: str | None = None, name: str = "m") -> RequestResult:
        args = {"base_url": base_url or f"{self.provider.url}/v1", "model_name": name}
        deployment = ModelDeployment(name="fake", client_spec=ObjectSpec(CLIENT, args))
        client = AutoClient(Path(), lambda: self._cache, timeout_seconds=10)
        return client.make_request(deployment, request)

    @property
    def num_calls(self) -> int:
        return self.provider.counters().requests


@pytest.fixture
def asking(provider: FakeProvider, file_cache: Cache) -> Asking:
    return Asking(provider, file_cache)


def test_the_same_request_is_asked_once(asking: Asking) -> None:
    first = asking.ask(Request(prompt="2+2="))
    second = asking.ask(Request(prompt="2+2="))
    assert asking.num_calls == 1
    assert (first.cached, second.cached) == (False, True)
    assert second.completions == first.completions


@pytest.mark.parametrize(
    "other",
    [
        Request(prompt="2+2= "),
        Request(prompt="2+2=", random="1"),
        Request(prompt="2+2=", temperature=0.5),
        Request(prompt="2+2=", max_tokens=99),
        Request(prompt="2+2=", num_completions=2),
        Request(prompt="2+2=", stop_sequences=["\n"]),
        Request(prompt="2+2=", stop_sequences=["a", "b", "c", "d", "e"]),
        Request(prompt="2+2=", top_p=0.9),
        Request(prompt="2+2=", top_k_per_token=2),
        Request(prompt="2+2=", presence_penalty=0.1),
        Request(prompt="2+2=", frequency_penalty=0.1),
        Request(prompt="2+2=", echo_prompt=True),
        Request(prompt="2+2=", seed=1),
        Request(prompt="2+2=", response_format={"type": "json_object"}),
        Request(prompt="2+2=", reasoning={"effort": "low"}),
        Request(messages=[Message(role="user", content="2+2=")]),
    ],
)
def test_every_field_of_a_request_counts(asking: Asking, other: Request) -> None:
    asking.ask(Request(prompt="2+2="))
    asking.ask(other)
    assert asking.num_calls == 2
    assert asking.ask(other).cached


@pytest.mark.parametrize(
    "same",
    [
        Request(prompt="2+2=", temperature=1),
        Request(prompt="2+2=", top_p=1),
        Request(prompt="2+2=", model="another/label"),
        Request(prompt="2+2=", deployment="another/label"),
    ],
)
def test_what_makes_no_difference_does_not_count(asking: Asking, same: Request) -> None:
    asking.ask(Request(prompt="2+2=", temperature=1.0))
    assert asking.ask(same).cached
    assert asking.num_calls == 1


def test_salts_are_kept_apart(asking: Asking) -> None:
    for salt in (None, "1", "2", "1", None):
        asking.ask(Request(prompt="2+2=", random=salt))
    assert asking.num_calls == 3
    assert all("random" not in received.body for received in asking.provider.last())


def test_another_place_or_model_is_another_answer(asking: Asking) -> None:
    request = Request(prompt="2+2=")
    asking.ask(request)
    asking.ask(request, base_url=asking.provider.url.replace("127.0.0.1", "localhost") + "/v1")
    asking.ask(request, name="m2")
    assert asking.num_calls == 3
    asking.ask(request, base_url=f"{asking.provider.url}/v1/")
    assert asking.num_calls == 3


def test_refused_and_truncated_answers_are_stored_and_errors_are_not(asking: Asking) -> None:
    asking.provider.set(
        Behaviour(faults=[{"kind": "refusal", "contains": "bad"}, {"kind": "400", "times": 1}])
    )
    refused = Request(prompt="a bad prompt")
    assert asking.ask(refused).outcome == "refused"
    assert asking.ask(refused).cached
    truncated = Request(prompt="2+2=", max_tokens=2, stop_sequences=["\n"])
    assert asking.ask(truncated).outcome == "error"
    assert asking.ask(truncated).outcome == "truncated"
    assert asking.ask(truncated).cached
    assert asking.num_calls == 3


# --- Age, and what is one caller's own -----------------------------------------------------------


def test_an_answer_that_is_too_old_is_asked_for_anew_and_replaced(asking: Asking) -> None:
    asking.ask(Request(prompt="2+2="))
    fresh = asking.ask(Request(prompt="2+2=", max_cache_age=0))
    assert (fresh.cached, asking.num_calls) == (False, 2)
    assert asking.ask(Request(prompt="2+2=", max_cache_age=60)).cached
    assert asking.num_calls == 2


def test_those_who_wait_for_one_without_quota_ask_for_themselves(cache: Cache) -> None:
    has_begun, may_end = threading.Event(), threading.Event()
    asked = Asked()

    def refuse() -> RequestResult:
        has_begun.set()
        may_end.wait(5)
        raise QuotaError("nothing is left")

    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(cache.get_or_compute, KEY, CALL, refuse, time.monotonic() + 10)
        has_begun.wait(5)
        waiter = pool.submit(cache.get_or_compute, KEY, CALL, asked, time.monotonic() + 10)
        may_end.set()
        assert not waiter.result().cached
        with pytest.raises(QuotaError):
            leader.result()
