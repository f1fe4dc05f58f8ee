"""What the person told of themselves: answers to questionnaires and sliders, before and after and on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from synth.record.lines import Line, number
from synth.record.markup import facts, table
from synth.record.plots import clock
from synth.record.reader import Record
from synth.record.scale import scale_names
from synth.record.story import plain_name

RISK = "an answer told of danger to the person and asks for help at once."
SHOWN = 12  # moments of one channel
_CHANNELS: Mapping[str, str] = {
    "self_arousal": "How activated, \u22121 to 1",
    "self_valence": "Mood, \u22121 to 1",
    "feedback": "How the music suited, \u22121 to 1",
}


def worn(record: Record) -> bool:
    """Whether a sensor said anything of the body; what the person told is none."""
    return any(line["channel"] not in _CHANNELS for line in record.of("samples"))


class Answers(NamedTuple):
    """One question's scores by when they were given ("before", "during", "after", "apart"), its range in words, and how
    many of its cut-points each reaches. `own`: a slider, no published scale; `risk`: an answer told of danger."""

    name: str
    scores: dict[str, float]
    span: str
    reached: dict[str, str]
    own: bool
    risk: bool


def answers(record: Record) -> list[Answers]:
    """Every questionnaire and slider in the order they came; of one given twice, the last before, the first after."""
    found: dict[str, list[Line]] = {}
    for line in record.of("scores"):
        if number(line["score"]) is not None:
            found.setdefault(str(line["name"]), []).append(line)
    return [_answers(name, lines) for name, lines in found.items()]


def _answers(name: str, lines: Sequence[Line]) -> Answers:
    scores: dict[str, float] = {}
    reached: dict[str, str] = {}
    for line in lines:
        when = str(line["when"])
        if when != "after" or when not in scores:
            scores[when] = number(line["score"]) or 0.0
            points, band = line.get("cut_points") or (), number(line.get("band"))
            reached[when] = f"{band:g} of {len(points)} cut-points" if points and band is not None else ""
    low, high = number(lines[0].get("low")), number(lines[0].get("high"))
    span = f"{told(low)} to {told(high)}" if low is not None and high is not None else ""
    published = name.upper() in scale_names() or any(line.get("cut_points") or line.get("loinc") for line in lines)
    return Answers(name, scores, span, reached, not published, any(line.get("risk_flag") for line in lines))


def on_the_way(record: Record) -> dict[str, list[tuple[float, float]]]:
    """What the person said of themselves before it began (at 0) and while it played, as (time, value) by channel."""
    said: dict[str, list[tuple[float, float]]] = {}
    for line in record.of("feedback"):
        value = number(line["value"])
        if value is not None:
            said.setdefault(str(line["channel"]), []).append((number(line["t_s"]) or 0.0, value))
    for channel, series in record.samples().items():
        if channel in _CHANNELS and channel not in said:
            said[channel] = list(zip(series.t_s.tolist(), series.value.tolist(), strict=True))
    at_first = record.header.get("self_report")
    for name, told_first in at_first.items() if isinstance(at_first, Mapping) else ():
        if (value := number(told_first)) is not None:
            said[f"self_{name}"] = [(0.0, value), *said.get(f"self_{name}", [])]
    return said


def told_tables(record: Record) -> str:
    """Both as HTML."""
    given, said = answers(record), on_the_way(record)
    if not given and not said:
        return "<p>The person was not asked, or did not answer.</p>"
    text = "".join(f'<p class="note alert">{escape(row.name)}: {RISK}</p>' for row in given if row.risk)
    if given:
        moments = ["before", *(m for m in ("during", "apart") if any(m in row.scores for row in given)), "after"]
        text += table(("Score", "range", *moments, "change"), [_row(row, moments) for row in given])
        text += '<p class="soft">A change says nothing of its cause.</p>'
    if said:
        text += facts(
            [(_CHANNELS.get(channel, plain_name(channel)), _moments(values)) for channel, values in said.items()]
        )
    return text


def _row(row: Answers, moments: Sequence[str]) -> list[str]:
    cells = [
        told(row.scores.get(moment)) + (f" ({row.reached[moment]})" if row.reached.get(moment) else "")
        for moment in moments
    ]
    return [slider_name(row.name), row.span, *cells, _change(row.scores.get("before"), row.scores.get("after"))]


def slider_name(name: str) -> str:
    """A questionnaire's or slider's name for people."""
    return plain_name(name) if name.islower() else name


def told(value: float | None) -> str:
    """A score as people write it."""
    return "\u2013" if value is None else f"{value:g}".replace("-", "\u2212")


def _change(before: float | None, after: float | None) -> str:
    return "\u2013" if before is None or after is None else f"{after - before:+g}".replace("-", "\u2212")


def _moments(said: Sequence[tuple[float, float]]) -> str:
    shown = "; ".join(f"{told(round(value, 3))} at {clock(t_s)}" for t_s, value in said[:SHOWN])
    return shown + (f"; and {len(said) - SHOWN} more times" if len(said) > SHOWN else "")
