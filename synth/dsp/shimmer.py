"""A reverb that rises: what it returns is played back an octave higher and sent into it again.

reverb -> band-pass -> ring -> two grains, each read `ratio` times as fast as it was written, under Hann windows half a
grain apart -> back into the reverb. The band-pass comes before the grains, its corners divided by the ratio: then
nothing of what they raise aliases. Each turn is higher than the last, so the low-pass ends the rise whatever the gain.

What is read is older than the longest block. So a block's grains are known before its reverb is, and each of the two
is rendered in one call; any split into blocks gives the same samples.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.bandpass import band, bandpass
from synth.dsp.envelope import db_gain
from synth.dsp.fdn import Fdn
from synth.dsp.intake import FRAME, LIMIT, LONGEST_BLOCK, QUIET, RAMP, counts, faint, held, rests, take
from synth.dsp.quantum import QUANTUM
from synth.dsp.ring import between, rings
from synth.dsp.sine import cosine

OCTAVE = 12.0
LOUDEST_DB = np.float32(-7.0)  # of what goes back, under what came: a gain of less than a half
GRAINS = 2

HALF = np.float32(0.5)
OLDEST = QUANTUM * LONGEST_BLOCK


@kernel
def _raise(x, shimmer_db, quanta, out, memory, grain, rise, count, quiet):  # type: ignore[no-untyped-def]
    """Write to `out` the send `x` and, over it, the grains of what the reverb gave."""
    begin = np.int64(count[FRAME])
    for q in range(quanta):
        at, frame = q * QUANTUM, begin + q * QUANTUM
        for c in range(2):
            for n in range(QUANTUM):
                out[c, at + n] = x[c, at + n]
        if quiet:
            continue
        start = db_gain(min(shimmer_db[q], LOUDEST_DB))
        slope = db_gain(min(shimmer_db[q + 1], LOUDEST_DB)) - start
        for g in range(GRAINS):
            for n in range(QUANTUM):
                age = (frame + n + g * (grain // GRAINS)) % grain
                window = (HALF - HALF * cosine(np.float32(age) / np.float32(grain))) * (start + slope * RAMP[n])
                delay = OLDEST + 2.0 + rise * (grain - age)
                for c in range(2):
                    out[c, at + n] += window * between(memory, c, frame + n, delay)


@kernel
def _keep(x, quanta, memory, work, lows, filters, count):  # type: ignore[no-untyped-def]
    """Band-pass what the reverb gave, and keep it."""
    for q in range(quanta):
        frame = count[FRAME]
        count[FRAME] += QUANTUM
        take(x, q * QUANTUM, work)
        heard = not faint(work) or not faint(lows)  # below that it counts as silence, or it would go round for ever
        if rests(count, heard, memory):
            continue
        bandpass(filters, lows, work)
        for c in range(2):
            for n in range(QUANTUM):
                memory[c, (frame + n) & (memory.shape[1] - 1)] = work[c, n]


class Shimmer:
    """The return of a stereo send through an `Fdn` and, once round, that return `semitones` higher at `shimmer_db`.

    `t60_s`, `t60_high_s` and `seed` are the reverb's. `highpass_hz` and `lowpass_hz` bound what has been raised.
    """

    def __init__(
        self,
        sample_rate: int,
        t60_s: float = 4.0,
        t60_high_s: float = 0.8,
        *,
        shimmer_db: float = -14.0,
        semitones: float = OCTAVE,
        grain_ms: float = 100.0,
        highpass_hz: float = 300.0,
        lowpass_hz: float = 4500.0,
        seed: int = 0,
    ) -> None:
        if not 0.0 < semitones <= OCTAVE:
            raise ValueError(f"semitones = {semitones}: give up to {OCTAVE:g}, an octave")
        ratio = 2.0 ** (semitones / OCTAVE)
        grain = GRAINS * round(grain_ms * 1e-3 * sample_rate / GRAINS)
        longest = OLDEST + 2.0 + (ratio - 1.0) * grain
        self._fdn = functools.partial(Fdn, sample_rate, t60_s, t60_high_s, seed=seed)
        self._reverb = self._fdn()
        self._shimmer_db = held(shimmer_db)
        self._grain, self._rise = grain, ratio - 1.0
        self._filters = band(highpass_hz / ratio, lowpass_hz / ratio, sample_rate)
        self._memory = rings(2, longest)
        self._lows = np.zeros((2, 4), np.float32)
        self._sent = np.zeros((2, OLDEST), np.float32)
        self._work = np.zeros((2, QUANTUM), np.float32)
        self._counts = counts(longest)

    def render(
        self,
        x: NDArray[np.float32],
        quanta: int,
        out: NDArray[np.float32],
        shimmer_db: NDArray[np.float32] | None = None,
    ) -> None:
        """Overwrite `out[:, : quanta * 64]` with the return of `x` (both (2, frames) float32, C order; <= 64 quanta).

        `shimmer_db`, for each quantum edge, held under -7 dB.
        """
        shimmer_db = self._shimmer_db if shimmer_db is None else shimmer_db
        quiet = bool(self._counts[QUIET] == self._counts[LIMIT])
        _raise(x, shimmer_db, quanta, self._sent, self._memory, self._grain, self._rise, self._counts, quiet)
        self._reverb.render(self._sent, quanta, out)
        _keep(out, quanta, self._memory, self._work, self._lows, self._filters, self._counts)

    @property
    def idle(self) -> bool:
        """True when the tail has ended and nothing is stored."""
        return self._reverb.idle and bool(self._counts[QUIET] == self._counts[LIMIT])

    def reset(self) -> None:
        """Forget what has sounded, with a reverb anew: not for the audio path."""
        self._reverb = self._fdn()
        self._memory[:], self._lows[:] = 0.0, 0.0
        self._counts[FRAME], self._counts[QUIET] = 0, self._counts[LIMIT]
