"""Real runs of MMLU, GSM8K and scored choices, asked of models that behave like each family.

Base models complete prompts and echo them; chat models do not, and some list no log-probabilities;
reasoning models refuse stop sequences and a temperature, and think before they answer.
"""

import io
import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from benchmark import present, run
from benchmark.scenarios.mmlu_scenario import ARCHIVE
from fake_provider import AnswerRule, Behaviour, FakeProvider
from run_process import Commands

MMLU = "mmlu:subject=philosophy"
NUM_QUESTIONS = 4  # of each task
LACKS_LOGPROBS = ("logprobs", "top_logprobs")
FAMILIES: dict[str, dict[str, Any]] = {
    "base": {"api": "completions"},
    "chat": {"api": "chat"},
    "closed": {"api": "chat", "logprobs": False},
    "reasoning": {
        "api": "chat",
        "unsupported": ["temperature", "stop_sequences", "logprobs"],
        "max_tokens_field": "max_completion_tokens",
    },
}
# Right answers are B, of GSM8K 3, 5, 7, 9, of our own questions Lima.
LETTERS = {"Which is test 0?": " B", "Which is test 1?": " B", "Which is test 2?": " C"}
NUMBERS = {"Question test 0": "3", "Question test 1": "5"}
SOLUTIONS = {
    mark: f" It follows.\nThe answer is {number}.\n\nQ: And?" for mark, number in NUMBERS.items()
}
REFUSED: AnswerRule = {
    "contains": "Question test 3",
    "text": "",
    "finish_reason": "content_filter",
}


def rules(*answers: dict[str, str]) -> list[AnswerRule]:
    """Answers by what their prompt contains."""
    return [{"contains": mark, "text": text} for one in answers for mark, text in one.items()]


class World:
    """Data, deployments of all families, and the provider that is each of them in turn."""

    def __init__(self, folder: Path, provider: FakeProvider) -> None:
        self.folder, self.provider = folder, provider
        Commands(folder, provider.url).write_mirror(NUM_QUESTIONS)
        self._write_mmlu(folder / "mirror")
        self.choices = folder / "choices.jsonl"
        rows = [
            {"input": f"Capital {n}?", "references": ["Oslo", "Lima"], "correct": "Lima"}
            for n in range(NUM_QUESTIONS)
        ]
        self.choices.write_text("".join(json.dumps(row) + "\n" for row in rows))
        self._write_deployments()

    def run(self, family: str, entries: Sequence[str], behaviour: Behaviour, *more: str) -> int:
        """Run entries on a model of the family that behaves like this; return the exit code."""
        self.provider.set(behaviour)
        paths = {"--data-mirror": "mirror", "--local-path": "base", "-o": "out"}
        given = [text for flag, name in paths.items() for text in (flag, str(self.folder / name))]
        return run.main(["-q", "-r", *entries, "--model", f"{family}/m", *given, *more])

    def path(self, name: str, suite: str = "default") -> Path:
        """The folder of a run."""
        return self.folder / "out" / "runs" / suite / name

    def stats(self, name: str, suite: str = "default") -> dict[str, Any]:
        """The stats of a run of its test split, or of all, by name."""
        stats = json.loads((self.path(name, suite) / "stats.json").read_text())
        return {
            stat["name"]["name"]: stat
            for stat in stats
            if not stat["name"]["k"] and stat["name"]["split"] in ("test", None)
        }

    def separate(self) -> str:
        """The entry of our own questions, whose choices are scored one by one."""
        return f"custom:path={self.choices},method=multiple_choice_separate_original"

    def separate_run(self, arguments: str, family: str) -> str:
        """The name of its run."""
        name = self.separate().replace("/", "_")
        return f"{name}{arguments},model={family}_m"

    def _write_mmlu(self, mirror: Path) -> None:
        with tarfile.open(mirror / "data.tar", "w") as archive:
            for split, num_rows in (("dev", 5), ("val", 1), ("test", NUM_QUESTIONS)):
                rows = [f"Which is {split} {n}?,London,Paris,Rome,Oslo,B" for n in range(num_rows)]
                data = "".join(f"{row}\n" for row in rows).encode()
                member = tarfile.TarInfo(f"data/{split}/philosophy_{split}.csv")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        index = json.loads((mirror / "urls.json").read_text())
        (mirror / "urls.json").write_text(json.dumps({**index, ARCHIVE.url: "data.tar"}))

    def _write_deployments(self) -> None:
        client = "proxy.clients.openai_compatible_client.OpenAICompatibleClient"
        deployments = []
        for family, arguments in FAMILIES.items():
            args = {"base_url": f"{self.provider.url}/v1", **arguments}
            spec = {"class_name": client, "args": args}
            capabilities = {"thinks": True} if family == "reasoning" else {}
            deployments.append(
                {"name": f"{family}/m", "client_spec": spec, "capabilities": capabilities}
            )
        (self.folder / "base").mkdir()
        text = json.dumps({"model_deployments": deployments})  # JSON is YAML
        (self.folder / "base" / "model_deployments.yaml").write_text(text)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Data and a provider for all tests; each asks a family of its own, or in another suite."""
    with FakeProvider() as provider:
        yield World(tmp_path_factory.mktemp("families"), provider)


def test_a_base_model(world: World) -> None:
    scored: AnswerRule = {
        "contains": "Capital",
        "text": "",
        "logprob_of": {" Oslo": -5.0, " Lima": -0.1},
    }
    behaviour = Behaviour(answers=[*rules(LETTERS, SOLUTIONS), REFUSED, scored], answer=" Hm?")
    assert world.run("base", [MMLU, "gsm", world.separate()], behaviour) == 0
    mmlu = world.stats(f"{MMLU},model=base_m")
    assert (mmlu["exact_match"]["mean"], mmlu["exact_match"]["n"]) == (0.5, NUM_QUESTIONS)
    assert "num_unparsed" not in mmlu
    gsm = world.stats("gsm:model=base_m")
    assert (gsm["exact_match_indicator"]["mean"], gsm["exact_match_indicator"]["n"]) == (2 / 3, 3)
    assert gsm["num_refused"]["sum"] == 1
    assert world.stats(world.separate_run("", "base"))["accuracy"]["mean"] == 1


def test_a_chat_model(world: World) -> None:
    behaviour = Behaviour(answers=[*rules(LETTERS, SOLUTIONS), REFUSED], answer="Well")
    turns = [f"{MMLU},chat=turns", "gsm:chat=turns"]
    assert world.run("chat", [MMLU, "gsm", *turns], behaviour) == 0
    for arguments in ("", ",chat=turns"):
        mmlu = world.stats(f"{MMLU}{arguments},model=chat_m")
        assert (mmlu["exact_match"]["mean"], mmlu["exact_match"]["n"]) == (0.5, NUM_QUESTIONS)
    for name in ("gsm:model=chat_m", "gsm:chat=turns,model=chat_m"):
        gsm = world.stats(name)
        assert gsm["exact_match_indicator"]["mean"] == pytest.approx(2 / 3)
        assert gsm["num_refused"]["sum"] == 1


def test_examples_as_turns(world: World) -> None:
    world.provider.reset()
    assert world.run("chat", [f"{MMLU},chat=turns,max_train_instances=2"], Behaviour()) == 0
    messages = world.provider.last()[-1].body["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2 + ["user"]
    choices = "\nA. London\nB. Paris\nC. Rome\nD. Oslo\nAnswer:"
    head = "The following are multiple choice questions (with answers) about philosophy.\n\n"
    assert messages[0]["content"] == f"{head}Question: Which is dev 3?{choices}"
    assert messages[1]["content"] == "B"
    assert messages[4]["content"].startswith("Question: Which is ")
    assert messages[4]["content"].endswith(choices)
    run_path = world.path(f"{MMLU},chat=turns,max_train_instances=2,model=chat_m")
    assert json.loads((run_path / "run_spec.json").read_text())["adapter_spec"]["chat"] == "turns"


TALKATIVE = {
    "Which is test 0?": "The answer is **(B)**.",
    "Which is test 1?": "Let me see.\n\nLondon is in the UK.\n\nB. Paris",
    "Which is test 2?": "It could be A or B.",
    "Which is test 3?": "I'm sorry, but I can't help with that.",
}
WORKED_OUT = {
    "Question test 0": "First, it is 0 + 3.\n\n**Answer:** $3.00",
    "Question test 1": "So:\n\n#### 5 apples",
    "Question test 2": "The answer is 8.",
    "Question test 3": "I don't know.",
}


def test_a_chat_model_that_talks(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    behaviour = Behaviour(answers=rules(TALKATIVE, WORKED_OUT), reject_fields=LACKS_LOGPROBS)
    parsed = [f"{MMLU},answers=parsed", "gsm:answers=parsed"]
    assert world.run("closed", [MMLU, "gsm", *parsed], behaviour) == 0
    assert "unparsed" in capsys.readouterr().out
    assert world.stats(f"{MMLU},model=closed_m")["exact_match"]["mean"] == 0
    mmlu = world.stats(f"{MMLU},answers=parsed,model=closed_m")
    assert (mmlu["exact_match"]["mean"], mmlu["exact_match"]["n"]) == (0.5, NUM_QUESTIONS)
    # The one question of the valid split has no letter in its answer, either.
    assert mmlu["num_unparsed"]["sum"] == 3
    gsm = world.stats("gsm:answers=parsed,model=closed_m")
    assert gsm["exact_match_indicator"]["mean"] == 0.5
    assert present.main(["-o", str(world.folder / "out")]) == 0
    board = capsys.readouterr().out
    assert f"{MMLU},answers=parsed†" in board
    assert "3 unparsed" in board


def test_a_reasoning_model(world: World) -> None:
    thinking: list[AnswerRule] = [
        {"contains": mark, "text": text, "thinking": "A? No, B."}
        for mark, text in (LETTERS | SOLUTIONS).items()
    ]
    refuses = ("stop", "temperature", *LACKS_LOGPROBS)
    behaviour = Behaviour(answers=[*thinking, REFUSED], answer="Hm", reject_fields=refuses)
    world.provider.reset()
    assert world.run("reasoning", [MMLU, "gsm"], behaviour) == 0
    mmlu = world.stats(f"{MMLU},reasoning=8192,model=reasoning_m")
    assert (mmlu["exact_match"]["mean"], mmlu["exact_match"]["n"]) == (0.5, NUM_QUESTIONS)
    gsm = world.stats("gsm:reasoning=8192,model=reasoning_m")
    # Cut on our side, where the server was not told to stop.
    assert gsm["exact_match_indicator"]["mean"] == pytest.approx(2 / 3)
    assert (gsm["num_refused"]["sum"], gsm["num_errors"]["sum"]) == (1, 0)
    limits = {one.body["max_completion_tokens"] for one in world.provider.last()}
    assert limits == {8192 + 1, 8192 + 400}


def test_tokens_for_thoughts_are_chosen(world: World) -> None:
    behaviour = Behaviour(reject_fields=("stop", "temperature", *LACKS_LOGPROBS))
    world.provider.reset()
    assert world.run("reasoning", [f"{MMLU},reasoning=100"], behaviour) == 0
    assert {one.body["max_completion_tokens"] for one in world.provider.last()} == {101}
    assert world.path(f"{MMLU},reasoning=100,model=reasoning_m").exists()


@pytest.mark.parametrize(
    ("family", "offered"),
    [("chat", ["top-logprobs", "generation"]), ("closed", ["generation"])],
)
def test_choices_that_can_not_be_scored(
    world: World, family: str, offered: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    world.provider.reset()
    assert world.run(family, [world.separate()], Behaviour(), "--suite", "refused") == 1
    said = capsys.readouterr().err
    assert f"which {family}/m can't" in said
    assert re.findall(r"--mc-fallback (\S+)", said) == offered
    assert world.provider.counters().requests == 0


@pytest.mark.parametrize(
    ("family", "fallback", "answer"),
    [
        (
            "chat",
            "top-logprobs",
            {"text": "Well", "logprob_of": {"Well": -0.1, " B": -1.0, "A": -2.0}},
        ),
        ("chat", "generation", {"text": "I'd say the answer is (B)."}),
        ("closed", "generation", {"text": "**B. Lima**"}),
    ],
)
def test_choices_asked_by_letter(
    world: World, family: str, fallback: str, answer: dict[str, Any]
) -> None:
    rejected = LACKS_LOGPROBS if family == "closed" else ()
    marks = [f"Capital {number}?" for number in range(NUM_QUESTIONS - 1)]
    right = [cast(AnswerRule, {"contains": mark, **answer}) for mark in marks]
    behaviour = Behaviour(answers=right, answer="Hm", reject_fields=rejected)
    assert world.run(family, [world.separate()], behaviour, "--mc-fallback", fallback) == 0
    name = world.separate_run(f",mc_fallback={fallback}", family)
    stats = world.stats(name)
    assert (stats["accuracy"]["mean"], stats["accuracy"]["n"]) == (0.75, NUM_QUESTIONS)
    assert stats["num_unparsed"]["sum"] == 1
    spec = json.loads((world.path(name) / "run_spec.json").read_text())["adapter_spec"]
    assert spec["mc_fallback"] == fallback


def test_a_step_that_is_not_there(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    fallback = ("--mc-fallback", "top-logprobs", "--suite", "missing_step")
    assert world.run("closed", [world.separate()], Behaviour(), *fallback) == 1
    assert "closed/m lists none: the step below is generation" in capsys.readouterr().err


def test_a_model_that_can_score_is_not_asked_in_another_way(world: World) -> None:
    scored: AnswerRule = {"contains": "", "text": "", "logprob_of": {" Oslo": -5.0, " Lima": -0.1}}
    more = ("--mc-fallback", "generation", "--suite", "scored")
    assert world.run("base", [world.separate()], Behaviour(answers=[scored]), *more) == 0
    assert world.stats(world.separate_run("", "base"), "scored")["accuracy"]["mean"] == 1
