"""Rules of who may import what that import-linter's contracts cannot say."""

import ast
import re
import sys
from pathlib import Path

import grimp
import pytest

import rostra

LIBRARIES_IN_DOMAIN = {"msgspec", "numpy", "pyroaring"}
# The parts of the standard library that reach outside the program, or bring time and chance in:
# those come from the context that services are called with.
IMPURE = {
    "asyncio",
    "http",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "select",
    "shutil",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "time",
}


SERVICES = Path(rostra.__file__).parent / "services"
ROOMS = sorted(path.parent for path in SERVICES.glob("*/__init__.py"))


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("rostra", include_external_packages=True, cache_dir=None)


def test_domain_imports_only_pure_libraries(graph: grimp.ImportGraph) -> None:
    allowed = (sys.stdlib_module_names - IMPURE) | LIBRARIES_IN_DOMAIN | {"rostra"}
    wrong = {
        f"{module} imports {imported}"
        for module in graph.modules
        if f"{module}.".startswith("rostra.domain.")
        for imported in graph.find_modules_directly_imported_by(module)
        if imported.split(".")[0] not in allowed
    }
    assert not wrong


@pytest.mark.parametrize("package", ["api", "web"])
def test_what_answers_requests_writes_through_services_alone(package: str) -> None:
    folder = Path(rostra.__file__).parent / package
    modules = list(folder.rglob("*.py"))
    assert modules
    assert [path for path in modules if "store.write" in path.read_text()] == []


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_of_services_says_what_stands_in_it(room: Path) -> None:
    said = ast.get_docstring(ast.parse((room / "__init__.py").read_text())) or ""
    named = set(re.findall("``([a-z_]+)``", said))
    there = {path.stem for path in room.glob("*.py")} - {"__init__"}
    assert there - named == set()


def test_the_rooms_of_services_stand_in_the_page_on_the_architecture() -> None:
    page = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text()
    section = page.partition("### The rooms of services\n")[2].partition("\n## ")[0]
    rooms, beside = section.split("What all rooms share")
    assert sorted(re.findall("^[|] `services/([a-z_]+)/`", rooms, re.MULTILINE)) == [
        room.name for room in ROOMS
    ]
    flat = {path.name for path in SERVICES.glob("*.py")} - {"__init__.py"}
    assert set(re.findall(r"`([a-z_]+\.py)`", beside)) == flat
