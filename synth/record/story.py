"""The record in words: what moved the music, when, and why; like things that follow each other told once."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

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
    """A control's way from `old` to `new`, and the lowest and highest it was taken on the way."""

    control: str
    old: float
    new: float
    low: float = field(init=False)
    high: float = field(init=False)

    def __post_init__(self) -> None:
        self.low, self.high = min(self.old, self.new), max(self.old, self.new)

    def on(self, new: float) -> None:
        """Go on to `new`."""
        self.new, self.low, self.high = new, min(self.low, new), max(self.high, new)

    @property
    def text(self) -> str:
        """The move as people write it: "tempo 66 to 60 bpm", "tempo 66 to 66 bpm by way of 70"."""
        row = TABLE.get(self.control)
        least = self._least
        values = [self.old, self.new]
        values += [self.low] if min(values) - self.low >= least > 0.0 else []
        values += [self.high] if self.high - max(values[:2]) >= least > 0.0 else []
        if row is not None and row.choices:
            told = [row.text(value) for value in values]
        else:
            told = _told(values, math.inf if row is None else row.high - row.low)
        way = f" by way of {' and '.join(told[2:])}" if told[2:] else ""
        unit = f" {row.unit}" if row is not None and row.unit else ""
        return f"{plain_name(self.control)} {told[0]} to {told[1]}{unit}{way}"

    @property
    def seen(self) -> bool:
        """Whether it is worth telling: at least half a per cent of the control's range."""
        return self.high - self.low >= self._least

    @property
    def _least(self) -> float:
        row = TABLE.get(self.control)
        return 0.0 if row is None else 0.005 * (row.high - row.low)


@dataclass(slots=True)
class Event:
    """Something that went on from `start_s` to `end_s`: who, why, and what it moved.

    `counted`: it happened `times` times; otherwise it lasted, and was said or asked for `times` times meanwhile.
    """

    start_s: float
    end_s: float
    who: str
    text: str
    moves: dict[str, Move] = field(default_factory=dict)
    times: int = 1
    counted: bool = False


def _told(values: Sequence[float], span: float) -> list[str]:
    """Values of a control that spans `span`, with as many digits as tell their distances to a fifth."""
    if math.isinf(span):
        return [f"{value:.3g}".replace("-", "\u2212") for value in values]
    told: list[str] = []
    for digits in range(0 if span >= 20 else 1 if span > 5 else 2, 4):
        rounded = [round(value, digits) + 0.0 for value in values]
        told = [f"{value:.{digits}f}".replace("-", "\u2212") for value in rounded]
        ways = [(b - a, d - c) for (a, b), (c, d) in zip(pairwise(values), pairwise(rounded), strict=True)]
        if all(abs(shown - true) <= 0.2 * abs(true) for true, shown in ways):
            break
    return told


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
            event.moves[name].on(new)
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
    """Lines with a `text` each, such as safety events and repairs; like ones merged and counted."""
    events: list[Event] = []
    open_events: dict[tuple[str, str], Event] = {}
    for line in lines:
        _extend(open_events, events, float(line["t_s"]), speaker, str(line["text"])).counted = True
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
