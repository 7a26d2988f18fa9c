"""A run as a Parquet file, for pandas, Polars, DuckDB: one row a request, columns with types."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from benchmark.adapters.request_state import RequestState
from benchmark.scenarios.scenario import PerturbationDescription
from benchmark.states_file import StatesFile
from common.errors import MissingExtraError
from common.json_files import atomic_writer
from common.request import Sequence

_ROWS_AT_ONCE = 5_000
_ENCODER = msgspec.json.Encoder(order="deterministic")

_Read = Callable[[RequestState], Any]

# Column → type and value. Where a request has several completions, columns hold lists.
_COLUMNS: dict[str, tuple[str, _Read]] = {
    "instance_id": ("string", lambda state: state.instance.id),
    "split": ("string", lambda state: state.instance.split),
    "sub_split": ("string", lambda state: state.instance.sub_split),
    "perturbation": ("string", lambda state: _name(state.instance.perturbation)),
    "perturbation_args": ("string", lambda state: _json(_args(state.instance.perturbation))),
    "input": ("string", lambda state: state.instance.input),
    "references": ("strings", lambda state: [one.output for one in state.instance.references]),
    "correct": ("booleans", lambda state: [one.is_correct for one in state.instance.references]),
    "train_trial_index": ("int32", lambda state: state.train_trial_index),
    "reference_index": ("int32", lambda state: state.reference_index),
    "request_mode": ("string", lambda state: state.request_mode),
    "window_index": ("int32", lambda state: state.window_index),
    "num_in_context_examples": ("int32", lambda state: state.num_in_context_examples),
    "num_conditioning_tokens": ("int32", lambda state: state.num_conditioning_tokens),
    "is_truncated": ("bool", lambda state: state.is_truncated),
    "output_mapping": ("string", lambda state: _json(state.output_mapping)),
    "model": ("string", lambda state: state.request.model),
    "prompt": ("string", lambda state: state.request.prompt),
    "temperature": ("float64", lambda state: state.request.temperature),
    "max_tokens": ("int32", lambda state: state.request.max_tokens),
    "request": ("string", lambda state: _json(_request(state))),
    "outcome": ("string", lambda state: _of_result(state, "outcome")),
    "error": ("string", lambda state: _of_result(state, "error")),
    "completions": ("strings", lambda state: [one.text for one in _completions(state)]),
    "logprobs": ("floats", lambda state: [one.logprob for one in _completions(state)]),
    "num_completion_tokens": ("ints", lambda state: [len(x.tokens) for x in _completions(state)]),
    "finish_reasons": ("strings", lambda state: [_reason(one) for one in _completions(state)]),
    "prompt_tokens": ("int32", lambda state: _usage(state, "prompt_tokens")),
    "completion_tokens": ("int32", lambda state: _usage(state, "completion_tokens")),
    "served_model": ("string", lambda state: _of_result(state, "served_model")),
}


def write_rows(path: Path, states: StatesFile) -> None:
    """Write all requests of a run, in order, without anything volatile.

    `scores` holds the values of the instance's metrics in that trial, by name: the same at each
    request about it.

    Raises:
        MissingExtraError: The package that writes such files is not installed.
        StorageError: The file can't be written.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("--format parquet", "parquet") from error
    kinds = {
        "strings": pyarrow.list_(pyarrow.string()),
        "booleans": pyarrow.list_(pyarrow.bool_()),
        "floats": pyarrow.list_(pyarrow.float64()),
        "ints": pyarrow.list_(pyarrow.int32()),
    }
    columns = [
        (name, kinds[kind] if kind in kinds else pyarrow.type_for_alias(kind))
        for name, (kind, _) in _COLUMNS.items()
    ]
    scores = pyarrow.map_(pyarrow.string(), pyarrow.float64())
    schema = pyarrow.schema([("index", pyarrow.int64()), *columns, ("scores", scores)])
    rows = _rows(states)
    with (
        atomic_writer(path) as file,
        parquet.ParquetWriter(file, schema, compression="zstd") as writer,
    ):
        while batch := list(islice(rows, _ROWS_AT_ONCE)):
            writer.write_table(pyarrow.Table.from_pylist(batch, schema=schema))


def _rows(states: StatesFile) -> Iterator[dict[str, Any]]:
    scores: dict[tuple[int, int], list[tuple[str, float]]] = {}
    for place, trial, metric, value in states.values():
        scores.setdefault((place, trial), []).append((metric, value))
    for index, place, state in states.states(states.instances()):
        row = {name: read(state) for name, (_, read) in _COLUMNS.items()}
        own = sorted(scores.get((place, state.train_trial_index), []))
        yield {"index": index, **row, "scores": own}


def _json(value: Any) -> str | None:
    return None if value is None else _ENCODER.encode(value).decode()


def _name(perturbation: PerturbationDescription | None) -> str | None:
    return None if perturbation is None else perturbation.name


def _args(perturbation: PerturbationDescription | None) -> dict[str, Any] | None:
    return None if perturbation is None else perturbation.args or None


def _request(state: RequestState) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(state.request)
    del fields["prompt"]  # has a column
    return fields


def _of_result(state: RequestState, field: str) -> Any:
    return None if state.result is None else getattr(state.result, field)


def _completions(state: RequestState) -> list[Sequence]:
    return [] if state.result is None else state.result.completions


def _reason(completion: Sequence) -> str | None:
    return (completion.finish_reason or {}).get("reason")


def _usage(state: RequestState, field: str) -> int | None:
    usage = None if state.result is None else state.result.usage
    return None if usage is None else getattr(usage, field)
