"""Conf files (HOCON): lists of run entries, and settings. Importing this takes 0.2 s."""

import re
from pathlib import Path

import msgspec
from pyhocon import ConfigFactory
from pyhocon.exceptions import ConfigException
from pyparsing import ParseBaseException

from benchmark.run_entries import READY, WORK_IN_PROGRESS, RunEntry
from common.errors import InvalidRequestError

_INCLUDE = re.compile(r"^\s*include\s+(.*)", re.MULTILINE)


def read_entries(path: Path) -> list[RunEntry]:
    """Read run entries, one a line: `"description": {status: "READY", priority: 1}`.

    Raises:
        InvalidRequestError: The file can't be read, or an entry is not valid; names it.
    """
    source = str(path)
    try:
        text = path.read_text(encoding="utf-8")
        if _INCLUDE.search(text):
            # pyhocon only warns of a missing file, and would read files that nobody named.
            included = _INCLUDE.findall(text)[0]
            raise InvalidRequestError(f"{path} includes {included}: put its entries here")
        tree = ConfigFactory.parse_string(text, resolve=False)
    except OSError as error:
        raise InvalidRequestError(f"can't read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"{path} is not UTF-8 text: {error}") from error
    except (ConfigException, ParseBaseException) as error:
        raise InvalidRequestError(f"{source} can't be read: {error}") from error
    entries = []
    for key, fields in tree.items():
        description = key.strip('"')
        try:
            entry = msgspec.convert({"description": description, **fields}, RunEntry)
        except (msgspec.ValidationError, TypeError) as error:
            raise InvalidRequestError(f"{source}: entry {description!r}: {error}") from error
        if entry.status not in (READY, WORK_IN_PROGRESS):
            raise InvalidRequestError(
                f"{source}: entry {description!r} has status {entry.status!r}, not "
                f"{READY} or {WORK_IN_PROGRESS}"
            )
        entries.append(entry)
    return entries


def read_setting(path: Path, name: str) -> str | None:
    """Return the setting `name` of the conf file at `path`, or None.

    Raises:
        InvalidRequestError: The file is not valid.
    """
    try:
        value = ConfigFactory.parse_file(str(path)).get(name, None)
    except (ConfigException, ParseBaseException, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"{path} can't be read: {error}") from error
    return None if value is None else str(value)
