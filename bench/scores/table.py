"""Figures of several seeds against targets, printed a line each."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_Test = Callable[[float], bool] | None


@dataclass
class Row:
    """A figure of one preset, a value a seed; `met` None where there is no target."""

    name: str
    target: str
    values: list[float]
    met: bool | None


class Table:
    """Rows of figures by name against targets."""

    def __init__(self, figures: Sequence[Mapping[str, float]]) -> None:
        self._figures = figures
        self.rows: list[Row] = []

    def add(self, name: str, target: str = "", good: _Test = None, each: bool = False) -> None:
        """`good` of the median, or with `each` of every seed."""
        got = [v for one in self._figures if not math.isnan(v := one.get(name, math.nan))]
        met = None
        if good is not None and got:
            met = all(map(good, got)) if each else good(statistics.median(got))
        self.rows.append(Row(name, target + " each" * each, got, met))

    def most(self, name: str, limit: float, each: bool = True) -> None:
        self.add(name, f"<= {limit:g}", lambda v: v <= limit, each)

    def least(self, name: str, limit: float, each: bool = False) -> None:
        self.add(name, f">= {limit:g}", lambda v: v >= limit, each)

    def between(self, name: str, low: float, high: float, note: str = "", least: float = -math.inf) -> None:
        """The median in a band, and no seed under `least`."""
        self.add(name, f"{low:g} to {high:g}{note}", lambda v: low <= v <= high)
        row = self.rows[-1]
        if row.met and min(row.values) < least:
            row.met, row.target = False, row.target + f", none < {least:g}"

    def show(self, *names: str) -> None:
        """Figures without a target."""
        for name in names:
            self.add(name)

    def __str__(self) -> str:
        lines = [f"  {'figure':<28}{'target':>24}{'median':>9}{'least':>9}{'most':>9}"]
        for row in self.rows:
            figures = [statistics.median(row.values), min(row.values), max(row.values)] if row.values else []
            word = "" if row.met is None else "  met" if row.met else "  MISSED"
            lines.append(f"  {row.name:<28}{row.target:>24}" + "".join(f"{v:>9.3g}" for v in figures) + word)
        return "\n".join(lines)
