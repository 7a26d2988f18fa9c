"""Calibrated separate multiple choice: each choice is also scored without its question.

Source: Brown et al. 2020, https://arxiv.org/abs/2005.14165, section 2.4.
"""

from msgspec.structs import replace

from benchmark.adapters.in_context import Example
from benchmark.adapters.multiple_choice_separate_adapter import MultipleChoiceSeparateAdapter
from benchmark.adapters.request_state import RequestState
from benchmark.scenarios.scenario import Instance

CALIBRATION_MODE = "calibration"
NO_QUESTION = "Answer:"  # stands where the question would


class MultipleChoiceCalibratedAdapter(MultipleChoiceSeparateAdapter):
    """Two requests a reference: as it is, and without question and in-context examples."""

    def requests(
        self, examples: list[Example], instance: Instance, trial: int
    ) -> list[RequestState]:
        without = replace(instance, input=NO_QUESTION)
        states = []
        for index in range(len(instance.references)):
            calibration = self.scoring_state([], without, trial, index)
            states += [
                self.scoring_state(examples, instance, trial, index),
                replace(calibration, instance=instance, request_mode=CALIBRATION_MODE),
            ]
        return states

    def num_requests_of(self, instance: Instance) -> int:
        return 2 * len(instance.references)
