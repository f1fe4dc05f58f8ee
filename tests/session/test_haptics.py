"""The haptic bus of a session: only where the answers open it, beside the sum, in time, and gone with a panic."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from synth import Session
from synth.output.render import render_session
from synth.output.replay import replay_session
from synth.session import TermsError

RATE = 22_050
OPEN = {"none_of_these": True}


def session(**more) -> Session:
    return Session("settle", seed=2, minutes=1, sample_rate=RATE, stems=True, **more)


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ({}, "the safety questions"),
        ({"screening": {"implant": True, "pulse_sensitive": False, "pregnant": False}}, "the safety questions"),
        ({"screening": OPEN, "constraints": ["no haptic"]}, "no haptic"),
    ],
)
def test_it_needs_answers_that_open_it(terms, why):
    with pytest.raises(TermsError, match=f"haptic is felt, which is closed by {why}"):
        session(haptic=True, **terms)


def test_it_is_beside_the_sum_and_changes_nothing_in_it():
    plain, felt = session(screening=OPEN), session(screening=OPEN, haptic=True)
    a, b = plain.render_audio(20 * RATE), felt.render_audio(20 * RATE)
    assert np.array_equal(a.mix, b.mix) and not a.haptic.any()
    assert 0.01 < np.abs(b.haptic).max() <= 10 ** (-12 / 20)
    spectrum = np.abs(np.fft.rfft(b.haptic)) ** 2
    hz = np.fft.rfftfreq(b.haptic.size, 1 / RATE)
    assert spectrum[(hz > 30) & (hz < 120)].sum() > 0.999 * spectrum.sum()


def test_a_panic_silences_it_with_the_mix():
    felt = session(screening=OPEN, haptic=True)
    felt.render_audio(20 * RATE)
    felt.panic()
    gone = felt.render_audio(RATE)
    assert not np.abs(gone.haptic[RATE // 2 :]).max() > 1e-6
    assert np.abs(gone.mix[RATE // 2 :]).max() < 1e-6


def test_it_is_a_file_of_its_own_and_replays(tmp_path):
    render_session(
        "settle", tmp_path / "a", minutes=0.5, seed=2, sample_rate=RATE, screening=OPEN, haptic=True, stems=False
    )
    replay_session(tmp_path / "a", tmp_path / "b")
    first, rate = soundfile.read(tmp_path / "a" / "haptic.flac")
    again, _ = soundfile.read(tmp_path / "b" / "haptic.flac")
    assert first.ndim == 1 and rate == RATE and len(first) == pytest.approx(30 * RATE, abs=64)
    assert np.abs(first).max() > 0.01 and np.array_equal(first, again)
