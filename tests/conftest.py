"""Settings of all tests: reproducible examples, and no skipping where everything must be there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import hypothesis
import pytest
from hypothesis.internal.conjecture import providers

# The first example compiles kernels, so nothing is timed; derandomized, so that a red run stays red.
SLOW = hypothesis.HealthCheck.too_slow
hypothesis.settings.register_profile("isotone", deadline=None, derandomize=True, suppress_health_check=[SLOW])
hypothesis.settings.load_profile("isotone")
# Hypothesis also tries constants of whatever modules happen to be imported: those differ with the order of the tests.
if hasattr(providers, "_get_local_constants"):
    providers._get_local_constants = lambda: providers._local_constants


# Files that take longest, most of them with few tests: begun first, so that no worker is left with one at the end.
LONGEST = (
    "session/test_promises.py",
    "cli/test_play.py",
    "test_examples.py",
    "live/test_jack.py",
    "live/test_live_session.py",
    "session/test_replay.py",
    "daemon/test_page.py",
    "client/test_client.py",
    "daemon/stage/test_sessions.py",
    "daemon/test_serve.py",
    "daemon/test_renders.py",
    "daemon/test_signals_survive.py",
    "daemon/test_files.py",
    "daemon/security/test_sockets.py",
    "dsp/test_allocations.py",
    "estimator/test_faults.py",
    "session/test_requests.py",
    "estimator/test_estimator.py",
    "dsp/test_extremes.py",
    "bench/test_music_map.py",
    "session/test_memory.py",
    "control/clock/test_clock_follower.py",
    "session/test_sensor_loss.py",
    "record/test_pdf.py",
    "output/export/test_ardour.py",
    "session/test_stems.py",
    "session/test_played.py",
    "session/test_shape.py",
    "record/test_browser.py",
    "presets/test_shipped.py",
    "safety/test_random_sessions.py",
    "instruments/test_acceptance.py",
    "session/test_guests.py",
    "session/test_hands.py",
    "control/midi/test_ports.py",
    "composer/guests/test_desk.py",
    "cli/test_sessions.py",
    "record/test_agreement.py",
    "session/test_delivery.py",
    "session/test_panic.py",
    "session/test_tuned.py",
    "output/test_spatial.py",
    "output/test_files.py",
    "bench/test_closed_loop.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; all others in their order."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.as_posix().rpartition("/tests/")[2], len(place)))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In continuous integration a skipped test is a failed run: everything it may need is installed there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("tests were skipped, and continuous integration may skip none", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def jack_named(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AbstractContextManager[str]]:
    """Starts a real JACK server, 48 kHz in blocks of 256, by the name given or a new one, which clients find in
    JACK_DEFAULT_SERVER; gives the name. It waits for its clients, so that nothing is lost on a busy machine."""

    @contextlib.contextmanager
    def start(name: str = "") -> Iterator[str]:
        from bench.jack_here import jack_server as server

        monkeypatch.setenv("JACK_NO_AUDIO_RESERVATION", "1")
        monkeypatch.setenv("JACK_NO_START_SERVER", "1")
        with server(name, 256, "-S", "-t", "5000") as name:
            monkeypatch.setenv("JACK_DEFAULT_SERVER", name)
            yield name

    return start


@pytest.fixture
def jack_server(jack_named: Callable[..., AbstractContextManager[str]]) -> Iterator[str]:
    """A JACK server of this test's own; its name."""
    with jack_named() as name:
        yield name
