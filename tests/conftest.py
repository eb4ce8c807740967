"""What every test shares: the event loop, hypothesis's settings, and the rule that none is skipped.

With ROSTRA_TEST_NO_SKIP=1, as in continuous integration, a skipped test fails and says why it was
skipped: a machine that lacks a browser or a database must not look like one on which all is well.
"""

import os
import signal
from collections.abc import Generator

import hypothesis
import pytest

NO_SKIP = os.environ.get("ROSTRA_TEST_NO_SKIP") == "1"

# A shell starts what it puts in the background with Ctrl-C ignored, and so would be whatever is
# started here and interrupted to see what it does.
signal.signal(signal.SIGINT, signal.default_int_handler)

# On a busy machine the time that one example takes, or making it, says nothing about the code.
hypothesis.settings.register_profile(
    "rostra", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("rostra")


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Run coroutine tests on the loop the server runs on."""
    return "asyncio", {"use_uvloop": True}


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        where = report.longrepr
        reason = where[2] if isinstance(where, tuple) else where
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: no test may be skipped here. {reason}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report)
    return report
