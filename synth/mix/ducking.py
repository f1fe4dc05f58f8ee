"""Roles that step back for one another: what each listens to, how far it goes, and how quickly.

A pad makes room where the melody lives, in two wide bells, rather than growing softer as a whole; what has no place of
its own in the spectrum steps back as a whole. Each listens to the level of the stem that it makes room for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth.dsp._jit import kernel
from synth.dsp.block_filter import BANK, BLOCK, ROW, STATES, filter_quantum, restless
from synth.dsp.butterworth import prewarp, transition
from synth.instruments.base import QUANTUM
from synth.units import db_to_gain


class Bell(NamedTuple):
    """A cut of `db` at `hz`, as wide as `q` says."""

    db: float
    hz: float
    q: float


@dataclass(frozen=True, slots=True)
class Duck:
    """While `under` sounds, `role` loses `db` at most as a whole, or in two `bells` at most.

    It goes down and comes back as one-poles of `down_s` and `back_s`.
    """

    role: str
    under: str
    down_s: float
    back_s: float
    db: float = 0.0
    bells: tuple[Bell, ...] = ()


MUD, PRESENCE = Bell(3.0, 300.0, 0.8), Bell(2.0, 1730.0, 0.5)  # the second in the middle of 1 to 3 kHz
DUCKS = (
    Duck("pad", "melody", 0.15, 0.9, bells=(MUD, PRESENCE)),
    Duck("drone", "melody", 0.15, 0.9, bells=(MUD, PRESENCE)),
    Duck("texture", "melody", 0.15, 0.9, bells=(PRESENCE,)),
    Duck("bass", "percussion", 0.015, 0.18, db=2.0),
    Duck("nature", "melody", 1.0, 4.0, db=3.0),
    Duck("reverb", "melody", 0.2, 1.2, db=3.0),
)
HALF_WAY = 0.0007  # mean square of a stem at which those under it are half-way down: 6 dB under a part of -23 LUFS

DUCK, DEPTH, DOWN, BACK = range(4)  # rows of `ducks`, one a column
UNDER, ROLE, BELLS = range(3)  # rows of `links`: stems by number, and which of `cuts` (-1: as a whole)
DRIVE, WHOLE, DIP, DIP_WAS = range(4)  # rows of `moves`, a stem a column
MATRIX = (BLOCK + STATES) * ROW

F0, F1 = np.float32(0.0), np.float32(1.0)
SPAN = np.uint64(QUANTUM)
RAMP = np.arange(QUANTUM, dtype=np.float32) / np.float32(QUANTUM)
STEP = np.float32(1.0 / QUANTUM)
FLUSH = np.float32(1e-9)


def make_ducks(names: tuple[str, ...], sample_rate: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """`ducks` and `links` of those among stems `names`."""
    active = _active(names)
    ducks, links = np.zeros((BACK + 1, len(active)), np.float32), np.full((BELLS + 1, len(active)), -1, np.int64)
    for i, d in enumerate(active):
        ducks[DEPTH, i] = 1.0 - db_to_gain(-d.db)
        ducks[DOWN, i], ducks[BACK, i] = (1.0 - math.exp(-QUANTUM / (s * sample_rate)) for s in (d.down_s, d.back_s))
        links[UNDER, i], links[ROLE, i] = names.index(d.under), names.index(d.role)
        if d.bells:
            links[BELLS, i] = links[BELLS].max() + 1
    return ducks, links


def make_cuts(names: tuple[str, ...], sample_rate: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of each duck with bells: the matrix of what they take away, and what its filter keeps."""
    cuts = [_cut(d.bells, sample_rate) for d in _active(names) if d.bells]
    return np.array(cuts, np.float32).reshape(-1, MATRIX), np.zeros((len(cuts), BANK), np.float32)


def _active(names: tuple[str, ...]) -> list[Duck]:
    return [d for d in DUCKS if d.role in names and d.under in names]


def _cut(bells: tuple[Bell, ...], sample_rate: int) -> NDArray[np.float64]:
    """Band-passes side by side as one matrix (`synth.dsp.block_filter`): signal and this make the bells' cuts."""
    matrix = np.zeros((BLOCK + STATES, ROW))
    for b, bell in enumerate(bells):
        gain = db_to_gain(-bell.db)
        k = 1.0 / (bell.q * math.sqrt(gain))  # poles of the bell that cuts so far
        p, q, r, t = transition(np.float64(prewarp(bell.hz, sample_rate)), np.float64(k))
        first, second = BLOCK + 2 * b, BLOCK + 2 * b + 1
        for row in (*range(BLOCK), first, second):
            s1, s2 = float(row == first), float(row == second)
            for n in range(BLOCK):
                x = float(row == n)
                after = p * s1 - q * s2 + q * x, q * s1 + r * s2 + t * x
                matrix[row, n] += 0.5 * (gain - 1.0) * k * (s1 + after[0])
                s1, s2 = after
            matrix[row, first], matrix[row, second] = s1, s2
    return matrix.ravel()


@kernel
def duck(ducks, links, moves):  # type: ignore[no-untyped-def]
    """Move every duck a quantum on by what the stem that it listens to asks: gains as a whole, and depths of bells."""
    for s in range(moves.shape[1]):
        moves[WHOLE, s], moves[DIP_WAS, s] = F1, moves[DIP, s]
    for i in range(ducks.shape[1]):
        asked, now, role = moves[DRIVE, links[UNDER, i]], ducks[DUCK, i], links[ROLE, i]
        now += (ducks[DOWN, i] if asked > now else ducks[BACK, i]) * (asked - now)
        now = now if now > FLUSH else F0
        ducks[DUCK, i] = now
        if links[BELLS, i] < 0:
            moves[WHOLE, role] *= F1 - ducks[DEPTH, i] * now
        else:
            moves[DIP, role] = now


@kernel
def dip(stem, at, matrix, kept, was, now, taken):  # type: ignore[no-untyped-def]
    """Cut the bells of `matrix` out of a quantum of `stem` (2, frames) from `at` on, `was` to `now` of their depth."""
    if was == F0 and now == F0:
        kept[:] = F0
        return
    filter_quantum(matrix, kept, stem, at, taken)
    if restless(kept) < FLUSH:
        kept[:] = F0
    for c in range(2):
        for n in range(SPAN):
            stem[c, at + n] += (was + (now - was) * RAMP[n]) * taken[c, n]


@kernel
def drive(z, lane, level):  # type: ignore[no-untyped-def]
    """How much a stem, lanes `lane` and the next of `z` times `level`, asks others to step back: 0 to 1."""
    power = F0
    for n in range(QUANTUM):
        power += z[n, lane] * z[n, lane] + z[n, lane + 1] * z[n, lane + 1]
    power *= STEP * level * level
    return power / (power + np.float32(HALF_WAY))
