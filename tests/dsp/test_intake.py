"""What effects take in, and how they come to rest."""

from __future__ import annotations

import numpy as np

from synth.dsp.intake import LIMIT, QUIET, counts, faint, held, hush, rests, take
from synth.dsp.quantum import QUANTUM


def test_what_would_stay_in_a_filter_is_left_out():
    x, dry = np.ones((2, 200), np.float32), np.full((2, QUANTUM), 7.0, np.float32)
    x[0, 100], x[1, 101], x[1, 102], x[0, 103] = np.nan, -np.inf, 2e6, 9e5
    assert take(x, 70, dry)
    assert dry[0, 30] == 0.0 and dry[1, 31] == 0.0 and dry[1, 32] == 0.0 and dry[0, 33] == np.float32(9e5)
    assert np.delete(dry, [30, 31, 32, 33], axis=1).tolist() == [[1.0] * 60] * 2


def test_only_what_sounds_is_heard():
    x, dry = np.zeros((2, 200), np.float32), np.zeros((2, QUANTUM), np.float32)
    x[1, 64], x[0, 70 + QUANTUM], x[0, 80] = 1.0, 1.0, np.nan  # before, after, and no number
    assert not take(x, 70, dry)
    x[1, 69 + QUANTUM] = -1e-30
    assert take(x, 70, dry)


def test_hush_is_of_one_quantum():
    out = np.ones((2, 200), np.float32)
    hush(out, 70)
    assert out.sum() == 2 * (200 - QUANTUM) and not out[:, 70 : 70 + QUANTUM].any()


def test_a_faint_memory_is_forgotten():
    memory = np.full((2, 3), -1e-10, np.float32)
    assert faint(memory) and not memory.any()
    memory[1, 2] = -2e-9
    assert not faint(memory) and memory[1, 2] == np.float32(-2e-9)


def test_rest_comes_after_the_longest_silence_and_ends_at_once():
    count, memory = counts(1000.0), np.zeros((1, 4), np.float32)
    assert count[LIMIT] * QUANTUM >= 1000 + QUANTUM
    assert rests(count, False, memory)  # it begins at rest
    assert not rests(count, True, memory)
    memory[:] = 1.0
    quanta = 1
    while not rests(count, False, memory):
        assert memory.all()
        quanta += 1
    assert quanta == count[LIMIT] == count[QUIET] and not memory.any()


def test_held_is_for_the_edges_of_the_longest_block():
    assert held(0.5).shape == (65,) and held(0.5).dtype == np.float32 and (held(0.5) == 0.5).all()
