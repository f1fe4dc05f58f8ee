"""Starts the daemon, what is cheap to fail first: settings, state folder, address, certificate. Then the nursery of
the render workers, which loads while this process does, and sessions that were interrupted."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Callable
from importlib import import_module

from synth.daemon.config import Config
from synth.daemon.logs import Logs
from synth.daemon.notify import Notify
from synth.daemon.nursery import nursery
from synth.daemon.premises import claimed, listening, tls_context
from synth.daemon.sessions import Sessions
from synth.daemon.stage.stage import Stage


def serve(read: Callable[[], Config]) -> int:
    """Serve with the settings that `read` gives, which SIGHUP calls again, until a signal ends it; the exit code.
    ConfigError or ServeError when it cannot start."""
    gc.disable()  # there is nothing to be found among what is only just loaded; the daemon enables it
    config = read()
    notify = Notify()
    with claimed(config.state_dir), listening(config.host, config.port) as listener:
        tls_context(config)
        with Logs(config.log_level, config.log_format) as logs:
            nursery()
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                return runner.run(_run(config, read, logs, notify, listener))


async def _run(config: Config, read: Callable[[], Config], logs: Logs, notify: Notify, listener: socket.socket) -> int:
    stage = Stage(config)
    sessions = Sessions(config, stage)
    begun = asyncio.create_task(_begin(stage, sessions), name="begin")
    try:
        serving = await asyncio.to_thread(import_module, "synth.daemon.serve")
        code: int = await serving.Daemon(config, read, logs, notify, stage, sessions).run(listener, begun)
    except BaseException:
        begun.cancel()
        await sessions.close(fade=False)
        raise
    return code


async def _begin(stage: Stage, sessions: Sessions) -> None:
    await stage.start()
    await sessions.start()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
