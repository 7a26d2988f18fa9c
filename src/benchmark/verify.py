"""`benchmark-verify`: is a run what its record says, and would it ask the same today?

Exit codes: 0 all is as recorded; 1 something could not be compared, or files can't be read; 2 the
command is not valid; 4 something differs.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.run_flags import MIRROR_VARIABLE
from common import command_line
from common.errors import NotFoundError

if TYPE_CHECKING:
    from benchmark.run_folder import RunFolder
    from benchmark.verification import Verification

DIFFERENT = 4


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="benchmark-verify",
        description="Make everything of a run again up to the prompts, and say what differs from "
        "its record. No model is asked, and the run is not changed.",
    )
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="a run of the suite, SUITE/RUN, or a run's folder"
    )
    parser.add_argument("--suite", default="default", help="the suite (default: %(default)s)")
    parser.add_argument(
        "-o",
        "--output-path",
        type=command_line.folder,
        default=Path("benchmark_output"),
        help="where results and data sets are (default: %(default)s)",
    )
    parser.add_argument(
        "--data-mirror",
        metavar="PATH_OR_URL",
        help=f"where data files come from in place of their origins (or {MIRROR_VARIABLE})",
    )
    parser.add_argument(
        "--local-path",
        type=Path,
        default=Path("prod_env"),
        help="folder of models and tokenizers (default: %(default)s)",
    )
    parser.add_argument(
        "--server-url", metavar="URL", help="the proxy-server that knows the models, if one does"
    )
    parser.add_argument(
        "--api-key-path",
        type=Path,
        default=Path("proxy_api_key.txt"),
        help="file with the key for --server-url (default: %(default)s)",
    )
    parser.add_argument(
        "--plugins", type=Path, metavar="DIR", help="folder of own classes, as of benchmark-run"
    )
    parser.add_argument("--json", action="store_true", help="print all as JSON")
    command_line.add_common_flags(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    args = make_parser().parse_args(arguments)
    command_line.set_up_logging(args)
    return command_line.run(lambda: _verify(args), "benchmark-verify")


def _verify(args: argparse.Namespace) -> int:
    from benchmark.service_spec import ServiceSpec, authentication
    from benchmark.verification import Verifier
    from common.json_files import encode_json

    if args.plugins is not None:
        from benchmark.plugins import add_plugins

        add_plugins(args.plugins)
    folders = {text: _find(args, text) for text in args.runs}
    # A model of --base-url is described by the record.
    service = ServiceSpec(server_url=args.server_url, local_path=args.local_path).open()
    auth = authentication(args)
    mirror = args.data_mirror or os.environ.get(MIRROR_VARIABLE)
    verifier = Verifier(service, auth, args.output_path, mirror)
    results = {text: verifier.verify(folder) for text, folder in folders.items()}
    service.close()
    print(encode_json(results) if args.json else "\n\n".join(map(_told, results, results.values())))
    if any(found.differences for found in results.values()):
        return DIFFERENT
    is_whole = not any(found.unchecked for found in results.values())
    return command_line.OK if is_whole else command_line.FAILED


def _find(args: argparse.Namespace, text: str) -> "RunFolder":
    from benchmark.suite import named_run

    folder = named_run(args.output_path, args.suite, text)
    if folder is None:
        raise NotFoundError(
            f"there is no run {text!r}: no folder with a run_spec.json, neither itself nor in "
            f"suite {args.suite!r} of {args.output_path}"
        )
    return folder


def _told(name: str, found: "Verification") -> str:
    lines = []
    if found.differences:
        lines.append(f"{name}: {len(found.differences):,} things differ")
    elif found.unchecked:
        lines.append(f"{name}: nothing differs of what could be compared")
    else:
        lines.append(f"{name}: as recorded")
    lines += [f"  {sentence}" for sentence in found.differences]
    lines += [f"  not compared: {sentence}" for sentence in found.unchecked]
    lines += [f"  {sentence}" for sentence in found.notes]
    lines.append(f"  {found.num_prompts:,} prompts were made again and compared byte for byte")
    return "\n".join(lines)
