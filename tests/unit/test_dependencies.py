"""docs/dependencies.md, pyproject.toml and the locks speak of the same packages."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
VENDORED = [
    file
    for folder in ("src/rostra/web/static/vendor", "tests/e2e/vendor")
    for file in (ROOT / folder).glob("*.js")
]
PAGE = (ROOT / "docs" / "dependencies.md").read_text()


def named(requirement: str) -> str:
    """Return a requirement's package in the form that locks write it in."""
    found = re.match(r"[\w.-]+", requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def vendored(file: Path) -> tuple[str, str]:
    """Return the name and version of a library for browsers, which its file is called by."""
    name, _, version = file.name.removesuffix(".js").removesuffix(".min").rpartition("-")
    assert list(file.parent.glob(f"{name}-{version}.LICENSE"))
    return name, version


def documented() -> dict[str, str]:
    """Return the version each row of the page gives its package."""
    rows = re.findall(r"^\| ([\w.-]+) \| [^|]+ \| ([\d.]+) \| [^|]+ \|$", PAGE, re.MULTILINE)
    return dict(rows)


def test_each_direct_dependency_has_its_row_and_no_other_has() -> None:
    groups = PYPROJECT["dependency-groups"].values()
    direct = {named(one) for one in PYPROJECT["project"]["dependencies"]}
    direct |= {named(one) for group in groups for one in group}
    direct |= {vendored(file)[0] for file in VENDORED}
    assert documented().keys() == direct


def test_each_row_gives_the_locked_version() -> None:
    locked: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, version in re.findall(r"^([\w.-]+)==(\S+)", lock.read_text(), re.MULTILINE):
            locked.setdefault(name, set()).add(version)
    for file in VENDORED:
        name, version = vendored(file)
        locked[name] = {version}
    wrong = {name: version for name, version in documented().items() if version not in locked[name]}
    assert not wrong


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_names_no_host_and_no_path(lock: Path) -> None:
    found = re.findall(r"^.*(?:://|--[a-z-]*index|--find-links|@ file).*$", lock.read_text(), re.M)
    assert not found
