"""The winds: tone and breath, tuning, one breath over several notes, slides, vibrato, answers to controls."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import signal

from synth.controls import BREATH, COLUMN, EDGE_COLUMNS, EXPRESSION_DB
from synth.instruments import pipes
from synth.instruments.base import EVENT_COLUMNS, MAX_EVENTS, MAX_FRAMES
from synth.instruments.pipes import PIPES
from synth.instruments.winds import VOICES, Winds

RATE = 48000
NAMES = [pipe.name for pipe in PIPES]
FLUTE, SHAKUHACHI, NEY, BANSURI = range(4)
KINDS = pytest.mark.parametrize("kind", range(len(PIPES)), ids=NAMES)
SCALE = (67, 69, 72, 74, 76, 72, 69, 67)
TUNE = [(0.75 * i, 0.68, SCALE[i % 8], 0.6, (0.377 * i) % 1.0) for i in range(16)]
# Notes that start, overlap, repeat and end at odd frames, tongued, in one breath and in chords.
BUSY = [
    (0.0, 0.3, 60, 0.6, 0.1), (0.25 + 1 / RATE, 0.2, 64, 0.5, 0.2), (0.4003, 0.3, 67, 0.9, 0.3),
    (0.52, 0.1, 67, 0.4, 0.4), (0.5201, 0.3, 71, 0.4, 0.6), (0.9, 0.2, 67, 0.4, 0.4),
    *((0.95 + 0.0007 * i, 0.05, 50 + 3 * i, 0.5, 0.07 * i) for i in range(11)),
]  # fmt: skip


def to_hz(pitch):
    return 440.0 * 2.0 ** ((pitch - 69) / 12.0)


def held(play, kind, pitch=69, velocity=0.6, seconds=2.0, variation=0.37, **controls):
    """The left channel of a note that is held, (frames,)."""
    return play(Winds(RATE, 1, kind), [(0, 30, pitch, velocity, variation)], seconds, **controls)[0].astype(float)


def rms_db(x):
    return 10.0 * math.log10(np.mean(x**2))


def centroid(x):
    power = np.abs(np.fft.rfft(x * np.hanning(x.size))) ** 2
    return (power @ np.fft.rfftfreq(x.size, 1.0 / RATE)) / power.sum()


def carrier(x, hz, rate=RATE, width_hz=60.0):
    """What there is about `hz`, as a complex number a frame."""
    low = signal.butter(3, width_hz, fs=rate, output="sos")
    return 2.0 * signal.sosfiltfilt(low, x * np.exp(-2j * np.pi * hz / rate * np.arange(x.size)))


def cents(x, hz, rate=RATE):
    """Pitch of each frame above `hz`."""
    turn = np.diff(np.unwrap(np.angle(carrier(x, hz, rate)))) / (2.0 * np.pi) * rate
    return 1200.0 * np.log2(np.maximum(1.0 + turn / hz, 0.1))


def at(track, second):
    """The mean of 20 ms about a time."""
    return track[round((second - 0.01) * RATE) : round((second + 0.01) * RATE)].mean()


def harmonics(x, hz, count=5):
    window = np.hanning(x.size)
    n = np.arange(x.size)
    return np.array([abs((x * window) @ np.exp(-2j * np.pi * hz * h / RATE * n)) for h in range(1, count + 1)])


def tone_to_noise_db(x, hz):
    angles = 2.0 * np.pi * hz / RATE * np.outer(np.arange(x.size), np.arange(1, 9))
    basis = np.concatenate((np.cos(angles), np.sin(angles)), axis=1)
    tone = basis @ np.linalg.lstsq(basis, x, rcond=None)[0]
    return rms_db(tone) - rms_db(x - tone)


@pytest.fixture
def breathless(monkeypatch):
    """Pipes whose breath is not heard, for what it would hide."""
    monkeypatch.setattr(pipes, "PIPES", tuple(pipe._replace(breath_db=-200.0) for pipe in PIPES))


@KINDS
def test_plays_at_the_level_of_the_house(play, kind):
    x = play(Winds(RATE, 1, kind), TUNE, 13.0).astype(float)
    assert pyloudnorm.Meter(RATE).integrated_loudness(x.T) == pytest.approx(-23.0, abs=0.5)
    assert 20.0 * math.log10(np.abs(x).max()) < -12.0
    assert np.abs(x.mean(1)).max() < 1e-5


@KINDS
def test_loudness_hardly_depends_on_the_register(play, kind):
    found = [rms_db(held(play, kind, pitch)[RATE:]) for pitch in (55, 62, 69, 76, 84)]
    assert max(found) - min(found) < 3.0
    high = [rms_db(held(play, kind, pitch, motion=0.0)[RATE:]) for pitch in (84, 96, 108)]
    assert -5.0 < high[1] - high[0] < -2.5 and -5.0 < high[2] - high[1] < -2.5


@KINDS
def test_tone_and_breath_are_as_far_apart_as_the_table_says(play, kind):
    x = held(play, kind, seconds=4.0, motion=0.0)[2 * RATE :]
    found = tone_to_noise_db(x, 440.0)
    assert found == pytest.approx(-PIPES[kind].breath_db, abs=1.0)
    assert 12.0 < found < 28.5


def test_the_flute_is_clearest():
    order = sorted(range(len(PIPES)), key=lambda kind: PIPES[kind].breath_db)
    assert order == [FLUTE, BANSURI, SHAKUHACHI, NEY]


@KINDS
def test_harmonics_are_those_of_the_table(play, breathless, kind):
    found = harmonics(held(play, kind, 72, 1.0, motion=0.0)[RATE:], to_hz(72))
    wanted = 10.0 ** (np.array(PIPES[kind].harmonics_db[:5]) / 20.0)
    assert 20.0 * np.log10(found / found[0] / wanted) == pytest.approx(np.zeros(5), abs=0.3)
    softer = harmonics(held(play, kind, 72, 0.5, motion=0.0)[RATE:], to_hz(72))
    assert 20.0 * np.log10(softer / softer[0] * found[0] / found) == pytest.approx(-3.0 * np.arange(5), abs=0.3)


@KINDS
def test_breath_stands_on_the_harmonics(play, kind):
    """Between them there is less, and less still above the air."""
    x = held(play, kind, 74, 0.4, seconds=6.0, motion=0.0)[RATE:]
    hz, power = signal.welch(x, RATE, nperseg=8192, window="blackmanharris")
    level = 10.0 * np.log10(power)
    first = to_hz(74)
    beside = (np.abs(hz - first) > 25.0) & (np.abs(hz - first) < 40.0)
    between = np.abs(hz - 1.5 * first) < 30.0
    assert level[beside].mean() - level[between].mean() > 5.0
    assert level[(hz > 2000.0) & (hz < 4000.0)].mean() - level[hz > 15000.0].mean() > 12.0


@KINDS
def test_pitch_is_exact_at_rest(play, kind):
    for pitch in (50, 60.25, 69, 81, 96):
        x = held(play, kind, pitch, seconds=3.0, motion=0.0)
        hz = to_hz(pitch)
        early, late = (carrier(x, hz)[round(t * RATE)] for t in (1.0, 2.5))
        drift = np.angle(late / early) / (2.0 * np.pi * 1.5)
        assert abs(1200.0 * math.log2(1.0 + drift / hz)) < 0.3


@KINDS
def test_mean_pitch_is_exact_in_motion(play, kind):
    found = [cents(held(play, kind, seconds=6.0, variation=v), 440.0)[RATE:-RATE].mean() for v in (0.1, 0.6, 0.9)]
    assert np.abs(found).max() < 1.0


@KINDS
def test_a_slide_goes_as_written(play, breathless, kind):
    x = play(
        Winds(RATE, 1, kind), [(0, 3, 69, 0.6, 0.3)], 3.0, motion=0.0, slides=[(0.8, 0, 71.5, 0.6), (1.8, 0, 69, 0.3)]
    )
    track = cents(x[0].astype(float), 440.0 * 2.0 ** (1.25 / 12.0)) + 125.0
    wanted = {0.75: 0.0, 0.95: 250.0 * (0.5 - 0.5 * math.cos(math.pi / 4.0)), 1.1: 125.0, 1.45: 250.0, 1.7: 250.0}
    for second, found in (wanted | {1.95: 125.0, 2.2: 0.0}).items():
        assert at(track, second) == pytest.approx(found, abs=0.5), second


def legato(play, kind, overlap_s=0.06, pitch=72, second_s=1.0):
    notes = [(0, 1.0 + overlap_s, 69, 0.6, 0.3), (1.0, second_s, pitch, 0.6, 0.7)]
    winds = Winds(RATE, 1, kind)
    return winds, play(winds, notes, 1.0 + 0.9 * second_s, motion=0.0)[0].astype(float)


@KINDS
def test_notes_that_overlap_are_one_breath(play, breathless, kind):
    """The pitch glides along an S, and the tone goes on."""
    winds, x = legato(play, kind)
    assert winds.sounding == 1
    track = cents(x, to_hz(70.5)) + 150.0
    low, high = PIPES[kind].glide_s
    glide_s = low + 0.25 * (high - low)
    for share in (0.25, 0.5, 0.75):
        wanted = 300.0 * (0.5 - 0.5 * math.cos(math.pi * share))
        assert track[round((1.0 + share * glide_s) * RATE)] == pytest.approx(wanted, abs=20.0)
    assert at(track, 0.95) == pytest.approx(0.0, abs=0.5) and at(track, 1.5) == pytest.approx(300.0, abs=0.5)
    level = 10.0 * np.log10((x[RATE // 2 : round(1.85 * RATE)].reshape(-1, 480) ** 2).mean(1))
    assert level.max() - level.min() < 2.0


@KINDS
def test_a_note_that_is_held_on_comes_back(play, breathless, kind):
    winds, x = legato(play, kind, 3.0, 76, 3.0)
    assert winds.sounding == 2
    levels = [20.0 * math.log10(abs(carrier(x, to_hz(pitch))[round(2.8 * RATE)])) for pitch in (69, 76)]
    assert abs(levels[0] - levels[1]) < 0.5
    returned = np.abs(carrier(x, 440.0, width_hz=20.0))
    assert returned[round(1.12 * RATE)] < 0.3 * returned[round(0.9 * RATE)]


@pytest.mark.parametrize("overlap_s", [0.02, 0.11])
def test_a_short_overlap_leaves_nothing_behind(play, breathless, overlap_s):
    winds, x = legato(play, FLUTE, overlap_s, 76)
    left = np.abs(carrier(x, 440.0, width_hz=20.0))
    assert winds.sounding == 1 and left[round(1.4 * RATE) :].max() < 1e-3 * left[round(0.9 * RATE)]


def test_notes_struck_together_are_a_chord(play, breathless):
    chord = [(0.1 + 0.02 * i, 2, pitch, 0.6, 0.3 * i) for i, pitch in enumerate((60, 67, 76))]
    winds = Winds(RATE, 1)
    x = play(winds, chord, 1.5, motion=0.0)[0].astype(float)
    assert winds.sounding == 3
    levels = [20.0 * math.log10(abs(carrier(x, to_hz(note[2]))[RATE])) for note in chord]
    assert max(levels) - min(levels) < 1.5


def test_a_repeated_note_is_tongued(play, breathless):
    """Whether it overlaps or follows at once."""
    for gap_s in (-0.03, 0.0):
        winds = Winds(RATE, 1)
        x = play(winds, [(0, 1 - gap_s, 69, 0.6, 0.3), (1, 1, 69, 0.6, 0.7)], 1.6, motion=0.0)[0].astype(float)
        level = 20.0 * np.log10(np.abs(carrier(x, 440.0)))
        assert level[RATE : round(1.1 * RATE)].min() < level[round(0.9 * RATE)] - 4.0
        assert level[round(1.4 * RATE)] == pytest.approx(level[round(0.9 * RATE)], abs=0.3)
        assert winds.sounding == 1


def test_a_note_struck_again_as_it_ends_speaks_at_once(play, breathless):
    x = play(Winds(RATE, 1), [(0, 1, 69, 0.6, 0.3), (1.1, 1, 69, 0.6, 0.7)], 1.5, motion=0.0)[0].astype(float)
    level = np.abs(carrier(x, 440.0))
    assert level[round(1.1 * RATE)] < 0.1 * level[round(0.9 * RATE)]
    assert level[round(1.2 * RATE)] > 0.8 * level[round(0.9 * RATE)]
    assert abs(at(cents(x, 440.0), 1.3)) < 0.5


def test_a_shakuhachi_comes_up_to_its_pitch(play, breathless):
    starts = []
    for variation in (0.1, 0.3, 0.5, 0.7, 0.9):
        track = cents(held(play, SHAKUHACHI, seconds=1.0, variation=variation), 440.0)
        starts.append(track[round(0.03 * RATE)])
        assert abs(track[round(0.3 * RATE) : round(0.4 * RATE)].mean()) < 6.0
    assert -85.0 < min(starts) < max(starts) < -30.0 and max(starts) - min(starts) > 10.0


def test_the_breath_swells_as_a_shakuhachi_begins(play):
    """By 3 to 6 dB above what it is later."""
    high = signal.butter(4, (6000.0, 14000.0), "band", fs=RATE, output="sos")
    x = [held(play, SHAKUHACHI, seconds=1.5, variation=v, motion=0.0) for v in (0.1, 0.3, 0.5, 0.7, 0.9)]
    power = sum(signal.sosfilt(high, one) ** 2 for one in x)
    level = 10.0 * np.log10(power[: RATE * 3 // 2].reshape(-1, 960).mean(1))
    assert 2.5 < level[3:10].max() - level[-25:].mean() < 7.0


@KINDS
def test_vibrato_comes_late_and_follows_motion(play, breathless, kind):
    depth = []
    for motion in (0.0, 0.3, 1.0):
        track = cents(held(play, kind, seconds=3.5, motion=motion), 440.0)
        early, late = track[round(0.3 * RATE) : round(0.42 * RATE)], track[2 * RATE : 3 * RATE]
        depth.append(math.sqrt(2.0) * late.std())
        assert motion == 0.0 or early.std() < 0.6 * late.std()
    low, high = PIPES[kind].vibrato_cents
    assert depth[0] < 0.01 and 0.7 * low < depth[1] < 1.4 * high and 1.3 * depth[1] < depth[2] < 2.0 * depth[1]


@KINDS
def test_vibrato_is_no_line(play, breathless, kind):
    """Over 5 s no 0.2 Hz hold half of it; a steady one would have two thirds there."""
    shares = []
    for variation in (0.05, 0.2, 0.37, 0.55, 0.7, 0.9):
        track = cents(held(play, kind, seconds=6.5, variation=variation), 440.0)[RATE : 6 * RATE]
        power = np.abs(np.fft.rfft((track - track.mean()) * np.hanning(track.size))) ** 2
        power[np.abs(np.fft.rfftfreq(track.size, 1.0 / RATE) - 4.75) > 3.25] = 0.0
        shares.append(power.max() / power.sum())
    assert np.mean(shares) < 0.45 and max(shares) < 0.6


@KINDS
def test_velocity_moves_level_tone_and_breath(play, kind):
    x = [held(play, kind, 69, v, motion=0.0)[RATE:] for v in (0.2, 0.4, 0.6, 0.8, 1.0)]
    assert np.all(np.diff([rms_db(one) for one in x]) > 1.5)
    tones = [harmonics(one, 440.0, 4) for one in x]
    assert np.all(np.diff([(tone**2 @ np.arange(1, 5)) / (tone**2).sum() for tone in tones]) > 1e-3)
    clarity = [tone_to_noise_db(one, 440.0) for one in x]
    assert np.all(np.diff(clarity) > 0.5)
    assert 0.0 < clarity[-1] - clarity[0] + 12.0 * math.log10(0.2) < 3.0


@KINDS
def test_brightness_raises_the_centroid(play, kind):
    found = [centroid(held(play, kind, motion=0.0, brightness_oct=b)[RATE:]) for b in (-2, -1, 0, 0.75, 1.5)]
    assert np.all(np.diff(found) > 5.0)


@KINDS
def test_expression_moves_the_timbre(play, kind):
    found = []
    for swell, breath in ((0.0, 0.0), (6.0, 0.0), (6.0, 1.0)):
        edges = np.zeros((65, EDGE_COLUMNS), np.float32)
        edges[:, COLUMN["attack_ms"]], edges[:, EXPRESSION_DB], edges[:, BREATH] = 5.0, swell, breath
        events, heard = np.zeros((MAX_EVENTS, EVENT_COLUMNS)), np.zeros((2, MAX_FRAMES), np.float32)
        events[0] = 0, 1.0, 1, 69, 0.7, 0.5, 0.0
        winds = Winds(RATE, 1, kind)
        for block in range(12):
            winds.render(events, int(block == 0), edges, 64, heard)
        tone = harmonics(heard[0].astype(float), 440.0, 4)
        found.append(20.0 * math.log10(tone[1] / tone[0]))
    assert np.diff(found) == pytest.approx([2.2 * 0.06 * 6.0, 2.2 * 0.5], abs=0.3)


@KINDS
def test_attack_lengthens_the_rise(play, breathless, kind):
    rises = []
    for attack_ms in (5.0, 30.0, 80.0, 300.0, 1000.0, 2000.0):
        level = np.abs(carrier(held(play, kind, seconds=5.0, attack_ms=attack_ms, motion=0.0), 440.0, width_hz=120.0))
        rises.append(np.argmax(level > 0.9 * level[-RATE // 2]) / RATE)
    assert 0.025 < rises[0] and np.all(np.diff(rises) > 0.003) and rises[-1] < 3.1
    assert rises[2] == pytest.approx(math.hypot(0.03, 0.08 * PIPES[kind].attack_factor), rel=0.15)


def clicks_db(x):
    """The loudest 2 ms above 10 kHz, to the whole."""
    high = signal.sosfilt(signal.butter(8, 10000.0, "high", fs=RATE, output="sos"), x)
    return 10.0 * math.log10((high**2)[: x.size // 96 * 96].reshape(-1, 96).mean(1).max()) - rms_db(x)


@KINDS
def test_nothing_clicks(play, breathless, kind):
    """Onset, release, slide, legato, tongue, a chord, and voices that are taken over."""
    slides = [(0.1 * i, i, 40 + 2 * i, 0.03) for i in range(12)]
    steals = [(2.0 + 0.01 * i, 0.4, 60 + i % 17, 0.8, 0.04 * i) for i in range(24)]
    x = play(Winds(RATE, 1, kind), BUSY + steals, 4.0, slides=slides, attack_ms=5.0, brightness_oct=-1.0)[0]
    assert clicks_db(x.astype(float)) < -75.0


@KINDS
def test_breath_has_no_gate(play, kind):
    """It comes in over milliseconds even where the attack is hardest, and goes where it is not heard."""
    x = held(play, kind, seconds=1.0, attack_ms=5.0)
    high = signal.sosfilt(signal.butter(4, 5000.0, "high", fs=RATE, output="sos"), x) ** 2
    assert high[:48].mean() < 3e-3 * high[RATE // 2 :].mean()
    x = play(Winds(RATE, 1, kind), [(0, 0.5, 69, 0.6, 0.3)], 2.0)[0]
    last = np.flatnonzero(x)[-1]
    assert np.abs(x[last - 96 : last]).max() < 1e-5


@KINDS
def test_it_ends_in_exact_silence(play, kind):
    winds = Winds(RATE, 1, kind)
    x = play(winds, BUSY, 3.0)
    assert winds.sounding == 0 and x.any() and not x[:, -RATE // 2 :].any()


def test_it_is_silent_up_to_the_frame_of_a_note(play):
    notes = [(0.0505, 0.1, 69, 1.0, 0.3), (0.9505, 0.1, 69, 1.0, 0.3)]
    x = play(Winds(RATE, 1), notes, 1.1, attack_ms=5.0)
    assert x.any() and not x[:, : round(0.0505 * RATE) + 1].any()
    assert not x[:, round(0.8 * RATE) : round(0.9505 * RATE) + 1].any() and x[:, round(0.96 * RATE) :].any()


@pytest.mark.parametrize("blocks", [(1,), (7,), (3, 64, 1)])
def test_any_split_gives_the_same_samples(play, blocks):
    slides = [(0.1, 0, 62, 0.1), (0.3, 1, 66, 0.05)]
    whole, split = (play(Winds(RATE, 5, NEY), BUSY, 1.3, blocks=b, slides=slides) for b in ((64,), blocks))
    assert whole.tobytes() == split.tobytes() and np.abs(whole).max() > 0.02


def test_the_seed_decides_and_no_two_notes_are_alike(play):
    first, again, other = (play(Winds(RATE, seed), BUSY, 0.5) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes() != other.tobytes()
    assert np.abs(held(play, FLUTE, seconds=0.5) - held(play, FLUTE, seconds=0.5, variation=0.4)).max() > 1e-3


def test_the_player_moves_a_little(play):
    left, right = play(Winds(RATE, 1), TUNE, 13.0, motion=1.0).astype(float)
    loss_db = rms_db(np.stack(((left + right) / 2.0,) * 2)) - rms_db(np.stack((left, right)))
    sides = [rms_db(left[i : i + RATE]) - rms_db(right[i : i + RATE]) for i in range(0, 12 * RATE, RATE)]
    assert -1.0 < loss_db <= 0.0 and 0.3 < max(sides) - min(sides) < 6.0
    left, right = play(Winds(RATE, 1), TUNE[:2], 1.0, motion=0.0)
    assert left.any() and np.allclose(left, right, atol=1e-7)


def test_six_hundred_notes(play):
    draw = np.random.default_rng(3)
    notes = [(0.001 * i, 0.02, *draw.uniform((20, 0, 0), (120, 1, 1))) for i in range(600)]
    winds = Winds(RATE, 1, SHAKUHACHI)
    x = play(winds, notes, 2.0, attack_ms=5.0)
    assert np.isfinite(x).all() and np.abs(x).max() < 1.0
    assert winds.sounding == 0 and not x[:, -4800:].any()
    chord = Winds(RATE, 1)
    play(chord, [(0.0, 2.0, 40 + 3 * i, 0.5, 0.04 * i) for i in range(20)], 0.5)
    assert chord.sounding == VOICES


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])  # `play` keeps nothing
@given(
    rate=st.sampled_from([8000, 22050, 44100, 192000]),
    kind=st.sampled_from([FLUTE, NEY]),
    brightness=st.sampled_from([-2.0, 1.5]),
    motion=st.sampled_from([0.0, 1.0]),
    pitch=st.floats(0.0, 127.0),
    velocity=st.floats(0.0, 1.0),
    start=st.floats(0.0, 0.05),
)
def test_extremes_stay_finite(play, rate, kind, brightness, motion, pitch, velocity, start):
    notes = [(start, 0.1, pitch, velocity, 0.5), (start, 0.1, 127.0 - pitch, 1.0, 0.999)]
    controls = {"brightness_oct": brightness, "motion": motion, "attack_ms": 5.0}
    x = play(Winds(rate, 1, kind), notes, 0.3, rate, slides=[(0.08, 0, 127.0, 0.001)], **controls)
    assert np.isfinite(x).all() and np.abs(x).max() < 1.0


def test_it_does_not_alias(play, breathless):
    hz = to_hz(105)
    x = held(play, NEY, 105, 1.0, motion=0.0, brightness_oct=1.5)[-65536:] * np.kaiser(65536, 32.0)
    spectrum = np.abs(np.fft.rfft(x))
    bins = np.arange(spectrum.size)
    far = np.abs(bins - np.rint(bins * RATE / 65536 / hz) * hz * 65536 / RATE) > 14
    assert 20.0 * math.log10(spectrum[far].max() / spectrum.max()) < -100.0


def test_a_kind_that_is_not_is_named():
    with pytest.raises(ValueError, match=r"kind = 4: give 0 to 3 \(flute, shakuhachi, ney, bansuri\)"):
        Winds(RATE, 1, kind=4)
