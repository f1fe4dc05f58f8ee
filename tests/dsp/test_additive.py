"""A bank of partials: pitch and level over a minute, glides, what is left out and how it leaves and returns, splits."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest

from synth.dsp.additive import FADE_QUANTA, FLOOR_DB, HIGHEST, MASKED_DB, AdditiveBank
from synth.dsp.quantum import QUANTUM

RATE = 48000
COMPILED = not numba.config.DISABLE_JIT
ALL = {"floor_db": -math.inf, "masked_db": math.inf}  # leaves out nothing that is in range


def edges(value, quanta, partials):
    """`value`, of the partials or of edges and partials, over both."""
    return np.ascontiguousarray(np.broadcast_to(value, (quanta + 1, partials)), np.float32)


def played(unit, hz, amplitude, pan, quanta, blocks=(64,)):
    """Output and, after each block, how many partials sounded."""
    partials = np.broadcast_shapes(*(np.shape(np.atleast_1d(x))[-1:] for x in (unit._start, hz[0], amplitude[0])))[0]
    given = [edges(x, quanta, partials) for x in (hz, amplitude, pan)]
    out, counts, start, turn = np.full((2, quanta * QUANTUM), 7.0, np.float32), [], 0, 0
    while start < quanta:
        count = min(blocks[turn % len(blocks)], quanta - start)
        piece = np.full((2, 4096), 7.0, np.float32)
        unit.render(*(x[start : start + count + 1] for x in given), count, piece)
        assert (piece[:, count * QUANTUM :] == 7.0).all(), "wrote past the block"
        out[:, start * QUANTUM : (start + count) * QUANTUM] = piece[:, : count * QUANTUM]
        counts.append(unit.sounding)
        start, turn = start + count, turn + 1
    return out, counts


def twin(hz, amplitude, pan, phase, quanta):
    """Each sine summed in float64: its phase the sum of frequencies that go straight from edge to edge."""
    place = np.arange(quanta * QUANTUM) / QUANTUM
    out = np.zeros((2, place.size))
    for v in range(len(phase)):
        f, a, p = (edges(x, quanta, len(phase))[:, v].astype(float) for x in (hz, amplitude, pan))
        step = np.interp(place, np.arange(quanta + 1), f) / RATE
        wave = np.sin(2.0 * np.pi * (phase[v] + np.concatenate(([0.0], np.cumsum(step)[:-1]))))
        for c, side in enumerate((np.cos, np.sin)):
            out[c] += np.interp(place, np.arange(quanta + 1), a * side((p + 1.0) * np.pi / 4.0)) * wave
    return out


def test_equals_its_twin_steady_and_gliding():
    quanta, partials, draw = 10, 12, np.random.default_rng(3)
    phase, still = draw.random(partials), draw.random(partials) < 0.5
    hz = draw.uniform(40.0, 20000.0, (quanta + 1, partials))
    hz[:, still] = hz[0, still]
    amplitude = draw.uniform(-0.2, 0.2, (quanta + 1, partials))
    amplitude[0] = 0.0
    pan = draw.uniform(-1.0, 1.0, (quanta + 1, partials))
    found, _ = played(AdditiveBank(RATE, partials, phase, **ALL), hz, amplitude, pan, quanta)
    wanted = twin(hz, amplitude, pan, phase, quanta)
    assert np.abs(wanted).max() > 0.3
    assert np.abs(found - wanted).max() < 1e-5  # a glide's phase is truncated to 2**-32 of a cycle a frame


def test_a_minute_changes_neither_level_nor_pitch():
    """Ten seconds at a low rate, where kernels are not compiled."""
    rate, seconds = (RATE, 60) if COMPILED else (8000, 10)
    hz, amplitude = np.array([27.5, 441.7, 3520.3]), np.array([0.3, 0.2, 0.1])
    unit, block = AdditiveBank(rate, 3), 25
    blocks = rate * seconds // (block * QUANTUM)
    given = [edges(x, block, 3) for x in (hz, amplitude, -1.0)]
    heard = np.zeros((blocks, block * QUANTUM))
    out = np.zeros((2, block * QUANTUM), np.float32)
    for i in range(blocks):
        unit.render(*given, block, out)
        heard[i] = out[0]
    group = 5
    x = heard[: blocks // group * group].reshape(-1, group * block * QUANTUM)[1:]
    start = (1 + np.arange(x.shape[0]))[:, None] * x.shape[1] + np.arange(x.shape[1])
    window = np.hanning(x.shape[1] + 1)[:-1]
    told = edges(hz, 0, 3)[0].astype(float)
    for f, a in zip(told, amplitude, strict=True):
        line = (x * window * np.exp(-2j * np.pi * (f / rate * start % 1.0))).sum(axis=1) * 2.0 / window.sum()
        assert np.abs(20.0 * np.log10(np.abs(line) / a)).max() < 0.01
        turned = np.unwrap(np.angle(line)) / (2.0 * np.pi)
        off_hz = np.polyfit(np.arange(line.size) * x.shape[1] / rate, turned, 1)[0]
        assert abs(1200.0 * math.log2(1.0 + off_hz / f)) < 0.01
        assert np.ptp(turned) < 1e-3


@pytest.mark.parametrize(
    "pan, place", [(-1.0, -1.0), (-0.3, -0.3), (0.0, 0.0), (0.6, 0.6), (4.0, 1.0), (math.nan, 0.0)]
)
def test_pan_has_equal_power(pan, place):
    out, _ = played(AdditiveBank(RATE, 1, **ALL), [1500.0], [0.5], pan, 12)
    power = (out[:, 8 * QUANTUM :].astype(float) ** 2).mean(axis=1)
    assert power.sum() == pytest.approx(0.125, rel=1e-3)
    turn = math.atan2(math.sqrt(power[1]), math.sqrt(power[0]))
    assert turn == pytest.approx((place + 1.0) * math.pi / 4.0, abs=1e-5)


def crowd(seed, partials):
    """Inharmonic partials, 25 dB apart by standard deviation."""
    draw = np.random.default_rng(seed)
    hz = np.exp2(draw.uniform(np.log2(60.0), np.log2(12000.0), partials))
    return hz, 0.05 * 10.0 ** (draw.normal(0.0, 25.0, partials) / 20.0), draw.uniform(-1.0, 1.0, partials)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_left_out_adds_up_to_little(seed):
    """It cannot pass -38 dB of it all, and partials as unlike as these stay far under that."""
    quanta, partials = (200, 400) if COMPILED else (10, 150)
    hz, amplitude, pan = crowd(seed, partials)
    phase, swell = np.random.default_rng(seed + 9).random(partials), np.minimum(np.arange(quanta + 1), 1)[:, None]
    whole, _ = played(AdditiveBank(RATE, partials, phase, **ALL), hz, swell * amplitude, pan, quanta)
    heard, counts = played(AdditiveBank(RATE, partials, phase), hz, swell * amplitude, pan, quanta)
    assert 0 < counts[-1] < 0.9 * partials
    rest = (heard - whole).astype(float)
    assert 10.0 * math.log10((rest**2).mean() / (whole.astype(float) ** 2).mean()) < -50.0
    assert rest.any()


def test_the_rule_of_masking():
    """Beside a loud partial, one that is `masked_db` and 30 dB a Bark lower is left out; one that is louder is not,
    nor are two that together are."""
    loud_hz, band = 1000.0, 0.25
    bark = 26.81 * loud_hz / (1960.0 + loud_hz)

    def heard(barks, under_db, copies=1):
        z = bark + barks
        hz = np.append(1960.0 * z / (26.81 - z) + np.arange(copies) * 1e-3, loud_hz)
        amplitude = np.append(np.full(copies, 0.5 * 10.0 ** (-under_db / 20.0)), 0.5)
        unit = AdditiveBank(RATE, copies + 1)
        return played(unit, hz, np.array([0.0, 1.0, 1.0])[:, None] * amplitude, 0.0, 2)[1] == [copies + 1]

    for barks in (0.01, -0.7, 0.9):
        reach = MASKED_DB + 30.0 * abs(barks)
        assert heard(barks, reach) and not heard(barks, reach + 2.0 * 30.0 * band + 0.1)
        assert heard(barks, reach + 2.0 * 30.0 * band + 0.1, 40)


def test_the_cost_follows_what_is_heard():
    """Partials out of range, under the floor, or silent are not computed: not even their tables are."""
    top = HIGHEST * RATE
    hz = [100.0, 7000.0, top + 1.0, 30000.0, 8.0, 900.0, 15000.0, 300.0]
    floor = 10.0 ** (FLOOR_DB / 20.0)
    amplitude = [0.5, 2.0 * floor, 0.5, 0.5, 0.5, 0.0, 0.5 * floor, 0.5 * 10.0 ** ((FLOOR_DB - 1.0) / 20.0)]
    unit = AdditiveBank(RATE, len(hz))
    _, counts = played(unit, hz, amplitude, 0.0, 20, (1,))
    assert counts == [2] * 20
    assert np.array_equal(unit._powers.any(axis=(1, 2))[: len(hz)], [True, True, *[False] * 6])
    for loud in range(5):
        many = np.where(np.arange(40) < 10 * loud, 0.01, 0.0)
        assert played(AdditiveBank(RATE, 40), 200.0 * np.arange(1, 41), many, 0.0, 2)[1] == [10 * loud]


def envelope(row, hz, rate=RATE):
    """Amplitude in each quantum, of a sine of known frequency with whole cycles in a quantum."""
    n = np.arange(row.size)
    return 2.0 * np.abs((row * np.exp(-2j * np.pi * hz / rate * n)).reshape(-1, QUANTUM).mean(axis=1))


def test_a_masked_partial_leaves_and_returns_on_a_ramp():
    """It is masked while its neighbour sounds, and fades out and in over FADE_QUANTA."""
    quanta, hz, level = 60, np.array([6000.0, 6750.0]), 1e-4
    loud = np.clip(np.minimum(np.arange(quanta + 1) - 14, 45 - np.arange(quanta + 1)), 0, 1) * 0.8
    amplitude = np.stack((np.full(quanta + 1, level), loud), axis=1)
    amplitude[0] = 0.0
    both, counts = played(AdditiveBank(RATE, 2), hz, amplitude, -1.0, quanta, (1,))
    assert counts[12] == 1 and counts[30] == 1 and counts[17] == 2 and counts[-1] == 1
    alone, _ = played(AdditiveBank(RATE, 2, **ALL), hz, amplitude * [0.0, 1.0], -1.0, quanta)
    found = envelope((both - alone)[0].astype(float), 6000.0) / level
    n = np.arange(quanta) + 0.5
    out, back = 1.0 - (n - 14.0) / FADE_QUANTA, (n - 44.0) / FADE_QUANTA
    wanted = np.where(n < 30.0, np.clip(out, 0.0, 1.0), np.clip(back, 0.0, 1.0))
    assert np.abs(found - wanted)[1:].max() < 0.01
    steps = np.abs(np.diff((both - alone)[0].astype(float)))
    assert steps.max() < 1.05 * level * 2.0 * math.sin(math.pi * 6000.0 / RATE)


def test_an_onset_is_not_slowed():
    """What was left out is too little to be missed; what it grows to is there at once."""
    quanta, hz = 12, np.array([1000.0, 1010.0])
    amplitude = np.zeros((quanta + 1, 2))
    amplitude[1:, 0], amplitude[1:, 1] = 0.5, 5e-4
    amplitude[7:, 1] = 0.3
    found, counts = played(AdditiveBank(RATE, 2), hz, amplitude, 0.0, quanta, (1,))
    assert counts[4:8] == [1, 1, 2, 2]
    whole, _ = played(AdditiveBank(RATE, 2, **ALL), hz, amplitude, 0.0, quanta)
    assert np.abs(found - whole).max() < 6e-4


def test_a_start_at_full_level_is_faded_in():
    out, _ = played(AdditiveBank(RATE, 1, 0.25), [750.0], [1.0], -1.0, 12)
    assert out[0, 0] == 0.0
    found = envelope(out[0].astype(float), 750.0)
    assert np.abs(found - np.clip((np.arange(12) + 0.5) / FADE_QUANTA, 0.0, 1.0)).max() < 0.01


def test_nothing_folds_back():
    """Gliding past half the sample rate and back, a partial falls silent and returns."""
    quanta = 200
    hz = np.interp(np.arange(quanta + 1), [0, 0.2 * quanta, 0.5 * quanta, 0.8 * quanta], [19000, 19000, 47000, 19000])
    amplitude = np.minimum(np.arange(quanta + 1) / 10.0, 0.5)
    out, _ = played(AdditiveBank(RATE, 1), hz[:, None], amplitude[:, None], -1.0, quanta)
    middle = out[0, quanta // 2 * QUANTUM - 640 : quanta // 2 * QUANTUM + 640]
    assert not middle.any()
    spectrum = np.abs(np.fft.rfft(out[0].astype(float) * np.blackman(out.shape[1])))
    bins = np.fft.rfftfreq(out.shape[1], 1.0 / RATE)
    assert spectrum[bins < 14000.0].max() < 1e-4 * spectrum.max()


def test_a_steady_partial_near_the_top_is_pure():
    quanta = 80
    out, _ = played(AdditiveBank(RATE, 1), [HIGHEST * RATE - 1.0], [0.5], -1.0, quanta)
    x = out[0, 8 * QUANTUM :].astype(float)
    spectrum = np.abs(np.fft.rfft(x * np.kaiser(x.size, 24.0)))
    peak = int(np.argmax(spectrum))
    assert peak == pytest.approx(HIGHEST * x.size, abs=1.0)
    spectrum[peak - 16 : peak + 17] = 0.0
    assert spectrum.max() < 10.0 ** (-110.0 / 20.0) * 0.5 * x.size / 8.0


def busy(quanta):
    """Partials that glide, hold, swell, cross the top, mask each other and all rest for a while."""
    draw, partials = np.random.default_rng(11), 9
    hz = np.exp2(draw.uniform(6.0, 14.5, partials)) * np.ones((quanta + 1, 1))
    hz[:, ::2] *= np.exp2(np.cumsum(draw.normal(0.0, 0.1, (quanta + 1, hz[0, ::2].size)), axis=0))
    amplitude = 10.0 ** (draw.uniform(-7.0, -0.5, (quanta + 1, partials)))
    amplitude[quanta // 3 : quanta // 2] = 0.0
    hz[quanta // 3 : quanta // 2] = hz[quanta // 3]
    return hz, amplitude, draw.uniform(-1.5, 1.5, (quanta + 1, partials))


@pytest.mark.parametrize("blocks", [(1,), (7,), (3, 1, 20)])
def test_any_split_gives_the_same_samples(blocks):
    quanta = 40
    given = busy(quanta)
    whole, _ = played(AdditiveBank(RATE, 9), *given, quanta)
    parts, counts = played(AdditiveBank(RATE, 9), *given, quanta, blocks)
    assert np.array_equal(whole, parts)
    assert np.abs(whole).max() > 0.05 and (blocks != (1,) or 0 in counts and max(counts) > 4)


def test_phases_go_on_through_a_rest():
    quanta, hz, swell = 40, [431.0, 1207.3], np.ones(41)
    swell[0], swell[10:25] = 0.0, 0.0
    amplitude = swell[:, None] * [0.2, 0.3]
    found, counts = played(AdditiveBank(RATE, 2, 0.3), hz, amplitude, 0.2, quanta, (1,))
    assert counts[15] == 0
    assert np.abs(found - twin(hz, amplitude, 0.2, [0.3, 0.3], quanta)).max() < 1e-6


def test_reset_starts_afresh():
    unit, given = AdditiveBank(RATE, 9, np.arange(9) / 9.0), busy(12)
    first, _ = played(unit, *given, 12)
    assert not np.array_equal(first, played(unit, *given, 12)[0])
    unit.reset()
    assert np.array_equal(first, played(unit, *given, 12)[0])


def test_silence_is_exact_and_returns():
    unit = AdditiveBank(RATE, 3)
    assert not played(unit, [100.0, 200.0, 300.0], [0.0] * 3, 0.0, 10)[0].any()
    swell = np.where(np.arange(31) < 10, 0.3, 0.0)[:, None] * [1.0, 1.0, 1.0]
    out, counts = played(unit, [100.0, 200.0, 300.0], swell, 0.0, 30, (1,))
    assert out[:, : 10 * QUANTUM].any() and not out[:, 11 * QUANTUM :].any() and counts[-1] == 0


@pytest.mark.parametrize("rate", [22050, 192000])
@pytest.mark.parametrize("wild", [math.nan, math.inf, -math.inf, 3e38, -1.0])
def test_extremes_stay_bounded(rate, wild):
    quanta, partials = 12, 6
    given = [np.tile(row, (quanta + 1, 1)) for row in ([50.0, 500.0, 4e3, 9e3, 1e5, 1e-3], [0.2] * 6, [0.0] * 6)]
    for i, x in enumerate(given):
        x[4, i], x[6, 2 + i], x[7] = wild, wild, wild
    unit = AdditiveBank(rate, partials)
    out, _ = played(unit, *given, quanta)
    assert np.isfinite(out).all() and 0.05 < np.abs(out).max() <= 0.2 * partials + (wild == -1.0) * 2.0
    rest, _ = played(unit, given[0], 0.0 * np.ones((13, 6)), given[2], 12)
    assert not rest[:, -QUANTUM:].any()
