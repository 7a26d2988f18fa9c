"""Lets tests beside the modules import what lies in `tests/`, and gives them the checked cases."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "tests"))

import shared_spec


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
