"""Golden cases: what the reference system's own functions gave for small arguments."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
GOLDEN_FILE = REPOSITORY.parent / "shared" / "spec" / "golden.jsonl"


class GoldenCase(msgspec.Struct, frozen=True):
    """What the function named `fn` gives for `args`; floats are rounded to 10 digits."""

    fn: str
    args: list[Any]
    expected: Any
    tag: str | None = None
    original: Any = None


@pytest.fixture(scope="session")
def golden_cases() -> Callable[[str], list[GoldenCase]]:
    """A function from a name to its cases; without the file the test is skipped."""
    if not GOLDEN_FILE.exists():
        pytest.skip("no golden cases: ../shared/spec/golden.jsonl is missing")
    cases = msgspec.json.Decoder(GoldenCase).decode_lines(GOLDEN_FILE.read_bytes())

    def cases_of(name: str) -> list[GoldenCase]:
        found = [case for case in cases if case.fn == name]
        assert found, f"no golden case for {name}"
        return found

    return cases_of
