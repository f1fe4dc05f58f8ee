"""The benchmark of the map: what it reads of music whose cues are known, its verdicts, and a glance at real music."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pretty_midi
import pytest

from synth.preset import load_preset
from synth.steering.mapping import CueMap

Program = Callable[[str], ModuleType]
RATE = 48_000
# pyloudnorm and partitura load code that warns of its own age.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


@pytest.fixture
def features(program: Program) -> ModuleType:
    return program("music_features")


@pytest.fixture
def bench(program: Program) -> ModuleType:
    return program("music_map")


def midi(path: Path, pitches: tuple[int, ...], length_s: float = 0.25, key: int = 2, together: bool = False) -> Path:
    """A melody of eighths at 120 a minute, 8 s long, over and over the `pitches` (or all at once), in D."""
    score = pretty_midi.PrettyMIDI(initial_tempo=120.0)
    score.key_signature_changes.append(pretty_midi.KeySignature(key, 0.0))
    melody = pretty_midi.Instrument(0, name="melody")
    for i in range(32):
        for pitch in pitches if together else (pitches[i % len(pitches)],):
            melody.notes.append(pretty_midi.Note(80, pitch, 0.25 * i, 0.25 * i + length_s))
    score.instruments.append(melody)
    score.write(str(path))
    return path


def test_it_reads_tempo_density_register_and_articulation(features: ModuleType, tmp_path: Path) -> None:
    written = features.Written(midi(tmp_path / "a.mid", (62, 66), 0.2), 2.0, 6.0)
    cues = written.cues()
    assert cues["tempo_bpm"] == pytest.approx(120.0, rel=1e-3)
    assert cues["density_hz"] == pytest.approx(4.0, abs=0.3)
    assert cues["melody_note"] == pytest.approx(64.0, abs=0.3)
    assert cues["articulation"] == pytest.approx(0.8, abs=0.02)
    assert cues["percussion_share"] == 0.0 and math.isnan(cues["bells_note"])
    assert written.onsets_s("melody")[:3] == pytest.approx([0.0, 0.25, 0.5], abs=0.01)


@pytest.mark.parametrize(
    ("semitones", "bright"),
    [((0, 4, 6, 9, 11), 3.0), ((0, 2, 3, 5, 7, 9, 10), 0.0), ((0, 1, 3, 8), -2.0), ((0, 7), 0.5)],
)
def test_it_tells_bright_modes_from_dark_ones(features, tmp_path, semitones, bright) -> None:
    """By the tones alone, above the tonic; what could be any mode counts as their mean."""
    path = midi(tmp_path / "a.mid", tuple(62 + s for s in semitones))
    assert features.Written(path, 0.0, 8.0).cues()["mode_brightness"] == bright


def test_a_cluster_is_more_dissonant_than_a_triad(features: ModuleType, tmp_path: Path) -> None:
    triad, cluster = (
        features.Written(midi(tmp_path / f"{chord[1]}.mid", chord, together=True), 0.0, 8.0).dissonance()
        for chord in ((62, 66, 69), (62, 63, 68))
    )
    assert cluster > triad + 0.1


@pytest.mark.parametrize("ramp_ms", [50.0, 200.0, 800.0])
def test_attacks_are_read_from_10_to_90_percent(features: ModuleType, ramp_ms: float) -> None:
    t = np.arange(2 * RATE) / RATE
    tone = np.sin(2 * np.pi * 880.0 * t) * np.clip(1000.0 * t / ramp_ms, 0.0, 1.0) * np.clip((1.8 - t) * 10.0, 0.0, 1.0)
    stem = np.tile(np.column_stack([tone, tone]).astype(np.float32), (5, 1))
    read_ms = 2.0 ** features.attack_oct(stem, [2.0 * i for i in range(5)])
    assert read_ms == pytest.approx(0.8 * ramp_ms, abs=20.0)


def test_louder_and_brighter_sound_is_read_as_such(features: ModuleType) -> None:
    t = np.arange(4 * RATE) / RATE
    low, high = (np.column_stack([np.sin(2 * np.pi * f * t)] * 2).astype(np.float32) for f in (1000.0, 4000.0))
    cues = features.sound_cues(0.1 * low)
    assert cues["loudness_lufs"] == pytest.approx(-20.0, abs=0.3) and abs(cues["centroid_oct"]) < 0.02
    assert features.sound_cues(0.2 * low)["loudness_lufs"] == pytest.approx(cues["loudness_lufs"] + 6.02, abs=0.05)
    assert features.sound_cues(0.1 * high)["centroid_oct"] == pytest.approx(2.0, abs=0.02)


def rows(noise: float, seeds: range) -> list[dict[str, float]]:
    """Made-up readings: two cues that add up to valence, and one that cannot be read where arousal is low."""
    rng = np.random.default_rng(4)
    found = []
    for seed in seeds:
        for arousal in np.linspace(-1, 1, 5):
            for valence in np.linspace(-1, 1, 5):
                mode, melody = rng.normal(0, noise, 2) + (3.0 * valence, 66.0 + 8.0 * valence)
                found.append({"seed": seed, "asked arousal": arousal, "asked valence": valence})
                found[-1] |= {"mode": mode, "melody": melody if arousal > -0.9 else math.nan}
    return found


def test_a_proxy_explains_what_the_cues_carry_and_nothing_else(bench: ModuleType) -> None:
    clear, none = rows(0.1, range(4)), rows(100.0, range(4))
    names = ("mode", "melody")
    assert bench.Proxy(clear[:50], names, "valence").r2(clear[50:]) > 0.97
    assert bench.Proxy(none[:50], names, "valence").r2(none[50:]) < 0.2
    assert bench.Proxy(clear[:50], names, "arousal").r2(clear[50:]) < 0.2


def test_proxies_are_judged_on_unseen_seeds_alone(bench: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "READ", {"valence": ("mode", "melody")})
    told = [row | {"mode": -row["mode"], "melody": 66.0} if row["seed"] > 1 else row for row in rows(0.1, range(5))]
    mean, low, high = bench.explained(told, range(2))["valence"]
    assert mean < 0.0 and low <= mean <= high, "what was learnt does not hold for the others"


def test_verdicts(bench: ModuleType) -> None:
    rising = np.array([[1.0, 2.0, 3.1], [1.2, 1.8, 2.9]])
    assert bench.verdict(rising, 1, 0.1, True)["holds"] is True
    assert bench.verdict(rising, -1, 0.1, True)["holds"] is False
    assert bench.verdict(rising, 1, 0.1, False)["holds"] is None
    dip = np.array([[1.0, 0.5, 3.0]])
    assert bench.verdict(dip, 1, 0.1, True)["holds"] is False and bench.verdict(dip, 1, 0.6, True)["holds"] is True
    unread = np.array([[np.nan, 1.0, 2.0]])
    assert bench.verdict(unread, 1, 0.1, True)["holds"] is True


def test_it_finds_a_map_that_turns_round(bench: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    preset, right = load_preset("settle"), CueMap.wanted
    assert bench.asked_wrongly(preset, 5) == []
    monkeypatch.setattr(
        CueMap, "wanted", lambda self, a, v, t: right(self, a, v, t) | {"density_hz": 2.0 - 0.1 * v * a}
    )
    wrong = bench.asked_wrongly(preset, 5)
    assert wrong and all(text.startswith("density_hz") for text in wrong)


def test_it_names_arrows_that_nothing_expresses(bench: ModuleType) -> None:
    preset = load_preset("settle")
    assert bench.silent_arrows(preset) == []
    ranges = {name: span for name, span in preset.ranges.items() if name not in ("mode", "register_note")}
    assert bench.silent_arrows(replace(preset, ranges=ranges)) == ["valence"]


def test_real_music_follows_arousal_and_valence(bench: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    preset = load_preset("self-directed")
    start = bench.starting(preset)
    calm, lively = (bench.cues(preset, 7, start | {"arousal": a}, listen_s=20.0) for a in (-0.5, 0.5))
    for cue, least in (("loudness_lufs", 5.0), ("tempo_bpm", 20.0), ("density_hz", 0.5)):
        assert lively[cue] - calm[cue] > least, cue
    monkeypatch.setattr(bench, "SCORE_S", 60.0)
    found = bench.sweep(preset, "valence", [7], 2)
    assert found["mode_brightness"]["holds"] and found["melody_note"]["holds"]
