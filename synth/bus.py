"""The control bus: who may move a control, how fast, and what its value is at each quantum.

Each control holds one move: from a value at a quantum towards a target at a bounded rate. Its value is a pure
function of the quantum, so block sizes cannot change it. Every request passes the guard inside `request`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.controls import COLUMN, CONTROLS, EDGE_COLUMNS, TABLE, Request, control, rank
from synth.dsp._jit import kernel
from synth.safety.control_guard import ControlGuard

_FREE = 9  # rank that nobody has
# Rows of the moves, a column a control, float64: where from and where to, how far a quantum, from which quantum on;
# the value when it is there; range; whether it is logarithmic, whether it jumps.
_FROM, _TARGET, _RATE, _START, _SETTLED, _LOW, _HIGH, _LOG, _CHOICE = range(9)


@dataclass(frozen=True, slots=True)
class Commit:
    """A request as the bus took it at `quantum`: `old` was the value then, `value` is the target now.

    `held` is false when a higher rank holds the control; then nothing moved. `repair` says what the guard changed.
    """

    quantum: int
    request: Request
    old: float
    value: float
    repair: str | None
    accepted: bool


class Bus:
    """Committed values of all controls.

    `initial` gives starting values by name; controls in `held` are taken by a hand from the start.
    """

    def __init__(
        self,
        sample_rate: int,
        quantum_frames: int,
        guard: ControlGuard,
        initial: Mapping[str, float],
        held: Iterable[str] = (),
    ) -> None:
        self._seconds = quantum_frames / sample_rate
        self._guard = guard
        self._moves = np.zeros((_CHOICE + 1, len(CONTROLS)))
        self._moves[_FROM] = [_inner(c.name, initial.get(c.name, c.default)) for c in CONTROLS]
        self._moves[_TARGET] = self._moves[_FROM]
        self._moves[_LOW], self._moves[_HIGH] = [c.low for c in CONTROLS], [c.high for c in CONTROLS]
        self._moves[_LOG] = [c.curve == "log" for c in CONTROLS]
        self._moves[_CHOICE] = [c.curve == "choice" for c in CONTROLS]
        _settle(self._moves)
        self._row = np.zeros((1, len(CONTROLS)))
        self._holder: dict[str, int] = dict.fromkeys(held, rank("hand"))
        self._leaps: list[tuple[int, int, float]] = []

    @property
    def held(self) -> frozenset[str]:
        """Controls that the loop may not move now."""
        return frozenset(self._holder)

    def request(self, request: Request, quantum: int, *, at_once: bool = False) -> Commit:
        """Pass `request` through arbitration and guard; its move starts at `quantum`.

        `at_once` skips the move, for a value set before the first sound. ControlError on an unknown name.
        """
        row = control(request.control)
        column = COLUMN[row.name]
        values = self.values(quantum)
        old = values[row.name]
        if rank(request.by) < self._holder.get(row.name, 0):
            return Commit(quantum, request, old, old, None, accepted=False)
        admission = self._guard.admit(request, values)
        if rank(request.by) > 0:
            self._holder[row.name] = rank(request.by)
        start, target = _inner(row.name, old), _inner(row.name, admission.value)
        rate = 1e9 if at_once else min(admission.rate, 1e9) * self._seconds
        self._moves[: _START + 1, column] = target if at_once else start, target, rate, quantum
        _settle(self._moves)
        return Commit(quantum, request, old, admission.value, admission.repair, accepted=True)

    def release(self, name: str, by: str = "safety") -> bool:
        """Give a held control back to the loop, which moves on from the value it finds; false when nobody held it, or
        whoever does ranks above `by`."""
        name = control(name).name
        if rank(by) < self._holder.get(name, _FREE):
            return False
        del self._holder[name]
        return True

    def values(self, quantum: int) -> dict[str, float]:
        """Every control's value at `quantum`."""
        _write(quantum, 1, self._moves, self._row)
        return dict(zip(_NAMES, self._row[0].tolist(), strict=True))

    def leap(self, bpm: float, quantum: int) -> float:
        """From `quantum`, still to come, the tempo goes on from `bpm`, as far as the guard lets it; the tempo then."""
        bpm = self._guard.leap(self.values(quantum)["tempo_bpm"], bpm)
        self._leaps.append((quantum, COLUMN["tempo_bpm"], _inner("tempo_bpm", bpm)))
        return bpm

    def tempo_asked_bpm(self) -> float | None:
        """The tempo that a person asked for and that may be leapt to; None when there is none."""
        if "tempo_bpm" not in self._holder or not self._guard.limits["tempo_leap_oct"]:
            return None
        return float(self._moves[_SETTLED, COLUMN["tempo_bpm"]])

    def edges(self, quantum: int, quanta: int, out: NDArray[np.float32]) -> None:
        """Write the values at the `quanta + 1` quantum edges from `quantum` on into the control columns of `out`."""
        row = 0
        while self._leaps and self._leaps[0][0] <= quantum + quanta:
            at, column, inner = self._leaps.pop(0)
            if at > quantum + row:
                _write(quantum + row, at - quantum - row, self._moves, out[row:])
                row = at - quantum
            self._moves[_FROM, column], self._moves[_START, column] = inner, quantum + row
        _write(quantum + row, quanta + 1 - row, self._moves, out[row:])


_NAMES = tuple(c.name for c in CONTROLS)


@kernel
def _value(moves, c, inner):  # type: ignore[no-untyped-def]
    value = np.exp2(inner) if moves[_LOG, c] else inner
    return min(max(value, moves[_LOW, c]), moves[_HIGH, c])


@kernel
def _settle(moves):  # type: ignore[no-untyped-def]
    for c in range(moves.shape[1]):
        moves[_SETTLED, c] = _value(moves, c, moves[_TARGET, c])


@kernel
def _write(quantum, rows, moves, out):  # type: ignore[no-untyped-def]
    """Values of all controls at `rows` edges from `quantum` on."""
    for c in range(moves.shape[1]):
        travel = moves[_TARGET, c] - moves[_FROM, c]
        settled = moves[_SETTLED, c]
        for i in range(rows):
            moved = moves[_RATE, c] * (quantum + i - moves[_START, c])
            if moved >= abs(travel) or moves[_CHOICE, c]:
                out[i, c] = settled
            else:
                out[i, c] = _value(moves, c, moves[_FROM, c] + math.copysign(moved, travel))


def _inner(name: str, value: float) -> float:
    """The value in the domain its rate is measured in: octaves for a logarithmic control."""
    return math.log2(value) if TABLE[name].curve == "log" else value


def new_edges(quanta: int) -> NDArray[np.float32]:
    """An edge table for up to `quanta` quanta: a row for each quantum edge, a column for each lane."""
    return np.zeros((quanta + 1, EDGE_COLUMNS), dtype=np.float32)
