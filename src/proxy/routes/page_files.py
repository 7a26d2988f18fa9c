"""The files of pages as they are sent: read once, with the shared header put into each page."""

import hashlib
import html
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

STATIC = Path(__file__).parents[1] / "static"

# Where a page wants the header, and where that wants its links.
_HEADER_MARK = "<!-- header -->"
_LINKS_MARK = "<!-- links -->"
_HEADER = STATIC / "header.html"
_CURRENT = ' aria-current="page"'


@dataclass(frozen=True)
class Link:
    """A place that the header of every page leads to. `path` begins with "/".

    `search` is a route that the search of all pages asks as well: with `q` and the parameters of
    the page it answers `{"places": [{"label", "detail", "mark", "address"}]}`.
    """

    title: str
    path: str
    search: str = ""


@dataclass(frozen=True)
class PageFile:
    """What is sent for a file. `etag` changes with `content`."""

    content: bytes
    content_type: str
    etag: str


def read_files(folder: Path) -> dict[str, PageFile]:
    """Return the files below `folder` by their paths there: only what is in it can be asked for."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and path != _HEADER)
    return {path.relative_to(folder).as_posix(): _read(path) for path in paths}


def _read(path: Path) -> PageFile:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if path.suffix == ".js":  # some systems call it text/plain, which browsers do not run
        kind = "text/javascript"
    if kind.startswith("text/"):
        kind = f"{kind}; charset=utf-8"
    return _file(path.read_bytes(), kind)


def _file(content: bytes, content_type: str) -> PageFile:
    return PageFile(content, content_type, f'"{hashlib.sha256(content).hexdigest()[:24]}"')


@lru_cache(maxsize=256)
def with_header(page: PageFile, links: tuple[Link, ...], current: Link | None) -> PageFile:
    """Return `page` with the header of all pages at its mark, in which `links` stand in order."""
    items = [_item(link, is_current=link == current) for link in links]
    header = _HEADER.read_text(encoding="utf-8").strip().replace(_LINKS_MARK, "\n".join(items))
    return _file(page.content.decode().replace(_HEADER_MARK, header).encode(), page.content_type)


def _item(link: Link, *, is_current: bool) -> str:
    search = f' data-search="{html.escape(link.search)}"' if link.search else ""
    attributes = f'href="{html.escape(link.path)}"{search}{_CURRENT if is_current else ""}'
    return f"<li><a {attributes}>{html.escape(link.title)}</a></li>"
