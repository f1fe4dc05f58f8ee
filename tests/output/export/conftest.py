"""Sessions to export: one made by hand, of which everything is known, and one that was rendered."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from synth.controls import CONTROLS, TABLE
from synth.output.export.project import Project, read_project
from synth.output.render import render_session
from synth.record import RecordWriter
from synth.score.midi import write_midi
from synth.score.model import KeyChange, Marker, Metre, Note, Score, Slide, Tempo

BEAT = 960
FRAMES = 48_000 * 6 + 7  # not a whole number of anything


def made_score() -> Score:
    """Six seconds: a bar of four beats of a second, then bars of three in 0.4 s each; a quarter tone, a slide."""
    score = Score(("pad", "bass", "percussion"))
    score.tempos = [Tempo(0, 1_000_000), Tempo(4 * BEAT, 400_000)]
    score.metres = [Metre(0, 4), Metre(4 * BEAT, 3)]
    score.keys = [KeyChange(0, 2, 3), KeyChange(4 * BEAT, 9, 4)]
    score.markers = [
        Marker(0, "phase", "baseline"),
        Marker(0, "phrase", "phrase 1 A"),
        Marker(0, "chord", "Dm"),
        Marker(BEAT, "scene", "hymn"),
        Marker(4 * BEAT, "phase", 'the "lead"'),
        Marker(4 * BEAT, "phrase", "phrase 2 B'"),
    ]
    score.notes = [
        Note("bass", 0, 4 * BEAT, 38.0, 0.5),
        Note("pad", 0, 2 * BEAT, 60.5, 0.5),
        Note("pad", 0, 2 * BEAT, 64.0, 0.4),
        Note("percussion", 3 * BEAT, BEAT // 2, 60.0, 0.9),
        Note("pad", 4 * BEAT, 3 * BEAT, 57.0, 0.3, (Slide(BEAT, 58.5, BEAT),)),
    ]
    score.end_tick = 10 * BEAT
    return score


def made_audio(frames: int = FRAMES) -> dict[str, np.ndarray]:
    """Stems in steps of 24 bits that sum to the premaster exactly, as integers; the mix is half of it."""
    rng = np.random.default_rng(1)
    stems = {name: rng.integers(-(2**20), 2**20, (frames, 2)) for name in ("pad", "bass", "reverb")}
    premaster = sum(stems.values())
    return {
        **{f"stems/{name}": audio for name, audio in stems.items()},
        "stems/premaster": premaster,
        "mix": premaster // 2,
    }


def write_controls(path: Path, seconds: float) -> None:
    """controls.csv in which brightness rises, the level of the pad falls in one step and the tempo is the score's."""
    values = {control.name: control.default for control in CONTROLS}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["t_s", *values, "planned_offset_lu", "target_lufs", "phase"])
        for row in range(int(seconds * 10)):
            values["brightness_oct"] = -2.0 + 3.5 * row / (seconds * 10)
            values["level_pad_db"] = 0.0 if row < 30 else -6.0
            values["tempo_bpm"] = 60.0 if row < 40 else 140.0
            texts = [TABLE[name].text(value) for name, value in values.items()]
            writer.writerow([f"{row / 10:.1f}", *texts, "0.000", "-26.000", "baseline"])


def write_session(
    folder: Path,
    *,
    sample_rate: int = 48_000,
    format: str = "wav",
    mastered: bool = False,
    frames: int = FRAMES,
    end: str | None = "finished",
) -> Path:
    """A folder as `synth render` writes it."""
    (folder / "stems").mkdir(parents=True)
    for name, audio in made_audio(frames).items():
        if not (mastered and name == "stems/premaster"):
            path = folder / f"{name}.{format}"
            soundfile.write(path, (audio << 8).astype(np.int32), sample_rate, "PCM_24", format=format.upper())
    write_midi(made_score(), folder / "score.mid")
    write_controls(folder / "controls.csv", frames / sample_rate)
    record = RecordWriter(folder / "session.jsonl", header={"started": "2026-03-04T15:06:07+01:00"})
    preset = {"name": "my preset", "title": "Mine & Yours <3"}
    start = {"engine_version": "0.1.0", "preset": preset, "seed": 7, "sample_rate": sample_rate, "minutes": 0.1}
    record.write({"type": "session", **start})
    record.write({"type": "marker", "t_s": 4.4, "text": "she\x00\n hums"})
    if end:
        record.write({"type": "end", "frames": frames, "reason": end})
    record.close()
    return folder


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Path]:
    """Writes the session made by hand, in ways of one's choice; its folder."""
    return lambda name="made", **how: write_session(tmp_path / name, **how)


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The session made by hand."""
    return write_session(tmp_path_factory.mktemp("made") / "session")


@pytest.fixture
def project(session: Path) -> Project:
    """It as it is handed over."""
    return read_project(session)


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a minute of `settle` that changes its tempo, its key and the level of its pad."""
    folder = tmp_path_factory.mktemp("rendered") / "settle"
    script = [(3.0, "level_pad_db", -6.0), (4.0, "tempo_bpm", 76.0), (6.0, "key", 7.0)]
    render_session("settle", folder, minutes=0.5, seed=2, script=script, format="flac")
    return folder
