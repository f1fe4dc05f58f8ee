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

from synth.controls import COLUMN, CONTROLS, EDGE_COLUMNS, TABLE, Request, control
from synth.safety.control_guard import ControlGuard

_RANKS = {"plan": 0, "policy": 0, "mapping": 0, "script": 1, "hand": 1, "safety": 2}
_LOG = np.array([c.curve == "log" for c in CONTROLS])
_CHOICE = np.array([c.curve == "choice" for c in CONTROLS])


def rank(by: str) -> int:
    """Whose word counts: the loop 0, a person or script 1, safety 2."""
    return _RANKS[by.partition(":")[0]]


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
        self._start = np.zeros(len(CONTROLS), dtype=np.int64)
        self._from = np.array([_inner(c.name, initial.get(c.name, c.default)) for c in CONTROLS])
        self._target = self._from.copy()
        self._rate = np.zeros(len(CONTROLS))
        self._settled = self._rows(0, 1, _ALL)[0]
        self._holder: dict[str, int] = dict.fromkeys(held, rank("hand"))

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
        self._from[column] = _inner(row.name, old)
        self._start[column] = quantum
        self._target[column] = _inner(row.name, admission.value)
        self._rate[column] = 1e9 if at_once else min(admission.rate, 1e9) * self._seconds
        if at_once:
            self._from[column] = self._target[column]
        self._settled[column] = self._rows(_NEVER, 1, _ALL[column : column + 1])[0, 0]
        return Commit(quantum, request, old, admission.value, admission.repair, accepted=True)

    def release(self, name: str) -> bool:
        """Give a held control back to the loop, which moves on from the value it finds; false when nobody held it."""
        return self._holder.pop(control(name).name, None) is not None

    def values(self, quantum: int) -> dict[str, float]:
        """Every control's value at `quantum`."""
        row = self._rows(quantum, 1, _ALL)[0]
        return {c.name: float(row[i]) for i, c in enumerate(CONTROLS)}

    def edges(self, quantum: int, quanta: int, out: NDArray[np.float32]) -> None:
        """Write the values at the `quanta + 1` quantum edges from `quantum` on into the control columns of `out`."""
        rows = out[: quanta + 1, : len(CONTROLS)]
        rows[:] = self._settled
        moving = np.flatnonzero(self._rate * (quantum - self._start) < np.abs(self._target - self._from))
        if moving.size:
            rows[:, moving] = self._rows(quantum, quanta + 1, moving)

    def _rows(self, quantum: int, rows: int, columns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Values of `columns` at the `rows` edges from `quantum` on."""
        start, target, travel = self._start[columns], self._target[columns], (self._target - self._from)[columns]
        elapsed = np.arange(quantum, quantum + rows)[:, None] - start
        moved = np.minimum(np.abs(travel), self._rate[columns] * elapsed)
        there = (moved >= np.abs(travel)) | _CHOICE[columns]
        inner = np.where(there, target, self._from[columns] + np.copysign(moved, travel))
        return np.clip(np.where(_LOG[columns], np.exp2(inner), inner), _LOW[columns], _HIGH[columns])


_ALL = np.arange(len(CONTROLS))
_NEVER = 2**52  # a quantum by which every move has ended
_LOW = np.array([c.low for c in CONTROLS])
_HIGH = np.array([c.high for c in CONTROLS])


def _inner(name: str, value: float) -> float:
    """The value in the domain its rate is measured in: octaves for a logarithmic control."""
    return math.log2(value) if TABLE[name].curve == "log" else value


def new_edges(quanta: int) -> NDArray[np.float32]:
    """An edge table for up to `quanta` quanta: a row for each quantum edge, a column for each lane."""
    return np.zeros((quanta + 1, EDGE_COLUMNS), dtype=np.float32)
