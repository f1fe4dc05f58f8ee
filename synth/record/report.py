"""The report of a session for the professional: one page that stands alone.

It tells what was sensed, believed, planned and played, why, and what is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from synth.record import account
from synth.record.conditions import dose_rows, integrity, kept, plan_rows, screening_rows, setting_rows
from synth.record.figure import Played, column, ends, figure, heart, read_controls
from synth.record.markup import document, event_list, facts, section, sentences, write_page
from synth.record.plots import clock
from synth.record.reader import Record
from synth.record.told import told_tables, worn
from synth.record.unknown import not_known

DISCLAIMER = (
    "The figures on this page describe this one session only. They are no measure of health and say nothing about"
    " other days or other people."
)


def write_report(record: Record, controls_csv: Path, out: Path) -> None:
    """Write the page for `record` to `out`; `controls_csv` is the session's controls as heard.

    Raises OSError when a file cannot be read or written.
    """
    write_page(page(record, read_controls(controls_csv)), out)


def page(record: Record, played: Played, paper: bool = False) -> str:
    """The page as HTML."""
    preset = record.header["preset"]
    title = str(preset.get("title") or preset.get("name") or "Session")
    hover = "" if paper else "Hover over a plot for the values at that moment."
    body = (
        _intro(record, title, preset)
        + _tiles(record, played)
        + section("over-time", "The session over time", figure(record, played), hover)
        + _words(record)
        + section("not-known", "What is not known", sentences(not_known(record)))
        + _conditions(record)
        + f"<footer><p>{DISCLAIMER}</p><p>Made by isotone {escape(str(record.header['engine_version']))} from"
        " <code>session.jsonl</code> and <code>controls.csv</code> beside this page.</p></footer>"
    )
    return document(f"{title} \u00b7 isotone session", ("paper.css",) if paper else ("report.css",), body)


def _intro(record: Record, title: str, preset: Mapping[str, Any]) -> str:
    header = record.header
    told = [
        f"Preset {preset.get('name', title)}",
        f"{clock(record.length_s)} long",
        f"seed {header['seed']}",
        f"{header['sample_rate'] / 1000:g} kHz",
        f"isotone {header['engine_version']}",
    ]
    if header.get("started"):
        told.append(f"begun {header['started']}")
    if header.get("recording"):
        told.append(f"recording {header['recording']}")
    notes = []
    if record.sensed and not worn(record):
        notes.append("No sensor of the body: only what the person told was taken in.")
    elif not record.sensed:
        notes.append("No recording: the plan ran open-loop, so nothing was sensed and nothing believed.")
    if record.end is None:
        notes.append("The session broke off; this page shows what was recorded up to there.")
    elif record.end["reason"] != "finished":
        notes.append(f"The session ended early: {record.end['reason']}.")
    if record.breaks:
        notes.append("The record is not whole: see \u201cThe record\u201d at the end.")
    facts_told = "".join(f"<span>{escape(fact)}</span> " for fact in told)
    noted = "".join(f'<p class="note">{escape(note)}</p>' for note in notes)
    return (
        f"<header><h1>{escape(title)}</h1><p class='lead'>{escape(str(preset.get('summary', '')))}</p>"
        f"<p class='facts'>{facts_told}</p>{noted}</header>"
    )


def _tiles(record: Record, played: Played) -> str:
    """A few figures of the session, beginning against end."""
    tiles = []
    sensed = heart(record)
    if sensed is not None:
        told = ends(sensed[0], sensed[1], record.length_s)
        tiles.append(("Heart rate, beginning and end", " \u2192 ".join(told), "bpm"))
    states = record.of("state")
    if worn(record) and states:
        sure = np.mean([line["confidence"] >= 0.5 for line in states])
        tiles.append(("Time the sensors could be relied on", f"{100 * sure:.0f}", "%"))
    if "tempo_bpm" in played:
        told = ends(column(played, "t_s"), column(played, "tempo_bpm"), record.length_s)
        tiles.append(("Tempo, beginning and end", " \u2192 ".join(told), "bpm"))
    moves = sum(1 for line in record.of("commit") if line.get("accepted", True))
    tiles.append(("Requests taken", f"{moves}", ""))
    cells = "".join(f"<div><dt>{a}</dt><dd>{b} <small>{c}</small></dd></div>" for a, b, c in tiles)
    return f'<dl class="tiles">{cells}</dl>'


def _words(record: Record) -> str:
    """What was told, moved, believed, held, refused and mended."""
    believed = account.believed(record)
    noted = account.noted(record)
    guests = account.guests(record)
    return (
        section("told", "What the person told", told_tables(record))
        + section(
            "moved", "Why the music moved", event_list(account.moved(record), "Nothing was moved in this session.")
        )
        + (section("guests", "Other composers", event_list(guests, "")) if guests else "")
        + (section("believed", "What was believed, in words", event_list(believed, "", 12)) if believed else "")
        + section("safety", "Safety", event_list(account.safety(record), "No limit had to step in.", alert=True))
        + section("incidents", "Incidents", event_list(account.incidents(record), "None was logged.", alert=True))
        + section("refused", "Asked for and not done", event_list(account.refused(record), "Nothing was refused."))
        + (section("notes", "Notes", event_list(noted, "")) if noted else "")
        + section("repairs", "Repairs", event_list(account.repaired(record), "Nothing had to be repaired."))
    )


def _conditions(record: Record) -> str:
    """How the session was set, what is known of its level, and whether the record is whole."""
    return (
        section("plan", "Plan and policy", facts(plan_rows(record)))
        + section("screening", "Safety questions", facts(screening_rows(record)))
        + section("setting", "Setting", facts(setting_rows(record)))
        + section("level", "Level and dose", facts(dose_rows(record)))
        + section("record", "The record", sentences(integrity(record) + kept(record)))
    )
