"""What a metric is: request states of one instance in, statistics out."""

from typing import ClassVar

from benchmark.adapters.adapter_spec import AdapterSpec
from benchmark.adapters.request_state import RequestState
from benchmark.metrics.stat import Stat


class Metric:
    """Measures the answers to one instance. A pure function of what it is given.

    Only scorable states are passed in: a request that failed or was refused is counted by the
    runner and scored by nobody. The names of the stats carry no split; the runner adds it.

    `is_volatile`: its values differ from one execution to the next (times); kept apart.
    `is_total`: one value a request, of interest as a sum: neither split nor averaged over trials.
    """

    is_volatile: ClassVar[bool] = False
    is_total: ClassVar[bool] = False

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
