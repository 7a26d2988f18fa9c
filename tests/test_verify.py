"""`benchmark-verify`, as its users call it, on a real run of the test model that copies words."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from benchmark import verify
from benchmark.run_folder import RunFolder
from benchmark.scenarios.scenario import ScenarioSpec
from run_process import Commands

NUM = 6
RUN = "gsm:model=simple_model1"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """A finished run, which no test changes."""
    commands = Commands(tmp_path_factory.mktemp("verify"), "")
    commands.write_mirror(NUM)
    arguments = ["-r", "gsm", "--model", "simple/model1", "--data-mirror", str(commands.mirror)]
    commands.call("benchmark-run", *arguments, "--local-path", "base").assert_done()
    return commands


@pytest.fixture
def verified(
    finished: Commands, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Verifies a copy of the run in `tmp_path`; asserts the exit code and returns all output."""
    shutil.copytree(finished.output_path, tmp_path, dirs_exist_ok=True)

    def run(*arguments: str, code: int, run: str = RUN) -> str:
        flags = ["-o", str(tmp_path), "--local-path", str(tmp_path / "base")]
        given = [run, *flags, "--data-mirror", str(finished.mirror), *arguments]
        assert verify.main(given) == code
        output = capsys.readouterr()
        return output.out + output.err

    return run


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "runs" / "default", RUN)


def change_record(folder: RunFolder, change: Callable[[dict[str, Any]], object]) -> None:
    """Change `run_spec.json` by hand."""
    path = folder.path / "run_spec.json"
    fields = json.loads(path.read_text())
    change(fields)
    path.write_text(json.dumps(fields))


def execute(folder: RunFolder, statement: str) -> None:
    with closing(sqlite3.connect(folder.states_path)) as connection, connection:
        connection.execute(statement)


def files_below(path: Path) -> Iterator[tuple[Path, bytes]]:
    for file in sorted(path.iterdir()):
        if not file.name.endswith(("-shm", "-wal")):  # readers of SQLite make these
            yield file, file.read_bytes()


def test_a_run_that_nobody_touched(verified: Callable[..., str], folder: RunFolder) -> None:
    before = list(files_below(folder.path))
    text = verified(code=0)
    assert text.splitlines() == [
        f"{RUN}: as recorded",
        f"  {NUM} prompts were made again and compared byte for byte",
    ]
    assert list(files_below(folder.path)) == before


def test_the_command(finished: Commands) -> None:
    arguments = [f"default/{RUN}", "--data-mirror", str(finished.mirror), "--json"]
    ended = finished.call("benchmark-verify", *arguments)
    ended.assert_done()
    [found] = json.loads(ended.stdout).values()
    assert found == {"differences": [], "unchecked": [], "notes": [], "num_prompts": NUM}


def test_the_record_holds_hashes(finished: Commands) -> None:
    path = finished.output_path / "runs" / "default" / RUN / "run_spec.json"
    provenance = json.loads(path.read_text())["provenance"]
    assert len(provenance["data_files"]) == 2
    assert len(provenance["prompts_sha256"]) == len(provenance["parameters_sha256"]) == 64
    assert "benchmark.scenarios.gsm_scenario" in provenance["code"]["scenario"]
    assert "benchmark.metrics.basic_metrics" in provenance["code"]["metrics"]
    assert provenance["packages"].keys() >= {"python", "lm-bench"}


def test_a_changed_byte_of_the_data(verified: Callable[..., str], tmp_path: Path) -> None:
    [path] = tmp_path.glob("scenarios/*/test.jsonl")
    path.write_text(path.read_text().replace("test 3: Tom", "test 3: Tim"))
    text = verified(code=4)
    assert f"{path} no longer holds what was fetched" in text
    assert "the instances made of it are others" in text
    assert f"1 of {NUM} evaluated instances are others" in text
    assert f"prompts: those of 1 of {NUM} requests are others" in text
    assert "test 3: Tom HAS" in text
    assert "test 3: Tim HAS" in text


def test_another_file_of_the_mirror(
    finished: Commands, verified: Callable[..., str], tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "scenarios")
    mirror = Commands(tmp_path, "")
    mirror.write_mirror(NUM + 1)
    text = verified("--data-mirror", str(mirror.mirror), code=4)
    assert "test.jsonl is another file than the run read" in text
    assert "train.jsonl" not in text
    assert f"the run has {NUM} instances, now {NUM + 1}" in text


def test_a_changed_prompt(verified: Callable[..., str], folder: RunFolder) -> None:
    execute(folder, "UPDATE states SET ending = ending || ' Cheat!' WHERE id = 2")
    text = verified(code=4)
    assert f"prompts: those of 1 of {NUM} requests are others" in text
    assert "Cheat!" in text
    assert "prompts_sha256 does not fit states.sqlite" in text


def test_changed_parameters(verified: Callable[..., str], folder: RunFolder) -> None:
    old, new = '"temperature":0.0', '"temperature":0.9'
    execute(folder, f"UPDATE texts SET text = replace(text, '{old}', '{new}')")
    text = verified(code=4)
    assert f"parameters: those of {NUM} of {NUM} requests are others" in text
    assert "parameters_sha256 does not fit" in text
    assert "prompts_sha256" not in text


def test_other_code_and_packages(verified: Callable[..., str], folder: RunFolder) -> None:
    def change(fields: dict[str, Any]) -> None:
        provenance = fields["provenance"]
        provenance["code"]["metrics"]["benchmark.metrics.basic_metrics"] = "0" * 64
        provenance["packages"]["msgspec"] = "0.1"

    change_record(folder, change)
    text = verified(code=4)
    assert "code (metrics): changed since the run: benchmark.metrics.basic_metrics\n" in text
    assert "package: msgspec was 0.1 and is " in text
    assert "2 things differ" in text


def test_a_record_changed_by_hand(verified: Callable[..., str], folder: RunFolder) -> None:
    change_record(folder, lambda fields: fields["adapter_spec"].update(max_tokens=7))
    text = verified(code=4)
    assert "run_spec.json has been changed since it was written" in text
    assert f"parameters: those of {NUM} of {NUM}" in text


def test_another_model_of_that_name(verified: Callable[..., str], folder: RunFolder) -> None:
    record, provenance = folder.read_record(), folder.read_provenance()
    assert record is not None
    folder.write_record(replace(record, deployment=record.deployment | {"model": "m2"}), provenance)
    assert "model: its model was 'm2' and is 'model1'" in verified(code=4)


def test_a_model_that_is_not_here(verified: Callable[..., str], folder: RunFolder) -> None:
    change_record(folder, lambda fields: fields["adapter_spec"].update(model="gone/model"))
    text = verified(code=4)
    assert "model: taken from the record, since it is not known here" in text
    assert "prompts: those of" not in text


def test_data_that_is_not_there(verified: Callable[..., str], tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "scenarios")
    text = verified("--data-mirror", str(tmp_path / "none"), code=1)
    assert "not compared: data and prompts: can't fetch" in text
    assert "is not a folder" in text


def test_a_run_that_was_cut_off(verified: Callable[..., str], folder: RunFolder) -> None:
    execute(folder, "DELETE FROM states WHERE id >= 4")
    record, provenance = folder.read_record(), folder.read_provenance()
    assert record is not None
    assert provenance is not None
    folder.write_record(record, replace(provenance, prompts_sha256=None))
    text = verified(code=1)
    assert "nothing differs of what could be compared" in text
    assert "2 requests have no answer" in text


def test_a_record_of_an_earlier_version(verified: Callable[..., str], folder: RunFolder) -> None:
    change_record(folder, lambda fields: fields.pop("provenance"))
    assert "by a version that did not record them" in verified(code=1)


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"name": 1}', "[" * 100_000, '{"hash": "", "provenance": 3}']
)
def test_garbage(verified: Callable[..., str], folder: RunFolder, content: str) -> None:
    (folder.path / "run_spec.json").write_text(content)
    text = verified(code=1)
    assert "run_spec.json can't be read" in text
    assert len(text.splitlines()) == 1


def test_no_run(verified: Callable[..., str], tmp_path: Path) -> None:
    text = verified(code=1, run=str(tmp_path))
    assert "no folder with a run_spec.json" in text


@pytest.mark.parametrize("name", ["subprocess.Popen", "benchmark.run_spec.RunSpec", "x", "a..b"])
def test_a_strangers_classes_are_not_called(
    verified: Callable[..., str], folder: RunFolder, tmp_path: Path, name: str
) -> None:
    record = folder.read_record()
    assert record is not None
    spec = ScenarioSpec(name, {"args": ["touch", str(tmp_path / "called")]})
    folder.write_record(replace(record, run_spec=replace(record.run_spec, scenario_spec=spec)))
    assert "is no scenario of this program" in verified(code=2)
    assert not (tmp_path / "called").exists()
