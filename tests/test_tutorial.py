"""docs/tutorial.md is true: its commands run as they stand, in order, and end as it says.

The embedded model answers, and the test model that copies words.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TUTORIAL = ROOT / "docs" / "tutorial.md"
COMPARE = "benchmark-compare --suite tutorial simple"
END_SECONDS = 300


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """The commands of each block, and what they print; all in one empty folder."""
    folder = tmp_path_factory.mktemp("tutorial")
    # As in the folder that the tutorial's first step has filled.
    (folder / "prod_env").mkdir()
    (folder / "prod_env" / "models").symlink_to(ROOT / "prod_env" / "models")
    text = TUTORIAL.read_text(encoding="utf-8")
    found = []
    for info, content in re.findall(r"^```(\w+ \w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if info == "text questions":
            (folder / "questions.jsonl").write_text(content, encoding="utf-8")
        elif info == "bash runnable":
            found.append((content, output_of(content, folder)))
    return found


def output_of(script: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=END_SECONDS,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def output_with(outputs: list[tuple[str, str]], command: str) -> str:
    """What the first block with `command` prints."""
    return next(output for script, output in outputs if command in script)


def without_numbers(text: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "#", text)


def test_both_models_are_run(outputs: list[tuple[str, str]]) -> None:
    assert output_with(outputs, "benchmark-run").count("finished") == 4
    assert "local/smollm2-135m-instruct" in output_with(outputs, "benchmark-present")


def test_the_verdicts_are_those_of_the_page(outputs: list[tuple[str, str]]) -> None:
    verdicts = [line for line in TUTORIAL.read_text().splitlines() if line.startswith("B is")]
    found = [text for script, text in outputs if script.startswith(COMPARE) or "-m 12" in script]
    assert len(verdicts) == len(found) == 2
    for verdict, text in zip(verdicts, found, strict=True):
        # Other processors round otherwise, and may answer a question otherwise.
        assert without_numbers(verdict) in map(without_numbers, text.splitlines())


def test_the_reason_is_the_model(outputs: list[tuple[str, str]]) -> None:
    why = output_with(outputs, "--why")
    assert "adapter_spec.model" in why
    assert "prompts are others" not in why


def test_the_runs_can_be_verified(outputs: list[tuple[str, str]]) -> None:
    assert output_with(outputs, "benchmark-verify").count("as recorded") == 2
