"""The rule in tests/conftest.py: where no test may be skipped, a skipped test fails."""

import os
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).parents[1] / "conftest.py"

SAMPLES = {
    "test_skips.py": """
import pytest

@pytest.fixture
def page():
    pytest.skip("no browser")

def test_in_a_fixture(page): pass

def test_in_the_test():
    pytest.skip("no database")

@pytest.mark.skip(reason="no sound")
def test_by_a_mark(): pass

@pytest.mark.xfail(strict=True)
def test_that_is_expected_to_fail():
    assert False

def test_that_passes(): pass
""",
    "test_module.py": """
import pytest

pytest.skip("no network", allow_module_level=True)
""",
}


def run_samples(folder: Path, *, no_skip: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    for name, source in SAMPLES.items():
        (folder / name).write_text(source)
    command = ["-m", "pytest", "-p", "no:cacheprovider", "--continue-on-collection-errors", "-rs"]
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | {"ROSTRA_TEST_NO_SKIP": no_skip, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_skipped_test_fails_and_says_why(tmp_path: Path) -> None:
    done = run_samples(tmp_path, no_skip="1")
    assert done.returncode == 1
    # What skips before the test's own body is an error rather than a failure to pytest.
    assert "1 failed, 1 passed, 1 xfailed, 3 errors" in done.stdout
    for what in "browser", "database", "sound", "network":
        assert f"no {what}" in done.stdout
    assert done.stdout.count("no test may be skipped here") == 4


def test_elsewhere_a_test_may_be_skipped(tmp_path: Path) -> None:
    done = run_samples(tmp_path, no_skip="")
    assert done.returncode == 0
    assert "1 passed, 4 skipped, 1 xfailed" in done.stdout
