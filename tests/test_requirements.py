"""requirements.txt pins all that an installation for tests has, in versions that setup.cfg allows.

Whether holes are known in these versions is asked of the net, by `pre-commit run --hook-stage
manual audit`; here is what can be held without one.
"""

import configparser
import re
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
EXTRAS = ("dev", "local")  # what scripts/install.sh installs
HOOKS = ".pre-commit-config.yaml"


def pins() -> dict[str, Version]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def wanted() -> list[Requirement]:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    texts = [settings["options"]["install_requires"]]
    texts += [settings["options.extras_require"][extra] for extra in EXTRAS]
    lines = "\n".join(texts).splitlines()
    return [Requirement(line) for line in lines if line.strip()]


def test_every_package_that_is_named_is_pinned_in_its_range() -> None:
    pinned = pins()
    wrong = [
        str(requirement)
        for requirement in wanted()
        if (version := pinned.get(canonicalize_name(requirement.name))) is None
        or version not in requirement.specifier
    ]
    assert wrong == []


def test_every_package_that_comes_with_them_is_pinned() -> None:
    pinned = pins()
    left = [(requirement, extra) for requirement in wanted() for extra in ("", *requirement.extras)]
    seen, missing = set(), set()
    while left:
        requirement, extra = left.pop()
        name = canonicalize_name(requirement.name)
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        if name not in pinned:
            missing.add(name)
        try:
            lines = requires(requirement.name) or []
        except PackageNotFoundError:
            pytest.skip(f"{name} is not installed: scripts/install.sh installs all of them")
        for deeper in map(Requirement, lines):
            if deeper.marker is None or deeper.marker.evaluate({"extra": extra}):
                left += [(deeper, each) for each in ("", *deeper.extras)]
    assert missing == set()


def test_the_audit_has_a_hook() -> None:
    hooks = (ROOT / HOOKS).read_text(encoding="utf-8")
    assert re.search(r"entry: pip-audit .*requirements\.txt", hooks)
