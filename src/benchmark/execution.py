"""From the flags of a command to what the runner needs: run specs and a service."""

import argparse
import re
from pathlib import Path

from msgspec.structs import replace

from benchmark.run_entries import WORK_IN_PROGRESS, RunEntry, make_all_run_specs
from benchmark.run_spec import RunSpec
from common.authentication import Authentication
from common.errors import InvalidRequestError
from common.object_spec import ObjectSpec, create_object
from proxy.deployments import Deployments
from proxy.services.service import Service

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
    args: argparse.Namespace, entries: list[RunEntry], default_model: str
) -> tuple[list[RunSpec], set[str]]:
    """Return the run specs that entries and flags name, and the names of those to be run dry.

    Raises:
        InvalidRequestError: There are none, or one is not valid.
    """
    if args.priority is not None:
        entries = [entry for entry in entries if entry.priority <= args.priority]
    run_specs = make_all_run_specs([entry.description for entry in entries], default_model)
    dry = make_all_run_specs(
        [entry.description for entry in entries if entry.status == WORK_IN_PROGRESS],
        default_model,
    )
    if args.models_to_run:
        run_specs = [spec for spec in run_specs if spec.adapter_spec.model in args.models_to_run]
    if args.groups_to_run:
        run_specs = [spec for spec in run_specs if set(spec.groups) & set(args.groups_to_run)]
    if not run_specs:
        raise InvalidRequestError("there is nothing to run: no entry is left after all filters")
    given = {
        field: value
        for field in ("max_eval_instances", "num_train_trials")
        if (value := getattr(args, field)) is not None
    }
    run_specs = [
        replace(spec, adapter_spec=replace(spec.adapter_spec, **given)) for spec in run_specs
    ]
    return run_specs, {spec.name for spec in (run_specs if args.dry_run else dry)}


def make_service(args: argparse.Namespace, api_key: str | None) -> tuple[Service, Authentication]:
    """Return who is asked: this process, or the proxy at --server-url; and with which key.

    Args:
        api_key: Key for --base-url, if there is one.

    Raises:
        InvalidRequestError: The file with the proxy's key can't be read.
    """
    if args.server_url:
        remote = ObjectSpec(
            "proxy.services.remote_service.RemoteService", {"base_url": args.server_url}
        )
        return create_object(remote), Authentication(_read_key(args.api_key_path))
    deployments = Deployments(args.local_path)
    if args.base_url:
        key = {"api_key": api_key} if api_key else {}
        deployments.add_ad_hoc(args.model or "", args.base_url, {"api": args.api, **key})
    service = create_object(
        ObjectSpec("proxy.services.server_service.ServerService"),
        base_path=args.local_path,
        deployments=deployments,
    )
    return service, Authentication("")


def _read_key(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InvalidRequestError(
            f"can't read the key for --server-url from {path}: {error.strerror}; name the file "
            "with --api-key-path"
        ) from error
