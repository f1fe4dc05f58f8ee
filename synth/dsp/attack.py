"""How fast sound may set in: the level that may follow what was heard without setting in suddenly.

An attack is a rise of the short level by 12 dB (four times the amplitude) or more that ends above the programme's
loudness less 12 LU. It takes at least `attack_ms` from 10 to 90 % of its rise in amplitude (Blumenthal 1988: slower
onsets startle less and less often). The short level is the K-weighted mean square of 20 ms (BS.1770): a period of
50 Hz, so that it does not follow the waveform of a bass, and short enough to show a step as 16 ms.

It is kept by a rule that needs to know nothing of what comes: within `attack_ms` the level rises by `growth_db` and no
more, or to a floor, if that is higher. A rise by `x` from `v` is an attack when `x` is 2.98 `v` or more; its 10 and
90 % then lie at least 9.05 dB apart, which a growth of less cannot pass in the time. So a strike that stands out from
what sounds by less is left alone, and one that stands out by more follows along a straight line in decibels.
"""

from __future__ import annotations

import math

import numpy as np

from synth.dsp._jit import kernel
from synth.dsp.loudness import slide
from synth.dsp.quantum import QUANTUM

WINDOW_S = 0.02
ONSET = 0.5  # a quantum may hold twice the mean square of a low tone
MOST, LEAST = 2.0, 0.5  # of what is allowed in a window, for one quantum of it
SPANS = 4  # into which an attack time is cut, to find the least level

TOTAL, HEARD = range(2)  # state, float64: sum of the window, level heard last
AT, SPAN, FILLED = range(3)  # places
GROWTH, STEP, SPAN_QUANTA = range(3)  # settings


@kernel
def attack_level(power, recent, state, places):  # type: ignore[no-untyped-def]
    """The level with one more quantum, of K-weighted mean square `power`; at an onset it leads the window's mean."""
    state[TOTAL] = slide(recent, 0, places[AT], power, state[TOTAL])
    places[AT] = places[AT] + 1 if places[AT] + 1 < recent.shape[1] else 0
    return max(state[TOTAL] / recent.shape[1], ONSET * power)


@kernel
def attack_allowed(floor, settings, least, state, places):  # type: ignore[no-untyped-def]
    """The level that may be heard in the next quantum; up to `floor` all is free."""
    lately = before = np.inf
    span = places[SPAN]
    for i in range(2 * SPANS + 1):
        before = min(before, least[span])
        lately = before if i == SPANS else lately
        span = span - 1 if span > 0 else 2 * SPANS
    line = min(settings[GROWTH] * lately, settings[STEP] * max(state[HEARD], floor))
    return max(floor, settings[GROWTH] * before, line)


@kernel
def attack_left(allowed, recent, state, places):  # type: ignore[no-untyped-def]
    """The power that the next quantum may have for the level to stay within `allowed`; `recent` is what was heard."""
    left = allowed * recent.shape[1] - (state[TOTAL] - recent[0, places[AT]])
    return min(max(left, LEAST * allowed), MOST * allowed)


@kernel
def attack_heard(level, settings, least, state, places):  # type: ignore[no-untyped-def]
    """Take in the level that was heard at the end of the quantum."""
    state[HEARD] = level
    if places[FILLED] >= int(settings[SPAN_QUANTA]):
        places[FILLED] = 0
        places[SPAN] = places[SPAN] + 1 if places[SPAN] < 2 * SPANS else 0
        least[places[SPAN]] = level
    least[places[SPAN]] = min(least[places[SPAN]], level)
    places[FILLED] += 1


class Attack:
    """Settings and state of one rule; a kernel hands `arrays` on: settings, recent, least, state, places.

    With `line` a rise that goes on after the first `growth_db` follows a straight line in decibels, without steps.
    """

    def __init__(self, sample_rate: int, attack_ms: float, growth_db: float, line: bool) -> None:
        quantum_s = QUANTUM / sample_rate
        settings = np.zeros(3)
        settings[GROWTH] = 10.0 ** (growth_db / 10.0)
        settings[STEP] = settings[GROWTH] ** (1000.0 * quantum_s / attack_ms) if line else np.inf
        settings[SPAN_QUANTA] = math.ceil(0.001 * attack_ms / quantum_s / SPANS)
        recent = np.zeros((1, max(int(WINDOW_S / quantum_s), 1)))
        self.arrays = (settings, recent, np.zeros(2 * SPANS + 1), np.zeros(2), np.zeros(3, np.int64))
