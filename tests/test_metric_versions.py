"""A metric that has changed: old scores stay beside the new, and are never compared with them."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_provider import Behaviour, FakeProvider
from run_process import Commands, Ended

METRIC = "exact_match_indicator"  # the main one of the group gsm
RUN_SPEC = f'''
from benchmark.adapters.adapter_spec import GENERATION, AdapterSpec
from benchmark.metrics.metric import Metric
from benchmark.metrics.stat import MetricName, Stat
from benchmark.run_spec import MetricSpec, RunSpec
from benchmark.run_specs.registry import run_spec
from benchmark.scenarios.scenario import CORRECT_TAG, Instance, Reference, Scenario, ScenarioSpec


class OwnScenario(Scenario):
    name = "own"
    description = "Four words"
    tags = []

    def get_instances(self, output_path):
        return [Instance(word, [Reference("x", [CORRECT_TAG])], "test") for word in "abcd"]


class OwnMetric(Metric):
    higher_is_better = {{"{METRIC}": True}}
    proportions = ["{METRIC}"]
    versions = {{"{METRIC}": VERSION}}

    def evaluate_generation(self, adapter_spec, request_state):
        value = SCORE
        return [Stat(name=MetricName("{METRIC}")).add(value)]


@run_spec("own")
def own() -> RunSpec:
    """Four words."""
    return RunSpec(
        name="own",
        scenario_spec=ScenarioSpec("benchmark.run_specs.own.OwnScenario"),
        adapter_spec=AdapterSpec(method=GENERATION, num_outputs=1, max_train_instances=0),
        metric_specs=[MetricSpec("benchmark.run_specs.own.OwnMetric")],
        groups=["gsm"],
    )
'''
PLUGIN = Path("plugins", "benchmark", "run_specs", "own.py")


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    with FakeProvider(Behaviour(answer=" x")) as started:
        yield started


@pytest.fixture
def commands(tmp_path: Path, provider: FakeProvider) -> Commands:
    return Commands(tmp_path, provider.url)


def run(commands: Commands, version: object, score: str, *more: str) -> Ended:
    """Run with that version of the metric, which gives `score` to each answer."""
    path = commands.folder / PLUGIN
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(RUN_SPEC.replace("VERSION", repr(version)).replace("SCORE", score))
    return commands.run("--plugins", str(commands.folder / "plugins"), *more, entries=("own",))


def scores(commands: Commands) -> dict[str, tuple[float, int]]:
    """Mean and version of each stat whose name begins with the metric's."""
    return {
        stat["name"]["name"]: (stat["mean"], stat["version"])
        for stat in commands.stats("own")
        if stat["name"]["name"].startswith(METRIC)
    }


def values(commands: Commands) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    with sqlite3.connect(commands.states_path("own")) as states:
        for metric, value in states.execute("SELECT metric, value FROM instance_values"):
            if metric.startswith(METRIC):
                found.setdefault(metric, []).append(value)
    states.close()
    return found


def test_old_and_new_scores_are_kept(commands: Commands, provider: FakeProvider) -> None:
    run(commands, 1, "1.0").assert_done()
    num_asked = provider.counters().requests
    assert scores(commands) == {METRIC: (1.0, 1)}
    # Without --rescore a finished run stays as it is.
    run(commands, 2, "0.0").assert_done()
    assert scores(commands) == {METRIC: (1.0, 1)}

    run(commands, 2, "0.0", "--rescore").assert_done()
    both = {METRIC: (0.0, 2), f"{METRIC}@v1": (1.0, 1)}
    assert scores(commands) == both
    assert values(commands) == {METRIC: [0.0] * 4, f"{METRIC}@v1": [1.0] * 4}
    # Again: what is of the same version is replaced.
    run(commands, 2, "0.0", "--rescore").assert_done()
    assert scores(commands) == both
    run(commands, 3, "0.5", "--rescore").assert_done()
    assert scores(commands) == {METRIC: (0.5, 3), f"{METRIC}@v1": (1.0, 1), f"{METRIC}@v2": (0, 2)}
    assert set(values(commands)) == {METRIC, f"{METRIC}@v1", f"{METRIC}@v2"}
    assert provider.counters().requests == num_asked
    # HELM's files have no place for another version.
    commands.call("benchmark-export", "--format", "helm").assert_done()
    # One that fails leaves what there was to be found by the next.
    run(commands, 4, "1 / 0", "--rescore").assert_failed("ZeroDivisionError", code=1)
    run(commands, 3, "0.5", "--rescore").assert_done()
    assert set(scores(commands)) == {METRIC, f"{METRIC}@v1", f"{METRIC}@v2"}


def test_versions_are_never_mixed(commands: Commands) -> None:
    other = commands.named("other")
    run(commands, 1, "1.0").assert_done()
    run(other, 1, "0.0").assert_done()
    a, b = str(commands.run_path("own")), str(other.run_path("own"))
    plugins = ("--plugins", str(commands.folder / "plugins"))

    run(commands, 2, "0.5", "--rescore").assert_done()
    ended = commands.call("benchmark-compare", a, b, *plugins)
    ended.assert_failed(f"{METRIC} is of version 2 in {a} and of version 1 in {b}", code=2)
    # What both have can be compared: the present scores of one with the earlier ones of the other.
    ended = commands.call("benchmark-compare", a, b, "--metric", f"{METRIC}@v1", "--json", *plugins)
    ended.assert_done()
    [comparison] = json.loads(ended.stdout)["comparisons"]
    assert comparison["metric_version"] == 1
    assert comparison["higher_is_better"] is True
    assert (comparison["difference"]["mean_a"], comparison["difference"]["mean_b"]) == (1.0, 0.0)
    ended = commands.call("benchmark-compare", a, b, "--metric", f"{METRIC}@v7", *plugins)
    ended.assert_failed(f"has no values of '{METRIC}@v7'", code=2)


def test_what_notes_versions_may_be_damaged(commands: Commands) -> None:
    run(commands, 1, "1.0").assert_done()
    with sqlite3.connect(commands.states_path("own")) as states:
        states.execute("INSERT OR REPLACE INTO meta VALUES ('metric_versions', '{')")
    states.close()
    path = str(commands.run_path("own"))
    commands.call("benchmark-compare", path, path).assert_failed("is damaged", code=1)
    run(commands, 1, "1.0", "--rescore").assert_failed("is damaged", code=1)


@pytest.mark.parametrize("version", [0, "two"])
def test_what_is_no_version(commands: Commands, version: object) -> None:
    run(commands, version, "1.0").assert_failed("must be a whole number of at least 1", code=1)
