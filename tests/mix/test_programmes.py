"""The loudness meter over whole programmes: EBU Tech 3341 and 3342's signals, and ffmpeg's meter."""

from __future__ import annotations

import re
import subprocess

import numpy as np
import pytest

from synth.dsp.loudness import (
    integrated_lufs,
    loudness_range_lu,
    momentary_lufs,
    short_term_lufs,
    true_peak_dbtp,
)

RATE = 48000


def tones(*parts, rate=RATE):
    """A 1 kHz sine in both channels, at `dbfs` for `seconds` each."""
    level = np.concatenate([np.full(round(s * rate), 10.0 ** (dbfs / 20.0)) for dbfs, s in parts])
    return np.tile(level * np.sin(2.0 * np.pi * 1000.0 * np.arange(level.size) / rate), (2, 1))


# EBU Tech 3341 (2016) table 1, cases 1 to 5; the tolerance is its 0.1 LU.
@pytest.mark.parametrize("rate", [44100, 48000])
@pytest.mark.parametrize(
    ("parts", "lufs"),
    [
        ([(-23, 20)], -23.0),
        ([(-33, 20)], -33.0),
        ([(-36, 10), (-23, 60), (-36, 10)], -23.0),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23.0),
    ],
)
def test_integrated_loudness_of_the_ebu(parts, lufs, rate):
    assert integrated_lufs(tones(*parts, rate=rate), rate) == pytest.approx(lufs, abs=0.1)


def test_short_term_and_momentary_loudness_of_the_ebu():
    """Cases 9 and 12: what repeats with the window reads steady."""
    short = short_term_lufs(tones(*[(-20, 1.34), (-30, 1.66)] * 5), RATE)
    assert np.abs(short + 23.0).max() < 0.1
    momentary = momentary_lufs(tones(*[(-20, 0.18), (-30, 0.22)] * 25), RATE)
    assert np.abs(momentary + 23.0).max() < 0.1


# EBU Tech 3342 (2016) table 1, cases 1 to 4, within 1 LU.
@pytest.mark.parametrize(
    ("levels", "lu"),
    [((-20, -30), 10.0), ((-20, -15), 5.0), ((-40, -20), 20.0), ((-50, -35, -20, -35, -50), 15.0)],
)
def test_loudness_range_of_the_ebu(levels, lu):
    assert loudness_range_lu(tones(*[(level, 20) for level in levels]), RATE) == pytest.approx(lu, abs=1.0)


def ebur128(x, rate=RATE):
    """ffmpeg's own measures: I (LUFS), LRA (LU), Peak (dBTP)."""
    command = ["ffmpeg", "-nostats", "-hide_banner", "-f", "f32le", "-ar", str(rate), "-ac", "2", "-i", "pipe:0"]
    command += ["-filter_complex", "ebur128=peak=true", "-f", "null", "-"]
    done = subprocess.run(command, input=x.T.astype("<f4").tobytes(), capture_output=True, check=True)
    text = done.stderr.decode().rpartition("Summary:")[2]
    return [float(re.search(rf"\b{key}:\s+(-?[\d.]+)", text)[1]) for key in ("I", "LRA", "Peak")]


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_agrees_with_ffmpeg(rate):
    rng = np.random.default_rng(rate)
    n = 20 * rate
    level = 10.0 ** (np.interp(np.arange(n), np.linspace(0, n, 15), rng.uniform(-40.0, -18.0, 15)) / 20.0)
    x = (rng.normal(size=(2, n)) * level).astype(np.float32)
    lufs, range_lu, dbtp = ebur128(x, rate)
    assert integrated_lufs(x, rate) == pytest.approx(lufs, abs=0.1)
    assert loudness_range_lu(x, rate) == pytest.approx(range_lu, abs=0.3)
    assert true_peak_dbtp(x) == pytest.approx(dbtp, abs=0.4)
