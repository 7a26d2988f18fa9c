"""Every request equals the reference system's, byte for byte, on the sample data.

How many do, for each run spec, is printed at the end of the test run. Where a golden file's first
folder is `adjusted`, the reference system was repaired in one stated way first: without that its
requests differ from machine to machine, or ask about the wrong problems.
"""

import json
from pathlib import Path

import pytest

from benchmark.run_entries import make_run_specs
from benchmark.scenarios import bbq_scenario
from golden_prompts import (
    QUIRK,
    Record,
    check_records,
    golden_files,
    make_states,
    read_records,
    to_record,
)
from shared_spec import DATA, PROMPTS, needs_shared

pytestmark = needs_shared

MODEL = "simple/model1"
DEVIATIONS = Path(__file__).parents[1] / "docs" / "deviations.md"
PLAIN_FILES = [*golden_files("*.jsonl"), *golden_files("augmented/*.jsonl")]
ADJUSTED_FILES = golden_files("adjusted/*.jsonl")
# Their order in the golden files is that of a directory listing.
UNORDERED = "subject_filter"
# The golden records were made as if these files were there and empty.
EMPTY_FILES = ["Race_x_SES", "Race_x_gender"]


def by_run(records: list[Record]) -> dict[str, dict[str, list[Record]]]:
    """Records in request order, by description and run spec."""
    groups: dict[str, dict[str, list[Record]]] = {}
    for record in records:
        runs = groups.setdefault(record["description"], {})
        runs.setdefault(record["run_spec"], []).append(record)
    return groups


def in_order(records: list[Record]) -> list[Record]:
    return sorted(records, key=lambda record: record["order"])


@pytest.mark.parametrize("file_name", PLAIN_FILES)
def test_requests_equal_the_references(file_name: str, tmp_path: Path) -> None:
    for description, runs in by_run(read_records(file_name)).items():
        run_specs = make_run_specs(description, MODEL)
        for run_spec, expected in zip(run_specs, runs.values(), strict=True):
            made = [to_record(state) for state in make_states(run_spec, tmp_path)]
            check_records(made, in_order(expected))


@pytest.mark.parametrize("file_name", ADJUSTED_FILES)
def test_requests_equal_the_repaired_references(file_name: str, tmp_path: Path) -> None:
    expected = read_records(file_name)
    [run_spec] = make_run_specs(expected[0]["description"], MODEL)
    mirror = None
    if run_spec.scenario_spec.class_name.endswith(bbq_scenario.BBQScenario.__name__):
        mirror = mirror_with_empty_files(tmp_path / "mirror")
    made = [to_record(state) for state in make_states(run_spec, tmp_path, mirror)]
    if expected[0]["adjusted"] == UNORDERED:
        made, expected = (
            sorted(records, key=lambda record: str(record["prompt_sha256"]))
            for records in (made, expected)
        )
        check_records(made, expected, left_out=["id"])
    else:
        check_records(made, in_order(expected))


def mirror_with_empty_files(folder: Path) -> str:
    """The sample data, and an empty file for what they lack."""
    folder.mkdir()
    (folder / "data").symlink_to(DATA)
    (folder / "empty").write_text("\n")
    paths = json.loads((DATA / "urls.json").read_text(encoding="utf-8"))
    urls = {url: f"data/{path}" for url, path in paths.items()}
    urls |= {bbq_scenario.FILES[name].url: "empty" for name in EMPTY_FILES}
    (folder / "urls.json").write_text(json.dumps(urls), encoding="utf-8")
    return str(folder)


@pytest.mark.parametrize("file_name", golden_files("bold_*.jsonl"))
def test_what_the_reference_asks_of_bold_can_be_asked(file_name: str, tmp_path: Path) -> None:
    expected = in_order(read_records(file_name))
    entry = f"{expected[0]['description']},only_first_prompts=True"
    [run_spec] = make_run_specs(entry, MODEL)
    made = [to_record(state) for state in make_states(run_spec, tmp_path)]
    assert [own["id"] for own in made] == [golden["id"] for golden in expected]


def test_every_quirk_is_explained() -> None:
    tagged = {
        record["description"].partition(":")[0]
        for file_name in (*PLAIN_FILES, *ADJUSTED_FILES)
        for record in read_records(file_name)
        if any(tag.startswith(QUIRK) for tag in record.get("tags", []))
    }
    text = DEVIATIONS.read_text(encoding="utf-8")
    assert tagged
    assert [name for name in sorted(tagged) if f"`{name}" not in text] == []


def test_no_golden_file_is_left_out() -> None:
    index = json.loads((PROMPTS / "index.json").read_text(encoding="utf-8"))
    assert {run_spec["file"] for run_spec in index["run_specs"]} == {*PLAIN_FILES, *ADJUSTED_FILES}
