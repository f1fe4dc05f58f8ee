"""Starts the daemon, what is cheap to fail first: settings, state folder, address, certificate. Then the nursery of the
render workers, which loads while the service itself does; on two cores that halves the time until sessions go on."""

from __future__ import annotations

from collections.abc import Callable

from synth.daemon.config import Config
from synth.daemon.logs import Logs
from synth.daemon.notify import Notify
from synth.daemon.nursery import nursery
from synth.daemon.premises import claimed, listening, tls_context


def serve(read: Callable[[], Config]) -> int:
    """Serve with the settings that `read` gives, which SIGHUP calls again, until a signal ends it; the exit code.
    ConfigError or ServeError when it cannot start."""
    config = read()
    notify = Notify()
    with claimed(config.state_dir), listening(config.host, config.port) as listener:
        tls_context(config)
        with Logs(config.log_level, config.log_format) as logs:
            nursery()
            from synth.daemon.serve import Daemon, run

            return run(Daemon(config, read, logs, notify), listener)
