"""Samples of a run as pages see them: an instance in one trial, and all that was asked of it."""

from typing import Any

import msgspec

from benchmark.scenarios.scenario import Instance
from common.request import RequestResult


class Asked(msgspec.Struct, frozen=True):
    """Which samples of a run are asked for; the default is all."""

    filter: str = ""
    text: str = ""
    split: str = ""
    perturbation: str = ""


class SampleRow(msgspec.Struct, frozen=True):
    """A sample in a list; texts are cut. `value` is that of the metric that was asked for."""

    place: int
    id: str | None
    trial: int
    split: str | None
    perturbation: dict[str, Any] | None
    input: str
    references: list[str]
    outcome: str | None
    completion: str | None
    error: str | None
    value: float | None


class SampleRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request about a sample. The prompt is the sum of `beginning`, `input` and `ending`;
    neighbours share the beginning: instructions and examples. `read_as` is what each completion is
    read as, "" for nothing, where the run's profile reads them."""

    place: int
    reference_index: int | None
    request_mode: str | None
    window_index: int
    num_in_context_examples: int
    is_truncated: bool
    beginning: str
    input: str
    ending: str
    request: dict[str, Any]
    output_mapping: dict[str, str] | None
    result: RequestResult | None
    is_chat: bool = False  # the prompt was sent as messages; its text shows the roles
    read_as: list[str] | None = None


class Version(msgspec.Struct, frozen=True):
    """The same instance in another trial, or perturbed."""

    place: int
    trial: int
    perturbation: dict[str, Any] | None


class Sample(msgspec.Struct, frozen=True):
    """All that is known of one instance in one trial."""

    place: int
    trial: int
    instance: Instance
    requests: list[SampleRequest]
    values: dict[str, float]
    versions: list[Version]
