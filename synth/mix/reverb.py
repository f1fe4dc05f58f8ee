"""The reverb as a stem: the room a preset asks for, what is sent to it, and how loud it returns."""

from __future__ import annotations

import math
from collections.abc import Mapping

from synth.dsp.fdn import Fdn
from synth.mix.early import reflected
from synth.preset import Space, StemSetting
from synth.units import db_to_gain

DEFAULT = StemSetting("fdn", level_lu=-11.0, width=0.8, highpass_hz=180.0, lowpass_hz=6000.0)
HIGHPASS_HZ = 120.0  # at least: a tail lower than this is mud
LOWPASS_HZ = 8000.0  # at most
SEND_OFF_DB = -60.0
FAR_DB = 4.0  # more is sent of what is farthest
WIDEST = 0.68  # side of a return of width 1: its sides hardly know each other, and mono loses some 2 dB of them
EVEN = math.sqrt(2.0 / (1.0 + WIDEST**2))  # gain by which it is as loud as with all of its side
TRIM_DB = 12.0


def make_reverb(sample_rate: int, space: Space, setting: StemSetting, seed: int) -> Fdn:
    """The network for `space`; the stem's high- and low-pass are applied to what goes into it."""
    return Fdn(
        sample_rate,
        space.t60_s,
        space.t60_high_s,
        space.predelay_ms * 1e-3,
        highpass_hz=max(setting.highpass_hz, HIGHPASS_HZ),
        lowpass_hz=min(setting.lowpass_hz, LOWPASS_HZ),
        seed=seed,
    )


def in_the_room(setting: StemSetting) -> bool:
    """Whether a stem is sent to the reverb, and so has reflections at all."""
    return setting.send_db > SEND_OFF_DB


def send_gain(setting: StemSetting) -> float:
    """Linear gain of a stem's send: its `send_db`, and more the farther it is."""
    return db_to_gain(setting.send_db + FAR_DB * setting.distance)


def return_gain(stems: Mapping[str, StemSetting]) -> float:
    """Linear gain that brings the return to the `level_lu` of the preset's reverb stem when typical parts sound.

    The network returns what it is sent and the reflections are those of each stem's distance, so the stems say how loud
    that would be; without a reverb stem they decide.
    """
    sent = sum(
        10.0 ** (s.level_lu / 10.0) * (send_gain(s) ** 2 + reflected(s.distance))
        for name, s in stems.items()
        if name != "reverb" and in_the_room(s)
    )
    if "reverb" not in stems or not sent:
        return 1.0
    trim_db = stems["reverb"].level_lu - 10.0 * math.log10(sent)
    return db_to_gain(min(max(trim_db, -TRIM_DB), TRIM_DB))
