"""What all commands share: common flags, logging, and how an error becomes an exit code.

Exit codes: 0 done; 1 something failed while running; 2 the command or its request is not valid as
given; 130 interrupted. For 1 and 2, one sentence on stderr says what is wrong.
"""

import argparse
import io
import logging
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from common.errors import BenchError, InvalidRequestError
from common.version import VERSION

OK = 0
FAILED = 1
INVALID = 2
INTERRUPTED = 130

# Our packages tell what they do; others, which may print prompts, are heard only when they warn.
_OUR_LOGGERS = ("common", "proxy", "benchmark")
# Keys of ours and of providers: the first characters tell them apart, the rest is secret.
_KEY = re.compile(r"\b((?:lmb|sk)-[\w-]{4})[\w-]{8,}")


def add_common_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that every command has: --version, -q and -v."""
    parser.add_argument("--version", action="version", version=f"{parser.prog} {VERSION}")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("-q", "--quiet", action="store_true", help="log warnings and errors only")
    group.add_argument("-v", "--verbose", action="store_true", help="log what helps to find a bug")


def set_up_logging(args: argparse.Namespace) -> None:
    """Log to stderr, as much as -q or -v in `args` ask for; keys are cut short."""
    handler = logging.StreamHandler()
    handler.setFormatter(_KeyHidingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    level = logging.DEBUG if args.verbose else logging.WARNING if args.quiet else logging.INFO
    for name in _OUR_LOGGERS:
        logging.getLogger(name).setLevel(level)


def folder(text: str) -> Path:
    """Read a flag that names a folder of this machine.

    Raises:
        argparse.ArgumentTypeError: It is a URL, which few commands take.
    """
    if "://" in text:
        raise argparse.ArgumentTypeError(
            f"must be a folder of this machine, not the URL {hide_keys(text)}: copy the runs here "
            "(benchmark-present reads them there)"
        )
    return Path(text)


def run(command: Callable[[], int | None], name: str) -> int:
    """Run `command` and return the exit code of the process.

    Args:
        command: Returns its own exit code, or None for 0. An error of `common.errors` that it
            raises is printed as one sentence; any other is a bug and goes on as a traceback.
        name: The command's name, to begin the sentence with.
    """
    _prepare_output()
    try:
        code = command()
        sys.stdout.flush()
    except BenchError as error:
        print(f"{name}: {hide_keys(str(error))}", file=sys.stderr)
        return INVALID if isinstance(error, InvalidRequestError) else FAILED
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough, as `head` has. What is still buffered goes nowhere,
        # or Python would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        print(f"{name}: {error.strerror or error}", file=sys.stderr)
        return FAILED
    return code or OK


def _prepare_output() -> None:
    """Make sure that there is an output, and that it takes every character."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


class _KeyHidingFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return hide_keys(super().format(record))


def hide_keys(text: str) -> str:
    """Return `text` with all but the first characters of every API key left out."""
    return _KEY.sub(r"\1…", text)
