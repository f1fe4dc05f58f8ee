"""Bass: one round tone in the middle, a strong fundamental with a little saw above it, soft at its edges."""

from __future__ import annotations

from synth.dsp.wavetable import sub
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


class Bass(Subtractive):
    """`corner_hz` of its low-pass for C4 at neutral brightness; `release_s` to -60 dB."""

    def __init__(self, sample_rate: int, seed: int, corner_hz: float = 700.0, release_s: float = 0.35) -> None:
        voicing = VOICING._replace(
            corner_hz=checked("corner_hz", corner_hz, 200.0, 2000.0),
            release_s=checked("release_s", release_s, 0.1, 2.0),
        )
        super().__init__(sample_rate, seed, sub, voicing)
