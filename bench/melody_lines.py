"""Lines as phrases of notes, wherever they come from, and what can be counted of them."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from melody_corpus import Piece

from synth.composer.guests.guest import Invitation, Written
from synth.composer.learned import LearnedMelody
from synth.composer.learned.events import letter_above
from synth.composer.scales import Scale, pitch_classes
from synth.score.model import TICKS_PER_BEAT, Note, Score

MAJOR = Scale(0, 1)
STEM, LONG = "melody", 1.0
_CELL = 4  # intervals


@dataclass(frozen=True)
class Phrase:
    """Notes of a line in beats from its start; `below` are the (beat, end, pitch) of pad and bass meanwhile."""

    notes: tuple[Written, ...]
    beats: float
    tonic: int
    below: tuple[tuple[float, float, float], ...] = ()

    @property
    def pitches(self) -> list[int]:
        return [note.pitch for note in self.notes]


Line = list[Phrase]  # of one session or one tune


def of_tunes(pieces: Sequence[Piece]) -> list[Line]:
    """Tunes as lines in C major, cut every four bars."""
    return [list(_of_tune(piece)) for piece in pieces]


def _of_tune(piece: Piece) -> Iterator[Phrase]:
    length = 4.0 * piece.metre.beats
    for part in piece.parts:
        ends = max(event.beat + event.ioi for event in part)
        for number in range(math.ceil(ends / length)):
            low = number * length - (piece.metre.beats if number == 0 else 0.0)
            inside = [e for e in part if low <= e.beat < (number + 1) * length]
            if len(inside) >= 4:
                notes = tuple(Written(e.beat - number * length, e.ioi, MAJOR.pitch(e.step + 7)) for e in inside)
                yield Phrase(notes, length, 0)


def of_rules(preset: str, seed: int, minutes: float) -> tuple[Line, list[Invitation]]:
    """What the built-in composer sang in a session, and an invitation to sing in place of each phrase."""
    from synth import compose_session

    with TemporaryDirectory() as folder:
        score = compose_session(preset, Path(folder) / "score.mid", minutes=minutes, seed=seed)
    sung = [n for n in score.notes if n.stem == STEM]
    starts = [mark.tick for mark in score.markers if mark.kind == "phrase"]
    line, invitations = [], []
    low, high = min(round(n.pitch) for n in sung), max(round(n.pitch) for n in sung)
    for start, end in zip(starts, [*starts[1:], score.end_tick], strict=True):
        inside = [n for n in sung if start <= n.tick < end]
        beats = _at(score.metres, start).beats
        key, bars = _at(score.keys, start), round((end - start) / TICKS_PER_BEAT / beats)
        if len(inside) < 3 or bars < 1 or any(start < k.tick < end for k in score.keys):
            continue
        scale = Scale(key.key, key.mode)
        notes = tuple(_written(n, start) for n in inside)
        line.append(Phrase(notes, bars * beats, key.key, _below(score, start, end)))
        semitones = tuple(sorted((pc - key.key) % 12 for pc in pitch_classes(scale)))
        invitations.append(
            Invitation(
                stem=STEM,
                phrase=len(line),
                bars=bars,
                beats=beats,
                tempo_bpm=_at(score.tempos, start).bpm,
                key=key.key,
                scale=scale.name,
                semitones=semitones,
                low=low,
                high=high,
                notes=len(notes),
                closing_beat=round(notes[-1].beat * 4) / 4,
                controls={"regularity": 0.5},
                seed=seed,
            )
        )
    return line, invitations


def of_learned(line: Line, invitations: Sequence[Invitation], guest: LearnedMelody) -> Line:
    """The same phrases written by the learned composer, which hears what it sang in the two before."""
    found: Line = []
    for phrase, invitation in zip(line, invitations, strict=True):
        heard: list[Written] = []
        back = 0.0
        for before in reversed(found[-2:]):
            back += before.beats
            heard = [replace(note, beat=note.beat - back) for note in before.notes] + heard
        notes = guest.write(replace(invitation, heard=tuple(heard)))
        found.append(replace(phrase, notes=notes))
    return found


def _at(changes: Sequence[Any], tick: int) -> Any:
    return [change for change in changes if change.tick <= tick][-1]


def _written(note: Note, start: int) -> Written:
    beat, beats = (note.tick - start) / TICKS_PER_BEAT, note.duration / TICKS_PER_BEAT
    return Written(round(beat * 12) / 12, beats, round(note.pitch), note.velocity)


def _below(score: Score, start: int, end: int) -> tuple[tuple[float, float, float], ...]:
    return tuple(
        ((n.tick - start) / TICKS_PER_BEAT, (n.tick + n.duration - start) / TICKS_PER_BEAT, n.pitch)
        for n in score.notes
        if n.stem in ("pad", "bass") and n.tick < end and n.tick + n.duration > start
    )


# --- measures ------------------------------------------------------------------------------------------------------


def measures(lines: Sequence[Line]) -> dict[str, float]:
    """Every measure over `lines`; medians and shares over all their phrases, returns within each line."""
    phrases = [phrase for line in lines for phrase in line]
    moves = [b - a for phrase in phrases for a, b in zip(phrase.pitches, phrase.pitches[1:], strict=False)]
    size = [abs(move) for move in moves]
    leaps = [
        (a, b)
        for phrase in phrases
        for a, b in zip(_moves(phrase), _moves(phrase)[1:], strict=False)
        if abs(a) >= 6 and b != 0
    ]
    shapes = Counter(_shape(phrase) for phrase in phrases)
    closes = Counter((phrase.pitches[-1] - phrase.tonic) % 12 for phrase in phrases)
    found = {
        "interval: repeat": _share(size, lambda s: s == 0),
        "interval: step": _share(size, lambda s: 1 <= s <= 2),
        "interval: third": _share(size, lambda s: 3 <= s <= 4),
        "interval: 5 and more": _share(size, lambda s: s >= 5),
        "step down / step up": sum(-2 <= m < 0 for m in moves) / max(sum(0 < m <= 2 for m in moves), 1),
        "leap of 6+ turned back": _share(leaps, lambda pair: pair[0] * pair[1] < 0),
        **{f"contour: {name}": shapes[name] / len(phrases) for name in ("arch", "falling", "rising", "valley")},
        "peak at (share of phrase)": statistics.median(_peak(phrase) for phrase in phrases),
        "range of a phrase, semitones": statistics.median(max(p.pitches) - min(p.pitches) for p in phrases),
        "tones a phrase": statistics.median(len(phrase.notes) for phrase in phrases),
        "last tone / median": statistics.median(_last(phrase) for phrase in phrases),
        "closes on 1": closes[0] / len(phrases),
        "closes on 3": (closes[3] + closes[4]) / len(phrases),
        "closes on 5": closes[7] / len(phrases),
        "rests": sum(1.0 - sum(n.beats for n in p.notes) / p.beats for p in phrases) / len(phrases),
        "cells that return": statistics.fmean(_returning(line) for line in lines),
    }
    related = Counter(kind for line in lines for kind in _relations(line))
    for kind in ("exact", "varied", "rhythm", "new"):
        found[f"phrase again: {kind}"] = related[kind] / max(sum(related.values()), 1)
    found["information, bits"] = _information(lines)
    if any(phrase.below for phrase in phrases):
        strong = [_against(phrase, note) for phrase in phrases for note in phrase.notes if _is_strong(note)]
        strong = [fit for fit in strong if fit is not None]
        found["strong tones in the chord"] = _share(strong, lambda fit: fit[0])
        found["strong tones a semitone off it"] = _share(strong, lambda fit: fit[1] and not fit[0])
    return found


def copied(lines: Sequence[Line], tunes: Sequence[Piece], length: int = 8) -> float:
    """Share of runs of `length` intervals in staff steps that occur in `tunes`."""
    known = {run for piece in tunes for part in piece.parts for run in _runs([e.step for e in part], length)}
    found = [
        run
        for line in lines
        for phrase in line
        for run in _runs([letter_above(pitch - phrase.tonic) for pitch in phrase.pitches], length)
    ]
    return _share(found, lambda run: run in known)


def _runs(steps: Sequence[int], length: int) -> list[tuple[int, ...]]:
    moves = [b - a for a, b in zip(steps, steps[1:], strict=False)]
    return [tuple(moves[i : i + length]) for i in range(len(moves) - length + 1)]


def _share(items: Sequence[object], test: object) -> float:
    return sum(bool(test(item)) for item in items) / max(len(items), 1)  # type: ignore[operator]


def _moves(phrase: Phrase) -> list[int]:
    return [b - a for a, b in zip(phrase.pitches, phrase.pitches[1:], strict=False)]


def _shape(phrase: Phrase) -> str:
    """Mean pitch of the thirds of a phrase against each other, half a semitone apart or more."""
    pitches = phrase.pitches
    third = max(len(pitches) // 3, 1)
    first, middle, last = (
        statistics.fmean(p) for p in (pitches[:third], pitches[third:-third] or pitches, pitches[-third:])
    )
    if middle > max(first, last) + 0.5:
        return "arch"
    if middle < min(first, last) - 0.5:
        return "valley"
    return "falling" if first > last + 0.5 else "rising" if last > first + 0.5 else "level"


def _peak(phrase: Phrase) -> float:
    pitches = phrase.pitches
    return pitches.index(max(pitches)) / max(len(pitches) - 1, 1)


def _last(phrase: Phrase) -> float:
    starts = [note.beat for note in phrase.notes]
    gaps = [b - a for a, b in zip(starts, starts[1:], strict=False)]
    return phrase.notes[-1].beats / statistics.median(gaps)


def _cells(phrase: Phrase) -> list[tuple[tuple[int, float], ...]]:
    notes = phrase.notes
    steps = [(b.pitch - a.pitch, round(b.beat - a.beat, 2)) for a, b in zip(notes, notes[1:], strict=False)]
    return [tuple(steps[i : i + _CELL]) for i in range(len(steps) - _CELL + 1)]


def _returning(line: Line) -> float:
    """Share of cells of four intervals, with their rhythm, that occur more than once in the first 12 phrases."""
    counts = Counter(cell for phrase in line[:12] for cell in _cells(phrase))
    return sum(n for n in counts.values() if n > 1) / max(sum(counts.values()), 1)


def _relations(line: Line) -> Iterator[str]:
    """What each phrase after the first is to the eight before it: the closest of exact, varied, rhythm, new."""
    for i in range(1, len(line)):
        before = [_alike(earlier, line[i]) for earlier in line[max(i - 8, 0) : i]]
        yield min(before, key=("exact", "varied", "rhythm", "new").index)


def _alike(a: Phrase, b: Phrase) -> str:
    left = {round(n.beat, 2): n.pitch for n in a.notes}
    right = {round(n.beat, 2): n.pitch for n in b.notes}
    both = max(len(left), len(right))
    same = sum(left.get(beat) == pitch for beat, pitch in right.items()) / both
    if same > 0.99:
        return "exact"
    if same >= 0.6:
        return "varied"
    return "rhythm" if len(left.keys() & right.keys()) / both >= 0.9 else "new"


def _information(lines: Sequence[Line]) -> float:
    """Bits that a degree (pitch class above the tonic) of the line tells of the next."""
    pairs: Counter[tuple[int, int]] = Counter()
    for line in lines:
        for phrase in line:
            degrees = [(p - phrase.tonic) % 12 for p in phrase.pitches]
            pairs.update(zip(degrees, degrees[1:], strict=False))
    total = sum(pairs.values())
    first: Counter[int] = Counter()
    second: Counter[int] = Counter()
    for (a, b), n in pairs.items():
        first[a] += n
        second[b] += n
    return sum(n / total * math.log2(n * total / (first[a] * second[b])) for (a, b), n in pairs.items())


def _is_strong(note: Written) -> bool:
    return note.beats >= LONG or note.beat % 2.0 < 0.05


def _against(phrase: Phrase, note: Written) -> tuple[bool, bool] | None:
    """Whether the tone is one of those that sound under it, and whether one of them is a semitone away."""
    at = note.beat + 0.1
    under = {round(pitch) % 12 for start, end, pitch in phrase.below if start <= at < end}
    if not under:
        return None
    return note.pitch % 12 in under, bool({(note.pitch + 1) % 12, (note.pitch - 1) % 12} & under)
