"""The mixer: stems that sum to the mix, levels in dB, ramps, filters, width, sends, ducking, splits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.mix import Mixer
from synth.mix.mixer import DUCKS, SHARED_BRIGHTNESS, SIDE_HIGHPASS_HZ
from synth.preset import Space, StemSetting

RATE = 48000
QUANTUM = 64
OPEN = {"width": 1.0, "highpass_hz": 10.0, "lowpass_hz": 20000.0}  # what passes nearly as it is
BAND = {
    "pad": StemSetting("pad", level_lu=-5.0, send_db=-8.0, width=0.8, highpass_hz=140.0, lowpass_hz=6000.0),
    "bass": StemSetting("bass", level_lu=-9.0, send_db=-26.0, width=0.0, highpass_hz=32.0, lowpass_hz=900.0),
    "melody": StemSetting("melody", level_lu=-8.0, send_db=-10.0, width=0.4, highpass_hz=120.0, lowpass_hz=9000.0),
    "nature": StemSetting("nature", level_lu=-10.0, send_db=-60.0, width=1.0, highpass_hz=90.0, lowpass_hz=9000.0),
    "reverb": StemSetting("reverb", level_lu=-11.0, width=0.9, highpass_hz=180.0, lowpass_hz=6000.0),
}


def one(name="bass", **setting):
    """A single stem, wide open, whose send is off."""
    return {name: StemSetting(name, **{"level_lu": 0.0, "send_db": -60.0, **OPEN, **setting})}


@pytest.fixture(scope="session")
def mixed(flow):
    def mix(stems, sounds, edges=None, sizes=(64,), seed=1, space=None):
        """Finished stems (names, 2, frames) and premaster of `sounds` by stem name; also the mixer."""
        mixer = Mixer(RATE, stems, space or Space(), seed)
        frames = next(iter(sounds.values())).shape[1]
        whole = np.zeros((len(mixer.names), 2, frames), np.float32)
        for s, name in enumerate(mixer.names[:-1]):
            whole[s] = sounds.get(name, 0.0)
        edges = flow.edges(frames // QUANTUM) if edges is None else edges
        finished, premaster = np.full_like(whole, 9.0), np.full((2, frames), 9.0, np.float32)
        for start, count in flow.blocks(frames // QUANTUM, sizes):
            block, out = flow.block(whole, start, count), np.zeros((2, 4096), np.float32)
            mixer.render(block, flow.edge_block(edges, start, count), count, out)
            span = slice(start * QUANTUM, (start + count) * QUANTUM)
            finished[..., span] = block[..., : count * QUANTUM]
            premaster[:, span] = out[:, : count * QUANTUM]
        return finished, premaster, mixer

    return mix


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


def band_sounds(quanta):
    return {name: noise(quanta, i + 1) for i, name in enumerate(BAND) if name != "reverb"}


def test_stems_sum_to_the_premaster(mixed, flow):
    rng = np.random.default_rng(3)
    moving = np.cumsum(rng.normal(0.0, 0.3, 121))
    edges = flow.edges(120, level_pad_db=moving, expression_db=moving[::-1], brightness_oct=np.sin(moving), space=0.8)
    finished, premaster, mixer = mixed(BAND, band_sounds(120), edges)
    assert mixer.names == ("pad", "bass", "melody", "nature", "reverb")
    total = finished[0].copy()
    for stem in finished[1:]:
        assert np.abs(stem).max() > 1e-3
        total += stem
    assert np.array_equal(total, premaster)
    exact = finished.astype(np.float64).sum(axis=0)
    assert rms_db(premaster - exact) - rms_db(exact) < -120.0


@pytest.mark.parametrize("sizes", [(1,), (17,), (5, 64, 2)])
def test_any_split_gives_the_same_samples(sizes, mixed, flow):
    rng = np.random.default_rng(4)
    lanes = {"level_melody_db": rng.uniform(-30, 3, 101), "expression_db": rng.uniform(-3, 3, 101)}
    lanes |= {"space": rng.uniform(0, 1, 101), "brightness_oct": np.repeat(rng.uniform(-2, 1, 51), 2)[:101]}
    edges = flow.edges(100, **lanes)
    whole = mixed(BAND, band_sounds(100), edges)
    parts = mixed(BAND, band_sounds(100), edges, sizes)
    assert np.array_equal(whole[0], parts[0]) and np.array_equal(whole[1], parts[1])


@pytest.mark.parametrize("level_db", [-59.0, -20.0, -6.0, 6.0])
@pytest.mark.parametrize("name", ["pad", "bass", "melody", "bells", "percussion", "nature"])
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


@pytest.mark.parametrize("name", ["pad", "nature"])
def test_others_step_back_while_the_melody_sounds(name, mixed):
    """By the stated dB at most and half of it for a usual melody; within the stated time, and back."""
    most_db, down_s, back_s = DUCKS[name]
    stems = one(name) | one("melody")
    quanta, on, off = 9000, 1000, 4500
    melody = tone(quanta, 440.0, 0.4)
    melody[:, : on * QUANTUM] = melody[:, off * QUANTUM :] = 0.0
    sound = {name: tone(quanta, 1000.0, 0.1)}
    place = 0 if name == "pad" else 1
    ducked = mixed(stems, sound | {"melody": melody})[0][place, 0].astype(np.float64)
    plain = mixed(stems, sound)[0][place, 0].astype(np.float64)
    rms = [np.sqrt((x.reshape(-1, 6 * QUANTUM) ** 2).mean(axis=1)) for x in (ducked, plain)]  # of whole periods
    gain = 20.0 * np.log10(rms[0] / rms[1])

    def at(quantum):
        return gain[quantum // 6]

    assert abs(at(on - 6)) < 1e-6
    deepest = gain.min()
    assert -most_db <= deepest < -0.85 * most_db
    assert at(on + round(down_s * 750)) == pytest.approx(0.63 * deepest, rel=0.1)
    assert at(off + round(back_s * 750)) == pytest.approx(0.37 * at(off - 6), rel=0.15)
    usual = tone(quanta, 440.0, math.sqrt(2.0 * 0.0007))  # its mean square is the half-way point
    usual_db = 20.0 * np.log10(np.abs(mixed(stems, sound | {"melody": usual})[0][place, 0, -3000:]).max() / 0.1)
    assert usual_db - 20.0 * np.log10(np.abs(plain[-3000:]).max() / 0.1) == pytest.approx(-0.5 * most_db, abs=0.1)


def test_what_is_not_a_number_stays_in_its_quantum(mixed):
    sounds = band_sounds(40)
    wrong = {name: x.copy() for name, x in sounds.items()}
    wrong["pad"][0, 5 * QUANTUM + 7] = np.nan
    wrong["melody"][1, 9 * QUANTUM] = np.inf
    finished, premaster, _ = mixed(BAND, wrong)
    plain, *_ = mixed(BAND, sounds)
    assert np.isfinite(finished).all() and np.isfinite(premaster).all()
    assert np.array_equal(finished[1], plain[1]) and np.array_equal(finished[3][:, :320], plain[3][:, :320])
    assert not finished[0, :, 5 * QUANTUM : 6 * QUANTUM].any()
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
