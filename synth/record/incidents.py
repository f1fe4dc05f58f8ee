"""The incident log: what went wrong or was stopped, when, and what was done about it, over one or many sessions.

Kinds are the engine's own safety events, and harm that a person reports. Where harm came from is told by the six
sources of the MTHM, a model of harm through music (Murakami 2021, ECOS 6(1) e003, doi:10.24215/27186199e003).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from types import MappingProxyType
from typing import Any

from synth.record.lines import Line, number
from synth.record.reader import Record

KINDS = MappingProxyType(
    {
        "stop_rule": "a stop rule came into force",
        "panic": "silence was asked for at once",
        "stop": "a stop was asked for",
        "dose": "the dose of sound reached its limit",
        "guard": "a guard stepped in",
        "sensor_loss": "a sensor was lost",
        "refusal": "something that was asked for was not done",
        "harm": "a person reported harm",
    }
)
HARM_SOURCES = MappingProxyType(
    {
        "music": "the music presented",
        "deliverer": "the person who delivered it",
        "application": "how the music was used",
        "relationship": "the relationship between the people",
        "associations": "what the music brings to mind for this person",
        "ecology": "the surroundings: place, time, equipment, other people",
    }
)
_DONE = {"panic": "silence in 250 ms", "stop": "the music faded out", "refusal": "it was not done"}
_SAME_S = 1.0  # a line of its own and an incident of the same kind this close are one event
_OWN_LINES = ("panic", "stop", "refusal")


@dataclass(frozen=True, slots=True)
class Incident:
    """One row of the log. `started` is the session's (ISO 8601, "" when not known), `t_s` seconds into it."""

    session: str
    started: str
    t_s: float
    kind: str
    what: str
    done: str
    source: str = ""


def harm(t_s: float, source: str, *, text: str = "", done: str = "", by: str = "hand") -> Line:
    """The record line of harm that a person reports; `source` is one of `HARM_SOURCES`, ValueError otherwise.

    `text` and `done` are the person's own words, kept only in a record that allows free text.
    """
    if source not in HARM_SOURCES:
        raise ValueError(f"{source!r} is no source of harm: give one of {', '.join(HARM_SOURCES)}")
    if number(t_s) is None:
        raise ValueError("the time of an incident is in seconds from the session's start: give a number")
    line: dict[str, Any] = {"type": "incident", "t_s": t_s, "kind": "harm", "source": source, "by": by}
    return line | ({"text": text} if text else {}) | ({"done": done} if done else {})


def incidents(record: Record, session: str = "") -> list[Incident]:
    """The incidents of a record in order of time.

    Panics, stops and refusals count whether or not an incident of their kind stands beside them.
    """
    told = record.of("incident")
    known = [(str(line["kind"]), _time(line)) for line in told]
    bare = [
        {**line, "kind": line["type"]}
        for line in record.of(*_OWN_LINES)
        if not any(kind == line["type"] and abs(t_s - _time(line)) <= _SAME_S for kind, t_s in known)
    ]
    started = str(record.header.get("started") or "")
    return sorted((_incident(line, session, started) for line in [*told, *bare]), key=lambda row: row.t_s)


def _incident(line: Line, session: str, started: str) -> Incident:
    kind, source = str(line["kind"]), str(line.get("source") or "")
    what = str(line.get("text") or KINDS.get(kind, kind))
    if source in HARM_SOURCES:
        what += f", from {HARM_SOURCES[source]}"
    return Incident(session, started, _time(line), kind, what, str(line.get("done") or _DONE.get(kind, "")), source)


def _time(line: Line) -> float:
    return number(line["t_s"]) or 0.0


def as_table(rows: Iterable[Incident]) -> str:
    """Rows as text in columns; nothing in them can move the cursor of a terminal."""
    cells: list[tuple[str, ...]] = [("session", "time", "kind", "what happened", "what was done")]
    cells += [tuple(map(_printable, (r.session, _clock(r.t_s), r.kind, r.what, r.done))) for r in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells)


def as_csv(rows: Iterable[Incident]) -> str:
    """Rows as CSV (RFC 4180); a text that a spreadsheet would take for a formula begins with an apostrophe."""
    file = io.StringIO()
    out = csv.writer(file, lineterminator="\r\n")
    out.writerow([field.name for field in fields(Incident)])
    for row in rows:
        out.writerow([_no_formula(cell) if isinstance(cell, str) else cell for cell in astuple(row)])
    return file.getvalue()


def _no_formula(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _clock(t_s: float) -> str:
    minutes, seconds = divmod(round(t_s), 60)
    return f"{minutes}:{seconds:02d}"
