"""What a device calls for its next block: takes what hands ask for, renders, and tells how it went.

All of it runs in the device's thread. Nothing here waits, and no error leaves it: what cannot be rendered is silence,
and the process hears of it.
"""

from __future__ import annotations

import math
import pickle
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synth.engine import Block
from synth.instruments.base import QUANTUM
from synth.live.board import Board
from synth.live.far_session import SEVERAL
from synth.live.meter import Meter
from synth.live.ring import Ring
from synth.session import Audio, Session

if TYPE_CHECKING:
    from synth.live.clock_out import ClockOut
    from synth.live.notes import NotesOut

FADE_IN_S = 3.0  # after a device was found again
HEARD_A_BLOCK = 64  # of what is asked, so that no block has much to do; what is asked together is not torn apart
TOLD_A_BLOCK = 8  # lines handed over in a block, for the same
# What may be asked of a session from outside its process.
ASKED = frozenset(
    {"request", "release", "verb", "feed", "tell", "hear", "play", "edit", "stop", "panic"}
)  # fmt: skip
MidiBytes = tuple[int, bytes]  # frame, message


class Player:
    """Plays one session after another for `sample_rate`; `inbox` brings what is asked, `outbox` and `board` tell.

    `failed` holds what went wrong, in a traceback's words; `asked_s` when a block was asked for last, by
    time.monotonic().
    """

    def __init__(self, inbox: Ring, outbox: Ring, board: Board) -> None:
        self._inbox, self._outbox, self._board = inbox, outbox, board
        self._session: Session | None = None
        self._begun = True
        self._begins_s = math.inf  # by time.monotonic(), where it has not begun
        self._telling: deque[bytes] = deque()
        self._silence = np.zeros((0, 2), np.float32)
        self._fade_from: int | None = None  # frame of the device at which it begins
        self._frames = 0  # asked for by the device
        self._notes: NotesOut | None = None
        self._clock: ClockOut | None = None
        self._midi: deque[MidiBytes] = deque()
        self._quiet = True  # nothing is left to be let go of
        self.sends_midi = False  # whether the device takes `midi` itself; else it is told, to be sent from elsewhere
        self.failed = ""
        self.asked_s = time.monotonic()
        self.meter = Meter(48_000)
        self.on_word: Callable[[str, tuple[Any, ...]], None] = lambda word, said: None

    @property
    def finished(self) -> bool:
        """Whether the session is over, and all that it told was handed on."""
        return self._session is not None and self._session.finished and not self._telling

    def take(self, session: Session, *, begun: bool, notes: NotesOut | None, clock: ClockOut | None) -> None:
        """Play `session` from the next block on, or with `begun` False from when that is asked for."""
        self.meter = Meter(session.sample_rate)
        self._notes, self._clock = notes, clock
        self._midi = deque(notes.start(0) if notes is not None else ())
        self._quiet = False
        session.on_block = self._on_block
        self._begun = begun
        self._session = session
        self._board.set("sample_rate", session.sample_rate)

    def fade_in(self) -> None:
        """Come in over FADE_IN_S from the next block on."""
        self._fade_from = self._frames

    def tell(self, kind: str, said: Any) -> None:
        """Hand something on to whoever reads the outbox, in the order in which it is told."""
        self._telling.append(pickle.dumps((kind, said), protocol=pickle.HIGHEST_PROTOCOL))

    def block(self, frames: int, midi: Sequence[MidiBytes] = ()) -> Audio:
        """The next `frames`; `midi` is what came in during the block before."""
        self.asked_s = self.meter.begin()
        try:
            self._listen(midi)
            audio = self._render(frames)
        except Exception:
            self.failed = traceback.format_exc()
            self._session = None
            audio = self._silent(frames)
        self._frames += frames
        if not self.sends_midi and (due := self.midi(frames)):
            self.tell("send", [data for _, data in due])
        self._show(frames)
        self.hand_on()
        self.meter.end(frames)
        return audio

    def midi(self, frames: int) -> list[MidiBytes]:
        """What is to be sent during the block rendered last, with the frame in it; late by the session's latency, as
        the sound is. At the end, and at a panic, every note is let go."""
        session = self._session
        if session is None:
            return []
        if (session.finished or session.panicked) and not self._quiet:
            self._quiet = True
            self._midi.clear()
            ends = self._notes.all_off(0) if self._notes is not None else []
            ends += self._clock.end() if self._clock is not None else []
            return [(0, data) for _, data in ends]
        if self._quiet:
            self._midi.clear()
            return []
        start = session.position - frames
        due: list[MidiBytes] = []
        while self._midi and self._midi[0][0] + session.latency_frames < start + frames:
            frame, data = self._midi.popleft()
            due.append((max(frame + session.latency_frames - start, 0), data))
        return due

    def _render(self, frames: int) -> Audio:
        session = self._session
        if session is None or session.finished:
            return self._silent(frames)
        if not self._begun:
            return self._begin(session, frames)
        if session.keeps_stems:
            audio = session.render_audio(frames)
        else:
            mix = session.render(frames)
            audio = Audio(mix, mix[:0], {}, mix[:0, 0], mix[:0, 0])
        return audio if self._fade_from is None else self._faded(audio, frames)

    def _begin(self, session: Session, frames: int) -> Audio:
        """Silence, and the session's first frames where its beginning falls into this block."""
        wait_s = max(self._begins_s - self.asked_s, 0.0)
        if wait_s * session.sample_rate >= frames:
            return self._silent(frames)
        self._begun, wait = True, int(wait_s * session.sample_rate)
        rest = self._render(frames - wait)
        if not wait:
            return rest

        def late(audio: NDArray[np.float32]) -> NDArray[np.float32]:
            return np.concatenate((np.zeros((wait, *audio.shape[1:]), np.float32), audio))

        stems = {name: late(stem) for name, stem in rest.stems.items()}
        return Audio(late(rest.mix), late(rest.premaster), stems, late(rest.gain), late(rest.haptic))

    def _faded(self, audio: Audio, frames: int) -> Audio:
        assert self._fade_from is not None and self._session is not None
        length = FADE_IN_S * self._session.sample_rate
        at = self._frames - self._fade_from
        if at >= length:
            self._fade_from = None
            return audio
        place = np.minimum((at + np.arange(frames)) / length, 1.0)
        gain = (0.5 - 0.5 * np.cos(math.pi * place)).astype(np.float32)[:, None]
        if not audio.stems:
            return replace(audio, mix=audio.mix * gain)
        stems = {name: stem * gain for name, stem in audio.stems.items()}
        return Audio(audio.mix * gain, audio.premaster * gain, stems, audio.gain * gain[:, 0], audio.haptic)

    def _silent(self, frames: int) -> Audio:
        if self._silence.shape[0] != frames:
            self._silence = np.zeros((frames, 2), np.float32)
        return Audio(self._silence, self._silence, {}, self._silence[:, 0], self._silence[:, 0])

    def _listen(self, midi: Sequence[MidiBytes]) -> None:
        heard = 0
        while heard < HEARD_A_BLOCK and (messages := self._inbox.take(1)):
            word, args, kwargs = pickle.loads(messages[0])
            asked = args if word == SEVERAL else ((word, args, kwargs),)
            for one in asked:
                self._heed(*one)
            heard += len(asked)
        if midi and self._session is not None:
            start = self._session.position / self._session.sample_rate
            self.tell("midi", [(start + offset / self._session.sample_rate, data) for offset, data in midi])

    def _heed(self, word: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if word == "begin":
            self._begins_s = self.asked_s if args[0] is None else args[0]
        elif word in ASKED:
            if self._session is not None:
                self._ask(word, args, kwargs)
        else:
            self.on_word(word, args)

    def _ask(self, word: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        try:
            getattr(self._session, word)(*args, **kwargs)
        except (ValueError, TypeError) as error:  # what hands get wrong is told, and nothing else happens
            self.tell("refused", str(error))

    def _on_block(self, block: Block) -> None:
        self._board.controls[:] = block.edges[-1, : self._board.controls.size]
        session = self._session
        if session is None:
            return
        end = block.quantum * QUANTUM + block.frames
        sent: list[MidiBytes] = []
        if self._notes is not None:
            sent += self._notes.take(block.events, end)
        if self._clock is not None:
            sent += self._clock.take(session.pulse, end)
        self._midi.extend(sorted(sent, key=lambda one: one[0]))

    def _show(self, frames: int) -> None:
        board, session, meter = self._board, self._session, self.meter
        board.set("at_s", self.asked_s)
        board.set("block", frames)
        board.set("blocks", meter.blocks)
        board.set("late", meter.late)
        board.set("load", meter.load)
        board.set("worst_us", meter.worst_us)
        board.set("playing", float(session is not None and self._begun and not session.finished))
        if session is not None:
            board.set("frames", session.position)
            board.set("finished", session.finished)
            board.set_pulse(session.pulse)
        board.show()

    def drain(self, seconds: float = 5.0) -> None:
        """Hand on all that is still to be told, waiting for room at most so long; after the last block."""
        until_s = time.monotonic() + seconds
        while self._telling and time.monotonic() < until_s:
            if self._outbox.put(self._telling[0]):
                self._telling.popleft()
            else:
                time.sleep(0.005)

    @property
    def silent(self) -> bool:
        """Whether all that was told is handed on."""
        return not self._telling

    def hand_on(self) -> None:
        """Hand on some of what is still to be told, as far as there is room."""
        for _ in range(min(len(self._telling), TOLD_A_BLOCK)):
            if not self._outbox.put(self._telling[0]):
                return
            self._telling.popleft()
