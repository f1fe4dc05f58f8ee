"""Beats and bars in time: walks the beat grid, asks the composer, and tells each stem which note falls on which frame.

All positions are integers (ticks, microseconds, frames), so tempo is exact, nothing drifts, and the same score
comes out at every block size. A beat's tempo is read from the bus at the quantum in which the beat starts.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synth.controls import COLUMN, CONTROLS
from synth.instruments.base import OFF, ON, QUANTUM, SLIDE
from synth.rng import stream
from synth.score.model import TICKS_PER_BEAT, Ask, Bar, KeyChange, Marker, Metre, Note, Score, Tempo

_TEMPO = COLUMN["tempo_bpm"]
_NEVER = 2**62
SLICE_FRAMES = 256
_LATEST_TICKS = TICKS_PER_BEAT * 5 // 8  # of the beat before a bar: none of its notes begins sooner

# What a span is made of: edges from FIRST to END hear a beat of BPM in KEY and MODE that starts at START_FRAME, is
# FRAMES long and the INDEX-th of BEATS in a bar that swells from LOW to HIGH (0 to 1).
FIRST, END, BPM, KEY, MODE, START_FRAME, FRAMES, INDEX, BEATS, LOW, HIGH, SPAN = range(12)


Slices = Generator[None, None, Bar]


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
    scene has other instruments, until someone takes them.
    """

    def __init__(
        self, compose: Callable[[Ask], Slices], score: Score, seed: int, sample_rate: int, length_s: float | None
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

    @property
    def beat(self) -> Beat:
        """The beat that sounds at the last edge walked."""
        assert self._beat is not None
        return self._beat

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
        if (quantum + quanta) * QUANTUM >= self._half_frame:
            self.finish()
        self._write_on(quanta)
        count = row = 0
        while True:
            last = min(quanta, self._next_frame // QUANTUM - quantum)
            if last >= row:
                spans[count] = (row, last + 1, *self._heard)
                count, row = count + 1, last + 1
            if self._next_frame >= (quantum + quanta) * QUANTUM:
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
        while self._writing is not None and slices:
            self._slice()
            slices -= 1

    def _slice(self) -> None:
        assert self._writing is not None
        try:
            next(self._writing)
        except StopIteration as done:
            self._writing = None
            self._take_in(done.value)

    def _ask(self, tick: int, time_s: float, row: NDArray[np.float32]) -> Slices:
        remaining_s = None if self._length_s is None else self._length_s - time_s
        controls = {c.name: float(row[i]) for i, c in enumerate(CONTROLS)}
        ask = Ask(self._bars, tick, time_s, remaining_s, controls, self.phase, self.tempo_asked_bpm)
        self._bars += 1
        return self._compose(ask)

    def _take_in(self, bar: Bar) -> None:
        """Take over a bar that is written."""
        self._next_bar = bar
        earliest = 0 if self._beat is None else self._beat.tick + _LATEST_TICKS
        if self._beat is not None and (bar.leap_ratio or bar.leap_bpm):
            self.leap = self._next_frame, self._beat.bpm * bar.leap_ratio if bar.leap_ratio else bar.leap_bpm or 0.0
        for note in bar.notes:
            start = max(note.tick, earliest)
            self._serial += 1
            variation = self._variation[note.stem].random()
            heapq.heappush(self._pending, (start, 1, self._serial, ON, note, self._serial, variation))
            heapq.heappush(
                self._pending, (start + max(note.duration, 1), 0, self._serial, OFF, note, self._serial, 0.0)
            )
            for i, slide in enumerate(note.slides):
                to = replace(note, tick=start + slide.after, duration=slide.ticks, pitch=slide.pitch, velocity=0.0)
                heapq.heappush(self._pending, (to.tick, 2 + i, self._serial, SLIDE, to, self._serial, 0.0))
            self.score.notes.append(replace(note, tick=start, duration=max(note.duration, 1)))
        if self._beat is not None:
            self._schedule(self._beat)

    def _enter_bar(self, bar: Bar) -> None:
        score = self.score
        if not score.keys or (score.keys[-1].key, score.keys[-1].mode) != (bar.key, bar.mode):
            score.keys.append(KeyChange(bar.tick, bar.key, bar.mode))
        if not score.metres or score.metres[-1].beats != bar.beats:
            score.metres.append(Metre(bar.tick, bar.beats))
        score.markers.extend(bar.markers)

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
            due.sort(key=lambda event: (event.frame, event.kind, event.note_id))
        self._find_due()
