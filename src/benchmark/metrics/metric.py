"""What a metric is: request states of one instance in, statistics out."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

from benchmark.adapters.adapter_spec import AdapterSpec
from benchmark.adapters.request_state import RequestState
from benchmark.metrics.stat import Stat
from benchmark.scenarios.scenario import Instance

Part = TypeVar("Part")
_EARLIER = re.compile(r"(.+)@v([1-9][0-9]*)", re.DOTALL)


class Metric:
    """Measures the answers to one instance. A pure function of what it is given.

    Only scorable states are passed in: a request that failed or was refused is counted by the
    runner and scored by nobody. The names of the stats carry no split; the runner adds it.

    `is_volatile`: its values differ from one execution to the next (times); kept apart.
    `is_total`: one value a request, of interest as a sum: neither split nor averaged over trials.
    `higher_is_better`: by the name of a stat, up to an "@". A name that is not listed is neither
        good nor bad: a count. Tables sort by it, and the worst case over perturbations needs it.
    `proportions`: names of stats whose values are shares of 1, such as correct or not.
    `versions`: by the name of a stat; 1 where it is not listed. Raise it in the change that gives
        the same answers another value: scores of two versions are never compared.
    `not_computed`: why some of its stats are left out of this run, if they are.
    """

    is_volatile: ClassVar[bool] = False
    is_total: ClassVar[bool] = False
    higher_is_better: ClassVar[Mapping[str, bool]] = {}
    proportions: ClassVar[Collection[str]] = ()
    versions: ClassVar[Mapping[str, int]] = {}
    not_computed: str = ""

    def evaluate_generation(
        self, adapter_spec: AdapterSpec, request_state: RequestState
    ) -> list[Stat]:
        """Measure one answered request (generation, joint multiple choice, language modelling)."""
        return []

    def evaluate_references(
        self, adapter_spec: AdapterSpec, request_states: list[RequestState]
    ) -> list[Stat]:
        """Measure the answered requests about all references of one instance and trial."""
        return []


class CorpusMetric(Metric, Generic[Part]):
    """Measures all instances at once, where a number is no mean over them: a calibration error.

    What is needed of an instance is extracted as it passes by, and all of it combined at the end:
    for each trial, split and perturbation, and again without some of the instances, which gives
    the interval. So both are pure functions, and `combine` takes little time.
    """

    def extract(self, adapter_spec: AdapterSpec, request_states: list[RequestState]) -> Part | None:
        """Return what is needed of one instance in one trial; None leaves the instance out.

        It is given the states of all its requests, none of which failed.
        """
        raise NotImplementedError

    def combine(self, parts: Sequence[Part]) -> list[Stat]:
        """Measure what was extracted of all instances, at least one; empty where not defined."""
        raise NotImplementedError


class GroupMetric(CorpusMetric[Part]):
    """Measures instances that belong together, such as the passages found for one query.

    `combine` is given one group's parts; means are over groups, each of which counts as the first
    of its instances. A group with a failed request is left out.
    """

    def group_of(self, instance: Instance) -> str | None:
        """Return the group that an instance belongs to; None for none."""
        raise NotImplementedError


def earlier_name(name: str, version: int) -> str:
    """What a stat is called when a later version of its metric has taken its name."""
    return f"{name}@v{version}"


def split_version(name: str) -> tuple[str, int | None]:
    """Take the name of a stat apart: NAME@v2 is NAME of version 2; None for the present one."""
    found = _EARLIER.fullmatch(name)
    return (found[1], int(found[2])) if found else (name, None)


def base_name(name: str) -> str:
    """The part of a stat's name that tells what it is: that before an "@"."""
    return name.partition("@")[0]
