import pytest

from benchmark.adapters.adapter_spec import GENERATION, AdapterSpec
from benchmark.model_selectors import packaged_selectors
from benchmark.run_entries import RunEntry, make_all_run_specs, make_run_specs
from benchmark.run_expanders import expand
from benchmark.run_spec import RunSpec
from benchmark.scenarios.scenario import ScenarioSpec
from common.errors import InvalidRequestError, UnknownNameError
from common.object_spec import parse_object_spec
from shared_spec import GoldenCase, golden_cases, needs_shared

MODEL = "openai-compatible/fake"


def run_spec_named(name: str) -> RunSpec:
    return RunSpec(
        name=name,
        scenario_spec=ScenarioSpec("benchmark.scenarios.gsm_scenario.GSM8KScenario"),
        adapter_spec=AdapterSpec(method=GENERATION),
        metric_specs=[],
    )


def entries_of(*descriptions: str) -> list[RunEntry]:
    return [RunEntry(description) for description in descriptions]


# --- As the reference system does ---------------------------------------------------------------


@needs_shared
@pytest.mark.parametrize("case", golden_cases("parse_object_spec"), ids=lambda case: case.args[0])
def test_descriptions_are_read_as_in_the_reference_system(case: GoldenCase) -> None:
    name, args = parse_object_spec(case.args[0])
    assert {"name": name, "args": args} == case.expected
    assert list(map(type, args.values())) == list(map(type, case.expected["args"].values()))


@needs_shared
@pytest.mark.parametrize(
    "case",
    [case for case in golden_cases("expand_run_name") if case.tag != "quirk"],
    ids=lambda case: str(case.args),
)
def test_names_are_expanded_as_in_the_reference_system(case: GoldenCase) -> None:
    name, expander, value = case.args
    expanded = expand(run_spec_named(name), expander, value)
    assert [run_spec.name for run_spec in expanded] == case.expected


@needs_shared
@pytest.mark.parametrize("case", golden_cases("expander_values"), ids=lambda case: str(case.args))
def test_values_are_expanded_as_in_the_reference_system(case: GoldenCase) -> None:
    field, value = case.args
    expanded = expand(run_spec_named("boolq"), field, value)
    assert [getattr(run_spec.adapter_spec, field) for run_spec in expanded] == case.expected


def test_a_name_without_arguments_gets_a_colon_here() -> None:
    # The reference writes "boolq,data_augmentation=…", which no longer reads as name and arguments.
    [run_spec] = expand(run_spec_named("boolq"), "data_augmentation", "lower")
    assert run_spec.name == "boolq:data_augmentation=lower"


# --- Models -------------------------------------------------------------------------------------


def test_a_run_always_names_its_model() -> None:
    [run_spec] = make_run_specs("gsm", MODEL)
    assert run_spec.name == "gsm:model=openai-compatible_fake"
    assert run_spec.adapter_spec.model == MODEL


def test_an_entry_may_name_its_model() -> None:
    [run_spec] = make_run_specs("gsm:model=simple/model1", MODEL)
    assert run_spec.name == "gsm:model=simple_model1"
    assert run_spec.adapter_spec.model == "simple/model1"


@pytest.mark.parametrize("model", ["4", "4.0", "o1"])
def test_a_models_name_may_look_like_a_number(model: str) -> None:
    [run_spec] = make_run_specs(f"gsm:model={model}", MODEL)
    assert run_spec.adapter_spec.model == model
    assert run_spec.name == f"gsm:model={model}"


# --- Expanders ----------------------------------------------------------------------------------


def test_expanders_apply_in_the_order_written_and_multiply() -> None:
    run_specs = make_run_specs("boolq:num_outputs=2,max_train_instances=all", MODEL)
    assert [run_spec.name for run_spec in run_specs] == [
        f"boolq:num_outputs=2,max_train_instances={number},model=openai-compatible_fake"
        for number in (0, 1, 2, 4, 8, 16)
    ]
    assert [run_spec.adapter_spec.max_train_instances for run_spec in run_specs] == [
        0,
        1,
        2,
        4,
        8,
        16,
    ]
    assert {run_spec.adapter_spec.num_outputs for run_spec in run_specs} == {2}


def test_arguments_of_the_run_spec_stand_before_expanders() -> None:
    [run_spec] = make_run_specs("mmlu:max_train_instances=1,subject=anatomy", MODEL)
    assert run_spec.name == (
        "mmlu:subject=anatomy,max_train_instances=1,model=openai-compatible_fake"
    )
    assert run_spec.scenario_spec.args == {"subject": "anatomy"}


@pytest.mark.parametrize(
    ("option", "perturbation", "args"),
    [
        ("lower", "lowercase_perturbation.LowerCasePerturbation", {}),
        ("extra_space", "extra_space_perturbation.ExtraSpacePerturbation", {"num_spaces": 2}),
    ],
)
def test_augmented_runs_keep_the_originals(
    option: str, perturbation: str, args: dict[str, int]
) -> None:
    [run_spec] = make_run_specs(f"boolq:data_augmentation={option}", MODEL)
    spec = run_spec.data_augmenter_spec
    [perturbation_spec] = spec.perturbation_specs
    assert perturbation_spec.class_name == f"benchmark.augmentations.{perturbation}"
    assert perturbation_spec.args == args
    assert spec.should_augment_eval_instances
    assert spec.should_include_original_eval
    assert not spec.should_augment_train_instances


def test_the_settings_of_the_run_spec_are_kept() -> None:
    [plain] = make_run_specs("gsm", MODEL)
    [expanded] = make_run_specs("gsm:num_train_trials=default", MODEL)
    assert expanded.adapter_spec.num_train_trials == 3
    assert expanded.adapter_spec.stop_sequences == plain.adapter_spec.stop_sequences
    assert expanded.metric_specs == plain.metric_specs
    assert expanded.groups == plain.groups


@pytest.mark.parametrize(
    "description",
    [
        "gsm:num_train_trials=0",
        "gsm:num_train_trials=-1",
        "gsm:num_train_trials=1.5",
        "gsm:num_train_trials=x",
        "gsm:num_train_trials=all",
        "gsm:max_train_instances=-1",
        "gsm:max_train_instances=default",
        "gsm:num_outputs=0",
        "gsm:num_outputs=True",
        "gsm:num_outputs=",
    ],
)
def test_a_number_that_is_none(description: str) -> None:
    with pytest.raises(InvalidRequestError, match="must be a whole number of at least"):
        make_run_specs(description, MODEL)


@pytest.mark.parametrize("value", ["lowr", "", "3"])
def test_an_augmentation_that_is_not_known(value: str) -> None:
    with pytest.raises(UnknownNameError, match="one of extra_space, contrast_sets"):
        make_run_specs(f"gsm:data_augmentation={value}", MODEL)


# --- Names --------------------------------------------------------------------------------------


@pytest.mark.parametrize("description", ["mmlu:subject=a/b", "mmlu:subject=../../etc"])
def test_a_name_is_one_folder(description: str) -> None:
    [run_spec] = make_run_specs(description, MODEL)
    assert "/" not in run_spec.name


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ("gms", "did you mean 'gsm'"),
        ("mmlu", "needs the argument 'subject'"),
        ("gsm:subject=x", "unknown argument 'subject'; run spec 'gsm' has these"),
        ("gsm:", "position 4"),
        ("gsm:=3", "position 4"),
        ("gsm:a=1,b", "position 8"),
        ("boolq:only_contrast=1", "True or False"),
        ("dyck_language:num_parenthesis_pairs=two", "whole number"),
    ],
)
def test_an_entry_that_is_not_valid(description: str, message: str) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        make_run_specs(description, MODEL)


def test_two_entries_do_not_share_a_folder() -> None:
    message = "'gsm:model=a_b' is asked for twice: by 'gsm:model=a/b' and by 'gsm:model=a_b'"
    with pytest.raises(InvalidRequestError, match=message):
        make_all_run_specs(entries_of("gsm:model=a/b", "gsm:model=a_b"), MODEL)
    made = make_all_run_specs(entries_of("gsm", "boolq"), MODEL)
    names = [run_spec.name for _, run_spec in made]
    assert names == [f"{name}:model=openai-compatible_fake" for name in ("gsm", "boolq")]


def test_an_argument_of_all_run_specs_is_suggested() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'max_train_instances'"):
        make_run_specs("gsm:max_train_instance=1", MODEL)


# --- Groups -------------------------------------------------------------------------------------


def test_an_entry_may_add_groups() -> None:
    entry = RunEntry("gsm", groups=["core"])
    [(made_of, run_spec)] = make_all_run_specs([entry], MODEL)
    assert made_of is entry
    assert run_spec.groups == ["core", "gsm"]


def test_a_group_of_models_makes_a_run_of_each() -> None:
    run_specs = make_run_specs("gsm:num_outputs=2,model=code,num_train_trials=3", MODEL)
    assert [run_spec.name for run_spec in run_specs] == [
        f"gsm:num_outputs=2,model=openai_{name},num_train_trials=3"
        for name in ("code-davinci-002", "code-davinci-001", "code-cushman-001")
    ]


def test_chosen_models_take_part_in_groups_that_they_fit() -> None:
    selectors = packaged_selectors().choosing({"openai/davinci": [], "mine/new": ["text", "all"]})
    run_specs = make_run_specs("gsm:model=text", MODEL, selectors)
    models = [run_spec.adapter_spec.model for run_spec in run_specs]
    assert models == ["openai/davinci", "mine/new"]
    assert make_run_specs("gsm:model=code", MODEL, selectors) == []
    assert make_run_specs("gsm:model=other/model", MODEL, selectors) == []


# --- As later releases write them ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("boolq,data_augmentation=lower", "boolq:data_augmentation=lower"),
        ("legal_support,method=multiple_choice_joint:model=a/b", "legal_support:model=a/b"),
        ("mmlu:subject=anatomy,method=multiple_choice_joint", "mmlu:subject=anatomy"),
        ("truthful_qa:task=mc_single,method=multiple_choice_joint", "truthful_qa:task=mc_single"),
        ("civil_comments:demographic=male,model=a/b", "civil_comments:subject=male,model=a/b"),
        ("code:dataset=humaneval", "code:dataset=HumanEval"),
        ("natural_qa:mode=openbook_longans", "natural_qa:mode=openbook-longans"),
        ("bbq:subject=race_x_ses", "bbq:subject=Race_x_SES"),
        ("ice:subset=ind,gender=female", "ice:subset=IND,gender=F"),
        ("summarization_xsum:temperature=0.3,device=cpu", "summarization_xsum:temperature=0.3"),
        ("wikifact:k=5,subject=place_of_birth", "wikifact:k=5,subject=P19"),
        ("gsm:model_deployment=simple/model1", "gsm:model=simple/model1"),
        (
            "synthetic_efficiency:num_prompt_tokens=1,num_output_tokens=2,tokenizer=a/b",
            "synthetic_efficiency:num_input_tokens=1,num_output_tokens=2,tokenizer=a/b",
        ),
    ],
)
def test_entries_of_later_releases_mean_the_same(theirs: str, ours: str) -> None:
    assert make_run_specs(theirs, MODEL) == make_run_specs(ours, MODEL)


def test_an_entry_that_would_mean_something_else_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown argument 'method'"):
        make_run_specs("mmlu:subject=anatomy,method=multiple_choice_separate_original", MODEL)
