"""The bridge of a tanpura or sitar: nearly flat, so a string that swings down lies against it and is a little shorter
for as long (Raman, "On some Indian stringed instruments", 1921). Its crests thus come earlier than its troughs, turn
after turn, and energy climbs from the low partials to the high ones, where it is lost.

The end of the string over the bridge is a spring, as in Pierce & Van Duyne, "A passive nonlinear digital filter design
which facilitates physics-based sound synthesis of highly nonlinear musical instruments", JASA 101(2), 1997, but one
that stiffens only beyond a gap, so that a faint string is a plain one (the one-sided contact of van Walstijn, Bridges &
Mehes, "A real-time synthesis oriented tanpura model", DAFx 2016). With x running into the bridge and y = x - d back, d
moves the spring from u to u + d, and x + y is the mean force on the way, (V(u + d) - V(u)) / d. So x^2 - y^2 is what
the spring's energy V grows by, exactly, however hard it is driven; and since d only moves what the spring holds, no DC
comes about.
"""

from __future__ import annotations

import numpy as np

from synth.dsp._jit import kernel

GIVE = 0.01  # length of the end, as part of the string's
SHORTENED = 0.5  # part of it that lies against the bridge, at most
GAP = 0.2  # of how far the pluck's own peak would move the spring

BRIDGE_ROWS = 4  # stiffness, what it gains beyond the gap, the gap, where the spring is

F0, F1, F2, HALF = np.float32(0.0), np.float32(1.0), np.float32(2.0), np.float32(0.5)


def bridge(period: float, jawari: float, peak: float) -> tuple[float, float, float]:
    """Stiffness, what it gains beyond the gap, and the gap, of the bridge of a string of `period` samples plucked to
    `peak`; zeros for a `jawari` of 0, the most is 1."""
    if not jawari > 0.0:
        return 0.0, 0.0, 0.0
    stiffness = 2.0 / (GIVE * period)
    part = SHORTENED * min(jawari, 1.0)
    return stiffness, stiffness * part / (1.0 - part), GAP * peak * GIVE * period


def bridge_allpass(stiffness: float) -> float:
    """Coefficient of the first-order allpass (see `dispersion`) that the bridge is within its gap."""
    return (stiffness - 2.0) / (stiffness + 2.0)


@kernel
def rest(memory, row, at, count, line, base):  # type: ignore[no-untyped-def]
    """`count` samples of `row` of `memory` from `at` on, in place, to the bridge and back; column `row` of `line` has
    the BRIDGE_ROWS from `base` on."""
    k, gain, gap, u = line[base, row], line[base + 1, row], line[base + 2, row], line[base + 3, row]
    free = F1 + HALF * k
    held = free + HALF * gain
    start = np.uint64(at)
    for n in range(np.uint64(count)):
        x = memory[row, start + n]
        push, over = F2 * x - k * u, u - gap
        if over <= F0:
            d = push / free
            if d + over > F0:  # it meets the bridge on the way
                push -= gain * over
                d = (push + np.sqrt(max(push * push - F2 * held * gain * over * over, F0))) / (F2 * held)
        else:
            d = (push - gain * over) / held
            if d + over < F0:  # it leaves it
                d = (push - np.sqrt(push * push + F2 * free * gain * over * over)) / (F2 * free)
        u += d
        memory[row, start + n] = x - d
    line[base + 3, row] = u
