"""Simulated bodies agree with what is published of resting hearts, paced breath and skin, and can be split in time.

That a wave of loudness at three quarters of the own breathing rate slows breath most follows from what is assumed of
the coupling; the test of it guards the code, it is no evidence.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synth.simulate.body import STEPS, Body, Signals, response
from synth.simulate.felt import Felt
from synth.simulate.people import Floats, People, draw_people

MANY = 150


def rested(people: People) -> People:
    return replace(people, start=people.trait)


def at_rest(people: People, seconds: int = 300, music: float = 0.0, sound: float = 0.0) -> Signals:
    return Body(people, seconds).live(Felt(people, seconds).hear(np.full((seconds, 1), music), sound), sound)


def bpm(signals: Signals, n: int, begin_s: float, end_s: float) -> Floats:
    """Mean heart rate of each person between two times."""
    means = []
    for i in range(n):
        t, rr = signals.beats(i)
        means.append(60000.0 / rr[(t > begin_s) & (t <= end_s)].mean())
    return np.array(means)


def test_resting_hearts_are_as_uneven_as_published() -> None:
    """Nunan, Sandercock & Brodie 2010: SDNN 50 ± 16 ms, RMSSD 42 ± 15 ms over short recordings at rest."""
    people = rested(draw_people(3, MANY))
    signals = at_rest(people)
    intervals = [signals.beats(i)[1] for i in range(MANY)]
    heart = np.array([60000.0 / rr.mean() for rr in intervals])
    sdnn = np.array([rr.std() for rr in intervals])
    rmssd = np.array([np.sqrt(np.mean(np.diff(rr) ** 2)) for rr in intervals])
    assert (heart.mean(), heart.std()) == (pytest.approx(70.0, abs=2.5), pytest.approx(9.2, abs=1.5))
    assert (sdnn.mean(), sdnn.std()) == (pytest.approx(47.0, abs=5.0), pytest.approx(14.0, abs=3.0))
    assert (rmssd.mean(), rmssd.std()) == (pytest.approx(42.0, abs=5.0), pytest.approx(11.0, abs=3.0))


def test_the_heart_swings_most_with_about_six_breaths_a_minute() -> None:
    """Resonance of the baroreflex (Lehrer, Vaschillo & Vaschillo 2000)."""
    people = replace(draw_people(3, 60), breath_follows=np.zeros(60))
    swings = {}
    for rate in (4.5, 6.0, 8.0, 15.0):
        paced = replace(people, breath_bpm=np.full(60, rate))
        signals = Body(paced, 240).live(np.zeros((240, 60)), 0.0)
        swings[rate] = np.mean([_swing(*signals.beats(i), 60.0 / rate) for i in range(60)])
    assert max(swings, key=lambda rate: swings[rate]) == 6.0
    assert swings[6.0] == pytest.approx(19.3, abs=4.0)
    assert swings[15.0] == pytest.approx(6.3, abs=2.0)


def _swing(t: Floats, rr: Floats, period_s: float) -> float:
    """Mean of highest less lowest heart rate over whole breaths."""
    which = (t // period_s).astype(int)
    return float(np.mean([np.ptp(60000.0 / rr[which == k]) for k in range(5, int(t[-1] // period_s))]))


def test_heart_rate_rises_when_any_music_begins_and_follows_arousal_later() -> None:
    """It rises with music of any kind, calm music too (Koelsch & Jäncke 2015), and never follows a beat."""
    people = rested(draw_people(3, MANY))
    quiet = at_rest(people)
    rise = {}
    for music in (-0.6, 0.6):
        heard = at_rest(people, music=music, sound=1.0)
        for begin, end in ((10.0, 30.0), (240.0, 300.0)):
            rise[music, begin] = (bpm(heard, MANY, begin, end) - bpm(quiet, MANY, begin, end)).mean()
    assert rise[-0.6, 10.0] > 0.2 and rise[0.6, 10.0] > 0.8
    assert rise[-0.6, 240.0] < rise[-0.6, 10.0]
    assert rise[0.6, 240.0] > 2.0


def test_breath_follows_a_wave_near_its_own_rate_best() -> None:
    people = rested(draw_people(3, MANY))
    slowed = {}
    for name, wave in (("none", None), ("0.75", 0.75), ("0.9", 0.9), ("six", 6.0 / people.breath_bpm)):
        body = Body(people, 240)
        rate = people.breath_bpm * (8.0 if wave is None else wave)
        signals = body.live(np.zeros((240, MANY)), 1.0, rate[None, :], 0.0 if wave is None else 8.0)
        last = signals.breath[120:].reshape(-1, MANY)
        rises = (last[:-1] <= 0.0) & (last[1:] > 0.0)
        slowed[name] = rises.sum(axis=0).mean() / 2.0
    assert slowed["none"] == pytest.approx(people.breath_bpm.mean(), abs=0.5)
    assert slowed["0.75"] - slowed["none"] == pytest.approx(-0.9, abs=0.3)
    assert slowed["0.75"] < slowed["0.9"] < slowed["none"]
    assert slowed["0.75"] < slowed["six"] < slowed["none"]


def test_a_skin_response_has_its_published_shape() -> None:
    shape = response()
    assert shape.max() == 1.0
    assert np.argmax(shape) / 4.0 == pytest.approx(4.0, abs=0.5)  # the sudomotor peak at 3.07 s, and its decay
    late = shape[120] / shape[80]  # 30 s against 20 s: the slow constant alone
    assert late == pytest.approx(np.exp(-0.0708 * 10.0), rel=0.02)


def test_skin_answers_arousal_and_sudden_sounds() -> None:
    people = draw_people(3, 60)
    calm, tense = (Body(people, 300).live(np.full((300, 60), a)) for a in (-0.5, 0.5))
    assert tense.eda[150:].mean() - calm.eda[150:].mean() > 0.8
    jump = np.zeros((300, 1))
    jump[200] = 10.0
    startled = Body(people, 300).live(np.full((300, 60), -0.5), startle_db=jump)
    answer = (startled.eda - calm.eda).reshape(-1, 60)
    assert not answer[: 200 * 4].any()
    assert answer[200 * 4 : 210 * 4].max(axis=0).mean() == pytest.approx(0.24, abs=0.06)


def test_skin_rises_faster_than_it_falls() -> None:
    people = replace(draw_people(3, 1), scr_per_min=np.zeros(1), start=np.zeros(1))
    felt = np.concatenate([np.full((100, 1), 0.5), np.full((200, 1), 0.0)])
    level = Body(people, 300).live(felt).eda[:, 0, 0]
    span = 0.5 * people.scl_answer_us[0]
    assert level[9] - people.scl_us[0] == pytest.approx(span * (1 - np.exp(-1)), rel=0.02)
    assert level[99 + 60] - people.scl_us[0] == pytest.approx(span * np.exp(-1), rel=0.02)


def test_beats_are_their_intervals_apart() -> None:
    t, rr = at_rest(draw_people(3, 1)).beats()
    assert np.diff(t) * 1000.0 == pytest.approx(rr[1:], abs=1e-6)
    assert 0.0 <= t[0] and t[-1] < 300.0


def test_a_body_in_pieces_is_the_same_as_in_one() -> None:
    people = draw_people(2, 4)
    felt = Felt(people, 120).hear(np.full((120, 1), 0.3))
    whole = Body(people, 120).live(felt, 1.0, 10.0, 3.0)
    body = Body(people, 120)
    pieces = [body.live(felt[t : t + 1], 1.0, 10.0, 3.0) for t in range(120)]
    alone = Body(people.among([2]), 120).live(felt[:, 2:3], 1.0, 10.0, 3.0)
    for name in ("beat_s", "beat_ms", "breath", "eda"):
        one = getattr(whole, name)
        assert np.array_equal(np.concatenate([getattr(piece, name) for piece in pieces]), one), name
        assert np.array_equal(getattr(alone, name)[..., 0], one[..., 2]), name
    assert whole.breath.shape == (120, STEPS, 4)


def test_bodies_stay_whole_at_the_ends_of_arousal() -> None:
    people = draw_people(8, 50)
    for a in (-1.0, 1.0):
        signals = Body(people, 120).live(np.full((120, 50), a), 1.0, 4.5, 8.0, np.full((120, 1), 12.0))
        assert np.isfinite(signals.eda).all() and (signals.eda >= 0.2).all()
        for i in range(50):
            rr = signals.beats(i)[1]
            assert rr.size > 60 and 290.0 < rr.min() and rr.max() <= 2000.0


def test_asking_for_more_than_was_made_is_told() -> None:
    with pytest.raises(ValueError, match="11 s were asked for, 10 are left"):
        Body(draw_people(1, 2), 10).live(np.zeros((11, 2)))
