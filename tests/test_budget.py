"""What runs would cost, and runs that stop before they cost more than they may."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_provider import Behaviour, FakeProvider
from run_process import Commands

NUM_PROMPTS = 40


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider(Behaviour(answer=" The answer is 17.")) as started:
        yield started


@pytest.fixture
def commands(tmp_path: Path, provider: FakeProvider) -> Commands:
    """Commands on 40 prompts that cost $1 for 1,000 tokens."""
    made = Commands(tmp_path, provider.url)
    made.write_mirror(NUM_PROMPTS)
    made.local_path.mkdir(parents=True)
    prices = "openai-compatible/fake: {input: 1000, output: 1000}\n"
    (made.local_path / "prices.yaml").write_text(prices)
    return made


def plan_of(stdout: str) -> list[str]:
    """The cells of the first row of the plan."""
    lines = stdout.splitlines()
    [header] = [number for number, line in enumerate(lines) if "prompt tokens" in line]
    return lines[header + 2].split()


def test_a_dry_run_ends_with_a_plan(commands: Commands, provider: FakeProvider) -> None:
    ended = commands.run("-d")
    ended.assert_done()
    assert provider.counters().requests == 0
    name, requests, answered, cached, to_send, tokens, completion_tokens, cost, time = plan_of(
        ended.stdout
    )
    assert name.startswith("gsm:")
    assert [requests, answered, cached, to_send, time] == ["40", "0", "0", "40", "—"]
    assert tokens.endswith("~")
    assert completion_tokens == "16,000"
    assert cost.startswith("$")
    assert cost.endswith("~")


def test_a_plan_knows_what_is_answered_and_cached(
    commands: Commands, provider: FakeProvider
) -> None:
    commands.run("-m", "10").assert_done()
    finished = commands.run("-m", "10").stdout
    assert plan_of(commands.run("-d", "-m", "30").stdout)[1:5] == ["30", "10", "0", "20"]
    assert commands.run("-m", "10").stdout == finished
    ended = commands.run("-d", "-m", "30", "--suite", "other")
    assert plan_of(ended.stdout)[1:5] == ["30", "0", "10", "20"]
    assert provider.counters().requests == 10


def test_a_plan_knows_how_long_answers_take(commands: Commands) -> None:
    commands.run("-m", "3").assert_done()
    ended = commands.run("-d", entries=["gsm:max_train_instances=1"])
    assert plan_of(ended.stdout)[-1] == "s"


def test_a_run_stops_before_the_limit_and_goes_on(
    commands: Commands, provider: FakeProvider
) -> None:
    whole = commands.named("whole")
    whole.local_path.mkdir(parents=True)
    prices = (commands.local_path / "prices.yaml").read_text()
    (whole.local_path / "prices.yaml").write_text(prices)
    ended = whole.run()
    ended.assert_done()
    [spent] = [line for line in ended.stdout.splitlines() if line.startswith("Spent: $")]
    total = float(spent.removeprefix("Spent: $"))
    provider.reset()

    limit = total / 2 + 1.5  # a request has a bound of more than $1
    ended = commands.run("--max-cost", f"{limit:.2f}", "-n", "4")
    ended.assert_failed("stopped before more than --max-cost", "requests are left", code=3)
    num_sent = provider.counters().requests
    assert 0.3 * NUM_PROMPTS < num_sent < NUM_PROMPTS
    [spent] = [line for line in ended.stdout.splitlines() if line.startswith("Spent: $")]
    assert float(spent.removeprefix("Spent: $")) <= limit
    assert "stopped" in ended.stdout
    assert "stopped" in commands.call("benchmark-present", "--list-runs").stdout

    commands.run("--max-cost", "10000").assert_done()
    assert provider.counters().requests == NUM_PROMPTS
    assert commands.results() == whole.results()


def test_stored_answers_are_free(commands: Commands, provider: FakeProvider) -> None:
    commands.run().assert_done()
    ended = commands.run("--max-cost", "0", "--suite", "again")
    ended.assert_done()
    assert "Spent" not in ended.stdout
    assert provider.counters().requests == NUM_PROMPTS


def test_a_limit_needs_prices(commands: Commands, provider: FakeProvider) -> None:
    (commands.local_path / "prices.yaml").unlink()
    commands.run("--max-cost", "5").assert_failed("prices.yaml", code=1)
    assert provider.counters().requests == 0
    assert "—" in plan_of(commands.run("-d").stdout)[-2:]


def test_a_limit_is_an_amount(commands: Commands) -> None:
    commands.run("--max-cost", "much").assert_failed("must be an amount", code=2)
