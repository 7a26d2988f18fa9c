"""Writers of the formats of `benchmark-export`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from benchmark.adapters.request_state import RequestState
from benchmark.export_parquet import write_rows
from benchmark.metrics.metric import split_version
from benchmark.metrics.stat import MetricName, Stat
from benchmark.run_folder import RunFolder
from benchmark.run_results import read_stats
from benchmark.scenarios.scenario import Instance
from benchmark.states_file import StatesFile
from common.errors import DataError
from common.json_files import atomic_writer, write_json

# What tells when and how an answer came, not what it was; another run of the same has others.
_VOLATILE = ("cached", "request_time", "request_datetime", "batch_size", "batch_request_time")
_ENCODER = msgspec.json.Encoder(order="deterministic")


def write_jsonl(folder: RunFolder) -> list[Path]:
    """Write one object a request, in the order of the run, without anything volatile."""
    path = folder.path / "requests.jsonl"
    with _open_states(folder) as states, atomic_writer(path) as file:
        for place, _, state in states.states(states.instances()):
            fields = {"index": place, **_plain(state)}
            if fields["result"] is not None:
                for name in _VOLATILE:
                    del fields["result"][name]
            file.write(_ENCODER.encode(fields) + b"\n")
    return [path]


def write_helm(folder: RunFolder) -> list[Path]:
    """Write the files of a run that the reference system has and we do not.

    `metrics.json` is there once the run is finished.
    """
    record = folder.read_record()
    if record is None:
        raise DataError(f"{folder.path} has no run_spec.json")
    state_path = folder.path / "scenario_state.json"
    stats_path = folder.path / "per_instance_stats.json"
    with _open_states(folder) as states:
        instances = states.instances()
        with atomic_writer(state_path) as file:
            file.write(b'{"adapter_spec":' + msgspec.json.encode(record.run_spec.adapter_spec))
            file.write(b',"request_states":[')
            for place, _, state in states.states(instances):
                fields = _plain(state)
                fields["instance"] = _helm_instance(state.instance)
                file.write((b",\n" if place else b"\n") + _ENCODER.encode(fields))
            file.write(b"]}\n")
        write_json(stats_path, _per_instance_stats(states, instances))
    if not folder.stats_path.exists():
        return [state_path, stats_path]
    metrics_path = folder.path / "metrics.json"
    write_json(metrics_path, [_helm_stat(stat) for stat in read_stats(folder)])
    return [state_path, stats_path, metrics_path]


def write_parquet(folder: RunFolder) -> list[Path]:
    """Write one row a request, in the order of the run, without anything volatile."""
    path = folder.path / "requests.parquet"
    with _open_states(folder) as states:
        write_rows(path, states)
    return [path]


WRITERS: dict[str, Callable[[RunFolder], list[Path]]] = {
    "jsonl": write_jsonl,
    "helm": write_helm,
    "parquet": write_parquet,
}


@contextmanager
def _open_states(folder: RunFolder) -> Iterator[StatesFile]:
    if not folder.states_path.exists():
        raise DataError(f"{folder.path} has no states.sqlite: the run has not been started")
    states = StatesFile(folder.states_path, is_for_reading=True)
    try:
        yield states
    finally:
        states.close()


def _plain(state: RequestState) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(state)
    del fields["prefix_length"]  # a hint for storing it, not part of it
    return fields


def _helm_instance(instance: Instance) -> dict[str, Any]:
    return _flat(msgspec.to_builtins(instance))


def _flat(fields: dict[str, Any]) -> dict[str, Any]:
    """There, a perturbation's arguments stand beside its name."""
    perturbation = fields.get("perturbation")
    if perturbation is not None:
        perturbation |= perturbation.pop("args", {})
    return fields


def _helm_stat(stat: Stat) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(stat)
    _flat(fields["name"])
    return fields | {"values": [], "values_buffer_size": 0}  # it keeps single values; we do not


def _per_instance_stats(states: StatesFile, instances: list[Instance]) -> list[dict[str, Any]]:
    groups: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for place, trial, metric, value in states.values():
        if split_version(metric)[1] is not None:
            continue  # of an earlier version of the metric, for which there is no field
        name, _, k = metric.partition("@")
        instance = instances[place]
        full_name = MetricName(
            name,
            k=int(k) if k else None,
            split=instance.split,
            perturbation=instance.perturbation,
        )
        own_name = _flat(msgspec.to_builtins(full_name))
        stat = {"name": own_name, "count": 1, "sum": value, "mean": value}
        groups.setdefault((place, trial), []).append(stat)
    return [
        {
            "instance_id": instances[place].id,
            "perturbation": _helm_instance(instances[place]).get("perturbation"),
            "train_trial_index": trial,
            "stats": stats,
        }
        for (place, trial), stats in groups.items()
    ]
