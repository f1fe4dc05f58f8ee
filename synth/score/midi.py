"""The score as a Standard MIDI File (type 1): written with mido, read back with pretty_midi's parser.

Track 0 holds tempo map, time and key signatures and markers; then each stem has a track of its name. A marker's text
is "kind: text". MIDI knows major and minor signatures only; the exact mode stands in a "key" marker.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import mido
import pretty_midi

from synth.controls import KEYS, MODES
from synth.score.model import TICKS_PER_BEAT, KeyChange, Marker, Metre, Note, Score, Tempo

PROGRAMS = {"pad": 48, "bass": 32, "melody": 0, "bells": 11, "percussion": 0, "nature": 122}  # General MIDI, from 0
DRUM_CHANNEL = 9
BEND_SEMITONES = 2.0  # range of a pitch bend that a General MIDI player assumes
_MINOR = ("dorian", "aeolian", "phrygian")


def write_midi(score: Score, path: Path) -> None:
    """Write `score` to `path` in one step, so that a reader never sees half a file."""
    midi = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT, charset="utf-8")
    midi.tracks.append(_conductor(score))
    for number, stem in enumerate(score.stems):
        midi.tracks.append(_stem_track(score, stem, number))
    partial = path.with_name(path.name + ".part")
    midi.save(str(partial))
    os.replace(partial, path)


def read_midi(path: Path) -> Score:
    """The score that `write_midi` wrote; fractional pitches come back to the nearest bend step.

    ValueError when the file is not MIDI or holds no tempo.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            pretty_midi.PrettyMIDI(str(path))
        midi = mido.MidiFile(str(path), charset="utf-8")
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise ValueError(f"{path} cannot be read as a MIDI file: {error}") from None
    score = Score(tuple(track.name for track in midi.tracks[1:]))
    _read_conductor(midi.tracks[0], score)
    for track in midi.tracks[1:]:
        _read_stem(track, score)
    if not score.tempos:
        raise ValueError(f"{path} holds no tempo")
    score.notes.sort(key=lambda note: note.tick)
    return score


def _delta_track(
    name: str, timed: list[tuple[int, int, mido.Message | mido.MetaMessage]], end_tick: int
) -> mido.MidiTrack:
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
        timed.append((change.tick, 2, mido.MetaMessage("key_signature", key=_signature(change))))
        text = f"key: {KEYS[change.key]} {MODES[change.mode]}"
        timed.append((change.tick, 3, mido.MetaMessage("marker", text=text)))
    timed += [(m.tick, 4, mido.MetaMessage("marker", text=f"{m.kind}: {m.text}")) for m in score.markers]
    return _delta_track("conductor", timed, score.end_tick)


def _signature(change: KeyChange) -> str:
    """The nearest signature MIDI has, on the same tonic."""
    minor = MODES[change.mode] in _MINOR
    name = KEYS[change.key]
    if minor:
        name = {"Db": "C#", "Gb": "F#", "Ab": "G#"}.get(name, name)
    return name + "m" * minor


def _stem_track(score: Score, stem: str, number: int) -> mido.MidiTrack:
    channel = DRUM_CHANNEL if stem == "percussion" else number + (number >= DRUM_CHANNEL)
    timed: list[tuple[int, int, mido.Message | mido.MetaMessage]] = []
    if channel != DRUM_CHANNEL:
        timed.append((0, 0, mido.Message("program_change", channel=channel, program=PROGRAMS.get(stem, 0))))
    bent = False
    for note in (n for n in score.notes if n.stem == stem):
        key = round(note.pitch)
        bend = round((note.pitch - key) / BEND_SEMITONES * 8192)
        if bend or bent:
            timed.append((note.tick, 2, mido.Message("pitchwheel", channel=channel, pitch=bend)))
            bent = bool(bend)
        velocity = min(127, max(1, round(note.velocity * 127)))
        timed.append((note.tick, 3, mido.Message("note_on", channel=channel, note=key, velocity=velocity)))
        end = note.tick + note.duration
        timed.append((end, 1, mido.Message("note_off", channel=channel, note=key, velocity=0)))
    return _delta_track(stem, timed, score.end_tick)


def _read_conductor(track: mido.MidiTrack, score: Score) -> None:
    tick = 0
    for message in track:
        tick += message.time
        match message.type:
            case "set_tempo":
                score.tempos.append(Tempo(tick, message.tempo))
            case "time_signature":
                score.metres.append(Metre(tick, message.numerator * 4 // message.denominator))
            case "marker":
                kind, _, text = message.text.partition(": ")
                if kind == "key":
                    key, _, mode = text.partition(" ")
                    score.keys.append(KeyChange(tick, KEYS.index(key), MODES.index(mode)))
                else:
                    score.markers.append(Marker(tick, kind, text))
    score.end_tick = tick


def _read_stem(track: mido.MidiTrack, score: Score) -> None:
    tick, bend = 0, 0.0
    open_notes: dict[int, list[tuple[int, float, float]]] = {}
    for message in track:
        tick += message.time
        if message.type == "pitchwheel":
            bend = message.pitch / 8192 * BEND_SEMITONES
        elif message.type == "note_on" and message.velocity > 0:
            open_notes.setdefault(message.note, []).append((tick, message.note + bend, message.velocity / 127))
        elif message.type in ("note_off", "note_on") and open_notes.get(message.note):
            start, pitch, velocity = open_notes[message.note].pop(0)
            score.notes.append(Note(track.name, start, tick - start, pitch, velocity))
