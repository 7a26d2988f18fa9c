"""The specification's golden values, which lie in `../shared` where the project is developed.

Tests that need them are skipped elsewhere.
"""

import json
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
SPEC = SHARED / "spec"
PROMPTS = SPEC / "prompts"
DATA = SHARED / "data"

needs_shared = pytest.mark.skipif(not SPEC.is_dir(), reason=f"{SPEC} is not here")


def golden_cases(function: str) -> list[dict[str, Any]]:
    """The cases of `golden.jsonl` for `function`, in file order; none where there is no file."""
    path = SPEC / "golden.jsonl"
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        cases = [json.loads(line) for line in file]
    return [case for case in cases if case["fn"] == function]
