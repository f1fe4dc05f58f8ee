"""Opens and closes the house: makes its parts, starts them as they need each other, and ends them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal

from starlette.routing import Mount

from synth.daemon.app import application
from synth.daemon.audio import Listeners
from synth.daemon.company import Abandoned
from synth.daemon.config import Config
from synth.daemon.events import Events
from synth.daemon.house import House
from synth.daemon.ingest import Ingest
from synth.daemon.metrics import Metrics
from synth.daemon.osc import OscHub, query_app
from synth.daemon.renders import Renders
from synth.daemon.security import Gate
from synth.daemon.sessions import Sessions
from synth.daemon.stage.stage import Stage

log = logging.getLogger(__name__)
OVER = ("finished", "failed")


class Open:
    """A house of `config` around sessions that have started: `app` serves it, `osc` hears for it.

    ConfigError when the state folder holds what cannot be read.
    """

    def __init__(self, config: Config, stage: Stage, sessions: Sessions) -> None:
        metrics = Metrics()
        ingest = Ingest(sessions, config, metrics.count_signals)
        self.house = House(
            config=config,
            stage=stage,
            sessions=sessions,
            events=Events(sessions, config),
            ingest=ingest,
            renders=Renders(config, config.renders_at_once),
            listeners=Listeners(config, sessions),
            gate=Gate(config),
            metrics=metrics,
        )
        self.osc = OscHub(sessions, config, ingest)
        oscquery = Mount("/osc/{session_id}", query_app(self.house, self.osc))
        self.app = metrics.watch(application(self.house, mounts=(oscquery,)))
        metrics.look_at(self.house)

    def listen(self) -> None:
        """Hear OSC, where it is wanted. OscError when its port cannot be had."""
        self.osc.start()

    async def start(self) -> None:
        """Start what works beside the sessions."""
        sessions, metrics = self.house.sessions, self.house.metrics
        sessions.ticking(lambda: metrics.follow(sessions.all))
        sessions.ticking(Abandoned(sessions, self.house.config).look)
        self.house.events.start()
        self.house.ingest.start()
        await self.house.renders.start()

    async def fade(self) -> None:
        """Let every session fade out and close its record; nothing new is taken from now on."""
        await self.house.sessions.close(fade=True)

    @property
    def live(self) -> int:
        """Sessions that are not over."""
        return sum(hosted.status not in OVER for hosted in self.house.sessions.all.values())

    async def close(self) -> None:
        """End what is left. Sessions that had no fade are taken up at the next start, as unfinished renders are."""
        self.osc.close()
        self.house.ingest.stop()
        self.house.events.stop()
        ends = (self.house.listeners.close(), self.house.renders.stop(), self.house.sessions.close(fade=False))
        for error in await asyncio.gather(*ends, return_exceptions=True):
            if isinstance(error, Exception):
                log.error("a part did not end as it should", exc_info=error)

    def kill(self) -> None:
        """End workers that did not end by themselves."""
        for worker in self.house.stage.workers:
            if worker.alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGKILL)

    def forget(self) -> None:
        """Take away what workers shared, once no session is to be taken up from it."""
        self.house.stage.forget()
