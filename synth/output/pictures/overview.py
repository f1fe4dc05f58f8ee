"""The map of a score: an hour on one sheet. Ideas by letter and colour, how dense each stem is, planned tension,
tempo and key, phrase by phrase.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from synth.output.pictures.look import (
    FAINT,
    GREY,
    INK,
    TEMPO,
    TENSION,
    Place,
    clock_text,
    curve,
    ideas_strip,
    keys_strip,
    legend,
    names_strip,
    stem_colour,
)
from synth.output.pictures.svg import Drawing
from synth.score.clock import Clock
from synth.score.model import Score
from synth.score.outline import Span, outline

_ROWS_S = (120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0)  # a row, as long as keeps the rows few
_MOST_ROWS = 12
_BINS = 120  # of density, a row
_WIDTH, _LEFT, _RIGHT, _HEAD, _GAP = 1400.0, 64.0, 56.0, 74.0, 26.0
_IDEAS, _DENSITY, _TENSION, _TEMPO, _KEYS, _RULER = 26.0, 64.0, 34.0, 28.0, 16.0, 16.0
_NAMES = 16.0
_SLIVER = 0.05  # of a row: less is no row of its own
_DENSEST_HZ = 2.0  # the least that fills the panel


def write_overview(score: Score, path: Path, title: str = "") -> Path:
    """Draw the map of `score` to `path`."""
    overview(score, title).save(path)
    return path


def overview(score: Score, title: str = "") -> Drawing:
    """The map of `score`."""
    return _Map(score, title).draw()


class _Map:
    def __init__(self, score: Score, title: str) -> None:
        self._score, self._title = score, title
        self._plan = outline(score)
        self._clock = Clock(score)
        self._length_s = self._clock.seconds(self._plan.end)
        fitting = (s for s in _ROWS_S if self._length_s <= s * _MOST_ROWS)
        self._row_s = next(fitting, _ROWS_S[-1])
        rows = max(math.ceil(self._length_s / self._row_s - _SLIVER), 1)
        if self._length_s < self._row_s or self._length_s > rows * self._row_s:
            self._row_s = max(self._length_s / rows, 1.0)
        self._stems = [stem for stem in score.stems if any(n.stem == stem for n in score.notes)]
        self._bin_s = self._row_s / _BINS
        self._counts = self._density()
        densest = max((sum(stack) for stack in self._counts), default=0) / self._bin_s
        self._densest_hz = max(densest, _DENSEST_HZ)
        tempos = [t.bpm for t in score.tempos if t.tick < self._plan.last] or [60.0]
        self._slow, self._fast = min(tempos) - 2.0, max(tempos) + 2.0

    def _density(self) -> list[list[int]]:
        """Notes of each stem in each bin."""
        counts = [[0] * len(self._stems) for _ in range(int(self._length_s / self._bin_s) + 1)]
        number = {stem: i for i, stem in enumerate(self._stems)}
        for note in self._score.notes:
            at = min(int(self._clock.seconds(note.tick) / self._bin_s), len(counts) - 1)
            counts[at][number[note.stem]] += 1
        return counts

    def draw(self) -> Drawing:
        """All rows."""
        drawing = Drawing(_WIDTH, self._title or "map")
        drawing.text(_LEFT, 34.0, self._title or "Map", 20, INK, font_weight="700")
        per_minute = 60.0 * len(self._score.notes) / max(self._length_s, 1.0)
        told = (
            f"{clock_text(self._length_s)} \u00b7 {len(self._plan.phrases)} phrases \u00b7 "
            f"{len(self._plan.cadences)} cadences \u00b7 {per_minute:.0f} notes a minute"
        )
        drawing.text(_LEFT, 53.0, told, 12, GREY)
        legend(drawing, self._score, _WIDTH - _RIGHT, 34.0)
        y, start_s = _HEAD, 0.0
        while start_s < self._length_s - 1e-6:
            y = self._row(drawing, start_s, y) + _GAP
            start_s += self._row_s
        drawing.height = y
        return drawing

    def _row(self, drawing: Drawing, start_s: float, y: float) -> float:
        span = Span(self._tick(start_s), self._tick(min(start_s + self._row_s, self._length_s)), "")
        scale = (_WIDTH - _LEFT - _RIGHT) / self._row_s

        def place(tick: int) -> float:
            return _LEFT + (self._clock.seconds(tick) - start_s) * scale

        right = place(span.end)
        drawing.begin(class_="row")
        names_strip(drawing, self._plan.scenes or self._plan.phases, span, place, y + 10.0)
        y += _NAMES
        drawing.text(_LEFT - 8.0, y + 17.0, "ideas", 10, GREY, text_anchor="end")
        ideas_strip(drawing, self._plan, span, place, y, _IDEAS)
        self._recalls(drawing, span, place, y)
        y += _IDEAS + 4.0
        drawing.text(_LEFT - 8.0, y + 14.0, "notes/s", 10, GREY, text_anchor="end")
        self._stacks(drawing, start_s, scale, y, right)
        y += _DENSITY + 6.0
        if self._plan.tensions:
            self._curve(drawing, "tension", TENSION, self._plan.tensions, (0.0, 1.0), span, place, y, _TENSION)
            y += _TENSION + 4.0
        tempos = tuple((t.tick, t.bpm) for t in self._score.tempos)
        bounds = (self._slow, self._fast)
        self._curve(drawing, "tempo", TEMPO, tempos, bounds, span, place, y, _TEMPO)
        bpm = self._clock.bpm(max(span.tick, 0))
        drawing.text(_LEFT - 8.0, y + 24.0, f"{bpm:.0f} bpm", 10, TEMPO, text_anchor="end")
        y += _TEMPO + 4.0
        drawing.text(_LEFT - 8.0, y + 11.5, "key", 10, GREY, text_anchor="end")
        keys_strip(drawing, self._score, self._plan, span, place, y, _KEYS)
        y += _KEYS
        for at_s in self._ruler(start_s):
            x = _LEFT + (at_s - start_s) * scale
            drawing.line(x, y, x, y + 4.0, GREY, stroke_width=1)
            drawing.text(x, y + 15.0, clock_text(at_s), 10, GREY, text_anchor="middle")
        drawing.end()
        return y + _RULER

    def _recalls(self, drawing: Drawing, span: Span, place: Place, y: float) -> None:
        """A mark over each phrase that takes up one of minutes ago."""
        for recall in self._plan.recalls:
            if span.tick <= recall.tick < span.end:
                x = place(recall.tick) + 7.0
                drawing.path(f"M{x - 4.0:.1f} {y - 5.5:.1f}l8 0l-4 5z", fill=INK, class_="recall")

    def _stacks(self, drawing: Drawing, start_s: float, scale: float, y: float, right: float) -> None:
        first = round(start_s / self._bin_s)
        foot = y + _DENSITY
        drawing.rect(_LEFT, y, right - _LEFT, _DENSITY, "#f7f8fa")
        heights = _DENSITY / (self._densest_hz * self._bin_s)
        tops = [0] * min(_BINS, max(len(self._counts) - first, 0))
        for number, stem in enumerate(self._stems):
            d = ""
            for i in range(len(tops)):
                count = self._counts[first + i][number]
                if count:
                    x, width = _LEFT + i * self._bin_s * scale, self._bin_s * scale - 0.6
                    d += f"M{x:.1f} {foot - tops[i] * heights:.1f}h{width:.1f}v{-count * heights:.1f}h{-width:.1f}z"
                    tops[i] += count
            drawing.path(d, fill=stem_colour(self._score, stem), class_=f"density {stem}")
        drawing.text(right + 4.0, y + 9.0, f"{self._densest_hz:.1f}", 9, GREY)
        drawing.line(_LEFT, foot, right, foot, FAINT, stroke_width=1)

    def _curve(
        self,
        drawing: Drawing,
        name: str,
        colour: str,
        values: tuple[tuple[int, float], ...],
        bounds: tuple[float, float],
        span: Span,
        place: Place,
        y: float,
        height: float,
    ) -> None:
        low, high = bounds
        before = [v for v in values if v[0] <= span.tick][-1:]
        held = before + [v for v in values if span.tick < v[0] < span.end]
        points = []
        for tick, value in held:
            share = min(max((value - low) / (high - low), 0.0), 1.0)
            points.append((place(max(tick, span.tick)), y + height * (1.0 - share)))
        drawing.rect(_LEFT, y, place(span.end) - _LEFT, height, "#f7f8fa")
        drawing.path(curve(points, place(span.end)), colour, class_=name, stroke_width=1.5)
        drawing.text(_LEFT - 8.0, y + 11.0, name, 10, colour, text_anchor="end")

    def _ruler(self, start_s: float) -> Iterator[float]:
        steps = (10.0, 30.0, 60.0, 300.0, 600.0, 1800.0)
        step = next((s for s in steps if self._row_s / s <= 16), steps[-1])
        slack = 0.01 * self._row_s
        at_s = step * math.ceil((start_s - slack) / step)
        while at_s <= min(start_s + self._row_s, self._length_s) + 1e-6:
            yield max(at_s, start_s)
            at_s += step

    def _tick(self, seconds: float) -> int:
        """The last tick at or before `seconds`."""
        low, high = 0, self._plan.end
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._clock.seconds(middle) <= seconds + 1e-9 else (low, middle - 1)
        return low
