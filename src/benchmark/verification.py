"""Is a run what its record says? Everything up to the prompts is made again and compared.

What a model answered can't be made again by asking: the answers are taken as they are, and
`benchmark-run --rescore` computes the scores from them again.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from benchmark.augmentations.perturbation import Perturbation
from benchmark.code_versions import code_versions, is_ours
from benchmark.derivation import Derivation, placed_states, who_answers
from benchmark.mismatches import Mismatches, Placed, paired, parameters_text, prompt_of
from benchmark.provenance import Provenance, RequestsHash
from benchmark.run_folder import RunFolder, RunRecord
from benchmark.run_spec import RunSpec
from benchmark.scenarios.scenario import Instance, Scenario
from benchmark.state_key import state_key
from benchmark.states_file import RUN_HASH, StatesFile
from benchmark.window_services.window_service import WindowService
from common.authentication import Authentication
from common.errors import BenchError, InvalidRequestError, ModelNotFoundError, UnknownNameError
from common.object_spec import ObjectSpec, get_class
from proxy.services.service import DeploymentInfo, Service

_MAX_NAMED = 5


class Verification(msgspec.Struct):
    """What was found, each in a sentence.

    Args:
        differences: What is not as the record says.
        unchecked: What should have been compared and could not be.
        notes: What there is to know beside.
        num_prompts: How many prompts were compared.
    """

    differences: list[str] = []
    unchecked: list[str] = []
    notes: list[str] = []
    num_prompts: int = 0


class Verifier:
    """Compares runs with what is made again here.

    Args:
        service: Knows the models and splits texts into tokens; no model is asked.
        auth: With whose key.
        output_path: Below it lies the data that was downloaded.
        data_mirror: Where data files come from in place of their origins.
    """

    def __init__(
        self, service: Service, auth: Authentication, output_path: Path, data_mirror: str | None
    ) -> None:
        self._service = service
        self._auth = auth
        self._output_path = output_path
        self._data_mirror = data_mirror

    def verify(self, folder: RunFolder) -> Verification:
        """Return how a run differs from what its record says and from what is made again.

        Raises:
            InvalidRequestError: There is no run, or it names classes of another program.
            DataError, StorageError: Its files can't be read.
        """
        record, provenance = folder.read_record(), folder.read_provenance()
        assert record is not None, "the caller has found it"
        check_classes(record.run_spec)
        found = Verification()
        if folder.read_hash() != record.hash:
            found.differences.append("record: run_spec.json has been changed since it was written")
        self._compare_code(record.run_spec, provenance, found)
        deployment = self._deployment(record, found)
        window = WindowService.of_deployment(self._service, self._auth, deployment)
        derivation = Derivation(record.run_spec, window, self._output_path, self._data_mirror)
        try:
            instances, data_sha256 = derivation.read()
        except BenchError as error:
            found.unchecked.append(f"data and prompts: {error}")
            return found
        _compare_data(record, provenance, derivation, data_sha256, found)
        train, evaluated = derivation.adapter.select(instances)
        derived = placed_states(derivation.adapter, train, evaluated)
        if folder.states_path.exists():
            states = StatesFile(folder.states_path, is_for_reading=True)
            try:
                _compare_states(record, provenance, states, evaluated, derived, found)
            finally:
                states.close()
        else:
            found.unchecked.append("prompts: states.sqlite is not there")
        return found

    def _compare_code(
        self, spec: RunSpec, provenance: Provenance | None, found: Verification
    ) -> None:
        if provenance is None:
            found.unchecked.append(
                "code and packages: the run was made by a version that did not record them"
            )
            return
        code, packages = code_versions(spec)
        for kind in sorted(code.keys() | provenance.code.keys()):
            names = _changed(provenance.code.get(kind, {}), code.get(kind, {}))
            if names:
                changed = _listed(names)
                found.differences.append(f"code ({kind}): changed since the run: {changed}")
        for name in _changed(provenance.packages, packages):
            then, now = provenance.packages.get(name, "none"), packages.get(name, "none")
            found.differences.append(f"package: {name} was {then} and is {now}")

    def _deployment(self, record: RunRecord, found: Verification) -> DeploymentInfo:
        """The deployment that would be asked today; where there is none, that of the record."""
        spec = record.run_spec.adapter_spec
        try:
            deployment = self._service.get_deployment(self._auth, spec.model, spec.deployment)
        except (ModelNotFoundError, UnknownNameError) as error:
            found.notes.append(
                f"model: taken from the record, since it is not known here ({error})"
            )
            return _recorded_deployment(record)
        then, now = record.deployment, msgspec.to_builtins(who_answers(deployment))
        for name in _changed(then, now):
            found.differences.append(
                f"model: its {name} was {then.get(name)!r} and is {now.get(name)!r}"
            )
        return deployment


def check_classes(spec: RunSpec) -> None:
    """Refuse classes that are no scenario or perturbation: a record may be a stranger's.

    Raises:
        InvalidRequestError: A class is of another kind, or of another program.
    """
    of_kinds: list[tuple[type, Iterable[ObjectSpec]]] = [
        (Scenario, [spec.scenario_spec]),
        (Perturbation, spec.data_augmenter_spec.perturbation_specs),
    ]
    for kind, specs in of_kinds:
        for one in specs:
            made = get_class(one) if is_ours(one) else None
            if not (isinstance(made, type) and issubclass(made, kind)):
                raise InvalidRequestError(
                    f"{one.class_name!r} is no {kind.__name__.lower()} of this program: name the "
                    "folder that it is in with --plugins, if you trust it"
                )


def _recorded_deployment(record: RunRecord) -> DeploymentInfo:
    model = record.run_spec.adapter_spec.model
    names = ("tokenizer", "max_request_length", "max_output_length")
    limits = {name: record.deployment.get(name) for name in names}
    try:
        return msgspec.convert({"name": model, "identity": {}, **limits}, DeploymentInfo)
    except msgspec.ValidationError as error:
        raise InvalidRequestError(f"the record's deployment is not valid: {error}") from error


def _compare_data(
    record: RunRecord,
    provenance: Provenance | None,
    derivation: Derivation,
    data_sha256: str,
    found: Verification,
) -> None:
    for path in derivation.data_files.changed():
        found.differences.append(f"data: {path} no longer holds what was fetched")
    if provenance is not None:
        then, now = provenance.data_files, derivation.data_files.digests()
        for url in _changed(then, now):
            found.differences.append(f"data: {url} is another file than the run read")
    if data_sha256 != record.data_sha256:
        found.differences.append("data: the instances made of it are others than the run's")


def _compare_states(
    record: RunRecord,
    provenance: Provenance | None,
    states: StatesFile,
    evaluated: list[Instance],
    derived: Iterator[Placed],
    found: Verification,
) -> None:
    if states.get_meta(RUN_HASH) != record.hash:
        found.differences.append("record: states.sqlite belongs to another run_spec.json")
    stored_instances = states.instances()
    _compare_instances(stored_instances, evaluated, found)
    requests = RequestsHash()
    stored = requests.watch(states.states(stored_instances))
    prompts, parameters = Mismatches("prompts"), Mismatches("parameters")
    num_missing = num_more = 0
    for then, now in paired(stored, derived):
        if then is None:
            num_missing += 1
        elif now is None:
            num_more += 1
        else:
            found.num_prompts += 1
            prompts.compare(now, *((state_key(one), prompt_of(one)) for one in (then, now)))
            parameters.compare(now, *((None, parameters_text(one)) for one in (then, now)))
    found.differences += [*prompts.sentences(), *parameters.sentences()]
    if num_more:
        found.differences.append(f"prompts: {num_more:,} requests of the run are not made now")
    if num_missing:
        found.unchecked.append(f"prompts: {num_missing:,} requests have no answer: not finished")
    elif provenance is not None:
        _compare_hashes(provenance, requests.completed(provenance), found)


def _compare_instances(then: list[Instance], now: list[Instance], found: Verification) -> None:
    if len(then) != len(now):
        found.differences.append(f"data: the run has {len(then):,} instances, now {len(now):,}")
    others = [str(a.id) for a, b in zip(then, now, strict=False) if _bytes(a) != _bytes(b)]
    if others:
        found.differences.append(
            f"data: {len(others):,} of {len(then):,} evaluated instances are others: "
            f"{_listed(others)}"
        )


def _compare_hashes(then: Provenance, now: Provenance, found: Verification) -> None:
    """Does the record fit the states that lie beside it?"""
    for what in ("prompts_sha256", "parameters_sha256", "served_models"):
        if getattr(then, what) is None:
            found.unchecked.append(f"{what}: the run was not finished when it was recorded")
        elif getattr(then, what) != getattr(now, what):
            found.differences.append(f"record: {what} does not fit states.sqlite")


def _changed(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The names whose values differ, or that only one of them has."""
    missing = object()
    names = sorted(then.keys() | now.keys())
    return [name for name in names if then.get(name, missing) != now.get(name, missing)]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MAX_NAMED:,} more" if len(names) > _MAX_NAMED else ""
    return ", ".join(names[:_MAX_NAMED]) + more


def _bytes(instance: Instance) -> bytes:
    return msgspec.json.encode(instance, order="deterministic")
