"""Texture: a cloud of grains of what the other stems have just played (Roads, Microsound, 2001, chapter 3).

It has no notes of its own. The engine puts the sum of the stems it may take from into `heard` before each render.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth.controls import BREATH, COLUMN, EXPRESSION_DB
from synth.dsp._jit import kernel
from synth.dsp.grains import (
    DELAY_S,
    GAIN,
    SCATTER_CENTS,
    SCATTER_S,
    LiveGrains,
    grain_settings,
    render_grains,
)
from synth.dsp.sine import exp2
from synth.dsp.svf import coefficients, prewarp, svf
from synth.dsp.wavetable import Tables
from synth.instruments.base import MAX_FRAMES, MAX_QUANTA, QUANTUM, Buffer, Edges, Events
from synth.units import db_to_gain

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

BRIGHTNESS, MOTION = COLUMN["brightness_oct"], COLUMN["motion"]
CORNER_PER_DB, CORNER_PER_BREATH = np.float32(0.06), np.float32(0.5)
SCATTER_LEAST_S, SCATTER_OCT = np.float32(0.06), np.float32(3.0)  # at no motion, and more at the most
CENTS_LEAST, CENTS_MORE = np.float32(3.0), np.float32(5.0)
FROZEN_SCATTER_S = np.float32(0.08)
LATEST_S = 0.02  # before now, at the least
LONGEST_FREEZE_S = 4.0
BUTTERWORTH = np.float32(math.sqrt(2.0))
CORNER_HIGH = np.float32(0.4)  # cycles a sample

ZERO, ONE, SILENT = np.float32(0.0), np.float32(1.0), np.float32(1e-9)
INVERSE_QUANTUM = np.float32(1.0 / QUANTUM)

# Constants: gain, latest delay and freeze in s, octaves of a cycle a sample, seconds and octaves, quanta kept.
LEVEL, SOONEST_S, FREEZE_S, LOWPASS, HIGHPASS_G, QUANTUM_S, KEPT, CONSTANTS = range(8)
# State: time since the moment was taken, quanta of silence, corner; then the memories of the filters left and right.
HELD_S, QUIET, LOW_G, MEMORY = range(4)
FLOATS = MEMORY + 8


class Cloud(NamedTuple):
    """One texture: `octaves` and `fifths` are shares of grains that sound higher."""

    name: str
    level_db: float
    length_s: float
    overlap: float
    octaves: float
    lowpass_hz: float
    highpass_hz: float
    width: float


CLOUDS = (
    Cloud("cloud", 5.6, 0.18, 7.0, 0.8, 7000.0, 260.0, 0.9),
    Cloud("haze", 5.6, 0.36, 6.0, 0.0, 1400.0, 120.0, 0.8),
)


class Texture:
    """Grains of `heard`, (2, MAX_FRAMES) float32, C order, which whoever owns the other stems fills before `render`, or
    replaces once by a buffer of its own. Meets `synth.instruments.base.Instrument`.

    `kind` is the index of a cloud in CLOUDS. `fifths`: share of grains, 0 to 1, a fifth up. `freeze_s`: grains come
    from one moment for so long, then from a new one; 0 to 4, 0 follows what is played.
    """

    def __init__(
        self, sample_rate: int, seed: int, kind: float = 0.0, fifths: float = 0.0, freeze_s: float = 0.0
    ) -> None:
        if not 0 <= kind < len(CLOUDS) or kind != round(kind):
            raise ValueError(f"kind = {kind:g}: give 0 to {len(CLOUDS) - 1} ({', '.join(c.name for c in CLOUDS)})")
        if not 0.0 <= fifths <= 1.0:
            raise ValueError(f"fifths = {fifths:g}: give a share of the grains, 0 to 1")
        if not 0.0 <= freeze_s <= LONGEST_FREEZE_S:
            raise ValueError(f"freeze_s = {freeze_s:g}: give 0 to {LONGEST_FREEZE_S:g} seconds")
        cloud = CLOUDS[round(kind)]
        self.heard = np.zeros((2, MAX_FRAMES), np.float32)
        self._grains = LiveGrains(sample_rate, seed)
        self._settings = grain_settings(
            MAX_QUANTA + 1, length_s=cloud.length_s, overlap=cloud.overlap, width=cloud.width,
            octaves=cloud.octaves * (1.0 - fifths), fifths=fifths,
        )  # fmt: skip
        self._settings[:, GAIN] = 0.0
        highest = 2.0 if cloud.octaves else 1.5 if fifths else 1.0
        kept = self._grains.parts[3] + cloud.length_s * sample_rate
        self._constants = np.array(
            (
                db_to_gain(cloud.level_db), LATEST_S + cloud.length_s * highest, freeze_s,
                math.log2(cloud.lowpass_hz / sample_rate), math.tan(math.pi * cloud.highpass_hz / sample_rate),
                QUANTUM / sample_rate, math.ceil(kept / QUANTUM) + 1,
            ),
            np.float32,
        )  # fmt: skip
        self._floats = np.zeros(FLOATS, np.float32)

    def render(self, events: Events, count: int, edges: Edges, quanta: int, out: Buffer) -> None:
        """Render `quanta` quanta into `out` (2, MAX_FRAMES), of those of `heard`; notes are not heard."""
        _render(self.heard, edges, quanta, self._constants, self._floats, self._settings, *self._grains.parts, out)

    @property
    def sounding(self) -> int:
        """Grains that sound now."""
        return self._grains.sounding


@kernel
def _render(
    heard: Buffer,
    edges: Edges,
    quanta: int,
    c: Floats,
    s: Floats,
    p: Floats,
    sample_rate: np.float32,
    tables: Tables,
    ring: Floats,
    size: int,
    clock: Integers,
    grains: Integers,
    pans: Floats,
    row: Floats,
    out: Buffer,
) -> None:
    _scatter(heard, edges, quanta, c, s, p)
    render_grains(heard, True, p, quanta, sample_rate, tables, ring, size, clock, grains, pans, row, out)
    for q in range(quanta):
        bright = (
            edges[q + 1, BRIGHTNESS]
            + CORNER_PER_DB * edges[q + 1, EXPRESSION_DB]
            + CORNER_PER_BREATH * edges[q + 1, BREATH]
        )
        _filter(s, c, bright, out, q * QUANTUM)
    p[0, GAIN] = p[quanta, GAIN]


@kernel
def _scatter(heard: Buffer, edges: Edges, quanta: int, c: Floats, s: Floats, p: Floats) -> None:
    """Settings of the grains at each edge; there are none once all that is kept is silence."""
    for q in range(quanta):
        sound = False
        for n in range(q * QUANTUM, (q + 1) * QUANTUM):
            sound |= heard[0, n] != ZERO or heard[1, n] != ZERO
        s[QUIET] = ZERO if sound else min(s[QUIET] + ONE, c[KEPT])
        p[q + 1, GAIN] = ONE if s[QUIET] < c[KEPT] else ZERO
        motion = edges[q, MOTION]
        s[HELD_S] += c[QUANTUM_S]
        if s[HELD_S] >= c[FREEZE_S]:
            s[HELD_S] = ZERO
        p[q, DELAY_S] = c[SOONEST_S] + s[HELD_S]
        p[q, SCATTER_S] = FROZEN_SCATTER_S if c[FREEZE_S] > ZERO else SCATTER_LEAST_S * exp2(SCATTER_OCT * motion)
        p[q, SCATTER_CENTS] = CENTS_LEAST + CENTS_MORE * motion


@kernel
def _filter(s: Floats, c: Floats, bright: np.float32, out: Buffer, first: int) -> None:
    """One quantum of `out` from column `first`, in place, through a low-pass that moves and a high-pass that stays."""
    after = prewarp(min(exp2(c[LOWPASS] + bright), CORNER_HIGH))
    g = s[LOW_G] if s[LOW_G] > ZERO else after
    rise = (after - g) * INVERSE_QUANTUM
    s[LOW_G] = after
    high_g = c[HIGHPASS_G]
    high_a1, high_a2 = coefficients(high_g, BUTTERWORTH)
    for side in range(2):
        at = MEMORY + 4 * side
        l1, l2, h1, h2 = s[at], s[at + 1], s[at + 2], s[at + 3]
        for n in range(QUANTUM):
            now = g + np.float32(n) * rise
            a1, a2 = coefficients(now, BUTTERWORTH)
            x, _, l1, l2 = svf(out[side, first + n], l1, l2, now, a1, a2)
            low, band, h1, h2 = svf(x, h1, h2, high_g, high_a1, high_a2)
            out[side, first + n] = c[LEVEL] * (x - BUTTERWORTH * band - low)
        if max(abs(l1), abs(l2)) + max(abs(h1), abs(h2)) < SILENT:
            l1, l2, h1, h2 = ZERO, ZERO, ZERO, ZERO
        s[at], s[at + 1], s[at + 2], s[at + 3] = l1, l2, h1, h2
