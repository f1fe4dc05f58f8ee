"""Guests that speak NoteSequence (Magenta's note-seq, extra `magenta`, imported only when one plays) or MIDI files.

Both are given what the stem played last as a primer that ends where the new phrase begins, and answer on the same
clock: what begins before the phrase, or after it, is left out. With `from_zero` they answer with the phrase alone.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import mido

from synth.composer.guests.guest import Invitation, Written
from synth.composer.guests.tune import BROKEN
from synth.score.model import TICKS_PER_BEAT

INSTALL = 'a guest that speaks NoteSequence needs note-seq: pip install "isotone[magenta]"'
_EARLY = 0.05  # beats that a note may come before its phrase and still belong to it
_MAJOR = 4  # semitones of the third that makes a scale major to NoteSequence and MIDI
_KEYS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_MINOR_KEYS = ("Cm", "C#m", "Dm", "Ebm", "Em", "Fm", "F#m", "Gm", "G#m", "Am", "Bbm", "Bm")


class NoteSequenceGuest:
    """A guest that is any function `continued(primer, invitation)` from one NoteSequence to another.

    ImportError says how to install note-seq.
    """

    def __init__(self, continued: Callable[[Any, Invitation], Any], *, from_zero: bool = False) -> None:
        _music_pb2()  # takes seconds, which are not to count for the first phrase
        self._continued = continued
        self._from_zero = from_zero

    def __setstate__(self, state: dict[str, Any]) -> None:
        _music_pb2()
        self.__dict__.update(state)

    def write(self, invitation: Invitation) -> Sequence[Written]:
        """The notes of what the function answers."""
        primer, start_beat = to_notesequence(invitation)
        return from_notesequence(
            self._continued(primer, invitation), invitation, 0.0 if self._from_zero else start_beat
        )


class MagentaGuest:
    """A Magenta sequence generator (`generate(sequence, options)`), such as melody_rnn's, as a guest.

    Give the desk `functools.partial(MagentaGuest, make_generator)`: then it is loaded in the guest's own process, and
    not within the time of its first phrase. `arguments` are its own, such as temperature=0.9.
    """

    def __init__(self, make_generator: Callable[[], Any], **arguments: float) -> None:
        self._generator = make_generator()
        self._arguments = arguments

    def write(self, invitation: Invitation) -> Sequence[Written]:
        """The notes that the generator adds to the primer."""
        _music_pb2()
        from note_seq.protobuf import generator_pb2

        primer, start_beat = to_notesequence(invitation)
        options = generator_pb2.GeneratorOptions()
        section = options.generate_sections.add()
        section.start_time, section.end_time = primer.total_time, primer.total_time + invitation.seconds
        for name, value in self._arguments.items():
            options.args[name].float_value = value
        return from_notesequence(self._generator.generate(primer, options), invitation, start_beat)


class MidiGuest:
    """A guest that is any function `continued(primer, invitation)` from the bytes of one MIDI file to another's."""

    def __init__(self, continued: Callable[[bytes, Invitation], bytes], *, from_zero: bool = False) -> None:
        self._continued = continued
        self._from_zero = from_zero

    def write(self, invitation: Invitation) -> Sequence[Written]:
        """The notes of what the function answers."""
        primer, start_beat = to_midi(invitation)
        return from_midi(self._continued(primer, invitation), invitation, 0.0 if self._from_zero else start_beat)


def to_notesequence(invitation: Invitation) -> tuple[Any, float]:
    """What was heard as a NoteSequence that ends where the phrase begins, and that place in beats."""
    music = _music_pb2()
    start = _start_beat(invitation)
    beat_s = 60.0 / invitation.tempo_bpm
    sequence = music.NoteSequence(ticks_per_quarter=TICKS_PER_BEAT, total_time=start * beat_s)
    sequence.tempos.add(qpm=invitation.tempo_bpm)
    sequence.time_signatures.add(numerator=invitation.beats, denominator=4)
    mode = music.NoteSequence.KeySignature.Mode.Value("MAJOR" if _MAJOR in invitation.semitones else "MINOR")
    sequence.key_signatures.add(key=invitation.key, mode=mode)
    for note in invitation.heard:
        sequence.notes.add(
            pitch=note.pitch,
            velocity=_velocity(note),
            start_time=(note.beat + start) * beat_s,
            end_time=min(note.beat + note.beats, 0.0) * beat_s + start * beat_s,
        )
    return sequence, start


def from_notesequence(sequence: Any, invitation: Invitation, start_beat: float) -> list[Written]:
    """The notes of a NoteSequence, in seconds or quantized steps, that fall into the phrase at `start_beat`."""
    found = []
    steps = sequence.quantization_info.steps_per_quarter
    beat_s = 60.0 / (sequence.tempos[0].qpm if sequence.tempos and sequence.tempos[0].qpm > 0 else 120.0)
    for note in sequence.notes:
        if note.is_drum:
            continue
        if steps:
            begin, end = note.quantized_start_step / steps, note.quantized_end_step / steps
        else:
            begin, end = note.start_time / beat_s, note.end_time / beat_s
        found.append(Written(begin, end - begin, note.pitch, note.velocity / 127.0))
    return _of_the_phrase(found, invitation, start_beat)


def to_midi(invitation: Invitation) -> tuple[bytes, float]:
    """What was heard as a MIDI file that ends where the phrase begins, and that place in beats."""
    start = _start_beat(invitation)
    minor = _MAJOR not in invitation.semitones
    track = mido.MidiTrack(
        [
            mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(invitation.tempo_bpm)),
            mido.MetaMessage("time_signature", numerator=invitation.beats, denominator=4),
            mido.MetaMessage("key_signature", key=(_MINOR_KEYS if minor else _KEYS)[invitation.key]),
        ]
    )
    timed = []
    for note in invitation.heard:
        begin, end = note.beat + start, min(note.beat + note.beats, 0.0) + start
        timed.append((_ticks(begin), 1, mido.Message("note_on", note=note.pitch, velocity=_velocity(note))))
        timed.append((_ticks(end), 0, mido.Message("note_off", note=note.pitch)))
    now = 0
    for tick, _, message in sorted(timed, key=lambda item: item[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(_ticks(start) - now, 0)))
    file = io.BytesIO()
    mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_BEAT, tracks=[track]).save(file=file)
    return file.getvalue(), start


def from_midi(data: bytes, invitation: Invitation, start_beat: float) -> list[Written]:
    """The notes of a MIDI file, drums left out, of the phrase at `start_beat`; ValueError when it is none."""
    try:
        midi = mido.MidiFile(file=io.BytesIO(data))
    except BROKEN as error:
        raise ValueError(f"its answer cannot be read as a MIDI file: {error or type(error).__name__}") from None
    if midi.ticks_per_beat < 1:
        raise ValueError("its answer counts in film frames: give ticks a quarter note")
    found = []
    for track in midi.tracks:
        tick = 0
        sounding: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for message in track:
            tick += message.time
            if message.type not in ("note_on", "note_off") or message.channel == 9:
                continue
            key = message.channel, message.note
            if message.type == "note_on" and message.velocity:
                sounding.setdefault(key, []).append((tick, message.velocity))
            elif sounding.get(key):
                begin, velocity = sounding[key].pop(0)
                beats = (tick - begin) / midi.ticks_per_beat
                found.append(Written(begin / midi.ticks_per_beat, beats, message.note, velocity / 127.0))
    return _of_the_phrase(found, invitation, start_beat)


def _of_the_phrase(notes: Iterable[Written], invitation: Invitation, start_beat: float) -> list[Written]:
    moved = sorted((n.beat - start_beat, -n.pitch, n.beats, n.velocity) for n in notes)
    kept = (note for note in moved if -_EARLY <= note[0] < invitation.length)
    return [Written(max(beat, 0.0), beats, -pitch, velocity) for beat, pitch, beats, velocity in kept]


def _start_beat(invitation: Invitation) -> float:
    """Whole bars that hold everything that was heard."""
    first = min((note.beat for note in invitation.heard), default=0.0)
    return float(-(first // invitation.beats) * invitation.beats)


def _velocity(note: Written) -> int:
    return min(127, max(1, round(note.velocity * 127)))


def _ticks(beat: float) -> int:
    return max(round(beat * TICKS_PER_BEAT), 0)


def _music_pb2() -> Any:
    try:
        with warnings.catch_warnings():  # its own dependencies are old
            warnings.simplefilter("ignore")
            from note_seq.protobuf import music_pb2
    except ImportError as error:
        raise ImportError(f"{INSTALL} ({error})") from error
    return music_pb2
