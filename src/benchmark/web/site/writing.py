"""The pages about a suite's runs as a folder of plain files, with their data.

    index.html, leaderboard.html, runs.html, run.html, compare.html
    files/HASH/     scripts, styles and data that these pages use; HASH is that of all of them
    site.json       says whose folder this is

A folder that is written anew shows the old pages until the new ones are complete: what they use is
written first, beside what the old ones use, then each page is replaced in one step.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from benchmark.web import pages
from benchmark.web.site import scripts
from benchmark.web.site.answers import Asked, answers_of, boards_of, files_of, same_as
from common.errors import ConflictError, InvalidRequestError, StorageError
from common.json_files import write_bytes, write_json
from proxy.routes.page_files import STATIC, Link, with_header
from proxy.routes.page_files import read_files as read_page_files

_OWN = Path(__file__).parent / "static"
_MARK = "site.json"
_MADE_BY = "benchmark-present --static-site"
_FILES = "files"

_LINKS = tuple(
    Link(link.title, f"{link.path}.html") for link in (pages.LEADERBOARD, pages.RUNS, pages.COMPARE)
)
# Page → the link that is current on it.
_PAGES = {"index": 0, "leaderboard": 0, "runs": 1, "run": 1, "compare": 2}
_ENTRY = re.compile(r'<script type="module" src="([^"]+)"></script>')
_ADDRESS = re.compile(r'(href|src)="(/[^"]*)"')
# Where the index lies, there all data are.
_FOLDER = 'benchIndex.folder = new URL(".", document.currentScript.src).href;\n'
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'"
)


def write_site(
    folder: Path, output_path: Path, suite: str, models: Iterable[dict[str, Any]] = ()
) -> int:
    """Write the site of a suite to `folder`; return its size in bytes.

    Args:
        folder: One that is not there, is empty, or was written by this before.
        models: Name and prices of models; of those that are not named, no cost is shown.

    Raises:
        InvalidRequestError: The folder holds something else.
        StorageError: It can't be written.
    """
    with _taken(folder):
        files = _shared_files() | _data_files(output_path, suite, models)
        name = hashlib.sha256(b"".join(_labelled(files))).hexdigest()[:16]
        _write_files(folder / _FILES, name, files)
        written = _pages(f"{_FILES}/{name}")
        for path, page in written.items():
            write_bytes(folder / path, page)
        for old in (folder / _FILES).iterdir():
            if old.name != name and old.is_dir() and not old.is_symlink():
                shutil.rmtree(old, ignore_errors=True)
    return sum(map(len, [*files.values(), *written.values()]))


# --- The folder -----------------------------------------------------------------------------------


@contextmanager
def _taken(folder: Path) -> Iterator[None]:
    """Make the folder ours, and keep other writers out."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = sorted(path.name for path in folder.iterdir())
        if held and not _is_own(folder / _MARK):
            raise InvalidRequestError(
                f"--static-site {folder} holds something else ({held[0]}): name an empty folder, "
                "or one that it has made"
            )
        if (folder / _FILES).is_symlink():
            raise InvalidRequestError(f"{folder / _FILES} leads elsewhere: remove it")
        if not held:
            write_json(folder / _MARK, {"made_by": _MADE_BY})
        lock = os.open(folder / _MARK, os.O_RDONLY)
    except OSError as error:
        raise StorageError(f"can't write to {folder}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise ConflictError(f"another process is writing {folder}: wait for it") from error
    except OSError as error:
        raise StorageError(f"can't write to {folder}: {error.strerror}") from error
    finally:
        os.close(lock)


def _is_own(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_bytes())["made_by"] == _MADE_BY)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _write_files(folder: Path, name: str, files: Mapping[str, bytes]) -> None:
    """Write the files below `folder`/`name`: all of them, or none."""
    folder.mkdir(exist_ok=True)
    if (folder / name).exists():
        return  # the name is that of the content
    temporary = Path(tempfile.mkdtemp(dir=folder, prefix="."))
    for path, content in files.items():
        target = temporary / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    temporary.chmod(0o755)
    temporary.replace(folder / name)


def _labelled(files: Mapping[str, bytes]) -> Iterator[bytes]:
    for path in sorted(files):
        yield f"{path} {len(files[path])}\n".encode()
        yield files[path]


# --- Pages, scripts and styles --------------------------------------------------------------------


def _pages(folder: str) -> dict[str, bytes]:
    """Each page by its name; its addresses lead to pages beside it, and into `folder`."""

    def address(match: re.Match[str]) -> str:
        attribute, path = match.groups()
        path = path.removeprefix("/static/") if path.startswith("/static/") else path
        if not path.startswith("/"):
            return f'{attribute}="{folder}/{path}"'
        name = "leaderboard.html" if path == "/" else path[1:]
        return f'{attribute}="{name}"'

    held = read_page_files(pages.STATIC)
    written = {}
    for name, place in _PAGES.items():
        source = held["leaderboard.html" if name == "index" else f"{name}.html"]
        text = with_header(source, _LINKS, _LINKS[place]).content.decode()
        text = re.sub(r"<noscript>.*</noscript>\n?", "", text)
        entry = _ENTRY.search(text)
        assert entry is not None
        loaded = [
            '<link rel="stylesheet" href="/static/site.css">',
            *(
                f'<script defer src="/static/{one}"></script>'
                for one in ("data/index.js", "all.js")
            ),
            f'<script defer src="/static/{_start_name(entry[1])}"></script>',
        ]
        text = text.replace(entry[0], "\n".join(loaded))
        policy = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        text = text.replace('<meta charset="utf-8">', f'<meta charset="utf-8">\n{policy}')
        written[f"{name}.html"] = _ADDRESS.sub(address, text).encode()
    return written


def _start_name(entry: str) -> str:
    return f"start_{Path(entry).stem}.js"


def _shared_files() -> dict[str, bytes]:
    """Scripts and styles by their paths."""
    own, proxy, benchmark = (
        {path: file.content for path, file in read_page_files(folder).items()}
        for folder in (_OWN, STATIC, pages.STATIC)
    )
    modules = {f"/static/{path}": text for path, text in proxy.items()}
    modules |= {f"/static/benchmark/{path}": text for path, text in benchmark.items()}
    # The only ones that differ: where data come from, where pages are, what can be searched.
    modules |= {f"/static/js/{name}": own[name] for name in ("api.js", "search.js")}
    modules["/static/benchmark/js/places.js"] = own["places.js"]
    sources = {path: text.decode() for path, text in modules.items() if path.endswith(".js")}
    html = [text.decode() for path, text in benchmark.items() if path.endswith(".html")]
    entries = sorted({entry for page in html for entry in _ENTRY.findall(page)})
    files = {_start_name(entry): scripts.start(entry).encode() for entry in entries}
    files["all.js"] = scripts.bundle(entries, sources).encode()
    files["site.css"] = own["site.css"]
    for page in html:
        for _, path in _ADDRESS.findall(page):
            if path.startswith("/static/") and _ENTRY.sub("", page).count(f'"{path}"'):
                files[path.removeprefix("/static/")] = modules[path]
    files["icon.svg"] = proxy["icon.svg"]
    return files


# --- Data -----------------------------------------------------------------------------------------


def _data_files(
    output_path: Path, suite: str, models: Iterable[dict[str, Any]]
) -> dict[str, bytes]:
    """Each answer as a script that hands it over; an index says which answers what.

    Files are numbered: nothing that somebody has named decides where one is written.
    """
    files: dict[str, bytes] = {}
    answers: dict[str, str] = {}
    made: dict[str, str] = {}

    def add(asked: Asked, value: Any) -> None:
        name = f"{len(answers)}.js"
        text = msgspec.json.encode(value).decode()
        files[f"data/{name}"] = f"benchAnswer({_quoted(name)}, {_quoted(text)});\n".encode()
        answers.update({same.key: name for same in same_as(asked)})

    for asked, value in answers_of(output_path, suite, models):
        add(asked, value)
    for asked, board in boards_of(output_path, suite):
        add(asked, board)
        for of_file, suffix, text in files_of(asked, board):
            name = f"{len(answers)}.{suffix}"
            files[f"data/{name}"] = text.encode()
            made.update({same.key: name for same in same_as(of_file)})
    index = msgspec.json.encode({"answers": answers, "files": made}).decode()
    files["data/index.js"] = f"benchIndex = JSON.parse({_quoted(index)});\n{_FOLDER}".encode()
    return files


def _quoted(text: str) -> str:
    r"""A text as JavaScript's literal; with ' around it, the many " of JSON stay as they are."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
