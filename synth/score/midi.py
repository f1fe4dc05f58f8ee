"""The score as a Standard MIDI File (type 1): written with mido, read back with pretty_midi's parser.

Track 0 holds tempo map, time and key signatures and markers; then each stem has a track of its name. A marker's text
is "kind: text". MIDI knows major and minor signatures only; the scale's own name stands in a "key" marker.

A stem has one channel while none of its notes is bent. Where notes of different bends sound together it has more, of
those that no stem needs, so that a bend is heard on its own notes only; they are on its track, with its program,
and RPN 0 tells the range of their bends. When 16 channels are too few, each stem that bends has a MIDI port to itself
(a second track of its name beyond 15 channels): a reader that keeps tracks or ports apart hears every pitch.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import mido
import pretty_midi

from synth.controls import KEYS
from synth.score.bends import BEND_SEMITONES, BEND_STEPS, TAIL, Bent, lanes, played, slid
from synth.score.channels import DRUM_CHANNEL, PROGRAMS, home_channels
from synth.score.model import TICKS_PER_BEAT, KeyChange, Marker, Metre, Note, Score, Tempo

_CHANNELS = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)
_NO_RPN = 127
_Timed = list[tuple[int, int, mido.Message | mido.MetaMessage]]


def write_midi(score: Score, path: Path) -> None:
    """Write `score` to `path` in one step, so that a reader never sees half a file."""
    midi = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT, charset="utf-8")
    midi.tracks.append(_conductor(score))
    midi.tracks += [_stem_track(stem, score.end_tick) for stem in _stems(score)]
    partial = path.with_name(path.name + ".part")
    midi.save(str(partial))
    os.replace(partial, path)


def read_midi(path: Path) -> Score:
    """The score that `write_midi` wrote; fine pitches come back to the nearest step of a bend.

    ValueError when the file is not MIDI or holds no tempo.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            pretty_midi.PrettyMIDI(str(path))
        midi = mido.MidiFile(str(path), charset="utf-8")
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise ValueError(f"{path} cannot be read as a MIDI file: {error}") from None
    score = Score(tuple(dict.fromkeys(track.name for track in midi.tracks[1:])))
    _read_conductor(midi.tracks[0], score)
    for track in midi.tracks[1:]:
        _read_stem(track, score)
    if not score.tempos:
        raise ValueError(f"{path} holds no tempo")
    score.notes.sort(key=lambda note: note.tick)
    return score


@dataclass(frozen=True, slots=True)
class _Stem:
    """What one track holds: notes and how they are played, the channel of each lane, a port where ports are used."""

    name: str
    notes: Sequence[tuple[Note, Bent]]
    channels: Mapping[int, int]
    port: int | None = None


def _stems(score: Score) -> list[_Stem]:
    """The tracks of the stems, with channels for all their lanes."""
    homes = home_channels(score.stems)
    spare = [channel for channel in _CHANNELS if channel not in homes.values()]
    for tail in (TAIL, 0):
        stems = played(score, tail)
        if sum(lanes(notes) - 1 for notes in stems.values()) <= len(spare):
            free = iter(spare)
            return [
                _Stem(stem, notes, dict(enumerate([homes[stem], *islice(free, lanes(notes) - 1)])))
                for stem, notes in stems.items()
            ]
    tracks: list[_Stem] = []
    port = 0
    for stem, notes in played(score).items():
        if lanes(notes) == 1:
            tracks.append(_Stem(stem, notes, {0: homes[stem]}, 0))
            continue
        for first in range(0, lanes(notes), len(_CHANNELS)):
            port += 1
            channels = {first + i: channel for i, channel in enumerate(_CHANNELS)}
            tracks.append(_Stem(stem, [pair for pair in notes if pair[1].lane in channels], channels, port))
    return tracks


def _delta_track(name: str, timed: _Timed, end_tick: int) -> mido.MidiTrack:
    """A track of messages with absolute ticks; of the same tick the lower order comes first."""
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name, time=0)])
    now = 0
    for tick, _, message in sorted(timed, key=lambda item: item[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(0, end_tick - now)))
    return track


def _conductor(score: Score) -> mido.MidiTrack:
    timed = [(t.tick, 0, mido.MetaMessage("set_tempo", tempo=t.us_per_beat)) for t in score.tempos]
    timed += [(m.tick, 1, mido.MetaMessage("time_signature", numerator=m.beats, denominator=4)) for m in score.metres]
    for change in score.keys:
        timed.append((change.tick, 2, mido.MetaMessage("key_signature", key=_signature(change, score))))
        text = f"key: {KEYS[change.key]} {score.scales[change.mode]}"
        timed.append((change.tick, 3, mido.MetaMessage("marker", text=text)))
    timed += [(m.tick, 4, mido.MetaMessage("marker", text=f"{m.kind}: {m.text}")) for m in score.markers]
    return _delta_track("conductor", timed, score.end_tick)


def _signature(change: KeyChange, score: Score) -> str:
    """The nearest signature MIDI has, on the same tonic."""
    minor = score.scales[change.mode] in score.minor
    name = KEYS[change.key]
    if minor:
        name = {"Db": "C#", "Gb": "F#", "Ab": "G#"}.get(name, name)
    return name + "m" * minor


def _stem_track(stem: _Stem, end_tick: int) -> mido.MidiTrack:
    timed: _Timed = []
    used = sorted({how.lane for _, how in stem.notes})
    bending = {how.lane for note, how in stem.notes if how.turn or note.slides}
    if stem.port is not None:
        timed.append((0, -1, mido.MetaMessage("midi_port", port=stem.port)))
    for lane in used or stem.channels:
        channel = stem.channels[lane]
        if channel != DRUM_CHANNEL:
            timed.append((0, 0, mido.Message("program_change", channel=channel, program=PROGRAMS.get(stem.name, 0))))
        if lane in bending:
            timed += [(0, 0, message) for message in _bend_range(channel)]
    for note, how in stem.notes:
        channel = stem.channels[how.lane]
        if how.turn:
            timed.append((note.tick, 2, mido.Message("pitchwheel", channel=channel, pitch=how.bend)))
        for tick, bend in slid(note, how.key):
            timed.append((tick, 2, mido.Message("pitchwheel", channel=channel, pitch=bend)))
        velocity = min(127, max(1, round(note.velocity * 127)))
        timed.append((note.tick, 3, mido.Message("note_on", channel=channel, note=how.key, velocity=velocity)))
        end = note.tick + note.duration
        timed.append((end, 1, mido.Message("note_off", channel=channel, note=how.key, velocity=0)))
    return _delta_track(stem.name, timed, end_tick)


def _bend_range(channel: int) -> list[mido.Message]:
    """Registered parameter 0, pitch bend sensitivity, in semitones and cents; then no parameter is chosen."""
    values = ((101, 0), (100, 0), (6, int(BEND_SEMITONES)), (38, 0), (101, _NO_RPN), (100, _NO_RPN))
    return [mido.Message("control_change", channel=channel, control=c, value=v) for c, v in values]


def _read_conductor(track: mido.MidiTrack, score: Score) -> None:
    tick, signature = 0, ""
    for message in track:
        tick += message.time
        match message.type:
            case "set_tempo":
                score.tempos.append(Tempo(tick, message.tempo))
            case "time_signature":
                score.metres.append(Metre(tick, message.numerator * 4 // message.denominator))
            case "key_signature":
                signature = message.key
            case "marker":
                kind, _, text = message.text.partition(": ")
                if kind == "key":
                    key, _, scale = text.partition(" ")
                    if scale not in score.scales:
                        score.scales = (*score.scales, scale)
                        score.minor |= {scale} if signature.endswith("m") else set()
                    score.keys.append(KeyChange(tick, KEYS.index(key), score.scales.index(scale)))
                else:
                    score.markers.append(Marker(tick, kind, text))
    score.end_tick = tick


def _read_stem(track: mido.MidiTrack, score: Score) -> None:
    tick = 0
    bends = dict.fromkeys(range(16), 0.0)
    open_notes: dict[tuple[int, int], list[tuple[int, float, float]]] = {}
    for message in track:
        tick += message.time
        if message.type == "pitchwheel":
            bends[message.channel] = message.pitch / BEND_STEPS * BEND_SEMITONES
        elif message.type in ("note_on", "note_off"):
            place = message.channel, message.note
            if message.type == "note_on" and message.velocity > 0:
                struck = (tick, message.note + bends[message.channel], message.velocity / 127)
                open_notes.setdefault(place, []).append(struck)
            elif open_notes.get(place):
                start, pitch, velocity = open_notes[place].pop(0)
                score.notes.append(Note(track.name, start, tick - start, pitch, velocity))
