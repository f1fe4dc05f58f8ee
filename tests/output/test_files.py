"""What is written, and what happens when it cannot be: nothing is lost, the message says what to do."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from synth.output.audio_files import AudioFiles
from synth.output.folder import OutputError, audio_bytes, prepare_folder
from synth.output.render import compose_session, render_session
from synth.score.midi import read_midi


@pytest.mark.parametrize("format", ["flac", "wav"])
def test_audio_survives_the_file_to_24_bits(tmp_path, format):
    audio = np.random.default_rng(0).uniform(-0.9, 0.9, (5000, 2)).astype(np.float32)
    with AudioFiles(tmp_path, ("mix", "stems/pad"), 44_100, format, 5000) as files:
        files.write("mix", audio[:1234])
        files.write("mix", audio[1234:])
        files.write("stems/pad", np.zeros((10, 2), np.float32))
    back, rate = soundfile.read(tmp_path / f"mix.{format}", dtype="float64")
    assert rate == 44_100 and np.abs(back - audio).max() <= 2.0**-23
    assert files.remove_silent(("mix",)) == ["stems/pad"]
    assert not (tmp_path / f"stems/pad.{format}").exists()


def test_a_folder_is_checked_before_anything_sounds(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file"):
        prepare_folder(tmp_path / "file", 0, overwrite=False)
    with pytest.raises(OutputError, match="another folder"):
        prepare_folder(Path("/proc/nowhere"), 0, overwrite=False)
    with pytest.raises(OutputError, match="MB may be needed"):
        prepare_folder(tmp_path / "new", 10**18, overwrite=False)
    (tmp_path / "session.jsonl").touch()
    with pytest.raises(OutputError, match="--overwrite"):
        prepare_folder(tmp_path, 0, overwrite=False)
    prepare_folder(tmp_path, audio_bytes(1, 48_000, 1), overwrite=True)


def test_a_full_disk_keeps_what_was_written(tmp_path):
    """A limit on the size of a file stands in for the disk: writes fail with an error in the middle of the render."""
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({600_000}, resource.RLIM_INFINITY));"
        "from synth import render_session, OutputError\n"
        "try: render_session('settle', {!r}, minutes=1, stems=False)\n"
        "except OutputError as error: print(error)"
    ).format(str(tmp_path / "out"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert "disk full" in done.stdout, done.stderr
    audio, _ = soundfile.read(tmp_path / "out" / "mix.flac")
    assert len(audio) > 48_000 and np.isfinite(audio).all()
    assert '"type":"end"' in (tmp_path / "out" / "session.jsonl").read_text().splitlines()[-1]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_ctrl_c_leaves_valid_files(tmp_path):
    code = f"from synth import render_session; render_session('settle', {str(tmp_path / 'out')!r}, minutes=30)"
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has its background jobs ignore it
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    mix = tmp_path / "out" / "mix.flac"
    try:
        for _ in range(600):
            if mix.exists() and mix.stat().st_size > 300_000:
                break
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            break
        process.send_signal(signal.SIGINT)
        process.wait(60)
    finally:
        process.kill()
        assert process.stderr is not None
        process.stderr.close()
    lengths = {len(soundfile.read(path)[0]) for path in (tmp_path / "out").rglob("*.flac")}
    assert max(lengths) > 48_000 and max(lengths) - min(lengths) <= 4096
    assert "interrupted" in (tmp_path / "out" / "session.jsonl").read_text().splitlines()[-1]
    assert read_midi(tmp_path / "out" / "score.mid").notes


def test_compose_writes_the_score_that_render_plays(tmp_path):
    options = {"minutes": 0.5, "seed": 3, "script": [(5.0, "tempo_bpm", 80.0)]}
    compose_session("settle", tmp_path / "score.mid", **options)
    render_session("settle", tmp_path / "out", stems=False, **options)
    assert (tmp_path / "score.mid").read_bytes() == (tmp_path / "out" / "score.mid").read_bytes()
    with pytest.raises(OutputError, match="not a folder"):
        compose_session("settle", tmp_path / "nowhere" / "score.mid", minutes=0.2)
