"""First reflections: when, how loud and from where they come, what distance changes, and that mono keeps them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import signal

from synth.mix.early import DELAY_MS, Early, reflected, sends
from synth.preset import StemSetting

RATE, QUANTUM = 48000, 64
OPEN = {"level_lu": 0.0, "width": 1.0, "highpass_hz": 10.0, "lowpass_hz": 20000.0}


def rendered(send, rate=RATE, unit=None):
    out = np.zeros_like(send)
    (unit or Early(rate)).render(send, send.shape[1] // QUANTUM, out)
    return out


def impulse(near, far, quanta=90):
    send = np.zeros((2, quanta * QUANTUM), np.float32)
    send[:, 0] = near, far
    return send


def noise(quanta, seed=1, level=0.1):
    return np.random.default_rng(seed).normal(0.0, level, (2, quanta * QUANTUM)).astype(np.float32)


def band_power(x, hz, width_oct):
    edges = hz * 2.0 ** np.array([-width_oct / 2.0, width_oct / 2.0])
    return (signal.sosfilt(signal.butter(2, edges, "band", fs=RATE, output="sos"), x) ** 2).sum()


@pytest.mark.parametrize("line", [0, 1])
@pytest.mark.parametrize("rate", [22050, 48000, 96000])
def test_a_line_answers_six_times_softer_and_softer(line, rate):
    out = rendered(impulse(line == 0, line == 1, 90 * rate // RATE), rate).astype(np.float64)
    heard = np.hypot(*out)
    places = [round(ms * 1e-3 * rate) for ms in DELAY_MS[line]]
    assert not out[:, : places[0]].any() and out[:, places[0]].all()
    window = round(0.001 * rate)
    energies = [(heard[p : p + window] ** 2).sum() for p in places]
    assert all(later < earlier for earlier, later in zip(energies, energies[1:], strict=False))
    late = np.array(DELAY_MS[line])
    levels = 10.0 * np.log10(np.array(energies) / energies[0])
    assert np.abs(levels + 12.0 * (late - late[0]) / 73.0).max() < 0.3, "12 dB from 7 to 80 ms"
    assert sum(energies) > 0.99 * (heard**2).sum(), "and nothing between them"


def test_taps_come_from_both_sides():
    for line in (0, 1):
        out = rendered(impulse(line == 0, line == 1)).astype(np.float64)
        balance = [
            10.0 * math.log10((out[0, p : p + 48] ** 2).sum() / (out[1, p : p + 48] ** 2).sum())
            for p in (round(ms * 48) for ms in DELAY_MS[line])
        ]
        assert max(balance) > 3.0 and min(balance) < -3.0
        assert abs(10.0 * math.log10((out[0] ** 2).sum() / (out[1] ** 2).sum())) < 3.0


def test_times_are_those_of_a_room_and_none_falls_on_another():
    times = sorted(ms for line in DELAY_MS for ms in line)
    assert 7.0 <= times[0] and times[-1] <= 80.0 and len(times) == 12
    assert np.diff(times).min() > 1.0


def test_they_are_dark_and_have_no_bass():
    send = noise(3000)
    out = rendered(send).astype(np.float64)
    change = {
        hz: 10.0 * math.log10(sum(band_power(x, hz, 0.3) for x in out) / sum(band_power(x, hz, 0.3) for x in send))
        for hz in (60.0, 1000.0, 2000.0, 12000.0)
    }
    assert change[60.0] < change[1000.0] - 15.0 and change[12000.0] < change[1000.0] - 10.0
    assert abs(change[2000.0] - change[1000.0]) < 2.0


@pytest.mark.parametrize("distance", [0.0, 0.25, 0.6, 1.0])
def test_reflected_is_what_comes_back(distance):
    """Of noise in the middle, in the octaves that pass: energy of both sides against that of both."""
    middle = noise(6000)[0]
    send = np.stack([share * middle for share in sends(distance)]).astype(np.float32)
    out = rendered(send).astype(np.float64)
    ratio = sum(band_power(x, 1000.0, 2.0) for x in out) / (2.0 * band_power(middle.astype(np.float64), 1000.0, 2.0))
    assert ratio == pytest.approx(reflected(distance), rel=0.15, abs=1e-9)


def test_the_farther_the_more_reflections_and_the_less_direct_sound(mixed):
    click = np.zeros((2, 120 * QUANTUM), np.float32)
    click[:, 0] = 1.0
    counts, ratios = [], []
    for distance in (0.0, 0.1, 0.4, 0.7, 1.0):
        stems = {"pad": StemSetting("pad", send_db=-10.0, distance=distance, **OPEN)}
        direct, returned = (x.astype(np.float64) for x in mixed(stems, {"pad": click})[0])
        bare = mixed({"pad": StemSetting("pad", send_db=-10.0 + 4.0 * distance, **OPEN)}, {"pad": click})[0][1]
        heard = np.hypot(*(returned - bare))
        places = [round(ms * 48) for line in DELAY_MS for ms in line]
        counts.append(sum(heard[p : p + 48].max() > 0.004 for p in places))
        ratios.append(10.0 * math.log10((direct**2).sum() / (returned[:, :4800] ** 2).sum()))
    assert counts[0] == 0 and counts == sorted(counts) and counts[1] <= 6 < counts[-1] == 12
    assert all(a > b + 0.5 for a, b in zip(ratios, ratios[1:], strict=False)), ratios


@pytest.mark.parametrize("distance", [0.0, 0.5, 1.0])
def test_reverb_and_reflections_together_come_to_their_level(distance, mixed):
    """Of noise in the middle, in the octaves that pass: 9 dB under the stem."""
    stems = {
        "bells": StemSetting("bells", send_db=-8.0, distance=distance, **OPEN),
        "reverb": StemSetting("reverb", level_lu=-9.0, width=1.0, highpass_hz=20.0, lowpass_hz=20000.0),
    }
    sound = noise(6 * 750)
    sound[1] = sound[0]
    dry, returned = (x[:, 2 * RATE :].astype(np.float64) for x in mixed(stems, {"bells": sound})[0])
    powers = [sum(band_power(side, 900.0, 1.5) for side in x) for x in (returned, dry)]
    assert 10.0 * math.log10(powers[0] / powers[1]) == pytest.approx(-9.0, abs=1.2)


def test_what_is_not_sent_has_no_reflections(mixed):
    stems = {"pad": StemSetting("pad", send_db=-60.0, distance=1.0, **OPEN)}
    assert not mixed(stems, {"pad": noise(100)})[0][1].any()


@pytest.mark.parametrize("distance", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("apart", [0.0, 1.0])
def test_mono_keeps_the_return(distance, apart, mixed):
    """Of noise in the middle, or of two sides that do not know each other."""
    stems = {
        "pad": StemSetting("pad", send_db=-8.0, distance=distance, **OPEN),
        "reverb": StemSetting("reverb", level_lu=-11.0, width=1.0, highpass_hz=180.0, lowpass_hz=6000.0),
    }
    sound = noise(6 * 750)
    sound[1] = apart * sound[1] + (1.0 - apart) * sound[0]
    left, right = mixed(stems, {"pad": sound})[0][1][:, RATE:].astype(np.float64)
    loss = 10.0 * math.log10(((left**2).mean() + (right**2).mean()) / 2.0 / (((left + right) / 2.0) ** 2).mean())
    assert 0.5 < loss < 2.4
    assert np.corrcoef(left, right)[0, 1] > 0.15


def test_they_end_and_are_silent_again():
    unit = Early(RATE)
    assert not rendered(np.zeros((2, 64 * QUANTUM), np.float32), unit=unit).any()
    first = rendered(impulse(1.0, 0.5), unit=unit)
    assert first.any() and not first[:, 85 * QUANTUM :].any()
    assert not rendered(np.zeros((2, 64 * QUANTUM), np.float32), unit=unit).any()
    assert np.array_equal(rendered(impulse(1.0, 0.5), unit=unit), first)


def test_what_is_not_a_number_stays_out():
    send = noise(64)
    send[0, 700] = np.nan
    send[1, 1500] = np.inf
    unit = Early(RATE)
    assert np.isfinite(rendered(send, unit=unit)).all()
    assert rendered(noise(64), unit=unit).any()


def test_they_are_added_to_what_is_there():
    send = noise(64)
    out = np.ones_like(send)
    Early(RATE).render(send, 64, out)
    assert np.abs(out - 1.0 - rendered(send)).max() < 1e-6
