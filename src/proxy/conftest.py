"""The embedded model for tests: one engine for all of them, which ends soon after."""

import os
from pathlib import Path

import pytest

MODEL_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="session")
def model_path() -> Path:
    """The weights that `scripts/fetch_model.sh` gets; without them the test is skipped."""
    root = Path(__file__).parents[2]
    named = os.environ.get("LM_BENCH_MODEL_FILE")
    path = Path(named) if named else root / "prod_env" / "models" / MODEL_FILE
    if not path.is_file():
        pytest.skip(f"no model file {path}: run scripts/fetch_model.sh")
    return path


@pytest.fixture(scope="session")
def model_base_path(model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base path whose `models/` has the weights; workers of pytest-xdist share it."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    return linked_base_path(base / "embedded", model_path)


def linked_base_path(base: Path, model_path: Path) -> Path:
    """Make a base path with the weights, and so an engine of its own."""
    link = base / "models" / MODEL_FILE
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.symlink_to(model_path.resolve())
    return base
