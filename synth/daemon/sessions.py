"""The registry: makes sessions, finds them, hears what they tell, and takes them up again after any process died."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from synth.controls import STEMS
from synth.daemon.config import Config
from synth.daemon.hosted import About, Hosted
from synth.daemon.left_over import Interrupted, interrupted
from synth.daemon.retention import remove_old
from synth.daemon.stage.part import Part
from synth.daemon.stage.remote import RemoteSession
from synth.daemon.stage.stage import NoRoom, Stage
from synth.preset import Preset, load_preset
from synth.record.keeping import Keeping
from synth.record.writer import RecordWriter

__all__ = ["Hosted", "NoRoom", "Refused", "SessionTaken", "Sessions"]

TICK_S = 0.005
PUSH_S = 1.0
RETENTION_S = 3600.0
START_S = 60.0
KEPT_S = 600.0  # a session that is over is shown so long; its folder stays
MOST_LOST, LOST_WITHIN_S = 3, 120.0
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

log = logging.getLogger("isotone.sessions")


class SessionTaken(ValueError):
    """There is, or was, a session of that name."""


class Refused(ValueError):
    """A session that cannot be as asked; the message says what to change."""


class Sessions:
    """The sessions of a daemon. `all` are those that play or ended a short while ago, by id, and complete once
    `taken_up`; `on_resumed`, to be set, is called with a session that was taken up again and the session time up to
    which it had heard its sensors. Belongs to one event loop."""

    def __init__(self, config: Config, stage: Stage) -> None:
        self._config, self._stage = config, stage
        self.all: dict[str, Hosted] = {}
        self.taken_up = False
        self._on_resumed: Callable[[Hosted, float], None] | None = None
        self._resumed: list[tuple[Hosted, float]] = []  # that nobody was told of yet
        self._heard: list[Callable[[], None]] = []
        self._ended_s: dict[str, float] = {}
        self._moves = 0
        self._task: asyncio.Task[None] | None = None
        self._removing: asyncio.Task[list[str]] | None = None  # held, as a task that nobody holds may vanish
        self._closing = False
        stage.on_lost = self._lost

    @property
    def on_resumed(self) -> Callable[[Hosted, float], None] | None:
        """Who is told of sessions that were taken up again, also of those before it was set."""
        return self._on_resumed

    @on_resumed.setter
    def on_resumed(self, told: Callable[[Hosted, float], None]) -> None:
        self._on_resumed = told
        self._tell_resumed()

    @property
    def ready(self) -> bool:
        """Whether new sessions are taken."""
        return self._stage.ready and not self._closing

    async def start(self) -> None:
        """Take up what was interrupted, then hear what sessions tell; the stage has started."""
        self._config.sessions_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._task = asyncio.create_task(self._tick())
        left = interrupted(self._config.sessions_dir, self._stage.run_dir)
        for one in left:
            self._take_up(one)
        self.taken_up = True

    async def create(
        self, preset: str | Preset, session: Mapping[str, Any], *, name: str | None = None, stems: bool = False
    ) -> Hosted:
        """A session of `preset` that plays; `session` are keywords of `synth.Session`, `name` the id that is wanted,
        `stems` whether each stem can be listened to.

        PresetError, Refused, SessionTaken, or NoRoom when there are too many.
        """
        preset = preset if isinstance(preset, Preset) else load_preset(preset)
        if not self.ready:
            raise NoRoom("the service is ending" if self._closing else "the workers are warming up: ask again soon")
        if len(self._playing()) >= self._config.max_sessions:
            raise NoRoom(f"{self._config.max_sessions} sessions play already: stop one, or ask again in a while")
        worker = self._stage.place()
        kept = tuple(stem for stem in STEMS if stem in preset.stems or stem == "reverb") if stems else ()
        created = datetime.now().astimezone().isoformat(timespec="seconds")
        about = About(_named(name), preset.name, created, kept)
        folder = self._config.sessions_dir / about.id
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            raise SessionTaken(f"there is a session {about.id!r} already: give another name, or none") from None
        hosted = Hosted(about, folder, dict(session))
        about.write(folder)
        days = self._config.retention_days or None
        hosted.writer = Keeping(started=created, retention_days=days).writer(hosted.record_path, overwrite=False)
        self._host(hosted, Part(about.id, preset, session, self._memory_path(about.id), folder, kept), worker)
        with suppress(TimeoutError):
            await asyncio.wait_for(hosted.settled(), START_S)
        if hosted.status in ("starting", "failed"):
            hosted.hands.end()  # one that is still being made ends with its first block
            self._drop(hosted)
            shutil.rmtree(folder, ignore_errors=True)
            if hosted.status == "failed":
                raise Refused(hosted.trouble)
            raise NoRoom(f"it did not start within {START_S:g} s: ask again in a while")
        log.info("session", extra={"session": about.id, "preset": preset.name, "worker": worker})
        return hosted

    def get(self, id: str) -> Hosted:
        """The session of that id; KeyError when there is none."""
        return self.all[id]

    def folder(self, id: str) -> Path:
        """The folder of a session, also of one that is long over; KeyError when there is none."""
        if id in self.all:
            return self.all[id].folder
        folder = self._config.sessions_dir / id
        if not NAME.fullmatch(id) or folder.is_symlink() or not (folder / "session.jsonl").is_file():
            raise KeyError(id)
        return folder

    def ticking(self, heard: Callable[[], None]) -> Callable[[], None]:
        """Call `heard` in the loop every TICK_S, after what sessions told was heard; what is given ends it."""
        self._heard.append(heard)
        return lambda: self._heard.remove(heard) if heard in self._heard else None

    async def close(self, fade: bool = True) -> None:
        """Take no more sessions, let all end (`fade`: fade out), and close their records. Without a fade they can be
        taken up again."""
        self._closing = True
        await self._stage.stop(fade)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for hosted in self.all.values():
            self._hear(hosted)
            hosted.close()
        if fade:
            self._stage.forget()

    # -- what sessions tell ---------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        push_s = retention_s = time.monotonic()
        while True:
            for hosted in tuple(self._playing()):
                self._hear(hosted)
            for heard in tuple(self._heard):
                try:
                    heard()
                except Exception:
                    log.exception("a part of the daemon failed")
            if time.monotonic() >= push_s:
                push_s = time.monotonic() + PUSH_S
                self._tidy()
            if self._config.retention_days and time.monotonic() >= retention_s:
                retention_s = time.monotonic() + RETENTION_S
                where, now = self._config.sessions_dir, datetime.now().astimezone()
                removing = asyncio.to_thread(remove_old, where, set(self.all), now, self._config.retention_days)
                self._removing = asyncio.create_task(removing)
            await asyncio.sleep(TICK_S)

    def _hear(self, hosted: Hosted) -> None:
        if hosted.status in ("finished", "failed"):
            return
        try:
            while hosted.hands.take():
                pass
        except Exception:
            log.exception("what a session told could not be heard", extra={"session": hosted.id})

    def _tidy(self) -> None:
        """Write what waits, and show no more what is long over."""
        now = time.monotonic()
        for hosted in tuple(self.all.values()):
            hosted.push()
            if hosted.status in ("finished", "failed"):
                if now - self._ended_s.setdefault(hosted.id, now) > KEPT_S:
                    self._drop(hosted)

    def _playing(self) -> list[Hosted]:
        return [hosted for hosted in self.all.values() if hosted.status not in ("finished", "failed")]

    def _drop(self, hosted: Hosted) -> None:
        hosted.close()
        hosted.hands.forget()
        self._stage.done(hosted.id)
        self.all.pop(hosted.id, None)
        self._ended_s.pop(hosted.id, None)

    def _host(self, hosted: Hosted, part: Part, worker: int) -> None:
        """Give a session to a worker."""

        def status(kind: str, said: str) -> None:
            if kind == "playing":
                hosted.become("playing")
            elif kind in ("failed", "refused"):
                hosted.become("failed", said)
            if kind != "playing":
                hosted.become("finished")
                self._stage.done(hosted.id)
                hosted.hands.forget()

        memory = self._stage.memory(part.memory, part.stems, new=True)
        hosted.hands = RemoteSession(part, memory, hosted.keep, status)
        self.all[hosted.id] = hosted
        self._stage.play(part, worker)

    # -- taken up again --------------------------------------------------------------------------------------------

    async def _lost(self, ids: Sequence[str]) -> None:
        """A worker has died: its sessions go on in another."""
        for hosted in (self.all[id] for id in ids if id in self.all):
            self._hear(hosted)
            if hosted.status == "starting" or self._often_lost(hosted):
                hosted.become("failed", "the worker that was to play it ended")
            if hosted.status not in ("finished", "failed"):
                log.warning("session is taken up again", extra={"session": hosted.id})
                hosted.become("resuming")
                try:
                    await self._move(hosted)
                except OSError as error:
                    hosted.become("failed", f"it could not be taken up again: {error.strerror}")

    def _often_lost(self, hosted: Hosted) -> bool:
        """Whether it was lost so often of late that it may itself be what ends workers."""
        now = time.monotonic()
        hosted.lost_s = [at_s for at_s in hosted.lost_s if now - at_s < LOST_WITHIN_S] + [now]
        return len(hosted.lost_s) > MOST_LOST

    async def _move(self, hosted: Hosted) -> None:
        hands = hosted.hands
        part = replace(hands.part, resume=True, frames=int(hands.seen.frames), memory=self._memory_path(hosted.id))
        worker = await self._place()
        hands.move(part, self._stage.memory(part.memory, part.stems, new=True))
        self._resumed_when_playing(hosted)
        self._stage.play(part, worker)

    def _take_up(self, left: Interrupted) -> None:
        """A session that the API process left when it died."""
        hosted = Hosted(left.about, left.folder, {})
        hosted.status = "resuming"
        try:
            hosted.writer = RecordWriter.go_on(hosted.record_path)
            for line in left.untold:
                hosted.writer.write(line)
        except (OSError, ValueError) as error:
            log.error("session cannot be taken up", extra={"session": hosted.id, "error": type(error).__name__})
            return
        part = Part(
            hosted.id, left.preset, {}, self._memory_path(hosted.id), left.folder, left.about.stems, True, left.frames
        )
        log.warning("session is taken up again", extra={"session": hosted.id})
        self._host(hosted, part, self._stage.place())
        for line in left.shown:
            hosted.hands.remember(line)
            hosted.latest[line["type"]] = line
        hosted.hands.ask_again(left.unread)
        self._resumed_when_playing(hosted)

    def _resumed_when_playing(self, hosted: Hosted) -> None:
        since_s = float(hosted.latest.get("plan", {}).get("t_s", 0.0))

        def heard(line: Mapping[str, Any]) -> None:
            if line["type"] == "status":
                leave()
                if line["status"] == "playing":
                    log.info("session goes on", extra={"session": hosted.id})
                    self._resumed.append((hosted, since_s))
                    self._tell_resumed()

        leave = hosted.follow(heard)

    def _tell_resumed(self) -> None:
        while self._on_resumed is not None and self._resumed:
            self._on_resumed(*self._resumed.pop(0))

    async def _place(self) -> int:
        while True:
            try:
                return self._stage.place()
            except NoRoom:
                await asyncio.sleep(0.1)

    def _memory_path(self, id: str) -> Path:
        self._moves += 1
        return self._stage.run_dir / f"{id}.{time.time_ns():x}.{self._moves}"


def _named(name: str | None) -> str:
    if name is None:
        return "s" + secrets.token_hex(12)
    if not NAME.fullmatch(name):
        raise Refused(f"{name[:80]!r} is no name of a session: give up to 64 letters, digits, - and _")
    return name
