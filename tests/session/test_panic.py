"""Panic: all sound is gone within a quarter of a second, whatever plays and however it is asked for, and stays away."""

from __future__ import annotations

import numpy as np
import pytest

from synth import Session

GONE = 10.0 ** (-80.0 / 20.0)


def sounding(rate: int, preset: str = "settle", **options) -> Session:
    """A session that plays at full level, with a crescendo under way."""
    session = Session(preset, seed=2, minutes=2.0, sample_rate=rate, settings={"dynamics_db": -8.0}, **options)
    session.render(6 * rate)
    session.request("dynamics_db", 0.0)
    session.render(2 * rate)
    return session


@pytest.mark.parametrize("block", [1, 64, 100, 4096, 9000])
def test_all_sound_is_gone_in_a_quarter_of_a_second_from_any_block(block):
    rate = 22_050
    session = sounding(rate)
    session.render(37)  # so that part of a quantum waits to be handed out
    before = session.render(rate // 2)
    assert np.abs(before).max() > 0.01
    session.panic()
    after = np.concatenate([session.render(block) for _ in range(-(-rate // block))])
    assert np.abs(after[: rate // 20]).max() > 0.002, "a fade, not a cut"
    assert np.abs(after[rate // 4 :]).max() < GONE
    assert not session.render(5 * rate).any()


@pytest.mark.parametrize("preset", ["energise", "sleep"])
def test_no_click_in_the_fade_and_none_left_in_the_stems(preset):
    rate = 48_000
    session, without = (sounding(rate, preset, stems=True) for _ in range(2))
    session.panic()
    audio = session.render_audio(rate)
    heard = audio.mix[rate // 4 :]
    stems = sum(stem * audio.gain[:, None] for stem in audio.stems.values())
    assert np.abs(heard).max() < GONE and np.abs(stems[rate // 4 :]).max() < GONE
    assert max(np.abs(stem * audio.gain[:, None])[rate // 4 :].max() for stem in audio.stems.values()) < GONE
    assert np.abs(audio.premaster[rate // 4 :]).max() > 0.002, "the music itself goes on, unheard"
    t = np.arange(rate // 4)
    fade = audio.gain[: t.size].astype(np.float64) / without.render_audio(t.size).gain
    assert np.abs(fade - (0.5 + 0.5 * np.cos(np.pi * np.minimum(t / 11_968.0, 1.0)))).max() < 0.01
    assert np.abs(np.diff(fade)).max() < 5e-4


def test_nothing_brings_sound_back_but_resume():
    rate = 22_050
    session = sounding(rate)
    session.panic()
    session.render(rate)
    for verb in ("more", "advance", "ground", "pull_back", "hold"):
        session.verb(verb)
    for name, value in {"loudness_lufs": -23.0, "dynamics_db": 8.0, "level_pad_db": 6.0, "arousal": 1.0}.items():
        session.request(name, value)
    assert not session.render(20 * rate).any()
    session.engine.output_guard.resume()
    back = session.render(6 * rate)
    assert np.abs(back[: rate // 100]).max() < 1e-3 and np.abs(back).max() > 0.01


def test_a_panic_before_the_first_sound_is_a_session_of_silence():
    session = Session("focus", seed=1, minutes=0.3, sample_rate=22_050)
    session.panic()
    assert np.abs(session.render(10 * 22_050)).max() < GONE
