"""The vowels' table: whole, ordered, and a few of its published numbers."""

from __future__ import annotations

import numpy as np
import pytest

from synth.dsp.vowels import COUNT, VOICES, VOWELS, formants


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("vowel", VOWELS)
def test_formants_rise_and_the_first_is_the_strongest(voice, vowel):
    hz, level_db, bandwidth_hz = formants(voice, vowel)
    assert hz.shape == level_db.shape == bandwidth_hz.shape == (COUNT,)
    assert (np.diff(hz) > 0.0).all() and 200.0 < hz[0] < 900.0 and hz[-1] < 5000.0
    assert level_db[0] == 0.0 and (level_db[1:] < 0.0).all()
    assert (np.diff(bandwidth_hz) >= 0.0).all() and 40.0 <= bandwidth_hz[0]


def test_published_numbers():
    assert formants("alto", "o")[0].tolist() == [450.0, 800.0, 2830.0, 3500.0, 4950.0]
    assert formants("bass", "u")[1].tolist() == [0.0, -20.0, -32.0, -28.0, -36.0]
    assert formants("tenor", "a")[2].tolist() == [80.0, 90.0, 120.0, 130.0, 140.0]


def test_nobody_can_write_to_the_table():
    formants("alto", "o")[0][0] = 1.0
    assert formants("alto", "o")[0][0] == 450.0


def test_an_unknown_voice_is_told():
    with pytest.raises(ValueError, match="soprano"):
        formants("treble", "a")
