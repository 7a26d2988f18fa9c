"""A finished run as a comparison sees it: values of each instance, its answers, its prompts."""

import math
from collections.abc import Iterator
from itertools import groupby

import msgspec

from benchmark.adapters.adapter_spec import AdapterSpec
from benchmark.adapters.request_state import RequestState
from benchmark.earlier_scores import versions_of_values
from benchmark.metric_traits import traits_of
from benchmark.metrics.answer_reading import read_completion
from benchmark.metrics.basic_metrics import reference_scores
from benchmark.metrics.metric import base_name, split_version
from benchmark.metrics.stat import MetricName, Stat
from benchmark.run_folder import RunFolder, RunRecord
from benchmark.run_results import read_stats
from benchmark.scenarios.scenario import Instance, PerturbationDescription, Reference
from benchmark.schema import main_stat
from benchmark.state_key import StateKey, state_key
from benchmark.states_file import StatesFile
from benchmark.worst_case import IDENTITY
from common.errors import DataError, InvalidRequestError

ORIGINAL = ""  # the version that no perturbation made

Content = tuple[str, list[Reference], str | None]


class Key(msgspec.Struct, frozen=True, order=True):
    """An instance in one of its versions: `version` is its perturbation as JSON, or `ORIGINAL`."""

    version: str
    id: str


class ComparedRun:
    """Reads a finished run and changes nothing.

    Raises:
        InvalidRequestError: The run is not finished.
        DataError, StorageError: Its files can't be read.
    """

    def __init__(self, folder: RunFolder) -> None:
        record = folder.read_record()
        if record is None or not folder.stats_path.exists() or not folder.states_path.exists():
            raise InvalidRequestError(
                f"{folder.path} is not finished, so it can't be compared: start it again"
            )
        self.folder = folder
        self.record: RunRecord = record
        self.stats: list[Stat] = read_stats(folder)
        self._states = StatesFile(folder.states_path, is_for_reading=True)
        self._instances = self._states.instances()
        self._versions = versions_of_values(self._states)
        self._traits = traits_of(record.run_spec)

    def close(self) -> None:
        """Close the files."""
        self._states.close()

    @property
    def name(self) -> str:
        """The run's name."""
        return self.record.run_spec.name

    @property
    def model(self) -> str:
        """Who was asked."""
        return self.record.run_spec.adapter_spec.model

    @property
    def main_metric(self) -> MetricName | None:
        """What stands for the run in a table."""
        stat = main_stat(self.record.run_spec, self.stats)
        return None if stat is None else stat.name

    def metrics(self) -> list[str]:
        """Names of all metrics that have values by instance."""
        return sorted({metric for _, _, metric, _ in self._states.values()})

    def outcomes(self) -> dict[str, int]:
        """How many requests ended with each outcome."""
        return self._states.outcomes()

    def version_of(self, metric: str) -> int:
        """The version of a metric's values; of `NAME@v2` it is 2."""
        name, version = split_version(metric)
        return self._versions.get(base_name(name), 1) if version is None else version

    def stored_name(self, metric: str) -> str:
        """What the values of a metric are called here: `NAME@v2` may be the present `NAME`."""
        name, version = split_version(metric)
        return name if version == self.version_of(name) else metric

    def split_of(self, metric: str) -> str | None:
        """The split that the run's main metric is of, else that of the first with `metric`."""
        main, stored_name = self.main_metric, self.stored_name(metric)
        if main is not None and main.name == metric:
            return main.split
        splits = (
            self._instances[place].split
            for place, _, name, _ in self._states.values()
            if name == stored_name
        )
        return next(splits, None)

    def contents(self) -> dict[Key, Content]:
        """What each instance asks, and its references: equal ids alone say little."""
        return {key_of(one): (one.input, one.references, one.split) for one in self._instances}

    def versions(self) -> dict[str, PerturbationDescription | None]:
        """The perturbation of each version, in the order of the run."""
        return {key_of(one).version: one.perturbation for one in self._instances}

    def values(self, metric: str, split: str | None) -> dict[Key, float]:
        """The value of each instance of a split, averaged over trials."""
        found: dict[Key, list[float]] = {}
        metric = self.stored_name(metric)
        for place, _, name, value in self._states.values():
            instance = self._instances[place]
            if name == metric and instance.split == split:
                found.setdefault(key_of(instance), []).append(value)
        return {key: math.fsum(values) / len(values) for key, values in found.items()}

    def answers(self, wanted: set[Key]) -> dict[Key, str]:
        """What the model answered in the first trial that has an answer.

        Of separate multiple choice, it is the reference that it likes best.
        """
        spec, found = self.record.run_spec.adapter_spec, dict[Key, str]()
        placed = self._states.states(self._instances)
        for (place, _), group in groupby(
            placed, key=lambda item: (item[1], item[2].train_trial_index)
        ):
            key = key_of(self._instances[place])
            if key in wanted and key not in found:
                answer = _answer([state for _, _, state in group], spec)
                if answer is not None:
                    found[key] = answer
        return found

    def prompts(self) -> Iterator[tuple[StateKey, str]]:
        """Yield each request's key, which is the same in other runs of the task, and its prompt."""
        for _, _, state in self._states.states(self._instances):
            messages = state.request.messages
            prompt = state.request.prompt
            yield state_key(state), prompt if messages is None else repr(messages)

    def direction_of(self, metric: str) -> bool | None:
        """Whether higher values are better; None where they are neither."""
        return self._traits.direction_of(metric)

    def is_proportion(self, metric: str) -> bool:
        """Whether its values are shares of 1."""
        return base_name(metric) in self._traits.proportions


def key_of(instance: Instance) -> Key:
    """Return what tells the instance from all others of a task."""
    perturbation = instance.perturbation
    if perturbation is None or perturbation.name == IDENTITY:
        return Key(ORIGINAL, str(instance.id))
    version = msgspec.json.encode(perturbation, order="deterministic").decode()
    return Key(version, str(instance.id))


def _answer(states: list[RequestState], spec: AdapterSpec) -> str | None:
    first = states[0]
    if first.reference_index is not None:
        try:
            scores = reference_scores(spec.method, states)
        except DataError:
            return None
        if scores is None:
            return None
        return first.instance.references[scores.index(max(scores))].output
    if first.result is None or not first.is_scorable or not first.result.completions:
        return None
    text = first.result.completions[0].text.strip()
    if spec.are_answers_read:
        text = read_completion(spec, first, first.result.completions[0]) or text
    meant = (first.output_mapping or {}).get(text)
    return text if meant is None else f"{text}: {meant}"
