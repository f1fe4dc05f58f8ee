"""A session for a device: stems still sum, loudness and true peak hold, the record knows, and a replay repeats it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from synth.dsp.loudness import integrated_lufs, true_peak_dbtp
from synth.mix.delivery import PROFILES
from synth.output.render import render_session
from synth.output.replay import replay_session
from synth.record.reader import read_record
from synth.safety.constraints import ConstraintError
from synth.session import Session, TermsError

RATE = 22_050
CLEAR = {"none_of_these": True, "age": 40}


class Heard(NamedTuple):
    """What a session gave, (2, frames), with the largest magnitude by which stems miss their sums."""

    mix: np.ndarray
    mastered_miss: float
    premaster_miss: float


def heard(delivery: str | None) -> Heard:
    session = Session(
        "settle", seed=2, minutes=0.9, sample_rate=RATE, stems=True, delivery=delivery, screening=CLEAR, steer=False
    )
    mixes, misses = [], np.zeros(2)
    while not session.finished:
        audio = session.render_audio(4096)
        total = sum(audio.stems[name].astype(np.float64) for name in audio.stems)
        mastered = total * audio.gain[:, None] - audio.mix
        misses = np.maximum(misses, [np.abs(mastered).max(), np.abs(total - audio.premaster).max()])
        mixes.append(audio.mix)
    return Heard(np.concatenate(mixes).T, *misses)


@pytest.fixture(scope="module")
def plain() -> Heard:
    return heard(None)


@pytest.mark.parametrize("name", PROFILES)
def test_stems_sum_and_the_plan_holds_for_what_is_delivered(name, plain):
    made = heard(name)
    assert made.mastered_miss < 1e-5 and made.premaster_miss < 1e-6  # -100 and -120 dBFS
    after = slice(10 * RATE, 45 * RATE)
    assert integrated_lufs(made.mix[:, after], RATE) == pytest.approx(
        integrated_lufs(plain.mix[:, after], RATE), abs=1.0
    )
    assert true_peak_dbtp(made.mix) <= -3.0
    assert np.abs(made.mix - plain.mix).max() > 0.003
    assert (PROFILES[name].width == 0.0) == bool(np.array_equal(made.mix[0], made.mix[1]))


def test_the_record_knows_and_a_replay_repeats_it(tmp_path, sessions):
    first = sessions.render(tmp_path / "a", minutes=0.3, stems=False, wearable=None, delivery="hearing_aid")
    header = read_record(first.folder).header
    assert header["delivery"] == "hearing_aid"
    assert header["constraints"] == ["dynamic_range_lu at most 4"]
    replay_session(first.folder, tmp_path / "b", stems=False)
    assert read_record(tmp_path / "b").header["delivery"] == "hearing_aid"
    assert np.array_equal(first.audio("mix"), sessions.load(tmp_path / "b").audio("mix"))
    render_session("settle", tmp_path / "c", minutes=0.3, seed=11, stems=False, script=())
    assert read_record(tmp_path / "c").header["delivery"] is None
    assert not np.array_equal(first.audio("mix"), sessions.load(tmp_path / "c").audio("mix"))


def test_a_hearing_aid_is_never_asked_for_more_than_its_range():
    session = Session("breathe", minutes=1.0, audio=False, delivery="hearing_aid")
    assert session.controls["dynamic_range_lu"] == 4.0
    session.request("dynamic_range_lu", 9.0)
    session.render(session.sample_rate * 20)
    assert session.controls["dynamic_range_lu"] <= 4.0
    with pytest.raises(ConstraintError, match="dynamic_range_lu"):
        Session("breathe", delivery="hearing_aid", constraints=["dynamic_range_lu at least 6"])


def test_what_shakes_needs_answers():
    with pytest.raises(TermsError, match="safety questions"):
        Session("settle", delivery="tactile", audio=False)
    with pytest.raises(TermsError, match="safety questions"):
        Session("settle", delivery="tactile", audio=False, screening={"implant": True, "age": 40})
    assert Session("settle", delivery="tactile", audio=False, screening=CLEAR).terms.delivery == "tactile"


def test_an_unknown_device_is_told():
    with pytest.raises(TermsError, match="headphones, phone, smart_speaker"):
        Session("settle", delivery="gramophone")
