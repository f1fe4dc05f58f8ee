"""How a session begins, ends and moves: fade in, cadence, no step anywhere, whatever is asked of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synth import Session, SessionError, load_preset
from synth.controls import CONTROLS

SECOND = 48_000


def everything(session: Session, block: int = 4800) -> np.ndarray:
    blocks = []
    while not session.finished:
        blocks.append(session.render(block))
    return np.concatenate(blocks)


@pytest.mark.parametrize("preset", ["settle", "sleep", "focus", "energise"])
@pytest.mark.parametrize("minutes", [0.3, 1.0])
def test_it_fades_in_ends_on_a_cadence_and_falls_silent(preset, minutes):
    session = Session(preset, seed=8, minutes=minutes)
    audio = everything(session)
    level = np.sqrt(np.mean(audio[: 3 * SECOND].reshape(6, -1) ** 2, axis=1))
    assert np.abs(audio[:64]).max() < 1e-3 and level[0] < 0.2 * level[-1]
    last = int(minutes * 60 * SECOND)
    assert np.abs(audio[last - 480 :]).max() < 1e-3
    score = session.score
    cadences = [m for m in score.markers if m.kind == "cadence"]
    assert cadences and any(m.kind == "end" for m in score.markers)
    final_key = score.keys[-1].key
    last_bass = max((n for n in score.notes if n.stem == "bass"), key=lambda n: n.tick)
    assert round(last_bass.pitch) % 12 == final_key


def clicks(audio: np.ndarray) -> float:
    """Largest energy above 14 kHz in 2 ms, in dB: a step in the waveform shows there."""
    from scipy.signal import butter, sosfilt

    high = sosfilt(butter(8, 14_000, "high", fs=SECOND, output="sos"), audio, axis=0)
    n = len(high) // 96 * 96
    return 10 * np.log10(np.max(np.mean(high[:n].reshape(-1, 96, 2) ** 2, axis=(1, 2))) + 1e-15)


@pytest.mark.parametrize("preset", ["settle", "focus"])
def test_no_request_makes_a_step(preset):
    calm = everything(Session(preset, seed=3, minutes=1.0))
    rng = np.random.default_rng(0)
    names = [c for c in CONTROLS if c.name not in ("percussiveness", "level_percussion_db")]
    script = [
        (t, c.name, float(rng.uniform(c.low, c.high))) for t in np.arange(4, 55, 0.5) for c in [rng.choice(names)]
    ]
    script = [(t, n, round(v) if n in ("key", "mode") else v) for t, n, v in script]
    wild = everything(Session(preset, seed=3, minutes=1.0, script=script))
    assert np.isfinite(wild).all() and np.abs(wild).max() < 10 ** (-3 / 20)
    assert clicks(wild) < max(clicks(calm) + 12.0, -60.0)


@pytest.mark.parametrize(("profile", "peak_dbtp"), [("default", -3.0), ("sensitive", -9.0)])
def test_the_gain_never_steps_and_peaks_stay_under_the_profiles_ceiling(profile, peak_dbtp):
    preset = replace(load_preset("energise"), profile=profile)
    session = Session(preset, seed=3, minutes=1.5, stems=True)
    audio = session.render_audio(90 * SECOND)
    moves_db = 20.0 * np.abs(np.diff(np.log10(audio.gain[SECOND : 80 * SECOND].astype(np.float64))))
    assert moves_db.max() <= 0.15
    assert 20.0 * np.log10(np.abs(audio.mix).max()) <= peak_dbtp


@pytest.mark.parametrize("preset", ["settle", "sleep", "focus", "energise"])
def test_the_output_guard_has_next_to_nothing_to_do(preset):
    session = Session(preset, seed=2, minutes=1.5)
    session.render(5 * SECOND)
    before = session.engine.output_guard.interventions
    session.render(85 * SECOND)
    after = session.engine.output_guard.interventions
    touched = sum(after.values()) - sum(before.values())
    assert after["peak"] == after["not_a_number"] == 0 and touched * 64 / SECOND < 0.25


def test_stop_and_panic():
    session = Session("settle", seed=1, minutes=10)
    session.render(10 * SECOND)
    session.panic()
    after = session.render(SECOND)
    assert np.abs(after[int(0.3 * SECOND) :]).max() < 1e-4
    session = Session("settle", seed=1, minutes=10)
    session.render(10 * SECOND)
    session.stop()
    everything(session)
    assert session.time_s == pytest.approx(15.0, abs=0.3)


@pytest.mark.parametrize("sample_rate", [44_100, 48_000, 96_000])
def test_sample_rates_play_the_same_notes(sample_rate):
    session = Session("settle", seed=6, minutes=0.5, sample_rate=sample_rate)
    audio = everything(session, sample_rate)
    reference = Session("settle", seed=6, minutes=0.5, audio=False)
    everything(reference)
    assert [(n.stem, n.pitch) for n in session.score.notes] == [(n.stem, n.pitch) for n in reference.score.notes]
    assert len(audio) >= 30 * sample_rate and np.isfinite(audio).all() and np.abs(audio).max() > 0.01


def test_impossible_sessions_are_refused():
    for options in ({"sample_rate": 8000}, {"minutes": 0.0}):
        with pytest.raises(SessionError):
            Session("settle", **options)
