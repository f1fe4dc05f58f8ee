"""MIDI clock in: the thread, an armed start, and a real clock over JACK."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from synth import Session
from synth.control.clock.clock_in import ClockIn

START, TICK = b"\xfa", b"\xf8"


@pytest.fixture
def session() -> Session:
    return Session("settle", minutes=20, sample_rate=24_000, audio=False)


def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it does not come about"
        time.sleep(0.01)


def test_messages_are_followed_in_the_sessions_time(session: Session, clock_ticks: Any) -> None:
    """The outside's times are of another clock, a thousand seconds ahead."""
    clock = ClockIn(session, lambda at_s: at_s - 1000.0)
    ticks = [float(t) for t in clock_ticks(70.0, 30, 1.0)]
    clock.on_clock(0xFA, 1000.9)
    while session.time_s < 20.0:
        session.render(256)
        while ticks and ticks[0] <= session.time_s:
            clock.on_clock(TICK, 1000.0 + ticks.pop(0))
        clock.step()
    assert clock.bpm == pytest.approx(70.0, rel=1e-3)
    assert clock.words.startswith("following 70.0 bpm")
    assert 66.5 < session.controls["tempo_bpm"] < 72.5
    assert clock.received == 1 + clock.follower.clock.filter.ticks


def test_another_session_takes_over_from_one_that_follows(session: Session, clock_ticks: Any) -> None:
    """Its time begins anew, and so does what is asked of it; the outside's beat is known to it from the first."""
    true = [float(t) for t in clock_ticks(66.0, 90, 1.0)]
    playing, began_s = [session], [0.0]

    class Player:
        """What plays now."""

        def __getattr__(self, name: str) -> Any:
            return getattr(playing[0], name)

    clock = ClockIn(Player(), lambda at_s: at_s - began_s[0])  # type: ignore[arg-type]
    clock.on_clock(START, 0.9)
    words = []
    for until_s in (21.3, 75.0):
        while began_s[0] + playing[0].time_s < until_s:
            playing[0].render(256)
            while true and true[0] <= began_s[0] + playing[0].time_s:
                clock.on_clock(TICK, true.pop(0))
            clock.step()
            words.append(clock.words)
        assert "tempo_bpm" in playing[0].held
        playing[0] = Session("settle", minutes=20, sample_rate=24_000, audio=False, settings={"tempo_bpm": 63.0})
        began_s[0] = until_s
    assert clock.follower.stood_down == 0
    assert not any(word.startswith("no MIDI clock:") for word in words)
    assert clock.follower.clock.filter.relocks == clock.follower.clock.filter.doubled == 0
    assert abs(clock.follower.phase_error_s) < 0.05


def test_an_armed_start_waits_for_the_outside(session: Session, clock_ticks: Any) -> None:
    clock = ClockIn(session, lambda at_s: at_s, armed=True, latency_s=0.02)
    true = clock_ticks(66.0, 60, 500.0)
    clock.on_clock(0xFA, 499.9)
    for t_s in true[:30]:
        clock.on_clock(TICK, float(t_s))
    clock.step()
    assert clock.words == "armed: waiting for the outside's start" and not session.held
    begin_s = clock.begin_s(float(true[30]))
    assert begin_s == pytest.approx(true[48], abs=1e-4)

    def session_time(at_s: float) -> float:
        return at_s - begin_s + 0.02  # it is asked to begin so much earlier that it is heard on the beat

    clock.began(session_time, begin_s)
    session.render(256)
    rest = [float(t) for t in true[30:]]
    beats = []
    while session.time_s < 30.0:
        session.render(256)
        while rest and session_time(rest[0]) <= session.time_s:
            clock.on_clock(TICK, rest.pop(0))
        clock.step()
        beats.append(session.pulse.start_s)
    assert abs(clock.follower.phase_error_s) < 0.002
    apart = [((start_s + 0.02 - session_time(true[48])) * 1.1 + 0.5) % 1.0 - 0.5 for start_s in beats]
    assert max(abs(beats) for beats in apart) < 0.006  # all the way


def test_before_the_start_there_is_nothing_to_begin_with(session: Session) -> None:
    clock = ClockIn(session, lambda at_s: at_s, armed=True)
    for i in range(48):
        clock.on_clock(TICK, i * 0.035)
    assert clock.begin_s(2.0) is None
    clock.on_clock(0xFC, 2.0)
    assert clock.begin_s(2.0) is None


def test_a_step_that_fails_is_told_of_and_the_next_one_goes_on(session: Session, monkeypatch: Any) -> None:
    clock = ClockIn(session, lambda at_s: at_s)
    monkeypatch.setattr(clock.follower, "step", lambda hands: 1 / 0)
    clock.start()
    clock.start()
    until(lambda: clock.troubles)
    monkeypatch.undo()
    for i in range(60):
        clock.heard(TICK, i * 0.0379)
    until(lambda: clock.follower.clock.filter.ticks == 60)
    clock.close()
    clock.close()
    assert list(clock.troubles) == ["ZeroDivisionError: division by zero"]


def test_another_hand_is_heard_of(session: Session) -> None:
    clock = ClockIn(session, lambda at_s: at_s)
    line = {"type": "commit", "by": "hand:osc", "accepted": True, "at_once": False, "requested": 70.0}
    clock.hear({"control": "arousal", **line})
    clock.step()
    assert not clock.follower.standing_by
    clock.hear({"control": "tempo_bpm", **line})
    clock.step()
    assert clock.words == "hand:osc has the tempo: standing by"


def test_a_real_clock_over_jack(jack_server: str, session: Session) -> None:
    """rtmidi sends 75 bpm from a thread, jittered as threads are, into a JACK client, which tells the exact frames. The
    server's frames are the time of both, however busy the machine is."""
    import jack
    import mido

    clock = ClockIn(session, lambda at_s: at_s)
    reader = jack.Client("clock_in")
    into = reader.midi_inports.register("in")
    ended = threading.Event()

    @reader.set_process_callback
    def read(frames: int) -> None:
        for offset, data in into.incoming_midi_events():
            clock.heard(bytes(data), (reader.last_frame_time + offset) / reader.samplerate)

    def ticks() -> int:
        clock.step()
        return clock.follower.clock.filter.ticks

    def send() -> None:
        while not clock.received:  # the connection stands from some block on
            port.send(mido.Message("active_sensing"))
            time.sleep(0.01)
        port.send(mido.Message("songpos", pos=8))
        port.send(mido.Message("continue"))
        due = float(reader.frame_time)
        while not ended.is_set():
            port.send(mido.Message("clock"))
            due += reader.samplerate * 60.0 / 75.0 / 24.0
            while reader.frame_time < due:
                time.sleep(0.001)

    port = mido.Backend("mido.backends.rtmidi/UNIX_JACK").open_output("out", virtual=True, client_name="daw")
    thread = threading.Thread(target=send)
    try:
        with reader:
            until(lambda: reader.get_ports("daw", is_output=True))
            reader.connect(reader.get_ports("daw", is_output=True)[0], into)
            thread.start()
            until(lambda: ticks() > 8 * 24)
            ended.set()
            thread.join()
    finally:
        ended.set()
        port.close()
    midi = clock.follower.clock
    assert clock.bpm == pytest.approx(75.0, rel=0.04)
    assert midi.running and midi.told
    assert midi.beats_at(midi.filter.last_s) == pytest.approx(2.0 + midi.filter.number / 24.0, abs=0.5)
