"""The address space: every address, what it takes and tells, generated from the table of controls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from synth.control.osc.pattern import is_pattern, meant
from synth.control.osc.stems import RETURN
from synth.control.osc.view import View, fader_of, shown
from synth.controls import CONTROLS, STEMS, TABLE, Control
from synth.session import REPORTS, VERBS
from synth.wire.osc import Arg

READ, WRITE = 1, 2
PLAYED = tuple(stem for stem in STEMS if stem != RETURN)  # may be soloed, panned and played
_SESSION = {  # type tags, unit of each value, help
    "time_s": ("f", ("s",), "Session time."),
    "phase": ("s", ("",), "The plan's phase."),
    "planned": ("fff", ("", "", ""), "Arousal, valence and tension that the plan wants now."),
    "reasons": ("s", ("",), "Why the music is as it is, in words."),
    "tempo": ("f", ("bpm",), "Tempo of the beat that sounds."),
    "beat": ("iii", ("", "", ""), "The beat's number from 0, its place in the bar from 1, and the bar's beats."),
    "key": ("s", ("",), "Tonic of the bar that sounds."),
    "mode": ("s", ("",), "Mode of the bar that sounds."),
    "held": ("s", ("",), "Controls that a person or safety holds."),
    "preset": ("s", ("",), "The preset, empty when not known."),
    "finished": ("i", ("",), "1 when the session is over."),
}
_VERBS = {
    "more": "A little more arousal.",
    "less": "A little less arousal.",
    "hold": "Stay where the plan is; again: go on.",
    "advance": "On to the next phase of the plan.",
    "pull_back": "Back to the phase before.",
    "ground": "A motif on tonic and fifth that one can hold on to.",
    "like": "The person likes what sounds, and hears more of it.",
    "skip": "Another musical idea.",
    "stop": "Fade out and finish.",
}


@dataclass(frozen=True, slots=True)
class Range:
    """What one value may be: bounds, or the only `choices`."""

    low: float | None = None
    high: float | None = None
    choices: tuple[Arg, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """One address. `kind` and `name` say what it is to a session; `types`, `units` and `ranges` are of its values.

    `shape` is the address as a page lists it once for many.
    """

    address: str
    kind: str
    name: str
    types: str
    help: str
    access: int
    shape: str
    units: tuple[str, ...] = ()
    ranges: tuple[Range | None, ...] = ()
    clips: bool = False
    takes: str = ""
    overloads: tuple[tuple[str, Range], ...] = field(default=())

    def value(self, view: View) -> tuple[Arg, ...] | None:
        """What it tells now; None when it cannot be asked."""
        match self.kind:
            case "control":
                return (shown(TABLE[self.name], view.controls[self.name]),)
            case "fader":
                return (fader_of(TABLE[self.name], view.controls[self.name]),)
            case "mood":
                return (float(view.controls["valence"]), float(view.controls["arousal"]))
            case "mute":
                return (int(view.stems.muted(self.name)),)
            case "solo":
                return (int(view.stems.soloed(self.name)),)
            case "session":
                return view.told(self.name)
        return None


class Tree:
    """All addresses. `channels` are the sensor channels that are listed; others may be fed as well. `under` is where
    all of them are where they share a port with others."""

    def __init__(self, channels: Iterable[str] = REPORTS, under: str = "") -> None:
        self.channels = tuple(channels)
        nodes = (replace(node, address=under + node.address) if under else node for node in _nodes(self.channels))
        self.nodes: Mapping[str, Node] = {node.address: node for node in nodes}
        self.matching = lru_cache(maxsize=256)(self._matching)

    def find(self, address: str) -> Sequence[Node]:
        """The nodes that an address or a pattern means."""
        if is_pattern(address):
            return self.matching(address)
        node = self.nodes.get(address)
        return () if node is None else (node,)

    def _matching(self, pattern: str) -> tuple[Node, ...]:
        return tuple(self.nodes[address] for address in meant(pattern, self.nodes))


def _nodes(channels: Sequence[str]) -> list[Node]:
    return [
        *(_control(row, row.osc, "/control/<name>") for row in CONTROLS),
        *(_fader(row) for row in CONTROLS),
        *(_release(row) for row in CONTROLS),
        Node(
            "/mood", "mood", "", "ff", "Valence and arousal together, as a pad has them.", READ | WRITE, "/mood",
            ("", ""), (_range("valence"), _range("arousal")), clips=True, takes="valence and arousal, each -1 to 1",
        ),
        Node(
            "/release", "release_all", "", "s", "Give back to the plan what is named, or all, with mutes and solos.",
            WRITE, "/release", takes="any number of names, or nothing",
        ),
        *(_button(f"/verb/{verb}", "verb", verb, _VERBS[verb], "/verb/<name>") for verb in VERBS),
        *(node for stem in STEMS for node in _stem(stem)),
        _button("/transport/stop", "stop", "", "Fade out over a few seconds and finish."),
        _button("/transport/panic", "panic", "", "Silence within 250 ms."),
        _button("/transport/play", "again", "", "After a panic or the end: begin the same preset again."),
        *(
            Node(f"/session/{name}", "session", name, types, told, READ, f"/session/{name}", units)
            for name, (types, units, told) in _SESSION.items()
        ),
        *(_fed(f"/feed/{channel}", channel, "/feed/<channel>") for channel in channels),
        *(_fed(f"/feedback/{report}", report, "/feedback/<report>") for report in REPORTS),
        Node("/tell", "tell", "", "s", "What a person says of how they feel, in words.", WRITE, "/tell",
             takes="words; answered with the valence -1 to 1 when they tell one"),
        Node("/note", "note", "", "ffs", "A person's note; velocity 0 ends it.", WRITE, "/note",
             units=("MIDI note", "", ""), ranges=(Range(0.0, 127.0), Range(0.0, 1.0), Range(choices=PLAYED)),
             takes="pitch, velocity 0 to 1 (above 1 it is of 127), and the stem (else the melody)"),
        Node("/ping", "ping", "", "", "Answered with /pong and the same arguments.", WRITE, "/ping", takes="anything"),
        Node("/subscribe", "subscribe", "", "sif", "Changes are sent from now on, on their own addresses.",
             WRITE, "/subscribe", units=("", "", "Hz"), ranges=(None, Range(1, 65535), Range(0.1, 60.0)),
             takes="a pattern (else all that can be read), a port of the sender (else the one it sends from), a rate "
             "(else 10); each may be left out"),
        Node("/unsubscribe", "unsubscribe", "", "si", "Changes are no longer sent.", WRITE, "/unsubscribe",
             ranges=(None, Range(1, 65535)), takes="the pattern (else all) and the port (else the one it sends from)"),
    ]  # fmt: skip


def _control(row: Control, address: str, shape: str) -> Node:
    by_number = Range(row.low, row.high)
    if row.choices:
        told: dict[str, Any] = {
            "types": "s", "ranges": (Range(choices=row.choices),), "overloads": (("i", by_number),),
            "takes": "a name or an index from 0",
        }  # fmt: skip
    else:
        types = "i" if row.curve == "choice" else "f"
        told = {"types": types, "ranges": (by_number,), "takes": row.range_text()}
    told |= {"help": row.help, "units": (row.unit,), "clips": True}
    return Node(address, "control", row.name, access=READ | WRITE, shape=shape, **told)


def _range(name: str) -> Range:
    return Range(TABLE[name].low, TABLE[name].high)


def _fader(row: Control) -> Node:
    takes = f"0 to 1, along a {'logarithmic' if row.curve == 'log' else 'linear'} curve"
    return Node(
        f"/fader/{row.name}", "fader", row.name, "f", row.help, READ | WRITE, "/fader/<name>",
        ranges=(Range(0.0, 1.0),), clips=True, takes=takes,
    )  # fmt: skip


def _release(row: Control) -> Node:
    return _button(f"{row.osc}/release", "release", row.name, "Give it back to the plan.", "/control/<name>/release")


def _stem(stem: str) -> list[Node]:
    """The strip of a stem: its level and place are controls, its mute and solo work on the level."""
    at, shape = f"/stem/{stem}", "/stem/<stem>"
    nodes = [_control(TABLE[f"level_{stem}_db"], f"{at}/level_db", f"{shape}/level_db")]
    if f"pan_{stem}" in TABLE:
        nodes.append(_control(TABLE[f"pan_{stem}"], f"{at}/pan", f"{shape}/pan"))
    nodes.append(_switch(f"{at}/mute", "mute", stem, "Silent; what it was comes back.", f"{shape}/mute"))
    if stem in PLAYED:
        nodes.append(_switch(f"{at}/solo", "solo", stem, "Only soloed stems are heard.", f"{shape}/solo"))
    return nodes


def _switch(address: str, kind: str, name: str, told: str, shape: str) -> Node:
    ranges = (Range(0, 1),)
    access = READ | WRITE
    return Node(address, kind, name, "i", told, access, shape, ranges=ranges, clips=True, takes="1 is on, 0 is off")


def _button(address: str, kind: str, name: str, told: str, shape: str = "") -> Node:
    return Node(address, kind, name, "I", told, WRITE, shape or address, takes="nothing, or 1; 0 is a button let go")


def _fed(address: str, channel: str, shape: str) -> Node:
    ranges = (Range(-1.0, 1.0),) if channel in REPORTS else ()
    return Node(
        address, "feed", channel, "f", "Samples of a sensor, or what the person reports.", WRITE, shape, ranges=ranges,
        takes="one sample or more",
    )  # fmt: skip
