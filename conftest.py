"""Lets tests beside the modules import what lies in `tests/`, and gives them the checked cases."""

import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent / "tests"))
# What hypothesis keeps of the code it has seen is of use to nobody in this folder.
os.environ.setdefault(
    "HYPOTHESIS_STORAGE_DIRECTORY", str(Path(tempfile.gettempdir(), "hypothesis"))
)

import golden_counts
import shared_spec

if TYPE_CHECKING:
    from postgresql_server import PostgresqlServer


def pytest_configure() -> None:
    """Give each of several test processes cores of its own, with all that it starts.

    Two engines of two compute threads each on the same two cores wait for each other, and take ten
    times as long.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None or not hasattr(os, "sched_setaffinity"):
        return
    number = int(worker.removeprefix("gw"))
    num_workers = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    cores = sorted(os.sched_getaffinity(0))
    own = cores[number::num_workers]
    if own:
        os.sched_setaffinity(0, own)


@pytest.fixture(scope="session")
def golden_cases() -> Callable[[str], list[shared_spec.GoldenCase]]:
    """A function from a name to its cases; without the file the test is skipped."""
    if not shared_spec.SPEC.exists():
        pytest.skip(f"the checked cases in {shared_spec.SHARED} are not on this machine")

    def cases_of(name: str) -> list[shared_spec.GoldenCase]:
        found = shared_spec.golden_cases(name)
        assert found, f"no golden case for {name}"
        return found

    return cases_of


@pytest.fixture(scope="session")
def postgresql() -> Iterator["PostgresqlServer"]:
    """A server for all tests; each has a database of its own. Without one they are skipped."""
    # Few tests need it, and it takes as long to import as all the others together.
    from postgresql_server import CanNotStartError, PostgresqlServer

    with ExitStack() as stack:
        try:
            server = stack.enter_context(PostgresqlServer())
        except (CanNotStartError, OSError) as error:
            pytest.skip(f"there is no PostgreSQL: {error}")
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind; SQLite's is a file in `tmp_path`."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/proxy.sqlite"
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    return server.new_schema()


@pytest.fixture(autouse=True)
def _log_levels() -> Iterator[None]:
    """A command that a test runs in this process sets the levels of our loggers for all others."""
    loggers = [logging.getLogger(name) for name in ("common", "proxy", "benchmark")]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process of pytest-xdist has counted."""
    golden_counts.give(getattr(node, "workeroutput", {}).get("golden_counts", {}))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what this process of pytest-xdist has counted."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["golden_counts"] = golden_counts.take()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many golden prompts were met, if any were compared."""
    lines = list(golden_counts.report())
    if lines:
        terminalreporter.section("golden prompts: equal / compared")
        terminalreporter.write("\n".join(lines) + "\n")
