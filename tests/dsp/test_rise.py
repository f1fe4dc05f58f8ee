"""The rise rule on powers alone: steady music passes, a jump is held to its limit, silence is left in its time."""

from __future__ import annotations

import numpy as np
import pytest

from synth.dsp.loudness import OFFSET_LU
from synth.dsp.quantum import QUANTUM
from synth.dsp.rise import Rise, rise_goal, rise_heard

RATE = 6_400  # ten quanta a tenth of a second
QUANTUM_S = QUANTUM / RATE


def gains(levels_lufs: list[tuple[float, float]], rise_lu: float = 5.0, start_s: float = 3.0) -> np.ndarray:
    """The rule's gain in dB at each quantum of levels that last some seconds each, and what was heard, LUFS."""
    settings, recent, past, state, places = Rise(RATE, rise_lu, 1.0, -63.0, -23.0, start_s).arrays
    made = []
    for level, seconds in levels_lufs:
        power = 10.0 ** ((level - OFFSET_LU) / 10.0)
        for _ in range(round(seconds / QUANTUM_S)):
            gain = rise_goal(power, settings, recent, state, places)
            rise_heard(power * gain * gain, settings, recent, past, state, places)
            made.append((20.0 * np.log10(gain), level + 20.0 * np.log10(gain)))
    return np.array(made).T


def momentary(levels: np.ndarray) -> np.ndarray:
    n = round(0.4 / QUANTUM_S)
    return 10.0 * np.log10(np.convolve(10.0 ** (levels / 10.0), np.ones(n) / n, "valid"))


def test_steady_music_and_small_steps_pass_untouched():
    gain, _ = gains([(-40.0, 8.0), (-36.0, 2.0), (-34.0, 2.0), (-50.0, 2.0), (-38.0, 1.0)])
    assert np.all(gain[round(6.0 / QUANTUM_S) :] == 0.0)


@pytest.mark.parametrize("rise_lu", [3.0, 5.0])
def test_a_jump_rises_by_the_limit_in_the_window_and_is_let_through_later(rise_lu):
    gain, heard = gains([(-45.0, 8.0), (-25.0, 12.0)], rise_lu)
    loud = momentary(heard)[round(6.0 / QUANTUM_S) :]
    window = round(1.0 / QUANTUM_S)
    assert (loud[window:] - loud[:-window]).max() == pytest.approx(rise_lu, abs=0.7)
    assert gain[-1] == 0.0


@pytest.mark.parametrize("start_s", [3.0, 6.0])
def test_silence_is_left_no_faster_than_asked(start_s):
    _, heard = gains([(-25.0, 12.0)], start_s=start_s)
    loud = momentary(heard)
    reached_s = np.flatnonzero(loud > -25.5)[0] * QUANTUM_S
    assert 0.7 * start_s < reached_s < 1.2 * start_s


def test_nothing_is_lifted():
    gain, _ = gains([(-20.0, 2.0), (-90.0, 2.0), (-20.0, 5.0), (-120.0, 1.0)])
    assert gain.max() == 0.0 and np.isfinite(gain).all()
