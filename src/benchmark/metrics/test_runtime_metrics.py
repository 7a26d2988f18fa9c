"""Tests of the time requests took."""

from benchmark.adapters.adapter_spec import AdapterSpec
from benchmark.adapters.request_state import RequestState
from benchmark.metrics.basic_metrics import BasicMetric
from benchmark.metrics.runtime_metrics import RuntimeMetric
from benchmark.metrics.stat import Stat
from benchmark.scenarios.scenario import Instance
from common.request import Request, RequestResult


def measure(request_time: float | None) -> list[Stat]:
    result = RequestResult(success=True, completions=[], cached=True, request_time=request_time)
    state = RequestState(instance=Instance("q", []), request=Request(), result=result)
    return RuntimeMetric().evaluate_generation(AdapterSpec(method="generation"), state)


def test_runtime_is_that_of_the_first_call_even_when_cached() -> None:
    (stat,) = measure(1.5)
    assert (stat.name.name, stat.mean) == ("inference_runtime", 1.5)


def test_an_unknown_time_is_not_0() -> None:
    assert measure(None) == []


def test_only_runtime_is_volatile() -> None:
    assert RuntimeMetric.is_volatile
    assert not BasicMetric.is_volatile
