"""The lanes of expression: as the formulas say, alike in any split, faded in and out, of unchanged mean power."""

from __future__ import annotations

import numpy as np
import pytest

from synth.controls import BREATH, COLUMN, EDGE_COLUMNS, EXPRESSION_DB, FADE
from synth.expression import BREATH_RANGE, FADE_IN_S, FADE_OUT_S, INHALE, Expression
from synth.transport import BEATS, END, FIRST, FRAMES, HIGH, LOW, SPAN

RATE = 48_000
QUANTUM_S = 64 / RATE


def lanes(seconds: float, swell, *, length_s=None, sizes=(64,), range_lu=6.0, depth_db=0.0, rate_bpm=6.0) -> np.ndarray:
    """(edges, EDGE_COLUMNS) of a session's first `seconds`; a control may be a number or a value for each edge."""
    quanta = round(seconds / QUANTUM_S)
    whole = np.zeros((quanta + 1, EDGE_COLUMNS), np.float32)
    for name, value in (("dynamic_range_lu", range_lu), ("breath_depth_db", depth_db), ("breath_rate_bpm", rate_bpm)):
        whole[:, COLUMN[name]] = value
    swell = np.broadcast_to(np.asarray(swell, np.float64), quanta + 1).copy()
    expression, start, turn = Expression(RATE, length_s), 0, 0
    while start < quanta:
        count = min(sizes[turn % len(sizes)], quanta - start)
        edges = np.zeros((65, EDGE_COLUMNS), np.float32)
        edges[: count + 1] = whole[start : start + count + 1]
        spans = np.zeros((66, SPAN))
        for i, level in enumerate(swell[start : start + count + 1]):
            spans[i, [FIRST, END, FRAMES, BEATS, LOW, HIGH]] = i, i + 1, 1.0, 1.0, level, level
        expression.write(start, count, spans, count + 1, edges)
        whole[start : start + count + 1] = edges[: count + 1]
        start, turn = start + count, turn + 1
    return whole


def test_the_swell_is_as_wide_as_the_range_and_keeps_the_mean_power():
    phases = np.arange(round(60 / QUANTUM_S) + 1) * QUANTUM_S / 30.0
    made = lanes(60.0, 0.5 - 0.5 * np.cos(2 * np.pi * phases))[:, EXPRESSION_DB]
    assert np.ptp(made) == pytest.approx(6.0, abs=1e-3)
    assert 10 * np.log10(np.mean(10 ** (made / 10))) == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize("depth_db", [1.0, 4.0])
def test_the_breath_rises_for_its_share_and_keeps_the_mean_power(depth_db):
    made = lanes(60.0, 0.0, range_lu=BREATH_RANGE * depth_db, depth_db=depth_db)  # nothing is left for the swell
    level, wave = made[:, EXPRESSION_DB], made[:, BREATH] * 8.0 / depth_db
    assert np.ptp(level) == pytest.approx(depth_db, abs=1e-3)
    assert 10 * np.log10(np.mean(10 ** (level / 10))) == pytest.approx(0.0, abs=0.02)
    edge = np.arange(wave.size)
    place = (edge * QUANTUM_S * 6.0 / 60.0) % 1.0
    naive = np.where(place < INHALE, -np.cos(np.pi * place / INHALE), np.cos(np.pi * (place - INHALE) / (1 - INHALE)))
    assert np.abs(wave - naive).max() < 1e-4


def test_swell_and_breath_share_the_range():
    made = lanes(10.0, 1.0, range_lu=5.0, depth_db=3.0)[:, EXPRESSION_DB]
    low = lanes(10.0, 0.0, range_lu=5.0, depth_db=3.0)[:, EXPRESSION_DB]
    swell_db = np.sqrt(25.0 - (BREATH_RANGE * 3.0) ** 2)
    assert np.abs(made - low - swell_db).max() < 1e-4


def test_fades():
    fade = lanes(20.0, 0.5, length_s=18.0)[:, FADE]
    time_s = np.arange(fade.size) * QUANTUM_S
    rise, fall = np.clip(time_s / FADE_IN_S, 0, 1), np.clip((18.0 - time_s) / FADE_OUT_S, 0, 1)
    assert np.abs(fade - (0.5 - 0.5 * np.cos(np.pi * rise)) * (0.5 - 0.5 * np.cos(np.pi * fall))).max() < 1e-6
    assert fade[0] == 0.0 and np.all(fade[time_s >= 18.0] == 0.0)
    assert np.all(fade[(time_s > FADE_IN_S) & (time_s < 18.0 - FADE_OUT_S)] == 1.0)


def test_a_stop_is_silent_after_its_fade():
    expression = Expression(RATE, None)
    assert expression.stop(7.0) == 7.0 + FADE_OUT_S
    assert expression.stop(9.0) == 7.0 + FADE_OUT_S


@pytest.mark.parametrize("sizes", [(1,), (17, 3, 64)])
def test_any_split_gives_the_same_lanes(sizes):
    rng = np.random.default_rng(1)
    edges = round(3.0 / QUANTUM_S) + 1
    moving = {"range_lu": rng.uniform(2, 10, edges), "depth_db": rng.uniform(0, 8, edges)}
    moving |= {"rate_bpm": rng.uniform(4.5, 20, edges), "length_s": 6.0}
    swell = rng.uniform(0, 1, edges)
    assert np.array_equal(lanes(3.0, swell, **moving), lanes(3.0, swell, sizes=sizes, **moving))
