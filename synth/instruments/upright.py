"""Upright bass: long, heavy strings plucked with the side of a finger near the end of the fingerboard, in the middle of
the stage. Decays and body are the project's own, in the ranges of Guettler, "Bows, Strings, and Bowing" (in The Science
of String Instruments, 2010)."""

from __future__ import annotations

import math

from synth.dsp.string import StringBank
from synth.instruments.hits import Hit
from synth.instruments.plucked import Plucked, Strings

VOICES = 8
LOWEST_HZ = 32.0
LOWEST, HIGHEST = 24.0, 72.0  # notes; what lies beyond is played there
MIDDLE = math.sqrt(0.5)
STRINGS = Strings("upright", 28, 4.5, -0.55, 0.45, 0.003, 0.23, 0.4, -6.9, ((62, 5, 3), (100, 7, 4), (210, 8, 3)))


class Upright(Plucked):
    """Plucked strings from C1 to C5."""

    def __init__(self, sample_rate: int, seed: int) -> None:
        super().__init__(sample_rate, seed)
        self.strings = STRINGS
        self.lowest, self.highest = LOWEST, HIGHEST
        self._bank = StringBank(sample_rate, VOICES, LOWEST_HZ, STRINGS.body)

    def strike(self, frame: int, hit: Hit) -> None:
        """Pluck a string of the note's pitch."""
        super().strike(frame, hit)
        self._bank.gain[:] = MIDDLE
