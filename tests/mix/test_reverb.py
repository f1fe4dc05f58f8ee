"""The room that the reverb makes, measured: decay by frequency, density, colour, width, energy, silence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import signal

from synth.dsp.fdn import Fdn
from synth.mix.reverb import SEND_OFF_DB, TRIM_DB, make_reverb, return_gain
from synth.preset import Space, StemSetting

RATE = 48000
OPEN = {"highpass_hz": 20.0, "lowpass_hz": 20000.0}  # of the send, so that the tail itself is heard


def returned(unit, send, stretch=1.0):
    quanta = send.shape[1] // 64
    out, edges = np.zeros_like(send), np.full(quanta + 1, stretch, np.float32)
    unit.render(send, quanta, out, edges)
    return out.astype(np.float64)


def impulse_response(unit, seconds, rate=RATE, left=1.0, right=1.0, stretch=1.0):
    send = np.zeros((2, math.ceil(seconds * rate / 64) * 64), np.float32)
    send[:, 0] = left, right
    return returned(unit, send, stretch)


def band(x, hz, width_oct, rate=RATE):
    edges = hz * 2.0 ** np.array([-width_oct / 2.0, width_oct / 2.0])
    return signal.sosfilt(signal.butter(2, edges, "band", fs=rate, output="sos"), x, axis=-1)


def decay_s(x, rate=RATE):
    """Reverberation time by Schroeder's backward integral, from -5 to -35 dB (ISO 3382, T30)."""
    energy = (x**2).sum(axis=0)
    level = 10.0 * np.log10(energy[::-1].cumsum()[::-1] / energy.sum() + 1e-30)
    start, stop = int(np.argmax(level < -5.0)), int(np.argmax(level < -35.0))
    return -60.0 / np.polyfit(np.arange(start, stop) / rate, level[start:stop], 1)[0]


def noise(seconds, seed=1):
    return np.random.default_rng(seed).normal(0.0, 0.1, (2, round(seconds * RATE / 64) * 64)).astype(np.float32)


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
@pytest.mark.parametrize(
    ("t60_s", "high_s", "stretch"), [(0.8, 0.35, 1.0), (2.6, 0.8, 1.0), (6.0, 0.7, 0.72), (2.0, 2.0, 1.0)]
)
def test_decay_times_are_those_asked_for(t60_s, high_s, stretch, rate):
    """In narrow bands at the top: there a band's lower edge decays more slowly than its middle."""
    unit = Fdn(rate, t60_s, high_s, 0.0, **OPEN)
    assert unit.decay_s(1.0) == pytest.approx(t60_s, rel=1e-3) and unit.decay_s(8000.0) == pytest.approx(high_s)
    rooms = [Fdn(rate, t60_s, high_s, 0.0, **OPEN, seed=seed) for seed in range(4)]  # one room's tail is too uneven
    tail = np.vstack([impulse_response(r, 1.2 * t60_s * stretch, rate, stretch=stretch) for r in rooms])[
        :, rate // 10 :
    ]
    for hz, width_oct in ((125, 1), (250, 1), (500, 1), (1000, 1 / 6), (2000, 1 / 6), (4000, 1 / 6), (8000, 1 / 6)):
        asked_s = stretch * unit.decay_s(hz)
        assert decay_s(band(tail, hz, width_oct, rate), rate) == pytest.approx(asked_s, rel=0.1), hz


def test_space_stretches_the_decay():
    low, high = (
        decay_s(band(impulse_response(Fdn(RATE, 2.0, 0.8, 0.0, **OPEN), 4.0, stretch=s)[:, 4800:], 250.0, 1.0))
        for s in (0.8, 1.25)
    )
    assert high / low == pytest.approx(1.25 / 0.8, rel=0.08)


def echo_density(x, at_s, window_s=0.02):
    """Share of samples beyond one standard deviation over that of Gaussian noise (Abel & Huang 2006)."""
    start = round((at_s - window_s / 2.0) * RATE)
    piece = x[start : start + round(window_s * RATE)]
    weight = np.hanning(piece.size) / np.hanning(piece.size).sum()
    beyond = np.abs(piece) > math.sqrt(weight @ piece**2)
    return weight @ beyond / math.erfc(math.sqrt(0.5))


@pytest.mark.parametrize(("t60_s", "dense_s"), [(0.8, 0.08), (2.6, 0.12), (6.0, 0.12)])
def test_echoes_are_as_dense_as_noise(t60_s, dense_s):
    rooms = [impulse_response(Fdn(RATE, t60_s, 0.4, 0.0, seed=seed), 0.5, right=0.0) for seed in range(4)]
    assert np.mean([echo_density(channel, dense_s) for x in rooms for channel in x]) > 0.9
    for channel in rooms[0]:
        late = [echo_density(channel, t) for t in np.arange(0.2, 0.4, 0.02)]
        assert np.mean(late) == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("t60_s", [0.8, 2.6, 6.0])
def test_no_line_rings_out_of_the_tail(t60_s):
    """Half a second of late tail stays under 12 dB over each third-octave's mean, four rooms taken together."""
    power = np.zeros(RATE // 4 + 1)
    for seed in range(4):
        room = Fdn(RATE, t60_s, t60_s / 3.0, 0.0, **OPEN, seed=seed)
        piece = impulse_response(room, t60_s / 3.0 + 0.52, right=0.0)[0, round(t60_s / 3.0 * RATE) :][: RATE // 2]
        power += np.abs(np.fft.rfft(piece * np.hanning(piece.size))) ** 2
    hz = np.fft.rfftfreq(piece.size, 1.0 / RATE)
    for centre in 125.0 * 2.0 ** (np.arange(16) / 3.0):
        inside = power[(hz > centre * 2.0 ** (-1 / 6)) & (hz < centre * 2.0 ** (1 / 6))]
        assert 10.0 * math.log10(inside.max() / inside.mean()) < 12.0, centre


def test_left_and_right_do_not_agree_and_mono_keeps_the_tail():
    for left, right in ((1.0, 0.0), (1.0, 1.0), (0.0, 1.0)):
        tail = impulse_response(Fdn(RATE), 1.5, left=left, right=right)[:, RATE // 5 :]
        assert abs(np.corrcoef(tail)[0, 1]) < 0.15
        energies = (tail**2).sum(axis=1)
        assert 10.0 * math.log10(energies[0] / energies[1]) == pytest.approx(0.0, abs=1.0)
        mono = (tail.sum(axis=0) ** 2).sum() / energies.sum()
        assert 10.0 * math.log10(mono) == pytest.approx(0.0, abs=0.7)  # as two voices that do not know each other


@pytest.mark.parametrize("t60_s", [0.8, 2.6, 6.0])
@pytest.mark.parametrize("stretch", [0.72, 1.38])
def test_noise_returns_with_the_energy_it_was_sent_with(t60_s, stretch):
    send = noise(14.0)
    out = returned(Fdn(RATE, t60_s, 0.7, **OPEN), send, stretch)
    sent, back = ((band(x, 700.0, 0.5)[:, 7 * RATE :] ** 2).mean() for x in (send, out))
    assert 10.0 * math.log10(back / sent) == pytest.approx(0.0, abs=0.6)


def test_a_held_tone_keeps_its_pitch():
    t = np.arange(12 * RATE // 64 * 64) / RATE
    tone = np.tile(0.2 * np.sin(2.0 * np.pi * 1000.0 * t), (2, 1)).astype(np.float32)
    out = returned(Fdn(RATE, 2.6, 0.8), tone)[0, 2 * RATE :]
    power = np.abs(np.fft.rfft(out * np.blackman(out.size))) ** 2
    hz = np.fft.rfftfreq(out.size, 1.0 / RATE)
    near = (hz > 950.0) & (hz < 1050.0)
    mean = (power[near] @ hz[near]) / power[near].sum()
    spread = math.sqrt((power[near] @ (hz[near] - mean) ** 2) / power[near].sum())
    assert abs(1731.0 * math.log(mean / 1000.0)) < 1.5  # cents, what one line is moved at most
    assert 1731.0 * spread / 1000.0 < 2.5


def test_no_dc():
    out = returned(Fdn(RATE), np.abs(noise(3.0)) + np.float32(0.3))
    assert np.abs(out[:, RATE:].mean(axis=1)).max() < 1e-4


def test_space_and_stem_set_the_network():
    """Pre-delay, and the stem's filters on the send, held between 120 Hz and 8 kHz."""
    space, stem = Space(t60_s=1.5, t60_high_s=0.7, predelay_ms=40.0), StemSetting("reverb", highpass_hz=20.0)
    x = impulse_response(make_reverb(RATE, space, stem, 0), 1.5)
    assert not x[:, : round(0.007 * RATE)].any()
    open_ = impulse_response(Fdn(RATE, 1.5, 0.7, 0.04, **OPEN), 1.5)
    for hz, gain_db in ((120.0, -3.0), (60.0, -12.3), (8000.0, -3.0)):
        mine, other = ((band(y, hz, 0.2) ** 2).sum() for y in (x, open_))
        assert 10.0 * math.log10(mine / other) == pytest.approx(gain_db, abs=0.7)


def test_the_return_comes_to_its_level():
    stems = {
        "pad": StemSetting("warm_pad", level_lu=-5.0, send_db=-8.0),
        "bass": StemSetting("deep_bass", level_lu=-9.0, send_db=SEND_OFF_DB),
    }
    assert return_gain(stems) == 1.0
    for level_lu, gain_db in ((-13.0, 0.0), (-9.0, 4.0), (-17.0, -4.0), (0.0, TRIM_DB), (-40.0, -TRIM_DB)):
        stems["reverb"] = StemSetting("reverb", level_lu=level_lu)
        assert 20.0 * math.log10(return_gain(stems)) == pytest.approx(gain_db, abs=1e-9)
    stems["pad"] = StemSetting("warm_pad", send_db=SEND_OFF_DB)
    assert return_gain(stems) == 1.0
