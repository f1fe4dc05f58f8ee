"""Renders a whole session into a folder: mix, stems, score, controls as heard, record and report."""

from __future__ import annotations

import importlib.util
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Unpack

from synth.engine import Block
from synth.output.audio_files import AudioFiles
from synth.output.compose import compose_score
from synth.output.controls_csv import ControlsCsv
from synth.output.folder import OutputError, audio_bytes, prepare_file, prepare_folder
from synth.output.spatial import CHANNELS, KINDS, TOLD, Follower, Spatial, places_of
from synth.preset import Preset, load_preset
from synth.record.keeping import Keeping
from synth.record.pages import write_pages
from synth.safety.dose import Dose
from synth.score.midi import write_midi
from synth.score.model import Score
from synth.session import Session, SessionError
from synth.session.guests import Guests, Motif, waited_for
from synth.session.terms import Asked
from synth.wearables.samples import Source

HAPTIC = "haptic"  # file of the haptic bus
Progress = Callable[[float, float], None]
_SCRIPT = Iterable[tuple[float, str, float]]


@dataclass(slots=True)
class Summary:
    """What a render made. `render_s` and `encode_s` are wall seconds; `silent` names stems that were not written;
    `dose` is the listener's, where there is a calibration."""

    folder: Path
    seconds: float = 0.0
    render_s: float = 0.0
    encode_s: float = 0.0
    files: list[Path] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    finished: bool = False
    dose: Dose | None = None


def render_session(
    preset: str | Path | Preset,
    out: str | Path,
    *,
    wearable: str | Path | Source | None = None,
    minutes: float | None = None,
    frames: int | None = None,
    seed: int = 0,
    stems: bool = True,
    mastered_stems: bool = False,
    spatial: str | None = None,
    format: str = "flac",
    sample_rate: int = 48_000,
    block: int = 4096,
    settings: Mapping[str, float] | None = None,
    script: _SCRIPT = (),
    progress: Progress = lambda done_s, total_s: None,
    overwrite: bool = False,
    repairs: Iterable[str] = (),
    keeping: Keeping | None = None,
    guests: Guests | None = None,
    **session_options: Any,
) -> Summary:
    """Render a session into the folder `out`; `block` frames at a time, all of it or its first `frames` (which one
    without an end needs). `keeping` says how its record is kept.
    `guests` are waited for. `spatial`, one of `synth.output.spatial.KINDS`, adds a file of that name beside the mix.

    On Ctrl-C or a full disk all files are closed, valid up to there, before the exception goes on. Raises OutputError,
    SessionError, PresetError, ControlError or RecordingError, each with what to do.
    """
    if block < 1:
        raise SessionError(f"block = {block}: give 1 frame or more")
    if spatial is not None and spatial not in KINDS:
        raise OutputError(f"spatial = {spatial!r}: one of {', '.join(KINDS)}")
    if spatial is not None and session_options.get("delivery"):
        raise OutputError("spatial sound is for any loudspeakers, delivery for one kind of them: leave one of them out")
    preset = preset if isinstance(preset, Preset) else load_preset(preset)
    minutes = preset.minutes if minutes is None else minutes
    if not math.isfinite(minutes) and frames is None:
        raise SessionError("a rendered session needs an end: give its minutes")
    most_s = minutes * 60 if frames is None else min(minutes * 60, frames / sample_rate)
    folder = Path(out)
    haptic = bool(session_options.get("haptic"))
    names: tuple[str, ...] = (
        *_file_names(preset, stems, mastered_stems),
        *((spatial,) if spatial else ()),
        *((HAPTIC,) if haptic else ()),
    )
    pairs = sum(CHANNELS.get(name, 2) // 2 for name in names)
    prepare_folder(folder, audio_bytes(most_s, sample_rate, pairs), overwrite=overwrite)
    summary = Summary(folder)
    keeping = keeping or Keeping()
    with keeping.writer(folder / "session.jsonl", overwrite) as record:
        session = Session(
            preset,
            seed=seed,
            sample_rate=sample_rate,
            minutes=minutes,
            recording=wearable,
            settings=settings,
            script=script,
            record=record.write,
            stems=stems or spatial is not None or haptic,
            guests=waited_for(guests),
            **session_options,
        )
        summary.dose = session.terms.dose
        for text in repairs:
            record.write({"type": "repair", "t_s": 0.0, "text": text})
        controls = ControlsCsv(folder / "controls.csv", sample_rate)
        follower = _follower(session, spatial) if spatial else None

        def on_block(b: Block) -> None:
            controls.add(b, session.phase)
            if follower:
                follower.add(b)

        session.on_block = on_block
        files = AudioFiles(
            folder, names, sample_rate, format, round(most_s * sample_rate), {**CHANNELS, HAPTIC: 1}, TOLD
        )
        try:
            with files:
                _write_audio(session, files, block, frames, mastered_stems, follower, progress, summary)
            summary.finished = True
        finally:
            session.close("finished" if summary.finished else "interrupted")
            controls.close()
            silent = files.remove_silent(("mix", "stems/premaster", *KINDS))
            summary.silent = [name.partition("/")[2] for name in silent]
            summary.encode_s = files.encode_s
            write_score(session.score, folder)
            write_pages(folder, key=keeping.key)
    summary.files = sorted(path for path in folder.rglob("*") if path.is_file())
    return summary


def compose_session(
    preset: str | Path | Preset,
    score_path: str | Path,
    *,
    minutes: float | None = None,
    seed: int = 0,
    settings: Mapping[str, float] | None = None,
    script: _SCRIPT = (),
    progress: Progress = lambda done_s, total_s: None,
    guests: Guests | None = None,
    tune: str | Path | Motif | None = None,
    **asked: Unpack[Asked],
) -> Score:
    """Write the score that a render with the same arguments would play, without making its audio."""
    path = Path(score_path)
    prepare_file(path, overwrite=True)
    score = compose_score(
        preset,
        minutes=minutes,
        seed=seed,
        settings=settings,
        script=script,
        progress=progress,
        guests=guests,
        tune=tune,
        **asked,
    )
    write_midi(score, path)
    return score


def write_score(score: Score, folder: Path) -> None:
    """score.mid, and score.pb where note-seq is installed."""
    write_midi(score, folder / "score.mid")
    if importlib.util.find_spec("note_seq"):
        from synth.score.notesequence import write_notesequence

        write_notesequence(score, folder / "score.pb")


def _file_names(preset: Preset, stems: bool, mastered: bool) -> tuple[str, ...]:
    if not stems:
        return ("mix",)
    stem_files = tuple(f"stems/{stem}" for stem in (*(s for s in preset.stems if s != "reverb"), "reverb"))
    return ("mix", *stem_files) if mastered else ("mix", "stems/premaster", *stem_files)


def _follower(session: Session, kind: str) -> Follower:
    """What makes spatial sound of the session's blocks, under the ceiling of its mix."""
    places = places_of(session.preset.stems, session.engine.stems)
    ceiling_dbtp = session.engine.guard.output_limits["true_peak_dbtp"]
    return Follower(Spatial(session.sample_rate, places, kind, ceiling_dbtp), session.latency_frames)


def _write_audio(
    session: Session,
    files: AudioFiles,
    block: int,
    most: int | None,
    mastered: bool,
    follower: Follower | None,
    progress: Progress,
    summary: Summary,
) -> None:
    """Render and write until the session ends; the master's look-ahead is cut off, so that files and score line up."""
    started = time.perf_counter()
    skip = session.latency_frames
    stems = session.engine.stems if "stems/reverb" in files.paths else ()
    more = bool(stems) or HAPTIC in files.paths
    end = math.inf if most is None else most
    while not session.finished and session.position < end:
        last = min(session.length_frames + session.latency_frames, end)
        frames = block if math.isinf(last) else min(block, int(last) - session.position)
        if more:
            audio = session.render_audio(frames)
            written = {"mix": audio.mix, **{f"stems/{name}": audio.stems[name] for name in stems}}
            if mastered:
                written = {n: a if n == "mix" else a * audio.gain[:, None] for n, a in written.items()}
            elif stems:
                written["stems/premaster"] = audio.premaster
        else:
            written = {"mix": session.render(frames)}
        for name, samples in written.items():
            files.write(name, samples[skip:])
        if HAPTIC in files.paths:
            files.write(HAPTIC, audio.haptic[skip:, None])
        if follower:
            files.write(follower.kind, follower.take(max(0, frames - skip)))
        skip = max(0, skip - frames)
        summary.seconds = session.time_s
        summary.render_s = time.perf_counter() - started - files.encode_s
        progress(session.time_s, min(session.length_frames, end) / session.sample_rate)
    if follower:
        files.write(follower.kind, follower.rest())
