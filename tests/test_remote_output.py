"""`-o URL`: finished runs go where fsspec reaches, and are presented from there."""

import json
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem

from benchmark.remote_output import RemoteOutput
from fake_provider import Behaviour, FakeProvider
from run_process import Commands

NUM_PROMPTS = 6
FILES = ["run_spec.json", "scenario.json", "states.sqlite", "stats.json", "timings.json"]


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as started:
        yield started


@pytest.fixture
def commands(tmp_path: Path, provider: FakeProvider) -> Commands:
    provider.reset()
    provider.set(Behaviour())
    made = Commands(tmp_path, provider.url)
    made.write_mirror(NUM_PROMPTS)
    return made


@pytest.fixture
def there(tmp_path: Path) -> Path:
    path = tmp_path / "there"
    path.mkdir()
    return path


def runs_of(there: Path) -> list[Path]:
    return sorted((there / "runs" / "default").iterdir())


def test_a_finished_run_is_written_there_and_presented_from_there(
    commands: Commands, provider: FakeProvider, there: Path
) -> None:
    url = f"file://{there}"
    ended = commands.run("-o", url)
    ended.assert_done()
    assert f"Results: {url}/runs/default" in ended.stdout
    [run] = runs_of(there)
    assert sorted(path.name for path in run.iterdir()) == FILES
    commands.run().assert_done()  # the same into a folder
    for name in ("run_spec.json", "scenario.json", "stats.json"):
        assert (run / name).read_bytes() == (commands.run_path() / name).read_bytes()
    shown = commands.call("benchmark-present", "-o", url)
    shown.assert_done()
    assert "gsm" in shown.stdout
    [record] = json.loads((there / "runs" / "default" / "runs.json").read_bytes())
    assert record["run_dir"] == f"{url}/runs/default/{run.name}"
    listed = commands.call("benchmark-present", "-o", url, "--list-runs")
    assert f"{run.name}  finished" in listed.stdout
    commands.call("benchmark-present", "-o", url, "--yes", "--delete-run", run.name).assert_done()
    assert not run.exists()


def test_another_machine_goes_on_with_what_is_there(
    commands: Commands, provider: FakeProvider, there: Path
) -> None:
    url = f"file://{there}"
    commands.run("-o", url, "-m", "2").assert_done()
    other = Commands(commands.folder / "other machine", provider.url)
    other.folder.mkdir()
    other.write_mirror(NUM_PROMPTS)
    other.run("-o", url, "-m", "4").assert_done()
    assert provider.counters().requests == 4
    [run] = runs_of(there)
    assert len(json.loads((run / "scenario.json").read_bytes())["instances"]) == 4


def test_a_place_that_can_not_be_written_is_told_before_a_model_is_asked(
    commands: Commands, provider: FakeProvider, there: Path
) -> None:
    (there / "runs").write_text("a file where a folder is to be")
    commands.run("-o", f"file://{there}", "--dry-run").assert_done()
    commands.run("-o", f"file://{there}").assert_failed("can't be written", code=1)
    assert provider.counters().requests == 0


def test_a_finished_run_is_looked_up_without_a_write(commands: Commands, there: Path) -> None:
    url = f"file://{there}"
    commands.run("-o", url).assert_done()
    [run] = runs_of(there)
    assert [path.name for path in run.parent.iterdir()] == [run.name]  # what was tried is gone
    before = [path.stat().st_mtime_ns for path in (run.parent, run, *sorted(run.iterdir()))]
    commands.run("-o", url).assert_done()
    after = [path.stat().st_mtime_ns for path in (run.parent, run, *sorted(run.iterdir()))]
    assert after == before


def test_what_could_not_be_written_is_written_by_the_next_start(
    commands: Commands, provider: FakeProvider, there: Path
) -> None:
    commands.run("--dry-run").assert_done()
    in_the_way = there / "runs" / "default" / commands.run_path().name
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("a file where a folder is to be")
    failed = commands.run("-o", f"file://{there}")
    failed.assert_failed("can't be written", "all is kept in benchmark_output/remote", code=1)
    in_the_way.unlink()
    commands.run("-o", f"file://{there}").assert_done()
    assert provider.counters().requests == NUM_PROMPTS
    assert len(runs_of(there)) == 1


def test_a_url_in_memory_is_as_good_as_any(commands: Commands) -> None:
    commands.run("-o", "memory://results").assert_done()


class Bucket(DirFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Files in a folder, by paths without a slash in front, as in a store of objects."""

    protocol = "bucket"
    folder: Path

    def __init__(self) -> None:
        super().__init__(str(self.folder), LocalFileSystem(auto_mkdir=True))

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.removeprefix("bucket://")

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        raise AssertionError(f"{path} was made")


def test_a_bucket_is_never_made(
    commands: Commands, tmp_path: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands.run("-o", f"file://{tmp_path}/elsewhere").assert_done()
    [finished] = (tmp_path / "benchmark_output" / "remote").iterdir()
    monkeypatch.chdir(tmp_path)
    fsspec.register_implementation("bucket", Bucket, clobber=True)
    monkeypatch.setattr(Bucket, "folder", there, raising=False)
    output = RemoteOutput("bucket://results/2026")
    output.check_writable("default")
    finished.rename(output.work_path)
    [run] = (output.work_path / "runs" / "default").iterdir()
    output.publish_run("default", run.name)
    written = there / "results" / "2026" / "runs" / "default" / run.name
    assert sorted(path.name for path in written.iterdir()) == FILES


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nowhere://bucket", "-o nowhere://bucket can't be used: Protocol not known"),
        (
            "https://user:secret@127.0.0.1:9/x?token=secret",
            "-o https://127.0.0.1:9/x can't be used",
        ),
        ("gs://bucket/results", "-o gs://bucket/results can't be used"),
    ],
    ids=["no such scheme", "no place for files", "a package is missing"],
)
def test_a_url_that_can_not_be_used_is_told_at_once(
    commands: Commands, url: str, words: str
) -> None:
    ended = commands.run("-o", url)
    ended.assert_failed(words)
    assert "secret" not in ended.stderr


def test_nothing_there_is_told(commands: Commands, there: Path) -> None:
    ended = commands.call("benchmark-present", "-o", f"file://{there}")
    ended.assert_failed("there is no finished run in suite 'default'", code=1)


@pytest.mark.parametrize("command", ["benchmark-export", "benchmark-compare", "benchmark-verify"])
def test_other_commands_name_a_folder(commands: Commands, command: str) -> None:
    ended = commands.call(
        command, "-o", "s3://bucket", *(["a", "b"] if "com" in command else ["a"])
    )
    ended.assert_failed("must be a folder of this machine, not the URL s3://bucket", code=2)
