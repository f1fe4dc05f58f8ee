"""The notes of a session as its score.mid has them: messages for MIDI tracks, notes with their bends for others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import mido

from synth.score.bends import BEND_SEMITONES, BEND_STEPS

_MESSAGES = ("note_on", "note_off", "control_change", "program_change", "pitchwheel")


class Played(NamedTuple):
    """A note: `velocity` 1 to 127; `bends` are (tick, semitones), the first at the note's start."""

    tick: int
    end: int
    channel: int
    key: int
    velocity: int
    bends: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One track of notes: its channel messages, each with its tick. A stem that needs many channels has several."""

    name: str
    stem: str
    messages: tuple[tuple[int, mido.Message], ...]

    @property
    def channels(self) -> set[int]:
        """The channels it plays on."""
        return {message.channel for _, message in self.messages}

    def notes(self) -> list[Played]:
        """Its notes, by tick."""
        bends: dict[int, float] = {}
        held: dict[tuple[int, int], list[tuple[int, int, list[tuple[int, float]]]]] = {}
        notes = []
        for tick, message in self.messages:
            if message.type == "pitchwheel":
                bends[message.channel] = bend = message.pitch / BEND_STEPS * BEND_SEMITONES
                for (channel, _), sounding in held.items():
                    if channel == message.channel:
                        for _, _, moved in sounding:
                            moved.append((tick, bend))
            elif message.type == "note_on" and message.velocity:
                start = [(tick, bends.get(message.channel, 0.0))]
                held.setdefault((message.channel, message.note), []).append((tick, message.velocity, start))
            elif message.type in ("note_on", "note_off") and held.get((message.channel, message.note)):
                begun, velocity, moved = held[message.channel, message.note].pop(0)
                notes.append(Played(begun, tick, message.channel, message.note, velocity, tuple(moved)))
        return sorted(notes)


def read_parts(path: Path) -> list[Part]:
    """The tracks of the score.mid at `path` that hold notes."""
    parts: list[Part] = []
    names: list[str] = []
    for track in mido.MidiFile(str(path), charset="utf-8").tracks[1:]:
        names.append(track.name)
        number = names.count(track.name)
        messages = tuple((tick, m) for tick, m in timed(track) if m.type in _MESSAGES)
        if any(message.type == "note_on" for _, message in messages):
            name = f"{track.name} notes" + (f" {number}" if number > 1 else "")
            parts.append(Part(name, track.name, messages))
    return parts


def timed(track: Iterable[mido.Message]) -> list[tuple[int, mido.Message]]:
    """The messages of a track, each with its tick and no time of its own."""
    found, tick = [], 0
    for message in track:
        tick += message.time
        found.append((tick, message.copy(time=0)))
    return found


def track_of(name: str, messages: Iterable[tuple[int, mido.Message]], end_tick: int) -> mido.MidiTrack:
    """A MIDI track called `name`, of messages in the order of their ticks; it ends at `end_tick`, or after them."""
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name, time=0)])
    now = 0
    for tick, message in messages:
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(0, end_tick - now)))
    return track
