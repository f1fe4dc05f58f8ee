"""Plots for the report as plain SVG: lines, bands and strips over one shared time axis.

The SVG stretches with the page while strokes keep their width and all text is HTML beside it, so the page reads
on a phone as on a desk. Hovering shows the values at that moment by the browser's own titles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MAX_POINTS = 1500  # of one line
HOVER_STEPS = 120
LANE_STEPS = 500
NARROW = 0.05  # of the session: too short a stretch for its label
WIDTH, HEIGHT = 1000.0, 100.0


@dataclass(frozen=True, slots=True)
class Line:
    """`value` over `t_s`; NaN breaks the line, and so does a gap longer than `gap_s`. `style` is a CSS class.

    `unit` and `digits` are for the hover text, `spread` (half-width) draws a band around the line, `step` holds
    each value until the next.
    """

    label: str
    t_s: Floats
    value: Floats
    style: str
    unit: str = ""
    digits: int = 1
    gap_s: float = math.inf
    spread: Floats | None = None
    step: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A labelled stretch of time, for strips, lanes and shading; `style` is a CSS class."""

    start_s: float
    end_s: float
    label: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """Stretches drawn as a thin lane under a plot, with a legend of how long each kind lasted in all."""

    title: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines that share one vertical axis; `low` and `high` None: as the data are."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    low: float | None = None
    high: float | None = None
    size: str = "normal"
    lane: Lane | None = None


def clock(t_s: float) -> str:
    """Session time as m:ss, or h:mm:ss from an hour on."""
    seconds = round(t_s)
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours}:{minutes:02d}:{seconds % 60:02d}" if hours else f"{minutes}:{seconds % 60:02d}"


def ticks(low: float, high: float, count: int) -> list[float]:
    """Two or more round numbers from `low` to `high`, about `count`: steps of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10((high - low) / count))
    for factor in (10, 5, 2, 1):
        step = factor * power
        found = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
        if len(found) >= min(count, 3):
            break
    return [k * step for k in found]


def time_ticks(length_s: float, count: int = 7) -> list[float]:
    """Round moments of the session, at most about `count`."""
    steps = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200)
    step = next((s for s in steps if length_s / s <= count), steps[-1])
    return [float(k * step) for k in range(int(length_s // step) + 1)]


def thin(t_s: Floats, value: Floats, points: int = MAX_POINTS) -> tuple[Floats, Floats]:
    """At most `points` of a line, keeping the lowest and highest of each stretch, so that no peak is lost."""
    if t_s.size <= points:
        return t_s, value
    unknown = np.isnan(value)
    low, high = np.where(unknown, np.inf, value), np.where(unknown, -np.inf, value)
    kept: list[int] = []
    for part in np.array_split(np.arange(t_s.size), points // 2):
        first, end = int(part[0]), int(part[-1]) + 1
        if unknown[first:end].all():
            kept.append(first)
        else:
            kept += sorted({first + int(low[first:end].argmin()), first + int(high[first:end].argmax())})
    return t_s[kept], value[kept]


def panel(chart: Panel, length_s: float, phases: Sequence[Span]) -> str:
    """One panel: title, legend, axis and plot."""
    low, high = _range(chart)
    shades = "".join(
        f'<rect class="shade" x="{_x(p.start_s, length_s)}" y="0" width="{_x(p.end_s - p.start_s, length_s)}"'
        f' height="{HEIGHT:g}"/>'
        for p in phases[1::2]
    )
    marks = ticks(low, high, 3)
    grid = "".join(f'<path class="grid" d="M0 {_y(v, low, high)}H{WIDTH:g}"/>' for v in marks)
    grid += "".join(f'<path class="grid" d="M{_x(t, length_s)} 0V{HEIGHT:g}"/>' for t in time_ticks(length_s)[1:])
    bands = "".join(_band(line, length_s, low, high) for line in chart.lines if line.spread is not None)
    curves = "".join(_curve(line, length_s, low, high) for line in chart.lines)
    labels = "".join(
        f'<span style="top:{100 * (high - v) / (high - low):.1f}%">{_short(v, marks)}</span>' for v in marks
    )
    laned = chart.lane is not None and bool(chart.lane.spans)
    return (
        f'<div class="panel {chart.size}{" laned" if laned else ""}"><div class="head"><h4>{escape(chart.title)}'
        f"{f' <small>{escape(chart.unit)}</small>' if chart.unit else ''}</h4>{_legend(chart.lines)}</div>"
        f'<div class="axis" aria-hidden="true">{labels}</div>'
        f'<svg class="plot" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" preserveAspectRatio="none" role="img"'
        f' aria-label="{escape(_summary(chart))}">'
        f"{shades}{grid}{bands}{curves}{_hover(chart.lines, length_s)}</svg>"
        f"{_lane(chart.lane, length_s) if chart.lane and laned else ''}</div>"
    )


def strip(title: str, spans: Iterable[Span], length_s: float) -> str:
    """A row of labelled stretches, such as keys or phrases."""
    head = f'<div class="head"><h4>{escape(title)}</h4></div>'
    return f'<div class="panel strip">{head}{_cells(spans, length_s)}</div>'


def time_axis(length_s: float, phases: Sequence[Span] = ()) -> str:
    """The time axis with the plan's phases over it; without phases, the foot of a figure."""
    marks = "".join(
        f'<span style="left:{_share(t, length_s)}%">{clock(t)}</span>'
        for t in time_ticks(length_s)
        if t <= 0.985 * length_s
    )
    top = _cells(phases, length_s) if phases else ""
    return f'<div class="time{"" if phases else " foot"}">{top}<div class="marks">{marks}</div></div>'


def _lane(lane: Lane, length_s: float) -> str:
    parts: list[str] = []
    kinds: dict[str, tuple[str, float]] = {}  # style and seconds of each label
    for span in _joined(lane.spans, length_s / LANE_STEPS):
        place = f"left:{_share(span.start_s, length_s)}%;width:{_share(span.end_s - span.start_s, length_s)}%"
        told = escape(f"{clock(span.start_s)} to {clock(span.end_s)}: {span.label}")
        parts.append(f'<span class="{span.style}" style="{place}" title="{told}"></span>')
    for span in lane.spans:
        before_s = kinds.get(span.label, ("", 0.0))[1]
        kinds[span.label] = (span.style, before_s + span.end_s - span.start_s)
    words = [f"{label} {clock(seconds)}" for label, (_, seconds) in kinds.items()]
    items = "".join(
        f'<li class="{style}">{escape(word)}</li>' for word, (style, _) in zip(words, kinds.values(), strict=True)
    )
    summary = escape(f"{lane.title}: {', '.join(words)}")
    return (
        f'<div class="lane" role="img" aria-label="{summary}">{"".join(parts)}</div>'
        f'<div class="lane-words"><span>{escape(lane.title)}</span><ul>{items}</ul></div>'
    )


def _joined(spans: Iterable[Span], gap_s: float) -> list[Span]:
    """Stretches of one kind as one where hardly anything lies between."""
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if last is not None and last.label == span.label and span.start_s - last.end_s < gap_s:
            joined[-1] = Span(last.start_s, span.end_s, span.label, span.style)
        else:
            joined.append(span)
    return joined


def _cells(spans: Iterable[Span], length_s: float) -> str:
    cells = []
    for span in spans:
        seconds = span.end_s - span.start_s
        kind = "cell" if seconds > NARROW * length_s else "cell narrow"
        place = f"left:{_share(span.start_s, length_s)}%;width:{_share(seconds, length_s)}%"
        told = escape(f"{clock(span.start_s)} to {clock(span.end_s)}: {span.label}")
        cells.append(f'<span class="{kind}" style="{place}" title="{told}">{escape(span.label)}</span>')
    return f'<div class="cells">{"".join(cells)}</div>'


def _range(chart: Panel) -> tuple[float, float]:
    if chart.low is not None and chart.high is not None:
        return chart.low, chart.high
    values = np.concatenate([line.value[np.isfinite(line.value)] for line in chart.lines])
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    room = max(0.08 * (high - low), 0.02 * max(abs(low), abs(high)), 0.05)
    return (
        low - room if chart.low is None else min(chart.low, low),
        high + room if chart.high is None else max(chart.high, high),
    )


def _x(t_s: float, length_s: float) -> str:
    return f"{WIDTH * t_s / length_s:.1f}"


def _y(value: float, low: float, high: float) -> str:
    return f"{HEIGHT * (high - value) / (high - low):.1f}"


def _share(t_s: float, length_s: float) -> str:
    return f"{100.0 * t_s / length_s:.3f}"


def _short(value: float, marks: Sequence[float]) -> str:
    step = abs(marks[1] - marks[0]) if len(marks) > 1 else 1.0
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value:.{digits}f}".replace("-", "\u2212")


def _curve(line: Line, length_s: float, low: float, high: float) -> str:
    parts: list[str] = []
    last_t, last_y = -math.inf, ""
    for t, v in zip(*thin(line.t_s, line.value), strict=True):
        if math.isnan(v):
            last_t = -math.inf
            continue
        x, y = _x(t, length_s), _y(min(max(v, low), high), low, high)
        if t - last_t > line.gap_s or last_t == -math.inf:
            parts.append(f"M{x} {y}h0.01")
        elif line.step:
            parts.append(f"H{x}V{y}" if y != last_y else f"H{x}")
        else:
            parts.append(f"L{x} {y}")
        last_t, last_y = t, y
    return f'<path class="line {line.style}" d="{"".join(parts)}"/>'


def _band(line: Line, length_s: float, low: float, high: float) -> str:
    assert line.spread is not None
    known = np.isfinite(line.value) & np.isfinite(line.spread)
    step = max(1, int(known.sum()) // (MAX_POINTS // 2))
    t, v, s = line.t_s[known][::step], line.value[known][::step], line.spread[known][::step]
    if not t.size:
        return ""
    upper = [f"{_x(a, length_s)} {_y(min(b + c, high), low, high)}" for a, b, c in zip(t, v, s, strict=True)]
    lower = [f"{_x(a, length_s)} {_y(max(b - c, low), low, high)}" for a, b, c in zip(t, v, s, strict=True)]
    return f'<path class="band {line.style}" d="M{"L".join(upper + lower[::-1])}Z"/>'


def _legend(lines: Sequence[Line]) -> str:
    if len(lines) < 2:
        return ""
    items = "".join(f'<li class="{line.style}">{escape(line.label)}</li>' for line in lines)
    return f'<ul class="legend">{items}</ul>'


def _hover(lines: Sequence[Line], length_s: float) -> str:
    """Unseen stretches over the plot, each with the values at its middle as its title."""
    at = [_values_at(line, length_s) for line in lines]
    width = WIDTH / HOVER_STEPS
    rects = []
    for k in range(HOVER_STEPS):
        t_s = (k + 0.5) / HOVER_STEPS * length_s
        told = [text for text in (look(t_s) for look in at) if text]
        if told:
            title = escape(f"{clock(t_s)} \u00b7 " + " \u00b7 ".join(told))
            rects.append(
                f'<rect class="hover" x="{k * width:.1f}" y="0" width="{width:.1f}" height="{HEIGHT:g}">'
                f"<title>{title}</title></rect>"
            )
    return "".join(rects)


def _values_at(line: Line, length_s: float) -> Callable[[float], str]:
    """How to tell the line's value at a moment: the last one before it, if near enough."""
    known = np.isfinite(line.value)
    t, v = line.t_s[known], line.value[known]
    reach = max(length_s / HOVER_STEPS, 2.0) if not line.step else math.inf

    def look(t_s: float) -> str:
        i = int(np.searchsorted(t, t_s, side="right")) - 1
        if i < 0 or t_s - t[i] > reach:
            return ""
        number = f"{v[i]:.{line.digits}f}".replace("-", "\u2212")
        return f"{line.label} {number}{' ' + line.unit if line.unit else ''}"

    return look


def _summary(chart: Panel) -> str:
    """What a screen reader says of the plot."""
    told = []
    for line in chart.lines:
        values = line.value[np.isfinite(line.value)]
        if values.size:
            told.append(
                f"{line.label} from {values.min():.{line.digits}f} to {values.max():.{line.digits}f} {line.unit}"
            )
    return f"{chart.title}: " + ("; ".join(told).strip() or "no data")
