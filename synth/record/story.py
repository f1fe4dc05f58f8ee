"""The record in words: what moved the music, when, and why; like things that follow each other told once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from synth.controls import TABLE
from synth.record.lines import Line

GAP_S = 20.0  # what happens again within this time is the same happening

_WHO = {
    "plan": "Plan",
    "policy": "Loop",
    "mapping": "Loop",
    "script": "Script",
    "hand": "Person",
    "safety": "Safety",
}
_LOOP = ("Plan", "Loop")
_UNIT_ENDINGS = ("_bpm", "_hz", "_db", "_lu", "_oct", "_note", "_ms", "_lufs")
_NUMBER = re.compile(r"[-+\u2212]?\d+(?:\.\d+)?")


@dataclass(slots=True)
class Move:
    """A control's way from `old` to `new`."""

    control: str
    old: float
    new: float

    @property
    def text(self) -> str:
        """The move as people write it: "tempo 66 to 60 bpm"."""
        row = TABLE.get(self.control)
        if row is None:
            return f"{self.control} {self.old:.3g} to {self.new:.3g}"
        if row.choices:
            return f"{plain_name(self.control)} {row.text(self.old)} to {row.text(self.new)}"
        span = row.high - row.low
        for digits in range(0 if span >= 20 else 1 if span > 5 else 2, 4):
            ends = [f"{value:.{digits}f}".replace("-", "\u2212") for value in (self.old, self.new)]
            if ends[0] != ends[1]:
                break
        return f"{plain_name(self.control)} {' to '.join(ends)} {row.unit}".rstrip()

    @property
    def seen(self) -> bool:
        """Whether it is worth telling: at least half a per cent of the control's range."""
        row = TABLE.get(self.control)
        return row is None or abs(self.new - self.old) >= 0.005 * (row.high - row.low)


@dataclass(slots=True)
class Event:
    """Something that went on from `start_s` to `end_s`: who, why, and what it moved."""

    start_s: float
    end_s: float
    who: str
    text: str
    moves: dict[str, Move] = field(default_factory=dict)
    times: int = 1


def plain_name(control: str) -> str:
    """A control's name for people: "tempo_bpm" is "tempo"."""
    for ending in _UNIT_ENDINGS:
        control = control.removesuffix(ending)
    return control.replace("_", " ")


def who(by: str) -> str:
    """Who moved a control, for people."""
    kind, _, name = by.partition(":")
    return _WHO.get(kind, kind.capitalize()) + (f" ({name})" if name else "")


def reasons(commits: Iterable[Line]) -> list[Event]:
    """Every change that was taken, grouped by who and why, in order of time."""
    events: list[Event] = []
    open_events: dict[tuple[str, str], Event] = {}
    for line in commits:
        if not line.get("accepted", True):
            continue
        t_s, speaker, text = float(line["t_s"]), who(line["by"]), str(line["reason"])
        event = _extend(open_events, events, t_s, speaker, text)
        name, new = line["control"], float(line["new"])
        if name in event.moves:
            event.moves[name].new = new
        else:
            event.moves[name] = Move(name, float(line["old"]), new)
    for event in events:
        event.moves = {name: move for name, move in event.moves.items() if move.seen}
    return [event for event in events if event.moves]


def sayings(lines: Iterable[tuple[float, str, Sequence[str]]]) -> list[Event]:
    """Sentences said at moments, (time, who, sentences); one said on and on is told once, with its last numbers."""
    events: list[Event] = []
    open_events: dict[tuple[str, str], Event] = {}
    for t_s, speaker, texts in lines:
        for text in texts:
            _extend(open_events, events, t_s, speaker, text)
    return events


def handovers(lines: Iterable[Line]) -> list[Event]:
    """Controls given back to the plan, by whoever held them last; `lines` are commits and releases in order."""
    holders: dict[str, str] = {}
    events: list[Event] = []
    for line in lines:
        name, t_s = line["control"], float(line["t_s"])
        if line["type"] == "release":
            speaker = who(holders.get(name, "hand"))
            events.append(Event(t_s, t_s, speaker, f"gave {plain_name(name)} back to the plan"))
        elif line.get("accepted", True) and who(line["by"]) not in _LOOP:
            holders[name] = line["by"]
    return events


def happenings(lines: Iterable[Line], speaker: str = "") -> list[Event]:
    """Lines with a `text` each, such as safety events and repairs; like ones merged."""
    events: list[Event] = []
    open_events: dict[tuple[str, str], Event] = {}
    for line in lines:
        _extend(open_events, events, float(line["t_s"]), speaker, str(line["text"]))
    return events


def _extend(
    open_events: dict[tuple[str, str], Event], events: list[Event], t_s: float, speaker: str, text: str
) -> Event:
    """The event this belongs to: the running one of the same speaker and sentence (numbers apart), or a new one."""
    key = (speaker, _NUMBER.sub("#", text))
    event = open_events.get(key)
    if event is None or t_s - event.end_s > GAP_S:
        event = Event(t_s, t_s, speaker, text, times=0)
        open_events[key] = event
        events.append(event)
    event.end_s, event.text = t_s, text
    event.times += 1
    return event
