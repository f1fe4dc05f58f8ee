"""The report of a session: one page that stands alone, with what was sensed, believed, planned and played, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from synth.record.figure import Played, column, figure, heart, read_controls
from synth.record.plots import Floats, clock
from synth.record.reader import Record
from synth.record.story import Event, handovers, happenings, plain_name, reasons, sayings

SHOWN_EVENTS = 60
ENDS_S = 120.0  # what counts as the session's beginning and end
DISCLAIMER = (
    "The figures on this page describe this one session only. They are no measure of health and say nothing about"
    " other days or other people."
)


def write_report(record: Record, controls_csv: Path, out: Path) -> None:
    """Write the page for `record` to `out`; `controls_csv` is the session's controls as heard.

    Raises OSError when a file cannot be read or written.
    """
    out.write_text(page(record, read_controls(controls_csv)), encoding="utf-8")


def page(record: Record, played: Played) -> str:
    """The page as HTML."""
    css = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    preset = record.header["preset"]
    title = str(preset.get("title") or preset.get("name") or "Session")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} \u00b7 isotone session</title><style>\n{css}</style></head><body><main>"
        f"{_intro(record, title, preset)}{_tiles(record, played)}"
        f"<h2>The session over time</h2><p class='soft'>Hover over a plot for the values at that moment.</p>"
        f"{figure(record, played)}{_words(record)}"
        f"<footer><p>{DISCLAIMER}</p><p>Made by isotone {escape(str(record.header['engine_version']))} from"
        " <code>session.jsonl</code> and <code>controls.csv</code> beside this page.</p></footer>"
        "</main></body></html>\n"
    )


def _intro(record: Record, title: str, preset: Mapping[str, Any]) -> str:
    header = record.header
    facts = [
        f"Preset {preset.get('name', title)}",
        f"{clock(record.length_s)} long",
        f"seed {header['seed']}",
        f"{header['sample_rate'] / 1000:g} kHz",
        f"isotone {header['engine_version']}",
    ]
    if header.get("recording"):
        facts.append(f"recording {header['recording']}")
    notes = []
    if not record.sensed:
        notes.append("No recording: the plan ran open-loop, so nothing was sensed and nothing believed.")
    if record.end is None:
        notes.append("The session broke off; this page shows what was recorded up to there.")
    elif record.end["reason"] != "finished":
        notes.append(f"The session ended early: {record.end['reason']}.")
    told = "".join(f"<span>{escape(fact)}</span> " for fact in facts)
    noted = "".join(f'<p class="note">{escape(note)}</p>' for note in notes)
    return (
        f"<header><h1>{escape(title)}</h1><p class='lead'>{escape(str(preset.get('summary', '')))}</p>"
        f"<p class='facts'>{told}</p>{noted}</header>"
    )


def _tiles(record: Record, played: Played) -> str:
    """A few figures of the session, beginning against end."""
    tiles = []
    sensed = heart(record)
    if sensed is not None:
        tiles.append(("Heart rate, beginning and end", _ends(sensed[0], sensed[1], record.length_s), "bpm"))
    states = record.of("state")
    if record.sensed and states:
        sure = np.mean([line["confidence"] >= 0.5 for line in states])
        tiles.append(("Time the sensors could be relied on", f"{100 * sure:.0f}", "%"))
    if "tempo_bpm" in played:
        t_s, tempo = column(played, "t_s"), column(played, "tempo_bpm")
        tiles.append(("Tempo, beginning and end", _ends(t_s, tempo, record.length_s), "bpm"))
    moves = sum(1 for line in record.of("commit") if line.get("accepted", True))
    tiles.append(("Requests taken", f"{moves}", ""))
    cells = "".join(f"<div><dt>{a}</dt><dd>{b} <small>{c}</small></dd></div>" for a, b, c in tiles)
    return f'<dl class="tiles">{cells}</dl>'


def _ends(t_s: Floats, value: Floats, length_s: float) -> str:
    window_s = min(ENDS_S, length_s / 2)
    parts = (value[t_s <= window_s], value[t_s >= length_s - window_s])
    known = [part[np.isfinite(part)] for part in parts]
    return " \u2192 ".join(f"{part.mean():.0f}" if part.size else "\u2013" for part in known)


def _words(record: Record) -> str:
    moved = reasons(record.of("commit"))
    people = [
        {"t_s": line["t_s"], "text": f"asked for \u201c{line['verb'].replace('_', ' ')}\u201d"}
        for line in record.of("verb")
    ]
    returned = handovers(record.of("commit", "release"))
    told = sayings((line["t_s"], "Plan", line.get("words") or ()) for line in record.of("plan"))
    music = sorted(moved + told + returned + happenings(people, "Person"), key=lambda event: event.start_s)
    believed = sayings((line["t_s"], "Believed", line.get("reasons") or ()) for line in record.of("state"))
    safety = happenings(
        [*record.of("safety")]
        + [
            {"t_s": line["t_s"], "text": f"the music was taken back: {line['reason']}"}
            for line in record.of("commit")
            if line["by"] == "safety"
        ]
        + [{"t_s": line["t_s"], "text": "silence was asked for at once"} for line in record.of("panic")]
        + [{"t_s": line["t_s"], "text": "a stop was asked for: the music faded out"} for line in record.of("stop")],
        "Safety",
    )
    softened = [
        {"t_s": line["t_s"], "text": f"{plain_name(line['control'])}: {line['repair']}"}
        for line in record.of("commit")
        if line.get("repair")
    ]
    repairs = happenings([*record.of("repair"), *softened], "Repair")
    return (
        f"<h2>Why the music moved</h2>{_list(music, 'Nothing was moved in this session.')}"
        + (f"<h2>What was believed, in words</h2>{_list(believed, '', 12)}" if believed else "")
        + f"<h2>Safety</h2>{_list(sorted(safety, key=lambda e: e.start_s), 'No limit had to step in.', alert=True)}"
        f"<h2>Repairs</h2>{_list(sorted(repairs, key=lambda e: e.start_s), 'Nothing had to be repaired.')}"
    )


def _list(events: Sequence[Event], none: str, shown: int = SHOWN_EVENTS, alert: bool = False) -> str:
    if not events:
        return f"<p>{none}</p>"
    items = [_item(event, alert) for event in events]
    text = f'<ol class="events">{"".join(items[:shown])}</ol>'
    if len(items) > shown:
        rest = f'<ol class="events">{"".join(items[shown:])}</ol>'
        text += f"<details><summary>{len(items) - shown} more</summary>{rest}</details>"
    return text


def _item(event: Event, alert: bool) -> str:
    span = clock(event.start_s)
    if clock(event.end_s) != span:
        span += f" to {clock(event.end_s)}"
    moves = "".join(f"<span>{escape(move.text)}</span> " for move in event.moves.values())
    moved = f'<div class="moves">{moves}</div>' if moves else ""
    text = event.text if event.who == "Repair" else event.text[:1].upper() + event.text[1:]  # a name comes first there
    return (
        f'<li><time>{span}</time><span class="who{" alert" if alert else ""}">{escape(event.who)}</span>'
        f"<p>{escape(text)}</p>{moved}</li>"
    )
