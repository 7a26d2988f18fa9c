"""From the flags of a command to what the runner needs: run specs and a service."""

import argparse
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from benchmark.model_selectors import ModelSelectors, groups_that_fit, packaged_selectors
from benchmark.run_entries import WORK_IN_PROGRESS, RunEntry, make_all_run_specs
from benchmark.run_spec import RunSpec
from benchmark.schema import load_groups
from common.authentication import Authentication
from common.errors import InvalidRequestError, UnknownNameError
from proxy.deployments import Deployments
from proxy.services.service import Service
from proxy.settings import ServiceSettings

_SUITE_NAME = re.compile(r"[\w.=,+-]+")


def check_suite_name(name: str) -> None:
    """Refuse names that are not one folder, and `latest`, which is a link.

    Raises:
        InvalidRequestError: The name is not valid.
    """
    if name == "latest" or name.startswith(".") or not _SUITE_NAME.fullmatch(name):
        raise InvalidRequestError(
            f"--suite {name!r} can't be used: a name of letters, digits and -_.=,+ other than "
            "`latest`"
        )


def select_run_specs(
    args: argparse.Namespace,
    entries: list[RunEntry],
    default_model: str,
    selectors: ModelSelectors | None = None,
) -> tuple[list[RunSpec], set[str]]:
    """Return the run specs that entries and flags name, and the names of those to be run dry.

    Args:
        selectors: What groups of models stand for, if --models-to-run chooses among them.

    Raises:
        InvalidRequestError: There are none, or one is not valid.
    """
    if args.priority is not None:
        entries = [entry for entry in entries if entry.priority <= args.priority]
    made = make_all_run_specs(entries, default_model, selectors)
    if args.models_to_run:
        made = [pair for pair in made if pair[1].adapter_spec.model in args.models_to_run]
    if args.groups_to_run:
        _check_groups(args.groups_to_run, made)
        made = [pair for pair in made if set(pair[1].groups) & set(args.groups_to_run)]
    if not made:
        raise InvalidRequestError("there is nothing to run: no entry is left after all filters")
    given = {
        field: value
        for field in ("max_eval_instances", "num_train_trials")
        if (value := getattr(args, field)) is not None
    }
    run_specs = [
        replace(spec, adapter_spec=replace(spec.adapter_spec, **given)) for _, spec in made
    ]
    dry = {spec.name for entry, spec in made if args.dry_run or entry.status == WORK_IN_PROGRESS}
    return run_specs, dry


def _check_groups(groups: Iterable[str], made: Iterable[tuple[RunEntry, RunSpec]]) -> None:
    known = {group for _, spec in made for group in spec.groups} | load_groups().keys()
    for group in groups:
        if group not in known:
            hint = "docs/running.md lists all"
            raise UnknownNameError("group of --groups-to-run", group, known, hint)


def chosen_models(models: Iterable[str], service: Service, auth: Authentication) -> ModelSelectors:
    """Return what groups of models stand for if only `models` are to be run.

    Raises:
        UnknownNameError: There is no such model.
    """
    selectors = packaged_selectors()
    tags: dict[str, list[str]] | None = None
    chosen: dict[str, list[str]] = {}
    for model in models:
        chosen[model] = []
        if not selectors.has(model):
            tokenizer = service.get_deployment(auth, model).tokenizer
            if tags is None:
                tags = {known.name: known.tags for known in service.get_general_info().all_models}
            chosen[model] = groups_that_fit(tags.get(model, []), tokenizer)
    return selectors.choosing(chosen)


def default_model(args: argparse.Namespace) -> str | None:
    """Return `--model`, else the default model of the installation, else None.

    Raises:
        InvalidRequestError: The installation's settings are not valid.
    """
    model: str | None = args.model
    return model if model is not None else ServiceSettings.read(args.local_path).default_model


def prices_of(base_path: Path, models: Iterable[str]) -> list[dict[str, Any]]:
    """Return name and prices of those of the models that have a price.

    Raises:
        InvalidRequestError: The installation's files of models or prices are not valid.
    """
    deployments = Deployments(base_path)
    found = []
    for model in models:
        try:
            prices = deployments.get(model).prices
        except UnknownNameError:
            continue  # one that this installation has no more, or that a plugin brought
        if prices is not None:
            found.append({"name": model, "prices": prices})
    return found
