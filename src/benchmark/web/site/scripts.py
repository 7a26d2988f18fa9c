"""ES modules of the pages as one classic script: browsers load no modules from a folder.

What the pages' modules are written in is little: named imports and named exports of constants,
functions and classes, each statement at the start of a line. Of that each module becomes a function
that is called when it is first needed. Anything else is refused, so that nothing is changed in
silence.
"""

import json
import re
from collections.abc import Iterator, Mapping
from posixpath import dirname, join, normpath

_IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function\*? ?|const |class )([\w$]+)", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*|\bimport\(.*", re.MULTILINE)

# Modules are made in the order of need; none needs another that is still being made.
_LOADER = """\
"use strict";
const benchModules = {};
const benchMakers = {};
function benchNeed(path) {
  if (!(path in benchModules)) {
    benchModules[path] = null;
    benchModules[path] = benchMakers[path]();
  }
  return benchModules[path];
}
"""


def bundle(entries: list[str], modules: Mapping[str, str]) -> str:
    """Return a script that defines `entries` and all that they import; `start` runs one.

    Args:
        entries: Paths of modules.
        modules: Path → source, of all modules there are.

    Raises:
        ValueError: A module is missing, or has an import or export of another form.
    """
    needed: dict[str, str] = {}
    left = list(entries)
    while left:
        path = left.pop()
        if path not in needed:
            needed[path] = _maker(path, _source(modules, path))
            left += [imported for _, imported in _imports(path, _source(modules, path))]
    return _LOADER + "".join(needed[path] for path in sorted(needed))


def start(entry: str) -> str:
    """Return the script that runs a module of the bundle."""
    return f"benchNeed({json.dumps(entry)});\n"


def _source(modules: Mapping[str, str], path: str) -> str:
    if path not in modules:
        raise ValueError(f"there is no module {path}")
    return modules[path]


def _imports(path: str, source: str) -> Iterator[tuple[str, str]]:
    """Yield the names and the path of each import."""
    for match in _IMPORT.finditer(source):
        yield match[1], _resolved(path, match[2])


def _resolved(path: str, imported: str) -> str:
    return normpath(join(dirname(path), imported))


def _maker(path: str, source: str) -> str:
    def to_constant(match: re.Match[str]) -> str:
        names = match[1].replace(" as ", ": ")
        return f"const {{{names}}} = benchNeed({json.dumps(_resolved(path, match[2]))});"

    body = _EXPORT.sub(r"\1\2", _IMPORT.sub(to_constant, source))
    other = _OTHER.search(body)
    if other:
        raise ValueError(f"{path}: can't be put into one script: {other[0]}")
    exports = ", ".join(match[2] for match in _EXPORT.finditer(source))
    return f"benchMakers[{json.dumps(path)}] = () => {{\n{body}\nreturn {{ {exports} }};\n}};\n"
