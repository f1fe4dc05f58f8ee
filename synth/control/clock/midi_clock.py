"""What an outside MIDI clock says: where its beat is, how fast it goes, whether it runs.

Of the MIDI 1.0 specification: 24 ticks (F8) a quarter note; after start (FA) the next tick is the song's beginning,
after continue (FB) it is where the song was stopped, or where song position (F2, in sixteenths of 6 ticks) put it.
Ticks that go on after stop (FC) keep the tempo.
"""

from __future__ import annotations

import math

from synth.control.clock.jitter import TICKS_PER_BEAT, JitterFilter

TICKS_PER_SIXTEENTH = 6
HOLDOVER_S = 2.5  # as long as this a silent clock counts as going on


class MidiClock:
    """Takes messages in the order in which they came, each with its time in seconds.

    `running`: whether the outside plays; None as long as it said neither. `starts` and `stops` count what it said.
    """

    def __init__(self) -> None:
        self.filter = JitterFilter()
        self.running: bool | None = None
        self.starts = self.stops = 0
        self._origin: int | None = None  # number of the tick with which the song begins
        self._position: int | None = None  # of the next tick, where the outside has said so
        self._stopped_at = 0  # ticks from the song's beginning

    # -- what comes in ---------------------------------------------------------------------------------------------

    def tick(self, t_s: float) -> None:
        """F8."""
        if self.filter.tick(t_s) and self._position is not None:
            self._origin, self._position = self.filter.number - self._position, None

    def start(self, t_s: float) -> None:
        """FA: the next tick is the first."""
        self._begin(0)

    def cont(self, t_s: float) -> None:
        """FB: the next tick is the one after the last, or what song position said."""
        self._begin(self._stopped_at)

    def stop(self, t_s: float) -> None:
        """FC: the outside stands, and its position with it."""
        if self.running and self._origin is not None:
            self._stopped_at = self.filter.number + 1 - self._origin
        self.running = False
        self.stops += 1

    def song_position(self, sixteenths: int) -> None:
        """F2: where the song goes on; a clock that runs is moved at its next tick."""
        self._stopped_at = sixteenths * TICKS_PER_SIXTEENTH
        if self.running:
            self._position = self._stopped_at

    def shift(self, by_s: float) -> None:
        """Go over to an axis on which all times are `by_s` later."""
        self.filter.shift(by_s)

    # -- what it means ---------------------------------------------------------------------------------------------

    def alive(self, now_s: float) -> bool:
        """Whether its tempo is known: a beat was heard, and the last tick is not long past."""
        return self.filter.usable and now_s - self.filter.last_s <= HOLDOVER_S

    @property
    def told(self) -> bool:
        """Whether it has said where its beat is."""
        return self._origin is not None

    def beats_at(self, t_s: float) -> float:
        """Beats since the song's beginning, or since some tick while it has not said where that is."""
        return (self.filter.number_at(t_s) - (self._origin or 0)) / TICKS_PER_BEAT

    def time_of(self, beats: float) -> float:
        """When it has come so many beats."""
        return self.filter.time_of(beats * TICKS_PER_BEAT + (self._origin or 0))

    def beat_s(self, t_s: float) -> float:
        """How long its beat about `t_s` lasts."""
        return self.filter.tick_s(self.filter.number_at(t_s)) * TICKS_PER_BEAT

    def next_beat_s(self, after_s: float) -> float | None:
        """When its first beat from `after_s` on comes; None while it does not play or nothing is known."""
        if not self.running or self._origin is None or not self.filter.usable:
            return None
        return self.time_of(math.ceil(self.beats_at(after_s) - 1e-6))

    def _begin(self, position: int) -> None:
        self.running = True
        self.starts += 1
        self._position = position
        self.filter.rephase()
