"""Settings of all tests: reproducible examples, and no skipping where everything must be there."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

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


@pytest.fixture
def jack_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real JACK server of its own on the dummy driver, 48 kHz in blocks of 256; its name, which clients find in
    JACK_DEFAULT_SERVER."""
    name = f"test{uuid.uuid4().hex[:12]}"
    monkeypatch.setenv("JACK_DEFAULT_SERVER", name)
    monkeypatch.setenv("JACK_NO_AUDIO_RESERVATION", "1")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    command = ["jackd", "--name", name, "-r", "-d", "dummy", "-r", "48000", "-p", "256"]
    with start_jack(command) as server:
        yield name
        assert server.poll() in (None, -signal.SIGKILL, -signal.SIGTERM), "the JACK server ended by itself"


@contextlib.contextmanager
def start_jack(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A JACK server, from when it answers."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 20.0
        while not _answers():
            assert time.monotonic() < until and server.poll() is None, "jackd does not start"
            time.sleep(0.05)
        yield server
    finally:
        server.terminate()
        try:
            server.wait(5.0)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _answers() -> bool:
    """Whether the server named in the environment takes clients; asked from a process of its own, so that this one
    keeps nothing of a server that is no more."""
    script = "import jack; jack.Client('probe', no_start_server=True).close()"
    return subprocess.run([sys.executable, "-c", script], capture_output=True).returncode == 0
