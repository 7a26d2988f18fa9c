"""`benchmark-run --runner ray` on a real cluster: a killed worker, Ctrl-C, bad addresses."""

import importlib.util
import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_provider import Behaviour, FakeProvider
from ray_cluster import RayCluster
from run_process import Commands

NUM_PROMPTS = 40
NUM_THREADS = 8  # two workers of four
LATENCY_SECONDS = 0.1
RUNS = ("gsm", "gsm:num_train_trials=2")

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed (extra [ray])"
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayCluster]:
    with pytest.MonkeyPatch.context() as patch:
        # Its head listens to other machines as well.
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        with RayCluster(tmp_path_factory.mktemp("ray")) as running:
            yield running


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as started:
        yield started


@pytest.fixture
def commands(tmp_path: Path, provider: FakeProvider) -> Commands:
    made = Commands(tmp_path, provider.url)
    made.write_mirror(NUM_PROMPTS)
    return made


def flags(cluster: RayCluster) -> list[str]:
    return ["--runner", "ray", "--ray-address", cluster.address, "-n", str(NUM_THREADS)]


def test_a_killed_worker_loses_nothing(
    commands: Commands, provider: FakeProvider, cluster: RayCluster
) -> None:
    provider.set(Behaviour(latency_seconds=LATENCY_SECONDS))
    num_requests = 2 * NUM_PROMPTS  # of both runs, which share a trial
    with commands.start(*flags(cluster), entries=RUNS) as process:
        process.wait_until(lambda: provider.counters().requests >= NUM_PROMPTS / 2, seconds=60)
        workers = cluster.workers()
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        process.wait().assert_done()
    # Each request once, but for those that the worker was asking.
    assert num_requests <= provider.counters().requests <= num_requests + NUM_THREADS / 2
    assert cluster.workers() == []
    provider.set(Behaviour())
    other = commands.named("local")
    other.run(entries=RUNS).assert_done()
    for name in RUNS:
        assert commands.results(name) == other.results(name)


def test_ctrl_c_keeps_what_was_answered(
    commands: Commands, provider: FakeProvider, cluster: RayCluster
) -> None:
    provider.set(Behaviour(latency_seconds=LATENCY_SECONDS))
    with commands.start(*flags(cluster)) as process:
        process.wait_until(lambda: provider.counters().requests >= NUM_PROMPTS / 2, seconds=60)
        process.interrupt().assert_failed("goes on", code=130)
    again = commands.run("-n", str(NUM_THREADS))  # also without Ray
    again.assert_done()
    assert provider.counters().requests <= NUM_PROMPTS + NUM_THREADS


def test_gpus_that_no_machine_has_are_named(commands: Commands, cluster: RayCluster) -> None:
    commands.local_path.mkdir(parents=True)
    (commands.local_path / "model_deployments.yaml").write_text(
        "model_deployments: [{name: mine/large, num_gpus: 2, client_spec: "
        "{class_name: proxy.clients.simple_client.SimpleClient}}]"
    )
    ended = commands.run(*flags(cluster), entries=["gsm:model=mine/large"])
    ended.assert_failed("mine/large needs 2 GPUs on one machine", "num_gpus", code=1)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--runner", "ray", "--ray-address", "127.0.0.1:1"], "nobody listens at --ray-address"),
        (["--runner", "ray", "--ray-address", "cluster"], "use HOST:PORT, auto or local"),
        (["--ray-address", "auto"], "--ray-address goes with --runner ray"),
    ],
    ids=["nobody there", "no address", "another runner"],
)
def test_a_wrong_address_is_told_at_once(commands: Commands, more: list[str], words: str) -> None:
    commands.run(*more).assert_failed(words, code=2)
