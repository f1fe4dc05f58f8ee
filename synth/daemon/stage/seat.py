"""One session in a worker: its player, its sound, and when its next block is due."""

from __future__ import annotations

import os
import time
import traceback
from pathlib import Path
from typing import Any

from synth.daemon.stage.memory import SessionMemory
from synth.daemon.stage.part import Part, WorkerSetup
from synth.live.player import Player
from synth.record.lines import FILE_NAME, decode
from synth.session import Session
from synth.session.snapshot import SnapshotError, catch_up, put_away, take_up

PUT_AWAY = "snapshot"  # the file in a session's folder
SILENT_S = 1.0  # a session ends so long after a panic
SLIP_S = 0.5  # held up for longer, its play times are moved on


class Seat:
    """Plays `part`. Made by any thread; all else belongs to the one that renders, but `write_away`."""

    def __init__(self, part: Part, setup: WorkerSetup) -> None:
        self.part = part
        self._memory = SessionMemory(part.memory, setup.sample_rate, setup.block_frames, part.stems)
        self._block_frames, self._block_s = setup.block_frames, setup.block_frames / setup.sample_rate
        self._player = Player(*_player_parts(self._memory))
        self._player.on_word = self._on_word
        self._session: Session | None = None
        self._ended = self._quit = False
        self._silent_frames: int | None = None
        self.late = 0
        self.start_s = 0.0  # when its next block is to be rendered: a block before it is played
        self.put_away_s = 0.0  # when it is to be put away next
        try:
            self._session = _taken_up(part, setup, self._player) if part.resume else _new(part, setup, self._player)
        except ValueError as error:
            self._end("refused", str(error))
            return
        except Exception:
            self._end("failed", f"a fault in isotone itself\n{traceback.format_exc()}")
            return
        self._player.take(self._session, begun=True, notes=None, clock=None)
        if part.resume:
            self._player.fade_in()
        self._player.tell("ready", self._session.position)

    # -- in time ----------------------------------------------------------------------------------------------------

    def begin(self, start_s: float) -> None:
        """Its next block is rendered at `start_s`, and played a block later."""
        self.start_s = start_s
        if self._session is not None:
            self._memory.sound.begin(self._session.position, start_s + self._block_s)

    def block(self) -> tuple[bool, bool]:
        """Render a block; whether it came after its play time, and whether play times had to be moved on."""
        session, sound = self._session, self._memory.sound
        assert session is not None
        audio = self._player.block(self._block_frames)
        stems = {name: stem * audio.gain[:, None] for name, stem in audio.stems.items()}
        sound.write(audio.mix, stems)
        now = time.monotonic()
        behind_s = now - (self.start_s + self._block_s)
        self.late += behind_s > 0.0
        self.start_s += self._block_s
        slipped = behind_s > SLIP_S
        if slipped:
            self.begin(now)
        self._look(session)
        return behind_s > 0.0, slipped

    def _look(self, session: Session) -> None:
        """Whether it is over."""
        if session.panicked and self._silent_frames is None:
            self._silent_frames = session.position + round(SILENT_S * session.sample_rate)
        panicked = self._silent_frames is not None and session.position >= self._silent_frames
        if self._player.failed:
            self._end("failed", f"a fault in isotone itself\n{self._player.failed}")
        elif session.finished or panicked:
            self._end("over", None, "panic" if panicked else "finished")
        elif self._quit:
            self._end("over", None, "ended")

    def _end(self, kind: str, said: Any, why: str = "failed") -> None:
        if self._session is not None:
            self._session.close(why)
        self._player.tell(kind, said)
        if kind != "over":
            self._player.tell("over", None)
        self._ended = True
        (self.part.folder / PUT_AWAY).unlink(missing_ok=True)

    @property
    def playing(self) -> bool:
        """Whether it goes on."""
        return not self._ended

    @property
    def left(self) -> bool:
        """Whether it is over, and all that it told was handed on."""
        if self._ended:
            self._player.hand_on()
        return self._ended and self._player.silent

    def stop(self) -> None:
        """Fade out and end."""
        if self._session is not None:
            self._session.stop()

    def _on_word(self, word: str, args: tuple[Any, ...]) -> None:
        self._quit = self._quit or word == "quit"

    # -- put away -----------------------------------------------------------------------------------------------------

    def put_away(self) -> bytes | None:
        """The session as bytes; None while something is half worked out."""
        return None if self._session is None or self._ended else put_away(self._session)

    def write_away(self, data: bytes) -> None:
        """Keep `data` in the session's folder, in place of what was kept there."""
        path = self.part.folder / PUT_AWAY
        beside = path.with_suffix(".new")
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb", buffering=0) as file:
            file.write(data)
        if self._ended:
            beside.unlink()
        else:
            beside.replace(path)


def _player_parts(memory: SessionMemory) -> tuple[Any, Any, Any]:
    board, inbox, outbox = memory.parts
    return inbox, outbox, board


def _new(part: Part, setup: WorkerSetup, player: Player) -> Session:
    return Session(
        part.preset,
        sample_rate=setup.sample_rate,
        record=lambda line: player.tell("line", line),
        stems=bool(part.stems),
        keep_score=False,
        **part.asked,
    )


def _taken_up(part: Part, setup: WorkerSetup, player: Player) -> Session:
    """The session where it was when it was interrupted."""

    def tell(line: dict[str, Any]) -> None:
        player.tell("line", line)

    path = part.folder / FILE_NAME
    try:
        session = take_up((part.folder / PUT_AWAY).read_bytes(), tell)
    except (SnapshotError, OSError):
        from synth.output.replay import as_asked  # seldom needed, and slow to load
        from synth.record.reader import read_record

        asked = {**as_asked(read_record(path), from_sensors=True), "moves": (), "steer": True}
        session = Session(stems=bool(part.stems), keep_score=False, **asked)
    frames = max(part.frames, session.position)
    catch_up(session, told_after(path, session.told), -(-frames // setup.block_frames) * setup.block_frames, tell)
    return session


def told_after(path: Path, count: int) -> list[dict[str, Any]]:
    """The lines of a record but its first `count`."""
    lines = [decode(raw.decode()) for raw in path.read_bytes().splitlines()[count:]]
    return [{name: value for name, value in line.items() if name not in ("n", "chain")} for line in lines]
