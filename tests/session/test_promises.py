"""The card's three promises, commanded against measured: tempo and key, dynamic range, loudness."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import mido
import numpy as np
import pyloudnorm
import pytest

from synth.controls import KEYS
from synth.score.midi import read_midi
from synth.score.model import TICKS_PER_BEAT

PRESETS = ("settle", "sleep", "focus", "energise")


def ebur128(path: Path, peak: bool = True) -> dict[str, float]:
    """ffmpeg's EBU R 128 summary: I (LUFS), LRA (LU) and, where it is wanted, as it costs most, Peak (dBTP)."""
    command = [
        "ffmpeg",
        "-nostats",
        "-hide_banner",
        "-i",
        str(path),
        "-filter_complex",
        f"ebur128=peak={'true' if peak else 'none'}",
        "-f",
        "null",
        "-",
    ]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stderr.rpartition("Summary:")[2]
    names = ("I", "LRA", "Peak") if peak else ("I", "LRA")
    return {k: float(re.search(rf"\b{k}:\s+(-?[\d.]+)", text)[1]) for k in names}


def planned_lufs(rendered, start_s: float, end_s: float) -> float:
    """Mean power of the planned loudness, as integrated loudness would see it."""
    target = np.array([float(r["target_lufs"]) for r in rendered.controls if start_s <= float(r["t_s"]) < end_s])
    return 10 * np.log10(np.mean(10 ** (target / 10)))


@pytest.fixture(scope="module", params=PRESETS)
def five_minutes(request, tmp_path_factory, sessions):
    folder = tmp_path_factory.mktemp(request.param)
    return sessions.render(folder, preset=request.param, minutes=5.0, seed=21, script=[], stems=False)


def test_loudness_holds_over_any_minute(five_minutes):
    mix = five_minutes.audio("mix")
    meter = pyloudnorm.Meter(48_000)
    errors = []
    for start in range(0, 231, 15):
        measured = meter.integrated_loudness(mix[start * 48_000 : (start + 60) * 48_000])
        errors.append(measured - planned_lufs(five_minutes, start, start + 60))
    assert np.abs(errors).max() < 1.0, errors


def test_peaks_dc_and_numbers(five_minutes):
    mix = five_minutes.audio("mix")
    assert np.isfinite(mix).all()
    assert ebur128(five_minutes.folder / "mix.flac")["Peak"] <= -3.0
    assert 20 * np.log10(np.abs(mix.mean(axis=0)).max() + 1e-12) < -60.0


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("range_lu", [3.0, 6.0, 10.0])
def test_dynamic_range_is_true(preset, range_lu, tmp_path, sessions):
    asked = {"settings": {"dynamic_range_lu": range_lu}, "script": [], "wearable": None}
    made = sessions.render(tmp_path, preset=preset, minutes=5.0, seed=5, sample_rate=22_050, stems=False, **asked)
    assert ebur128(made.folder / "mix.flac", peak=False)["LRA"] == pytest.approx(range_lu, abs=1.0)


def test_tempo_and_key_of_the_score_are_those_of_the_controls(rendered):
    score = read_midi(rendered.folder / "score.mid")
    starts, us, tick, current = [], 0, 0, score.tempos[0]
    tempos = {t.tick: t for t in score.tempos}
    keys = {k.tick: k for k in score.keys}
    key = score.keys[0]
    while tick < score.end_tick:
        current, key = tempos.get(tick, current), keys.get(tick, key)
        starts.append((us / 1e6, current.bpm, KEYS[key.key]))
        us += current.us_per_beat
        tick += TICKS_PER_BEAT
    times = np.array([s[0] for s in starts])
    heard_keys = set()
    for row in rendered.controls:
        t = float(row["t_s"])
        place = int(np.searchsorted(times, t, side="right")) - 1
        near_edge = np.abs(times - t).min() < 0.0015
        if near_edge:
            continue
        assert float(row["tempo_bpm"]) == pytest.approx(starts[place][1], abs=2e-4)
        assert row["key"] == starts[place][2]
        heard_keys.add(row["key"])
    assert len(heard_keys) >= 2


def test_the_midi_file_has_a_track_for_each_stem_with_markers(rendered):
    midi = mido.MidiFile(rendered.folder / "score.mid")
    names = {track.name for track in midi.tracks}
    assert {"pad", "bass", "melody", "bells", "percussion", "nature"} <= names
    markers = [m.text for track in midi.tracks for m in track if m.type == "marker"]
    assert any("phrase" in m for m in markers) and any("baseline" in m for m in markers)
