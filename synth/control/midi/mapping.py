"""Which knob, key or pad moves what: bindings, and the map that stands where nothing was learned.

Channels are numbered as people count them, 1 to 16.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from synth.control.travel import position_of, value_at
from synth.controls import CONTROLS, STEMS, TABLE, control
from synth.session import VERBS

KINDS = {"cc": 127, "note": 127, "nrpn": 16_383, "bend": 0, "pressure": 0}  # and the highest number of each
CURVES = ("linear", "log")
TAKEOVERS = ("pickup", "jump")
PANIC, RELEASE, NOTHING = "panic", "release", "nothing"
ACTIONS = (*VERBS, PANIC, RELEASE)
MAIN_CHANNEL = 16
DRUM_CHANNEL = 10
LEVEL_CC, PAN_CC = 7, 10
HARMONIC_CC = 71
PLAYED = tuple(stem for stem in STEMS if stem != "reverb")


class MidiError(ValueError):
    """A map, a port or a library that MIDI needs; the message says where it fails and what to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """A knob, key or wheel: `kind` of KINDS, its `number`, and its `channel` 1 to 16 (None: on any)."""

    kind: str
    number: int = 0
    channel: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise MidiError(f"{self.kind!r} is no kind of knob: {', '.join(KINDS)}")
        if not 0 <= self.number <= KINDS[self.kind]:
            raise MidiError(f"{self.kind} = {self.number}: give 0 to {KINDS[self.kind]}")
        if self.channel is not None and not 1 <= self.channel <= 16:
            raise MidiError(f"channel = {self.channel}: give 1 to 16, or leave it out for any")

    @property
    def text(self) -> str:
        """In words: "CC 74 on channel 1"."""
        names = {"cc": f"CC {self.number}", "nrpn": f"NRPN {self.number}", "note": f"note {self.number}"}
        what = names.get(self.kind, {"bend": "the pitch wheel", "pressure": "aftertouch"}.get(self.kind, ""))
        return f"{what} on {'any channel' if self.channel is None else f'channel {self.channel}'}"


@dataclass(frozen=True, slots=True)
class Binding:
    """A source and its `target`: a control, one of ACTIONS, or NOTHING.

    A control goes from `low` at the bottom to `high` at the top along `curve` (None: as in the table of controls; low
    above high turns it round). `takeover` is one of TAKEOVERS (None: the map's). MidiError says what is wrong.
    """

    source: Source
    target: str
    low: float | None = None
    high: float | None = None
    curve: str | None = None
    takeover: str | None = None

    def __post_init__(self) -> None:
        if self.target in (*ACTIONS, NOTHING):
            return
        try:
            row = control(self.target)
        except ValueError as error:
            raise MidiError(f"{error}; the other things to bind are {', '.join((*ACTIONS, NOTHING))}") from None
        for name, end in (("low", self.low), ("high", self.high)):
            if end is not None and not row.low <= end <= row.high:
                raise MidiError(f"{name} = {end:g} of {self.target}: give {row.low:g} to {row.high:g}")
        if self.curve not in (None, *CURVES):
            raise MidiError(f"curve = {self.curve!r}: give {' or '.join(CURVES)}")
        if self.takeover not in (None, *TAKEOVERS):
            raise MidiError(f"takeover = {self.takeover!r}: give {' or '.join(TAKEOVERS)}")
        if self._curve == "log" and min(self._ends) <= 0.0:
            raise MidiError(f"curve = 'log' of {self.target}: only where low and high are above 0")

    @property
    def moves_control(self) -> bool:
        """Whether the target is a control."""
        return self.target in TABLE

    def value(self, position: float) -> float:
        """The control's value where the knob is at `position` 0 to 1; choices share the way evenly."""
        low, high = self._ends
        if self._curve == "choice":
            zones = round(abs(high - low)) + 1
            return round(low) + math.copysign(min(int(position * zones), zones - 1), high - low)
        return value_at(position, low, high, self._curve)

    def position(self, value: float) -> float:
        """Where the knob is when the control has `value`, held in 0 to 1: the inverse of `value`."""
        low, high = self._ends
        if self._curve == "choice":
            where = (abs(round(value) - round(low)) + 0.5) / (round(abs(high - low)) + 1)
            return min(max(where, 0.0), 1.0)
        return position_of(value, low, high, self._curve)

    @property
    def _ends(self) -> tuple[float, float]:
        row = TABLE[self.target]
        return row.low if self.low is None else self.low, row.high if self.high is None else self.high

    @property
    def _curve(self) -> str:
        row = TABLE[self.target]
        return row.curve if row.curve == "choice" or self.curve is None else self.curve


def default_bindings() -> tuple[Binding, ...]:
    """The map where nothing was learned: the controllers of the table of controls on any channel, and by convention
    CC 7 and 10 on the channel of each stem for its level and place, CC 7 on MAIN_CHANNEL for the loudness of all."""
    found = [Binding(Source("cc", row.cc), row.name) for row in CONTROLS if row.cc is not None and row.cc != LEVEL_CC]
    found.append(Binding(Source("cc", HARMONIC_CC), "tonal_tension"))
    for channel, stem in enumerate(STEMS, 1):
        found.append(Binding(Source("cc", LEVEL_CC, channel), f"level_{stem}_db"))
        if f"pan_{stem}" in TABLE:
            found.append(Binding(Source("cc", PAN_CC, channel), f"pan_{stem}"))
    found.append(Binding(Source("cc", LEVEL_CC, MAIN_CHANNEL), "loudness_lufs"))
    return tuple(found)


@dataclass(frozen=True)
class MidiMap:
    """All bindings, and how hands are taken.

    `bindings` count before the defaults, those of one channel before those of any, and later ones before earlier ones.
    `notes` is "channels" (each stem's channel plays it) or the stem that every channel plays; `all_sound_off` whether
    CC 120 is "panic" or ends the played "notes"; `program_channel` where program changes count (0: on any).
    """

    bindings: tuple[Binding, ...] = ()
    takeover: str = "pickup"
    notes: str = "channels"
    all_sound_off: str = PANIC
    program_channel: int = MAIN_CHANNEL
    defaults: bool = True

    def __post_init__(self) -> None:
        choices = {
            "takeover": TAKEOVERS,
            "notes": ("channels", *PLAYED),
            "all_sound_off": (PANIC, "notes"),
            "program_channel": tuple(range(17)),
            "defaults": (True, False),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                words = "0 to 16" if name == "program_channel" else ", ".join(str(word) for word in allowed)
                raise MidiError(f"{name} = {getattr(self, name)!r}: give one of {words}")

    @cached_property
    def _index(self) -> dict[tuple[str, int, int | None], Binding]:
        return {(b.source.kind, b.source.number, b.source.channel): b for b in self.bindings}

    @cached_property
    def _default_index(self) -> dict[tuple[str, int, int | None], Binding]:
        found = default_bindings() if self.defaults else ()
        return {(b.source.kind, b.source.number, b.source.channel): b for b in found}

    def at(self, kind: str, number: int, channel: int) -> Binding | None:
        """What this knob is bound to, None for nothing."""
        for index in (self._index, self._default_index):
            for where in (channel, None):
                if (binding := index.get((kind, number, where))) is not None:
                    return None if binding.target == NOTHING else binding
        return None

    @cached_property
    def effective(self) -> tuple[Binding, ...]:
        """Every binding that some message can reach."""
        hidden = {key[:2] for key in self._index if key[2] is None}
        lower = (b for key, b in self._default_index.items() if key not in self._index and key[:2] not in hidden)
        return tuple(b for b in (*self._index.values(), *lower) if b.target != NOTHING)

    def bound(self, binding: Binding) -> MidiMap:
        """This map with `binding` in the place of what its source was bound to."""
        kept = (b for b in self.bindings if b.source != binding.source)
        return replace(self, bindings=(*kept, binding))

    def stem(self, channel: int) -> str:
        """The stem that keys on `channel` play: its own; percussion on the drum channel; else the melody."""
        if self.notes != "channels":
            return self.notes
        if channel == DRUM_CHANNEL:
            return "percussion"
        return PLAYED[channel - 1] if channel <= len(PLAYED) else "melody"


def table(bindings: Iterable[Binding]) -> str:
    """Bindings as a Markdown table, in the order of their numbers."""
    lines = ["| knob | moves | from | to |", "|---|---|---|---|"]
    for b in sorted(bindings, key=lambda b: (b.source.kind, b.source.number, b.source.channel or 0)):
        row = TABLE[b.target]
        lines.append(
            f"| {b.source.text} | `{b.target}` | {row.text(b.value(0.0))} | {row.text(b.value(1.0))} {row.unit} |"
        )
    return "\n".join(line.replace("  |", " |") for line in lines) + "\n"
