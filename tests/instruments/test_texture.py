"""Texture: level, place in the spectrum, octaves and fifths, freeze, scatter, splits, seeds, silence."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
from scipy import signal

from synth.instruments.base import QUANTUM
from synth.instruments.texture import CLOUDS, Texture
from synth.units import note_to_hz

RATE = 24000
KINDS = range(len(CLOUDS))
CHORDS = ((48, 55, 60, 64), (45, 52, 60, 64), (41, 53, 57, 60))


class Fed:
    """A texture, given the next part of `x` before each render."""

    def __init__(self, x, rate=RATE, seed=1, **told):
        self.texture, self.x, self.at = Texture(rate, seed, **told), x, 0

    def render(self, events, count, edges, quanta, out):
        frames = quanta * QUANTUM
        self.texture.heard[:, :frames] = self.x[:, self.at : self.at + frames]
        self.at += frames
        self.texture.render(events, count, edges, quanta, out)


@pytest.fixture
def cloud(play):
    """What `Texture(**told)` makes of `x`."""

    def run(x, rate=RATE, blocks=(64,), seed=1, controls=None, **told):
        return play(Fed(x, rate, seed, **told), [], x.shape[1] / rate, rate, blocks, **controls or {})

    return run


def tone(hz, seconds, rate=RATE, level=0.1):
    frames = round(seconds * rate) // QUANTUM * QUANTUM
    return np.tile(level * np.sin(2.0 * np.pi * hz / rate * np.arange(frames)), (2, 1)).astype(np.float32)


def noise(seconds, rate=RATE, seed=1):
    frames = round(seconds * rate) // QUANTUM * QUANTUM
    return np.random.default_rng(seed).normal(0.0, 0.05, (2, frames)).astype(np.float32)


def powers(x, hz, rate=RATE):
    """Power near each of `hz`."""
    at, power = signal.welch(x[:, rate:].sum(0), rate, nperseg=8192)
    return np.array([power[np.abs(at - h) < 12.0].sum() for h in hz])


def centroid(x, rate=RATE):
    at, power = signal.welch(x[:, rate:], rate, nperseg=4096)
    return at @ power.mean(0) / power.sum(1).mean()


def pad(seconds_a_chord, rate, slope, seed=1):
    """Chords of three detuned voices a note, whose partials fall by n ** -slope, apart in the stereo field."""
    draw = np.random.default_rng(seed)
    t = np.arange(round(seconds_a_chord * rate)) / rate
    chords = []
    for chord in CHORDS:
        x = np.zeros((2, t.size))
        for note in chord:
            for cents, turn in ((-5.0, 0.2), (0.0, 0.5), (5.0, 0.8)):
                hz = note_to_hz(note + cents / 100.0)
                phases = draw.uniform(0.0, 2.0 * np.pi, 12)
                y = sum(np.sin(2.0 * np.pi * hz * n * t + phases[n - 1]) * n**-slope for n in range(1, 13))
                x += np.outer((np.cos(0.5 * np.pi * turn), np.sin(0.5 * np.pi * turn)), y)
        chords.append(x * np.minimum(1.0, np.minimum(t, t[::-1]) / 0.2))
    return np.concatenate(chords, axis=1).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("slope", [1.3, 1.8])
def test_of_a_pad_it_is_as_loud_as_the_pad(cloud, kind, slope):
    rate = 48000
    meter = pyloudnorm.Meter(rate)
    x = pad(4.0, rate, slope)
    x *= 10.0 ** ((-23.0 - meter.integrated_loudness(x.T.astype(float))) / 20.0)
    y = cloud(x, rate, kind=kind)
    assert meter.integrated_loudness(y.T.astype(float)) == pytest.approx(-23.0, abs=1.5)
    assert 20.0 * math.log10(np.abs(y).max()) < -6.0
    assert np.abs(y.astype(float).mean(1)).max() < 1e-4
    level = 10.0 * np.log10((y[:, rate : 11 * rate].astype(float) ** 2).mean(0).reshape(-1, rate // 10).mean(1))
    assert level.std() < 3.5, "no gaps"
    assert np.corrcoef(*y)[0, 1] < 0.85


def test_a_cloud_is_an_octave_up_and_a_haze_where_it_was(cloud):
    x = tone(500.0, 10.0)
    high = powers(cloud(x, kind=0), (500, 750, 1000))
    low = powers(cloud(x, kind=1), (500, 750, 1000))
    assert high[2] > 2.0 * high[0] > 0.0 and high[1] < 0.01 * high[2]
    assert low[1] < 0.01 * low[0] and low[2] < 0.01 * low[0]


def test_fifths_are_a_share_of_the_grains(cloud):
    found = [powers(cloud(tone(500.0, 10.0), kind=1, fifths=f), (500, 750)) for f in (0.0, 0.3, 1.0)]
    share = [fifth / (same + fifth) for same, fifth in found]
    assert share[0] < 0.01 and share[1] == pytest.approx(0.3, abs=0.12) and share[2] > 0.99


@pytest.mark.parametrize("kind", KINDS)
def test_brightness_raises_the_centroid(cloud, kind):
    rate = 48000  # room for all octaves
    found = [
        centroid(cloud(noise(4.0, rate), rate, kind=kind, controls={"brightness_oct": b}), rate)
        for b in (-2, -1, 0, 1, 1.5)
    ]
    assert np.all(np.diff(found) > 100.0)


@pytest.mark.parametrize("kind", KINDS)
def test_motion_scatters(cloud, kind):
    """A short sound comes back over a longer time."""
    x = np.zeros_like(noise(3.0))
    x[:, RATE : RATE + 1200] = noise(3.0)[:, :1200]

    def spread_s(motion):
        of = []
        for seed in range(6):
            power = (cloud(x, seed=seed, kind=kind, controls={"motion": motion}).astype(float) ** 2).sum(0)
            t = np.arange(power.size) / RATE
            mean = t @ power / power.sum()
            of.append((t - mean) ** 2 @ power / power.sum())
        return math.sqrt(np.mean(of))

    assert np.all(np.diff([spread_s(m) for m in (0.0, 0.5, 1.0)]) > 0.02)


def test_a_freeze_holds_a_moment(cloud):
    """Of a tone that changes every second, one that is frozen for two seconds hears every other one."""
    x = np.concatenate([tone(hz, 1.0) for hz in (400.0, 600.0) * 4], axis=1)
    flows, held = (cloud(x, kind=1, freeze_s=f, controls={"motion": 0.0}) for f in (0.0, 2.0))
    both = [powers(y, (400, 600)) for y in (flows, held)]
    assert both[0].max() < 2.0 * both[0].min()
    assert both[1].max() > 20.0 * both[1].min()


def test_what_is_heard_ends_in_silence_and_starts_again(cloud):
    x = noise(22.0)
    x[:, 2 * RATE : 18 * RATE] = 0.0
    for kind in KINDS:
        y = cloud(x, kind=kind)
        assert np.abs(y[:, RATE : 2 * RATE]).max() > 0.01
        assert not y[:, 4 * RATE : 18 * RATE].any()
        assert np.abs(y[:, 20 * RATE :]).max() > 0.01
    fed = Fed(np.zeros((2, RATE * 16), np.float32))
    assert not cloud(fed.x).any()


def test_in_silence_no_grain_is_made(play):
    fed = Fed(np.zeros((2, RATE * 20), np.float32))
    fed.x[:, : RATE // 2] = 0.1
    play(fed, [], 1.0, RATE)
    assert fed.texture.sounding > 3
    play(fed, [], 18.0, RATE)
    assert fed.texture.sounding == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("blocks", [(1,), (7,), (3, 64, 1)])
def test_any_split_gives_the_same_samples(cloud, kind, blocks):
    x = noise(2.0)
    x[:, RATE // 2 : RATE] = 0.0
    whole, split = (cloud(x, blocks=b, kind=kind, freeze_s=0.3, fifths=0.2) for b in ((64,), blocks))
    assert whole.any() and whole.tobytes() == split.tobytes()


def test_the_seed_decides(cloud):
    first, again, other = (cloud(noise(1.0), seed=seed) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes() != other.tobytes()


@pytest.mark.parametrize("rate", [22050, 192000])
@pytest.mark.parametrize("brightness", [-2.0, 1.5])
def test_extremes_stay_finite(cloud, rate, brightness):
    x = noise(3.0, rate)
    x[0, 100], x[1, 200] = np.nan, np.inf
    for kind in KINDS:
        y = cloud(x, rate, kind=kind, freeze_s=4.0, controls={"brightness_oct": brightness, "motion": 1.0})
        assert np.isfinite(y).all() and np.abs(y).max() < 2.0


def test_settings_out_of_range_are_answered():
    with pytest.raises(ValueError, match=r"kind = 2: give 0 to 1 \(cloud, haze\)"):
        Texture(RATE, 1, kind=2)
    with pytest.raises(ValueError, match=r"fifths = 1.5: give a share of the grains, 0 to 1"):
        Texture(RATE, 1, fifths=1.5)
    with pytest.raises(ValueError, match=r"freeze_s = 9: give 0 to 4 seconds"):
        Texture(RATE, 1, freeze_s=9)
