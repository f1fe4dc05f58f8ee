"""A person over OSC and the plan on one control, in a real session: the person's value holds, and is given back."""

from __future__ import annotations

from typing import Any

import pytest

from synth import Session
from synth.control.osc.desk import Desk
from synth.control.osc.sender import Sender
from synth.control.osc.tree import Tree
from synth.controls import TABLE
from synth.wire.osc import Message, decode

SECOND = 48_000
MOVED = "arousal"  # by the plan too, all the time


class Room:
    """A session that is only composed, its record, and somebody with a surface."""

    def __init__(self, minutes: float = 10.0) -> None:
        self.lines: list[dict[str, Any]] = []
        self.session = Session("settle", seed=3, minutes=minutes, audio=False, record=self.lines.append)
        self.desk = Desk(self.session, Tree(), "settle")
        self.heard: list[Message] = []
        self.end = Sender("127.0.0.1", 5000, lambda packet, host, port: self.heard.extend(decode(packet)[0]))

    def say(self, address: str, *args: Any) -> None:
        now_s = self.session.time_s
        self.desk.take([Message(None, address, args, "")], self.end, now_s, now_s)

    def pass_s(self, seconds: float) -> list[float]:
        """Time passes; the arousal after each tenth of a second."""
        seen = []
        for _ in range(round(seconds * 10)):
            self.session.render(SECOND // 10)
            self.desk.turn(self.session.time_s)
            seen.append(self.session.controls[MOVED])
        return seen

    def kept(self, kind: str, control: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["type"] == kind and line.get("control") == control]


@pytest.fixture(scope="module")
def room() -> Room:
    """One for all tests below, which tell one story."""
    return Room()


def test_the_persons_value_holds_against_the_loop(room: Room) -> None:
    room.pass_s(5.0)
    before = room.session.controls[MOVED]
    wanted = before - 0.25
    room.say(f"/control/{MOVED}", wanted)
    moved = room.pass_s(10.0)
    assert all(0.0 <= a - b <= 0.1 * TABLE[MOVED].rate_hand + 1e-4 for a, b in zip(moved, moved[1:], strict=False))
    held = room.pass_s(40.0)
    assert set(held) == {moved[-1]} and held[0] == pytest.approx(wanted)
    room.say("/session/held")
    assert room.heard.pop().args == (MOVED,)
    (asked,) = [line for line in room.kept("commit", MOVED) if line["by"] == "hand:osc"]
    assert asked["reason"] == f"OSC /control/{MOVED} from 127.0.0.1" and asked["requested"] == pytest.approx(wanted)


def test_and_is_given_back_on_a_ramp_as_the_record_says(room: Room) -> None:
    room.say(f"/control/{MOVED}/release")
    held = room.session.controls[MOVED]
    given_back = [held, *room.pass_s(60.0)]
    assert abs(given_back[-1] - held) > 0.05  # the plan wants something else
    fastest = 0.1 * TABLE[MOVED].rate_loop + 1e-4
    assert all(abs(b - a) <= fastest for a, b in zip(given_back, given_back[1:], strict=False))
    assert len(room.kept("release", MOVED)) == 1
    room.say("/session/held")
    assert room.heard.pop().args == ("",)


def test_what_is_out_of_range_is_clamped_and_the_record_says_so(room: Room) -> None:
    room.say("/stem/pad/level_db", 40.0)
    room.pass_s(3.0)
    room.say("/stem/pad/level_db")
    (level_db,) = room.heard.pop().args
    assert level_db == pytest.approx(room.session.controls["level_pad_db"]) and level_db <= 6.0
    assert room.kept("commit", "level_pad_db")[-1]["repair"]


def test_a_mute_is_silence_and_gives_back_what_was_held(room: Room) -> None:
    room.say("/stem/pad/level_db", -9.0)
    room.pass_s(2.0)
    room.say("/stem/pad/mute", 1)
    room.pass_s(1.0)
    assert room.session.controls["level_pad_db"] == -60.0
    room.say("/stem/pad/mute", 0)
    room.pass_s(1.0)
    assert room.session.controls["level_pad_db"] == -9.0 and "level_pad_db" in room.session.held
    room.say("/release")
    room.pass_s(1.0)
    assert room.session.held == frozenset()


def test_reports_and_samples_reach_the_session(room: Room) -> None:
    room.say("/feedback/self_arousal", 0.5)
    room.say("/feed/self_valence", 7.0)
    room.say("/feed/nothing", 1.0)
    assert "no channel called 'nothing'" in str(room.heard.pop().args[1])
    room.pass_s(0.2)
    told = [(line["type"], line.get("channel")) for line in room.lines if line["type"] in ("feedback", "refusal")]
    assert told == [("feedback", "self_arousal"), ("refusal", None)]


def test_stop_ends_it(room: Room) -> None:
    room.say("/transport/stop", 0)
    room.pass_s(0.2)
    assert not any(line["type"] == "stop" for line in room.lines)
    room.say("/transport/stop", 1)
    room.pass_s(15.0)
    assert room.session.finished
    room.say("/session/finished")
    assert room.heard.pop().args == (1,)
