"""Beats and bars in time: walks the beat grid, asks the composer, and tells each stem which note falls on which frame.

All positions are integers (ticks, microseconds, frames), so tempo is exact, nothing drifts, and the same score
comes out at every block size. A beat's tempo is read from the bus at the quantum in which the beat starts.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synth.controls import COLUMN, CONTROLS
from synth.instruments.base import OFF, ON, QUANTUM, SLIDE
from synth.rng import stream
from synth.score.model import TICKS_PER_BEAT, Ask, Bar, KeyChange, Marker, Metre, Note, Score, Tempo, Turn
from synth.score.strokes import KEPT_BEATS, Strokes

_TEMPO = COLUMN["tempo_bpm"]
_NEVER = 2**62
SLICE_FRAMES = 256
_LATEST_TICKS = TICKS_PER_BEAT * 5 // 8  # of the beat before a bar: none of its notes begins sooner
_LISTEN_TICKS = TICKS_PER_BEAT * 11 // 16  # of a beat: what was played until then may change the next one
_TURN_TICKS = TICKS_PER_BEAT * 7 // 8  # by then it has; notes that are to begin later can still be taken back
_FIRST_STROKE = 1 << 23  # note numbers of hands, which no composer's reach and every float32 holds

# What a span is made of: edges from FIRST to END hear a beat of BPM in KEY and MODE that starts at START_FRAME, is
# FRAMES long and the INDEX-th of BEATS in a bar that swells from LOW to HIGH (0 to 1).
FIRST, END, BPM, KEY, MODE, START_FRAME, FRAMES, INDEX, BEATS, LOW, HIGH, SPAN = range(12)


Slices = Generator[None, None, Bar]
Turning = Generator[None, None, Turn]


@dataclass(frozen=True, slots=True)
class NoteEvent:
    """A note on, off or slide for one stem at an exact frame of the session; see `synth.instruments.base`."""

    frame: int
    kind: float
    note_id: int
    pitch: float
    velocity: float
    variation: float
    seconds: float = 0.0


@dataclass(slots=True)
class Beat:
    """One beat in time, and its place in the bar."""

    tick: int
    start_us: int
    us_per_beat: int
    index: int
    bar: Bar

    @property
    def bpm(self) -> float:
        """Tempo as heard in this beat."""
        return 60e6 / self.us_per_beat


class Transport:
    """The beat grid of one session. The composer is told of `length_s` (None: open end) so as to end on a cadence.

    `compose` writes a bar in slices: one is taken each SLICE_FRAMES from the beat on in which it is asked, and what is
    left at the middle of that beat all at once, so that no block has much to do. `leap` is the frame and the tempo
    of a bar that does not go on from the one before, until the bus has taken it; `players` are frames from which on a
    scene has other instruments, until someone takes them. While hands play, `follow` is asked late in each beat what
    changes with the next. Without `keep_score` what was over KEPT_BEATS ago is left out of the score.
    """

    def __init__(
        self,
        compose: Callable[[Ask], Slices],
        score: Score,
        seed: int,
        sample_rate: int,
        length_s: float | None,
        follow: Callable[[Ask], Turning] | None = None,
        keep_score: bool = True,
    ) -> None:
        self.score, stems = score, score.stems
        self.phase = ""
        self.tempo_asked_bpm: float | None = None
        self.leap: tuple[int, float] | None = None
        self.players: list[tuple[int, tuple[tuple[str, str], ...]]] = []
        self._players: tuple[tuple[str, str], ...] = ()
        self._compose = compose
        self._sample_rate = sample_rate
        self._length_s = length_s
        self._pending: list[tuple[int, int, int, float, Note, int, float]] = []
        self._due: dict[str, list[NoteEvent]] = {stem: [] for stem in stems}
        self._serial = 0
        self._variation = {stem: stream(seed, "variation", stem) for stem in stems}
        self._beat: Beat | None = None
        self._next_frame = self._half_frame = 0
        self._next_due = _NEVER
        self._heard: tuple[float, ...] = ()
        self._next_bar: Bar | None = None
        self._writing: Slices | None = None
        self._bars = 0
        self._follow = follow
        self._keep_score = keep_score
        self._strokes = Strokes(score)
        self._struck = 0
        self._struck_variation = stream(seed, "variation", "played")
        self._listen_frame = self._turn_frame = _NEVER
        self._turning: Turning | None = None

    @property
    def beat(self) -> Beat:
        """The beat that sounds at the last edge walked."""
        assert self._beat is not None
        return self._beat

    @property
    def settled(self) -> bool:
        """Whether nothing is being written."""
        return self._writing is None and self._turning is None

    @property
    def bar(self) -> Bar | None:
        """The bar that sounds; None before the first."""
        return None if self._beat is None else self._beat.bar

    def mark(self, kind: str, text: str) -> None:
        """Put a marker on the next beat."""
        self.score.markers.append(Marker(self.score.end_tick, kind, text))

    def walk(self, quantum: int, quanta: int, edges: NDArray[np.float32], spans: NDArray[np.float64]) -> int:
        """Move on by `quanta`: write which beat sounds at which edges into `spans`, a row (SPAN,) a beat; their number.

        An edge belongs to the beat that sounds just before it, so that the last edge of a block never needs a
        beat of the next one. A beat takes its tempo from `edges`.
        """
        if self._beat is None:
            self._start_beat(edges[0])
        end_frame = (quantum + quanta) * QUANTUM
        if end_frame >= self._half_frame:
            self.finish()
        if end_frame > self._listen_frame:
            self._listen(edges[self._listen_frame // QUANTUM - quantum])
        self._write_on(quanta)
        if end_frame >= self._turn_frame:
            self._finish_turn()
        count = row = 0
        while True:
            last = min(quanta, self._next_frame // QUANTUM - quantum)
            if last >= row:
                spans[count] = (row, last + 1, *self._heard)
                count, row = count + 1, last + 1
            if self._next_frame >= end_frame:
                return count
            self.finish()
            self._start_beat(edges[self._next_frame // QUANTUM - quantum])

    def take(self, end_frame: int) -> dict[str, list[NoteEvent]]:
        """The events before `end_frame` that were not taken yet, by stem, in the order of their frames."""
        if end_frame <= self._next_due:
            return {}
        taken = {}
        for stem, due in self._due.items():
            split = next((i for i, event in enumerate(due) if event.frame >= end_frame), len(due))
            if split:
                taken[stem], self._due[stem] = due[:split], due[split:]
        self._find_due()
        return taken

    def play(self, stem: str, pitch: float, velocity: float, frame: int) -> int:
        """A hand's note on `stem` begins at `frame`, the first of the next block; its number."""
        number = _FIRST_STROKE + self._struck
        self._struck += 1
        self._strokes.strike(number, stem, self.tick_at(frame), pitch, velocity)
        self._put(stem, NoteEvent(frame, ON, number, pitch, velocity, self._struck_variation.random()))
        return number

    def lift(self, number: int, stem: str, pitch: float, frame: int) -> None:
        """The hand's note `number` on `stem` ends at `frame`, a quantum after its beginning at least."""
        self._strokes.lift(number, self.tick_at(frame))
        self._put(stem, NoteEvent(frame, OFF, number, pitch, 0.0, 0.0))

    def last(self, frame: int) -> None:
        """In the score, what hands hold lasts until `frame`; with what they played, its order is that of time."""
        self._strokes.last(self.tick_at(frame))
        if self._struck:
            self.score.notes.sort(key=lambda note: (note.tick, note.stem, note.pitch, note.duration))

    def tick_at(self, frame: int) -> int:
        """The tick of `frame`, which lies in the beat that sounds, or right after it."""
        if self._beat is None:
            return 0
        us = frame * 1_000_000 // self._sample_rate - self._beat.start_us
        return self._beat.tick + us * TICKS_PER_BEAT // self._beat.us_per_beat

    def _put(self, stem: str, event: NoteEvent) -> None:
        due = self._due[stem]
        due.append(event)
        due.sort(key=_order)
        self._next_due = min(self._next_due, event.frame)

    def _find_due(self) -> None:
        self._next_due = min((due[0].frame for due in self._due.values() if due), default=_NEVER)

    def _frame(self, beat: Beat, tick: int) -> int:
        us_ticks = beat.start_us * TICKS_PER_BEAT + (tick - beat.tick) * beat.us_per_beat
        return us_ticks * self._sample_rate // (1_000_000 * TICKS_PER_BEAT)

    def _start_beat(self, row: NDArray[np.float32]) -> None:
        """Begin the next beat with the tempo committed at its quantum; on a bar's last beat ask for the next bar."""
        previous = self._beat
        if previous is None:
            start_us, tick, index = 0, 0, 0
            self._writing = self._ask(0, 0.0, row)
            self.finish()
            assert self._next_bar is not None
            bar = self._next_bar
        else:
            start_us = previous.start_us + previous.us_per_beat
            tick = previous.tick + TICKS_PER_BEAT
            index = previous.index + 1
            bar = previous.bar
            if index == bar.beats:
                assert self._next_bar is not None
                index, bar = 0, self._next_bar
        stretch = bar.stretch[index] if index < len(bar.stretch) else 1.0
        us_per_beat = round(60e6 / float(row[_TEMPO]) * stretch)
        beat = self._beat = Beat(tick, start_us, us_per_beat, index, bar)
        self._next_frame = self._frame(beat, tick + TICKS_PER_BEAT)
        self._half_frame = self._frame(beat, tick + TICKS_PER_BEAT // 2)
        self._listen_frame = self._frame(beat, tick + _LISTEN_TICKS)
        self._turn_frame = self._frame(beat, tick + _TURN_TICKS)
        start_frame, frames = start_us * self._sample_rate / 1e6, us_per_beat * self._sample_rate / 1e6
        self._heard = (beat.bpm, bar.key, bar.mode, start_frame, frames, index, bar.beats, *bar.swell)
        if index == 0:
            self._enter_bar(bar)
            if bar.players != self._players:
                self._players = bar.players
                self.players.append((self._frame(beat, tick), bar.players))
        if not self.score.tempos or self.score.tempos[-1].us_per_beat != us_per_beat:
            self.score.tempos.append(Tempo(tick, us_per_beat))
        if index == bar.beats - 1:
            self._writing = self._ask(tick + TICKS_PER_BEAT, (start_us + us_per_beat) / 1e6, row)
        self.score.end_tick = tick + TICKS_PER_BEAT
        self._schedule(self._beat)

    def finish(self) -> None:
        """Write what is being written to its end."""
        while self._writing is not None:
            self._slice()

    def _write_on(self, quanta: int) -> None:
        """The next slices of the bar being written."""
        slices = max(quanta * QUANTUM // SLICE_FRAMES, 1)
        while (self._writing is not None or self._turning is not None) and slices:
            if self._writing is not None:
                self._slice()
            else:
                self._turn()
            slices -= 1

    def _slice(self) -> None:
        assert self._writing is not None
        try:
            next(self._writing)
        except StopIteration as done:
            self._writing = None
            self._take_in(done.value)

    def _ask(self, tick: int, time_s: float, row: NDArray[np.float32]) -> Slices:
        self._bars += 1
        return self._compose(self._asking(tick, time_s, row, tick - TICKS_PER_BEAT))

    def _asking(self, tick: int, time_s: float, row: NDArray[np.float32], now: int) -> Ask:
        remaining_s = None if self._length_s is None else self._length_s - time_s
        controls = {c.name: float(row[i]) for i, c in enumerate(CONTROLS)}
        tempo_bpm, played = self.tempo_asked_bpm, self._strokes.heard(now)
        return Ask(self._bars - 1, tick, time_s, remaining_s, controls, self.phase, tempo_bpm, now, played)

    def _listen(self, row: NDArray[np.float32]) -> None:
        """Ask what changes with the next beat, if anything was played."""
        self._listen_frame = _NEVER
        beat = self.beat
        now = beat.tick + _LISTEN_TICKS
        if self._follow is None or not self._strokes.heard(now):
            return
        next_s = (beat.start_us + beat.us_per_beat) / 1e6
        self._turning = self._follow(self._asking(beat.tick + TICKS_PER_BEAT, next_s, row, now))

    def _finish_turn(self) -> None:
        self._turn_frame = _NEVER
        while self._turning is not None:
            self._turn()

    def _turn(self) -> None:
        assert self._turning is not None
        try:
            next(self._turning)
        except StopIteration as done:
            self._turning = None
            self._take_turn(done.value)

    def _take_turn(self, turn: Turn) -> None:
        """Cut what is to be cut, and take over what comes in its place."""
        beat = self.beat
        cut = {(note.stem, note.tick, note.pitch) for note in turn.cut}
        chosen = {
            number: note
            for _, _, _, kind, note, number, _ in self._pending
            if kind == OFF and (note.stem, note.tick, note.pitch) in cut and note.tick + note.duration > turn.tick
        }
        begun = {number for number, note in chosen.items() if note.tick < beat.tick + _TURN_TICKS}
        self._pending = [entry for entry in self._pending if entry[5] not in chosen]
        for number, note in chosen.items():
            if number in begun:
                off = (turn.tick, 0, number, OFF, replace(note, duration=turn.tick - note.tick), number, 0.0)
                self._pending.append(off)
            else:
                self._due[note.stem] = [event for event in self._due[note.stem] if event.note_id != number]
            self.score.change(note, off[4] if number in begun else None)
        heapq.heapify(self._pending)
        self._mark_anew(turn)
        self._add(turn.notes, beat.tick + _TURN_TICKS)
        self._schedule(beat)

    def _mark_anew(self, turn: Turn) -> None:
        kinds = {marker.kind for marker in turn.markers}

        def stays(marker: Marker) -> bool:
            return marker.tick < turn.tick or marker.kind not in kinds

        assert self._next_bar is not None
        if kinds and self._next_bar is not self.beat.bar:
            markers = (*filter(stays, self._next_bar.markers), *turn.markers)
            self._next_bar = replace(self._next_bar, markers=tuple(sorted(markers, key=_tick)))
        elif kinds:
            self.score.markers[:] = sorted((*filter(stays, self.score.markers), *turn.markers), key=_tick)

    def _take_in(self, bar: Bar) -> None:
        """Take over a bar that is written."""
        self._next_bar = bar
        earliest = 0 if self._beat is None else self._beat.tick + _LATEST_TICKS
        if self._beat is not None and (bar.leap_ratio or bar.leap_bpm):
            self.leap = self._next_frame, self._beat.bpm * bar.leap_ratio if bar.leap_ratio else bar.leap_bpm or 0.0
        self._add(bar.notes, earliest)
        if self._beat is not None:
            self._schedule(self._beat)

    def _add(self, notes: Iterable[Note], earliest: int) -> None:
        for written in notes:
            start = max(written.tick, earliest)
            note = replace(written, tick=start, duration=max(written.duration, 1))
            self._serial += 1
            variation = self._variation[note.stem].random()
            heapq.heappush(self._pending, (start, 1, self._serial, ON, note, self._serial, variation))
            heapq.heappush(self._pending, (start + note.duration, 0, self._serial, OFF, note, self._serial, 0.0))
            for i, slide in enumerate(note.slides):
                to = replace(note, tick=start + slide.after, duration=slide.ticks, pitch=slide.pitch, velocity=0.0)
                heapq.heappush(self._pending, (to.tick, 2 + i, self._serial, SLIDE, to, self._serial, 0.0))
            self.score.notes.append(note)

    def _enter_bar(self, bar: Bar) -> None:
        score = self.score
        if not score.keys or (score.keys[-1].key, score.keys[-1].mode) != (bar.key, bar.mode):
            score.keys.append(KeyChange(bar.tick, bar.key, bar.mode))
        if not score.metres or score.metres[-1].beats != bar.beats:
            score.metres.append(Metre(bar.tick, bar.beats))
        score.markers.extend(bar.markers)
        if not self._keep_score:
            self._strokes.last(bar.tick)
            score.forget(bar.tick - KEPT_BEATS * TICKS_PER_BEAT)

    def _schedule(self, beat: Beat) -> None:
        """Give the notes of this beat their frames, now that its tempo is known."""
        end = beat.tick + TICKS_PER_BEAT
        while self._pending and self._pending[0][0] < end:
            tick, _, _, kind, note, note_id, variation = heapq.heappop(self._pending)
            frame = self._frame(beat, tick)
            seconds = (self._frame(beat, tick + note.duration) - frame) / self._sample_rate if kind == SLIDE else 0.0
            event = NoteEvent(frame, kind, note_id, note.pitch, note.velocity, variation, seconds)
            self._due[note.stem].append(event)
        for due in self._due.values():
            due.sort(key=_order)
        self._find_due()


def _order(event: NoteEvent) -> tuple[int, float, int]:
    return event.frame, event.kind, event.note_id


def _tick(marker: Marker) -> int:
    return marker.tick
