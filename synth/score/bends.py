"""Fine pitch on a keyboard: each note is a key and a bend, on a lane where its bend disturbs no other note.

A lane is what can have one bend at a time: a MIDI channel, an instrument of a NoteSequence. As with MPE (MIDI
Association, MIDI Polyphonic Expression, 2018) notes of different bends that sound together have lanes of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from synth.score.model import TICKS_PER_BEAT, Note, Score

BEND_SEMITONES = 2.0  # the range of a bend that a General MIDI player assumes
BEND_STEPS = 8192
_SLIDE_TICKS = TICKS_PER_BEAT // 64
TAIL = 2 * TICKS_PER_BEAT  # a note still rings on its lane for about this long after it was let go


class Bent(NamedTuple):
    """How a note is played: MIDI `key` bent by `bend` of `BEND_STEPS`, on `lane`; `turn`: the lane is bent for it."""

    key: int
    bend: int
    lane: int
    turn: bool


def bent(notes: Sequence[Note], tail: int = TAIL) -> list[Bent]:
    """How each of a stem's notes is played, in the order given.

    A note takes the lane that has its bend already; otherwise the one that has been silent longest, if it has been
    for `tail` ticks or more; otherwise a new one. So lane 0 alone is used where no note is bent. A note that slides
    shares its lane with none.
    """
    how: dict[int, Bent] = {}
    bends: list[int] = [0]
    ends: list[int] = [-TAIL]
    sliding: list[int] = [-TAIL]  # until when a lane is one note's own
    for i in sorted(range(len(notes)), key=lambda i: notes[i].tick):
        note = notes[i]
        key = key_of(note.pitch)
        bend = bend_of(note.pitch, key)
        shared = [lane for lane, has in enumerate(bends) if has == bend and sliding[lane] + tail <= note.tick]
        if shared and not note.slides:
            lane = shared[0]
        else:
            lane = min(range(len(ends)), key=ends.__getitem__)
            if ends[lane] + tail > note.tick:
                lane = len(ends)
                bends.append(0)
                ends.append(note.tick)
                sliding.append(-TAIL)
        how[i] = Bent(key, bend, lane, bends[lane] != bend)
        bends[lane] = bend_of(note.slides[-1].pitch, key) if note.slides else bend
        ends[lane] = max(ends[lane], note.tick + note.duration)
        if note.slides:
            sliding[lane] = note.tick + note.duration
    return [how[i] for i in range(len(notes))]


def played(score: Score, tail: int = TAIL) -> dict[str, list[tuple[Note, Bent]]]:
    """Each stem's notes and how they are played. Drums are never bent: a key is a drum, not a pitch."""
    stems = {}
    for stem in score.stems:
        notes = [note for note in score.notes if note.stem == stem]
        how = [Bent(key_of(note.pitch), 0, 0, False) for note in notes] if stem == "percussion" else bent(notes, tail)
        stems[stem] = list(zip(notes, how, strict=True))
    return stems


def lanes(notes: Sequence[tuple[Note, Bent]]) -> int:
    """How many lanes these notes need, at least one."""
    return 1 + max((how.lane for _, how in notes), default=0)


def slid(note: Note, key: int) -> list[tuple[int, int]]:
    """The bends by which a note played as `key` follows its slides, each with its tick."""
    bends, pitch = [], note.pitch
    for slide in note.slides:
        steps = max(slide.ticks // _SLIDE_TICKS, 1)
        for step in range(1, steps + 1):
            tick = note.tick + slide.after + slide.ticks * step // steps
            bends.append((tick, bend_of(glide(pitch, slide.pitch, step / steps), key)))
        pitch = slide.pitch
    return bends


def glide(pitch: float, to: float, share: float) -> float:
    """The pitch of a slide when `share` 0 to 1 of its time is over: a raised cosine."""
    return pitch + (0.5 - 0.5 * math.cos(math.pi * share)) * (to - pitch)


def bend_of(pitch: float, key: int, semitones: float = BEND_SEMITONES) -> int:
    """The bend, in BEND_STEPS a range of `semitones`, that takes `key` to `pitch`, or as near as the range goes."""
    return min(BEND_STEPS - 1, max(-BEND_STEPS, round((pitch - key) / semitones * BEND_STEPS)))


def key_of(pitch: float) -> int:
    """The key nearest to `pitch`."""
    return min(127, max(0, round(pitch)))
