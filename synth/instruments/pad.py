"""Pads: slow chords of detuned waves under a low-pass that breathes with them.

Strings are six saws a note, each with its own vibrato, on a body, with a little noise of bows. The warm one has the
hump of a four-pole low-pass whose resonance is turned up a little, 2.5 dB.
"""

from __future__ import annotations

from typing import NamedTuple

from synth.dsp.wavetable import Wave, glass, saw, warm
from synth.instruments.subtractive import Subtractive, checked
from synth.instruments.voicing import Voicing


class Sound(NamedTuple):
    """A wave, its corner at C4 and its level, so that all sounds are as loud."""

    name: str
    wave: Wave
    corner_hz: float
    level_db: float
    damping: float  # 1 / Q of either half of the low-pass
    vibrato_cents: float
    players: int = 3
    bow_db: float | None = None


SOUNDS: tuple[Sound, ...] = (
    Sound("strings", saw, 1800.0, -22.35, 1.5, 8.0, 6, -38.0),
    Sound("warm", warm, 1000.0, -19.15, 1.0, 3.0),
    Sound("glass", glass, 2500.0, -18.3, 1.5, 3.0),
)


class Pad(Subtractive):
    """`wave`: index of a sound in SOUNDS; `detune_cents`: of the outer oscillators at C4; `release_s`: to -60 dB."""

    def __init__(
        self,
        sample_rate: int,
        seed: int,
        wave: float = 0.0,
        detune_cents: float = 4.0,
        release_s: float = 1.8,
    ) -> None:
        if not 0 <= wave < len(SOUNDS) or wave != round(wave):
            raise ValueError(f"wave = {wave:g}: give 0 to {len(SOUNDS) - 1} ({', '.join(s.name for s in SOUNDS)})")
        sound = SOUNDS[round(wave)]
        voicing = Voicing(
            level_db=sound.level_db,
            side=0.62,
            stereo=True,
            steep=True,
            centre=0.6,
            pan=0.5,
            detune_cents=checked("detune_cents", detune_cents, 0.0, 12.0),
            attack_factor=4.0,
            attack_low_s=0.05,
            attack_high_s=4.0,
            decay_s=2.0,
            sustain=0.85,
            release_s=checked("release_s", release_s, 0.3, 6.0),
            corner_hz=sound.corner_hz,
            corner_max_hz=12000.0,
            tracking=0.5,
            velocity_oct=0.8,
            opening_oct=1.0,
            damping=sound.damping,
            drift_cents=2.0,
            drift_corner_cents=80.0,
            drift_s=5.0,
            vibrato_cents=sound.vibrato_cents,
            players=sound.players,
            bow_db=sound.bow_db,
        )
        super().__init__(sample_rate, seed, sound.wave, voicing)
