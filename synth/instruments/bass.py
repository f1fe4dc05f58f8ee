"""Basses of the subtractive kind, one tone in the middle: a round one, a strong fundamental with a little saw above it,
and a deep one, nearly a sine, with just the harmonics by which small loudspeakers let its pitch be heard."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from synth.dsp.wavetable import Harmonics, Wave, sub
from synth.instruments.subtractive import Subtractive, checked
from synth.instruments.voicing import Voicing

VOICING = Voicing(
    level_db=-13.1,
    side=0.0,
    stereo=False,
    steep=True,
    centre=1.0,
    pan=0.0,
    detune_cents=0.0,
    attack_factor=0.5,
    attack_low_s=0.03,
    attack_high_s=0.6,
    decay_s=1.2,
    sustain=0.7,
    release_s=0.35,
    corner_hz=700.0,
    corner_max_hz=2500.0,
    tracking=0.4,
    velocity_oct=1.2,
    opening_oct=0.5,
    damping=1.6,
    drift_cents=1.0,
    drift_corner_cents=60.0,
    drift_s=5.0,
    vibrato_cents=0.0,
)
DEEP_DB = (0.0, -9.0, -15.0, -22.0)


def deep(n: Harmonics) -> Harmonics:
    """A sine and a little of its first overtones."""
    return np.where(n <= len(DEEP_DB), 10.0 ** (np.interp(n, np.arange(1, len(DEEP_DB) + 1), DEEP_DB) / 20.0), 0.0)


class Sound(NamedTuple):
    """A wave, and its level, so that all sounds are as loud."""

    name: str
    wave: Wave
    level_db: float


SOUNDS: tuple[Sound, ...] = (Sound("warm", sub, -13.1), Sound("deep", deep, -13.1))


class Bass(Subtractive):
    """`wave`: index of a sound in SOUNDS; `corner_hz` of its low-pass for C4 at neutral brightness; `release_s` to
    -60 dB."""

    def __init__(
        self, sample_rate: int, seed: int, wave: float = 0.0, corner_hz: float = 700.0, release_s: float = 0.35
    ) -> None:
        if not 0 <= wave < len(SOUNDS) or wave != round(wave):
            raise ValueError(f"wave = {wave:g}: give 0 to {len(SOUNDS) - 1} ({', '.join(s.name for s in SOUNDS)})")
        sound = SOUNDS[round(wave)]
        voicing = VOICING._replace(
            level_db=sound.level_db,
            corner_hz=checked("corner_hz", corner_hz, 200.0, 2000.0),
            release_s=checked("release_s", release_s, 0.1, 2.0),
        )
        super().__init__(sample_rate, seed, sound.wave, voicing)
