"""How runs are carried out."""

from pathlib import Path

import msgspec


class ExecutionSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How runs are carried out; nothing here changes a result."""

    output_path: Path
    suite: str
    num_threads: int = 32
    dry_run_names: set[str] = set()  # runs that make all requests and send none
    skip_instances: bool = False
    exit_on_error: bool = False
    max_error_rate: float = 0.05
    max_cost: float | None = None  # in US dollars, of all runs together
    data_mirror: str | None = None
    allow_code_execution: bool = False  # of code that a model wrote
    rescore: bool = False  # finished runs are scored again

    @property
    def suite_path(self) -> Path:
        """Where the suite's runs are."""
        return self.output_path / "runs" / self.suite
