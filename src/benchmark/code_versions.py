"""Which code makes a run: the modules of its classes, and what these import of their own kind.

Only what decides prompts and scores is looked at. How requests are sent, stored and shown decides
neither; who answers them stands in the run's record.
"""

import re
import sys
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from benchmark.run_spec import RunSpec
from common.object_spec import ObjectSpec, resolved
from common.version import VERSION

# Kind of code → the packages and modules that are of this kind.
_KINDS = {
    "scenario": ("benchmark.scenarios",),
    "perturbations": ("benchmark.augmentations", "benchmark.data_preprocessor"),
    "adapter": ("benchmark.adapters", "benchmark.window_services"),
    "metrics": (
        "benchmark.metrics",
        *("benchmark.scoring", "benchmark.aggregation"),
        *("benchmark.corpus_scoring", "benchmark.worst_case"),
    ),
}
_ADAPTER = "benchmark.adapters.adapter_factory"
_OF_ALL_RUNS = (
    *("benchmark.metrics.efficiency_metrics", "benchmark.metrics.runtime_metrics"),
    *("benchmark.metrics.tokens_metrics", "benchmark.scoring"),
)
_OURS = ("benchmark", "common", "proxy")
_IMPORT = re.compile(
    r"^[ \t]*(?:import[ \t]+([\w.]+)|from[ \t]+([\w.]+)[ \t]+import\b)"
    r"|\bimport_module\(\"([\w.]+)\"\)",
    re.MULTILINE,
)
_DATA_FILE = re.compile(r"\"([\w-]+\.(?:csv|json|tsv|txt))\"")


def code_versions(spec: RunSpec) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Return the hash of each module that makes a run, by kind, and the versions of packages.

    A module that is not here is left out.
    """
    perturbations = _modules_of(spec.data_augmenter_spec.perturbation_specs)
    roots = {
        "scenario": _modules_of([spec.scenario_spec]),
        "perturbations": [*perturbations, "benchmark.data_preprocessor"] if perturbations else [],
        "adapter": [_ADAPTER],
        "metrics": [*_modules_of(spec.metric_specs), *_OF_ALL_RUNS],
    }
    code, packages = dict[str, dict[str, str]](), set[str]()
    for kind, modules in roots.items():
        sources = _closure(modules, _KINDS[kind])
        code[kind] = {module: sources[module].sha256 for module in sorted(sources)}
        packages.update(*(source.packages for source in sources.values()))
    versions = {name: version for name in sorted(packages) if (version := _version_of(name))}
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return code, {"python": python, "lm-bench": VERSION} | versions


def is_ours(spec: ObjectSpec) -> bool:
    """Whether its class may be imported: it is of this program, or was by --plugins."""
    return all(map(_may_look_for, _modules_of([spec])))


def _modules_of(specs: Iterable[ObjectSpec]) -> list[str]:
    return [resolved(spec).class_name.rpartition(".")[0] for spec in specs]


def _may_look_for(module: str) -> bool:
    # Records of others may name any module, and looking for one imports the package it is in.
    return module.startswith("benchmark.") or module in sys.modules


def _closure(roots: Iterable[str], kind: tuple[str, ...]) -> "dict[str, _Source]":
    """The modules, and those of their kind that they import, and so on."""
    found, waiting = dict[str, _Source](), list(roots)
    while waiting:
        module = waiting.pop()
        source = _source_of(module) if _may_look_for(module) and module not in found else None
        if source is not None:
            found[module] = source
            waiting += [name for name in source.imports if _is_below(name, kind)]
    return found


def _is_below(module: str, ancestors: tuple[str, ...]) -> bool:
    return any(module == one or module.startswith(f"{one}.") for one in ancestors)


class _Source:
    """A module's file: its hash, and what it imports, anywhere in it."""

    def __init__(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        digest = sha256(text.encode())
        # Word lists and tables are part of the module that names them.
        for name in sorted(set(_DATA_FILE.findall(text))):
            if (path.parent / name).is_file():
                digest.update((path.parent / name).read_bytes())
        self.sha256 = digest.hexdigest()
        self.imports = {"".join(found) for found in _IMPORT.findall(text)}
        tops = {name.partition(".")[0] for name in self.imports}
        self.packages = tops - {*sys.stdlib_module_names, *_OURS}


@cache
def _source_of(module: str) -> _Source | None:
    """None if there is no such module, or it has no source."""
    try:
        found = find_spec(module)
    except (ImportError, ValueError):
        return None
    if found is None or found.origin is None or not found.origin.endswith(".py"):
        return None
    return _Source(Path(found.origin))


def _version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
