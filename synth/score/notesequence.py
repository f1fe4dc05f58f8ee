"""The score as a NoteSequence of Magenta's note-seq (extra `magenta`), which is imported only here."""

from __future__ import annotations

import os
import warnings
from bisect import bisect_right
from pathlib import Path

from synth.controls import KEYS
from synth.score.bends import played, slid
from synth.score.channels import PROGRAMS
from synth.score.model import TICKS_PER_BEAT, Score

_MODES = {
    "lydian": "MAJOR",
    "ionian": "MAJOR",
    "mixolydian": "MIXOLYDIAN",
    "dorian": "DORIAN",
    "aeolian": "MINOR",
    "phrygian": "PHRYGIAN",
}  # what a NoteSequence has a name for; other scales are told in an annotation


def write_notesequence(score: Score, path: Path) -> None:
    """Write `score` as a serialized NoteSequence, times in seconds. ImportError says how to install note-seq.

    A stem whose notes sound together with different bends has further instruments of its name, one a bend.
    """
    try:
        with warnings.catch_warnings():  # its own dependencies are old
            warnings.simplefilter("ignore")
            from note_seq.protobuf import music_pb2
    except ImportError as error:
        raise ImportError(f'score.pb needs note-seq: pip install "isotone[magenta]" ({error})') from error
    sequence = music_pb2.NoteSequence(ticks_per_quarter=TICKS_PER_BEAT)
    clock = _Clock(score)
    for tempo in score.tempos:
        sequence.tempos.add(time=clock.seconds(tempo.tick), qpm=tempo.bpm)
    for metre in score.metres:
        sequence.time_signatures.add(time=clock.seconds(metre.tick), numerator=metre.beats, denominator=4)
    names = music_pb2.NoteSequence.KeySignature
    for change in score.keys:
        scale = score.scales[change.mode]
        kind = names.Mode.Value(_MODES.get(scale, "NOT_SPECIFIED"))
        sequence.key_signatures.add(time=clock.seconds(change.tick), key=change.key, mode=kind)
        if scale not in _MODES:
            sequence.text_annotations.add(time=clock.seconds(change.tick), text=f"key: {KEYS[change.key]} {scale}")
    for number, stem in enumerate(score.stems):
        sequence.instrument_infos.add(instrument=number, name=stem)
    instruments = {(stem, 0): number for number, stem in enumerate(score.stems)}
    stems = {stem: iter(notes) for stem, notes in played(score).items()}
    for stem in [note.stem for note in score.notes]:
        note, how = next(stems[stem])
        if (stem, how.lane) not in instruments:
            instruments[stem, how.lane] = len(instruments)
            sequence.instrument_infos.add(instrument=instruments[stem, how.lane], name=stem)
        where = {
            "instrument": instruments[stem, how.lane],
            "program": PROGRAMS.get(stem, 0),
            "is_drum": stem == "percussion",
        }
        start_time, end_time = clock.seconds(note.tick), clock.seconds(note.tick + note.duration)
        velocity = min(127, max(1, round(note.velocity * 127)))
        sequence.notes.add(pitch=how.key, velocity=velocity, start_time=start_time, end_time=end_time, **where)
        if how.turn:
            sequence.pitch_bends.add(time=start_time, bend=how.bend, **where)
        for tick, bend in slid(note, how.key):
            sequence.pitch_bends.add(time=clock.seconds(tick), bend=bend, **where)
    for marker in score.markers:
        sequence.text_annotations.add(time=clock.seconds(marker.tick), text=f"{marker.kind}: {marker.text}")
    sequence.total_time = max([clock.seconds(score.end_tick), *(n.end_time for n in sequence.notes)])
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(sequence.SerializeToString())
    os.replace(partial, path)


class _Clock:
    """Seconds of a tick, from the tempo map."""

    def __init__(self, score: Score) -> None:
        self._starts: list[tuple[int, int, int]] = []
        us = 0
        for i, tempo in enumerate(score.tempos):
            if i:
                before = score.tempos[i - 1]
                us += (tempo.tick - before.tick) * before.us_per_beat
            self._starts.append((tempo.tick, us, tempo.us_per_beat))

    def seconds(self, tick: int) -> float:
        """Time of `tick`."""
        start, us, per_beat = self._starts[bisect_right(self._starts, tick, key=lambda s: s[0]) - 1]
        return (us + (tick - start) * per_beat) / TICKS_PER_BEAT / 1e6
