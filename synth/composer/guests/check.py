"""What is heard of a guest's answer: what can be mended safely is, and told; what is wrong beyond that is refused.

An answer that was mended passes unchanged when it is checked again, so that a record replays bit for bit.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from numbers import Real
from typing import Any

from synth.composer.guests.guest import Invitation, Written

MOST_NOTES = 512  # of one answer that are looked at
VELOCITIES = (0.05, 0.9)
VOICES = {"pad": 4, "bells": 3}  # notes that may sound at once; any other stem is one line
_STRAYS = 0.25  # share of notes that may be mended in pitch, or left out, before it is no longer the guest's music
_SHORTEST_S = 0.08  # between two onsets of a line
_WINDOW_S = 2.0
_REST = 0.06  # share of a line's phrase that is silence at least
_DIGITS = 4  # of a beat
_PHRASE_TO_REST = 4.0  # beats; a shorter phrase may be filled


@dataclass(frozen=True, slots=True)
class Heard:
    """What of an answer sounds: `notes` in order, None when it is refused; `text` says why, or what was mended."""

    notes: tuple[Written, ...] | None
    text: str


class Refused(ValueError):
    """An answer of which nothing can sound; the message says why."""


def heard(invitation: Invitation, answer: Sequence[Any], asked: Invitation | None = None) -> Heard:
    """`answer` (Written, or plain (beat, beats, pitch[, velocity])) as it may sound in the phrase of `invitation`.

    `asked` is the invitation that the guest had, where it wanted fewer notes.
    """
    mended: Counter[str] = Counter()
    try:
        notes = _in_time(invitation, plain(answer), mended)
        notes = _in_scale(invitation, notes, mended)
        notes = _one_after_the_other(invitation, notes, mended)
        _dense(invitation, notes, min(invitation.notes, (asked or invitation).notes))
        notes = _breathing(invitation, notes, mended)
    except Refused as why:
        return Heard(None, f"refused: {why}")
    told = ", ".join(f"{count} {what}" if count > 1 else what for what, count in mended.items())
    return Heard(tuple(notes), f"plays {_count(len(notes))}" + (f"; mended: {told}" if told else ""))


def carried(invitation: Invitation, notes: Iterable[Written], now: Invitation) -> tuple[Written, ...]:
    """Notes written for `invitation` as they stand in `now`: on the same degrees of its scale, none after its end."""
    here, there = ({(i.key + semitone) % 12 for semitone in i.semitones} for i in (invitation, now))
    octaves = 12 * round((now.key - invitation.key) / 12)
    if now.length < invitation.length:
        notes = [note for note in notes if not now.length <= note.beat < invitation.length]

    def moved(pitch: int) -> int:
        if here == there:
            return pitch
        if len(here) != len(there):
            return _nearest(now, pitch + now.key - invitation.key - octaves)
        return now.pitch(invitation.step(pitch)) - octaves

    return tuple(replace(note, pitch=moved(note.pitch)) for note in notes)


def plain(answer: Any) -> list[Written]:
    """`answer` as notes of finite numbers; raises Refused when it is anything else."""
    if answer is None:
        raise Refused("it answered None")
    if isinstance(answer, str | bytes | Mapping) or not isinstance(answer, Iterable):
        raise Refused(f"it answered a {type(answer).__name__}, not notes")
    items = list(islice(answer, MOST_NOTES + 1))
    if len(items) > MOST_NOTES:
        raise Refused(f"it wrote more than {MOST_NOTES} notes")
    return [_note(number, item) for number, item in enumerate(items, 1)]


def _note(number: int, item: Any) -> Written:
    if isinstance(item, Written):
        item = (item.beat, item.beats, item.pitch, item.velocity)
    if not isinstance(item, tuple | list) or len(item) not in (3, 4):
        raise Refused(f"its note {number} is a {type(item).__name__}, not a note")
    names = ("beat", "beats", "pitch", "velocity")
    for name, value in zip(names, item, strict=False):
        if isinstance(value, bool) or not isinstance(value, Real):
            raise Refused(f"the {name} of its note {number} is a {type(value).__name__}, not a number")
    try:
        beat, beats, pitch, *velocity = map(float, item)
    except OverflowError:
        raise Refused(f"its note {number} is out of all bounds") from None
    if not all(math.isfinite(value) for value in (beat, beats, pitch, *velocity)):
        raise Refused(f"its note {number} is not of finite numbers")
    if not 0.0 <= pitch <= 127.0:
        raise Refused(f"the pitch of its note {number} is {pitch:g}, no MIDI key")
    return Written(beat, beats, int(pitch) if pitch.is_integer() else pitch, *velocity)  # type: ignore[arg-type]


def _in_time(invitation: Invitation, notes: list[Written], mended: Counter[str]) -> list[Written]:
    """The notes that begin in the phrase and last, none beyond its end."""
    length, kept, late = float(invitation.length), [], 0
    for note in notes:
        beat = round(note.beat, _DIGITS) + 0.0
        beats = round(note.beats, _DIGITS)
        if not 0.0 <= beat < length or beats <= 0.0:
            late += 1
            continue
        if beat + beats > length + 1e-6:
            mended["cut at the phrase's end"] += 1
            beats = round(length - beat, _DIGITS)
        soft, loud = VELOCITIES
        velocity = round(min(max(note.velocity, soft), loud), _DIGITS)
        if not soft <= note.velocity <= loud:
            mended["loudness held in its range"] += 1
        kept.append(Written(beat, beats, note.pitch, velocity))
    _few(late, notes, mended, "outside the phrase, or no longer than nothing", "left out")
    return kept


def _in_scale(invitation: Invitation, notes: list[Written], mended: Counter[str]) -> list[Written]:
    """The notes in scale and register. All of them an octave off are moved together; a few strays one by one."""
    if not notes:
        return notes
    if not invitation.pitches:
        raise Refused(f"no key of the scale lies from {invitation.low} to {invitation.high}")
    low, high = invitation.low, invitation.high
    middle = sorted(note.pitch for note in notes)[len(notes) // 2]
    octaves = 0
    while middle + 12 * octaves < low and middle + 12 * octaves + 12 <= high:
        octaves += 1
    while middle + 12 * octaves > high and middle + 12 * octaves - 12 >= low:
        octaves -= 1
    if octaves:
        mended[f"all moved by {12 * octaves:+d} semitones into the register"] += 1
    found, strays, outside = [], 0, 0
    for note in notes:
        wanted = note.pitch + 12 * octaves
        pitch = _nearest(invitation, wanted)
        strays += pitch != wanted
        inside = pitch
        while inside < low:
            inside += 12
        while inside > high:
            inside -= 12
        if inside < low:
            inside = min(invitation.pitches, key=lambda p: (abs(p - pitch), p))
        outside += inside != pitch
        found.append(replace(note, pitch=inside))
    _few(strays, notes, mended, f"outside {invitation.scale}", "moved to the nearest tone of the scale")
    _few(outside, notes, mended, f"outside the register {low} to {high}", "moved by octaves into the register")
    return found


def _one_after_the_other(invitation: Invitation, notes: list[Written], mended: Counter[str]) -> list[Written]:
    """In order, no more notes at once than the stem has voices, no pitch twice at once: what sounds gives way."""
    voices = VOICES.get(invitation.stem, 1)
    shortest = round(_SHORTEST_S * invitation.tempo_bpm / 60.0, _DIGITS)
    kept: list[Written] = []
    crowd = 0
    ordered = sorted(notes, key=lambda note: (note.beat, -note.pitch))
    if [note.beat for note in ordered] != [note.beat for note in notes]:
        mended["put in order"] += 1
    for note in ordered:
        sounding = [i for i, other in enumerate(kept) if other.beat + other.beats > note.beat + 1e-9]
        same = [i for i in sounding if kept[i].pitch == note.pitch]
        gives_way = same + [i for i in sounding if i not in same][: max(len(sounding) - len(same) - voices + 1, 0)]
        lately = [other for other in kept if 0.0 < note.beat - other.beat < shortest]
        if lately or any(kept[i].beat == note.beat for i in gives_way):
            crowd += 1
            continue
        for i in gives_way:
            kept[i] = replace(kept[i], beats=round(note.beat - kept[i].beat, _DIGITS))
            mended["cut where the next begins"] += 1
        kept.append(note)
    _few(crowd, notes, mended, "on top of another", "left out")
    return kept


def _dense(invitation: Invitation, notes: list[Written], fewest: float) -> None:
    """About as many notes as were asked for, and nowhere a heap of them."""
    wanted = invitation.notes
    least, most = max(1, math.ceil(fewest / 3.0)), max(math.floor(2.0 * wanted), 6)
    if not notes:
        raise Refused("it wrote nothing")
    if not least <= len(notes) <= most:
        about = fewest if len(notes) < least else wanted
        raise Refused(f"{_count(len(notes))}, and about {about:.0f} were asked for")
    window = _WINDOW_S * invitation.tempo_bpm / 60.0
    heap = max(8.0, 4.0 * wanted * _WINDOW_S / invitation.seconds)
    onsets = [note.beat for note in notes]
    densest = max(sum(start <= onset < start + window for onset in onsets) for start in onsets)
    if densest > heap:
        raise Refused(f"{densest} notes within {_WINDOW_S:.0f} s")


def _breathing(invitation: Invitation, notes: list[Written], mended: Counter[str]) -> list[Written]:
    """A line without a rest gives up the end of its last note."""
    length = invitation.length
    if VOICES.get(invitation.stem, 1) > 1 or length < _PHRASE_TO_REST:
        return notes
    rest = length - sum(note.beats for note in notes)
    if rest >= _REST * length - 1e-3:
        return notes
    last = notes[-1]
    beats = round(last.beats - (_REST * length - rest), _DIGITS)
    if beats < 0.5 * last.beats:
        raise Refused("it leaves no rest in the phrase")
    mended["its last note shortened to a rest"] += 1
    return [*notes[:-1], replace(last, beats=beats)]


def _few(wrong: int, notes: Sequence[Written], mended: Counter[str], where: str, done: str) -> None:
    """Raises Refused when too many notes are wrong; else tells what is done about them."""
    if wrong > _STRAYS * len(notes):
        raise Refused(f"{wrong} of {_count(len(notes))} are {where}")
    if wrong:
        mended[done] += wrong


def _nearest(invitation: Invitation, pitch: float) -> int:
    """The key of the scale nearest to `pitch`, the lower of two."""
    around = range(math.floor(pitch) - 11, math.ceil(pitch) + 12)
    keys = [p for p in around if (p - invitation.key) % 12 in invitation.semitones]
    return min(keys, key=lambda key: (abs(key - pitch), key))


def _count(number: int) -> str:
    return "1 note" if number == 1 else f"{number} notes"
