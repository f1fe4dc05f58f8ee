"""controls.csv: every control as heard, ten times a second."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TextIO

from synth.controls import COLUMN, CONTROLS, EXPRESSION_DB
from synth.engine import Block
from synth.instruments.base import QUANTUM

RATE_HZ = 10
COLUMNS = ("t_s", *(c.name for c in CONTROLS), "planned_offset_lu", "target_lufs", "phase")


class ControlsCsv:
    """Writes a row for each tenth of a second of the blocks it is shown.

    After the controls come `planned_offset_lu` (dynamics, swell and breath together), `target_lufs` (loudness plus
    that offset) and the plan's `phase`. Tempo, key and mode are those of the beat and bar that sound.
    """

    def __init__(self, path: Path, sample_rate: int) -> None:
        self.path = path
        self._file: TextIO = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        self._writer.writerow(COLUMNS)
        self._sample_rate = sample_rate
        self._row = 0

    def add(self, block: Block, phase: str) -> None:
        """Write the rows that fall on the quanta of `block`."""
        quanta = block.frames // QUANTUM
        while (quantum := self._quantum(self._row)) < block.quantum + quanta:
            values = block.edges[quantum - block.quantum]
            texts = [c.text(float(values[i])) for i, c in enumerate(CONTROLS)]
            texts[COLUMN["tempo_bpm"]] = f"{values[COLUMN['tempo_bpm']]:.4f}"
            offset = float(values[COLUMN["dynamics_db"]] + values[EXPRESSION_DB])
            target = float(values[COLUMN["loudness_lufs"]]) + offset
            self._writer.writerow([f"{self._row / RATE_HZ:.1f}", *texts, f"{offset:.3f}", f"{target:.3f}", phase])
            self._row += 1

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def _quantum(self, row: int) -> int:
        return -(-row * self._sample_rate // (RATE_HZ * QUANTUM))
