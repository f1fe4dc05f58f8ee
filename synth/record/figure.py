"""The session over time: sensed, believed, planned and played as plots on one time axis."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from synth.estimator.rr import accepted
from synth.record.lines import Line as RecordLine
from synth.record.plots import Floats, Lane, Line, Panel, Span, panel, strip, time_axis
from synth.record.reader import Record, Series

QUALITY_KEPT = 0.5  # samples under it are drawn faint
SENSOR_GAP_S = 6.0
STATE_GAP_S = 5.0
ENDS_S = 120.0  # what counts as the session's beginning and end
ARRIVING_S = 5.0  # a session's start without its first samples
TROUBLES = {
    "missing": "missing",
    "frozen": "stands still",
    "off": "not in contact",
    "disturbed": "disturbed",
}

Played = Mapping[str, Sequence[str]]  # the columns of controls.csv, as text


def read_controls(path: Path) -> dict[str, list[str]]:
    """The columns of a controls.csv by name, as text."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return {name: [row[i] for row in rows[1:] if len(row) == len(rows[0])] for i, name in enumerate(rows[0])}


def column(table: Played, name: str) -> Floats:
    """A column as numbers; NaN where it holds none."""
    return np.array([_number(text) for text in table[name]], dtype=np.float64)


def figure(record: Record, played: Played) -> str:
    """All plots of a session as HTML."""
    length_s = max(record.length_s, 1.0)
    phases = _phases(record, length_s)
    groups = [
        ("Sensed", "What the wearable said, what was left out of it, and what was made of it.", _sensed(record)),
        ("Believed", "What that was taken to mean. The band is wide where confidence is low.", _believed(record)),
        ("Planned", "Where the plan wanted to be.", _planned(record)),
        ("Played", "What was heard.", _played(played)),
    ]
    body = ""
    for name, says, panels in groups:
        plots = "".join(panel(p, length_s, phases) for p in panels if any(line.t_s.size for line in p.lines))
        if name == "Played":
            plots += _strips(record, played, length_s)
        if not plots:
            says = "Nothing: no recording and no sensor in this session." if not record.sensed else "Nothing recorded."
        body += f'<section class="group"><h3>{name}</h3><p>{says}</p>{plots}</section>'
    return f'<div class="figure">{time_axis(length_s, phases)}{body}{time_axis(length_s)}</div>'


def heart(record: Record) -> tuple[Floats, Floats, Floats] | None:
    """Heart rate (n,) with times and quality: as believed, else the device's own, else from its beat intervals."""
    t_s, believed = over(record.of("state"), "hr_bpm")
    if t_s.size:
        return t_s, believed, np.ones_like(t_s)
    samples = record.samples()
    if "hr" in samples:
        return _in_order(*samples["hr"])
    if "rr_ms" in samples:
        t_s, rr_ms, quality = _in_order(*samples["rr_ms"])
        return t_s, 60_000.0 / np.where(rr_ms > 0, rr_ms, np.nan), quality
    return None


def ends(t_s: Floats, value: Floats, length_s: float) -> tuple[str, str]:
    """The mean of the first and of the last ENDS_S, in whole numbers; a dash where nothing is known."""
    window_s = min(ENDS_S, length_s / 2)
    parts = (value[t_s <= window_s], value[t_s >= length_s - window_s])
    known = [part[np.isfinite(part)] for part in parts]
    first, last = (f"{part.mean():.0f}" if part.size else "\u2013" for part in known)
    return first, last


def _sensed(record: Record) -> list[Panel]:
    samples, states = record.samples(), record.of("state")
    panels = []
    beats = _beats(samples["rr_ms"]) if "rr_ms" in samples else ()
    own = _by_quality("device's own", *_in_order(*samples["hr"]), "four thin", "bpm", 0) if "hr" in samples else ()
    believed = Line("believed", *over(states, "hr_bpm"), "one", "bpm", 0, STATE_GAP_S)
    if beats or own or believed.t_s.size:
        rest = Line("own baseline", *over(states, "hr_baseline_bpm"), "two dashed", "bpm", 0)
        lines = (*beats, *own, *_any(rest, believed))
        lane = _aside(record, "heart_trouble")
        panels.append(Panel("Heart rate", "bpm", lines, *_heart_range(lines), "tall", lane))
    if "eda" in samples:
        lines = _by_quality("as sensed", *_in_order(*samples["eda"]), "three thin", "\u00b5S", 2)
        slow = Line("slow part, believed", *over(states, "scl_us"), "one", "\u00b5S", 2, STATE_GAP_S)
        lane = _aside(record, "skin_trouble")
        panels.append(Panel("Skin conductance", "\u00b5S", (*lines, *_any(slow)), lane=lane))
    return panels


def _any(*lines: Line) -> tuple[Line, ...]:
    return tuple(line for line in lines if line.t_s.size)


def _beats(intervals: Series) -> tuple[Line, ...]:
    """Beat intervals as rates: those that were left out, and those that were kept."""
    t_s, rr_ms, quality = _in_order(*intervals)
    told = np.isfinite(rr_ms) & (rr_ms > 0.0)
    t_s, rr_ms, quality = t_s[told], rr_ms[told], quality[told]
    kept = quality >= QUALITY_KEPT
    kept[kept] = accepted(rr_ms[kept])
    bpm = 60_000.0 / rr_ms
    return _any(
        Line("beats left out", t_s[~kept], bpm[~kept], "faint dots", "bpm", 0, gap_s=-1.0),
        Line("beats", t_s[kept], bpm[kept], "four dots", "bpm", 0, gap_s=-1.0),
    )


def _heart_range(lines: Sequence[Line]) -> tuple[float | None, float | None]:
    """An axis that no stray beat stretches: of the lines, and of all but the farthest fortieth of the beats."""
    low, high = math.inf, -math.inf
    for line in lines:
        values = line.value[np.isfinite(line.value)]
        if values.size and "faint" not in line.style:
            trim = 2.5 if "dots" in line.style else 0.0
            low, high = min(low, np.percentile(values, trim)), max(high, np.percentile(values, 100.0 - trim))
    return (low - 2.0, high + 2.0) if low <= high else (None, None)


def _aside(record: Record, field: str) -> Lane:
    """When a source was set aside, and why; a start without its first samples is none."""
    states = [line for line in record.of("state") if field in line]
    starts = np.array([float(line["t_s"]) for line in states])
    spans = _runs(starts, [str(line[field]) for line in states], max(record.length_s, 1.0))
    told = [
        Span(span.start_s, span.end_s, TROUBLES.get(span.label, span.label), _css(span.label))
        for span in spans
        if span.label and (span is not spans[0] or span.end_s - span.start_s > ARRIVING_S)
    ]
    return Lane("set aside", tuple(told))


def _css(kind: str) -> str:
    return kind if kind in TROUBLES else "missing"


def _in_order(t_s: Floats, value: Floats, quality: Floats) -> tuple[Floats, Floats, Floats]:
    order = np.argsort(t_s, kind="stable")
    return t_s[order], value[order], quality[order]


def _by_quality(
    label: str, t_s: Floats, value: Floats, quality: Floats, style: str, unit: str, digits: int
) -> tuple[Line, ...]:
    good = quality >= QUALITY_KEPT
    kept = Line(label, t_s, np.where(good, value, np.nan), style, unit, digits, SENSOR_GAP_S)
    if good.all():
        return (kept,)
    return (
        Line("weak signal, set aside", t_s, np.where(good, np.nan, value), "faint", unit, digits, SENSOR_GAP_S),
        kept,
    )


def _believed(record: Record) -> list[Panel]:
    states = record.of("state")
    if not record.sensed or not states:
        return []
    t_s, arousal = over(states, "arousal")
    _, confidence = over(states, "confidence")
    _, elevated = over(states, "p_elevated")
    about = Line("arousal", t_s, arousal, "one", "", 2, STATE_GAP_S, 1 - confidence)
    told = _any(Line("valence, as told", *over(states, "valence"), "two", "", 2, STATE_GAP_S))
    return [
        Panel("Arousal", "\u22121 low to 1 high", (*told, about), -1, 1, lane=_doubt(states, record.length_s)),
        Panel(
            "Confidence, and the chance that arousal is above the person's own baseline",
            "",
            (
                Line("confidence", t_s, confidence, "faint", "", 2, STATE_GAP_S),
                Line("chance above baseline", t_s, elevated, "two", "", 2, STATE_GAP_S),
            ),
            0,
            1,
        ),
    ]


def _doubt(states: Sequence[RecordLine], length_s: float) -> Lane:
    """When the body had hardly answered, so that the estimate may mean little."""
    starts = np.array([float(line["t_s"]) for line in states])
    names = ["hardly answers so far" if line.get("fits") is False else "" for line in states]
    spans = [Span(s.start_s, s.end_s, s.label, "doubt") for s in _runs(starts, names, length_s) if s.label]
    return Lane("the body", tuple(spans))


def _planned(record: Record) -> list[Panel]:
    plan = record.of("plan")
    styles = {"arousal": "one", "valence": "two", "tension": "three"}
    lines = tuple(Line(name, *over(plan, name), style, "", 2) for name, style in styles.items())
    return [Panel("Targets", "\u22121 to 1", lines, -1, 1)]


def _played(played: Played) -> list[Panel]:
    def line(name: str, label: str, style: str, unit: str, digits: int, step: bool = False) -> Line | None:
        if name not in played:
            return None
        return Line(label, column(played, "t_s"), column(played, name), style, unit, digits, step=step)

    def chart(title: str, unit: str, *lines: Line | None, low: float | None = None) -> Panel | None:
        drawn = tuple(item for item in lines if item is not None)
        return Panel(title, unit, drawn, low) if drawn else None

    loudness = None
    if "measured_lufs" in played and "target_lufs" in played:
        t_s, target = column(played, "t_s"), column(played, "target_lufs")
        offset = column(played, "planned_offset_lu") if "planned_offset_lu" in played else np.zeros_like(target)
        measured = column(played, "measured_lufs")
        measured = np.where(measured > -70.0, measured, np.nan)  # BS.1770 calls less than that silence
        planned = Line("planned", t_s, target + offset, "two dashed", "LUFS", 1)
        loudness = Panel("Loudness", "LUFS", (Line("measured", t_s, measured, "one", "LUFS", 1), planned))
    charts = (
        chart("Tempo", "bpm", line("tempo_bpm", "tempo", "four", "bpm", 1, step=True)),
        chart(
            "Dynamics",
            "dB around the programme's loudness",
            line("planned_offset_lu", "with phrases and breath", "faint", "LU", 1),
            line("dynamics_db", "playing level", "four", "dB", 1),
        ),
        loudness,
        chart("Density", "notes a second", line("density_hz", "density", "three", "/s", 2), low=0.0),
    )
    return [item for item in charts if item is not None]


def _strips(record: Record, played: Played, length_s: float) -> str:
    text = ""
    if {"key", "mode", "t_s"} <= played.keys():
        names = [f"{key} {mode}" for key, mode in zip(played["key"], played["mode"], strict=True)]
        text += strip("Key and mode", _runs(column(played, "t_s"), names, length_s), length_s)
    phrases = [line for line in record.of("marker") if line.get("kind") in (None, "phrase")]
    if phrases:
        starts = np.array([float(line["t_s"]) for line in phrases])
        text += strip(
            "Phrases", _runs(starts, [str(line["text"]) for line in phrases], length_s, merge=False), length_s
        )
    return text


def _phases(record: Record, length_s: float) -> list[Span]:
    changes = record.of("phase") or [line for line in record.of("plan") if line.get("phase")]
    starts = np.array([float(line["t_s"]) for line in changes])
    return _runs(starts, [str(line.get("text") or line.get("phase")) for line in changes], length_s)


def _runs(starts: Floats, names: Sequence[str], length_s: float, merge: bool = True) -> list[Span]:
    """Stretches of equal names, each until the next begins."""
    kept = [i for i in range(len(names)) if not merge or i == 0 or names[i] != names[i - 1]]
    edges = [*(float(starts[i]) for i in kept), length_s]
    spans = [Span(start, end, names[i]) for i, start, end in zip(kept, edges, edges[1:], strict=False)]
    return [span for span in spans if span.start_s < length_s]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def over(lines: Sequence[RecordLine], name: str) -> tuple[Floats, Floats]:
    """A field over time where it is known."""
    known = [(float(line["t_s"]), float(line[name])) for line in lines if line.get(name) is not None]
    both = np.array(known, dtype=np.float64).reshape(-1, 2)
    return both[:, 0], both[:, 1]
