"""Pieces that others wrote, out of music21's corpus, as pages: what the measures say of real music."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .page import Key, Mark, Metre, Note, Page

# Movements of five minutes and more, to see how alike real music stays to itself.
LONG = (
    "haydn/opus74no1/movement1.mxl",
    "haydn/opus74no1/movement2.mxl",
    "mozart/k155/movement1.mxl",
    "mozart/k155/movement2.mxl",
    "beethoven/opus18no1/movement1.mxl",
    "beethoven/opus18no3.mxl",
    "beethoven/opus59no1/movement1.mxl",
    "beethoven/opus59no2/movement2.mxl",
)


def page_of(score: Any, bpm: float = 72.0) -> Page:
    """A music21 score as a page: a stem a part, first metre and analysed key throughout, `bpm` quarters a minute.

    A fermata or the end of the piece closes a phrase ("cadence" at its note, "phrase" after it).
    """
    notes, holds = [], set()
    for number, part in enumerate(score.parts):
        for one in part.flatten().stripTies().notes:
            start, end = float(one.offset), float(one.offset + one.quarterLength)
            if end <= start:
                continue
            notes += [Note(f"part{number}", start, end, p.midi, 0.5) for p in one.pitches]
            if any("Fermata" in type(e).__name__ for e in one.expressions):
                holds.add((start, end))
    found = score.analyze("key")
    signature = next(iter(score.recurse().getElementsByClass("TimeSignature")), None)
    beats = int(signature.barDuration.quarterLength) if signature else 4
    first = score.parts[0].getElementsByClass("Measure")
    pickup = float(first[0].duration.quarterLength) % beats if len(first) else 0.0
    page = Page(sorted(notes, key=lambda n: (n.start, n.stem, n.pitch)))
    page.keys = [Key(0.0, found.tonic.pitchClass, "ionian" if found.mode == "major" else "aeolian")]
    page.metres = [Metre(pickup - beats if pickup else 0.0, beats)]
    page.tempo = np.array([[0.0, 0.0], [page.end + 1.0, (page.end + 1.0) * 60.0 / bpm]])
    page.tunes = [(0.0, "part0")]
    starts = [0.0, *sorted({end for _, end in holds if end < page.end})]
    page.marks = [Mark(beat, "phrase", f"phrase {i + 1} {i + 1}") for i, beat in enumerate(starts)]
    page.marks += [Mark(start, "cadence", "fermata") for start in sorted({start for start, _ in holds})]
    page.marks.sort()
    return page


def chorales(count: int) -> Iterator[Page]:
    """Four-part chorales of Bach in even metres."""
    from music21 import corpus

    made = 0
    for path in corpus.getComposer("bach"):
        if made == count:
            return
        if "bwv" not in path.name or path.suffix != ".mxl":
            continue
        score = corpus.parse(path)
        if len(score.parts) != 4:
            continue
        page = page_of(score)
        if 8 <= len(page.bars) and page.end < 200:
            made += 1
            yield page


def movements() -> Iterator[tuple[str, Page]]:
    """`LONG`, those that this corpus has."""
    from music21 import corpus

    for name in LONG:
        try:
            score = corpus.parse(name)
        except Exception:
            continue
        yield name, page_of(score)
