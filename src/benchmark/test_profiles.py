"""What a deployment makes necessary, and what it can't do."""

from typing import Any, cast

import pytest

from benchmark.leaderboard import column_label
from benchmark.profiles import check_can_be_asked, with_profiles
from benchmark.run_entries import make_run_specs
from benchmark.run_spec import RunSpec
from common.authentication import Authentication
from common.errors import InvalidRequestError, UnknownNameError
from proxy.clients.capabilities import Capabilities
from proxy.services.service import DeploymentInfo, Service

AUTH = Authentication("")
SEPARATE = "commonsense:dataset=hellaswag,method=multiple_choice_separate_original"
CAN_NOT_SCORE = Capabilities(echo_prompt="unsupported", has_prompt_logprobs=False)


class OneModel:
    """A service with one model; any other is not known."""

    def __init__(self, capabilities: Capabilities) -> None:
        self._info = DeploymentInfo(name="a/b", identity={}, capabilities=capabilities)

    def get_deployment(
        self, auth: Authentication, model: str, deployment: str | None = None
    ) -> DeploymentInfo:
        if model != "a/b":
            raise UnknownNameError("model", model, ["a/b"])
        return self._info


def spec_of(entry: str) -> RunSpec:
    [spec] = make_run_specs(entry, "a/b")
    return spec


def fitted(entry: str, mc_fallback: str = "prompt-logprobs", **fields: Any) -> RunSpec:
    service = cast(Service, OneModel(Capabilities(**fields)))
    [spec] = with_profiles([spec_of(entry)], service, AUTH, mc_fallback)
    return spec


def check(entry: str, max_output_length: int | None = None, **fields: Any) -> None:
    capabilities = Capabilities(**fields)
    info = DeploymentInfo(
        name="a/b",
        identity={},
        capabilities=capabilities,
        max_output_length=max_output_length,
    )
    check_can_be_asked(spec_of(entry).adapter_spec, info)


def test_most_models_are_asked_in_the_plain_way() -> None:
    assert fitted("gsm") == spec_of("gsm")
    assert fitted("gsm:model=x/y", thinks=True) == spec_of("gsm:model=x/y")
    assert spec_of("gsm").adapter_spec.profile == ""


def test_a_model_that_thinks_gets_tokens_to_think_with() -> None:
    spec = fitted("gsm", thinks=True)
    assert spec.name == "gsm:reasoning=8192,model=a_b"
    assert spec.adapter_spec.reasoning == 8192
    assert spec == spec_of("gsm:reasoning=default")
    assert fitted("gsm:reasoning=9", thinks=True).name == "gsm:reasoning=9,model=a_b"


@pytest.mark.parametrize("fallback", ["top-logprobs", "generation"])
def test_a_fallback_is_for_models_that_can_not_score(fallback: str) -> None:
    assert fitted(SEPARATE, fallback) == spec_of(SEPARATE)
    lacks = {"echo_prompt": "unsupported", "has_prompt_logprobs": False}
    spec = fitted(SEPARATE, fallback, **lacks)
    assert spec == spec_of(f"{SEPARATE},mc_fallback={fallback}")
    assert spec.adapter_spec.method == "multiple_choice_joint"
    assert fitted("gsm", fallback, **lacks) == spec_of("gsm")


def test_two_entries_that_become_one_run() -> None:
    specs = [spec_of(SEPARATE), spec_of(f"{SEPARATE},mc_fallback=generation")]
    service = cast(Service, OneModel(CAN_NOT_SCORE))
    with pytest.raises(InvalidRequestError, match="is asked for twice"):
        with_profiles(specs, service, AUTH, "generation")


@pytest.mark.parametrize(
    ("entry", "fields", "message"),
    [
        (SEPARATE, {"has_prompt_logprobs": False}, "--mc-fallback top-logprobs"),
        (SEPARATE, {"echo_prompt": "unsupported", "has_logprobs": False}, "--mc-fallback gen"),
        ("wikitext_103", {"has_prompt_logprobs": False}, "nothing stands in for them"),
        (f"{SEPARATE},mc_fallback=top-logprobs", {"max_candidates": 1}, "lists none"),
        ("gsm:chat=turns", {"messages": "unsupported"}, "takes none: leave it out"),
        ("gsm:reasoning=5", {"reasoning": "unsupported"}, "does not think; leave it out"),
        ("gsm", {"max_output_length": 256}, "add max_tokens=256 to the entry"),
    ],
)
def test_what_can_not_be_asked(entry: str, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        check(entry, **fields)


def test_what_can_be_asked() -> None:
    check(SEPARATE)
    check("gsm:max_tokens=256", max_output_length=256)
    check(f"{SEPARATE},mc_fallback=generation", has_prompt_logprobs=False, has_logprobs=False)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("gsm:chat=system", "there is user and turns"),
        ("gsm:answers=free", "there is parsed"),
        ("gsm:reasoning=0", "whole number of at least 1"),
        ("gsm:mc_fallback=generation", "scored choice by choice"),
        (f"{SEPARATE},mc_fallback=letters", "there is top-logprobs and generation"),
        (f"{SEPARATE},chat=turns", "scores what is given"),
        (f"{SEPARATE},answers=parsed", "scores what is given"),
    ],
)
def test_a_profile_that_makes_no_sense(entry: str, message: str) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        spec_of(entry)


def test_other_profiles_have_columns_of_their_own() -> None:
    labels = [
        column_label(spec_of(entry))
        for entry in ("gsm", "gsm:chat=turns", "gsm:model=a/b,chat=turns", "gsm:model=a/b")
    ]
    assert labels == ["gsm", "gsm:chat=turns", "gsm:chat=turns", "gsm"]
    assert spec_of("gsm:chat=turns,answers=parsed").adapter_spec.profile == (
        "chat=turns,answers=parsed"
    )


def test_what_is_scored_choice_by_choice_becomes_a_question_with_letters() -> None:
    spec = spec_of(f"{SEPARATE},mc_fallback=generation").adapter_spec
    assert spec.instructions.endswith("Answer with the letter of the choice that fits best.")
    assert (spec.output_prefix, spec.max_tokens) == ("\nAnswer: ", 100)
    assert spec.are_answers_read
