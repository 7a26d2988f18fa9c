"""From a run spec to what it asks: data → instances → train and evaluated instances → prompts.

Everything here follows from the run spec, the data and the model's window. A run does it to ask a
model, a check of a finished run does it again to compare.
"""

from collections.abc import Iterator
from pathlib import Path

from benchmark.adapters.adapter import Adapter
from benchmark.adapters.adapter_factory import make_adapter
from benchmark.adapters.request_state import RequestState
from benchmark.data_preprocessor import DataPreprocessor, data_hash
from benchmark.run_spec import RunSpec
from benchmark.scenarios.scenario import EVAL_SPLITS, Instance, Scenario
from benchmark.window_services.window_service import WindowService
from common.data_files import DataFiles
from common.errors import DataError
from common.object_spec import create_object
from proxy.services.service import DeploymentInfo


class Derivation:
    """Scenario, preprocessor and adapter of a run spec; making one reads no data.

    Args:
        spec: What is to be run.
        window: What fits into the model's window.
        output_path: Below it lies what is downloaded.
        data_mirror: Where data files come from in place of their origins.

    Raises:
        InvalidRequestError: A class that `spec` names is not there, or an argument does not fit.
    """

    def __init__(
        self, spec: RunSpec, window: WindowService, output_path: Path, data_mirror: str | None
    ) -> None:
        self.data_files = DataFiles(data_mirror)
        self.scenario: Scenario = create_object(spec.scenario_spec)
        self.scenario.data_files = self.data_files
        self.adapter: Adapter = make_adapter(spec.adapter_spec, window)
        self._preprocessor = DataPreprocessor(
            spec.data_augmenter_spec,
            data_files=self.data_files,
            data_path=output_path / "perturbations",
        )
        self._data_path = output_path / "scenarios" / self.scenario.name

    def read(self) -> tuple[list[Instance], str]:
        """Return all instances with their perturbed versions, and the hash of all of them.

        Raises:
            DataError: A data file can't be had, or there is nothing to evaluate.
        """
        instances = self._preprocessor.preprocess(self.scenario.get_instances(self._data_path))
        if not any(instance.split in EVAL_SPLITS for instance in instances):
            splits = ", ".join(sorted({str(instance.split) for instance in instances})) or "none"
            raise DataError(f"there is nothing to evaluate: the data has no test split ({splits})")
        return instances, data_hash(instances)


def placed_states(
    adapter: Adapter, train: list[Instance], evaluated: list[Instance]
) -> Iterator[tuple[int, int, RequestState]]:
    """Yield every request of a run: its place, its instance's place, and itself."""
    places = {id(instance): place for place, instance in enumerate(evaluated)}
    for place, state in enumerate(adapter.adapt(train, evaluated)):
        yield place, places[id(state.instance)], state


def who_answers(deployment: DeploymentInfo) -> dict[str, object]:
    """Return the identity of a deployment, and what fits its window: part of what is asked."""
    limits: dict[str, object] = {
        "tokenizer": deployment.tokenizer,
        "max_request_length": deployment.max_request_length,
    }
    if deployment.max_output_length is not None:
        limits["max_output_length"] = deployment.max_output_length
    return deployment.identity | limits
