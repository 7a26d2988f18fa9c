"""The docs are complete, name nothing that is not there, and their commands run.

- Every flag, route, run spec, scenario, metric, perturbation, client and tokenizer has a line.
- Links lead to files and headings that exist.
- Blocks of README.md that begin with "```bash runnable" are run, in order, in an empty folder.
- The examples of docs/api.md that speak other providers' APIs are run against a server.
- Blocks of docs/adding.md whose first line is "# PATH" are written there, and its command is run;
  those of docs/migrating.md that lie below src/ make a run spec, which is run.
"""

import argparse
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from inspect import isabstract
from pathlib import Path
from typing import cast

import pytest

from benchmark import compare, export, present, run, verify
from benchmark.augmentations.perturbation import Perturbation
from benchmark.metrics.match_metrics import MATCH_METRICS
from benchmark.metrics.metric import Metric
from benchmark.run_expanders import EXPANDERS
from benchmark.run_specs.registry import load_run_specs
from benchmark.scenarios.scenario import Scenario
from benchmark.schema import load_groups
from data_sources import make_mirror
from fake_provider import Behaviour, FakeProvider, default_answer
from proxy import server
from proxy.accounts.accounts import Accounts
from proxy.api import build_app
from proxy.cli import main as cli
from proxy.clients.client import Client
from proxy.routes.web import Context
from proxy.services.service import Service
from proxy.tokenizers.tokenizer import Tokenizer
from proxy.toxicity.toxicity_scorer import ToxicityScorer
from proxy_process import ProxyProcess

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
README, RUNNING, API, ADDING, MIGRATING = (
    (ROOT / name).read_text(encoding="utf-8")
    for name in (
        *("README.md", "docs/running.md", "docs/api.md", "docs/adding.md"),
        "docs/migrating.md",
    )
)
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)

PARSERS = {
    "benchmark-run": run.make_parser(),
    "benchmark-present": present.make_parser(),
    "benchmark-export": export.make_parser(),
    "benchmark-compare": compare.make_parser(),
    "benchmark-verify": verify.make_parser(),
    "proxy-server": server._parser(),
    "proxy-cli": cli.make_parser(),
}
# Command → the sections of docs/running.md that describe its flags.
SECTIONS = {
    "benchmark-run": ("benchmark-run", "All commands"),
    "benchmark-present": ("benchmark-present", "benchmark-run", "All commands"),
    "benchmark-export": ("benchmark-export", "All commands"),
    "benchmark-compare": ("benchmark-compare", "All commands"),
    "benchmark-verify": ("benchmark-verify", "All commands"),
    "proxy-server": ("proxy-server", "All commands"),
    "proxy-cli": ("proxy-cli", "All commands"),
}
# Base class → the package that its classes are in.
INTERFACES: list[tuple[type, str]] = [
    (Scenario, "benchmark.scenarios"),
    (Metric, "benchmark.metrics"),
    (Perturbation, "benchmark.augmentations"),
    (Client, "proxy.clients"),
    (Tokenizer, "proxy.tokenizers"),
    (ToxicityScorer, "proxy.toxicity"),
]
END_SECONDS = 120


def section(page: str, title: str) -> str:
    """The text below a heading, up to the next of the same level."""
    return page.split(f"\n## {title}\n", maxsplit=1)[1].split("\n## ", maxsplit=1)[0]


def flags_of(parser: argparse.ArgumentParser) -> set[str]:
    flags = {flag for action in parser._actions for flag in action.option_strings}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            flags = flags.union(*map(flags_of, action.choices.values()))
    return flags


def listed_flags(title: str) -> set[str]:
    """The flags in the first column of the tables of a section."""
    rows = re.findall(r"^\| (`-[^|]*) \|", section(RUNNING, title), re.MULTILINE)
    return set(re.findall(r"`(-[\w-]+)`", " ".join(rows)))


def classes_of(interface: type, package: str) -> list[type]:
    """The classes behind an interface, of the modules of `package`."""
    path = import_module(package).__path__
    found = []
    for module in pkgutil.iter_modules(path):
        if not module.name.startswith(("test_", "conftest")):
            values = vars(import_module(f"{package}.{module.name}")).values()
            found += [
                value
                for value in values
                if isinstance(value, type)
                and issubclass(value, interface)
                and value.__module__ == f"{package}.{module.name}"
                and not isabstract(value)
                and not value.__name__.startswith("_")
            ]
    return found


# --- Everything has a line ----------------------------------------------------------------------


@pytest.mark.parametrize("command", PARSERS)
def test_every_flag_has_a_line(command: str) -> None:
    described = {flag for title in SECTIONS[command] for flag in listed_flags(title)}
    assert flags_of(PARSERS[command]) - described == set()


@pytest.mark.parametrize("command", PARSERS)
def test_every_flag_described_exists(command: str) -> None:
    described = listed_flags(command) | listed_flags("All commands")
    assert described - flags_of(PARSERS[command]) == set()


def test_the_routes_are_those_described() -> None:
    app = build_app(Context(service=cast(Service, None), accounts=cast(Accounts, None)))
    served = {f"{route.method} {route.rule}" for route in app.routes}
    described = set(re.findall(r"^\| `([A-Z]+ /\S*)` \|", API, re.MULTILINE))
    assert served == described


@pytest.mark.parametrize(
    "name", [*load_run_specs(), *load_groups(), *MATCH_METRICS, *EXPANDERS], ids=str
)
def test_every_name_of_an_entry_or_a_score_has_a_line(name: str) -> None:
    assert f"`{name}`" in RUNNING


@pytest.mark.parametrize(
    "name",
    [kind.__name__ for interface, package in INTERFACES for kind in classes_of(interface, package)],
)
def test_every_class_behind_an_interface_has_a_line(name: str) -> None:
    assert re.search(rf"\b{name}\b", TEXT)


# --- What is named exists -----------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The names by which links reach the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        if "://" in path:
            continue
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_files_of_the_architecture_exist() -> None:
    architecture = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+\.(?:py|yaml))`", architecture))
    there = {path.name for path in (ROOT / "src").rglob("*")}
    assert named - there == set()


# --- What is shown runs -------------------------------------------------------------------------


def blocks(page: str, info: str) -> list[str]:
    """The code blocks that begin with "```" and `info`."""
    return re.findall(rf"^```{info}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def run_in(folder: Path, *command: str) -> str:
    """Run a command as a reader would, and return its output; the test fails if it does."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=END_SECONDS,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    script = "\n".join(blocks(README, "bash runnable"))
    for command in ("--list", "-r simple1", "benchmark-present", "benchmark-export"):
        assert command in script
    output = run_in(tmp_path, "bash", "-euo", "pipefail", "-c", script)
    assert "finished" in output
    exported = "benchmark_output/runs/demo/simple1:model=simple_model1/requests.jsonl"
    assert (tmp_path / exported).exists()


@pytest.mark.parametrize("title", ["OpenAI's API", "Anthropic's API"])
def test_the_examples_of_other_apis_run(tmp_path: Path, title: str) -> None:
    text = section(API, title)
    [script], [program] = blocks(text, "bash"), blocks(text, "python")
    with FakeProvider(Behaviour()) as provider:
        proxy = ProxyProcess(tmp_path)
        # In place of the embedded model, whose answers nobody can foretell.
        proxy.deploy("local/smollm2-135m-instruct", provider.url, api="chat")
        with proxy:
            for command in (("bash", "-euo", "pipefail", "-c", script), ("python", "-c", program)):
                *begun, asked = command
                output = run_in(tmp_path, *begun, asked.replace("http://localhost:1959", proxy.url))
                assert default_answer("Hello") in output


def examples() -> Iterator[tuple[str, str]]:
    """Path and text of every file in docs/adding.md."""
    for block in [*blocks(ADDING, "python"), *blocks(ADDING, "yaml")]:
        first_line, _, text = block.partition("\n")
        assert first_line.startswith("# "), "the first line of an example is its path"
        yield first_line.removeprefix("# "), text


def test_the_examples_of_adding_run_together(tmp_path: Path) -> None:
    for path, text in examples():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    [command] = blocks(ADDING, "bash")
    output = run_in(tmp_path, *command.split())
    assert "finished" in output
    [stats] = (tmp_path / "benchmark_output").rglob("stats.json")
    written = stats.read_text(encoding="utf-8")
    assert all(f'"{name}"' in written for name in ("num_words", "uppercase", "num_prompt_tokens"))

    run_in(tmp_path, "benchmark-export")
    [requests] = (tmp_path / "benchmark_output").rglob("requests.jsonl")
    lines = requests.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 4
    assert all('"text":"Capital:!"' in line for line in lines)


def test_what_is_moved_here_runs(tmp_path: Path) -> None:
    for block in blocks(MIGRATING, "python"):
        path, _, text = block.removeprefix("# ").partition("\n")
        if path.startswith("src/"):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
    rows = "train\tA cat?\tMeow\ntest\tA dog?\tWoof\n"
    mirror = make_mirror(tmp_path / "mirror", {"https://animals.example/animals.tsv": rows})
    flags = ("--plugins", "src", "--data-mirror", mirror, "--model", "simple/model1")
    assert "finished" in run_in(tmp_path, "benchmark-run", "-r", "animals", *flags)
    run_in(tmp_path, "benchmark-export")
    [requests] = (tmp_path / "benchmark_output").rglob("requests.jsonl")
    plain, shouted = requests.read_text(encoding="utf-8").splitlines()
    assert "A dog?" in plain
    assert "A dog?!!!" in shouted
