"""The scripts that are run by hand do what they say: each is run as a person would run it."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from common.old_stores import read_store

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "scripts"
BIN = Path(sys.executable).parent
MODEL = "together/bloom"
# A deployment that counts no tokens, so that none of a tokenizer's files is needed.
DEPLOYMENTS = """
model_deployments:
  - name: together/bloom
    client_spec:
      class_name: proxy.clients.together_offline_client.TogetherOfflineClient
      args: {model_name: bloom}
"""
ENTRY = "synthetic_reasoning:mode=induction"
RUN = "synthetic_reasoning:mode=induction,model=together_bloom"


def call(folder: Path, *command: str | Path, code: int = 0, **variables: str) -> str:
    """Run a command in `folder` and return what it printed; the test fails if it ends otherwise."""
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"} | variables,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout


def script(folder: Path, name: str, *arguments: str | Path, code: int = 0) -> str:
    return call(folder, sys.executable, SCRIPTS / name, *arguments, code=code)


def write_lines(path: Path, *rows: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# --- Together -----------------------------------------------------------------------------------


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """An answer in the form that batches have."""
    logprobs = {"tokens": [" rule"], "token_logprobs": [-0.5], "top_logprobs": [{" rule": -0.5}]}
    choice = {"text": " rule", "finish_reason": "length", "logprobs": logprobs}
    result = {
        "choices": [choice] * request["n"],
        "request_time": {"batch_time": 2.0, "batch_size": 8},
    }
    return {"request": request, "result": result}


@pytest.fixture
def offline(tmp_path: Path) -> Path:
    """A folder with the deployment, and the entry's requests made and not sent."""
    base = tmp_path / "prod_env"
    base.mkdir()
    (base / "model_deployments.yaml").write_text(DEPLOYMENTS)
    command = ("benchmark-run", "-r", ENTRY, "--model", MODEL, "-m", "5", "--suite", "together")
    call(tmp_path, *command, "--dry-run")
    return tmp_path


def export(folder: Path) -> list[dict[str, Any]]:
    suite = "benchmark_output/runs/together"
    script(folder, "together/together_export_requests.py", suite, "prod_env")
    return read_lines(folder / "requests.jsonl")


def test_requests_go_out_and_answers_come_in(offline: Path) -> None:
    requests = export(offline)
    assert len(requests) == 5
    assert requests[0].keys() == {
        *("engine", "prompt", "temperature", "n", "max_tokens", "best_of", "logprobs"),
        *("stop", "echo", "top_p"),
    }
    lines = (offline / "requests.jsonl").read_text().splitlines()
    assert lines[0] == json.dumps(
        requests[0], sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )

    write_lines(offline / "results.jsonl", *map(answer, requests[:3]))
    command = ("together/together_import_results.py", "results.jsonl", "prod_env")
    assert script(offline, *command, "-d") == "3 of 3 answers can be stored\n"
    assert len(export(offline)) == 5, "a dry run stores nothing"
    assert "3 entries were stored" in script(offline, *command)
    assert export(offline) == requests[3:]
    write_lines(offline / "results.jsonl", *map(answer, requests))
    assert "2 entries were stored, 3 were there already" in script(offline, *command)
    assert export(offline) == []

    call(offline, "benchmark-run", "-r", ENTRY, "--model", MODEL, "-m", "5", "--suite", "together")
    stats = json.loads((offline / f"benchmark_output/runs/together/{RUN}/stats.json").read_text())
    counts = {stat["name"]["name"]: stat["sum"] for stat in stats}
    assert (counts["num_scored"], counts["num_errors"]) == (5, 0)


def test_a_salt_is_written_and_found_again(tmp_path: Path, offline: Path) -> None:
    entry = "synthetic_efficiency:num_input_tokens=3,num_output_tokens=2,tokenizer=a/b,random=7"
    texts = tmp_path / "benchmark_output/scenarios/synthetic_efficiency/instances"
    texts.mkdir(parents=True)
    for index in range(10):
        name = f"input_tokens=3,tokenizer=a_b,id={index}.txt"
        (texts / name).write_text("the same text")
    run = ("benchmark-run", "-r", entry, "--model", MODEL, "--suite", "together")
    call(tmp_path, *run, "--dry-run")
    salted = [request for request in export(tmp_path) if "random" in request]
    assert [request["random"] for request in salted] == ["7"], "the same request once"
    write_lines(tmp_path / "results.jsonl", answer(salted[0]))
    script(tmp_path, "together/together_import_results.py", "results.jsonl", "prod_env")
    assert "finished" in call(tmp_path, *run)


def test_runs_and_cache_may_be_the_reference_systems(offline: Path) -> None:
    expected = export(offline)
    call(offline, "benchmark-export", "--suite", "together", "--format", "helm")
    [run] = (offline / "benchmark_output/runs/together").glob("*/")
    (run / "states.sqlite").unlink()
    assert export(offline) == expected

    cache = offline / "prod_env" / "cache" / "together.sqlite"
    cache.parent.mkdir()
    with closing(sqlite3.connect(cache)) as connection:
        connection.execute("CREATE TABLE unnamed (key TEXT PRIMARY KEY, value BLOB)")
    write_lines(offline / "results.jsonl", *map(answer, expected[:2]))
    import_results = ("together/together_import_results.py", "results.jsonl", cache)
    assert "2 of 2 answers can be stored" in script(offline, *import_results, "-d")
    assert "2 answers: 2 were stored" in script(offline, *import_results)
    assert "2 answers: 0 were stored" in script(offline, *import_results)
    assert [value for _, value in read_store(cache)] == [answer(expected[0])["result"]] * 2
    suite = "benchmark_output/runs/together"
    script(offline, "together/together_export_requests.py", suite, cache)
    assert read_lines(offline / "requests.jsonl") == expected[2:]


def test_what_is_wrong_with_a_batch_is_told(offline: Path) -> None:
    empty = offline / "empty"
    empty.mkdir()
    script(offline, "together/together_export_requests.py", empty, "prod_env", code=2)
    command = ("together/together_import_results.py", "results.jsonl", "prod_env")
    script(offline, *command, code=2)
    write_lines(offline / "results.jsonl", {"request": {"engine": "bloom"}, "result": {}})
    assert "0 of 1 answers" in script(offline, *command, code=1)


def test_requests_of_several_models_are_made_side_by_side(tmp_path: Path) -> None:
    base = tmp_path / "prod_env"
    base.mkdir()
    (base / "model_deployments.yaml").write_text(
        DEPLOYMENTS + DEPLOYMENTS.replace("bloom", "yalm").split("model_deployments:\n")[1]
    )
    (tmp_path / "my.conf").write_text('"dyck_language:num_parenthesis_pairs=2,model=text": {}\n')
    shell = SCRIPTS / "generate-together-requests.sh"
    models = f"{MODEL} together/yalm"
    call(tmp_path, shell, "-c", "my.conf", "-m", "2", MODELS=models)
    runs = sorted((tmp_path / "benchmark_output/runs/together").glob("*/states.sqlite"))
    assert len(runs) == 2
    assert "dry-run" in (tmp_path / "dryrun_together-yalm.log").read_text()


# --- Suites -------------------------------------------------------------------------------------


def test_models_are_run_side_by_side_and_shown_together(tmp_path: Path) -> None:
    (tmp_path / "my.conf").write_text('"dyck_language:num_parenthesis_pairs=2,model=all": {}\n')
    shell = SCRIPTS / "benchmark-present-all.sh"
    flags = ("-c", "my.conf", "-m", "2", "--suite", "all")
    printed = call(tmp_path, shell, *flags, MODELS="simple/model1")
    assert "simple/model1" in printed
    assert "exact_match_indicator" in printed
    assert "finished" in (tmp_path / "simple-model1.log").read_text()


def test_runs_that_are_the_same_twice(tmp_path: Path) -> None:
    (tmp_path / "my.conf").write_text(
        '"dyck_language:num_parenthesis_pairs=2": {}\n"synthetic_reasoning:mode=induction": {}\n'
    )
    flags = ("-c", "my.conf", "-m", "5", "--model", "simple/model1")
    printed = script(tmp_path, "verify_reproducibility.py", *flags)
    assert "2 of 2 runs are the same" in printed


def test_a_run_that_differs_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "mine" / "benchmark" / "scenarios").mkdir(parents=True)
    (tmp_path / "mine" / "benchmark" / "run_specs").mkdir(parents=True)
    (tmp_path / "mine/benchmark/scenarios/pid_scenario.py").write_text(
        "import os\n"
        "from benchmark.scenarios.scenario import Instance, Scenario\n"
        "class PidScenario(Scenario):\n"
        "    name, description, tags = 'pid', 'pid', []\n"
        "    def get_instances(self, output_path):\n"
        "        return [Instance(str(os.getpid()), [], 'test')]\n"
    )
    (tmp_path / "mine/benchmark/run_specs/pid.py").write_text(
        "from benchmark.adapters.adapter_spec import GENERATION, AdapterSpec\n"
        "from benchmark.run_spec import RunSpec\n"
        "from benchmark.run_specs.registry import run_spec\n"
        "from benchmark.scenarios.scenario import ScenarioSpec\n"
        "@run_spec('pid')\n"
        "def pid() -> RunSpec:\n"
        "    return RunSpec(name='pid', metric_specs=[],\n"
        "        scenario_spec=ScenarioSpec('benchmark.scenarios.pid_scenario.PidScenario'),\n"
        "        adapter_spec=AdapterSpec(method=GENERATION))\n"
    )
    (tmp_path / "my.conf").write_text('"pid": {}\n')
    flags = ("-c", "my.conf", "--model", "simple/model1", "--plugins", "mine")
    printed = script(tmp_path, "verify_reproducibility.py", *flags, code=1)
    assert "differs in line" in printed
    assert "0 of 1 runs are the same" in printed


# --- Texts of an exact length -------------------------------------------------------------------


def test_texts_have_the_number_of_tokens_that_they_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    urls = {}
    for number in (*("11/11-0", "1342/1342-0", "1661/1661-0", "2554/2554-0"), "pg1184"):
        name = number.replace("/", "_") + ".txt"
        words = (f"word{number[-3:]}x{place}" for place in range(2100))
        (tmp_path / "mirror" / name).write_text(" ".join(words))
        folder = "cache/epub/1184" if number == "pg1184" else "files"
        urls[f"https://www.gutenberg.org/{folder}/{number}.txt"] = name
    (tmp_path / "mirror" / "urls.json").write_text(json.dumps(urls))
    base = tmp_path / "prod_env"
    base.mkdir()
    (base / "model_deployments.yaml").write_text(
        "tokenizers:\n  - name: own/characters\n    tokenizer_spec:\n"
        "      {class_name: character_tokenizer.CharacterTokenizer}\n"
    )
    (tmp_path / "character_tokenizer.py").write_text(
        "from proxy.tokenizers.tokenizer import Tokenizer\n"
        "class CharacterTokenizer(Tokenizer):\n"
        "    def encode(self, text): return [ord(character) for character in text]\n"
        "    def decode(self, ids): return ''.join(map(chr, ids))\n"
        "    def tokenize(self, text): return list(text)\n"
    )
    flags = ("--tokenizers", "own/characters", "--lengths", "7", "30", "--data-mirror", "mirror")
    command = (sys.executable, SCRIPTS / "generate_synthetic_efficiency_instances.py", *flags)
    call(tmp_path, *command, PYTHONPATH=str(tmp_path))
    written = tmp_path / "benchmark_output/scenarios/synthetic_efficiency/instances"
    texts = {path.name: path.read_text() for path in written.iterdir()}
    assert len(texts) == 20
    assert texts["input_tokens=7,tokenizer=own_characters,id=0.txt"] == "word1-0"
    # Five books in turn: the sixth text goes on where the first ended.
    assert texts["input_tokens=7,tokenizer=own_characters,id=5.txt"] == "x2048 w"
    assert {len(text) for text in texts.values()} == {7, 30}


# --- Facts --------------------------------------------------------------------------------------


def test_facts_become_sentences(tmp_path: Path) -> None:
    dump = tmp_path / "dump"
    people = [f"Q{number}" for number in range(1, 13)]
    triples = [{"qid": qid, "property_id": "P31", "value": "Q100"} for qid in people]
    others = [("Q1", "P9999", "Q100"), ("Q50", "P31", "Q100"), ("Q51", "P31", "Q100")]
    triples += [dict(zip(("qid", "property_id", "value"), row, strict=True)) for row in others]
    write_lines(dump / "entity_rels.jsonl", *triples)
    names = {qid: [f"Person {qid}", f"P. {qid}"] for qid in people}
    names |= {"Q100": ["human", "person"], "Q50": ["List of people"], "Q51": ["Unseen"]}
    aliases = [{"qid": qid, "alias": name} for qid in names for name in names[qid]]
    write_lines(dump / "aliases.jsonl", *aliases, {"qid": "Q7777", "alias": "Nobody"})
    write_lines(dump / "pages.jsonl", *({"qid": qid} for qid in names if qid != "Q51"))

    assert "14 facts" in script(tmp_path, "fact_completion/fetch_facts.py", dump, "facts")
    pages = ("--wikipedia", dump / "pages.jsonl")
    assert "12 facts" in script(tmp_path, "fact_completion/filter_facts.py", "facts", *pages)
    script(tmp_path, "fact_completion/create_benchmark.py", "facts", "data")

    rows = {name: read_lines(tmp_path / f"data/{name}.jsonl") for name in ("train", "dev", "test")}
    assert {name: len(found) for name, found in rows.items()} == {"train": 10, "dev": 2, "test": 0}
    row = rows["train"][0]
    assert row["template"] == f"{row['query_name']} is an instance of"
    assert row["result_names"] == [["human", "person"]]
    assert (row["property"], row["domain"]) == ("P31", "general")
    assert json.loads((tmp_path / "data/stats.json").read_text()) == {"P31": 12}


def test_every_property_of_wikifact_has_a_sentence() -> None:
    subjects = (ROOT / "src/benchmark/scenarios/wikifact_subjects.txt").read_text().split()
    seeds = [
        line.split(",", maxsplit=1)
        for path in (SCRIPTS / "fact_completion/seed_relations").glob("*.csv")
        for line in path.read_text().splitlines()[1:]
    ]
    assert sorted(relation for relation, _ in seeds) == sorted(subjects)
    assert all("[X]" in template for _, template in seeds)
