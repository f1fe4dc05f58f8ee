"""What this project composes, as a page: a session without sound, its MIDI file, what was planned, and what it cost."""

from __future__ import annotations

import functools
import math
import tempfile
import time
from collections.abc import Callable, Container, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import isfunction, isgenerator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .page import Page, read_page

if TYPE_CHECKING:
    from synth.preset import Preset
    from synth.session.session import Session

RATE = 48_000
BLOCK_S = 1.0


class Section(NamedTuple):
    """From `start` to `end`, in beats, a scene of this archetype plays."""

    start: float
    end: float
    archetype: str


@dataclass
class Made:
    """A composed session: its page, planned tension from each beat on, scenes, CPU seconds of each call of the
    composer, and whether the planned tension is the score's own ("tension" markers)."""

    preset: str
    seed: int
    page: Page
    planned: dict[float, float]
    sections: list[Section]
    calls_s: list[float]
    marked: bool

    def planned_at(self, beat: float) -> float:
        """Planned tension at a beat."""
        before = [b for b in self.planned if b <= beat + 1e-6]
        return self.planned[max(before)] if before else math.nan

    @property
    def archetype(self) -> str:
        """The one that plays longest."""
        longest: dict[str, float] = {}
        for section in self.sections:
            longest[section.archetype] = longest.get(section.archetype, 0.0) + section.end - section.start
        return max(longest, key=lambda name: longest[name])

    def within(self, archetypes: Container[str]) -> list[tuple[float, float]]:
        """(start, end) of the stretches that scenes of these archetypes play without a break."""
        found: list[tuple[float, float]] = []
        for start, end, archetype in self.sections:
            if archetype not in archetypes:
                continue
            if found and found[-1][1] >= start - 1e-6:
                found[-1] = (found[-1][0], end)
            else:
                found.append((start, end))
        return found


def compose(preset: str | Preset, seed: int, minutes: float, **arguments: Any) -> Made:
    """A session of `preset` without sound, read back from the MIDI file it exports."""
    from synth.composer.composer import Composer
    from synth.score.midi import write_midi

    calls: list[float] = []
    asked: list[tuple[float, float]] = []
    with timed(Composer, calls):
        session = _session(preset, seed, minutes, audio=False, **arguments)
        while not session.finished:
            asked.append((session.time_s, session.controls["tonal_tension"]))
            left = int(session.length_frames) - session.position
            session.render(min(int(BLOCK_S * RATE), left) if left > 0 else int(BLOCK_S * RATE))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "score.mid"
        write_midi(session.score, path)
        page = read_page(path)
    sections = _sections(page, session.preset)
    page.tunes = [(section.start, tune_of(section.archetype)) for section in sections]
    marks = page.marked("tension")
    planned = {mark.beat: float(mark.text) for mark in marks} if marks else _planned(page, asked)
    return Made(session.preset.name, seed, page, planned, sections, calls, bool(marks))


def _session(preset: str | Preset, seed: int, minutes: float, **arguments: Any) -> Session:
    from synth.preset import load_preset
    from synth.session.session import Session

    read = load_preset(preset) if isinstance(preset, str) else preset
    return Session(read, seed=seed, minutes=minutes, supervised=read.supervision, **arguments)


def _sections(page: Page, preset: Preset) -> list[Section]:
    """The scenes as marked, each till the next; where none is marked, the preset's first throughout."""
    archetypes = {scene.name: scene.archetype for scene in preset.scenes}
    found = [(0.0, preset.scenes[0].archetype)]
    found += [(mark.beat, archetypes[mark.text]) for mark in page.marked("scene") if mark.text in archetypes]
    ends = [*(beat for beat, _ in found[1:]), page.end]
    return [Section(start, end, name) for (start, name), end in zip(found, ends, strict=True) if end > start]


def tune_of(archetype: str) -> str:
    """The stem that has the tune."""
    from synth.composer.styles import archetype as style

    parts = style(archetype).parts
    return next((stem for stem in ("melody", "bells") if parts.get(stem) == "tune"), "melody")


def _planned(page: Page, asked: list[tuple[float, float]]) -> dict[float, float]:
    """At each chord: the control `tonal_tension` as committed then, times the shape of a phrase in eight parts."""
    from synth.composer.priors import PHRASE_TENSION

    phrases = [mark.beat for mark in page.marked("phrase")]
    ends = [*phrases[1:], page.end]
    found = {}
    for mark in page.marked("chord"):
        which = max(sum(beat <= mark.beat + 1e-6 for beat in phrases) - 1, 0)
        place = (mark.beat + 1.0 - phrases[which]) / max(ends[which] - phrases[which], 1.0)
        shape = PHRASE_TENSION[min(max(int(8 * place), 0), 7)]
        at_s = page.seconds(mark.beat)
        control = asked[min(int(at_s / BLOCK_S), len(asked) - 1)][1]
        found[mark.beat] = control * shape
    return found


def _slices(given: Generator[Any, Any, Any], calls: list[float]) -> Generator[Any, Any, Any]:
    """The same generator, the CPU seconds of each of its steps put into `calls`."""
    while True:
        started = time.thread_time()
        try:
            step = next(given)
        except StopIteration as done:
            calls.append(time.thread_time() - started)
            return done.value
        calls.append(time.thread_time() - started)
        yield step


@contextmanager
def timed(kind: type, calls: list[float]) -> Iterator[None]:
    """Put the CPU seconds of every call from outside of a public method of `kind`, and of every slice, into `calls`."""
    inside = 0
    originals = {name: method for name, method in vars(kind).items() if not name.startswith("_") and isfunction(method)}

    def wrap(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def counted(*positional: Any, **named: Any) -> Any:
            nonlocal inside
            inside += 1
            started = time.thread_time()
            try:
                given = method(*positional, **named)
                return _slices(given, calls) if isgenerator(given) else given
            finally:
                inside -= 1
                if not inside:
                    calls.append(time.thread_time() - started)

        return counted

    for name, method in originals.items():
        setattr(kind, name, wrap(method))
    try:
        yield
    finally:
        for name, method in originals.items():
            setattr(kind, name, method)


def share_of_render(preset: str, seed: int, seconds: float = 40.0, opening_s: float = 20.0) -> float:
    """Share of the CPU time of a render with sound that goes to the composer, the opening and compiling left out."""
    from synth.composer.composer import Composer

    calls: list[float] = []
    with timed(Composer, calls):
        session = _session(preset, seed, 10.0)
        session.render(int(opening_s * RATE))
        calls.clear()
        started = time.process_time()
        session.render(int(seconds * RATE))
        spent = time.process_time() - started
    return sum(calls) / spent
