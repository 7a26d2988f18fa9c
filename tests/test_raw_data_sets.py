"""Scenarios whose data can't be had for tests run from fetching to scores, over HTTP.

Those whose data can be had are compared with golden prompts (`test_golden_prompts.py`).
"""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmark.run_specs.registry import load_run_specs
from common.data_mirrors import URLS_FILE
from data_sources import WebServer
from fake_provider import FakeProvider
from golden_instances import golden_run_specs
from raw_data_sets import place_by_hand, raw_files
from run_process import Commands, Ended
from shared_spec import needs_shared

JOINT, SEPARATE = "multiple_choice_joint", "multiple_choice_separate_original"
PASSAGES = "task=passage,use_topk_passages=True,valid_topk=11"
# What to run → how many requests its evaluated instances take.
ENTRIES = {
    "arc:subset=challenge": 2,
    f"arc:subset=challenge,method={SEPARATE}": 8,
    "civil_comments:subject=all": 2,
    "code:dataset=APPS": 1,
    "copyright:datatag=pilot": 1,
    "custom:path=my.jsonl": 1,
    f"custom:path=my.csv,method={JOINT}": 1,
    "disinformation:capability=reiteration": 1,
    "disinformation:capability=wedging": 1,
    "gpqa:subset=main": 1,
    "ice:subset=JA": 1,
    "ifeval": 1,
    "legal_support": 2,
    "lsat_qa:task=all": 2,
    "mmlu_pro:subject=all": 1,
    f"msmarco:track=regular,{PASSAGES}": 11,
    f"msmarco:track=trec,{PASSAGES}": 11,
    "narrative_qa": 2,
    "natural_qa:mode=closedbook": 3,
    "natural_qa:mode=openbook-longans": 3,
    "natural_qa:mode=openbook-wiki": 3,
    "news_qa": 1,
    "pubmed_qa:prompt_answer_choices=True": 2,
    "synthetic_efficiency:tokenizer=huggingface/gpt2,num_input_tokens=16,num_output_tokens=1": 3,
    "the_pile:subset=Wikipedia (en)": 2,
    "twitter_aae:demographic=aa": 2,
    "wikifact:subject=place_of_birth": 2,
    "winogrande": 1,
    f"winogrande:method={SEPARATE}": 2,
}
# What says itself where its data belong, as they can't be downloaded.
BY_HAND = {
    "ice:subset=JA": ("scenarios/ice/ICE-JA", "https://www.ice-corpora.uzh.ch/en.html"),
    "news_qa": (
        "scenarios/newsqa/combined-newsqa-data-v1.json",
        "https://github.com/Maluuba/newsqa",
    ),
    "synthetic_efficiency:tokenizer=mine/tokens,num_input_tokens=3,num_output_tokens=1": (
        "scenarios/synthetic_efficiency/instances",
        "scripts/generate_synthetic_efficiency_instances.py",
    ),
}
OWN_ROWS = [
    {"input": "2+2?", "references": ["4", "5"], "correct": "4", "split": split}
    for split in ("train", "test")
]


@pytest.fixture(scope="module")
def mirror() -> Iterator[WebServer]:
    """A data mirror with all of the files."""
    server = WebServer()
    files = raw_files()
    server.files = {
        f"/{place}": content.encode() if isinstance(content, str) else content
        for place, content in enumerate(files.values())
    }
    index = {url: str(place) for place, url in enumerate(files)}
    server.files[f"/{URLS_FILE}"] = json.dumps(index).encode()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    """A model that scores prompts, too."""
    with FakeProvider() as fake:
        yield fake


def run(commands: Commands, mirror: WebServer, *entries: str) -> Ended:
    """Run entries with at most three instances each."""
    flags = ("--data-mirror", mirror.url, "-m", "3", "-q", "--allow-code-execution")
    return commands.run(*flags, entries=entries)


@pytest.fixture(scope="module")
def finished(
    mirror: WebServer, provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Ended]:
    """All entries, run by one command: the folder of runs, and how it ended."""
    folder = tmp_path_factory.mktemp("raw")
    commands = Commands(folder, provider.url)
    place_by_hand(commands.output_path / "scenarios")
    (folder / "my.jsonl").write_text("".join(json.dumps(row) + "\n" for row in OWN_ROWS))
    rows = ([row["split"], row["input"], '"[""4"", ""5""]"', row["correct"]] for row in OWN_ROWS)
    lines = ["split,input,references,correct", *(",".join(map(str, row)) for row in rows)]
    (folder / "my.csv").write_text("\n".join(lines))
    return commands.output_path / "runs" / "default", run(commands, mirror, *ENTRIES)


def test_every_scenario_finishes(finished: tuple[Path, Ended]) -> None:
    _, ended = finished
    ended.assert_done()
    assert ended.stdout.count("finished") == len(ENTRIES)


@pytest.mark.parametrize("entry", ENTRIES)
def test_what_is_fetched_is_asked_and_scored(entry: str, finished: tuple[Path, Ended]) -> None:
    runs, ended = finished
    names = [line.split("  ")[0] for line in ended.stdout.splitlines() if "finished" in line]
    path = runs / names[list(ENTRIES).index(entry)]
    stats = json.loads((path / "stats.json").read_text())
    counts = {stat["name"]["name"]: stat["sum"] for stat in stats}
    assert counts["num_requests"] == ENTRIES[entry], counts
    assert counts["num_errors"] == 0


@pytest.mark.parametrize("entry", BY_HAND)
def test_what_must_be_placed_by_hand_says_where(
    entry: str, mirror: WebServer, provider: FakeProvider, tmp_path: Path
) -> None:
    run(Commands(tmp_path, provider.url), mirror, entry).assert_failed(*BY_HAND[entry])


@needs_shared
def test_no_run_spec_is_left_out() -> None:
    run_here = {entry.partition(":")[0] for entry in ENTRIES}
    golden = {golden.description.partition(":")[0] for golden in golden_run_specs()}
    assert load_run_specs().keys() - run_here - golden == {"big_bench"}  # has its own tests
