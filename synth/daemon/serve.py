"""Ties the daemon together: settings, log, workers, sessions, the app and its server; how all of it begins and ends.

Sessions that were interrupted are taken up again before anything is served, unless that takes as long as when kernels
are compiled; /healthz is answered while the workers warm up. At the end nothing new is taken, every session fades out,
its record is closed, then the sockets are. A second signal skips the fading.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from synth.daemon.config import Config, ConfigError
from synth.daemon.health import counted, missing, sound, standing
from synth.daemon.house import House
from synth.daemon.logs import Logs, say
from synth.daemon.notify import Notify
from synth.daemon.opening import Open
from synth.daemon.premises import BACKLOG, ServeError, load_certificate
from synth.daemon.sessions import Sessions
from synth.daemon.stage.stage import Stage

log = logging.getLogger(__name__)
LOOK_S = 1.0  # between looks at how things stand
WARM_LOOK_S = 0.05
PATIENCE_S = 5.0  # before anything is served
MORE_S = 120.0  # asked of the service manager again and again while the kernels compile
CLOSE_S = 3.0  # beyond `stop_within_s`, for what is left; and then for answers under way
ENDED_EARLY = 1  # the exit code when not every session had its fade


class Daemon:
    """One run of the service."""

    def __init__(
        self,
        config: Config,
        read: Callable[[], Config],
        logs: Logs,
        notify: Notify,
        stage: Stage,
        sessions: Sessions,
    ) -> None:
        self._config, self._read, self._logs, self._notify = config, read, logs, notify
        self._stage, self._sessions = stage, sessions
        self._began_s = time.monotonic()
        self._end, self._at_once = asyncio.Event(), asyncio.Event()
        self._is_ready = False

    async def run(self, listener: socket.socket, begun: asyncio.Task[None]) -> int:
        """Serve on `listener` until asked to end; the exit code. `begun`: stage and sessions have started."""
        opened = Open(self._config, self._stage, self._sessions)
        opened.listen()
        house = opened.house
        server = _Server(_settings(opened))
        server.config.load()
        gc.freeze()
        gc.enable()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_end, number)
        loop.add_signal_handler(signal.SIGHUP, self._reload, house, server)
        self._notify.starting("warming up", MORE_S)
        await asyncio.wait([begun], timeout=PATIENCE_S)
        web = asyncio.create_task(server.serve(sockets=[listener]), name="server")
        begin = asyncio.create_task(self._begin(opened, begun, _url(self._config, listener)), name="begin")
        watch = asyncio.create_task(self._watch(house), name="watch")
        asked = asyncio.create_task(self._end.wait(), name="end")
        await _first_of(web, asked, begin, watch)
        trouble = [task for task in (web, begin, watch) if _broke(task)]
        try:
            return await self._finish(opened, server, web) or (1 if trouble else 0)
        finally:
            await _cancel(begin, watch, asked)

    # -- beginning ---------------------------------------------------------------------------------------------

    async def _begin(self, opened: Open, begun: asyncio.Task[None], url: str) -> None:
        """Start what works behind the server, and say when it is ready. Ends only with the daemon."""
        say(log, "info", "listening", url=url, workers=self._config.worker_count)
        house = opened.house
        await begun
        await opened.start()
        self._stage.warm()
        while missing(house):
            await asyncio.sleep(WARM_LOOK_S)
        self._is_ready = True
        say(log, "info", "ready", after_s=round(time.monotonic() - self._began_s, 2), resumed=len(house.sessions.all))
        self._notify.ready(standing(house))
        await asyncio.Event().wait()

    async def _watch(self, house: House) -> None:
        """Look at how things stand, and tell the service manager. It is told that we live only from here, so only while
        the event loop turns, and only while every worker lives."""
        every_s = min(LOOK_S, (self._notify.watchdog_s or LOOK_S) / 4.0)
        while True:
            if sound(house):
                self._notify.alive()
            if house.metrics.health.ending:
                pass  # it was told why
            elif self._is_ready:
                self._notify.status(standing(house))
            else:
                self._notify.starting("; ".join(missing(house)), MORE_S)
            await asyncio.sleep(every_s)

    # -- signals -----------------------------------------------------------------------------------------------

    def _asked_to_end(self, number: signal.Signals) -> None:
        say(log, "info", "asked to end", signal=number.name)
        if self._end.is_set():
            self._at_once.set()
        self._end.set()

    def _reload(self, house: House, server: uvicorn.Server) -> None:
        """Read the settings again. What is wrong with them is logged, and they stay as they are."""
        self._notify.reloading()
        try:
            changed, kept = self._config.adopt(self._read())
            self._logs.set_level(self._config.log_level)
            house.gate.reload()
            if server.config.ssl is not None:
                load_certificate(server.config.ssl, self._config)
            say(log, "info", "settings were read again", changed=", ".join(changed) or "none")
            if kept:
                say(log, "warning", "settings that wait for a restart", settings=", ".join(kept))
        except (ConfigError, ServeError) as error:
            for problem in str(error).splitlines():
                say(log, "error", "settings were not taken", problem=problem)
        self._notify.ready(standing(house))

    # -- ending ------------------------------------------------------------------------------------------------

    async def _finish(self, opened: Open, server: uvicorn.Server, web: asyncio.Task[None]) -> int:
        """Fade, close and leave within a bounded time; the exit code."""
        opened.house.metrics.health.ending = True
        faded = await self._fade(opened)
        closing = asyncio.create_task(opened.close(), name="close")
        await _first_of(closing, timeout_s=CLOSE_S)
        opened.kill()
        await _first_of(closing, timeout_s=CLOSE_S)
        _broke(closing)
        await _cancel(closing)
        if faded:
            opened.forget()
        server.should_exit = True
        await _first_of(web, timeout_s=2.0 * CLOSE_S)
        server.force_exit = True
        await _cancel(web)
        say(log, "info", "ended", after_s=round(time.monotonic() - self._began_s, 2))
        return 0 if faded else ENDED_EARLY

    async def _fade(self, opened: Open) -> bool:
        """Have every session fade out, as long as the settings and a second signal allow; whether all did."""
        live = opened.live
        self._notify.stopping(f"{counted(live, 'session')} to fade out")
        say(log, "info", "ending: sessions fade out", sessions=live)
        if not live:
            return True
        fading = asyncio.create_task(opened.fade(), name="fade")
        hurry = asyncio.create_task(self._at_once.wait())
        await _first_of(fading, hurry, timeout_s=self._config.stop_within_s)
        faded = fading.done() and not _broke(fading)
        await _cancel(fading, hurry)
        if not faded:
            say(log, "warning", "ended before every session had faded out", sessions=opened.live)
        return faded


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: ours end sessions before sockets."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _settings(opened: Open) -> uvicorn.Config:
    from synth.daemon.audio.wire import AudioWebSockets

    given: dict[str, Any] = {
        "ws": AudioWebSockets,
        "ws_ping_interval": 20.0,
        "ws_ping_timeout": 20.0,
        "lifespan": "off",
        "log_config": None,
        "backlog": BACKLOG,
        "timeout_graceful_shutdown": round(CLOSE_S),
        **opened.house.gate.server_settings(),
    }
    return uvicorn.Config(opened.app, **given)


def _url(config: Config, listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    scheme = "http" if config.tls_cert is None else "https"
    return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"


async def _first_of(*tasks: asyncio.Task[Any], timeout_s: float | None = None) -> None:
    await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _broke(task: asyncio.Task[Any]) -> bool:
    """Whether a task ended by an error, which is logged."""
    if not task.done() or task.cancelled() or task.exception() is None:
        return False
    log.error("%s broke", task.get_name(), exc_info=task.exception())
    return True
