"""What the plots of a run show beside its statistics, from the values of single instances.

It is made when a run's page is looked at, and kept until the run changes.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import lru_cache
from itertools import groupby, islice
from pathlib import Path

import msgspec

from benchmark.adapters.adapter_spec import AdapterSpec
from benchmark.adapters.request_state import RequestState
from benchmark.metrics.calibration_metrics import Answer, CalibrationMetric
from benchmark.metrics.match_metrics import MATCH_METRICS
from benchmark.metrics.statistics import Estimate, cluster_mean, wilson_interval
from benchmark.run_folder import RunFolder
from benchmark.run_spec import RunSpec
from benchmark.states_file import StatesFile
from benchmark.web.plot_values import MainValue, PlotValues
from benchmark.web.run_files import KnownRun, known_run, score_of, version_of
from common.errors import DataError

_MAX_KEPT = 64
# Of longer runs: to read tokens of more answers would take long.
MAX_CALIBRATED = 10_000
_NUM_BINS = 10  # of confidence
_ACCURACY = "accuracy"  # of the choices whose references are asked about one by one
_BINS_PER_DECADE = 8  # of time, each a third longer than the one before
_SHORTEST_SECONDS = 1e-4


class Effect(msgspec.Struct, frozen=True):
    """How a perturbation changes the main score: mean difference over the same instances."""

    split: str | None
    perturbation: str
    args: dict[str, object]
    difference: float
    interval: tuple[float, float] | None
    n: int


class Part(msgspec.Struct, frozen=True):
    """The main score of some of the instances, such as those asked with three examples."""

    label: str
    mean: float
    interval: tuple[float, float] | None
    n: int


class CalibrationBin(msgspec.Struct, frozen=True):
    """Answers of similar confidence: the mean of it, and the share that is right."""

    confidence: float
    accuracy: float
    interval: tuple[float, float]
    n: int


class TimeBin(msgspec.Struct, frozen=True):
    """Requests that took from `low` to `high` seconds."""

    low: float
    high: float
    num_requests: int


class RunPlots(msgspec.Struct, frozen=True, kw_only=True):
    """What can be drawn of a run; what there is nothing of is empty.

    `num_calibrated` answers are in the calibration curve: those among the first `MAX_CALIBRATED`.
    """

    effects: list[Effect] = []
    by_num_examples: list[Part] = []
    by_sub_split: list[Part] = []
    calibration: list[CalibrationBin] = []
    num_calibrated: int = 0
    times: list[TimeBin] = []


def read_plots(folder: RunFolder) -> RunPlots:
    """Return what can be drawn of a run; of one that is not finished, the times.

    Raises:
        BenchError: Its files can't be read.
    """
    if not folder.states_path.exists():
        return RunPlots()
    version = version_of(
        folder.states_path, folder.states_path.with_name("states.sqlite-wal"), folder.stats_path
    )
    return _read(str(folder.path), version)


@lru_cache(maxsize=_MAX_KEPT)
def _read(path: str, version: int) -> RunPlots:
    del version  # is part of what is remembered
    folder = RunFolder(Path(path).parent, Path(path).name)
    run = known_run(folder)
    score = score_of(run)
    with PlotValues(folder.states_path) as states:
        times = _histogram(states.request_times())
        number = states.metric_id(score.metric if score else None)
        values = states.main_values(number) if number is not None else []
    answers = _answers(run, score.metric if score else None)
    return RunPlots(
        effects=_effects(values),
        by_num_examples=_parts(values, "num_examples"),
        by_sub_split=_parts(values, "sub_split"),
        calibration=calibration_bins(answers),
        num_calibrated=len(answers),
        times=times,
    )


# --- Scores ---------------------------------------------------------------------------------------


def _effects(values: Iterable[MainValue]) -> list[Effect]:
    """For each perturbation: by how much the instances' values differ from the originals'."""
    originals: dict[tuple[str | None, str, int], float] = {}
    perturbed: dict[tuple[str | None, str], dict[tuple[str, int], float]] = {}
    for one in values:
        if one.is_original:
            originals[one.split, one.id, one.trial] = one.value
        elif one.perturbation is not None:
            versions = perturbed.setdefault((one.split, one.perturbation), {})
            versions[one.id, one.trial] = one.value
    effects = []
    for (split, text), versions in sorted(perturbed.items(), key=lambda item: str(item[0])):
        by_instance: dict[str, list[float]] = {}
        for (id, trial), value in versions.items():
            original = originals.get((split, id, trial))
            if original is not None:
                by_instance.setdefault(id, []).append(value - original)
        if by_instance:
            found = msgspec.json.decode(text)
            own = cluster_mean(by_instance)
            args = found.get("args", {})
            effects.append(Effect(split, found["name"], args, own.mean, own.interval, own.n))
    return effects


def _parts(values: Iterable[MainValue], field: str) -> list[Part]:
    """The score of the originals by one of their fields; nothing where all have the same."""
    groups: dict[str | int, dict[str, list[float]]] = {}
    for one in values:
        label = getattr(one, field)
        if one.is_original and label is not None:
            groups.setdefault(label, {}).setdefault(one.id, []).append(one.value)
    if len(groups) < 2:
        return []
    return [_part(str(label), cluster_mean(groups[label])) for label in sorted(groups, key=_order)]


def _order(label: str | int) -> tuple[int, str]:
    return (label, "") if isinstance(label, int) else (0, label)


def _part(label: str, own: Estimate) -> Part:
    return Part(label, own.mean, own.interval, own.n)


# --- Calibration ----------------------------------------------------------------------------------


def _answers(run: KnownRun, main_metric: str | None) -> list[Answer]:
    """Confidence and correctness of the first answers, as calibration errors take them."""
    metric = _calibration_metric(run.record.run_spec, main_metric)
    if metric is None:
        return []
    adapter = run.record.run_spec.adapter_spec
    states = StatesFile(run.folder.states_path, is_for_reading=True)
    try:
        with closing(states.states(states.instances())) as stored:
            groups = groupby(stored, key=lambda one: (one[1], one[2].train_trial_index))
            own = ([state for _, _, state in group] for _, group in groups)
            return list(_extracted(metric, adapter, islice(own, MAX_CALIBRATED)))
    finally:
        states.close()


def _extracted(
    metric: CalibrationMetric, adapter: AdapterSpec, groups: Iterable[list[RequestState]]
) -> Iterator[Answer]:
    for states in groups:
        version = states[0].instance.perturbation
        is_original = version is None or version.name == "identity"
        if is_original and all(state.is_scorable for state in states):
            try:
                answer = metric.extract(adapter, states)
            except DataError:
                continue  # one that can't be scored is in no plot
            if answer is not None:
                yield answer


def _calibration_metric(spec: RunSpec, main_metric: str | None) -> CalibrationMetric | None:
    """That of the run, else one that takes as right what the main score does."""
    for one in spec.metric_specs:
        if one.class_name.endswith(f".{CalibrationMetric.__name__}"):
            return CalibrationMetric(**one.args)
    if main_metric in MATCH_METRICS:
        return CalibrationMetric(main_metric)
    return CalibrationMetric() if main_metric == _ACCURACY else None


def calibration_bins(answers: Sequence[Answer]) -> list[CalibrationBin]:
    """Return the answers in bins of confidence of equal width, without empty ones.

    Source: reliability diagrams as in Guo et al. 2017, https://arxiv.org/abs/1706.04599.
    """
    bins: dict[int, list[Answer]] = {}
    for answer in answers:
        place = min(_NUM_BINS - 1, int(answer.confidence * _NUM_BINS))
        bins.setdefault(place, []).append(answer)
    found = []
    for _, own in sorted(bins.items()):
        accuracy = sum(answer.is_correct for answer in own) / len(own)
        confidence = math.fsum(answer.confidence for answer in own) / len(own)
        interval = wilson_interval(accuracy, len(own))
        found.append(CalibrationBin(confidence, accuracy, interval, len(own)))
    return found


# --- Times ----------------------------------------------------------------------------------------


def _histogram(seconds: Iterable[float]) -> list[TimeBin]:
    """Return counts of requests by time, on bins of equal ratio; empty ones between are there."""
    logarithms = (math.log10(max(one, _SHORTEST_SECONDS)) for one in seconds)
    counts = Counter(math.floor(one * _BINS_PER_DECADE) for one in logarithms)
    if not counts:
        return []
    return [
        TimeBin(_edge(place), _edge(place + 1), counts[place])
        for place in range(min(counts), max(counts) + 1)
    ]


def _edge(place: int) -> float:
    return float(10 ** (place / _BINS_PER_DECADE))
