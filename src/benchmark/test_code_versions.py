from pathlib import Path

from benchmark.code_versions import _Source, code_versions, is_ours
from benchmark.run_entries import RunEntry, make_all_run_specs
from benchmark.run_spec import RunSpec
from common.object_spec import ObjectSpec


def spec_of(entry: str) -> RunSpec:
    [(_, spec)] = make_all_run_specs([RunEntry(entry)], "simple/model1")
    return spec


def test_the_code_is_that_of_the_run() -> None:
    code, packages = code_versions(spec_of("gsm"))
    assert code["scenario"].keys() == {
        "benchmark.scenarios.gsm_scenario",
        "benchmark.scenarios.scenario",
    }
    assert code["perturbations"] == {}
    assert "benchmark.adapters.generation_adapter" in code["adapter"]
    # What a metric stands on is part of it, what the run does not use is not.
    assert "benchmark.metrics.statistics" in code["metrics"]
    assert "benchmark.metrics.bias_metrics" not in code["metrics"]
    assert "spacy" not in packages


def test_perturbations_are_part_of_it() -> None:
    code, _ = code_versions(spec_of("gsm:data_augmentation=lower"))
    assert "benchmark.augmentations.lowercase_perturbation" in code["perturbations"]
    assert "benchmark.data_preprocessor" in code["perturbations"]


def test_it_is_the_same_each_time() -> None:
    assert code_versions(spec_of("gsm")) == code_versions(spec_of("gsm"))


def test_a_module_changes_with_its_text_and_with_its_tables(tmp_path: Path) -> None:
    module, table = tmp_path / "one.py", tmp_path / "words.json"
    module.write_text('from numpy import mean\nimport json, re\nTABLE = "words.json"\n')
    table.write_text("[1]")
    (tmp_path / "other.json").write_text("[1]")
    first = _Source(module)
    assert first.packages == {"numpy"}
    (tmp_path / "other.json").write_text("[2]")
    assert _Source(module).sha256 == first.sha256
    table.write_text("[2]")
    assert _Source(module).sha256 != first.sha256


def test_prose_is_no_import(tmp_path: Path) -> None:
    module = tmp_path / "one.py"
    module.write_text('"""Words\n    from the net, and\nimport duties."""\n')
    assert "the" not in _Source(module).imports


def test_strangers_are_not_looked_for() -> None:
    assert is_ours(ObjectSpec("benchmark.scenarios.gsm_scenario.GSMScenario"))
    assert not is_ours(ObjectSpec("antigravity.Anything"))
