"""Samples on their way into a session: as session time, by a device's own clock, from live packets, with a context."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synth.estimator.context import Context, Earlier
from synth.session import Session
from synth.wearables.packet import Packet
from synth.wearables.samples import Samples

SECONDS = 100
RATE = 22_050


def played(feed: Any, **options: Any) -> tuple[Session, list[dict[str, Any]]]:
    """A session of heart rate fed by `feed(session, second, bpm)` each second, without audio; and its record."""
    lines: list[dict[str, Any]] = []
    session = Session("settle", seed=1, minutes=5, sample_rate=RATE, audio=False, record=lines.append, **options)
    for second in range(SECONDS):
        feed(session, second, 80.0 + second % 3)
        session.render(RATE)
    session.close()
    return session, lines


def heard(lines: list[dict[str, Any]]) -> np.ndarray:
    return np.array([t for line in lines if line["type"] == "samples" for t in line["t_s"]])


def test_a_devices_own_clock_comes_to_session_time() -> None:
    def feed(session: Session, second: int, bpm: float) -> None:
        restarted = 7e8 if second < 60 else 0.0
        session.feed("hr", bpm, restarted + 1.0005 * second, device="strap")

    session, lines = played(feed)
    np.testing.assert_allclose(heard(lines), np.arange(SECONDS), atol=0.06)
    assert session.state.hr_bpm == pytest.approx(81.0, abs=1.0)
    repairs = [line["text"] for line in lines if line["type"] == "repair"]
    assert "strap: 1 leaps of the sensor's clock; time goes on from there" in repairs


def test_live_packets_are_heard_and_recorded() -> None:
    def feed(session: Session, second: int, bpm: float) -> None:
        now = session.time_s
        session.hear(Packet("watch", now, (Samples.of("hr", 1e6 + second, bpm), Samples.of("eda", 1e6 + second, 2.0))))

    session, lines = played(feed)
    assert session.state.hr_bpm == pytest.approx(81.0, abs=1.0)
    assert {line["channel"] for line in lines if line["type"] == "samples"} == {"hr", "eda"}


def test_earlier_sessions_move_the_estimate_a_little_and_are_in_the_record() -> None:
    def feed(session: Session, second: int, bpm: float) -> None:
        session.feed("hr", bpm)

    plain, _ = played(feed)
    context = Context(tuple(Earlier(66.0 + i % 2) for i in range(12)), 9.0)
    known, lines = played(feed, context=context)
    assert known.state.arousal > plain.state.arousal + 0.03
    header = next(line for line in lines if line["type"] == "session")
    assert header["context"]["hour"] == 9.0 and len(header["context"]["earlier"]) == 12
    again, _ = played(feed, context=header["context"])
    assert again.state == known.state
    assert any("above your earlier sessions" in reason for reason in known.state.reasons)


def test_nothing_is_guessed_of_valence_and_what_is_told_shows() -> None:
    def quiet(session: Session, second: int, bpm: float) -> None:
        session.feed("hr", bpm)

    def telling(session: Session, second: int, bpm: float) -> None:
        session.feed("hr", bpm)
        if second == 90:
            session.feed("self_valence", 0.7)

    assert played(quiet)[0].state.valence is None
    assert played(telling)[0].state.valence == pytest.approx(0.7, abs=0.05)


def test_words_are_read_and_not_kept() -> None:
    def telling(session: Session, second: int, bpm: float) -> None:
        session.feed("hr", bpm)
        if second == 95:
            assert session.tell("this feels wonderful") > 0.5
            assert session.tell("a chair") is None

    session, lines = played(telling)
    assert session.state.valence is not None and session.state.valence > 0.4
    assert "wonderful" not in str(lines)


def test_an_unknown_channel_is_refused_by_name() -> None:
    session = Session("settle", audio=False, sample_rate=RATE)
    with pytest.raises(ValueError, match="no channel called 'pulse_of_the_city'"):
        session.feed("pulse_of_the_city", 1.0)
