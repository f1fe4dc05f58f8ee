"""Where the beat is: what clocks, counters and people who play along go by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synth.score.model import TICKS_PER_BEAT

if TYPE_CHECKING:
    from synth.transport import Beat


@dataclass(frozen=True, slots=True)
class Pulse:
    """One beat: its `start_s` in session time as rendered (it is heard a session's latency later), how long it lasts,
    its place in the bar (from 0), the bar's beats, and the bar's key and mode (indices of KEYS and MODES).

    `number` counts the beats of the session from 0.
    """

    number: int
    start_s: float
    length_s: float
    index: int
    beats: int
    key: int
    mode: int

    @property
    def bpm(self) -> float:
        """Tempo of this beat."""
        return 60.0 / self.length_s


def pulse_of(beat: Beat) -> Pulse:
    """The pulse of a beat of the transport."""
    bar = beat.bar
    number = beat.tick // TICKS_PER_BEAT
    return Pulse(number, beat.start_us / 1e6, beat.us_per_beat / 1e6, beat.index, bar.beats, bar.key, bar.mode)


def first_pulse(controls: Mapping[str, float]) -> Pulse:
    """What is known of the first beat before anything was rendered."""
    return Pulse(0, 0.0, 60.0 / controls["tempo_bpm"], 0, 4, int(controls["key"]), int(controls["mode"]))
