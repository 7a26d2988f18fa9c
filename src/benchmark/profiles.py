"""Profiles: what is asked in another way because a model can't be asked in the plain one.

Each part of a profile is an argument of run entries, so that it stands in the run's name. What
follows from the deployment is added here: a model that thinks gets tokens to think with.
"""

import re
from collections import Counter
from functools import cache

from msgspec.structs import replace

from benchmark.adapters.adapter_spec import (
    GENERATED,
    LANGUAGE_MODELING,
    SEPARATE_METHODS,
    TOP_LOGPROBS,
    AdapterSpec,
)
from benchmark.run_expanders import DEFAULT_REASONING_TOKENS, expand
from benchmark.run_spec import RunSpec
from common.authentication import Authentication
from common.errors import BenchError, InvalidRequestError
from proxy.services.service import DeploymentInfo, Service

PROMPT_LOGPROBS = "prompt-logprobs"
MC_FALLBACKS = (PROMPT_LOGPROBS, TOP_LOGPROBS, GENERATED)


def with_profiles(
    run_specs: list[RunSpec],
    service: Service,
    auth: Authentication,
    mc_fallback: str = PROMPT_LOGPROBS,
) -> list[RunSpec]:
    """Return `run_specs`, each with what its deployment makes necessary.

    Args:
        mc_fallback: How separate multiple choice is asked where a deployment can't score prompts;
            `PROMPT_LOGPROBS` leaves it as it is.

    Raises:
        InvalidRequestError: Two of them would then be one.
    """

    @cache
    def find(model: str, deployment: str | None) -> DeploymentInfo | None:
        try:
            return service.get_deployment(auth, model, deployment)
        except BenchError:
            return None  # whoever runs it is told

    made = []
    for spec in run_specs:
        found = find(spec.adapter_spec.model, spec.adapter_spec.deployment)
        if found is not None:
            spec = _fitted(spec, found, mc_fallback)
        made.append(spec)
    names = Counter(spec.name for spec in made)
    twice = next((name for name, times in names.items() if times > 1), None)
    if twice is not None:
        raise InvalidRequestError(f"the run {twice!r} is asked for twice: leave one entry out")
    return made


def check_can_be_asked(spec: AdapterSpec, deployment: DeploymentInfo) -> None:
    """Refuse what the deployment can't do for any request of a run.

    Raises:
        InvalidRequestError: Says what it can't do, and what to do instead.
    """
    _check_scoring(spec, deployment)
    can = deployment.capabilities
    if can is not None and spec.chat is not None and can.messages == "unsupported":
        raise InvalidRequestError(
            f"chat={spec.chat} needs a chat, and {deployment.name} takes none: leave it out"
        )
    if can is not None and spec.reasoning is not None and can.reasoning == "unsupported":
        raise InvalidRequestError(
            f"reasoning={spec.reasoning}: {deployment.name} does not think; leave it out"
        )
    if spec.mc_fallback == TOP_LOGPROBS and not _lists_candidates(deployment):
        raise InvalidRequestError(
            f"mc_fallback={TOP_LOGPROBS} compares the log-probabilities of letters, and "
            f"{deployment.name} lists none: the step below is {GENERATED}"
        )
    longest = deployment.max_output_length
    if longest is not None and spec.max_tokens > longest:
        raise InvalidRequestError(
            f"{deployment.name} writes at most {longest} tokens, and max_tokens is "
            f"{spec.max_tokens}: add max_tokens={longest} to the entry"
        )


def _check_scoring(spec: AdapterSpec, deployment: DeploymentInfo) -> None:
    if can_score_prompts(deployment):
        return
    if spec.method in SEPARATE_METHODS:
        steps = [TOP_LOGPROBS, GENERATED] if _lists_candidates(deployment) else [GENERATED]
        ways = {
            TOP_LOGPROBS: "compares the log-probabilities of the choices' letters",
            GENERATED: "has a letter generated",
        }
        offered = "; ".join(f"--mc-fallback {step} {ways[step]}" for step in steps)
        raise InvalidRequestError(
            f"{spec.method} scores each choice in a prompt, which {deployment.name} can't "
            f"(it gives no log-probabilities of prompts). Choose another way: {offered}"
        )
    if spec.method == LANGUAGE_MODELING:
        raise InvalidRequestError(
            f"{spec.method} scores prompts, which {deployment.name} can't: it gives no "
            "log-probabilities of prompts, and nothing stands in for them"
        )


def can_score_prompts(deployment: DeploymentInfo) -> bool:
    """Whether the deployment tells the log-probabilities of a prompt, as far as is known."""
    can = deployment.capabilities
    return can is None or (can.has_prompt_logprobs and can.echo_prompt != "unsupported")


def _lists_candidates(deployment: DeploymentInfo) -> bool:
    can = deployment.capabilities
    if can is None:
        return True
    is_listed = can.has_logprobs and can.top_k_per_token == "native"  # noqa: S105 (no password)
    # With one candidate there is nothing to compare.
    return is_listed and (can.max_candidates is None or can.max_candidates > 1)


def _fitted(spec: RunSpec, deployment: DeploymentInfo, mc_fallback: str) -> RunSpec:
    adapter = spec.adapter_spec
    if (
        mc_fallback != PROMPT_LOGPROBS
        and adapter.method in SEPARATE_METHODS
        and not can_score_prompts(deployment)
    ):
        spec = _with_argument(spec, "mc_fallback", mc_fallback)
        adapter = spec.adapter_spec
    is_generated = adapter.method not in (*SEPARATE_METHODS, LANGUAGE_MODELING)
    can = deployment.capabilities
    if can is not None and can.thinks and is_generated and adapter.reasoning is None:
        spec = _with_argument(spec, "reasoning", DEFAULT_REASONING_TOKENS)
    return spec


def _with_argument(spec: RunSpec, key: str, value: object) -> RunSpec:
    """The run spec as if its entry had the argument: where it is put, the model stays last."""
    model = f"model={spec.adapter_spec.model.replace('/', '_')}"
    if not re.search(f"[:,]{re.escape(model)}$", spec.name):
        return expand(spec, key, value)[0]
    bare = spec.name[: -len(model) - 1]
    [made] = expand(replace(spec, name=bare), key, value)
    return replace(made, name=f"{made.name},{model}")
