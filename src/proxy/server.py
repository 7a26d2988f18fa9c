"""The command `proxy-server`: one door to every model, over HTTP."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from common.command_line import add_common_flags, folder, run, set_up_logging

logger = logging.getLogger(__name__)

_MAX_DEFAULT_WORKERS = 8
_MIN_TIMEOUT_SECONDS = 11


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server until it is told to end; return the exit code."""
    parser = _parser()
    args = parser.parse_args(arguments)
    _check(parser, args)
    _allow_forks()
    set_up_logging(args)

    def serve() -> None:
        # They take half a second to import, which --help need not wait for.
        from common.json_log import use_json_log
        from proxy.serving import Settings, serve
        from proxy.settings import ServiceSettings, database_url
        from proxy.store.database import has_password

        if args.database and has_password(args.database):
            logger.warning(
                "the password in --database shows in the system's list of processes: give it as "
                "PGPASSWORD, in ~/.pgpass, or name the database in service.conf"
            )
        configured = ServiceSettings.read(args.base_path)
        if (args.log_format or configured.log_format) == "json":
            use_json_log()
        settings = Settings(
            host=args.host,
            port=args.port,
            base_path=args.base_path,
            output_path=args.output_path,
            database_url=database_url(args.base_path, args.database),
            num_workers=args.workers,
            num_threads=args.threads,
            timeout_seconds=args.timeout,
            ssl_key_file=args.ssl_key_file,
            ssl_cert_file=args.ssl_cert_file,
            is_verbose=args.verbose,
            legacy_get=args.legacy_get,
        )
        serve(settings)

    return run(serve, parser.prog)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="proxy-server",
        description="Serve every configured model over HTTP, with keys, a cache and retries.",
    )
    add = parser.add_argument
    add("-p", "--port", type=int, default=1959, help="default: 1959; 0 takes any free one")
    add("--host", default="127.0.0.1", help="address to listen at (default: this machine only)")
    add("--ssl-key-file", type=Path, metavar="FILE", help="private key, for HTTPS")
    add("--ssl-cert-file", type=Path, metavar="FILE", help="certificate, for HTTPS")
    add(
        *("-b", "--base-path"),
        type=Path,
        default=Path("prod_env"),
        help="folder of database, models and settings (default: prod_env)",
    )
    add(
        "--output-path",
        type=folder,
        default=Path("benchmark_output"),
        help="folder of the results that pages show (default: benchmark_output)",
    )
    add(
        "--database",
        metavar="URL",
        help="postgresql+psycopg://USER@HOST/NAME, or another file (default: the setting database, "
        "or proxy.sqlite in the base path)",
    )
    num_workers = min(2 * (os.cpu_count() or 1), _MAX_DEFAULT_WORKERS)
    add(
        *("-w", "--workers"),
        type=int,
        default=num_workers,
        help=f"processes (default: two a core, at most {_MAX_DEFAULT_WORKERS})",
    )
    add("--threads", type=int, default=256, help="requests at a time, per worker (default: 256)")
    add(
        *("-t", "--timeout"),
        type=int,
        default=300,
        help="seconds a request may take, retries included (default: 300)",
    )
    add(
        "--log-format",
        choices=("text", "json"),
        help="a line of text or a JSON object for each event (default: logFormat, or text)",
    )
    add(
        "--legacy-get",
        action="store_true",
        help="also take the reference system's GET requests, with key and prompt in the URL",
    )
    add_common_flags(parser)
    return parser


def _check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    if not 0 <= args.port <= 65535:
        parser.error(f"--port must be in 0 … 65535, not {args.port}")
    for name, least in {"workers": 1, "threads": 1, "timeout": _MIN_TIMEOUT_SECONDS}.items():
        value = getattr(args, name)
        if value < least:
            parser.error(f"--{name} must be at least {least}, not {value}")
    if (args.ssl_key_file is None) != (args.ssl_cert_file is None):
        parser.error("--ssl-key-file and --ssl-cert-file go together: give both, or none")


def _allow_forks() -> None:
    """On macOS, start over with the variable that lets a forked process use system libraries.

    It is read as a process starts, so setting it here would come too late.
    """
    variable = "OBJC_DISABLE_INITIALIZE_FORK_SAFETY"
    if sys.platform == "darwin" and variable not in os.environ:
        os.environ[variable] = "YES"
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606  # the same command once more


if __name__ == "__main__":
    sys.exit(main())
