"""What every instrument owes the engine, whoever it is: answers to hands, levels, silence, and notes from anywhere."""

from __future__ import annotations

import numpy as np
import pytest

from synth.instruments import CATALOGUE, make
from synth.units import db_to_gain

RATE = 48_000
HOME = {"pad": 60, "bass": 40, "drone": 38, "melody": 67, "bells": 72}  # a note in the middle of a role's range
PARTS = {
    "pad": [(4.0 * i, 3.9, pitch, 0.5) for i in range(2) for pitch in (50, 57, 62, 66)],
    "bass": [(2.0 * i, 1.9, pitch, 0.5) for i, pitch in enumerate((38, 45, 31, 36))],
    "drone": [(0.0, 8.0, 38, 0.5)],
    "melody": [
        (0.8 * i, 0.75, pitch, 0.45 + 0.05 * (i % 3)) for i, pitch in enumerate((62, 66, 69, 67, 74, 71, 69, 66))
    ],
    "bells": [(1.6 * i, 1.2, pitch, 0.5) for i, pitch in enumerate((74, 69, 78, 62))],
    "percussion": [(0.5 * i, 0.3, (36, 72, 50, 72)[i % 4], 0.4 + 0.1 * (i % 3)) for i in range(16)],
}
PITCHED = [name for name, entry in CATALOGUE.items() if entry.stems[0] in HOME]
PLAYED = [name for name, entry in CATALOGUE.items() if entry.stems[0] in PARTS]


def note(play, name: str, velocity: float = 0.6, **controls: float) -> np.ndarray:
    home = HOME[CATALOGUE[name].stems[0]]
    x = play(make(name, RATE, 5), [(0.0, 2.6, home, velocity, 0.25)], 3.0, RATE, **controls)
    return x.astype(np.float64)


def level_db(x: np.ndarray) -> float:
    return float(10.0 * np.log10((x**2).mean()))


def centroid_hz(x: np.ndarray) -> float:
    power = (np.abs(np.fft.rfft(x, axis=1)) ** 2).sum(axis=0)
    hz = np.fft.rfftfreq(x.shape[1], 1.0 / RATE)
    return float((hz * power).sum() / power.sum())


def rise_s(x: np.ndarray) -> float:
    """Until half of the highest amplitude of 5 ms, or of what is held where that is less: voices beat."""
    size = round(0.005 * RATE)
    amplitude = np.sqrt((x[:, : x.shape[1] // size * size] ** 2).sum(axis=0).reshape(-1, size).mean(axis=1))
    held = float(np.median(amplitude[round(1.6 / 0.005) : round(2.5 / 0.005)]))
    return 0.005 * int(np.argmax(amplitude >= 0.5 * (held if held > 0.1 * amplitude.max() else amplitude.max())))


def rising(values: list[float], slack: float = 0.0) -> bool:
    return all(b >= a - slack for a, b in zip(values, values[1:], strict=False)) and values[-1] > values[0]


@pytest.mark.parametrize("name", PITCHED)
def test_a_harder_touch_is_louder_and_no_darker(play, name):
    notes = [note(play, name, velocity) for velocity in (0.1, 0.3, 0.5, 0.75, 1.0)]
    levels = [level_db(x) for x in notes]
    if "drone" in CATALOGUE[name].stems:
        assert rising(levels, 0.3)
        return
    assert rising(levels, 0.3) and 3.0 < levels[-1] - levels[0] < 32.0
    if "breath" not in CATALOGUE[name].sounds:  # more of what is blown softly is air
        assert centroid_hz(notes[-1]) > 0.97 * centroid_hz(notes[0])


@pytest.mark.parametrize("name", PITCHED)
def test_brightness_raises_the_centroid_all_the_way(play, name):
    centroids = [centroid_hz(note(play, name, brightness_oct=b)) for b in (-2.0, -1.0, 0.0, 0.75, 1.5)]
    assert rising(centroids, 0.01 * centroids[0])


@pytest.mark.parametrize("name", PITCHED)
def test_a_softer_attack_never_comes_sooner(play, name):
    notes = [note(play, name, attack_ms=ms) for ms in (5.0, 25.0, 100.0, 300.0, 900.0)]
    rises = [rise_s(x) for x in notes]
    assert all(b >= 0.9 * a - 0.002 for a, b in zip(rises, rises[1:], strict=False)), rises
    assert rises[-1] > rises[0] or centroid_hz(notes[-1]) < centroid_hz(notes[0])


@pytest.mark.parametrize("name", PLAYED)
def test_a_typical_part_has_headroom_and_no_dc(play, name):
    rows = [(*row, 0.37 * i % 1.0) for i, row in enumerate(PARTS[CATALOGUE[name].stems[0]])]
    x = play(make(name, RATE, 5), rows, 9.0, RATE)
    assert np.abs(x).max() < db_to_gain(-6.0)
    assert np.abs(x.mean(axis=1, dtype=np.float64)).max() < db_to_gain(-80.0)


@pytest.mark.parametrize("name", PLAYED)
def test_notes_from_far_outside_are_played_somehow(play, name):
    rows = [(0.4 * i, 0.5, pitch, 1.0, 0.1 * i) for i, pitch in enumerate((-40.0, 0.0, 11.5, 127.0, 150.3))]
    x = play(make(name, 44_100, 5), rows, 2.5, 44_100, brightness_oct=1.5, attack_ms=5.0)
    assert np.isfinite(x).all() and np.abs(x).max() < 2.5  # as hard and as bright as can be


@pytest.mark.parametrize("name", PITCHED)
def test_everything_dies_away(play, name):
    instrument = make(name, 22_050, 5)
    play(instrument, [(0.1 * i, 0.3, HOME[CATALOGUE[name].stems[0]] + i, 0.8, 0.1 * i) for i in range(6)], 1.0, 22_050)
    for _ in range(12):
        tail = play(instrument, [], 10.0, 22_050)
        if not tail[:, -22_050:].any():
            break
    assert np.abs(tail[:, -22_050:]).max() < 1e-6 and instrument.sounding == 0
