"""Imports point one way: common ← proxy ← benchmark, and as the tables below say inside them.

The tables are the rules. The most special entry that fits a module is the one that holds for it;
tests beside modules are free. What the parts are is in docs/architecture.md.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"
PACKAGES = ("common", "proxy", "benchmark")

SCENARIO = "benchmark.scenarios.scenario"
ADAPTER_SPEC = "benchmark.adapters.adapter_spec"
REQUEST_STATE = "benchmark.adapters.request_state"
SERVICE = "proxy.services.service"

# Module or package → what of ours it may import, at the top or inside a function.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "common": ("common",),
    # The proxy: the store at the bottom, then cache, clients, services, and the server on top.
    "proxy": ("common", "proxy"),
    "proxy.http": (
        *("common", "proxy.http_connection", "proxy.http_way", "proxy.provider_words"),
        "proxy.server_sent_events",
    ),
    "proxy.local_engine": ("common", "proxy.local_engine"),
    "proxy.store": ("common", "proxy.store"),
    "proxy.tokenizers": ("common", "proxy.tokenizers", "proxy.local_engine"),
    "proxy.tokenizers.ai21_tokenizer": (
        *("common", "proxy.tokenizers"),
        *("proxy.http", "proxy.credentials"),
    ),
    "proxy.toxicity": ("common", "proxy.toxicity", "proxy.http", "proxy.credentials"),
    "proxy.toxicity.toxicity_service": (
        *("common", "proxy.toxicity.toxicity_scorer"),
        *("proxy.settings", "proxy.store"),
    ),
    SERVICE: ("common", "proxy.prices", "proxy.clients.capabilities"),
    "proxy.services.remote_service": (
        *("common", SERVICE),
        *("proxy.http", "proxy.provider_words", "proxy.error_answer"),
    ),
    "proxy.accounts": ("common", "proxy.accounts", "proxy.store", "proxy.settings"),
    "proxy.prices": ("common",),
    "proxy.settings": ("common",),
    "proxy.credentials": ("common",),
    "proxy.deployment_files": ("common", "proxy.prices"),
    "proxy.deployments": (
        *("common", SERVICE, "proxy.deployment_files", "proxy.prices"),
        "proxy.clients.capabilities",
    ),
    "proxy.clients": (
        *("common", "proxy.clients", "proxy.http", "proxy.server_sent_events"),
        "proxy.local_engine",
    ),
    "proxy.pacing": ("common", "proxy.pacing"),
    "proxy.pacing.shares": ("common", "proxy.pacing", "proxy.store"),
    "proxy.clients.paced_client": (*("common", "proxy.clients", "proxy.metrics", "proxy.pacing"),),
    "proxy.clients.auto_client": (
        *("common", "proxy.clients", "proxy.tokenizers"),
        *("proxy.cache", "proxy.cache_key", "proxy.deployments", "proxy.credentials"),
        *("proxy.cache_entry", "proxy.line", "proxy.metrics", "proxy.pacing"),
    ),
    "proxy.cache_key": ("common", "proxy.clients.client"),
    "proxy.cache_entry": ("common", "proxy.clients.client"),
    "proxy.cache": (
        *("common", "proxy.store", "proxy.clients.client", "proxy.cache_entry"),
        *("proxy.cache_statements", "proxy.line"),
    ),
    "proxy.cache_statements": ("proxy.store",),
    "proxy.line": (),
    "proxy.cache_tools": (
        *("common", "proxy.cache_tools", "proxy.store"),
        *("proxy.cache_entry", "proxy.cache_key", "proxy.clients.client"),
    ),
    "proxy.cache_tools.reference_cache": (
        *("common", "proxy.cache_tools", "proxy.store"),
        *("proxy.cache_entry", "proxy.cache_key", "proxy.clients.auto_client"),
        "proxy.deployments",
    ),
    "proxy.metrics": ("common",),
    "proxy.operations": ("proxy.metrics",),
    "proxy.legacy_get": (),
    "proxy.worker": (),
    "proxy.query": ("common", SERVICE),
    "proxy.api": ("common", "proxy.routes"),
    "proxy.routes": (
        *("common", "proxy.routes", "proxy.accounts", "proxy.error_answer", "proxy.operations"),
        SERVICE,
    ),
    "proxy.routes.openapi_routes": (
        *("common", "proxy.routes", "proxy.accounts", "proxy.error_answer", "proxy.query"),
        SERVICE,
    ),
    "proxy.routes.query_routes": ("common", "proxy.routes", "proxy.query", SERVICE),
    # The benchmark: data first, then what is done with it. Few files know the proxy.
    "benchmark": ("common", "benchmark"),
    "benchmark.scenarios": ("common", "benchmark.scenarios"),
    "benchmark.augmentations": ("common", SCENARIO, "benchmark.augmentations"),
    "benchmark.window_services": ("common", SERVICE, "benchmark.window_services"),
    "benchmark.adapters": (
        *("common", SCENARIO, "benchmark.adapters"),
        "benchmark.window_services.window_service",
    ),
    "benchmark.metrics": ("common", SCENARIO, ADAPTER_SPEC, REQUEST_STATE, "benchmark.metrics"),
    "benchmark.run_spec": ("common", SCENARIO, ADAPTER_SPEC),
    "benchmark.run_specs": (
        *("common", SCENARIO, ADAPTER_SPEC),
        *("benchmark.run_spec", "benchmark.run_specs"),
    ),
    "benchmark.data_preprocessor": (
        *("common", SCENARIO),
        *("benchmark.augmentations", "benchmark.run_spec"),
    ),
    "benchmark.executor": ("common", SERVICE, REQUEST_STATE),
    "benchmark.state_key": (SCENARIO, REQUEST_STATE),
    "benchmark.states_schema": (),
    "benchmark.states_file": (
        *("common", SCENARIO, REQUEST_STATE, "benchmark.state_key", "benchmark.states_schema"),
        "benchmark.stored_result",
    ),
    "benchmark.scoring": (
        *("common", SCENARIO, ADAPTER_SPEC, REQUEST_STATE),
        *("benchmark.metrics", "benchmark.aggregation", "benchmark.corpus_scoring"),
    ),
    "benchmark.corpus_scoring": (
        *("common", SCENARIO, ADAPTER_SPEC, REQUEST_STATE),
        *("benchmark.metrics", "benchmark.aggregation"),
    ),
    "benchmark.aggregation": ("common", SCENARIO, "benchmark.metrics", "benchmark.worst_case"),
    "benchmark.worst_case": (SCENARIO, "benchmark.metrics.stat"),
    "benchmark.execution": (
        *("common", "benchmark", "proxy.deployments", "proxy.settings"),
        SERVICE,
    ),
    "benchmark.service_spec": (
        *("common", "benchmark.plugins", "proxy.deployments", "proxy.settings"),
        SERVICE,
    ),
    "benchmark.ray_service": ("common", "benchmark.executor", "benchmark.service_spec", SERVICE),
    "benchmark.remote_output": ("common",),
    "benchmark.runner": ("common", "benchmark", SERVICE),
    "benchmark.run_preparer": ("common", "benchmark", SERVICE),
    "benchmark.profiles": ("common", "benchmark", SERVICE),
    "benchmark.derivation": ("common", "benchmark", SERVICE),
    "benchmark.verification": ("common", "benchmark", SERVICE),
    # Mounted by the proxy, which knows nothing of it.
    "benchmark.web": (
        *("common", "benchmark"),
        *("proxy.routes.page_files", "proxy.routes.page_routes", "proxy.routes.web"),
    ),
    "benchmark.budget": ("common", "proxy.prices", SERVICE),
    "benchmark.plan": (
        *("common", "proxy.prices", SERVICE),
        *("benchmark.budget", "benchmark.console_table"),
    ),
}

# Stage of a run → the only modules that know it. The runner alone knows all of them.
ONLY_IMPORTED_BY: dict[str, tuple[str, ...]] = {
    "benchmark.data_preprocessor": ("benchmark.derivation",),
    "benchmark.adapters.adapter_factory": ("benchmark.derivation",),
    "benchmark.derivation": (
        *("benchmark.active_run", "benchmark.run_preparer", "benchmark.verification"),
    ),
    "benchmark.executor": ("benchmark.ray_service", "benchmark.runner"),
    "benchmark.scoring": ("benchmark.run_results",),
    "benchmark.runner": ("benchmark.launch",),
    "proxy.serving": ("proxy.server",),
}

# Method → the only files that call it, of those below the folder.
ONLY_CALLED_BY = [("make_request", "benchmark", ("benchmark.executor",))]

# Imports inside functions: commands, which put off what --help need not wait for, and downloads.
MAY_IMPORT_LATE = (
    *(
        "benchmark.run",
        "benchmark.launch",
        "benchmark.present",
        "benchmark.export",
        "benchmark.compare",
        "benchmark.verify",
        "proxy.server",
    ),
    *("proxy.cli.account_commands", "proxy.cli.cache_commands", "proxy.cli.database_commands"),
    "common.data_mirrors",
)

# Command → what starting it must not import: --help and errors are there at once.
COMMANDS = (
    *("benchmark.run", "benchmark.present", "benchmark.export", "benchmark.compare"),
    *("benchmark.verify", "proxy.server", "proxy.cli.main"),
)
HEAVY = (
    *("sqlalchemy", "numpy", "tqdm", "pycurl", "urllib3", "yaml", "bottle", "gunicorn"),
    *("torch", "transformers", "tokenizers", "tiktoken", "xllamacpp", "ray", "fsspec"),
)


@dataclass
class Module:
    """A module of ours and what it imports of ours."""

    name: str
    at_top: set[str] = field(default_factory=set)
    in_functions: set[str] = field(default_factory=set)
    for_types: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)

    @property
    def imports(self) -> set[str]:
        return self.at_top | self.in_functions | self.for_types


@cache
def modules() -> dict[str, Module]:
    """All our modules by name, without tests."""
    paths = {
        ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__"): path
        for package in PACKAGES
        for path in sorted((SRC / package).rglob("*.py"))
        if not path.name.startswith(("test_", "conftest"))
    }
    found = {}
    for name, path in paths.items():
        module = found[name] = Module(name)
        _read(ast.parse(path.read_text(encoding="utf-8")), module, module.at_top, paths.keys())
    return found


def _read(node: ast.AST, module: Module, imports: set[str], names: Set[str]) -> None:
    for child in ast.iter_child_nodes(node):
        into = imports
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            into = module.in_functions
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            into = module.for_types
        elif isinstance(child, ast.Import | ast.ImportFrom):
            imports |= set(_imported(child)) & names
        elif isinstance(child, ast.Call) and isinstance(child.func, ast.Attribute):
            module.calls.add(child.func.attr)
        _read(child, module, into, names)


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    assert node.level == 0, "imports are absolute"
    assert node.module is not None
    yield node.module
    # Of a package: each name may be a module.
    yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_below(name: str, ancestor: str) -> bool:
    return name == ancestor or name.startswith(f"{ancestor}.")


def rule_of(name: str) -> tuple[str, ...]:
    """What the most special rule for the module `name` allows, and the packages that hold it."""
    fitting = [key for key in MAY_IMPORT if is_below(name, key)]
    allowed = MAY_IMPORT[max(fitting, key=len)]
    return (*allowed, name)


@pytest.mark.parametrize("name", modules())
def test_a_module_imports_only_what_its_layer_may(name: str) -> None:
    allowed = rule_of(name)
    # A package itself is empty: importing it for its path tells nothing.
    forbidden = [
        imported
        for imported in sorted(modules()[name].imports)
        if not any(is_below(imported, entry) or is_below(entry, imported) for entry in allowed)
    ]
    assert not forbidden, f"{name} may import only {', '.join(allowed)}"


@pytest.mark.parametrize("stage", ONLY_IMPORTED_BY)
def test_a_stage_is_known_to_the_runner_only(stage: str) -> None:
    importers = {name for name, module in modules().items() if stage in module.imports}
    assert importers == set(ONLY_IMPORTED_BY[stage])


@pytest.mark.parametrize(("method", "package", "files"), ONLY_CALLED_BY)
def test_a_method_is_called_in_one_place(method: str, package: str, files: tuple[str, ...]) -> None:
    callers = {
        name
        for name, module in modules().items()
        if is_below(name, package) and method in module.calls
    }
    assert callers == set(files)


def test_imports_inside_functions_stand_in_commands_only() -> None:
    late = {name for name, module in modules().items() if module.in_functions}
    assert late <= set(MAY_IMPORT_LATE)


def test_no_module_needs_itself() -> None:
    graph = {
        name: {imported for imported in module.at_top if not is_below(name, imported)}
        for name, module in modules().items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other: {' → '.join(error.args[1])}")


def test_package_files_are_empty() -> None:
    """So that importing a module imports nothing beside it."""
    assert [str(path) for path in SRC.rglob("__init__.py") if path.stat().st_size] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_starts_without_heavy_modules(command: str) -> None:
    script = f"import sys, {command}; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert {name.partition(".")[0] for name in ended.stdout.split()} & set(HEAVY) == set()


@pytest.mark.parametrize("name", [*MAY_IMPORT, *ONLY_IMPORTED_BY, *MAY_IMPORT_LATE])
def test_the_tables_name_modules_that_exist(name: str) -> None:
    assert name in modules()
