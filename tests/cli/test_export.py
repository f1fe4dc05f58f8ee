"""`synth export`: a session becomes a project, and what stands in the way is said."""

from __future__ import annotations

import csv
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from synth.cli.export import FORMATS
from synth.output.export.export import FORMATS as WRITTEN
from synth.record import RecordWriter
from synth.score.midi import write_midi
from synth.score.model import KeyChange, Marker, Metre, Note, Score, Tempo


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """A second of two stems."""
    folder = tmp_path / "session"
    (folder / "stems").mkdir(parents=True)
    for name in ("stems/pad", "stems/bass", "stems/premaster", "mix"):
        audio = np.random.default_rng(0).uniform(-0.1, 0.1, (48_000, 2))
        soundfile.write(folder / f"{name}.flac", audio, 48_000, "PCM_24")
    score = Score(
        ("pad",), [Note("pad", 0, 960, 60.0, 0.5)], [Tempo(0, 1_000_000)], [KeyChange(0, 0, 1)], [Metre(0, 4)]
    )
    score.markers, score.end_tick = [Marker(0, "phase", "baseline")], 960
    write_midi(score, folder / "score.mid")
    with (folder / "controls.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["t_s", "space"], ["0.0", "0.5"]])
    record = RecordWriter(folder / "session.jsonl")
    preset = {"name": "settle", "title": "Settle"}
    start = {"engine_version": "0.1.0", "preset": preset, "seed": 1, "sample_rate": 48_000, "minutes": 0.1}
    record.write({"type": "session", **start})
    record.write({"type": "end", "frames": 48_000, "reason": "finished"})
    record.close()
    return folder


def test_the_command_offers_what_can_be_written() -> None:
    assert set(FORMATS) == set(WRITTEN)


@pytest.mark.parametrize(
    ("format", "where", "first"),
    [
        ("dawproject", "session.dawproject", "session.dawproject"),
        ("reaper", "session-reaper", "session-reaper/settle-1.rpp"),
        ("ardour", "session-ardour", "session-ardour/settle-1.ardour"),
        ("wav", "session-wav", "session-wav/pad.wav"),
        ("midi", "session.mid", "session.mid"),
    ],
)
def test_a_project_stands_beside_its_session(run: Callable, session: Path, format: str, where: str, first: str) -> None:
    before = sorted(session.rglob("*"))
    result = run("export", session, "--to", format)
    assert result.code == 0 and result.err == ""
    assert (session.parent / first).is_file() and str(session.parent / first) in result.out
    assert sorted(session.rglob("*")) == before
    assert ("2 stems that sum to the premaster" in result.out) == (format != "midi")
    refused = run("export", session, "--to", format)
    assert refused.code == 2 and where in refused.err and "--overwrite" in refused.err and refused.out == ""
    assert run("export", session, "--to", format, "--overwrite").code == 0


def test_another_place_can_be_given(run: Callable, session: Path, tmp_path: Path) -> None:
    assert run("export", session, "--to", "dawproject", "--out", tmp_path / "mine.dawproject").code == 0
    assert zipfile.is_zipfile(tmp_path / "mine.dawproject")
    result = run("export", session, "--to", "wav", "--out", session)
    assert result.code == 2 and "holds a session" in result.err and "--out" in result.err
    result = run("export", session, "--to", "midi", "--out", tmp_path / "nowhere" / "x.mid")
    assert result.code == 2 and "nowhere" in result.err


def test_what_cannot_be_exported_is_said(run: Callable, session: Path, tmp_path: Path) -> None:
    def refused(*words: str) -> None:
        result = run("export", session, "--to", "reaper")
        assert result.code == 2 and result.out == "" and "Traceback" not in result.err
        assert all(word in result.err for word in words), result.err
        assert not (tmp_path / "session-reaper").exists()

    pad = session / "stems" / "pad.flac"
    soundfile.write(pad, np.zeros((100, 2)), 44_100, "PCM_24")
    refused("pad.flac", "44100 Hz", "48000 Hz")
    pad.write_bytes(pad.read_bytes()[:60])
    refused("pad.flac")
    (session / "score.mid").unlink()
    pad.unlink()
    refused("score.mid", "synth replay")
    for path in (session / "stems").iterdir():
        path.unlink()
    (session / "mix.flac").unlink()
    refused("no stems", "synth play", f"synth replay {session} --out NEW")
    (session / "session.jsonl").unlink()
    refused("session.jsonl", "synth render")
    assert run("export", session, "--to", "logic").code == 2


def test_a_remark_does_not_stop_it(run: Callable, session: Path) -> None:
    (session / "controls.csv").unlink()
    result = run("export", session, "--to", "wav")
    assert result.code == 0 and "no controls.csv" in result.err


def test_a_full_disk_leaves_no_half_file(session: Path, tmp_path: Path) -> None:
    """A limit on the size of a file stands in for the disk."""
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY));"
        "from synth.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    for format, out in (("wav", "session-wav"), ("dawproject", "session.dawproject")):
        command = [sys.executable, "-c", code, "export", str(session), "--to", format]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 2 and "disk full" in done.stderr and "Traceback" not in done.stderr
        place = tmp_path / out
        assert not place.is_file() and not [*tmp_path.glob("*.part")] and not [*place.glob("*")]
