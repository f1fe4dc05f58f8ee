"""Sessions in real workers: they sound as their record says, also after a worker or the API process was killed."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synth import Session
from synth.daemon.config import Config
from synth.daemon.sessions import Hosted, NoRoom, Refused, Sessions, SessionTaken
from synth.daemon.stage.stage import Stage, run_dir
from synth.output.replay import as_asked
from synth.record.reader import read_record
from synth.session.snapshot import SnapshotError, take_up

RATE, BLOCK = 48_000, 1920
Run = Callable[[Coroutine[Any, Any, Any]], Any]
HOSTING = """
import asyncio, sys
from pathlib import Path
from synth.daemon.config import Config
from synth.daemon.sessions import Sessions
from synth.daemon.stage.stage import Stage

async def main():
    config = Config(state_dir=Path(sys.argv[1]), workers=1, snapshot_every_s=float(sys.argv[2]))
    stage = Stage(config)
    sessions = Sessions(config, stage)
    await stage.start()
    await sessions.start()
    stage.warm()
    while not sessions.ready:
        await asyncio.sleep(0.01)
    for name in sys.argv[3:]:
        await sessions.create("settle", {"seed": 3, "minutes": 30.0}, name=name)
    hosted = sessions.all[sys.argv[3]]
    while hosted.sound.frames < 4.5 * 48000:
        await asyncio.sleep(0.01)
    hosted.hands.request("brightness_oct", -0.5, by="hand:test")
    line = await hosted.next_line(lambda line: line["type"] == "commit" and line["by"] == "hand:test", 10.0)
    print(hosted.sound.frames, line["quantum"], flush=True)
    await asyncio.sleep(600.0)

asyncio.run(main())
"""


class House:
    """A stage with one worker and its sessions."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.config = Config(**{"state_dir": folder, "workers": 1, "snapshot_every_s": 2.0, **settings})
        self.stage = Stage(self.config)
        self.sessions = Sessions(self.config, self.stage)

    async def start(self, *, warm: bool = True) -> None:
        await self.stage.start()
        await self.sessions.start()
        self.stage.warm()
        if warm:
            await until(lambda: self.sessions.ready, "the workers are warm", 300.0)


class Listener:
    """Keeps all that a session plays from now on."""

    def __init__(self, house: House, hosted: Hosted, stem: str | None = None) -> None:
        self.first = self._next = hosted.sound.frames
        self.gaps = 0
        self._blocks: list[np.ndarray] = []
        self._hosted, self._stem = hosted, stem
        self.leave = house.sessions.ticking(self._hear)

    def _hear(self) -> None:
        while self._next + BLOCK <= self._hosted.sound.frames:
            audio = self._hosted.sound.read(self._next, BLOCK, self._stem)
            self.gaps += audio is None
            self._blocks.append(np.zeros((BLOCK, 2), np.float32) if audio is None else audio)
            self._next += BLOCK

    @property
    def audio(self) -> np.ndarray:
        return np.concatenate(self._blocks)


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Runs a coroutine in the one loop of this module."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture(scope="module")
def house(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("state"))
    run(house.start())
    yield house
    run(house.sessions.close(fade=False))
    house.stage.forget()


async def until(seen: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    end_s = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end_s, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.01)


def rendered_again(folder: Path, frames: int, **also: Any) -> Session:
    """A session that plays a record again from its commits."""
    return Session(**{**as_asked(read_record(folder)), **also})


async def end(hosted: Hosted) -> None:
    hosted.hands.end()
    await hosted.over()


def test_every_block_is_what_the_record_says(house: House, run: Run) -> None:
    async def play() -> tuple[Hosted, Listener, dict[str, Listener]]:
        hosted = await house.sessions.create("settle", {"seed": 3, "minutes": 30.0}, stems=True)
        mix = Listener(house, hosted)
        stems = {stem: Listener(house, hosted, stem) for stem in hosted.sound.stems}
        hosted.hands.feed("hr", 66.0)
        hosted.hands.request("brightness_oct", -1.0, by="hand:test")
        await until(lambda: hosted.sound.frames > 4 * RATE, "four seconds of sound")
        await end(hosted)
        return hosted, mix, stems

    hosted, mix, stems = run(play())
    assert mix.gaps == 0 and hosted.status == "finished"
    record = read_record(hosted.folder)
    assert record.closed and not record.breaks and record.sensed
    end_frame = mix.first + len(mix.audio)
    again = rendered_again(hosted.folder, end_frame).render(end_frame)
    assert np.array_equal(mix.audio, again[mix.first :])
    assert np.abs(mix.audio).max() > 0.001
    total = sum(listener.audio for listener in stems.values())
    assert np.abs(total - mix.audio).max() < 1e-6


def test_hands_are_answered_by_the_record(house: House, run: Run) -> None:
    async def ask() -> None:
        hosted = await house.sessions.create("focus", {"seed": 1, "minutes": 30.0}, name="asked")
        hosted.hands.request("brightness_oct", -1.0, by="hand:test")
        line = await hosted.next_line(lambda line: line.get("by") == "hand:test", 10.0)
        assert line is not None and line["new"] == -1.0
        assert "brightness_oct" in hosted.hands.held and hosted.hands.controls["brightness_oct"] <= 0.0
        assert await hosted.next_line(lambda line: line["type"] == "panic", 0.1) is None
        await until(lambda: "plan" in hosted.latest and "phase" in hosted.latest, "a plan")
        assert hosted.hands.phase == hosted.latest["phase"]["text"]
        hosted.hands.panic()
        await hosted.over()
        assert hosted.status == "finished" and read_record(hosted.folder).end["reason"] == "panic"  # type: ignore[index]
        with pytest.raises(SessionTaken, match="asked"):
            await house.sessions.create("focus", {}, name="asked")

    run(ask())


def test_what_cannot_be_is_told_and_leaves_nothing(house: House, run: Run) -> None:
    async def ask() -> None:
        before = set(house.config.sessions_dir.iterdir())
        with pytest.raises(Refused, match="minutes"):
            await house.sessions.create("settle", {"minutes": 0.01})
        with pytest.raises(ValueError, match="nowhere"):
            await house.sessions.create("nowhere", {})
        for name in ("../up", "a/b", "", "x" * 65, "-x", "a\0b"):
            with pytest.raises(Refused, match="name of a session"):
                await house.sessions.create("settle", {}, name=name)
            with pytest.raises(KeyError):
                house.sessions.folder(name)
        assert set(house.config.sessions_dir.iterdir()) == before

    run(ask())


def test_there_is_room_for_so_many(run: Run, tmp_path: Path) -> None:
    async def ask() -> None:
        small = House(tmp_path, max_sessions=1)
        await small.start()
        try:
            hosted = await small.sessions.create("settle", {"minutes": 30.0})
            with pytest.raises(NoRoom, match="1 sessions play"):
                await small.sessions.create("settle", {"minutes": 30.0})
            await end(hosted)
            await small.sessions.create("settle", {"minutes": 30.0})
        finally:
            await small.sessions.close()
        ended = {one.id: read_record(one.folder).end for one in small.sessions.all.values()}
        assert {line["reason"] for line in ended.values() if line} == {"ended", "finished"}  # the last one faded out
        assert not small.stage.run_dir.exists()

    run(ask())


def test_a_killed_worker_is_not_heard_in_the_record(house: House, run: Run) -> None:
    async def play() -> tuple[Hosted, Listener, int]:
        hosted = await house.sessions.create("settle", {"seed": 9, "minutes": 30.0})
        heard = Listener(house, hosted)
        asked: list[tuple[str, float]] = []
        house.sessions.on_resumed = lambda hosted, since_s: asked.append((hosted.id, since_s))
        hosted.hands.feed("hr", 66.0)
        await until(lambda: hosted.sound.frames > 3.5 * RATE, "some seconds of sound")
        hosted.hands.request("brightness_oct", -0.7, by="hand:test")
        await hosted.next_line(lambda line: line.get("by") == "hand:test", 10.0)
        heard._hear()
        before = hosted.sound.frames
        os.kill(house.stage.workers[0].pid, signal.SIGKILL)
        await until(lambda: hosted.status == "resuming", "the end was noticed")
        await until(lambda: hosted.status == "playing", "it goes on")
        await until(lambda: hosted.sound.frames > before + 4 * RATE, "more sound")
        assert asked and asked[0][0] == hosted.id and 2.0 <= asked[0][1] <= before / RATE
        assert hosted.hands.held == {"brightness_oct"}
        await end(hosted)
        return hosted, heard, before

    hosted, heard, before = run(play())
    record = read_record(hosted.folder)
    assert record.closed and not record.breaks
    end_frame = heard.first + len(heard.audio)
    again = rendered_again(hosted.folder, end_frame).render(end_frame)[heard.first :]
    same = before - heard.first
    assert np.array_equal(heard.audio[:same], again[:same])
    faded_in = 3 * RATE + 2 * BLOCK  # after it was taken up, in the sound alone
    assert np.array_equal(heard.audio[same + faded_in :], again[same + faded_in :])
    assert house.stage.workers[0].restarts == 1


def test_a_full_disk_loses_nothing(house: House, run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def play() -> Hosted:
        hosted = await house.sessions.create("settle", {"seed": 2, "minutes": 30.0})
        await until(lambda: "plan" in hosted.latest, "a line")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hosted.record_path.stat().st_size + 20, hard))
        try:
            await until(lambda: hosted.disk_full, "the disk is full")
            frames, told = hosted.sound.frames, hosted.latest["plan"]["t_s"]
            await until(lambda: hosted.latest["plan"]["t_s"] > told, "it goes on all the same")
            assert hosted.sound.frames > frames and hosted.status == "playing"
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await until(lambda: not hosted.disk_full, "it is written")
        await end(hosted)
        return hosted

    caplog.set_level(logging.INFO, "isotone.sessions")
    record = read_record(run(play()).folder)
    assert record.closed and not record.breaks
    plans = [line["t_s"] for line in record.of("plan")]
    assert plans == [float(t) for t in range(len(plans))]
    assert [line.message for line in caplog.records if "record" in line.message] == [
        "the record waits for the disk",
        "the record is written again",
    ]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, int, int]]:
    """What an API process with two sessions left when it was killed, the frames that were rendered then, and the
    quantum of a request that it had answered."""
    folder = tmp_path_factory.mktemp("killed")
    hosting = subprocess.Popen(
        [sys.executable, "-c", HOSTING, str(folder), "2.0", "one", "two"], stdout=subprocess.PIPE, text=True
    )
    assert hosting.stdout is not None
    frames, quantum = map(int, hosting.stdout.readline().split())
    hosting.kill()
    hosting.wait()
    hosting.stdout.close()
    house = House(folder)
    yield house, frames, quantum
    house.stage.forget()


@pytest.mark.parametrize("damage", ["none", "torn line", "torn snapshot", "no memory"])
def test_after_the_api_process_was_killed_the_same_bar_goes_on(
    killed: tuple[House, int, int], run: Run, tmp_path: Path, damage: str
) -> None:
    left, frames, quantum = killed
    shutil.copytree(left.config.state_dir, tmp_path, dirs_exist_ok=True)
    folder = tmp_path / "sessions" / "one"
    house = House(tmp_path)
    shutil.copytree(left.stage.run_dir, house.stage.run_dir, dirs_exist_ok=True)
    if damage == "torn line":
        with (folder / "session.jsonl").open("ab") as file:
            file.write(b'{"type":"plan","t_s":')
    elif damage == "torn snapshot":
        data = (folder / "snapshot").read_bytes()
        (folder / "snapshot").write_bytes(data[: len(data) // 2])
        with pytest.raises(SnapshotError):
            take_up((folder / "snapshot").read_bytes(), lambda line: None)
    elif damage == "no memory":  # as after the machine was started again
        house.stage.forget()

    async def go_on() -> Hosted:
        await house.start(warm=False)
        assert set(house.sessions.all) == {"one", "two"}
        hosted = house.sessions.all["one"]
        await until(lambda: hosted.status == "playing", "it goes on")
        assert hosted.hands.held == {"brightness_oct"}
        begun = hosted.sound.frames
        if damage == "no memory":
            assert begun > frames - 2.0 * RATE
        else:
            assert frames - BLOCK <= begun < frames + 1.0 * RATE
        await until(lambda: hosted.sound.frames > begun + 1.5 * RATE, "more sound")
        await end(hosted)
        await house.sessions.close(fade=False)
        return hosted

    hosted = run(go_on())
    record = read_record(folder)
    assert record.closed and not record.breaks and not record.cut
    taken = [line for line in record.of("commit") if line["by"] == "hand:test"]
    assert [line["quantum"] for line in taken] == [quantum]
    plans = [line["t_s"] for line in record.of("plan")]
    assert plans == [float(t) for t in range(len(plans))] and len(plans) > 5
    assert hosted.status == "finished"
    house.stage.forget()


def test_memory_is_shared_only_in_a_folder_of_our_own(tmp_path: Path) -> None:
    config = Config(state_dir=tmp_path)
    ours = run_dir(config)
    assert stat.S_IMODE(ours.stat().st_mode) == 0o700 and run_dir(config) == ours
    ours.chmod(0o777)
    assert run_dir(config) == tmp_path / "run"
    ours.rmdir()
    ours.symlink_to(tmp_path)
    try:
        assert run_dir(config) == tmp_path / "run"
    finally:
        ours.unlink()


def test_a_session_whose_memory_is_gone_ends_no_worker(house: House, run: Run) -> None:
    async def ask() -> None:
        hosted = await house.sessions.create("settle", {"minutes": 30.0})
        before = house.stage.workers[0]
        part = replace(hosted.hands.part, id="gone", memory=house.stage.run_dir / "gone.0.0")
        house.stage.play(part, 0)
        house.stage.done("gone")
        other = await house.sessions.create("settle", {"minutes": 30.0})  # made after it, by the same thread
        after = house.stage.workers[0]
        assert (after.pid, after.restarts) == (before.pid, before.restarts) and other.status == "playing"
        for one in (hosted, other):
            await end(one)

    run(ask())
