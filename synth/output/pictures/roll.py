"""A piano roll that tells the form: stems by colour, bars and phrases ruled, ideas by letter, chords, cadences,
planned tension and keys. Time runs in lines of whole phrases, so that it reads like a page of music.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

from synth.output.pictures.look import (
    FAINT,
    GREY,
    HAIR,
    INK,
    TENSION,
    Place,
    clock_text,
    curve,
    ideas_strip,
    keys_strip,
    legend,
    names_strip,
    stem_colour,
)
from synth.output.pictures.svg import Drawing, text_width
from synth.score.clock import Clock
from synth.score.model import Note, Score
from synth.score.outline import Outline, Span, outline

LINE_S = 45.0  # most of a line
PAGE_S = 600.0  # most of a page
_WIDTH, _LEFT, _RIGHT = 1400.0, 64.0, 24.0
_HEAD, _GAP = 74.0, 30.0
_IDEAS, _CHORDS, _TENSION, _KEYS, _DRUMS = 22.0, 20.0, 34.0, 16.0, 16.0
_SEMITONE = 3.8
_SOFTNESS = ((0.4, 0.5), (0.6, 0.72), (1.01, 0.95))  # velocity up to, and how opaque it is drawn


def write_roll(score: Score, folder: Path, title: str = "", name: str = "roll") -> list[Path]:
    """Write name.svg, or name-01.svg and on, ten minutes a page; earlier pages of that name are removed."""
    drawings = roll(score, title)
    for old in [folder / f"{name}.svg", *folder.glob(f"{name}-[0-9]*.svg")]:
        old.unlink(missing_ok=True)
    files = [f"{name}.svg"] if len(drawings) == 1 else [f"{name}-{i:02d}.svg" for i in range(1, len(drawings) + 1)]
    for file, drawing in zip(files, drawings, strict=True):
        drawing.save(folder / file)
    return [folder / file for file in files]


def roll(score: Score, title: str = "") -> list[Drawing]:
    """The pages of the roll of `score`."""
    page = _Roll(score, title)
    return [page.draw(lines, i, len(page.pages)) for i, lines in enumerate(page.pages)]


class _Roll:
    def __init__(self, score: Score, title: str) -> None:
        self._score, self._title = score, title
        self._plan = outline(score)
        self._clock = Clock(score)
        pitched = [note.pitch for note in score.notes if note.stem != "percussion"]
        self._low = min(pitched, default=60.0) - 2.0
        self._high = max(pitched, default=72.0) + 2.0
        self._notes = sorted(score.notes, key=lambda note: note.tick)
        self._starts = [note.tick for note in self._notes]
        self._longest = max((note.duration for note in self._notes), default=0)
        self._drums = any(note.stem == "percussion" for note in score.notes)
        lines = list(_lines(self._plan, self._clock))
        self._widest_s = max(
            (self._clock.seconds(line.end) - self._clock.seconds(line.tick) for line in lines), default=1.0
        )
        self.pages = list(self._paged(lines))

    def _paged(self, lines: list[Span]) -> Iterator[list[Span]]:
        page: list[Span] = []
        for line in lines:
            if page and self._clock.seconds(line.end) - self._clock.seconds(page[0].tick) > PAGE_S:
                yield page
                page = []
            page.append(line)
        yield page

    @property
    def _line_height(self) -> float:
        height = 30.0 + _IDEAS + _CHORDS + (self._high - self._low) * _SEMITONE + 6.0 + _KEYS
        return height + _DRUMS * self._drums + _TENSION * bool(self._plan.tensions)

    def draw(self, lines: list[Span], number: int, pages: int) -> Drawing:
        """One page."""
        drawing = Drawing(_WIDTH, self._title or "piano roll")
        length = clock_text(self._clock.seconds(self._plan.end))
        drawing.text(_LEFT, 34.0, self._title or "Piano roll", 20, INK, font_weight="700")
        told = f"{length} \u00b7 {len(self._score.notes)} notes \u00b7 {len(self._plan.phrases)} phrases"
        told += f" \u00b7 page {number + 1} of {pages}" if pages > 1 else ""
        drawing.text(_LEFT, 53.0, told, 12, GREY)
        legend(drawing, self._score, _WIDTH - _RIGHT, 34.0)
        y = _HEAD
        for line in lines:
            self._line(drawing, line, y)
            y += self._line_height + _GAP
        drawing.height = y
        return drawing

    def _line(self, drawing: Drawing, line: Span, y: float) -> None:
        start_s = self._clock.seconds(line.tick)
        scale = (_WIDTH - _LEFT - _RIGHT) / self._widest_s

        def place(tick: int) -> float:
            return _LEFT + (self._clock.seconds(tick) - start_s) * scale

        drawing.begin(class_="line")
        plan, right = self._plan, place(line.end)
        names_strip(drawing, plan.scenes or plan.phases, line, place, y + 10.0)
        drawing.text(_LEFT - 8.0, y + 20.0 + _IDEAS / 2, clock_text(start_s), 12, INK, text_anchor="end")
        ideas_strip(drawing, plan, line, place, y + 16.0, _IDEAS)
        top = y + 16.0 + _IDEAS + _CHORDS
        bottom = top + (self._high - self._low) * _SEMITONE
        foot = bottom + _DRUMS * self._drums
        self._grid(drawing, line, place, top, bottom, foot)
        self._chords(drawing, line, place, top - 6.0)
        self._draw_notes(drawing, line, place, top, bottom)
        below = foot + 6.0
        if plan.tensions:
            self._tension(drawing, line, place, below)
            below += _TENSION
        keys_strip(drawing, self._score, plan, line, place, below, _KEYS)
        drawing.text(_LEFT - 8.0, below + 11.5, "key", 10, GREY, text_anchor="end")
        for phrase in plan.phrases:
            if line.tick <= phrase.tick < line.end:
                drawing.line(place(phrase.tick), y + 16.0, place(phrase.tick), foot, GREY, stroke_width=1.2)
        drawing.line(right, top, right, foot, GREY if line.end < plan.end else INK, stroke_width=1.2)
        drawing.end()

    def _grid(self, drawing: Drawing, line: Span, place: Place, top: float, bottom: float, foot: float) -> None:
        left, right = place(line.tick), place(line.end)
        for key in range(-(-int(self._low) // 12) * 12, int(self._high) + 1, 12):
            y = bottom - (key - self._low) * _SEMITONE
            drawing.line(left, y, right, y, FAINT, stroke_width=0.8)
            drawing.text(_LEFT - 8.0, y + 3.5, f"C{key // 12 - 1}", 10, GREY, text_anchor="end")
        bars = [m.tick for m in self._plan.measures if line.tick <= m.tick < line.end]
        rules = "".join(f"M{place(tick):.1f} {top:.1f}V{foot:.1f}" for tick in bars)
        drawing.path(rules, FAINT, class_="bars", stroke_width=0.8)
        if self._drums:
            drawing.line(left, bottom, right, bottom, HAIR, stroke_width=1)
            drawing.text(_LEFT - 8.0, bottom + 11.5, "perc.", 10, GREY, text_anchor="end")

    def _chords(self, drawing: Drawing, line: Span, place: Place, y: float) -> None:
        free = -1e9
        for chord in self._plan.chords:
            if line.tick <= chord.tick < line.end:
                x = place(chord.tick) + 2.0
                if x >= free:
                    drawing.text(x, y, chord.text, 11, INK, class_="chord")
                    free = x + text_width(chord.text, 11.0) + 3.0

    def _draw_notes(self, drawing: Drawing, line: Span, place: Place, top: float, bottom: float) -> None:
        first = bisect_left(self._starts, line.tick - self._longest)
        last = bisect_left(self._starts, line.end)
        sounding = [n for n in self._notes[first:last] if n.tick + n.duration > line.tick]
        for stem in sorted({n.stem for n in sounding}, key=lambda s: (s != "pad", self._score.stems.index(s))):
            colour = stem_colour(self._score, stem)
            for step, (most, opaque) in enumerate(_SOFTNESS):
                least = _SOFTNESS[step - 1][0] if step else -1.0
                notes = [n for n in sounding if n.stem == stem and least < n.velocity <= most]
                if notes:
                    d = "".join(self._stroke(n, line, place, bottom) for n in notes)
                    drawing.path(d, colour, class_=f"notes {stem}", stroke_width=_SEMITONE - 0.4, stroke_opacity=opaque)

    def _stroke(self, note: Note, line: Span, place: Place, bottom: float) -> str:
        left = place(max(note.tick, line.tick))
        if note.stem == "percussion":
            return f"M{left:.1f} {bottom + 3.0 + (round(note.pitch) * 5) % 11:.1f}h2.6"
        y = bottom - (note.pitch - self._low) * _SEMITONE
        return f"M{left:.1f} {y:.1f}h{max(place(min(note.tick + note.duration, line.end)) - left - 0.8, 1.2):.1f}"

    def _tension(self, drawing: Drawing, line: Span, place: Place, y: float) -> None:
        height = _TENSION - 8.0
        before = [t for t in self._plan.tensions if t[0] <= line.tick][-1:]
        held = before + [t for t in self._plan.tensions if line.tick < t[0] < line.end]
        points = [(place(max(tick, line.tick)), y + height * (1.0 - value)) for tick, value in held]
        left, right = place(line.tick), place(line.end)
        drawing.rect(left, y, right - left, height, "#faf5f3")
        if points:
            steps = curve(points, right)
            drawing.path(f"{steps}V{y + height:.1f}H{points[0][0]:.1f}Z", fill=TENSION, fill_opacity=0.14)
            drawing.path(steps, TENSION, class_="tension", stroke_width=1.4)
        drawing.text(_LEFT - 8.0, y + 16.0, "tension", 10, TENSION, text_anchor="end")


def _lines(plan: Outline, clock: Clock) -> Iterator[Span]:
    """Stretches of at most LINE_S: whole phrases as many as fit, longer ones cut at bar lines."""
    edges = sorted({0, plan.end, *(phrase.tick for phrase in plan.phrases)})
    bars = sorted({m.tick for m in plan.measures})
    cuts: list[int] = []
    for start, end in zip(edges, edges[1:], strict=False):
        cuts.append(start)
        while clock.seconds(end) - clock.seconds(start) > LINE_S:
            inside = bars[bisect_left(bars, start + 1) : bisect_left(bars, end)]
            fitting = [t for t in inside if clock.seconds(t) - clock.seconds(start) <= LINE_S]
            if not inside:
                break
            start = fitting[-1] if fitting else inside[0]
            cuts.append(start)
    cuts.append(plan.end)
    first = cuts[0]
    for cut, following in zip(cuts[1:], [*cuts[2:], None], strict=False):
        if following is None or clock.seconds(following) - clock.seconds(first) > LINE_S:
            yield Span(first, cut, "")
            first = cut
