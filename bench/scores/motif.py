"""Does the melody rest, and does what is said to come back come back?"""

from __future__ import annotations

import math
import statistics
from difflib import SequenceMatcher
from typing import NamedTuple

from .page import STEPS, Note, Page

LIKE = 0.6  # two lines as alike as this are one and the same idea
SHORTEST = 0.5  # beats: a shorter silence is how a note is played, not a rest


class Rests(NamedTuple):
    """Share of time without melody: over phrases that have one, median and 10th and 90th percentile; over all time."""

    overall: float
    median: float
    low: float
    high: float
    of_all_time: float
    phrases: int


class Recalls(NamedTuple):
    """Phrases named after an earlier one: how many, the share whose melody is like it, median likeness of these and
    of phrases with other names, and the same for what the score marks as recalls."""

    returns: int
    kept: float
    likeness: float
    others: float
    marked: int
    marked_kept: float


class Phrase(NamedTuple):
    start: float
    end: float
    name: str
    line: list[Note]

    @property
    def family(self) -> str:
        return self.name.rstrip("'")


def phrases(page: Page) -> list[Phrase]:
    """The phrases as marked ("phrase 12 A'"), each with the tune's top notes; a note a little early belongs to it."""
    marks = page.marked("phrase")
    notes = page.melody
    found = []
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        end = after.beat if after else max(page.end, mark.beat)
        line: dict[int, Note] = {}
        for note in notes:
            if mark.beat - 0.12 <= note.start < end - 0.12:
                step = round(note.start * STEPS)
                if step not in line or line[step].pitch < note.pitch:
                    line[step] = note
        found.append(Phrase(mark.beat, end, mark.text.split()[-1], [line[step] for step in sorted(line)]))
    return found


def rests(page: Page) -> Rests:
    """A rest is half a beat of silence or more."""
    shares, silent, total = [], 0.0, 0.0
    for phrase in phrases(page):
        if not phrase.line:
            continue
        length = phrase.end - phrase.start
        covered, reached = 0.0, phrase.start
        for note in [*phrase.line, Note("", phrase.end, phrase.end, 0)]:
            gap = note.start - reached
            if gap < SHORTEST:
                covered += max(gap, 0.0)
            covered += max(min(note.end, phrase.end) - max(note.start, reached), 0.0)
            reached = max(reached, note.end)
        shares.append(1.0 - covered / length)
        silent, total = silent + length - covered, total + length
    if not shares:
        return Rests(math.nan, math.nan, math.nan, math.nan, 1.0, 0)
    ordered = sorted(shares)
    low, high = (ordered[round(q * (len(ordered) - 1))] for q in (0.1, 0.9))
    sung = (total - silent) / max(page.end, 1e-9)
    return Rests(silent / total, statistics.median(shares), low, high, 1.0 - sung, len(shares))


def _steps(phrase: Phrase) -> list[tuple[int, float]]:
    """(size class of the interval, time to the next onset in steps) of each note but the last."""
    line = phrase.line
    return [
        (_size(b.pitch - a.pitch), float(round(b.start * STEPS) - round(a.start * STEPS)))
        for a, b in zip(line, line[1:], strict=False)
    ]


def likeness(a: Phrase, b: Phrase) -> float:
    """Of two lines, 0..1, `b` also turned upside down or at half or double pace, whichever is most like `a`.

    The mean of what their rhythms and their intervals share in order (Ratcliff & Obershelp), an interval being the
    same when its size class (repeat, step, third, to a fifth, wider) and direction are, so that a scale step stays
    one; or 1 when one line is a fragment of the other, three steps or more without a gap.
    """
    first, second = _steps(a), _steps(b)
    if not first or not second:
        return 0.0
    return max(
        _alike(first, [(turn * size, pace * time) for size, time in second])
        for turn, pace in ((1, 1.0), (-1, 1.0), (1, 2.0), (1, 0.5))
    )


def _alike(first: list[tuple[int, float]], second: list[tuple[int, float]]) -> float:
    shorter, longer = sorted((first, second), key=len)
    size = len(shorter)
    if size >= 3 and any(longer[i : i + size] == shorter for i in range(len(longer) - size + 1)):
        return 1.0
    ratios = [
        SequenceMatcher(None, [step[part] for step in first], [step[part] for step in second], autojunk=False).ratio()
        for part in (0, 1)
    ]
    return sum(ratios) / 2


def _size(interval: int) -> int:
    """0 repeat, 1 step, 2 third, 3 to a fifth, 4 wider; signed."""
    size = abs(interval)
    grade = 0 if size == 0 else 1 if size <= 2 else 2 if size <= 4 else 3 if size <= 7 else 4
    return grade if interval >= 0 else -grade


def recalls(page: Page) -> Recalls:
    """A phrase of four notes and more against the earlier ones of its name, and against eight others before it."""
    found = phrases(page)
    sung = [phrase for phrase in found if len(phrase.line) >= 4]
    same, other = [], []
    for i, phrase in enumerate(sung):
        alike = [likeness(earlier, phrase) for earlier in sung[:i] if earlier.family == phrase.family]
        if alike:
            same.append(max(alike))
        other += [likeness(earlier, phrase) for earlier in sung[max(i - 8, 0) : i] if earlier.family != phrase.family]
    marked = []
    for mark in page.marked("recall"):
        name = mark.text.split(",")[0].split()[0].rstrip("'")
        here = next((p for p in found if p.start - 0.01 <= mark.beat < p.end), None)
        earlier = [p for p in found if p.family == name and here is not None and p.start < here.start]
        marked.append(max((likeness(p, here) for p in earlier if here is not None), default=0.0))
    return Recalls(
        len(same),
        sum(x >= LIKE for x in same) / max(len(same), 1),
        statistics.median(same) if same else float("nan"),
        statistics.median(other) if other else float("nan"),
        len(page.marked("recall")),
        sum(x >= LIKE for x in marked) / len(marked) if marked else float("nan"),
    )
