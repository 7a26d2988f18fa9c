"""Runs that are killed, interrupted, extended and started again, as their users meet them.

Whatever happened on the way, a finished run has the results of one that nothing happened to, and
nothing that was answered is asked again.
"""

import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from fake_provider import AnswerRule, Behaviour, FakeProvider
from run_process import Commands, Ended, stat_of

NUM_PROMPTS = 40
NUM_THREADS = 4
LATENCY_SECONDS = 0.05
# What a process that died was asking must not hold up the next one for longer than this.
MAX_RESTART_SECONDS = 15
# Right once, wrong everywhere else.
ANSWER: AnswerRule = {"contains": "Question test 7: Tom HAS", "text": " The answer is 17."}
SCRIPTED = Behaviour(answers=[ANSWER], answer=" I do not know.")


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    """One that answers at once."""
    with FakeProvider() as started:
        yield started


@pytest.fixture
def commands(tmp_path: Path, provider: FakeProvider) -> Commands:
    """Commands on 40 prompts."""
    made = Commands(tmp_path, provider.url)
    made.write_mirror(NUM_PROMPTS)
    return made


def has_received(provider: FakeProvider, num_requests: int) -> bool:
    """Whether the provider has got so many requests."""
    return provider.counters().requests >= num_requests


def undisturbed(commands: Commands, *more: str) -> dict[str, bytes]:
    """The results of the same run where nothing happens to it, and nothing is in the cache."""
    other = commands.named("undisturbed")
    other.run(*more).assert_done()
    return other.results()


def test_a_run_killed_again_and_again_loses_nothing(
    commands: Commands, provider: FakeProvider
) -> None:
    provider.set(Behaviour(latency_seconds=LATENCY_SECONDS))
    for num_requests in (3, 14, 29):
        with commands.start("-n", str(NUM_THREADS)) as process:
            process.wait_until(
                partial(has_received, provider, num_requests), seconds=MAX_RESTART_SECONDS
            )
            process.kill()
    ended = commands.run("-n", str(NUM_THREADS))
    ended.assert_done()
    assert ended.seconds < MAX_RESTART_SECONDS
    assert NUM_PROMPTS <= provider.counters().requests <= NUM_PROMPTS + 3 * NUM_THREADS
    assert commands.results() == undisturbed(commands)


def test_a_run_can_be_looked_at_while_it_goes_on(
    commands: Commands, provider: FakeProvider
) -> None:
    commands.write_mirror(32)
    provider.set(Behaviour(latency_seconds=1.0))
    with commands.start("-n", str(NUM_THREADS)) as process:
        process.wait_until(lambda: provider.counters().requests > NUM_THREADS)
        listed = commands.call("benchmark-present", "--list-runs")
        assert "running" in listed.stdout
        commands.call("benchmark-export").assert_done()
        exported = [request["result"]["outcome"] for request in commands.requests()]
        assert set(exported) == {"ok"}
        assert 0 < len(exported) < 32
        commands.call("benchmark-present").assert_failed("--list-runs")
        process.wait().assert_done()
    provider.set(Behaviour())
    assert commands.results() == undisturbed(commands)


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(faults=[{"kind": "hang"}]),
        Behaviour(faults=[{"kind": "429", "retry_after": 60}]),
        Behaviour(latency_seconds=30),
    ],
    ids=["hanging", "limited", "slow"],
)
def test_ctrl_c_ends_a_run_at_once_and_it_goes_on(
    commands: Commands, provider: FakeProvider, behaviour: Behaviour
) -> None:
    commands.run("-m", "10").assert_done()
    provider.set(behaviour)
    with commands.start("-n", str(NUM_THREADS)) as process:
        # A refusal keeps the other threads from asking.
        process.wait_until(lambda: provider.counters().requests > 10)
        ended = process.interrupt()
    ended.assert_failed("goes on", code=130)
    assert ended.seconds < 2
    provider.set(Behaviour())
    provider.reset()
    again = commands.run("-n", str(NUM_THREADS))
    again.assert_done()
    assert again.seconds < MAX_RESTART_SECONDS
    assert provider.counters().requests == NUM_PROMPTS - 10
    assert commands.results() == undisturbed(commands)


def test_what_was_answered_before_ctrl_c_is_kept(
    commands: Commands, provider: FakeProvider
) -> None:
    provider.set(Behaviour(latency_seconds=LATENCY_SECONDS))
    with commands.start("-n", str(NUM_THREADS)) as process:
        process.wait_until(lambda: provider.counters().requests >= NUM_PROMPTS / 2)
        process.interrupt().assert_failed(code=130)
    again = commands.run("-n", str(NUM_THREADS))
    again.assert_done()
    assert again.seconds < MAX_RESTART_SECONDS
    assert provider.counters().requests <= NUM_PROMPTS + NUM_THREADS


def test_two_processes_do_not_work_on_one_run(commands: Commands, provider: FakeProvider) -> None:
    commands.write_mirror(8)
    provider.set(Behaviour(latency_seconds=1.0))
    with commands.start("-n", str(NUM_THREADS)) as process:
        process.wait_until(lambda: provider.counters().requests > 0)
        second = commands.run()
        second.assert_failed("another process is working on this run", code=1)
        assert second.seconds < 5
        process.wait().assert_done()
    assert provider.counters().requests == 8
    provider.set(Behaviour())
    assert commands.results() == undisturbed(commands)


def test_two_processes_ask_the_same_only_once(commands: Commands, provider: FakeProvider) -> None:
    provider.set(Behaviour(latency_seconds=LATENCY_SECONDS))
    with commands.start("--suite", "a") as a, commands.start("--suite", "b") as b:
        a.wait().assert_done()
        b.wait().assert_done()
    assert provider.counters().requests == NUM_PROMPTS


@pytest.mark.parametrize("larger", ["12", "1000"])
def test_a_larger_number_of_instances_extends_a_run(
    commands: Commands, provider: FakeProvider, larger: str
) -> None:
    commands.write_mirror(20)
    provider.set(SCRIPTED)
    commands.run("-m", "5").assert_done()
    assert provider.counters().requests == 5
    provider.reset()
    commands.run("-m", larger).assert_done()
    assert provider.counters().requests == min(int(larger), 20) - 5
    assert commands.results() == undisturbed(commands, "-m", larger)


def test_a_run_with_perturbations_and_trials_is_extended(
    commands: Commands, provider: FakeProvider
) -> None:
    entry = "gsm:data_augmentation=lower,num_train_trials=2"
    commands.run("-m", "3", entries=[entry]).assert_done()
    commands.run("-m", "8", entries=[entry]).assert_done()
    assert provider.counters().requests == 8 * 2 * 2
    other = commands.named("undisturbed")
    other.run("-m", "8", entries=[entry]).assert_done()
    assert commands.results(entry) == other.results(entry)


def test_an_extension_that_does_not_finish_leaves_no_old_score_under_the_new_name(
    commands: Commands, provider: FakeProvider
) -> None:
    commands.run("-m", "3").assert_done()
    provider.set(Behaviour(faults=[{"kind": "401"}]))
    commands.run("-m", "6").assert_failed("401")
    presented = commands.call("benchmark-present", "--json")
    if presented.code == 0:
        [row] = json.loads(presented.stdout)["rows"]
        record = json.loads((commands.run_path() / "run_spec.json").read_text())
        assert row["cells"][0]["n"] == record["adapter_spec"]["max_eval_instances"]
    provider.set(Behaviour())
    commands.run("-m", "6").assert_done()
    assert commands.results() == undisturbed(commands, "-m", "6")


def test_a_run_killed_while_it_is_extended_is_never_a_mixture(
    commands: Commands, provider: FakeProvider
) -> None:
    commands.run("-m", "3").assert_done()
    record = (commands.run_path() / "run_spec.json").read_bytes()
    commands.run("-m", "10").assert_done()
    larger = commands.results()
    # As `kill -9` leaves it that comes between the two files, which no test can time.
    (commands.run_path() / "run_spec.json").write_bytes(record)
    smaller = commands.run("-m", "3")
    if smaller.code == 0:
        assert commands.results() == undisturbed(commands, "-m", "3")
    else:
        smaller.assert_failed("max_eval_instances")
    provider.reset()
    commands.run("-m", "10").assert_done()
    assert provider.counters().requests == 0
    assert commands.results() == larger


def test_a_run_is_not_gone_on_with_as_another_one(
    commands: Commands, provider: FakeProvider
) -> None:
    commands.run("-m", "5").assert_done()
    results = commands.results()
    refused = {
        "max_eval_instances (5 then, 4 now)": ["-m", "4"],
        "num_train_trials (1 then, 2 now)": ["-m", "5", "-t", "2"],
        "num_train_trials (1 then, 3 now)": ["-m", "9", "-t", "3"],
        "api": ["-m", "5", "--api", "chat"],
        f"base_url ('{provider.url}/v1' then": ["-m", "9", "--base-url", "http://127.0.0.1:9/v1"],
    }
    provider.reset()
    for field, more in refused.items():
        commands.run(*more).assert_failed("gsm:model=openai-compatible_fake", field, code=1)
    assert provider.counters().requests == 0
    assert commands.results() == results


@pytest.mark.parametrize(
    ("field", "value"), [("max_sequence_length", 900), ("tokenizer_name", "local/other")]
)
def test_a_run_is_not_gone_on_with_where_other_prompts_fit(
    commands: Commands, provider: FakeProvider, field: str, value: str | int
) -> None:
    args = {"base_url": f"{provider.url}/v1", "model_name": "m"}
    client = "proxy.clients.openai_compatible_client.OpenAICompatibleClient"
    deployment = {
        "name": "team/model",
        "client_spec": {"class_name": client, "args": args},
        "tokenizer_name": "simple/model1",
        "max_sequence_length": 1000,
    }
    tokenizer = {
        "name": "local/other",
        "tokenizer_spec": {"class_name": "proxy.tokenizers.simple_tokenizer.SimpleTokenizer"},
    }

    def run() -> Ended:
        settings = {"model_deployments": [deployment], "tokenizers": [tokenizer]}
        path = commands.local_path / "model_deployments.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))  # JSON is YAML
        flags = ["--data-mirror", commands.mirror, "--local-path", commands.local_path]
        return commands.call("benchmark-run", "-r", "gsm:model=team/model", *map(str, flags))

    provider.set(Behaviour(faults=[{"kind": "400", "every": 4}]))
    run().assert_failed("10 of 40 requests failed")
    deployment[field] = value
    provider.set(Behaviour())
    provider.reset()
    run().assert_failed("was started with another", code=1)
    assert provider.counters().requests == 0


def test_a_run_is_not_gone_on_with_on_other_data(
    commands: Commands, provider: FakeProvider
) -> None:
    commands.run("-m", "5").assert_done()
    shutil.rmtree(commands.output_path / "scenarios")
    test_file = commands.mirror / "test.jsonl"
    test_file.write_text(test_file.read_text().replace("apples", "pears"))
    provider.reset()
    commands.run("-m", "5").assert_failed("data_sha256", code=1)
    assert provider.counters().requests == 0


def test_a_finished_run_asks_nothing_and_changes_nothing(
    commands: Commands, provider: FakeProvider
) -> None:
    first = commands.run()
    results = commands.results()
    provider.reset()
    second = commands.run()
    second.assert_done()
    assert provider.counters().requests == 0
    assert second.stdout == first.stdout
    assert commands.results() == results


def test_another_suite_takes_its_answers_from_the_cache(
    commands: Commands, provider: FakeProvider
) -> None:
    commands.run().assert_done()
    commands.run("--suite", "other").assert_done()
    assert provider.counters().requests == NUM_PROMPTS
    stats = [
        (commands.run_path(suite=suite) / "stats.json").read_bytes()
        for suite in ("default", "other")
    ]
    assert stats[0] == stats[1]


def test_what_failed_is_asked_again(commands: Commands, provider: FakeProvider) -> None:
    provider.set(Behaviour(faults=[{"kind": "400", "every": 4}]))
    first = commands.run()
    first.assert_failed("10 of 40 requests failed", "The request is invalid", code=1)
    assert "incomplete" in first.stdout
    assert stat_of(commands.stats(), "num_errors")["sum"] == 10
    provider.set(Behaviour())
    provider.reset()
    commands.run().assert_done()
    assert provider.counters().requests == 10
    assert commands.results() == undisturbed(commands)


def test_all_runs_share_the_requests_under_way(commands: Commands, provider: FakeProvider) -> None:
    provider.set(Behaviour(latency_seconds=1.0))
    entries = [f"gsm:max_train_instances={number}" for number in range(3)]
    commands.run("-m", "4", "-n", "12", entries=entries).assert_done()
    counters = provider.counters()
    assert (counters.requests, counters.max_in_flight) == (12, 12)


def test_no_more_are_asked_at_a_time_than_allowed(
    commands: Commands, provider: FakeProvider
) -> None:
    provider.set(Behaviour(latency_seconds=0.02))
    commands.run("-n", "3").assert_done()
    assert provider.counters().max_in_flight == 3


def test_no_run_starts_after_one_that_failed(commands: Commands, provider: FakeProvider) -> None:
    provider.set(Behaviour(faults=[{"kind": "401"}]))
    entries = [f"gsm:max_train_instances={number}" for number in range(4)]
    ended = commands.run("-n", "1", "--exit-on-error", entries=entries)
    ended.assert_failed("401", code=1)
    statuses = [line.split()[-1] for line in ended.stdout.splitlines() if line.startswith("gsm")]
    assert statuses == ["failed", "skipped", "skipped", "skipped"]


def test_one_run_that_fails_does_not_hold_up_the_others(
    commands: Commands, provider: FakeProvider
) -> None:
    ended = commands.run("-m", "3", entries=["mmlu:subject=anatomy", "gsm"])
    ended.assert_failed("mmlu:subject=anatomy", "data mirror", code=1)
    statuses = [line.split()[-1] for line in ended.stdout.splitlines()[2:4]]
    assert statuses == ["failed", "finished"]
    assert provider.counters().requests == 3


def test_a_dry_run_asks_nothing_and_a_real_one_follows(
    commands: Commands, provider: FakeProvider
) -> None:
    dry = commands.run("-d")
    dry.assert_done()
    assert "dry-run" in dry.stdout
    assert provider.counters().requests == 0
    assert stat_of(commands.stats(), "num_requests")["sum"] == NUM_PROMPTS
    commands.run().assert_done()
    assert provider.counters().requests == NUM_PROMPTS
    assert commands.results() == undisturbed(commands)


def test_a_dry_run_spoils_nothing_that_was_answered(
    commands: Commands, provider: FakeProvider
) -> None:
    provider.set(Behaviour(faults=[{"kind": "400", "every": 4}]))
    commands.run().assert_failed("failed")
    provider.set(Behaviour())
    commands.run("-d").assert_done()
    provider.reset()
    commands.run().assert_done()
    assert provider.counters().requests == 10
    assert commands.results() == undisturbed(commands)


def test_entries_that_are_work_in_progress_are_run_dry(
    commands: Commands, provider: FakeProvider
) -> None:
    path = commands.folder / "runs.conf"
    path.write_text(
        '"gsm:max_train_instances=1": {status: "WIP"}\n"gsm": {status: "READY", priority: 2}\n'
    )
    ended = commands.run_file(path)
    ended.assert_done()
    assert provider.counters().requests == NUM_PROMPTS
    assert [line.split()[-1] for line in ended.stdout.splitlines()[2:4]] == ["dry-run", "finished"]


def test_every_perturbation_has_its_own_statistics(
    commands: Commands, provider: FakeProvider
) -> None:
    provider.set(SCRIPTED)
    entry = "gsm:data_augmentation=lower"
    commands.run(entries=[entry]).assert_done()
    assert provider.counters().requests == 2 * NUM_PROMPTS
    stats = commands.stats(entry)
    for perturbation, mean in (("identity", 1 / NUM_PROMPTS), ("lowercase", 0.0)):
        match = stat_of(stats, "exact_match_indicator", perturbation)
        assert (match["mean"], match["n"], match["count"]) == (mean, NUM_PROMPTS, 1)
    assert stat_of(stats, "num_requests")["sum"] == 2 * NUM_PROMPTS


def test_train_trials_are_averaged(commands: Commands, provider: FakeProvider) -> None:
    provider.set(SCRIPTED)
    commands.run("-t", "3").assert_done()
    assert provider.counters().requests == 3 * NUM_PROMPTS
    match = stat_of(commands.stats(), "exact_match_indicator")
    assert (match["count"], match["n"]) == (3, NUM_PROMPTS)
    assert match["mean"] == pytest.approx(1 / NUM_PROMPTS)
    trials = [request["train_trial_index"] for request in commands.requests()]
    assert trials == [trial for trial in range(3) for _ in range(NUM_PROMPTS)]


def test_progress_comes_in_plain_lines_where_there_is_no_terminal(
    commands: Commands, provider: FakeProvider
) -> None:
    ended = commands.run()
    assert "\r" not in ended.stderr
    assert "\x1b" not in ended.stdout + ended.stderr
    assert "gsm:model=openai-compatible_fake: finished" in ended.stderr
    assert commands.run("-q", "--suite", "quiet").stderr == ""
