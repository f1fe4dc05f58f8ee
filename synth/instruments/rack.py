"""The rack of a stem: the instruments that its scenes bind, and the way from one to the next.

A change of binding is a crossfade: new notes go to the new instrument, which fades in, while the one before keeps the
notes it has and fades out.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.sine import raised
from synth.instruments.base import (
    EVENT_COLUMNS,
    FRAME,
    KIND,
    MAX_EVENTS,
    MAX_FRAMES,
    MAX_QUANTA,
    NOTE_ID,
    OFF,
    ON,
    QUANTUM,
    Buffer,
    Edges,
    Events,
    Instrument,
    Listening,
)

FADE_IN_S, FADE_OUT_S = 3.0, 6.0
RAMP = np.arange(QUANTUM, dtype=np.float32) / np.float32(QUANTUM)
QUANTUM_FRAMES = np.uint64(QUANTUM)


@kernel
def _add(heard, gains, start, quanta, out):  # type: ignore[no-untyped-def]
    """Add `quanta` of `heard` to `out` from quantum `start` on, with `gains` at their edges."""
    for q in range(quanta):
        at, to = np.uint64(q * QUANTUM), np.uint64((start + q) * QUANTUM)
        gain, step = gains[q], gains[q + 1] - gains[q]
        for c in range(2):
            for n in range(QUANTUM_FRAMES):
                out[c, to + n] += (gain + step * RAMP[n]) * heard[c, at + n]


@dataclass(slots=True)
class _Player:
    """An instrument in the rack, and the `notes` it holds. At quantum `since` its fade was at `place`, 0 silent to 1
    full; when it has been left it is silent from `until` on."""

    instrument: Instrument
    since: int = 0
    until: int = 0
    place: float = 0.0
    bound: bool = False
    notes: set[float] = field(default_factory=set)


class Rack:
    """`instruments` by name, of which `first` plays until another is bound; meets `Instrument`.

    Textures among them take their grains from `heard`, which is filled before each render.
    """

    def __init__(self, instruments: Mapping[str, Instrument], first: str, sample_rate: int) -> None:
        self.heard = np.zeros((2, MAX_FRAMES), np.float32)
        self._textures = [made for made in instruments.values() if isinstance(made, Listening)]
        self._players = {name: _Player(instrument) for name, instrument in instruments.items()}
        self._bound = self._players[first]
        self._bound.bound, self._bound.place = True, 1.0
        self._playing = [self._bound]
        self._quanta_per_s = sample_rate / QUANTUM
        self._quantum = 0
        self._due: deque[tuple[int, str]] = deque()
        self._heard = np.zeros((2, MAX_FRAMES), np.float32)
        self._gains = np.zeros(MAX_QUANTA + 1, np.float32)
        self._events = np.zeros((MAX_EVENTS, EVENT_COLUMNS))
        _add(self._heard, self._gains, 0, 0, np.zeros_like(self._heard))  # compiled before it is needed

    def bind(self, name: str, quantum: int) -> None:
        """From `quantum` on, which is not yet rendered, `name` plays what begins."""
        self._due.append((quantum, name))

    @property
    def sounding(self) -> int:
        """Voices that sound now."""
        return sum(player.instrument.sounding for player in self._playing)

    def render(self, events: Events, count: int, edges: Edges, quanta: int, out: Buffer) -> None:
        """Play `count` events over `quanta` quanta into `out`, each by the instrument that is bound or has the note."""
        end = self._quantum + quanta
        settled = len(self._playing) == 1 and self._place(self._bound, self._quantum) == 1.0
        if settled and not (self._due and self._due[0][0] < end):
            for event in events[:count]:
                self._follow(self._bound, event)
            for texture in self._textures:
                texture.heard[:, : quanta * QUANTUM] = self.heard[:, : quanta * QUANTUM]
            self._bound.instrument.render(events, count, edges, quanta, out)
        else:
            out[:, : quanta * QUANTUM] = 0.0
            start = self._quantum
            while start < end:
                while self._due and self._due[0][0] <= start:
                    self._turn(self._due.popleft()[1], start)
                turns = (quantum for quantum, _ in self._due)
                ends = (player.until for player in self._playing if not player.bound)
                stop = min(chain((end,), turns, ends))
                self._part(events, count, edges, start, stop, out)
                start = stop
        self._quantum = end

    def _turn(self, name: str, quantum: int) -> None:
        new, old = self._players[name], self._bound
        if new is old:
            return
        for player in (old, new):
            player.place, player.since = self._place(player, quantum), quantum
        old.bound, new.bound, self._bound = False, True, new
        old.until = quantum + math.ceil(old.place * FADE_OUT_S * self._quanta_per_s)
        if quantum == 0:  # nobody was heard yet
            self._playing, old.place, new.place = [], 0.0, 1.0
        if new not in self._playing:
            self._playing.append(new)

    def _place(self, player: _Player, quantum: int) -> float:
        moved_s = (quantum - player.since) / self._quanta_per_s
        if player.bound:
            return min(player.place + moved_s / FADE_IN_S, 1.0)
        return max(player.place - moved_s / FADE_OUT_S, 0.0)

    def _part(self, events: Events, count: int, edges: Edges, start: int, stop: int, out: Buffer) -> None:
        """The quanta from `start` to `stop` by everyone who plays; who has faded out lets all notes go."""
        into = start - self._quantum
        low, high = into * QUANTUM, (into + stop - start) * QUANTUM
        for texture in self._textures:
            texture.heard[:, : high - low] = self.heard[:, low:high]
        for player in list(self._playing):
            leaves = not player.bound and stop == player.until
            rows = self._rows(events, count, player, low, high, leaves)
            player.instrument.render(self._events, rows, edges[into:], stop - start, self._heard)
            for q in range(stop - start + 1):
                self._gains[q] = raised(self._place(player, start + q))
            _add(self._heard, self._gains, into, stop - start, out)
            if leaves:
                self._playing.remove(player)

    def _rows(self, events: Events, count: int, player: _Player, low: int, high: int, leaves: bool) -> int:
        """Put what `player` is to hear from frame `low` to `high` into `_events`; how many events that is."""
        rows = 0
        for event in events[:count]:
            if low <= event[FRAME] < high and self._follow(player, event):
                self._events[rows] = event
                self._events[rows, FRAME] -= low
                rows += 1
        for note_id in sorted(player.notes)[: (len(self._events) - rows) if leaves else 0]:
            self._events[rows] = 0.0
            self._events[rows, FRAME], self._events[rows, NOTE_ID] = high - low - 1, note_id
            rows += 1
        if leaves:
            player.notes.clear()
        return rows

    def _follow(self, player: _Player, event: NDArray[np.float64]) -> bool:
        """Whether an event is for `player`, who keeps count of the notes held."""
        note_id = float(event[NOTE_ID])
        if event[KIND] == ON:
            if player.bound:
                player.notes.add(note_id)
            return player.bound
        held = note_id in player.notes
        if event[KIND] == OFF:
            player.notes.discard(note_id)
        return held
