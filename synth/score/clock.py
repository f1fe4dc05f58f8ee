"""Seconds of a score's ticks."""

from __future__ import annotations

from bisect import bisect_right

from synth.score.model import TICKS_PER_BEAT, Score


class Clock:
    """Seconds of a tick, from the tempo map of `score`; before the first tempo a beat lasts half a second."""

    def __init__(self, score: Score) -> None:
        self._starts: list[tuple[int, int, int]] = []
        us = 0  # times TICKS_PER_BEAT
        for i, tempo in enumerate(score.tempos):
            if i:
                before = score.tempos[i - 1]
                us += (tempo.tick - before.tick) * before.us_per_beat
            self._starts.append((tempo.tick, us, tempo.us_per_beat))
        if not self._starts:
            self._starts = [(0, 0, 500_000)]

    def seconds(self, tick: int) -> float:
        """Time of `tick`."""
        start, us, per_beat = self._at(tick)
        return (us + (tick - start) * per_beat) / TICKS_PER_BEAT / 1e6

    def bpm(self, tick: int) -> float:
        """Quarter notes a minute at `tick`."""
        return 60e6 / self._at(tick)[2]

    def _at(self, tick: int) -> tuple[int, int, int]:
        return self._starts[max(bisect_right(self._starts, tick, key=lambda s: s[0]) - 1, 0)]
