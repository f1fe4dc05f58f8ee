"""A musical silence, heard: nothing at all sounds, and then the music is back as if it had never gone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyloudnorm
import pytest
from scipy import signal

from synth.preset import Cue, load_preset
from synth.session import Audio, Session
from synth.session.thinking import DECIDED_S

RATE = 22_050
BEGINS_S, LASTS_S, FADE_S = 34.0, 14.0, 4.0
SECONDS = 75


def played(cues: tuple[Cue, ...] = (), **controls: float) -> tuple[Audio, Session, list[dict]]:
    settle = load_preset("settle")
    settle = replace(settle, controls={**settle.controls, **controls})
    first = replace(settle.phases[0], cues=cues)
    lines: list[dict] = []
    preset = replace(settle, phases=(first, *settle.phases[1:]))
    session = Session(preset, seed=7, sample_rate=RATE, stems=True, record=lines.append)
    return session.render_audio(SECONDS * RATE), session, lines


@pytest.fixture(scope="module")
def silent():
    return played((Cue("silence", BEGINS_S / 60.0, LASTS_S),))


@pytest.fixture(scope="module")
def plain():
    return played()


def between(audio: np.ndarray, start_s: float, end_s: float) -> np.ndarray:
    return audio[round(start_s * RATE) : round(end_s * RATE)].astype(np.float64)


def loudness(audio: Audio, start_s: float, end_s: float) -> float:
    return pyloudnorm.Meter(RATE).integrated_loudness(between(audio.mix, start_s, end_s))


def momentary(mix: np.ndarray) -> np.ndarray:
    """Loudness of 400 ms every 100 ms, ungated (BS.1770), silence at -100."""
    meter = pyloudnorm.Meter(RATE)
    x = mix.astype(np.float64)
    for stage in meter._filters.values():
        x = signal.lfilter(stage.b, stage.a, x, axis=0)
    power = np.add.reduceat((x**2).sum(axis=1), np.arange(0, len(x), RATE // 10)) / (RATE // 10)
    return -0.691 + 10.0 * np.log10(np.convolve(power, np.full(4, 0.25), "valid") + 1e-10)


def test_it_is_silent_to_the_last_bit_and_for_its_time(silent, plain):
    quiet_from, quiet_to = BEGINS_S + FADE_S + 0.1, BEGINS_S + LASTS_S - 0.1
    assert not between(silent[0].mix, quiet_from, quiet_to).any()
    assert np.abs(between(plain[0].mix, quiet_from, quiet_to)).max() > 0.01
    heard = np.abs(silent[0].mix).max(axis=1) > 0.0
    zeros = np.flatnonzero(~heard[round(BEGINS_S * RATE) :]) / RATE + BEGINS_S
    assert zeros[0] == pytest.approx(BEGINS_S + FADE_S, abs=0.2)
    assert zeros[-1] == pytest.approx(BEGINS_S + LASTS_S, abs=0.2)


def test_it_goes_and_comes_without_a_step(silent, plain):
    """A raised cosine down, and back up behind the rule that a rise must keep."""
    gain = silent[0].gain.astype(np.float64) / np.maximum(plain[0].gain, 1e-3)
    for begins_s in (BEGINS_S, BEGINS_S + LASTS_S):
        moving = between(gain, begins_s - 1.0, begins_s + FADE_S + 8.0)
        assert np.abs(np.diff(moving)).max() < 0.003
    going = [gain[round((BEGINS_S + DECIDED_S + share * FADE_S) * RATE)] for share in (0.0, 0.25, 0.5, 0.75)]
    assert going == pytest.approx([1.0, 0.854, 0.5, 0.146], abs=0.02)


def test_it_comes_back_within_the_rise_rule(silent):
    levels = momentary(silent[0].mix)
    back = levels[round(10 * (BEGINS_S + LASTS_S - 1.0)) : round(10 * (BEGINS_S + LASTS_S + 12.0))]
    audible = np.maximum(back, -63.0)
    assert (audible[10:] - audible[:-10]).max() <= 40.0 / 3.0 + 6.0, "never faster than out of silence at a start"
    near = back[10:][back[:-10] > -50.0] - back[:-10][back[:-10] > -50.0]
    assert near.max() <= 6.0, "and once it is there by 6 LU a second"
    interventions = silent[1].engine.output_guard.interventions
    assert interventions["peak"] == interventions["not_a_number"] == 0


def test_nothing_pumps_up_during_or_after_it(silent, plain):
    """Ten seconds after its end the loudness is that of the same music without it, and within 1 LU of before."""
    after = BEGINS_S + LASTS_S + 10.0
    assert loudness(silent[0], after, after + 10.0) == pytest.approx(loudness(plain[0], after, after + 10.0), abs=0.1)
    planned = loudness(plain[0], after, after + 10.0) - loudness(plain[0], BEGINS_S - 10.0, BEGINS_S)
    heard = loudness(silent[0], after, after + 10.0) - loudness(silent[0], BEGINS_S - 10.0, BEGINS_S)
    assert heard == pytest.approx(planned, abs=0.1) and abs(heard) < 1.0
    ratio = silent[0].gain[round(after * RATE) :] / plain[0].gain[round(after * RATE) :]
    assert np.abs(20.0 * np.log10(ratio)).max() < 0.1
    peak = silent[0].gain[round((BEGINS_S + LASTS_S) * RATE) :].max()
    assert peak <= plain[0].gain[round((BEGINS_S + LASTS_S) * RATE) :].max() * 1.02


def test_the_notes_go_on_underneath(silent, plain):
    assert silent[1].score.notes == plain[1].score.notes
    np.testing.assert_array_equal(silent[0].stems["pad"], plain[0].stems["pad"])


def test_mastered_stems_still_sum_to_the_mix(silent):
    audio = silent[0]
    total = sum(stem.astype(np.float64) for stem in audio.stems.values())
    assert 20.0 * np.log10(np.abs(total * audio.gain[:, None] - audio.mix).max() + 1e-12) < -120.0
    assert 20.0 * np.log10(np.abs(total - audio.premaster).max() + 1e-12) < -120.0


def test_the_record_tells_of_it(silent):
    cues = [(line["t_s"], line["kind"], line["text"]) for line in silent[2] if line["type"] == "cue"]
    assert cues == [
        (BEGINS_S, "silence", f"a silence for {LASTS_S:g} s, as planned"),
        (BEGINS_S + LASTS_S, "silence", "a silence ends"),
    ]
    moves = [line for line in silent[2] if line["type"] == "commit" and line["control"] == "rest"]
    assert [(line["t_s"], line["new"], line["by"]) for line in moves] == [
        (pytest.approx(BEGINS_S + DECIDED_S, abs=0.01), 1.0, "plan"),
        (pytest.approx(BEGINS_S + LASTS_S + DECIDED_S, abs=0.01), 0.0, "plan"),
    ]
    assert not [line for line in silent[2] if line["type"] == "safety"], "the output guard had nothing to do"


def test_stems_come_in_and_go_out():
    """The pad goes from 24 s to 54 s, the sea is there from 12 s to 60 s; both fade over five seconds and more."""
    cues = (Cue("stem_out", 0.4, 30.0, stem="pad"), Cue("stem_in", 0.2, 48.0, stem="nature"))
    audio, _, _ = played(cues, level_nature_db=-60.0)
    pad, nature, bass = (audio.stems[name] for name in ("pad", "nature", "bass"))
    assert not between(pad, 30.0, 54.0).any() and not between(nature, 0.0, 12.0).any()
    assert between(pad, 25.0, 28.0).any(), "it fades"
    assert np.abs(between(pad, 66.0, 75.0)).max() > 1e-3 and np.abs(between(bass, 30.0, 54.0)).max() > 1e-3
    assert not between(nature, 66.0, 75.0).any(), "and is taken back"
    early, late = (np.sqrt(np.mean(between(nature, t, t + 4.0) ** 2)) for t in (14.0, 40.0))
    assert late > 1e-3 and 20.0 * np.log10(late / early) == pytest.approx(45.0, abs=12.0)
