"""What `benchmark-run --list` prints."""

import inspect

from benchmark.run_specs.registry import load_run_specs


def list_run_specs() -> str:
    """Return one line a run spec: its name, its arguments, and what it is."""
    rows = []
    for name, function in load_run_specs().items():
        arguments = ",".join(map(_argument, inspect.signature(function).parameters.values()))
        summary = (inspect.getdoc(function) or "").partition("\n")[0]
        rows.append((f"{name}:{arguments}" if arguments else name, summary))
    width = max(len(usage) for usage, _ in rows)
    return "\n".join(f"{usage:<{width}}  {summary}".rstrip() for usage, summary in rows)


def _argument(parameter: inspect.Parameter) -> str:
    if parameter.default is inspect.Parameter.empty:
        return f"{parameter.name}=…"
    return f"[{parameter.name}={parameter.default}]"
