"""Stiffness of a string: its partials lie at n f_0 sqrt(1 + B n^2), as high ones travel faster (Fletcher, "Normal
vibration frequencies of a stiff piano string", JASA 36(1), 1964).

In a loop, a chain of equal first-order allpasses holds low partials up more than high ones (Van Duyne & Smith, "A
simplified approach to modeling dispersion caused by stiffness in strings and plates", ICMC 1994). Its one coefficient
is set, with the rest of the loop, so that the fundamental and one high partial are where they belong (a tuning as in
Rauhala & Valimaki, "Tunable dispersion filter design for piano synthesis", IEEE SPL 13(5), 2006): those between stray
by less than 4 cents, up to B n^3 = 0.8 and a fifth of the sample rate, and those above lag behind.
"""

from __future__ import annotations

import math

import numpy as np

from synth.dsp._jit import kernel

SECTIONS = 8
STIFFEST = 0.01
EXACT = 0.7  # B n^3 of the partial that is exact: above, the chain cannot hold low ones up for long enough
HIGHEST = 0.2  # of the sample rate, for that partial
STEPS = 30
CHAIN_ROWS = SECTIONS + 2  # coefficient, samples before, between and after


def coefficient(sample_rate: float, hz: float, inharmonicity: float, spare: float) -> float:
    """Coefficient of the allpasses of a string that sounds at `hz`; 0 when there is nothing to do, or no room.

    `inharmonicity` is B, 0 to STIFFEST; `spare` is the delay in samples that the rest of the loop needs.
    """
    b, period = min(inharmonicity, STIFFEST), sample_rate / hz
    room = (period - spare) / SECTIONS
    if not b > 0.0:
        return 0.0
    w0 = 2.0 * math.pi / period
    n = (EXACT / b) ** (1.0 / 3.0)
    ratio = n * math.sqrt((1.0 + b * n * n) / (1.0 + b))
    if ratio * w0 > 2.0 * math.pi * HIGHEST:
        u2 = (HIGHEST * period) ** 2 * (1.0 + b)
        n = math.sqrt((math.sqrt(1.0 + 4.0 * b * u2) - 1.0) / (2.0 * b))
        ratio = HIGHEST * period
    if ratio <= 1.0:
        return 0.0
    ahead = period * (1.0 - n / ratio) / SECTIONS  # samples by which the partial must be earlier than the fundamental
    least, most = -1.0, 0.0
    for _ in range(STEPS):
        a = 0.5 * (least + most)
        late = phase_delay(a, w0)
        if late > room or late - phase_delay(a, ratio * w0) > ahead:
            least = a
        else:
            most = a
    return most


def phase_delay(a: float, w: float) -> float:
    """Samples by which an allpass (a + 1/z) / (1 + a/z) delays a sinusoid of `w` radians a sample."""
    return 1.0 - 2.0 * math.atan2(a * math.sin(w), 1.0 + a * math.cos(w)) / w


def group_delay(a: float, w: float) -> float:
    """Samples by which it delays what happens near `w`."""
    return (1.0 - a * a) / (1.0 + 2.0 * a * math.cos(w) + a * a)


@kernel
def disperse(memory, row, at, count, line, base):  # type: ignore[no-untyped-def]
    """`count` samples of `row` of `memory` from `at` on, in place, through the allpasses.

    From `base` on, column `row` of `line` has their CHAIN_ROWS.
    """
    a, z0, z1, z2 = line[base, row], line[base + 1, row], line[base + 2, row], line[base + 3, row]
    z3, z4, z5 = line[base + 4, row], line[base + 5, row], line[base + 6, row]
    z6, z7, z8 = line[base + 7, row], line[base + 8, row], line[base + 9, row]
    start = np.uint64(at)
    for n in range(np.uint64(count)):
        x0 = memory[row, start + n]
        x1 = a * (x0 - z1) + z0
        x2 = a * (x1 - z2) + z1
        x3 = a * (x2 - z3) + z2
        x4 = a * (x3 - z4) + z3
        x5 = a * (x4 - z5) + z4
        x6 = a * (x5 - z6) + z5
        x7 = a * (x6 - z7) + z6
        x8 = a * (x7 - z8) + z7
        z0, z1, z2, z3, z4, z5, z6, z7, z8 = x0, x1, x2, x3, x4, x5, x6, x7, x8
        memory[row, start + n] = x8
    line[base + 1, row], line[base + 2, row], line[base + 3, row] = z0, z1, z2
    line[base + 4, row], line[base + 5, row], line[base + 6, row] = z3, z4, z5
    line[base + 7, row], line[base + 8, row], line[base + 9, row] = z6, z7, z8
