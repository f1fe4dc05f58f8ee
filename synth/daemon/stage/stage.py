"""The stage: starts the workers, gives each session to one of them, and starts a worker again that has died."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import shutil
import stat
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from synth.daemon.config import Config
from synth.daemon.nursery import nursery, work
from synth.daemon.stage.memory import SessionMemory
from synth.daemon.stage.part import Part, WorkerSetup, packed
from synth.daemon.stage.worker_board import WorkerBoard
from synth.live.ring import shared_folder

FULL = 0.9  # a worker that works more of its time takes no further session
STUCK_S = 20.0  # without a look what to do, a worker that was ready is ended
WATCH_S = 0.5
AGAIN_S = (0.0, 0.5, 2.0, 10.0)  # before a worker is started again that dies soon
SOON_S = 30.0
WORDS = 4096  # bytes of what a worker wrote at its end
FADED_S, END_S = 45.0, 2.0  # a stage has stopped by then, with a fade and without

log = logging.getLogger("isotone.stage")


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """How a worker is: `load` is the share of its time that it works, `late` blocks came after their play time."""

    number: int
    pid: int
    alive: bool
    ready: bool
    sessions: int
    load: float
    blocks: int
    late: int
    slips: int
    restarts: int
    rss_bytes: int


class NoRoom(RuntimeError):
    """No worker can take another session now."""


class _Worker:
    """One process and what is known of it."""

    def __init__(self, number: int, setup: WorkerSetup) -> None:
        self.number, self.setup = number, setup
        self.restarts = -1
        self.process: BaseProcess | None = None
        self.ended = asyncio.Event()
        self._orders: asyncio.WriteTransport | None = None
        self.board: WorkerBoard | None = None
        self.given: set[str] = set()
        self.started_s = 0.0

    async def start(self) -> None:
        self.setup.board.unlink(missing_ok=True)
        self.board = WorkerBoard(self.setup.board, new=True)
        self.restarts += 1
        self.started_s = time.monotonic()
        orders, ours = nursery().Pipe(duplex=False)
        process = nursery().Process(target=work, args=(self.setup, orders), daemon=True)
        await asyncio.to_thread(process.start)  # the first waits until the nursery has loaded
        self.process = process
        orders.close()
        loop = asyncio.get_running_loop()
        self._orders, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(os.dup(ours.fileno()), "wb"))
        ours.close()
        self.ended = asyncio.Event()
        loop.add_reader(self.process.sentinel, self._at_end, loop, self.process)

    def _at_end(self, loop: asyncio.AbstractEventLoop, process: BaseProcess) -> None:
        loop.remove_reader(process.sentinel)
        process.join()
        self.hang_up()
        self.ended.set()

    def say(self, *message: object) -> None:
        """Tell the process; one that is gone does not hear it."""
        if self._orders is not None and not self._orders.is_closing():
            self._orders.write(packed(message))

    def hang_up(self) -> None:
        """Say nothing more: it ends at once where it had no other end to come to."""
        if self._orders is not None:
            self._orders.close()

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        if self.process is not None and self.alive:
            self.process.kill()

    @property
    def last_words(self) -> str:
        """What it wrote last about what went wrong."""
        with suppress(OSError):
            return self.setup.errors.read_bytes()[-WORDS:].decode(errors="replace").strip()
        return ""

    @property
    def alive(self) -> bool:
        return self.process is not None and not self.ended.is_set()

    def shown(self, name: str) -> float:
        return self.board[name] if self.board is not None else 0.0

    @property
    def seen(self) -> WorkerSeen:
        pid = self.process.pid or 0 if self.process is not None and self.alive else 0
        return WorkerSeen(
            number=self.number,
            pid=pid,
            alive=self.alive,
            ready=self.alive and self.shown("ready") > 0.0,
            sessions=len(self.given),
            load=self.shown("load"),
            blocks=int(self.shown("blocks")),
            late=int(self.shown("late")),
            slips=int(self.shown("slips")),
            restarts=max(self.restarts, 0),
            rss_bytes=_rss_bytes(pid),
        )


class Stage:
    """The workers of `config`. `on_lost`, to be set, is called with the sessions of a worker that died, once another
    can take them. Belongs to one event loop."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.run_dir = run_dir(config)
        self.on_lost: Callable[[Sequence[str]], Awaitable[None]] = _nothing
        self._stopping = False
        self._workers = [_Worker(n, self._setup(n)) for n in range(config.worker_count)]
        self._tasks: list[asyncio.Task[None]] = []

    def _setup(self, number: int) -> WorkerSetup:
        config = self.config
        board = self.run_dir / f"worker-{number}"
        errors = board.with_suffix(".errors")
        return WorkerSetup(number, board, errors, config.sample_rate, config.block_frames, config.snapshot_every_s)

    @property
    def ready(self) -> bool:
        """Whether every worker is there and warm."""
        return not self._stopping and all(worker.seen.ready for worker in self._workers)

    @property
    def workers(self) -> Sequence[WorkerSeen]:
        """How they are."""
        return [worker.seen for worker in self._workers]

    async def start(self) -> None:
        """Start the workers; they take sessions at once, and are warm a while later."""
        self.run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        await asyncio.gather(*(worker.start() for worker in self._workers))
        self._tasks = [asyncio.create_task(self._keep(worker)) for worker in self._workers]

    def warm(self) -> None:
        """Let the workers load what any preset calls, after the sessions that are to be taken up again."""
        for worker in self._workers:
            worker.say("warm")

    def place(self) -> int:
        """The worker for the next session; NoRoom when every one has enough to do."""
        free = [w for w in self._workers if w.alive and w.shown("load") < FULL]
        if not free or self._stopping:
            raise NoRoom("every worker has enough to do: stop a session, or ask again in a while")
        return min(free, key=lambda w: (len(w.given), w.shown("load"))).number

    def play(self, part: Part, worker: int) -> None:
        """Let a worker play `part`, whose memory is there."""
        self._workers[worker].given.add(part.id)
        self._workers[worker].say("play", part)

    def done(self, id: str) -> None:
        """A session is over."""
        for worker in self._workers:
            worker.given.discard(id)

    def memory(self, path: Path, stems: tuple[str, ...], *, new: bool = False) -> SessionMemory:
        """The memory of a session."""
        return SessionMemory(path, self.config.sample_rate, self.config.block_frames, stems, new=new)

    async def stop(self, fade: bool = True) -> None:
        """End the workers, with `fade` once every session has faded out."""
        self._stopping = True
        for worker in self._workers:
            if fade:
                worker.say("fade")
            else:
                worker.hang_up()
        ends = [asyncio.create_task(worker.ended.wait()) for worker in self._workers if worker.alive]
        try:
            if ends:
                await asyncio.wait(ends, timeout=FADED_S if fade else END_S)
        finally:
            for task in (*ends, *self._tasks):
                task.cancel()
            for worker in self._workers:
                worker.kill()

    def forget(self) -> None:
        """Take away what was shared, once it was read to its end."""
        shutil.rmtree(self.run_dir, ignore_errors=True)

    # -- workers that die -------------------------------------------------------------------------------------------

    async def _keep(self, worker: _Worker) -> None:
        """Watch over a worker, and start it again."""
        while True:
            watching = asyncio.create_task(self._watch(worker))
            try:
                await worker.ended.wait()
            finally:
                watching.cancel()
            if self._stopping:
                return
            code = worker.process.exitcode if worker.process is not None else None
            log.error("a worker ended", extra={"worker": worker.number, "code": code, "words": worker.last_words})
            lost, worker.given = sorted(worker.given), set()
            soon = time.monotonic() - worker.started_s < SOON_S
            await asyncio.sleep(AGAIN_S[min(worker.restarts, len(AGAIN_S) - 1)] if soon else 0.0)
            await worker.start()
            await self.on_lost(lost)
            worker.say("warm")

    async def _watch(self, worker: _Worker) -> None:
        """End a worker that does not look what to do any more."""
        while worker.alive:
            await asyncio.sleep(WATCH_S)
            beat_s = worker.shown("beat_s")
            if beat_s and time.monotonic() - beat_s > STUCK_S:
                log.error("a worker is stuck and is ended", extra={"worker": worker.number})
                worker.kill()


def run_dir(config: Config) -> Path:
    """Where the memory of this daemon's sessions is, found again after a restart: what is there is unpickled then, so
    in a place where anybody may make folders only one that is ours alone will do."""
    name = hashlib.sha256(str(config.state_dir.resolve()).encode()).hexdigest()[:16]
    if (folder := shared_folder()) is not None:
        ours = Path(folder) / f"isotone-{os.getuid()}-{name}"
        if _is_ours(ours):
            return ours
    return config.state_dir / "run"


def _is_ours(folder: Path) -> bool:
    """Whether only we can have put anything into `folder`, which is made where it is missing."""
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        seen = folder.lstat()
        return stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid() and not seen.st_mode & 0o077
    return False


async def _nothing(ids: Sequence[str]) -> None:
    pass


def _rss_bytes(pid: int) -> int:
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
