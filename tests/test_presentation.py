"""What is packaged for whole suites holds together: conf files, run specs, metrics, the schema."""

import re
import time
from collections import Counter
from functools import cache
from importlib import import_module
from inspect import getsource
from pathlib import Path
from pkgutil import iter_modules
from sys import modules

import pytest

from benchmark import metrics, run
from benchmark.conf_files import QUICK_SUITE_CONF, RUN_SPECS_CONF, packaged_conf, read_entries
from benchmark.data_augmentations import AUGMENTATIONS
from benchmark.metrics.match_metrics import MATCH_METRICS
from benchmark.metrics.metric import Metric, base_name
from benchmark.metrics.stat import MetricName, Stat
from benchmark.run_entries import RunEntry, make_all_run_specs, make_run_specs
from benchmark.run_spec import MetricSpec, RunSpec
from benchmark.schema import group_of, load_groups, load_schema, unknown_names
from common.object_spec import get_class

MODEL = "simple/model1"
INTERACTION_CONF = "run_specs_interaction.conf"
# The examples of the reference system's README.
README_EXAMPLES = [
    "mmlu:subject=philosophy",
    "synthetic_reasoning_natural:difficulty=easy",
    "twitter_aae:demographic=aa",
    "copyright:datatag=pilot",
    "disinformation:capability=reiteration",
    "wikifact:k=2,subject=P31",
    "code:dataset=APPS",
    "the_pile:subset=OpenSubtitles",
    "wikifact:subject=P31",
    "raft:subset=ade_corpus_v2",
    "natural_qa:mode=closedbook",
    "natural_qa:mode=openbook-longans",
    "quac",
    "wikitext_103",
    "blimp:phenomenon=irregular_forms",
    "narrative_qa",
    "news_qa",
    "imdb",
    "real_toxicity_prompts",
]
# Not in a conf file, but with groups of their own.
FURTHER_ENTRIES = [
    "commonsense:dataset=piqa,method=multiple_choice_joint",
    "commonsense:dataset=siqa,method=multiple_choice_joint",
    "natural_qa:mode=openbook-wiki",
    "pubmed_qa:prompt_answer_choices=True",
    "arc:subset=challenge",
    "arc:subset=easy,method=multiple_choice_separate_original",
    "big_bench:task=date_understanding",
    "custom:path=my.jsonl",
    "gpqa:subset=main",
    "ifeval",
    "mmlu_pro:subject=all",
    "winogrande",
    "ice:subset=CAN,split=spoken,gender=F",
    "ice:subset=CAN,split=written,gender=M",
]
# Measured for every run.
RUNTIME = MetricSpec("benchmark.metrics.runtime_metrics.RuntimeMetric")


@cache
def all_run_specs() -> list[RunSpec]:
    """A run spec of every entry, for one model."""
    entries = read_entries(packaged_conf(RUN_SPECS_CONF))
    entries += [RunEntry(entry) for entry in FURTHER_ENTRIES]
    return [
        make_run_specs(f"{entry.description},model={MODEL}", MODEL)[0]
        if ":" in entry.description
        else make_run_specs(entry.description, MODEL)[0]
        for entry in entries
    ]


# --- Conf files ---------------------------------------------------------------------------------


def test_the_conf_file_has_all_entries_of_the_reference_system() -> None:
    entries = read_entries(packaged_conf(RUN_SPECS_CONF))
    assert len(entries) == 434
    assert Counter(entry.priority for entry in entries) == {1: 76, 2: 90, 3: 103, 4: 165}
    assert {entry.status for entry in entries} == {"READY"}


def test_the_conf_file_stands_for_as_many_runs() -> None:
    made = make_all_run_specs(read_entries(packaged_conf(RUN_SPECS_CONF)), MODEL)
    assert len(made) == 11_227
    names = [run_spec.name for _, run_spec in made]
    assert "mmlu:subject=virology,model=together_yalm,data_augmentation=canonical" in names


def test_the_conf_file_of_the_interaction_study() -> None:
    run_specs = make_all_run_specs(read_entries(packaged_conf(INTERACTION_CONF)), MODEL)
    assert len(run_specs) == 57
    models = {run_spec.adapter_spec.model for _, run_spec in run_specs}
    assert models == {"openai/text-davinci-001"}


@pytest.mark.parametrize("entry", README_EXAMPLES)
def test_examples_of_the_reference_system_can_be_made(entry: str) -> None:
    [run_spec] = make_run_specs(entry, MODEL)
    assert get_class(run_spec.scenario_spec)


def test_the_whole_suite_is_made_fast(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    start = time.process_time()
    code = run.main(["-c", RUN_SPECS_CONF, "--skip-instances", "-q"])
    assert time.process_time() - start < 5
    printed = capsys.readouterr()
    assert (code, printed.out) == (0, "11227 of 11227 runs can be made\n"), printed.err[:2000]


# --- The schema ---------------------------------------------------------------------------------


def test_every_group_of_a_run_spec_is_in_the_schema() -> None:
    groups = {group for run_spec in all_run_specs() for group in run_spec.groups}
    # Of BIG-bench's 167 tasks each has a group, which needs no display name.
    groups = {group for group in groups if not group.startswith("big_bench_")}
    assert groups - load_groups().keys() == set()


def test_every_group_in_the_schema_is_that_of_a_run_spec() -> None:
    quick = make_all_run_specs(read_entries(packaged_conf(QUICK_SUITE_CONF)), MODEL)
    run_specs = [*all_run_specs(), *(run_spec for _, run_spec in quick)]
    groups = {group for run_spec in run_specs for group in run_spec.groups}
    assert load_groups().keys() - groups == set()


def computes(metric_spec: MetricSpec, stat: str) -> bool:
    """Whether a metric makes a stat of that name: it stands in its arguments or its module."""
    name = base_name(stat)
    if name in MATCH_METRICS:
        return name in metric_spec.args.get("names", [])
    kind = get_class(metric_spec)
    values = [str(value) for value in metric_spec.args.values()]
    words = [*values, getsource(modules[kind.__module__]), *kind.higher_is_better]
    return any(name in word for word in words)


def test_every_run_has_the_main_stat_of_its_group() -> None:
    missing = set()
    for run_spec in all_run_specs():
        group = group_of(run_spec)
        assert group is not None, run_spec.name
        metric_specs = [*run_spec.metric_specs, RUNTIME]
        if not any(computes(metric, stat) for stat in group.stats for metric in metric_specs):
            missing.add((run_spec.name, group.name))
    assert missing == set()


def test_every_stat_that_is_shown_is_described() -> None:
    schema = load_schema()
    named = {metric.name for metric in schema.metrics}
    shown = {stat for group in schema.groups for stat in group.stats}
    shown |= {stat for group in schema.stat_groups for stat in group.stats}
    assert shown - named == set()
    assert MATCH_METRICS.keys() - named == set()


def metric_classes() -> list[type[Metric]]:
    """All metrics of ours."""
    names = [module.name for module in iter_modules(metrics.__path__)]
    found = [import_module(f"benchmark.metrics.{name}") for name in names if "test" not in name]
    values = [value for module in found for value in vars(module).values()]
    return [value for value in values if isinstance(value, type) and issubclass(value, Metric)]


def test_every_name_that_a_metric_emits_is_described() -> None:
    names = {
        name for kind in metric_classes() for name in (*kind.higher_is_better, *kind.proportions)
    }
    for kind in metric_classes():
        # What is neither good nor bad stands in the code only.
        names |= set(re.findall(r'MetricName\("([^"]+)"', getsource(modules[kind.__module__])))
    assert unknown_names(Stat(name=MetricName(name)) for name in names) == set()


def test_what_the_schema_refers_to_is_in_it() -> None:
    schema = load_schema()
    sections = {section.name for section in schema.sections}
    assert {group.section for group in schema.groups} == sections
    perturbations = {perturbation.name for perturbation in schema.perturbations}
    assert {name for group in schema.stat_groups for name in group.perturbations} <= perturbations
    stat_groups = {group.name for group in schema.stat_groups}
    used = {name for setting in schema.table_settings for name in setting.stat_groups}
    assert used == stat_groups


def test_every_perturbation_of_an_option_is_described() -> None:
    named = {perturbation.name for perturbation in load_schema().perturbations}
    runs = [specs for option in AUGMENTATIONS.values() for _, specs in option]
    assert {get_class(spec).name for specs in runs for spec in specs} <= named
