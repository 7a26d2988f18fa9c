"""From what a user writes to run specs."""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from benchmark.run_expanders import EXPANDERS, expand, with_model
from benchmark.run_spec import RunSpec
from benchmark.run_specs.registry import make_run_spec
from common.errors import InvalidRequestError
from common.object_spec import parse_object_spec

READY = "READY"
WORK_IN_PROGRESS = "WIP"  # dry run only: how many requests would it take


class RunEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a conf file: a description and what to do with it."""

    description: str
    status: str = READY
    priority: int = 1


def make_run_specs(description: str, default_model: str) -> list[RunSpec]:
    """Return the run specs that `name:key=value,…` stands for.

    Arguments that name an expander (model, num_train_trials, …) apply in the order written, each
    multiplying the list; all others go to the run-spec function. A run without `model=` gets
    `default_model`, so that its name always says which model it asked.

    Raises:
        InvalidRequestError: The description can't be read, or a value is not valid.
        UnknownNameError: The run spec or an argument is not known.
    """
    name, args = parse_object_spec(description)
    expanders = {key: args.pop(key) for key in list(args) if key in EXPANDERS}
    run_specs = [make_run_spec(name, args)]
    for key, value in expanders.items():
        run_specs = [expanded for spec in run_specs for expanded in expand(spec, key, value)]
    if "model" not in expanders:
        run_specs = [with_model(spec, default_model) for spec in run_specs]
    # The name is a folder's name.
    return [replace(spec, name=spec.name.replace("/", "_")) for spec in run_specs]


def make_all_run_specs(descriptions: Iterable[str], default_model: str) -> list[RunSpec]:
    """Return the run specs of all descriptions.

    Raises:
        InvalidRequestError: Two of them would share a folder.
    """
    run_specs = [
        spec for description in descriptions for spec in make_run_specs(description, default_model)
    ]
    names: set[str] = set()
    for spec in run_specs:
        if spec.name in names:
            raise InvalidRequestError(f"the run {spec.name!r} is asked for twice")
        names.add(spec.name)
    return run_specs
