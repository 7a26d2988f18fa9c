"""Lets the tests beside the modules import what lies in `tests/`, such as `fake_provider`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "tests"))
