"""Rules of who may import what that import-linter's contracts cannot say."""

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
