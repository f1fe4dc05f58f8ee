"""What this project composes, as a page: a session without sound, its MIDI file, what was planned, and what it cost."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .page import Page, read_page

RATE = 48_000
BLOCK_S = 1.0


@dataclass
class Made:
    """A composed session: its page, planned tension from each beat on, seconds of each call of the composer."""

    preset: str
    seed: int
    page: Page
    planned: dict[float, float]
    calls_s: list[float] = field(default_factory=list)
    marked: bool = False  # planned tension is the score's own

    def planned_at(self, beat: float) -> float:
        """Planned tension at a beat."""
        before = [b for b in self.planned if b <= beat + 1e-6]
        return self.planned[max(before)] if before else math.nan


def compose(preset: str, seed: int, minutes: float, **arguments: Any) -> Made:
    """A session of `preset` without sound, read back from the MIDI file it exports."""
    from synth.composer.composer import Composer
    from synth.score.midi import write_midi
    from synth.session.session import Session

    calls: list[float] = []
    restore = _timed(Composer, calls)
    try:
        session = Session(preset, seed=seed, minutes=minutes, audio=False, **arguments)
        asked: list[tuple[float, float]] = []
        while not session.finished:
            asked.append((session.time_s, session.controls["tonal_tension"]))
            left = int(session.length_frames) - session.position
            session.render(min(int(BLOCK_S * RATE), left) if left > 0 else int(BLOCK_S * RATE))
    finally:
        restore()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "score.mid"
        write_midi(session.score, path)
        page = read_page(path, tune_of(session.preset.style.archetype))
    marks = page.marked("tension")
    if marks:
        planned = {mark.beat: float(mark.text) for mark in marks}
    else:
        planned = _planned(page, asked)
    return Made(preset, seed, page, planned, calls, bool(marks))


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


def _timed(composer: type, calls: list[float]) -> Callable[[], None]:
    """Time every public call of the class from outside it; returns what undoes this."""
    inside = 0
    originals = {
        name: method for name, method in vars(composer).items() if not name.startswith("_") and callable(method)
    }

    def wrap(method: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*positional: Any, **named: Any) -> Any:
            nonlocal inside
            inside += 1
            started = time.perf_counter()
            try:
                return method(*positional, **named)
            finally:
                inside -= 1
                if not inside:
                    calls.append(time.perf_counter() - started)

        return timed

    for name, method in originals.items():
        setattr(composer, name, wrap(method))

    def restore() -> None:
        for name, method in originals.items():
            setattr(composer, name, method)

    return restore
