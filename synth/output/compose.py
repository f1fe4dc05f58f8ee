"""Composes a session without its sound, and writes what was composed: MIDI, JSON, NoteSequence, pictures, engraving."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Unpack

from synth.controls import KEYS
from synth.output.folder import OutputError
from synth.preset import Preset, load_preset
from synth.score.clock import Clock
from synth.score.midi import write_midi
from synth.score.model import Score
from synth.score.outline import family_of, outline
from synth.score.plain import write_json
from synth.session import Session, SessionError
from synth.session.guests import Guests, Motif, waited_for
from synth.session.terms import Asked

KINDS = ("midi", "json", "notesequence", "roll", "musicxml", "engrave")  # what can be written
MOST_BARS = 100_000
_RING_OUT_S = 9.5  # of the last chord
_SHORTEST_MIN = 0.1
_TRIES = 24
_MAP_S = 300.0  # a roll longer than this comes with a map

Progress = Callable[[float, float], None]


def compose_score(
    preset: str | Path | Preset,
    *,
    minutes: float | None = None,
    bars: int | None = None,
    seed: int = 0,
    settings: Mapping[str, float] | None = None,
    script: Iterable[tuple[float, str, float]] = (),
    progress: Progress = lambda done_s, total_s: None,
    guests: Guests | None = None,
    tune: str | Path | Motif | None = None,
    **asked: Unpack[Asked],
) -> Score:
    """The score that a render with the same arguments would play, without making its audio.

    `bars` in place of `minutes`: as long as makes so many bars up to the last chord, or as near to it as the music
    comes. `guests` are waited for. Raises SessionError, PresetError or ControlError with what to do.
    """
    preset = preset if isinstance(preset, Preset) else load_preset(preset)
    script = list(script)

    def composed(length: float | None) -> Score:
        session = Session(
            preset,
            seed=seed,
            minutes=length,
            settings=settings,
            script=script,
            audio=False,
            guests=waited_for(guests),
            tune=tune,
            **asked,
        )
        if math.isinf(session.length_frames):
            raise SessionError("a composed session needs an end: give its minutes")
        while not session.finished:
            session.render(min(48_000, int(session.length_frames) - round(session.time_s * session.sample_rate)))
            progress(session.time_s, session.length_frames / session.sample_rate)
        session.close()
        return session.score

    if bars is None:
        return composed(minutes)
    if minutes is not None:
        raise SessionError("a length in bars and one in minutes: give one of the two")
    if not 1 <= bars <= MOST_BARS:
        raise SessionError(f"{bars} bars: give 1 to {MOST_BARS}")
    tempo_bpm = (settings or {}).get("tempo_bpm", preset.controls["tempo_bpm"])
    return _of_bars(bars, 60.0 * preset.scenes[0].metre / tempo_bpm, composed)


def bars_of(score: Score) -> int:
    """How many bars there are up to the last chord's."""
    plan = outline(score)
    return sum(measure.tick <= plan.last for measure in plan.measures)


def write_composition(
    score: Score, folder: Path, kinds: Collection[str] = ("midi", "json"), title: str = "", subtitle: str = ""
) -> list[Path]:
    """Write `score` into `folder` in each of `kinds` (KINDS); the files.

    Raises EngraveError or ImportError where a kind needs an extra that is not installed (`check_kinds` says so before).
    """
    files: list[Path] = []
    if "midi" in kinds:
        files.append(folder / "score.mid")
        write_midi(score, files[-1])
    if "json" in kinds:
        files.append(folder / "score.json")
        write_json(score, files[-1], title)
    if "notesequence" in kinds:
        from synth.score.notesequence import write_notesequence

        files.append(folder / "score.pb")
        write_notesequence(score, files[-1])
    if "roll" in kinds:
        from synth.output.pictures.overview import write_overview
        from synth.output.pictures.roll import write_roll

        files += write_roll(score, folder, title)
        if Clock(score).seconds(score.end_tick) > _MAP_S:
            files.append(write_overview(score, folder / "map.svg", title))
    if "musicxml" in kinds or "engrave" in kinds:
        from synth.output.notation.musicxml import write_musicxml

        files.append(folder / "score.musicxml")
        document = write_musicxml(score, files[-1], title, subtitle)
        if "engrave" in kinds:
            from synth.output.notation.engrave import write_pages

            files += write_pages(document, folder)
    return files


def check_kinds(kinds: Collection[str]) -> None:
    """Say before anything is composed what is missing for it. Raises OutputError or EngraveError."""
    if not kinds:
        raise OutputError(
            "nothing is to be written: choose at least one of " + ", ".join(f"--{kind}" for kind in KINDS)
        )
    if "notesequence" in kinds:
        from importlib.util import find_spec

        if find_spec("note_seq") is None:
            raise OutputError('score.pb needs note-seq: pip install "isotone[magenta]"')
    if "engrave" in kinds:
        from synth.output.notation.engrave import check_installed

        check_installed()


def summary_of(score: Score) -> list[str]:
    """What was composed, in a few lines: length, form, keys, and how dense each stem is."""
    plan, clock = outline(score), Clock(score)
    seconds = clock.seconds(plan.end)
    minutes, rest = divmod(round(seconds), 60)
    per_minute = 60.0 / max(seconds, 1.0)
    families = {family_of(phrase.text) for phrase in plan.phrases}
    cadences = Counter(cadence.text for cadence in plan.cadences)
    keys = list(dict.fromkeys(f"{KEYS[k.key]} {score.scales[k.mode].replace('_', ' ')}" for _, _, k in plan.keys))
    stems = Counter(note.stem for note in score.notes)
    lines = [
        f"{minutes}:{rest:02d} of music: {bars_of(score)} bars, {_many(len(plan.phrases), 'phrase')} "
        f"of {_many(len(families), 'idea')}",
        f"cadences: {_counted(cadences)}",
        f"keys: {', '.join(keys[:8])}{', ...' if len(keys) > 8 else ''}",
        f"notes: {len(score.notes)}, {len(score.notes) * per_minute:.0f} a minute "
        f"({', '.join(f'{stem} {stems[stem] * per_minute:.0f}' for stem in score.stems if stems[stem])})",
    ]
    if plan.recalls:
        lines.append(f"recalled: {_many(len(plan.recalls), 'idea')} of minutes before")
    return lines


def _of_bars(bars: int, bar_s: float, composed: Callable[[float], Score]) -> Score:
    """The score with `bars` bars, or nearest to them, found by composing lengths about the likely one."""
    length = max(((bars - 1) * bar_s + _RING_OUT_S) / 60.0, _SHORTEST_MIN)
    best: tuple[int, Score] | None = None
    tried: set[float] = set()
    for attempt in range(_TRIES):
        length = max(round(length, 4), _SHORTEST_MIN)
        if length in tried:
            length += (attempt + 1) * (-1) ** attempt * 0.21 * bar_s / 60.0
            length = max(round(length, 4), _SHORTEST_MIN + 0.001 * attempt)
        tried.add(length)
        score = composed(length)
        missing = bars - bars_of(score)
        if best is None or abs(missing) < best[0]:
            best = abs(missing), score
        if missing == 0:
            break
        length += missing * bar_s / 60.0
    assert best is not None
    return best[1]


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _counted(things: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in things.most_common()) or "none"
