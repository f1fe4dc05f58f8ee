"""The queue of batch renders: a bounded number wait, a few run, and a killed daemon takes them up again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from synth.daemon.config import Config
from synth.daemon.logs import say
from synth.daemon.renders.afterwards import Afterwards
from synth.daemon.renders.jobs import Asked, Cause, Job, Status
from synth.daemon.renders.process import work
from synth.daemon.renders.shelf import Shelf
from synth.daemon.renders.told import Done, Failed, Step

MOST_BEGUN = 3  # a render during which the daemon dies so often is not tried again
PRUNE_EVERY_S = 3600.0
RETRY_AFTER_S = 30

log = logging.getLogger(__name__)


class QueueFull(RuntimeError):
    """As many renders as are let in wait or run already; ask again after `RETRY_AFTER_S`."""


class ShelfFull(RuntimeError):
    """What was asked cannot be kept: the disk is full, or the state folder not writable."""


class KeyTaken(ValueError):
    """An Idempotency-Key that came before, with something else."""


class Renders:
    """Batch renders of this daemon, `at_once` of them running; belongs to the loop in which it is started. `afterwards`
    makes the pages of live sessions."""

    def __init__(self, config: Config, at_once: int = 1) -> None:
        self.shelf = Shelf(config.state_dir / "renders")
        self.afterwards = Afterwards()
        self._config, self._at_once = config, at_once
        self._jobs: dict[str, Job] = {}
        self._keys: dict[str, Job] = {}
        self._waiting: asyncio.Queue[Job] = asyncio.Queue()
        self._running: dict[str, asyncio.Task[Done | Failed]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Take up what was asked before, and begin."""
        for job in await asyncio.to_thread(lambda: list(self.shelf.all())):
            self._hold(job)
            if not job.over:
                job.made.status, job.made.words, job.made.progress, job.made.seconds = "queued", "waiting", 0.0, 0.0
                self._waiting.put_nowait(job)
        self._tasks = [asyncio.create_task(self._run()) for _ in range(self._at_once)]
        self._tasks.append(asyncio.create_task(self._keep_pruning()))

    async def stop(self) -> None:
        """End what runs; the next start takes it up again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self.afterwards.stop()
        for job in self._jobs.values():
            if job.made.status == "running":  # ended by us, so it does not count
                job.made.begun -= 1
                with contextlib.suppress(OSError):
                    await asyncio.to_thread(self.shelf.note, job)

    @property
    def all(self) -> Mapping[str, Job]:
        """Every render that is kept, oldest first."""
        return self._jobs

    def get(self, job_id: str) -> Job:
        """The render of this id; KeyError."""
        return self._jobs[job_id]

    def asked_before(self, key: str, body: str) -> Job | None:
        """What was asked with the same Idempotency-Key; KeyTaken when that was something else."""
        job = self._keys.get(key) if key else None
        if job is not None and job.asked.body != body:
            raise KeyTaken("this Idempotency-Key came before, with another body: give each request a key of its own")
        return job

    async def ask(self, **asked: Any) -> Job:
        """Queue a render; `asked` are fields of `Asked`. It is on the disk when this returns.

        QueueFull, ShelfFull, or KeyTaken; with a key that came before, what was made of it.
        """
        if before := self.asked_before(asked.get("key", ""), asked.get("body", "")):
            return before
        most = self._config.limits.max_renders
        if sum(not job.over for job in self._jobs.values()) >= most:
            raise QueueFull(f"{most} renders wait or run: ask again when one is done")
        job = Job(Asked(id=f"r-{secrets.token_hex(12)}", created=_now(), **asked))
        self._hold(job)  # at once, so that the bound and the key hold while it is written
        try:
            await asyncio.to_thread(self.shelf.put, job.asked)
        except OSError as error:
            self._forget(job)
            raise ShelfFull(f"the service cannot keep what was asked ({error.strerror}): is its disk full?") from None
        self._waiting.put_nowait(job)
        return job

    async def cancel(self, job: Job) -> None:
        """End a render that waits or runs; one that is over is removed with its files."""
        if job.over:
            self._forget(job)
            await asyncio.to_thread(self.shelf.remove, job.id)
            return
        self._end(job, "cancelled", "cancelled")
        if task := self._running.get(job.id):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._keep_end(job)

    # -- one after another ---------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            job = await self._waiting.get()
            if job.over:
                continue
            try:
                await self._render(job)
            except Exception as error:
                say(log, "error", "a render broke", render=job.id, kind=type(error).__name__)
                await self._fail(job, Failed("broken", f"an error of the service ({type(error).__name__})"))

    async def _render(self, job: Job) -> None:
        if failed := await self._begun(job):
            return await self._fail(job, failed)
        outcome = None if job.over else await self._worked(job)
        match outcome:
            case Failed():
                await self._fail(job, outcome)
            case Done():
                await self._finish(job, outcome)

    async def _begun(self, job: Job) -> Failed | None:
        """Note that it runs; why it cannot."""
        made = job.made
        if made.begun >= MOST_BEGUN:
            text = f"it was begun {MOST_BEGUN} times and the service stopped each time: ask for less, or in parts"
            return Failed("broken", text)
        made.status, made.words, made.started = "running", "starting", _now()
        made.begun += 1
        job.tell()
        try:
            await asyncio.to_thread(self.shelf.note, job)
        except OSError as error:
            return Failed("disk", f"nothing can be written ({error.strerror}): is the disk full?")
        return None

    async def _finish(self, job: Job, done: Done) -> None:
        await asyncio.to_thread(self.shelf.place_results, job.id)
        if job.over:  # cancelled meanwhile
            return await asyncio.to_thread(self.shelf.clear, job.id)
        job.made.files, job.made.progress, job.made.seconds = done.files, 1.0, job.made.total_s
        self._end(job, "finished", "done")
        return await self._keep_end(job)

    async def _worked(self, job: Job) -> Done | Failed | None:
        """What came of the worker; None when the render was cancelled meanwhile."""
        sessions = (self._config.sessions_dir / job.asked.of_session,) if job.asked.of_session else ()
        kind = "export" if job.asked.of_session else "render"
        task = asyncio.create_task(
            work(kind, self.shelf.folder(job.id), *sessions, on_step=lambda step: _step(job, step))
        )
        self._running[job.id] = task
        try:
            return await task
        except asyncio.CancelledError:
            if not job.over:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                raise
            return None
        finally:
            del self._running[job.id]

    async def _fail(self, job: Job, failed: Failed) -> None:
        say(log, "warning", "a render failed", render=job.id, cause=failed.cause, place=failed.place)
        self._end(job, "failed", "failed", failed.cause, failed.text)
        await self._keep_end(job)

    def _end(self, job: Job, status: Status, words: str, cause: Cause = "", trouble: str = "") -> None:
        job.made.status, job.made.words, job.made.ended = status, words, _now()
        job.made.cause, job.made.trouble = cause, trouble

    async def _keep_end(self, job: Job) -> None:
        """Free the space of what did not succeed, then write how it ended. On a full disk that is known until a restart
        only, which renders again."""
        if job.made.status != "finished":
            await asyncio.to_thread(self.shelf.clear, job.id)
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self.shelf.note, job)
        job.tell()

    # -- what is held --------------------------------------------------------------------------------------------

    def _hold(self, job: Job) -> None:
        self._jobs[job.id] = job
        if job.asked.key:
            self._keys[job.asked.key] = job

    def _forget(self, job: Job) -> None:
        self._jobs.pop(job.id, None)
        if self._keys.get(job.asked.key) is job:
            del self._keys[job.asked.key]

    async def _keep_pruning(self) -> None:
        while True:
            await self.prune(datetime.now(UTC))
            await asyncio.sleep(PRUNE_EVERY_S)

    async def prune(self, now: datetime) -> None:
        """Remove the renders that ended longer before `now` than `retention_days`."""
        days = self._config.retention_days
        if not days:
            return
        for job in list(self._jobs.values()):
            ended = job.made.ended
            if job.over and ended and now - datetime.fromisoformat(ended) > timedelta(days=days):
                self._forget(job)
                await asyncio.to_thread(self.shelf.remove, job.id)


def _step(job: Job, step: Step) -> None:
    made = job.made
    made.progress, made.seconds, made.total_s, made.words = step.progress, step.seconds, step.total_s, step.words
    job.tell()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
