"""The mixer: stems that sum to the mix, levels in dB, ramps, filters, width, sends, ducking, splits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.controls import STEMS
from synth.mix.mixer import LEAN, LEAN_S, SHARED_BRIGHTNESS, SIDE_HIGHPASS_HZ
from synth.preset import Space, StemSetting

RATE = 48000
QUANTUM = 64
OPEN = {"width": 1.0, "highpass_hz": 10.0, "lowpass_hz": 20000.0}  # what passes nearly as it is
BAND = {
    "pad": StemSetting("pad", -5.0, -8.0, 0.8, highpass_hz=140.0, lowpass_hz=6000.0, distance=0.6),
    "bass": StemSetting("bass", level_lu=-9.0, send_db=-26.0, width=0.0, highpass_hz=32.0, lowpass_hz=900.0),
    "melody": StemSetting("melody", -8.0, -10.0, 0.4, highpass_hz=120.0, lowpass_hz=9000.0, distance=0.2),
    "nature": StemSetting("nature", level_lu=-10.0, send_db=-60.0, width=1.0, highpass_hz=90.0, lowpass_hz=9000.0),
    "reverb": StemSetting("reverb", level_lu=-11.0, width=0.9, highpass_hz=180.0, lowpass_hz=6000.0),
}
FULL = {s: StemSetting(s, -10.0, -12.0, 0.5, highpass_hz=90.0, distance=0.1 * i) for i, s in enumerate(STEMS)}


def one(name="bass", **setting):
    """A single stem, wide open, whose send is off."""
    return {name: StemSetting(name, **{"level_lu": 0.0, "send_db": -60.0, **OPEN, **setting})}


def noise(quanta, seed=1, level=0.1) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0.0, level, (2, quanta * QUANTUM)).astype(np.float32)


def tone(quanta, hz, level=0.3):
    return np.tile(level * np.sin(2.0 * np.pi * hz * np.arange(quanta * QUANTUM) / RATE), (2, 1)).astype(np.float32)


def impulse(quanta, left=1.0, right=1.0):
    x = np.zeros((2, quanta * QUANTUM), np.float32)
    x[:, 0] = left, right
    return x


def gain_db(response, hz):
    return 20.0 * math.log10(abs(np.exp(-2j * np.pi * hz / RATE * np.arange(response.size)) @ response) + 1e-12)


def rms_db(x):
    return 10.0 * np.log10(np.mean(np.asarray(x, np.float64) ** 2) + 1e-30)


def sounds_of(stems, quanta):
    return {name: noise(quanta, i + 1) for i, name in enumerate(stems) if name != "reverb"}


def band_sounds(quanta):
    return sounds_of(BAND, quanta)


@pytest.mark.parametrize("stems", [BAND, FULL], ids=["some", "all"])
def test_stems_sum_to_the_premaster(stems, mixed, flow):
    rng = np.random.default_rng(3)
    moving = np.cumsum(rng.normal(0.0, 0.3, 121))
    edges = flow.edges(
        120, level_pad_db=moving, expression_db=moving[::-1], brightness_oct=np.sin(moving), space=0.8, motion=0.7
    )
    finished, premaster, mixer = mixed(stems, sounds_of(stems, 120), edges)
    assert mixer.names == tuple(s for s in STEMS if s in stems)
    total = finished[0].copy()
    for stem in finished[1:]:
        assert np.abs(stem).max() > 1e-3
        total += stem
    assert np.array_equal(total, premaster)
    exact = finished.astype(np.float64).sum(axis=0)
    assert rms_db(premaster - exact) - rms_db(exact) < -120.0


@pytest.mark.parametrize("stems", [BAND, FULL], ids=["some", "all"])
@pytest.mark.parametrize("sizes", [(1,), (17,), (5, 64, 2)], ids=str)
def test_any_split_gives_the_same_samples(sizes, stems, mixed, flow):
    rng = np.random.default_rng(4)
    lanes = {"level_melody_db": rng.uniform(-30, 3, 101), "expression_db": rng.uniform(-3, 3, 101)}
    lanes |= {"space": rng.uniform(0, 1, 101), "brightness_oct": np.repeat(rng.uniform(-2, 1, 51), 2)[:101]}
    lanes |= {"motion": rng.uniform(0, 1, 101)}
    edges = flow.edges(100, **lanes)
    whole = mixed(stems, sounds_of(stems, 100), edges)
    parts = mixed(stems, sounds_of(stems, 100), edges, sizes)
    assert np.array_equal(whole[0], parts[0]) and np.array_equal(whole[1], parts[1])


@pytest.mark.parametrize("level_db", [-59.0, -20.0, -6.0, 6.0])
@pytest.mark.parametrize("name", [s for s in STEMS if s != "reverb"])
def test_a_level_is_exact_in_db(name, level_db, mixed, flow):
    sounds = {name: noise(4)}
    plain = mixed(one(name), sounds)[0][0].astype(np.float64)
    heard = np.abs(plain) > 1e-2
    moved = mixed(one(name), sounds, flow.edges(4, **{f"level_{name}_db": level_db}))[0][0]
    assert np.abs(flow.db(moved[heard] / plain[heard]) - level_db).max() < 1e-4
    softer = mixed(one(name, level_lu=-7.5), sounds)[0][0]
    assert np.abs(flow.db(softer[heard] / plain[heard]) + 7.5).max() < 1e-4


def test_the_lowest_level_is_silence(mixed, flow):
    for name in ("pad", "reverb"):
        finished, *_ = mixed(BAND, band_sounds(60), flow.edges(60, **{f"level_{name}_db": -60.0}))
        place = ("pad", "bass", "melody", "nature", "reverb").index(name)
        assert not finished[place].any()


def test_the_reverbs_level_is_exact_in_db(mixed, flow):
    sounds = band_sounds(60)
    plain, moved = (
        mixed(BAND, sounds, flow.edges(60, level_reverb_db=db))[0][-1].astype(np.float64) for db in (0.0, -12.0)
    )
    heard = np.abs(plain) > 1e-4
    assert np.abs(flow.db(moved[heard] / plain[heard]) + 12.0).max() < 1e-3


@pytest.mark.parametrize("lane", ["level_bass_db", "expression_db"])
@pytest.mark.parametrize(("before_db", "after_db"), [(-40.0, 0.0), (0.0, -40.0), (-60.0, 6.0)])
def test_a_jump_of_level_is_a_ramp_without_a_step(lane, before_db, after_db, mixed, flow):
    sounds = {"bass": tone(8, 3000.0)}
    plain = mixed(one(), sounds)[0][0, 0].astype(np.float64)
    edges = flow.edges(8, **{lane: np.where(np.arange(9) < 4, before_db, after_db)})
    moved = mixed(one(), sounds, edges)[0][0, 0]
    clear = np.abs(plain) > 0.02
    gain = np.interp(np.arange(plain.size), np.flatnonzero(clear), moved[clear] / plain[clear])
    low, high = (10.0 ** (db / 20.0) if db > -60.0 or lane == "expression_db" else 0.0 for db in (before_db, after_db))
    wanted = np.interp(np.arange(plain.size), [3 * QUANTUM, 4 * QUANTUM], [low, high])
    assert np.abs(gain - wanted).max() < 1e-4 * max(low, high)
    assert np.abs(np.diff(gain, 2)).max() < 1.2 * abs(high - low) / QUANTUM


def test_nothing_is_late(mixed):
    finished, *_ = mixed(one(), {"bass": impulse(2)})
    assert finished[0, 0, 0] > 0.5


@pytest.mark.parametrize("cutoff_hz", [900.0, 6000.0])
@pytest.mark.parametrize("brightness", [-2.0, 0.0, 1.0])
def test_the_low_pass_follows_brightness(cutoff_hz, brightness, mixed, flow):
    edges = flow.edges(60, brightness_oct=brightness)
    response = mixed(one(lowpass_hz=cutoff_hz), {"bass": impulse(60)}, edges)[0][0, 0]
    corner = cutoff_hz * 2.0 ** (SHARED_BRIGHTNESS * brightness)
    assert gain_db(response, corner) == pytest.approx(-3.01, abs=0.05)
    assert gain_db(response, corner / 5.0) == pytest.approx(0.0, abs=0.05)
    assert gain_db(response, 2.0 * corner) < -12.0


@pytest.mark.parametrize("corner_hz", [40.0, 250.0])
def test_the_high_pass_takes_out_dc(corner_hz, mixed):
    response = mixed(one(highpass_hz=corner_hz), {"bass": impulse(400)})[0][0, 0]
    assert gain_db(response, corner_hz) == pytest.approx(-3.01, abs=0.05)
    assert gain_db(response, 0.5 * corner_hz) == pytest.approx(-12.3, abs=0.1)
    assert gain_db(response, 5.0 * corner_hz) == pytest.approx(0.0, abs=0.05)
    assert gain_db(response, 0.0) < -80.0


def test_brightness_moves_without_a_step_and_lands(mixed, flow):
    """Coefficients slide over one quantum, and from then on the filter is that of the new brightness."""
    sounds = {"bass": tone(40, 300.0)}
    edges = flow.edges(40, brightness_oct=np.where(np.arange(41) < 20, -2.0, 1.5))
    moved, bright = (
        mixed(one(lowpass_hz=2000.0), sounds, e)[0][0, 0] for e in (edges, flow.edges(40, brightness_oct=1.5))
    )
    smooth = np.abs(np.diff(tone(40, 300.0)[0].astype(np.float64), 2)).max()
    assert (
        np.abs(np.diff(moved.astype(np.float64), 2))[5 * QUANTUM :].max() < 2.0 * smooth
    )  # as a turn of phase, no step
    assert np.abs(moved - bright)[30 * QUANTUM :].max() < 1e-4


def test_width_is_safe_in_mono(mixed):
    sounds = {"bass": noise(30)}
    widths = (0.0, 0.4, 1.0)
    made = [mixed(one(width=w), sounds)[0][0].astype(np.float64) for w in widths]
    for stem in made:
        assert np.abs(stem.sum(axis=0) - made[0].sum(axis=0)).max() < 1e-6
    assert np.array_equal(made[0][0], made[0][1])
    side = [stem[0] - stem[1] for stem in made]
    assert np.abs(side[1] - 0.4 * side[2]).max() < 1e-6
    response = mixed(one(), {"bass": impulse(100, 1.0, -1.0)})[0][0]
    assert np.array_equal(response[0], -response[1])
    assert gain_db(response[0], SIDE_HIGHPASS_HZ) == pytest.approx(-3.01, abs=0.05)
    assert gain_db(response[0], 40.0) < -20.0
    assert gain_db(response[0], 1000.0) == pytest.approx(0.0, abs=0.05)


def test_stems_lean_from_side_to_side_with_motion(mixed, flow):
    """Slowly, each in its own time, not a stem of no width; mono does not hear it."""
    quanta = 50 * 750
    sounds = {name: tone(quanta, 8000.0, 0.1) for name in ("pad", "bells", "bass")}
    stems = one("pad") | one("bells", width=0.4) | one("bass", width=0.0)
    moving, still = (mixed(stems, sounds, flow.edges(quanta, motion=m))[0].astype(np.float64) for m in (1.0, 0.0))
    assert np.array_equal(still[:, 0], still[:, 1])
    assert np.abs(moving.sum(axis=1) - still.sum(axis=1)).max() < 1e-6
    level = np.sqrt((moving[:3].reshape(3, 2, -1, QUANTUM * 6) ** 2).mean(axis=3))
    lean = (level[:, 0] - level[:, 1]) / (level[:, 0] + level[:, 1])
    bass, bells, pad = (lean[("pad", "bass", "bells").index(name)] for name in ("bass", "bells", "pad"))
    assert not bass.any() and abs(np.corrcoef(pad, bells)[0, 1]) < 0.9
    for x, most in ((pad, LEAN), (bells, 0.4 * LEAN)):
        assert x.max() == pytest.approx(most, rel=0.02) and x.min() == pytest.approx(-most, rel=0.02)
        turns = np.count_nonzero(np.diff(np.sign(x)))
        assert 2 <= turns <= 5, "50 s hold one to two turns"
        assert np.abs(np.diff(x)).max() < 1.5 * most * 2.0 * math.pi / LEAN_S[0] * 6 / 750


def test_what_is_low_does_not_lean(mixed, flow):
    finished = mixed(one("pad"), {"pad": tone(9000, 60.0, 0.3)}, flow.edges(9000, motion=1.0))[0][0]
    left, right = (np.sqrt((x.astype(np.float64)[RATE:].reshape(-1, 800) ** 2).mean(axis=1)) for x in finished)
    assert np.abs(20.0 * np.log10(left / right)).max() < 0.8


@pytest.mark.parametrize("pan", [-1.0, -0.3, 0.0, 0.5, 1.0])
def test_a_stem_goes_to_its_side_and_keeps_its_power(pan, mixed, flow):
    sounds = {"pad": tone(40, 1000.0), "bass": tone(40, 700.0)}
    stems = one("pad") | one("bass")
    middle, moved = (mixed(stems, sounds, flow.edges(40, pan_pad=p))[0].astype(np.float64) for p in (0.0, pan))
    pad, bass = 0, 1
    late = slice(QUANTUM, None)  # the first quantum ramps
    left, right = (np.mean(moved[pad, c, late] ** 2) for c in range(2))
    assert left + right == pytest.approx(2.0 * np.mean(middle[pad, 0, late] ** 2), rel=1e-4)
    assert (right - left) / (right + left) == pytest.approx(pan, abs=1e-4)
    assert np.array_equal(middle[bass], moved[bass]), "nobody else moves"


def test_a_jump_to_the_other_side_is_a_ramp(mixed, flow):
    sounds = {"bass": tone(8, 3000.0)}
    plain = mixed(one(), sounds)[0][0].astype(np.float64)
    edges = flow.edges(8, pan_bass=np.where(np.arange(9) < 4, -1.0, 1.0))
    moved = mixed(one(), sounds, edges)[0][0]
    clear = np.abs(plain[0]) > 0.02
    for c, (first, last) in enumerate([(2.0**0.5, 0.0), (0.0, 2.0**0.5)]):
        gain = moved[c, clear] / plain[c, clear]
        wanted = np.interp(np.flatnonzero(clear), [0, 0, 3 * QUANTUM, 4 * QUANTUM], [first, first, first, last])
        assert np.abs(gain - wanted).max() < 1e-3


def test_a_send_is_exact_in_db_and_off_at_the_bottom(mixed, flow):
    sounds = {"bass": noise(60)}
    loud, soft, off = (mixed(one(send_db=db), sounds)[0][1].astype(np.float64) for db in (-6.0, -20.0, -60.0))
    heard = np.abs(loud) > 1e-3
    assert np.abs(flow.db(soft[heard] / loud[heard]) + 14.0).max() < 1e-3
    assert not off.any()


@pytest.mark.parametrize(("space", "db"), [(0.0, -9.0), (0.25, -4.5), (1.0, 6.0)])
def test_space_moves_the_sends(space, db, mixed, flow):
    """Of a sound so short that the first reflections alone answer it, which no decay time moves."""
    sounds = {"bass": noise(20)}
    made = [mixed(one(send_db=-10.0), sounds, flow.edges(20, space=s))[0][1, :, :1800] for s in (0.5, space)]
    assert rms_db(made[1]) - rms_db(made[0]) == pytest.approx(db, abs=0.01)


def test_the_swell_reaches_the_return_once(mixed, flow):
    sounds = {"bass": noise(60)}
    plain, swelled = (
        mixed(one(send_db=-6.0), sounds, flow.edges(60, expression_db=db))[0].astype(np.float64) for db in (0.0, -8.0)
    )
    for stem in range(2):
        heard = np.abs(plain[stem]) > 1e-3
        assert np.abs(flow.db(swelled[stem][heard] / plain[stem][heard]) + 8.0).max() < 1e-3


def test_breath_and_fade_are_not_the_mixers(mixed, flow):
    sounds = band_sounds(20)
    plain = mixed(BAND, sounds)[1]
    assert np.array_equal(plain, mixed(BAND, sounds, flow.edges(20, breath=0.7, fade=0.2))[1])


def test_what_is_not_a_number_stays_in_its_quantum(mixed):
    sounds = band_sounds(40)
    wrong = {name: x.copy() for name, x in sounds.items()}
    wrong["pad"][0, 5 * QUANTUM + 7] = np.nan
    wrong["melody"][1, 9 * QUANTUM] = np.inf
    finished, premaster, _ = mixed(BAND, wrong)
    plain, *_ = mixed(BAND, sounds)
    assert np.isfinite(finished).all() and np.isfinite(premaster).all()
    assert np.array_equal(finished[1], plain[1]) and np.array_equal(finished[3][:, :320], plain[3][:, :320])
    assert np.abs(finished[0, :, 5 * QUANTUM : 6 * QUANTUM]).max() < 1e-3, "its bells ring on"
    assert np.abs(finished[0, :, 6 * QUANTUM : 7 * QUANTUM]).max() > 0.01


def test_silence_in_is_silence_out(mixed):
    sounds = {name: np.zeros((2, 60 * QUANTUM), np.float32) for name in BAND if name != "reverb"}
    finished, premaster, _ = mixed(BAND, sounds)
    assert not finished.any() and not premaster.any()


def test_after_the_sound_there_is_exact_silence(mixed):
    quanta = 4 * 750
    sounds = band_sounds(quanta)
    for x in sounds.values():
        x[:, 64 * QUANTUM :] = 0.0
    finished, premaster, mixer = mixed(BAND, sounds, space=Space(t60_s=0.3, t60_high_s=0.2))
    assert np.abs(premaster[:, : 64 * QUANTUM]).max() > 0.1
    assert not finished[:-1, :, 2 * RATE :].any()  # a high-pass of 32 Hz takes a second
    assert not premaster[:, -20 * QUANTUM :].any()


@settings(max_examples=25)
@given(
    level_db=st.floats(-60.0, 6.0),
    expression_db=st.floats(-20.0, 12.0),
    brightness=st.floats(-2.0, 1.5),
    space=st.floats(0.0, 1.0),
    loud=st.floats(0.0, 100.0),
    highpass_hz=st.floats(10.0, 2000.0),
    lowpass_hz=st.floats(100.0, 30000.0),
)
def test_stays_finite_and_bounded(
    level_db, expression_db, brightness, space, loud, highpass_hz, lowpass_hz, mixed, flow
):
    edges = flow.edges(12, expression_db=expression_db, space=space, level_pad_db=level_db, brightness_oct=brightness)
    stems = one("pad", highpass_hz=highpass_hz, lowpass_hz=lowpass_hz, send_db=0.0)
    finished, premaster, _ = mixed(stems, {"pad": np.float32(loud) * np.sign(noise(12))}, edges)
    assert np.isfinite(premaster).all()
    assert np.abs(finished[0]).max() <= 5.0 * loud * 10.0 ** ((level_db + expression_db) / 20.0) + 1e-9
