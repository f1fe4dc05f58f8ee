"""What a record tells, by theme: each function takes the lines of one kind and gives events in order of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from synth.record.incidents import incidents as incident_log
from synth.record.lines import Line
from synth.record.reader import Record
from synth.record.story import Event, handovers, happenings, plain_name, reasons, sayings, who

_CUES = {
    "breath": "a breathing cue",
    "ground": "a grounding motif",
    "tempo": "a tempo shift",
    "stem_in": "a stem comes in",
    "stem_out": "a stem goes out",
    "silence": "a silence",
}


def moved(record: Record) -> list[Event]:
    """Why the music moved: commits, the plan's sayings, cues, edits, and what people asked for and gave back."""
    said = sayings((line["t_s"], "Plan", line.get("words") or ()) for line in record.of("plan"))
    verbs = [_worded(line, f"asked for \u201c{plain_name(str(line['verb']))}\u201d") for line in record.of("verb")]
    cues = [_worded(line, cue_text(line)) for line in record.of("cue")]
    edits = [
        Event(float(line["t_s"]), float(line["t_s"]), who(str(line["by"])), f"changed the plan to {plan_text(line)}")
        for line in record.of("edit")
    ]
    return _once(
        _in_order(
            reasons(record.of("commit")),
            said,
            handovers(record.of("commit", "release")),
            happenings(verbs, "Person"),
            happenings(cues, "Plan"),
            edits,
        )
    )


def believed(record: Record) -> list[Event]:
    """What the estimator said, second by second."""
    return sayings((line["t_s"], "Believed", line.get("reasons") or ()) for line in record.of("state"))


def safety(record: Record) -> list[Event]:
    """Where a limit or a rule stepped in, and where the end was asked for."""
    taken_back = (
        (float(line["t_s"]), "Safety", [f"the music was taken back: {line['reason']}"])
        for line in record.of("commit")
        if line["by"] == "safety" and line.get("accepted", True)
    )
    return _in_order(
        sayings(taken_back),
        happenings(record.of("safety"), "Safety"),
        happenings((_worded(line, "silence was asked for at once") for line in record.of("panic")), "Safety"),
        happenings(
            (_worded(line, "a stop was asked for: the music faded out") for line in record.of("stop")), "Safety"
        ),
    )


def incidents(record: Record) -> list[Event]:
    """The incident log: what happened, and what was done about it."""
    rows = incident_log(record)
    return happenings(
        ({"t_s": row.t_s, "text": "; ".join(filter(None, (row.what, row.done)))} for row in rows), "Incident"
    )


def refused(record: Record) -> list[Event]:
    """What was asked for and not done, and why."""
    return happenings(record.of("refusal"), "Refused")


def guests(record: Record) -> list[Event]:
    """What other composers played, and what was mended of it, or why they did not."""
    lines = record.of("guest")
    told = {
        name: [_worded(line, f"{line['stem']}: {line['text']}") for line in lines if line["name"] == name]
        for name in dict.fromkeys(str(line["name"]) for line in lines)
    }
    return _in_order(*(happenings(said, name) for name, said in told.items()))


def noted(record: Record) -> list[Event]:
    """Notes that people wrote, where the record keeps them."""
    return happenings((line for line in record.of("note") if line.get("text")), "Note")


def repaired(record: Record) -> list[Event]:
    """What was mended in what came in, and requests that were softened."""
    softened = [
        _worded(line, f"{plain_name(line['control'])}: {line['repair']}")
        for line in record.of("commit")
        if line.get("repair")
    ]
    return _in_order(happenings([*record.of("repair"), *softened], "Repair"))


def cue_text(line: Line) -> str:
    """A cue in words: what the record says of it, else its kind."""
    return str(line.get("text") or "") or _CUES.get(str(line["kind"]), plain_name(str(line["kind"])))


def plan_text(line: Mapping[str, Any]) -> str:
    """The phases of a line or a preset in words: "match 2 min, lead 8.5 min"."""
    phases: Sequence[Any] = line.get("phases") or ()
    told = [_phase(phase) for phase in phases]
    return ", ".join(told) if told else "no phases"


def _phase(phase: Any) -> str:
    if not isinstance(phase, Mapping):
        return str(phase)
    name = str(phase.get("kind") or phase.get("phase") or phase.get("name") or "a phase")
    minutes = phase.get("minutes")
    return f"{name} {minutes:g} min" if isinstance(minutes, int | float) else name


def _once(events: Iterable[Event]) -> list[Event]:
    """Without events that another of the same second tells in the same words; one that moved something stays."""
    kept: dict[tuple[int, str, str, bool], Event] = {}
    for event in events:
        key = (round(event.start_s), event.who, event.text)
        if event.moves:
            kept.pop((*key, False), None)
            kept[(*key, True)] = event
        elif (*key, True) not in kept:
            kept.setdefault((*key, False), event)
    return _in_order(kept.values())


def _worded(line: Line, text: str) -> Line:
    return {"t_s": line["t_s"], "text": text}


def _in_order(*groups: Iterable[Event]) -> list[Event]:
    return sorted((event for group in groups for event in group), key=lambda event: event.start_s)
