"""Settings of all tests: reproducible examples, and no skipping where everything must be there."""

from __future__ import annotations

import os

import hypothesis
import pytest
from hypothesis.internal.conjecture import providers

# The first example compiles kernels, so no deadline; derandomized, so that a red run stays red.
hypothesis.settings.register_profile("isotone", deadline=None, derandomize=True)
hypothesis.settings.load_profile("isotone")
# Hypothesis also tries constants of whatever modules happen to be imported: those differ with the order of the tests.
if hasattr(providers, "_get_local_constants"):
    providers._get_local_constants = lambda: providers._local_constants


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In continuous integration a skipped test is a failed run: everything it may need is installed there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("tests were skipped, and continuous integration may skip none", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
