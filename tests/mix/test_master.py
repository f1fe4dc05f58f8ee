"""The master: gain over time only, late by its look-ahead, at the planned loudness, under its ceiling."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from synth.dsp.limiter import LOOK_AHEAD_S
from synth.dsp.loudness import integrated_lufs, momentary_lufs
from synth.mix import Master, Mixer
from synth.preset import Space, StemSetting
from synth.safety.output import OutputLimits

RATE = 48000
QUANTUM = 64


ANY_RISE = OutputLimits(rise_lu=200.0)


@pytest.fixture(scope="session")
def mastered(flow):
    def master(premaster, edges=None, sizes=(64,), rate=RATE, limits=None):
        """Delayed premaster, gain and mix of a whole, and the master."""
        unit = Master(rate, limits)
        quanta = premaster.shape[1] // QUANTUM
        edges = flow.edges(quanta) if edges is None else edges
        made = [np.full(shape, 9.0, np.float32) for shape in ((2, quanta * 64), (quanta * 64,), (2, quanta * 64))]
        for start, count in flow.blocks(quanta, sizes):
            out = [np.zeros(shape, np.float32) for shape in ((2, 4096), (4096,), (2, 4096))]
            unit.render(flow.block(premaster, start, count), flow.edge_block(edges, start, count), count, *out)
            for whole, piece in zip(made, out, strict=True):
                whole[..., start * 64 : (start + count) * 64] = piece[..., : count * 64]
        return (*made, unit)

    return master


def noise(seconds, seed=1, level=0.06):
    """Pink-ish stereo noise of some -24 LUFS."""
    white = np.random.default_rng(seed).normal(0.0, level, (2, round(seconds * RATE / 64) * 64))
    return signal.lfilter([1.0], [1.0, -0.7], white).astype(np.float32)


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_the_mix_is_the_premaster_late_and_times_the_gain(rate, mastered):
    premaster = noise(1.0)
    delayed, gain, mix, unit = mastered(premaster, rate=rate)
    late = unit.latency_frames
    assert late == math.ceil(LOOK_AHEAD_S * rate) + 11
    assert not delayed[:, :late].any()
    assert np.array_equal(delayed[:, late:], premaster[:, :-late])
    assert np.array_equal(mix, delayed * gain)
    assert gain[late:].min() > 0.0


@pytest.mark.parametrize("sizes", [(1,), (17,), (5, 64, 2)])
def test_any_split_gives_the_same_samples(sizes, mastered, flow):
    premaster = noise(1.0)
    premaster[:, 20000:24000] *= 12.0
    quanta = premaster.shape[1] // 64
    edges = flow.edges(quanta, dynamics_db=np.linspace(-6.0, 2.0, quanta + 1), fade=np.linspace(0.0, 1.0, quanta + 1))
    for whole, part in zip(mastered(premaster, edges)[:3], mastered(premaster, edges, sizes)[:3], strict=True):
        assert np.array_equal(whole, part)


def test_mastered_stems_sum_to_the_mix(mastered, flow):
    stems = {name: StemSetting(name) for name in ("pad", "bass", "melody")}
    mixer = Mixer(RATE, stems, Space(), 1)
    blocks = [np.stack([noise(1.0, s)[:, : 64 * 64] for s in range(4)]) for _ in range(6)]
    finished, premaster = [], []
    for block in blocks:
        out = np.zeros((2, 4096), np.float32)
        mixer.render(block, flow.edges(64), 64, out)
        finished.append(block)
        premaster.append(out)
    whole = np.concatenate(finished, axis=2)
    _, gain, mix, unit = mastered(np.concatenate(premaster, axis=1))
    late = unit.latency_frames
    stems_late = np.pad(whole, ((0, 0), (0, 0), (late, 0)))[..., :-late]
    total = (stems_late * gain).astype(np.float64).sum(axis=0)
    assert flow.db(total - mix).max() < -120.0
    assert flow.db(mix).max() > -50.0  # it is still climbing out of silence


@pytest.mark.parametrize(("lufs", "dynamics_db"), [(-23.0, 0.0), (-30.0, 4.0), (-36.0, -2.0)])
@pytest.mark.parametrize("level", [0.01, 0.06, 0.2])
def test_the_programme_comes_to_its_planned_loudness(level, lufs, dynamics_db, mastered, flow):
    premaster = noise(20.0, level=level)
    edges = flow.edges(premaster.shape[1] // 64, loudness_lufs=lufs, dynamics_db=dynamics_db)
    _, _, mix, unit = mastered(premaster, edges)
    assert integrated_lufs(mix[:, 8 * RATE :], RATE) == pytest.approx(lufs + dynamics_db, abs=0.3)
    assert np.ptp(momentary_lufs(mix[:, 8 * RATE :], RATE)) < 1.5
    assert set(unit.levels_db) == {"servo", "ride", "swell_share"}


def test_a_swell_that_the_premaster_carries_is_left_alone(mastered, flow):
    """Loudness goes with the swell as planned; the gain takes out nearly none of it and adds nearly none."""
    premaster = noise(60.0)
    quanta = premaster.shape[1] // 64
    swell_db = 2.0 * np.sin(2.0 * np.pi * np.arange(quanta + 1) * 64 / RATE / 20.0)
    swell = np.interp(np.arange(premaster.shape[1]) / 64.0, np.arange(quanta + 1), 10.0 ** (swell_db / 20.0))
    edges = flow.edges(quanta, expression_db=swell_db, loudness_lufs=-26.0, dynamic_range_lu=4.0)
    mix = mastered((premaster * swell).astype(np.float32), edges)[2]
    heard = momentary_lufs(mix, RATE)[200:]
    planned = -26.0 + np.interp(
        (0.2 + 0.1 * np.arange(200, 200 + heard.size)) * RATE / 64, np.arange(quanta + 1), swell_db
    )
    assert np.corrcoef(heard, planned)[0, 1] > 0.95
    assert np.abs(heard - planned).max() < 1.5


def test_fades_are_exact(mastered, flow):
    premaster = noise(2.0)
    quanta = premaster.shape[1] // 64
    fade = np.interp(np.arange(quanta + 1), [0, 300, 900, 1400], [1.0, 1.0, 0.0, 0.0])
    _, plain, _, unit = mastered(premaster, limits=ANY_RISE)
    _, faded, mix, _ = mastered(premaster, flow.edges(quanta, fade=fade), limits=ANY_RISE)
    late = unit.latency_frames
    curve = np.interp(np.arange(plain.size - late) / 64.0, np.arange(quanta + 1), fade.astype(np.float32))
    ratio = faded[late:].astype(np.float64) / plain[late:]
    assert np.abs(ratio - curve).max() < 2e-4
    assert not mix[:, 900 * 64 + late :].any()


def true_peak_db(y):
    return 20.0 * math.log10(np.abs(signal.resample_poly(np.asarray(y, np.float64), 8, 1, axis=1)).max() + 1e-12)


@settings(max_examples=10)
@given(level_db=st.floats(-6.0, 40.0), seed=st.integers(0, 99), length=st.sampled_from([1, 30, 400]))
def test_no_true_peak_passes_the_ceiling(level_db, seed, length, mastered):
    """Bursts that start at once, much louder than what was before."""
    rng = np.random.default_rng(seed)
    premaster = noise(0.4, seed)
    for start in rng.integers(0, premaster.shape[1] - length, 6):
        premaster[:, start : start + length] += np.float32(10.0 ** (level_db / 20.0)) * rng.choice(
            [-1.0, 1.0], (2, length)
        )
    _, gain, mix, unit = mastered(premaster)
    assert np.isfinite(mix).all()
    assert true_peak_db(mix) <= -3.0
    sounding = gain[unit.latency_frames :].astype(np.float64)
    assert np.abs(np.diff(sounding, 2)).max() <= 1.1 * gain.max() / (LOOK_AHEAD_S * RATE)


def test_a_jump_is_held_within_the_look_ahead_and_without_a_step(mastered, flow):
    """The ride and the servo are slow; a jump of 20 dB after a quiet time must not come through as one."""
    premaster = noise(14.0)
    premaster[:, : 10 * RATE] *= np.float32(0.1)
    _, gain, mix, _ = mastered(premaster)
    loud = mastered(premaster, limits=ANY_RISE)[2]
    window = slice(5 * RATE, 14 * RATE)
    held, free = (np.max(m[10:] - m[:-10]) for m in (momentary_lufs(y[:, window], RATE) for y in (mix, loud)))
    assert held < 6.0 < 8.0 < free
    assert np.abs(np.diff(flow.db(gain[window].astype(np.float64)))).max() < 0.15


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 3e38])
def test_a_rise_is_still_held_after_what_is_no_sound(wrong, mastered):
    premaster = noise(14.0)
    premaster[:, : 10 * RATE] *= np.float32(0.1)
    calm = mastered(premaster)[1]
    premaster[0, 2 * RATE] = wrong
    gain = mastered(premaster)[1]
    after = slice(10 * RATE, 12 * RATE)
    assert np.isfinite(gain).all() and gain[after].min() == pytest.approx(calm[after].min(), rel=0.1)


def test_the_gain_never_steps(mastered, flow):
    """Without peaks the gain is a chain of straight lines that turn a little at quantum edges."""
    premaster = noise(4.0)
    quanta = premaster.shape[1] // 64
    edges = flow.edges(quanta, loudness_lufs=np.where(np.arange(quanta + 1) < 2000, -26.0, -32.0))
    _, gain, _, unit = mastered(premaster, edges, limits=ANY_RISE)
    gain = gain[unit.latency_frames :].astype(np.float64)
    begun = gain[RATE // 4 : 1990 * 64]  # the start out of nothing is an attack
    assert np.abs(np.diff(flow.db(begun))).max() * RATE < 12.0  # dB a second
    jump = gain[1990 * 64 : 2010 * 64]
    assert np.ptp(jump) > 0.4 * jump.max()
    assert np.abs(np.diff(gain)).max() <= 1.05 * np.ptp(jump) / 64.0
    assert np.abs(np.diff(gain, 2)).max() <= 1.05 * np.ptp(jump) / 64.0


def test_silence(mastered):
    _, gain, mix, _ = mastered(np.zeros((2, 2000 * 64), np.float32))
    assert not mix.any()
    assert np.isfinite(gain).all()


def test_what_is_not_a_number_leaves_the_gain_alone(mastered):
    premaster = noise(1.0)
    plain = mastered(premaster)[1]
    premaster[1, 20000] = np.nan
    _, gain, mix, unit = mastered(premaster)
    assert np.isfinite(gain).all()
    assert np.abs(gain[unit.latency_frames :] / plain[unit.latency_frames :] - 1.0).max() < 0.1
    assert np.flatnonzero(np.isnan(mix[1])).tolist() == [20000 + unit.latency_frames]
    assert np.isfinite(mix[0]).all()
