"""The formats of `benchmark-export`, read back with what others read them with."""

import json
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from benchmark.export_formats import write_helm, write_parquet
from benchmark.run_folder import RunFolder
from some_runs import METRIC, write_run

# Of the reference system; others were added since.
STATE_FIELDS = {
    *("instance", "reference_index", "request_mode", "train_trial_index", "output_mapping"),
    *("request", "result", "num_in_context_examples", "num_conditioning_tokens"),
}
RESULT_FIELDS = {
    *("success", "completions", "cached", "request_time", "request_datetime", "error"),
    *("batch_size", "batch_request_time"),
}
STAT_FIELDS = {
    *("name", "count", "sum", "sum_squared", "min", "max", "mean", "variance", "stddev"),
    *("values", "values_buffer_size"),
}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run of two instances and their versions in lower case, in two trials."""
    values = {"id0": [1.0, 0.0], "id1": [1.0, 1.0]}
    perturbed = {"id0": [0.0, 0.0], "id1": [1.0, 0.0]}
    return write_run(
        tmp_path, "gsm:model=m_a", values, perturbed=perturbed, num_train_trials=2, question="Q 💡"
    )


def test_parquet_has_a_row_for_each_request_with_types(folder: RunFolder) -> None:
    [path] = write_parquet(folder)
    table = parquet.read_table(path)
    assert table.num_rows == 8
    assert table.schema.field("temperature").type == pyarrow.float64()
    assert table.schema.field("correct").type == pyarrow.list_(pyarrow.bool_())
    rows = table.to_pylist()
    assert [row["index"] for row in rows] == list(range(8))
    [row] = [
        row
        for row in rows
        if (row["instance_id"], row["train_trial_index"], row["perturbation"])
        == ("id1", 0, "lowercase")
    ]
    assert dict(row["scores"]) == {METRIC: 1.0}
    assert row["completions"] == [" The answer is 1"]
    assert row["prompt"] == "Q: Q 💡 id1?\nA:"
    assert (row["outcome"], row["error"], row["correct"]) == ("ok", None, [True])
    assert path.read_bytes() == write_parquet(folder)[0].read_bytes()


def test_helm_has_the_fields_of_the_reference_system(folder: RunFolder) -> None:
    written = {path.name: json.loads(path.read_bytes()) for path in write_helm(folder)}
    names = ["metrics.json", "per_instance_stats.json", "scenario_state.json"]
    assert sorted(written) == names
    state = written["scenario_state.json"]
    assert state.keys() == {"adapter_spec", "request_states"}
    assert len(state["request_states"]) == 8
    assert state["request_states"][0].keys() >= STATE_FIELDS
    assert state["request_states"][0]["result"].keys() >= RESULT_FIELDS
    assert {frozenset(stat) >= STAT_FIELDS for stat in written["metrics.json"]} == {True}
    of_instances = written["per_instance_stats.json"]
    assert [len(of_instances), of_instances[0]["instance_id"]] == [8, "id0"]
    perturbation = {"name": "lowercase", "robustness": True}
    assert [one["perturbation"] for one in of_instances].count(perturbation) == 4
    assert of_instances[0]["stats"][0]["name"]["name"] == METRIC


def test_a_run_under_way_has_no_metrics_yet(folder: RunFolder) -> None:
    folder.stats_path.unlink()
    names = [path.name for path in write_helm(folder)]
    assert names == ["scenario_state.json", "per_instance_stats.json"]
