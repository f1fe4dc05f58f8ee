"""A session in a process of its own: what is asked arrives, what is told comes back, and its end is its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from synth.control.osc import OscServer
from synth.control.osc.sender import Sender
from synth.controls import ControlError
from synth.live import LiveError
from synth.output.replay import as_asked, frames_of
from synth.preset import PresetError
from synth.record.reader import read_record
from synth.session import Session, SessionError
from synth.wire.osc import decode, encode


def of(lines, kind, **fields):
    return [line for line in lines if line["type"] == kind and all(line[k] == v for k, v in fields.items())]


def test_what_hands_ask_is_done_and_told(live, until):
    session = live()
    session.start()
    until(lambda: session.seen.frames > 4800)
    session.request("level_pad_db", -6.0, by="hand:test", reason="a fader")
    session.request("density_hz", 99.0)
    session.verb("hold")
    session.feed("self_arousal", 0.25)
    until(lambda: session.controls["level_pad_db"] == -6.0)
    until(lambda: {"level_pad_db", "density_hz"} <= session.held)
    (told,) = of(session.lines, "commit", control="level_pad_db")
    assert told["by"] == "hand:test" and told["reason"] == "a fader" and told["old"] == 0.0
    assert of(session.lines, "commit", control="density_hz")[0]["repair"].startswith("density_hz 99 was asked")
    session.release("level_pad_db")
    until(lambda: "level_pad_db" not in session.held)
    until(lambda: of(session.lines, "verb", verb="hold") and of(session.lines, "feedback"))
    until(lambda: session.phase == "baseline" and session.planned != (0.0, 0.0, 0.0) and session.reasons)
    pulse, seen = session.pulse, session.seen
    assert pulse.start_s <= seen.time_s + 0.01 and 40.0 < pulse.bpm < 140.0 and 0 <= pulse.index < pulse.beats
    assert 0.0 < seen.load < 1.0 and seen.blocks > 10 and seen.playing and seen.connected


def test_session_time_follows_the_clock(live, until):
    session = live()
    session.start()
    until(lambda: session.seen.frames > 24_000)
    early_s, late_s = time.monotonic() - 0.05, time.monotonic() + 0.05
    assert session.session_time(late_s) - session.session_time(early_s) == pytest.approx(0.1, abs=0.02)
    assert session.session_time(time.monotonic()) == pytest.approx(session.time_s, abs=0.05)


def test_names_that_do_not_exist_are_refused_here(live):
    session = live()
    with pytest.raises(ControlError, match="no control called"):
        session.request("loudnes", 1.0)
    with pytest.raises(SessionError, match="no verb called"):
        session.verb("louder")
    with pytest.raises(PresetError):
        session.change("no such preset")


def test_what_the_process_refuses_is_told_and_does_no_harm(live, until):
    session = live()
    session.start()
    session.feed("no such channel", 1.0)
    session.edit([{"name": "x"}])
    until(lambda: len(session.words) >= 2)
    assert "no such channel" in session.words[0]
    before = session.seen.frames
    until(lambda: session.seen.frames > before + 4800)


def test_it_fades_out_and_ends_and_says_so(live):
    session = live()
    session.start()
    time.sleep(0.3)
    session.close()
    assert session.finished and session.lines[-1]["type"] == "end" and of(session.lines, "stop")
    session.close()
    session.request("level_pad_db", -6.0)  # to nobody, without harm


def test_it_ends_when_its_time_is_over(live):
    session = live(session={"minutes": 0.1})
    session.start()
    assert session.wait(30.0)
    assert session.lines[-1]["type"] == "end" and session.seen.finished


def test_it_waits_to_begin(live, until):
    session = live(wait=True)
    session.start()
    until(lambda: session.seen.blocks > 50)
    assert session.seen.frames == 0 and not session.seen.playing
    session.begin()
    until(lambda: session.seen.frames > 4800)


def test_what_it_recorded_replays_the_same_notes(live, until, tmp_path):
    """The record alone makes the same score again, hands and all."""
    from synth.output.records import Records
    from synth.record.keeping import Keeping

    with Records(tmp_path / "live", Keeping()) as records:
        session = live(session={"minutes": 0.2})
        session._record = records.write
        session.start()
        until(lambda: session.seen.frames > 48_000)
        session.request("density_hz", 3.0)
        until(lambda: session.seen.frames > 2 * 48_000)
        session.request("level_bells_db", -60.0)
        session.close()
    record = read_record(tmp_path / "live")
    again = Session(audio=False, **as_asked(record))
    commits = []
    again.tell_to(commits.append)
    while again.position < frames_of(record):
        again.render(4096)
    assert again.score.notes
    for name in ("density_hz", "level_bells_db"):
        (line,) = [line for line in record.of("commit") if line["control"] == name]
        assert line["quantum"] > 0 and again.controls[name] == line["new"]


def test_a_change_of_preset_fades_and_begins_anew(live, until):
    session = live("settle")
    session.start()
    until(lambda: session.seen.frames > 48_000)
    session.change("short-break", minutes=3.0)
    until(lambda: len(of(session.lines, "session")) == 2, 40.0)
    first, second = of(session.lines, "session")
    assert (
        first["preset"]["name"] == "settle" and second["preset"]["name"] == "short-break" and second["minutes"] == 3.0
    )
    ends = of(session.lines, "end")
    assert ends[0]["reason"] == "changed" and session.lines.index(ends[0]) < session.lines.index(second)
    until(lambda: session.seen.playing and session.seen.frames > 4800)


def test_after_a_panic_a_session_may_begin_again(live, until):
    session = live("settle")
    session.start()
    until(lambda: session.seen.frames > 24_000)
    session.panic()
    until(lambda: bool(of(session.lines, "panic")))
    session.change("settle")
    until(lambda: len(of(session.lines, "session")) == 2, 20.0)
    until(lambda: session.seen.playing and session.seen.frames > 4800)
    assert of(session.lines, "end")[0]["reason"] == "changed" and not session.finished


def test_play_over_osc_begins_the_same_preset_again_after_a_panic_and_not_before(live, until):
    session = live("short-break", {"seed": 9, "minutes": 3.0})
    session.start()
    said = []
    with OscServer(session, 0) as osc:
        sender = Sender("127.0.0.1", 1, lambda packet, host, port: said.append(decode(packet)[0][0].args), fixed=True)
        osc.take(encode("/transport/play"), sender)
        until(lambda: bool(said))
        assert said == [("/transport/play", "the session is playing: it begins again after a panic")]
        osc.take(encode("/transport/panic"), sender)
        until(lambda: bool(of(session.lines, "panic")))
        osc.take(encode("/transport/play"), sender)
        osc.take(encode("/transport/play"), sender)
        until(lambda: len(of(session.lines, "session")) == 2)
        until(lambda: session.seen.playing and session.seen.frames > 4800)
    first, second = of(session.lines, "session")
    assert second["preset"]["name"] == "short-break" and second["seed"] == 9 and second["minutes"] == 3.0
    assert first["preset"] == second["preset"] and "playing" in str(said[-1]) and len(said) == 2
    session.kill()
    with pytest.raises(SessionError, match="make a new one"):
        session.again()


@pytest.mark.parametrize(
    ("setup", "words"),
    [
        ({"device": "jack", "device_name": "no-such-server"}, "no JACK server called 'no-such-server' is running"),
        ({"device": "portaudio", "device_name": "no such card"}, "output 'no such card' cannot be opened"),
        ({"device": "pyo"}, "pyo finds no sound card"),
        ({"session": {"minutes": 0.001}}, "give 0.1 or more"),
        ({"session": {"constraints": ["no nonsense here"]}}, "no nonsense here"),
    ],
)
def test_what_cannot_start_says_why_and_what_to_do(live, setup, words):
    session = live(**setup)
    with pytest.raises(LiveError) as refused:
        session.start()
    assert words in str(refused.value) and "Traceback" not in str(refused.value)
    if "device" in setup:
        assert "--device null" in str(refused.value)
    assert session.finished


def test_a_process_that_dies_is_told(live, until):
    session = live()
    session.start()
    os.kill(session._process.pid, signal.SIGKILL)
    with pytest.raises(LiveError, match=r"ended by itself \(-9\)"):
        session.wait(10.0)
    assert session.finished


ORPHAN = """
import sys, time
from synth.live import LiveSession, Setup
from synth.preset import load_preset
live = LiveSession(Setup(load_preset("settle"), {"seed": 1, "minutes": 5}))
live.start()
print(live._process.pid, flush=True)
time.sleep(600)
"""


def test_it_does_not_outlive_who_started_it():
    parent = subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    end = time.monotonic() + 20.0
    while runs(pid) and time.monotonic() < end:
        time.sleep(0.1)
    assert not runs(pid), "the live process plays on"


def runs(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
