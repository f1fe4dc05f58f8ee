"""AmbiX: gains and channel order, the stereo decode, mono, turning without clicks, splits, silence."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.dsp.ambisonics import FASTEST_DEG_S, Encoder, Place, direction

QUANTUM = 64
RATE = 48000
LONG = 1 if not numba.config.DISABLE_JIT else 20  # as plain Python, shorter


@pytest.fixture(scope="session")
def encoded():
    def run(unit, x, sizes=(64,)):
        total = x.shape[1] // QUANTUM
        out, start, turn = np.zeros((4, total * QUANTUM), np.float32), 0, 0
        while start < total:
            count = min(sizes[turn % len(sizes)], total - start)
            frames = slice(start * QUANTUM, (start + count) * QUANTUM)
            block, piece = np.zeros((x.shape[0], 4096), np.float32), np.full((4, 4096), 7.0, np.float32)
            block[:, : count * QUANTUM] = x[:, frames]
            unit.render(block, count, piece)
            assert (piece[:, count * QUANTUM :] == 7.0).all()
            out[:, frames] = piece[:, : count * QUANTUM]
            start, turn = start + count, turn + 1
        return out

    return run


def noise(rows, quanta, seed=1):
    return np.random.default_rng(seed).normal(0.0, 0.1, (rows, quanta * QUANTUM)).astype(np.float32)


@pytest.mark.parametrize(
    "azimuth, elevation, y, z, x",
    [
        (0.0, 0.0, 0.0, 0.0, 1.0),
        (90.0, 0.0, 1.0, 0.0, 0.0),
        (-90.0, 0.0, -1.0, 0.0, 0.0),
        (180.0, 0.0, 0.0, 0.0, -1.0),
        (0.0, 90.0, 0.0, 1.0, 0.0),
        (30.0, 60.0, 0.25, np.sqrt(0.75), np.sqrt(3.0) / 4.0),
    ],
)
def test_channels_are_w_y_z_x_and_sn3d(encoded, azimuth, elevation, y, z, x):
    """The book of the format: ACN 0 to 3, gains 1, sin a cos e, sin e, cos a cos e."""
    mono = noise(1, 2)
    out = encoded(Encoder(RATE, [Place(azimuth, elevation, 0.0)]), np.concatenate((mono, mono)))
    for channel, gain in enumerate((1.0, y, z, x)):
        assert np.allclose(out[channel], 2.0 * gain * mono[0], atol=1e-6)


def test_left_and_right_are_spread_to_their_sides(encoded):
    x = noise(2, 2)
    out = encoded(Encoder(RATE, [Place(20.0, 0.0, 40.0)]), x)
    for channel, axis in ((1, 0), (2, 1), (3, 2)):
        wanted = direction(60.0, 0.0)[axis] * x[0] + direction(-20.0, 0.0)[axis] * x[1]
        assert np.allclose(out[channel], wanted, atol=1e-6)


def test_two_loudspeakers_at_the_sides_play_what_was_left_and_right(encoded):
    x = noise(2, 4)
    w, y, _, _ = encoded(Encoder(RATE, [Place(0.0, 0.0, 90.0)]), x)
    assert np.allclose(0.5 * (w + y), x[0], atol=1e-6)
    assert np.allclose(0.5 * (w - y), x[1], atol=1e-6)


@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90), st.floats(0, 180)), min_size=1, max_size=3))
def test_nothing_is_lost_in_mono(encoded, places):
    """W is the sum of all lefts and rights, wherever they are, and no channel of one source is louder than W."""
    x = noise(2 * len(places), 1)
    out = encoded(Encoder(RATE, [Place(*place) for place in places]), x)
    assert np.allclose(out[0], x.sum(axis=0, dtype=np.float64), atol=1e-6)
    single = encoded(Encoder(RATE, [Place(places[0][0], places[0][1], 0.0)]), np.stack((x[0], x[0])))
    assert np.allclose((single[1:].astype(float) ** 2).sum(axis=0), single[0].astype(float) ** 2, atol=1e-6)


def test_a_stem_turns_no_faster_than_it_may_and_arrives(encoded):
    """From the left to the right over the front, with no step: 180 degrees in six seconds."""
    unit = Encoder(RATE, [Place(90.0, 0.0, 0.0)])
    x = np.full((2, round(6.4 * RATE / LONG) // QUANTUM * QUANTUM), 0.5, np.float32)
    unit.move(0, Place(-90.0, 0.0, 0.0))
    w, y, z, front = (row.astype(float) for row in encoded(unit, x))
    assert np.allclose(w, 1.0) and not z.any()
    turned = np.degrees(np.unwrap(np.arctan2(y, front)))
    speed = np.abs(np.diff(turned)) * RATE
    assert speed.max() < 1.02 * FASTEST_DEG_S
    assert np.abs(np.diff(y, 2)).max() < 2e-6
    if LONG == 1:
        assert np.median(speed[: 5 * RATE]) == pytest.approx(FASTEST_DEG_S, rel=0.01)
        assert y[-1] == pytest.approx(-1.0, abs=1e-6) and np.ptp(y[-100:]) == 0.0


@pytest.mark.parametrize("start, goal", [((0.0, 90.0), (0.0, -90.0)), ((10.0, 20.0), (80.0, -45.0))])
def test_it_goes_along_a_great_circle(encoded, start, goal):
    unit = Encoder(RATE, [Place(*start, 0.0)])
    unit.move(0, Place(*goal, 0.0))
    x = np.full((2, RATE // LONG // QUANTUM * QUANTUM), 0.5, np.float32)
    at = encoded(unit, x)[1:, ::QUANTUM].astype(float)
    assert np.allclose(np.linalg.norm(at, axis=0), 1.0, atol=1e-5)
    angle = np.degrees(np.arccos(np.clip(direction(*start) @ at, -1.0, 1.0)))
    assert angle[-1] == pytest.approx(FASTEST_DEG_S * (x.shape[1] - QUANTUM) / RATE, abs=0.1)
    if start[1] != 90.0:
        normal = np.cross(direction(*start), direction(*goal))
        assert np.abs(normal @ at).max() < 1e-5


@pytest.mark.parametrize("sizes", [(1,), (5, 3, 17)])
def test_any_split_gives_the_same_samples(encoded, sizes):
    x, made = noise(4, 48 // min(LONG, 4)), []
    for split in ((64,), sizes):
        unit = Encoder(RATE, [Place(90.0, 0.0, 10.0), Place(-20.0, 30.0, 60.0)])
        unit.move(0, Place(-90.0, 40.0, 50.0))
        made.append(encoded(unit, x, split))
    assert np.array_equal(*made)


def test_silence(encoded):
    assert not encoded(Encoder(RATE, [Place(), Place(40.0)]), np.zeros((4, 4 * QUANTUM), np.float32)).any()
