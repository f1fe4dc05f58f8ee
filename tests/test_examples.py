"""Each example runs alone, from any folder, and does what its first line says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def run(name: str, folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_tried_and_listed():
    names = {path.name for path in EXAMPLES.glob("*.py")}
    here = Path(__file__).read_text()
    guide = (EXAMPLES / "README.md").read_text()
    assert names and all(f'run("{name}"' in here and f"`{name}`" in guide for name in names)


def test_the_first_lines_of_the_readme(tmp_path):
    code = (EXAMPLES.parent / "README.md").read_text().split("```python\n")[1].split("```")[0]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "no signal from heart or skin" in done.stdout, done.stderr


def test_files(tmp_path):
    assert "times faster than it plays" in run("01_render_to_files.py", tmp_path)
    folder = tmp_path / "example-session"
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "mix.flac",
        "stems",
        "score.mid",
        "score.pb",
        "controls.csv",
        "session.jsonl",
        "report.html",
        "person.html",
    }
    assert soundfile.info(folder / "mix.flac").duration == pytest.approx(180.0)


def test_own_callback(tmp_path):
    assert "20.0 s rendered" in run("02_own_audio_callback.py", tmp_path)
    audio, _ = soundfile.read(tmp_path / "example-callback.wav")
    assert len(audio) == pytest.approx(20 * 48_000, abs=4096) and np.sqrt(np.mean(audio**2)) > 0.01


def test_feeding(tmp_path):
    lines = run("03_feed_and_read.py", tmp_path).splitlines()
    assert "baseline" in lines[0] and any("heart rate" in line and "above your baseline" in line for line in lines)


def test_hands(tmp_path):
    told = run("04_hands.py", tmp_path)
    assert "taken by hand:         -1.50" in told and "stopped at" in told


def test_pyo(tmp_path):
    assert "played by TableRead" in run("05_pyo_player.py", tmp_path)
    audio, _ = soundfile.read(tmp_path / "example-pyo.wav")
    assert np.sqrt(np.mean(audio[-96_000:] ** 2)) > 0.001


def test_live_sensor(tmp_path):
    told = run("06_live_sensor.py", tmp_path)
    assert "hearing generic:phone" in told and "mended: nothing" in told
    assert "heart rate 7" in told or "heart rate 6" in told


def test_terms_and_plan(tmp_path):
    told = run("07_terms_and_plan.py", tmp_path)
    assert "percussion stays out of the way" in told and "starts at arousal +0.4" in told
    assert "refused: settle may make drowsy" in told and "refused: 'no penguins'" in told


def test_composing(tmp_path):
    told = run("08_compose.py", tmp_path)
    assert "4:0" in told and "of music" in told and "the melody's highest note" in told
    names = {path.name for path in (tmp_path / "example-composition").iterdir()}
    assert {"score.mid", "score.json", "roll.svg", "score.musicxml"} <= names


def test_guests(tmp_path):
    told = run("09_guest_composer.py", tmp_path)
    assert "wanders: plays" in told and "speaks_notesequence: plays" in told


def test_own_scale(tmp_path):
    told = run("10_own_scale.py", tmp_path).split()
    assert len(told) == 2 and all((tmp_path / path).stat().st_size > 100_000 for path in told)


def test_playing_along(tmp_path):
    told = run("11_play_along.py", tmp_path).splitlines()
    assert "the music goes to E: what is played is in E major" in told[0]
    assert "melody replies to 7 notes" in told[1] and told[-1] == "from D to E"


def test_palette(tmp_path):
    told = run("palette.py", tmp_path, "example-palette", "celesta", "stream").splitlines()
    assert told[0].startswith("celesta ") and "dBFS" in told[0] and "-40 dB in" in told[0]
    page = (tmp_path / "example-palette" / "index.html").read_text()
    assert page.count("<figure>") == 2 and page.count("data:image/png;base64,") == 2
    audio, _ = soundfile.read(tmp_path / "example-palette" / "stream.flac")
    assert len(audio) == 960_000 and np.sqrt(np.mean(audio**2)) > 0.01


def test_live(tmp_path):
    told = run("12_live.py", tmp_path)
    assert "OSC on 127.0.0.1" in told and "late blocks" in told
    assert float(told.split(" s played")[0].split()[-1]) >= 9.0


def test_a_service_and_its_client(tmp_path):
    told = run("13_serve_and_listen.py", tmp_path)
    assert "3.0 s heard" in told and "the session is finished" in told
