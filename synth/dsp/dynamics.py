"""A feed-forward compressor with a soft knee: Giannoulis, Massberg & Reiss, "Digital dynamic range compressor design: a
tutorial and analysis", JAES 60(6), 2012, their equation 4 and its log-domain detector.

level in dB -> static curve -> attack and release on the gain in dB -> one gain for both sides. It is gain over time
and nothing else: what sums before it sums after it, when all are given the same gain.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.clamp import clamp
from synth.dsp.envelope import db_gain
from synth.dsp.intake import LONGEST_BLOCK, RAMP, held, take
from synth.dsp.quantum import QUANTUM
from synth.dsp.sine import log2

DB_PER_OCTAVE = np.float32(20.0 * math.log10(2.0))  # of amplitude
LOWEST_DB, HIGHEST_DB = np.float32(-120.0), np.float32(24.0)  # of a threshold
UNDO = -1e-6  # dB of gain that is none
NARROWEST_DB = 1e-3
SLOPE, KNEE, ATTACK, RELEASE, MAKEUP = range(5)  # of `curve`


@kernel
def reduction(over, slope, knee):  # type: ignore[no-untyped-def]
    """Gain in dB, 0 or below, `over` dB past the threshold: `slope` is 1 / ratio - 1, `knee` its width in dB."""
    if over + over > knee:
        return slope * over
    into = over + 0.5 * knee
    return slope * into * into / (knee + knee) if into > 0.0 else 0.0


@kernel
def _gain(x, threshold_db, quanta, out, dry, curve, state):  # type: ignore[no-untyped-def]
    slope, knee, attack, release, makeup = curve[SLOPE], curve[KNEE], curve[ATTACK], curve[RELEASE], curve[MAKEUP]
    held_db = state[0]
    for q in range(quanta):
        at = q * QUANTUM
        heard = take(x, at, dry)
        if not heard and held_db == 0.0:
            still = db_gain(np.float32(makeup))
            for n in range(QUANTUM):
                out[at + n] = still
            continue
        start = clamp(threshold_db[q], LOWEST_DB, HIGHEST_DB)
        rise = clamp(threshold_db[q + 1], LOWEST_DB, HIGHEST_DB) - start
        for n in range(QUANTUM):
            level_db = DB_PER_OCTAVE * log2(max(abs(dry[0, n]), abs(dry[1, n])))
            wanted = reduction(np.float64(level_db - (start + rise * RAMP[n])), slope, knee)
            held_db += (attack if wanted < held_db else release) * (wanted - held_db)
            out[at + n] = db_gain(np.float32(held_db + makeup))
        held_db = held_db if held_db < UNDO else 0.0
    state[0] = held_db


@kernel
def _apply(x, gain, quanta, out, dry):  # type: ignore[no-untyped-def]
    for q in range(quanta):
        at = q * QUANTUM
        take(x, at, dry)
        for c in range(2):
            for n in range(QUANTUM):
                out[c, at + n] = dry[c, n] * gain[at + n]


class Compressor:
    """Above `threshold_db` (dBFS of the larger side's samples) a stereo signal rises by 1 dB for `ratio` dB of its own,
    with a transition of `knee_db`. `attack_s` and `release_s` are the times to 63 % of a step in dB. No latency.
    """

    def __init__(
        self,
        sample_rate: int,
        threshold_db: float = -18.0,
        ratio: float = 2.0,
        *,
        knee_db: float = 6.0,
        attack_s: float = 0.02,
        release_s: float = 0.2,
        makeup_db: float = 0.0,
    ) -> None:
        if not ratio >= 1.0:
            raise ValueError(f"ratio = {ratio}: give 1 or more, `math.inf` for a ceiling")
        rates = [1.0 - math.exp(-1.0 / (s * sample_rate)) for s in (attack_s, release_s)]
        self._threshold_db = held(threshold_db)
        self._curve = np.array([1.0 / ratio - 1.0, max(knee_db, NARROWEST_DB), *rates, makeup_db])
        self._dry = np.zeros((2, QUANTUM), np.float32)
        self._row = np.zeros(LONGEST_BLOCK * QUANTUM, np.float32)
        self._state = np.zeros(1)  # gain in dB

    def gain(
        self,
        x: NDArray[np.float32],
        quanta: int,
        out: NDArray[np.float32],
        threshold_db: NDArray[np.float32] | None = None,
    ) -> None:
        """Overwrite `out[: quanta * 64]` (float32) with the gain that `x` (2, frames) asks for, for all that is to move
        with it. `threshold_db` has a value for each quantum edge."""
        threshold_db = self._threshold_db if threshold_db is None else threshold_db
        _gain(x, threshold_db, quanta, out, self._dry, self._curve, self._state)

    def render(
        self,
        x: NDArray[np.float32],
        quanta: int,
        out: NDArray[np.float32],
        threshold_db: NDArray[np.float32] | None = None,
    ) -> None:
        """Overwrite `out[:, : quanta * 64]` with `x` compressed (both (2, frames) float32, C order, <= 64 quanta, and
        not the same)."""
        self.gain(x, quanta, self._row, threshold_db)
        _apply(x, self._row, quanta, out, self._dry)

    def reset(self) -> None:
        """Forget what has sounded."""
        self._state[:] = 0.0
