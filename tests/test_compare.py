"""`benchmark-compare`, as its users call it."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmark import compare
from benchmark.provenance import Provenance
from fake_provider import Behaviour, FakeProvider
from run_process import Commands
from some_runs import METRIC, write_run

NUM = 100
A, B = "gsm:model=m_a", "gsm:model=m_b"


def right(*numbers: int, num: int = NUM) -> dict[str, float]:
    """1 for these of `num` instances, else 0."""
    return {f"id{number}": float(number in numbers) for number in range(num)}


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def output_path(tmp_path: Path) -> Path:
    return tmp_path / "benchmark_output"


def compared(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """What the command prints."""
    assert compare.main(arguments) == code
    output = capsys.readouterr()
    return output.out if code == 0 else output.out + output.err


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    return json.loads(compared(capsys, *arguments, "--json"))


def test_the_verdict_comes_first(output_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(output_path, A, right(*range(40)))
    write_run(output_path, B, right(*range(5, 60)))
    text = compared(capsys, A, B)
    assert text.splitlines()[0] == (
        "B is better by 15.0 points, 95 % interval 5.1 to 24.3, n = 100; "
        "smallest difference this test could see: 13.8"
    )
    assert "McNemar's test: p = 0.0041; 5 instances are 1 in A only, 20 in B only" in text
    assert "Changed instances (10 of 25)" in text


def test_chance_is_called_chance(output_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(output_path, A, right(*range(40)))
    write_run(output_path, B, right(*range(1, 42)))
    text = compared(capsys, A, B)
    assert text.startswith("No difference could be shown (B is ahead by 1.0 points), 95 % interval")


def test_equal_runs_are_not_certain(output_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(output_path, A, right(1))
    write_run(output_path, B, right(1))
    [comparison] = as_json(capsys, A, B)["comparisons"]
    low, high = comparison["difference"]["interval"]
    assert low < -0.02 < 0.02 < high
    assert comparison["difference"]["p_value"] == 1.0
    assert compared(capsys, A, B).startswith("No difference could be shown (equal), ")


def test_lower_may_be_better(output_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metric = "absolute_value_difference"
    for name, offset in ((A, 9.0), (B, 3.0)):
        values = {f"id{number}": offset + number % 3 for number in range(12)}
        write_run(output_path, name, values, metric=metric)
    arguments = [A, B, "--metric", metric]
    text = compared(capsys, *arguments, "--fail-if-worse")
    assert text.startswith("B is better by 6.0, 95 % interval 6.0 to 6.0, n = 12")
    text = compared(capsys, B, A, "--metric", metric, "--fail-if-worse", code=1)
    assert text.startswith("B is worse by 6.0, 95 % interval 6.0 to 6.0")


def test_fail_if_worse(output_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(output_path, A, right(*range(60)))
    write_run(output_path, B, right(*range(40)))
    compared(capsys, A, B)
    compared(capsys, A, B, "--fail-if-worse", code=1)
    compared(capsys, B, A, "--fail-if-worse")


def test_flipped_instances_have_both_answers(
    output_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(output_path, A, right(1, 2, num=5), answer="It is")
    write_run(output_path, B, right(2, 4, num=5))
    [comparison] = as_json(capsys, A, B)["comparisons"]
    assert comparison["changes"] == [
        {
            "id": id,
            "value_a": a,
            "value_b": b,
            "answer_a": f"It is {a}",
            "answer_b": f"The answer is {b}",
        }
        for id, a, b in (("id1", 1, 0), ("id4", 0, 1))
    ]
    assert "id4" in compared(capsys, A, B)
    assert "id4" not in compared(capsys, A, B, "--max-changes", "1")
    assert "Changed" not in compared(capsys, A, B, "--max-changes", "0")


def test_trials_of_an_instance_are_one_value(
    output_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(output_path, A, {f"id{number}": [0, number % 2] for number in range(40)})
    write_run(output_path, B, {f"id{number}": [1, number % 2] for number in range(40)})
    [comparison] = as_json(capsys, A, B)["comparisons"]
    difference = comparison["difference"]
    assert (difference["n"], difference["difference"]) == (40, 0.5)
    assert difference["only_a"] is None


def test_each_perturbation_is_compared_with_itself(
    output_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, perturbed in ((A, right(*range(30))), (B, right(*range(10)))):
        write_run(output_path, name, right(*range(50)), perturbed=perturbed)
    [comparison] = as_json(capsys, A, B)["comparisons"]
    assert comparison["difference"]["difference"] == 0
    [version] = comparison["versions"]
    assert version["perturbation"] == "lowercase"
    assert version["difference"]["difference"] == pytest.approx(-0.2)
    assert "lowercase" in compared(capsys, A, B)


def test_what_one_has_not_is_left_out_and_said(
    output_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(output_path, A, right(*range(8), num=20))
    write_run(output_path, B, right(*range(8), num=15))
    text = compared(capsys, A, B)
    assert "n = 15" in text
    assert "5 of A, 0 of B" in text


def test_other_data_is_no_pair(output_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(output_path, A, right(1))
    write_run(output_path, B, right(1), question="Another question")
    message = compared(capsys, A, B, code=2)
    assert "share ids, but no instance: they are of different data" in message


def test_disjoint_runs(output_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(output_path, A, {"id1": 1, "id2": 0})
    write_run(output_path, B, {"id3": 1, "id4": 0})
    assert "share no instance" in compared(capsys, A, B, code=2)


def test_why(output_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(output_path, A, right(1), max_tokens=50)
    write_run(output_path, B, right(1), max_tokens=60)
    reasons = as_json(capsys, A, B, "--why")["reasons"]
    by_field = {reason["field"]: (reason["value_a"], reason["value_b"]) for reason in reasons}
    assert by_field == {
        "name": (A, B),
        "adapter_spec.model": ("m/a", "m/b"),
        "adapter_spec.max_tokens": (50, 60),
        "deployment.model": ("m/a", "m/b"),
    }
    assert "adapter_spec.max_tokens" in compared(capsys, A, B, "--why")


def test_why_says_what_each_reason_is_about(
    output_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = {"metrics": {"benchmark.metrics.m": "1"}, "scenario": {"benchmark.scenarios.s": "1"}}
    first = Provenance(
        data_files={"u": "1"}, packages={"python": "3.11"}, code=code, served_models=["m-2025"]
    )
    code = {"metrics": {"benchmark.metrics.m": "2"}, "scenario": {"benchmark.scenarios.s": "2"}}
    second = Provenance(
        data_files={"u": "2"}, packages={"python": "3.12"}, code=code, served_models=["m-2026"]
    )
    for name, provenance, tokens in ((A, first, 50), (B, second, 60)):
        folder = write_run(output_path, name, right(1), max_tokens=tokens)
        record = folder.read_record()
        assert record is not None
        folder.write_record(record, provenance)
    reasons = as_json(capsys, A, B, "--why")["reasons"]
    assert [(reason["about"], reason["field"]) for reason in reasons] == [
        ("data", "data_files.u"),
        ("parameters", "adapter_spec.max_tokens"),
        ("model", "adapter_spec.model"),
        ("model", "deployment.model"),
        ("model", "served_models[0]"),
        ("metrics", "code.metrics.benchmark.metrics.m"),
        ("code", "code.scenario.benchmark.scenarios.s"),
        ("packages", "packages.python"),
        ("run", "name"),
    ]


def test_why_names_a_run_that_recorded_less(
    output_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(output_path, A, right(1))
    other = write_run(output_path, A, right(1), suite="other")
    record = other.read_record()
    assert record is not None
    other.write_record(record, Provenance(data_files={}, code={}, packages={}))
    [reason] = as_json(capsys, A, f"other/{A}", "--why")["reasons"]
    assert (reason["field"], reason["value_b"]) == ("code", "recorded")


def test_why_looks_at_prompts(output_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(output_path, A, right(1, num=5))
    write_run(output_path, A, right(1, num=5), suite="other", question="Changed")
    arguments = [A, f"other/{A}", "--why", "--metric", METRIC]
    text = compared(capsys, *arguments, code=2)
    assert "different data" in text
    assert "data_sha256" in text
    assert "prompts are others" in text
    assert "nothing that decides results differs" in compared(capsys, A, A, "--why")


def test_two_models_over_a_suite(output_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for task, better in (("gsm", 70), ("gsm:max_train_instances=1", 41), ("gsm:random=2", 40)):
        separator = "," if ":" in task else ":"
        write_run(output_path, f"{task}{separator}model=m_a", right(*range(40)), suite="s")
        write_run(output_path, f"{task}{separator}model=m_b", right(*range(better)), suite="s")
    write_run(output_path, "gsm:random=3,model=m_b", right(1), suite="s")
    arguments = ["--suite", "s", "m/a", "m/b"]
    text = compared(capsys, *arguments, "--fail-if-worse")
    assert text.startswith("B is better by 10.3 points on average over 3 tasks, 95 % interval ")
    assert "B is better in 1 of 3 tasks and worse in 0, beyond chance" in text
    assert "gsm:random=3: finished by B only" in text
    found = as_json(capsys, *arguments)
    by_task = {one["task"]: one for one in found["comparisons"]}
    [p_value] = [by_task["gsm"]["difference"]["p_value"]]
    assert by_task["gsm"]["adjusted_p_value"] == pytest.approx(3 * p_value)
    assert by_task["gsm:random=2"]["adjusted_p_value"] == 1
    assert "deployment.model" in compared(capsys, *arguments, "--why")
    text = compared(capsys, "--suite", "s", "m/b", "m/a", "--fail-if-worse", code=1)
    assert text.startswith("B is worse by 10.3 points")


def test_a_run_is_found_by_its_path(output_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = write_run(output_path, A, right(1))
    b = write_run(output_path, A, right(2), suite="other")
    [by_path] = as_json(capsys, str(a.path), str(b.path))["comparisons"]
    [by_name] = as_json(capsys, A, f"other/{A}")["comparisons"]
    assert by_path["run_a"] == str(a.path)
    assert by_path["changes"] == by_name["changes"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((A, "gsm:model=m_c"), "did you mean 'gsm:model=m_b'"),
        ((A, "m/b"), f"{A} is a run: name another run"),
        ((A, B, "--metric", "f1"), f"(there are: {METRIC})"),
        ((A, B, "--suite", "none"), "there is no suite 'none'"),
    ],
)
def test_wrong_commands_say_what_is_wrong(
    output_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    write_run(output_path, A, right(1))
    write_run(output_path, B, right(1))
    assert compare.main(arguments) in (1, 2)
    assert words in capsys.readouterr().err


def test_a_run_without_scores_can_not_be_compared(
    output_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = write_run(output_path, A, right(1))
    write_run(output_path, B, right(1))
    a.stats_path.unlink()
    assert "is not finished" in compared(capsys, A, B, code=2)


def test_one_instance_says_nothing(output_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(output_path, A, right(0, num=1))
    write_run(output_path, B, right(num=1))
    assert compared(capsys, A, B, "--fail-if-worse").startswith("One instance says nothing")


def test_bits_per_byte_are_compared_as_a_whole(
    output_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provider_answers = Behaviour(answer=" no")
    with FakeProvider(provider_answers) as provider:
        commands = Commands(output_path.parent, provider.url)
        commands.write_mirror(12)
        commands.run("--suite", "a").assert_done()
        provider.set(Behaviour(answer=" certainly not"))
        commands.named("other").run("--suite", "b").assert_done()
    name = commands.run_path().name
    other = commands.named("other").run_path(suite="b")
    ended = commands.call(
        "benchmark-compare", str(commands.run_path(suite="a")), str(other), "--why"
    )
    ended.assert_done()
    assert ended.stdout.startswith("No difference could be shown (equal)")
    assert "nothing that decides results differs" in ended.stdout
    ended = commands.call(
        "benchmark-compare", "--suite", "a", name, str(other), "--metric", "bits_per_byte", "--json"
    )
    ended.assert_done()
    [comparison] = json.loads(ended.stdout)["comparisons"]
    difference = comparison["difference"]
    assert difference["n"] == 12
    assert difference["difference"] == pytest.approx(difference["mean_b"] - difference["mean_a"])
    assert comparison["higher_is_better"] is False
