"""The composed notes as MIDI while they sound, for other instruments to play: a channel a stem, or a channel a note.

The latter is MPE (MIDI Association, MIDI Polyphonic Expression, 2018): each note has a member channel of its own, so
that bends and slides are heard on it alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from synth.controls import STEMS
from synth.instruments.base import OFF, ON
from synth.score.bends import BEND_SEMITONES, bend_of, glide, key_of
from synth.score.channels import DRUM_CHANNEL, PROGRAMS, home_channels
from synth.transport import NoteEvent
from synth.wire.midi import Message, control_change, encode, parameter

MODES = ("channels", "mpe")
PLAYED = tuple(stem for stem in STEMS if stem != "reverb")
MPE_SEMITONES = 48
SLIDE_STEP_S = 0.005
_RPN_BEND_RANGE, _RPN_MPE = 0, 6
_ALL_NOTES_OFF = 123
_MASTER, _MEMBERS, _MEMBERS_BESIDE_DRUMS = 0, 15, 8
_MSB = 128  # what one step of a data entry counts in 14 bits

Timed = tuple[int, bytes]


@dataclass(slots=True)
class _Voice:
    """A note that sounds; a slide takes it from `pitch` to `to` in `frames` from `since` on (0: it does not slide)."""

    stem: str
    key: int
    pitch: float
    channel: _Channel
    to: float = 0.0
    since: int = 0
    frames: int = 0


@dataclass(slots=True)
class _Channel:
    """A channel, the bend it has and the notes that sound on it, oldest first."""

    number: int
    semitones: int
    bend: int = 0
    voices: list[_Voice] = field(default_factory=list)
    silent_since: float = -math.inf

    @property
    def sliding(self) -> bool:
        return any(voice.frames for voice in self.voices)


class NotesOut:
    """Turns what the stems play into messages with the frames at which they are due.

    "channels": each stem has the channel it has in score.mid, percussion the drums'. All notes of a channel share one
    bend, which is the newest note's: older ones that still sound go with it, and a slide of one of them is not told.

    "mpe": one zone below, its members taken in turn by all stems, percussion beside it on the drums' channel. Where
    more notes sound than there are members, notes of the same bend share one, and do not slide; then the oldest ends.

    A pitch beyond `bend_semitones` from its key (None: 2, which any player assumes, and 48 in MPE) is told as near as
    the range goes. `programs` sends a General MIDI program for each stem. Frames are as the events have them.
    """

    def __init__(
        self,
        mode: str = "channels",
        stems: Sequence[str] = PLAYED,
        sample_rate: int = 48_000,
        *,
        bend_semitones: int | None = None,
        programs: bool = False,
    ) -> None:
        if mode not in MODES:
            raise ValueError(f"mode = {mode!r}: give {' or '.join(MODES)}")
        if unknown := [stem for stem in stems if stem not in STEMS]:
            raise ValueError(f"no stem is called {unknown[0]!r}: there are {', '.join(STEMS)}")
        usual = MPE_SEMITONES if mode == "mpe" else int(BEND_SEMITONES)
        semitones = usual if bend_semitones is None else bend_semitones
        if not 1 <= semitones <= 96:
            raise ValueError(f"bend_semitones = {semitones}: give 1 to 96")
        self.mode, self.stems = mode, tuple(stems)
        self._sample_rate = sample_rate
        self._step = max(round(SLIDE_STEP_S * sample_rate), 1)
        self._programs = programs
        self._drums = _Channel(DRUM_CHANNEL, semitones)
        homes = home_channels(STEMS)
        self._homes = {
            stem: self._drums if stem == "percussion" else _Channel(homes[stem], semitones) for stem in stems
        }
        count = _MEMBERS_BESIDE_DRUMS if "percussion" in stems else _MEMBERS
        self._members = [_Channel(_MASTER + 1 + n, semitones) for n in range(count if mode == "mpe" else 0)]
        self._voices: dict[tuple[str, int], _Voice] = {}
        self._ended: tuple[int, set[tuple[str, int]]] = (-1, set())
        self._grid = 0  # the frame of the next step of slides
        self._out: list[Timed] = []

    @property
    def sounding(self) -> int:
        """Notes that sound."""
        return len(self._voices)

    def start(self, frame: int = 0) -> list[Timed]:
        """What a player has to be told first: the zone, the range of bends, programs."""
        if self.mode == "mpe":
            self._send(frame, *parameter(_MASTER, _RPN_MPE, len(self._members) * _MSB))
        for channel in self._tuned:
            self._send(frame, *parameter(channel.number, _RPN_BEND_RANGE, channel.semitones * _MSB))
            self._send(frame, encode(Message("pitch_bend", channel.number, value=channel.bend)))
        if self._programs and self.mode == "channels":
            for stem, channel in self._homes.items():
                self._send(frame, encode(Message("program_change", channel.number, PROGRAMS.get(stem, 0))))
        return self._taken()

    def take(self, events: Mapping[str, Sequence[NoteEvent]], end_frame: int) -> list[Timed]:
        """The messages before `end_frame`, in their order, given all `events` since the frame where it ended last."""
        due = [(e.frame, e.kind, e.note_id, stem, e) for stem in self._homes for e in events.get(stem, ())]
        for frame, kind, _, stem, event in sorted(due, key=lambda item: item[:4]):
            self._slide_until(frame)
            if kind == ON:
                self._on(stem, event)
            elif kind == OFF:
                self._off(stem, event)
            else:
                self._slide(stem, event)
        self._slide_until(end_frame)
        return self._taken()

    def all_off(self, frame: int) -> list[Timed]:
        """Every note ends at `frame`, by its own message and by "all notes off" on each channel."""
        for name in list(self._voices):
            self._end(name, frame)
        for channel in (*self._tuned, self._drums):
            self._send(frame, control_change(channel.number, _ALL_NOTES_OFF, 0))
        return self._taken()

    @property
    def _tuned(self) -> list[_Channel]:
        """Channels that bend."""
        return self._members or [channel for channel in self._homes.values() if channel is not self._drums]

    def _on(self, stem: str, event: NoteEvent) -> None:
        name = stem, event.note_id
        if self._ended[0] == event.frame and name in self._ended[1]:
            return  # it ends on the frame on which it begins
        key = key_of(event.pitch)
        self._end(name, event.frame)
        home = self._homes[stem]
        drum = home is self._drums
        channel = home if drum or self.mode == "channels" else self._member(event, key)
        for same in [other for other, voice in self._voices.items() if voice.channel is channel and voice.key == key]:
            self._end(same, event.frame)
        if not drum:
            self._bend(channel, event.pitch, key, event.frame)
        self._voices[name] = voice = _Voice(stem, key, event.pitch, channel)
        channel.voices.append(voice)
        velocity = min(127, max(1, round(event.velocity * 127)))
        self._send(event.frame, encode(Message("note_on", channel.number, key, velocity)))

    def _member(self, event: NoteEvent, key: int) -> _Channel:
        """The member channel for a note: the one silent longest, else one of the same bend, else the oldest note's."""
        free = [channel for channel in self._members if not channel.voices]
        if free:
            return min(free, key=lambda channel: channel.silent_since)
        bend = bend_of(event.pitch, key, self._members[0].semitones)
        for channel in self._members:
            if channel.bend == bend and not channel.sliding and all(voice.key != key for voice in channel.voices):
                return channel
        oldest = next(voice.channel for voice in self._voices.values() if voice.channel is not self._drums)
        for name in [name for name, voice in self._voices.items() if voice.channel is oldest]:
            self._end(name, event.frame)
        return oldest

    def _off(self, stem: str, event: NoteEvent) -> None:
        name = stem, event.note_id
        if name in self._voices:
            self._end(name, event.frame)
            return
        if self._ended[0] != event.frame:
            self._ended = event.frame, set()
        self._ended[1].add(name)

    def _end(self, name: tuple[str, int], frame: int) -> None:
        voice = self._voices.pop(name, None)
        if voice is None:
            return
        channel = voice.channel
        channel.voices = [other for other in channel.voices if other is not voice]
        channel.silent_since = frame
        self._send(frame, encode(Message("note_off", channel.number, voice.key, 0)))

    def _slide(self, stem: str, event: NoteEvent) -> None:
        voice = self._voices.get((stem, event.note_id))
        if voice is None or voice.channel is self._drums:
            return
        if self.mode == "mpe" and len(voice.channel.voices) > 1:
            return
        if voice.frames:
            voice.pitch = _pitch(voice, event.frame)
        voice.to, voice.since = event.pitch, event.frame
        voice.frames = max(round(event.seconds * self._sample_rate), 1)

    def _slide_until(self, end_frame: int) -> None:
        """The steps of all slides before `end_frame`."""
        while self._grid < end_frame:
            sliding = [voice for voice in self._voices.values() if voice.frames]
            if not sliding:
                self._grid = end_frame
                return
            for voice in sliding:
                self._bend_to(voice, self._grid)
            self._grid += self._step

    def _bend_to(self, voice: _Voice, frame: int) -> None:
        pitch = _pitch(voice, frame)
        if frame >= voice.since + voice.frames:
            voice.pitch, voice.frames = pitch, 0
        if voice.channel.voices[-1] is voice:
            self._bend(voice.channel, pitch, voice.key, frame)

    def _bend(self, channel: _Channel, pitch: float, key: int, frame: int) -> None:
        bend = bend_of(pitch, key, channel.semitones)
        if bend != channel.bend:
            channel.bend = bend
            self._send(frame, encode(Message("pitch_bend", channel.number, value=bend)))

    def _send(self, frame: int, *messages: bytes) -> None:
        self._out += [(frame, message) for message in messages]

    def _taken(self) -> list[Timed]:
        out, self._out = self._out, []
        return out


def _pitch(voice: _Voice, frame: int) -> float:
    """Where a sliding voice is at `frame`."""
    return glide(voice.pitch, voice.to, min(max((frame - voice.since) / voice.frames, 0.0), 1.0))
