"""How many golden prompts this test run has met; it is printed at the end."""

from collections import Counter
from collections.abc import Iterator

_num_compared: Counter[str] = Counter()
_num_equal: Counter[str] = Counter()
_quirks: dict[str, set[str]] = {}


def add(run_spec: str, is_equal: bool, quirks: set[str]) -> None:
    """Count a prompt; `quirks` are what the reference system does with it that we do not."""
    _num_compared[run_spec] += 1
    _num_equal[run_spec] += is_equal
    if not is_equal:
        _quirks.setdefault(run_spec, set()).update(quirks)


def take() -> dict[str, tuple[int, int, list[str]]]:
    """What one process has counted, as plain data for another."""
    return {
        name: (num, _num_equal[name], sorted(_quirks.get(name, ())))
        for name, num in _num_compared.items()
    }


def give(counted: dict[str, tuple[int, int, list[str]]]) -> None:
    """Add what another process has counted."""
    for name, (num_compared, num_equal, quirks) in counted.items():
        _num_compared[name] += num_compared
        _num_equal[name] += num_equal
        if quirks:
            _quirks.setdefault(name, set()).update(quirks)


def report() -> Iterator[str]:
    """A line for each run spec, and one for all; none where nothing was compared."""
    for name in sorted(_num_compared):
        why = f"  {', '.join(sorted(_quirks[name]))}" if name in _quirks else ""
        yield f"{name:<28} {_num_equal[name]:>5} / {_num_compared[name]}{why}"
    if _num_compared:
        yield f"{'all':<28} {_num_equal.total():>5} / {_num_compared.total()}"
