"""What the answers of a sample are read as, where the run's profile reads them."""

from msgspec.structs import replace

from benchmark.adapters.adapter_spec import AdapterSpec
from benchmark.adapters.request_state import RequestState
from benchmark.metrics.answer_reading import read_completion
from benchmark.web.sample import Sample, SampleRequest
from common.request import Request


def with_read_answers(sample: Sample, spec: AdapterSpec) -> Sample:
    """Return `sample` with what each completion is read as; as it is where none is read."""
    if not spec.are_answers_read:
        return sample
    return replace(sample, requests=[_read(sample, one, spec) for one in sample.requests])


def _read(sample: Sample, asked: SampleRequest, spec: AdapterSpec) -> SampleRequest:
    if asked.result is None:
        return asked
    state = RequestState(
        instance=sample.instance,
        request=Request(),
        output_mapping=asked.output_mapping,
        result=asked.result,
    )
    read = [read_completion(spec, state, one) or "" for one in asked.result.completions]
    return replace(asked, read_as=read)
