"""The catalogue: every entry can be made, errors name what there is, and nothing is imported before it is played."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from synth.controls import STEMS
from synth.dsp import voices
from synth.instruments import CATALOGUE, INSTRUMENTS, InstrumentError, entry, make
from synth.instruments.base import QUANTUM

NAMES = (
    "strings", "warm", "glass_pad", "choir", "hum", "warm_bass", "sub", "upright", "tanpura", "shruti",
    "felt_piano", "grand", "harp", "nylon_guitar", "lute", "koto", "flute", "shakuhachi", "ney", "bansuri",
    "vibraphone", "celesta",
    "bowl", "kalimba", "glass", "marimba", "crystal_bowl", "tubular_bell", "music_box", "soft_bell", "gender",
    "saron", "bonang", "glass_rub", "bowl_rub", "hand_percussion", "frame_drum", "soft_kit", "shaker", "heartbeat",
    "am_pulse", "isochronic", "binaural", "ocean", "rain", "stream", "wind",
    "heavy_rain", "rain_on_leaves", "rain_on_roof", "river", "fire", "crickets", "night", "birds", "cloud", "haze",
)  # fmt: skip


def test_the_names_are_the_known_ones():
    assert tuple(CATALOGUE) == NAMES
    assert len(INSTRUMENTS) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_instrument_can_be_made(name):
    found = entry(name)
    assert found.stems and set(found.stems) <= set(STEMS)
    assert found.help.endswith(".")
    instrument = make(name, 48000, 1)
    assert callable(instrument.render)
    assert not set(found.settings) & set(found.open_settings())


@pytest.mark.parametrize("name", NAMES)
def test_every_instrument_sounds_and_stays_finite(play, name):
    length = 6.0 if "nature" in entry(name).stems else 1.0
    instrument = make(name, 44100, 3)
    if "texture" in entry(name).stems:
        instrument.heard[:] = np.random.default_rng(1).normal(0.0, 0.05, instrument.heard.shape)
    x = play(instrument, [(0.1, 0.5, 43, 0.7, 0.2), (0.3, 0.5, 50, 0.7, 0.6)], length, 44100)
    assert np.isfinite(x).all()
    assert 1e-3 < np.abs(x).max() < 0.9


def test_an_unknown_name_is_answered_with_the_nearest_and_all():
    with pytest.raises(InstrumentError, match=r"did you mean 'vibraphone'\? There are strings, .* wind"):
        make("vibrafone", 48000, 1)
    with pytest.raises(InstrumentError, match="no instrument called 'x': There are strings"):
        entry("x")


def test_an_unknown_setting_is_answered_with_the_known_ones():
    with pytest.raises(InstrumentError, match="felt_piano has no setting 'sustain': it has pedal"):
        make("felt_piano", 48000, 1, sustain=1.0)
    with pytest.raises(InstrumentError, match="harp has no setting 'kind': it has resonance"):
        make("harp", 48000, 1, kind=1.0)


def test_a_setting_reaches_the_instrument(play):
    notes = [(0, 0.1, 60, 0.8, 0.3)]
    plain, held = (play(make("felt_piano", 48000, 1, pedal=p), notes, 1.0) for p in (0.0, 1.0))
    assert np.abs(held[:, -4800:]).max() > 10 * np.abs(plain[:, -4800:]).max()


def test_voices_and_engine_share_the_quantum():
    assert voices.QUANTUM == QUANTUM


def test_the_catalogue_imports_no_instrument():
    code = "import sys; from synth.instruments import entry; entry('harp'); print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
