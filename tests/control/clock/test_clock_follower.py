"""A session follows a MIDI clock: real sessions on virtual time, an outside with 2 ms of jitter."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from synth import Session, load_preset
from synth.control.clock.clock_follower import ClockFollower
from synth.control.clock.servo import TempoLimits

START, CONTINUE, STOP = b"\xfa", b"\xfb", b"\xfc"
Line = dict[str, Any]


@pytest.fixture
def record() -> list[Line]:
    return []


@pytest.fixture
def session(record: list[Line]) -> Session:
    """At 66 bpm, in blocks of 11 ms."""
    return Session("settle", minutes=20, sample_rate=24_000, audio=False, record=record.append)


def commits(record: list[Line], control: str, by: str = "hand:clock") -> list[Line]:
    return [line for line in record if line.get("control") == control and line.get("by") == by]


def settled_s(heard: Any, late_ms: np.ndarray, within_ms: float = 5.0) -> float:
    """From when on every beat is in phase."""
    off = np.flatnonzero(np.abs(late_ms) > within_ms)
    return float(heard.start_s[off[-1] + 1]) if off.size else 0.0


@pytest.mark.parametrize(("kind", "seed"), [("gaussian", 1), ("uniform", 3)])
def test_from_the_worst_offset_it_is_in_phase_within_30_s_and_stays(
    kind: str, seed: int, record: list[Line], clock_ticks: Any, jittered: Any, play: Any
) -> None:
    session = Session("settle", minutes=20, audio=False, record=record.append)
    true = clock_ticks(66.0, 170, 1.5 * 60 / 66)  # half a beat off
    follower = ClockFollower(TempoLimits())
    heard = play(session, follower, jittered(true, seed, kind), 140.0, [(1.0, START)])
    late_ms = heard.late_ms(true)
    assert settled_s(heard, late_ms) < true[0] + 30.0
    locked = heard.since(35.0)
    assert np.quantile(np.abs(locked.late_ms(true)), 0.99) < 3.0
    assert np.quantile(np.abs(locked.off_bpm(true)), 0.99) < 0.05
    assert abs(np.mean(locked.off_bpm(true))) < 0.005
    assert abs(follower.phase_error_s) < 0.003
    assert follower.words == "following 66.0 bpm"
    assert 0 <= follower.asked - len(commits(record, "tempo_bpm")) <= 1  # the last one may still be on its way
    assert follower.asked < 3.0 * len(heard.start_s)
    assert commits(record, "tempo_bpm")[0]["reason"].startswith("MIDI clock: following 6")


@pytest.mark.parametrize("bpm", [50.0, 110.0])
def test_slow_or_fast_it_keeps_the_tempo(bpm: float, clock_ticks: Any, jittered: Any, play: Any) -> None:
    preset = load_preset("settle")
    preset = replace(preset, controls={**preset.controls, "tempo_bpm": bpm})
    session = Session(preset, minutes=20, sample_rate=24_000, audio=False)
    true = clock_ticks(bpm, 170, 1.1)
    locked = play(session, ClockFollower(), jittered(true, 2), 85.0, [(1.0, START)]).since(40.0)
    assert np.quantile(np.abs(locked.late_ms(true)), 0.99) < 3.0
    assert np.quantile(np.abs(locked.off_bpm(true)), 0.99) < 0.05


@pytest.mark.parametrize(("bpm", "seconds"), [(72.0, 42.0), (62.0, 42.0)])
def test_another_tempo_is_reached_without_going_past_it(
    bpm: float, seconds: float, session: Session, clock_ticks: Any, jittered: Any, play: Any
) -> None:
    true = clock_ticks(bpm, 160, 1.3)
    heard = play(session, ClockFollower(), jittered(true), 120.0, [(1.0, START)])
    assert settled_s(heard, heard.late_ms(true)) < true[0] + seconds
    turned = np.diff(np.sign(np.diff(heard.since(3.0).bpm[:30])))
    assert np.count_nonzero(turned) <= 6  # up or down, and back: it does not hunt


def test_what_is_heard_lines_up_when_it_is_heard_later(
    session: Session, clock_ticks: Any, jittered: Any, play: Any
) -> None:
    true = clock_ticks(66.0, 90, 1.0)
    heard = play(session, ClockFollower(latency_s=0.05), jittered(true), 70.0, [(0.5, START)])
    assert np.max(np.abs(heard.since(35.0).late_ms(true, 0.05))) < 5.0
    assert np.min(np.abs(heard.since(35.0).late_ms(true))) > 40.0


def test_a_clock_without_a_start_keeps_the_beats_where_they_are(
    session: Session, clock_ticks: Any, jittered: Any, play: Any
) -> None:
    true = clock_ticks(66.0, 90, 1.234)
    heard = play(session, ClockFollower(), jittered(true), 70.0)
    late_ms = heard.since(3.0).late_ms(true)
    assert np.max(late_ms) - np.min(late_ms) < 12.0
    assert np.max(np.abs(heard.bpm - 66.0)) < 0.4


def test_stop_rests_and_continue_goes_on_from_where_it_was(
    session: Session, record: list[Line], clock_ticks: Any, jittered: Any, play: Any
) -> None:
    """The outside stands for seven and a bit seconds and sends no ticks meanwhile."""
    first = clock_ticks(66.0, 60, 1.0)[: 60 * 24 - 10]
    second = clock_ticks(66.0, 90, first[-1] + 7.3)
    follower = ClockFollower()
    messages = [(0.9, START), (first[-1] + 0.015, STOP), (second[0] - 0.015, CONTINUE)]
    ticks = np.concatenate((jittered(first), jittered(second, 2)))
    words: list[str] = []
    hands = [(first[-1] + 5.0, lambda: words.append(follower.words))]
    heard = play(session, follower, ticks, second[0] + 70.0, messages, hands)
    true = np.concatenate((first, second))
    after = heard.since(second[0] + 30.0)
    assert np.max(np.abs(after.late_ms(true))) < 5.0
    assert np.quantile(np.abs(after.since(second[0] + 36.0).off_bpm(true)), 0.99) < 0.05
    assert words[0].startswith("no MIDI clock: holding 66.")
    (rest,) = commits(record, "rest")
    assert rest["new"] == 1.0 and rest["reason"] == "MIDI stop"
    (release,) = [line for line in record if line.get("control") == "rest" and line["type"] == "release"]
    assert release["t_s"] == pytest.approx(second[0], abs=0.03)
    assert session.controls["rest"] == 0.0
    held = heard.since(first[-1] + 3.0).bpm[:4]
    assert np.max(np.abs(held - 66.0)) < 0.1


def test_a_rest_that_a_person_asked_for_is_theirs_to_end(session: Session, clock_ticks: Any, play: Any) -> None:
    session.request("rest", 0.5, by="hand:osc")
    messages = [(0.9, START), (4.0, STOP), (6.0, CONTINUE)]
    play(session, ClockFollower(), clock_ticks(66.0, 8, 1.0), 9.0, messages)
    assert "rest" in session.held and session.controls["rest"] == 0.5


def test_a_clock_that_stops_half_way_into_phase_leaves_its_own_tempo(
    session: Session, clock_ticks: Any, jittered: Any, play: Any
) -> None:
    true = clock_ticks(66.0, 13, 1.2)
    heard = play(session, ClockFollower(), jittered(true), 40.0, [(0.9, START)])
    assert np.max(np.abs(heard.bpm - 66.0)) > 1.0
    assert np.max(np.abs(heard.since(30.0).bpm - 66.0)) < 0.1


def test_stop_may_be_left_unheeded(session: Session, record: list[Line], clock_ticks: Any, play: Any) -> None:
    play(session, ClockFollower(rest_on_stop=False), clock_ticks(66.0, 8, 1.0), 9.0, [(0.9, START), (8.0, STOP)])
    assert not commits(record, "rest")


def test_song_position_says_where_the_beat_is(session: Session, clock_ticks: Any, jittered: Any, play: Any) -> None:
    """Stopped, put to the sixth sixteenth of the song (the middle of its second beat), and on from there."""
    first, second = clock_ticks(66.0, 45, 1.0), clock_ticks(66.0, 60, 44.0)
    messages = [(0.9, START), (first[-1] + 0.015, STOP), (43.0, bytes((0xF2, 6, 0))), (second[0] - 0.015, CONTINUE)]
    ticks = np.concatenate((jittered(first), jittered(second, 2)))
    heard = play(session, ClockFollower(), ticks, 90.0, messages)
    assert np.max(np.abs(heard.since(75.0).late_ms(second[12:]))) < 5.0


def test_two_seconds_without_ticks_are_bridged(session: Session, clock_ticks: Any, jittered: Any, play: Any) -> None:
    true = clock_ticks(66.0, 120, 1.0)
    heard_ticks = jittered(true)
    gap = (heard_ticks > 60.0) & (heard_ticks < 62.0)
    follower = ClockFollower()
    heard = play(session, follower, heard_ticks[~gap], 90.0, [(0.9, START)])
    assert np.max(np.abs(heard.since(40.0).late_ms(true))) < 5.0
    assert np.max(np.abs(heard.since(40.0).off_bpm(true))) < 0.1
    assert 40 < follower.clock.filter.lost < 60
    assert all(word.startswith("following") for word in heard.since(40.0).words)


def test_a_clock_that_ends_leaves_its_tempo(session: Session, clock_ticks: Any, jittered: Any, play: Any) -> None:
    true = clock_ticks(70.0, 60, 1.0)
    follower = ClockFollower()
    heard = play(session, follower, jittered(true), 75.0, [(0.9, START)])
    assert follower.words.startswith("no MIDI clock: holding 70.0")
    assert np.max(np.abs(heard.since(true[-1] + 4.0).bpm - 70.0)) < 0.15
    assert math.isnan(follower.phase_error_s)


def test_lost_and_doubled_ticks_are_not_felt(session: Session, clock_ticks: Any, jittered: Any, play: Any) -> None:
    true = clock_ticks(66.0, 110, 1.0)
    rng = np.random.default_rng(5)
    ticks = jittered(true)
    ticks = ticks[(rng.random(true.size) > 0.03) | (true < 3.0)]
    ticks = np.sort(np.concatenate((ticks, ticks[(rng.random(ticks.size) < 0.03) & (ticks > 3.0)] + 0.001)))
    follower = ClockFollower()
    heard = play(session, follower, ticks, 90.0, [(0.9, START)])
    assert np.max(np.abs(heard.since(40.0).late_ms(true))) < 5.0
    assert follower.clock.filter.lost > 40 and follower.clock.filter.doubled > 40


def test_a_gentle_ramp_is_followed_in_phase(session: Session, clock_ticks: Any, jittered: Any, play: Any) -> None:
    """66 to 70 bpm in two minutes."""
    true = clock_ticks(lambda beat: 66.0 * 1.0005 ** min(max(beat - 45, 0), 118), 220, 1.0)
    heard = play(session, ClockFollower(), jittered(true), 180.0, [(0.9, START)])
    assert np.quantile(np.abs(heard.since(40.0).late_ms(true)), 0.99) < 5.0
    assert np.max(np.abs(heard.since(165.0).off_bpm(true))) < 0.1


@pytest.mark.parametrize("a_beat", [1.001, 0.999])
def test_a_ramp_of_a_thousandth_a_beat_is_followed_in_phase(
    a_beat: float, session: Session, clock_ticks: Any, jittered: Any, play: Any
) -> None:
    """A third of what the tempo may move by. Only where it begins or ends is it felt at all, for a few beats."""
    true = clock_ticks(lambda beat: 66.0 * a_beat ** min(max(beat - 45, 0), 60), 150, 1.0)
    heard = play(session, ClockFollower(), jittered(true, 6), 110.0, [(0.9, START)])
    late_ms = np.abs(heard.late_ms(true))
    begins, ends = true[45 * 24], true[105 * 24]
    assert np.max(late_ms[heard.start_s > 40.0]) < 8.0
    assert np.max(late_ms[(heard.start_s > begins + 10.0) & (heard.start_s < ends)]) < 4.0


def test_a_steep_ramp_is_caught_up_with_and_not_passed(
    session: Session, clock_ticks: Any, jittered: Any, play: Any
) -> None:
    """The tempo rises at twice what is allowed for twenty beats: the session falls behind, and then is there again."""
    true = clock_ticks(lambda beat: 66.0 * 1.006 ** min(max(beat - 45, 0), 20), 220, 1.0)
    heard = play(session, ClockFollower(), jittered(true), 130.0, [(0.9, START)])
    late_ms = heard.late_ms(true)
    steep = true[65 * 24]
    assert np.max(np.abs(late_ms[heard.start_s > 40.0])) > 100.0
    assert settled_s(heard, late_ms) < steep + 45.0
    assert np.max(np.abs(heard.since(steep + 46.0).off_bpm(true))) < 0.1
    steps = np.abs(np.diff(np.log2(heard.bpm)))
    assert np.max(steps) < 1.02 * math.log2(1.003)  # never faster than the limit


def test_within_narrower_limits_it_takes_its_time(clock_ticks: Any, jittered: Any, play: Any) -> None:
    relax = replace(load_preset("settle"), profile="relax")
    session = Session(relax, minutes=20, sample_rate=24_000, audio=False)
    limits = TempoLimits.of(session.terms)
    assert (limits.high_bpm, limits.per_beat) == (90.0, 0.001)
    bpm = session.controls["tempo_bpm"]
    true = clock_ticks(bpm, 120, 1.5 * 60 / bpm)
    heard = play(session, ClockFollower(limits), jittered(true), 80.0, [(0.9, START)])
    assert settled_s(heard, heard.late_ms(true)) < 55.0
    assert np.max(np.abs(np.diff(np.log2(heard.bpm)))) < 1.02 * math.log2(1.001)


def test_where_no_changes_are_wanted_there_are_none(
    record: list[Line], clock_ticks: Any, jittered: Any, play: Any
) -> None:
    session = Session("gentle", minutes=20, sample_rate=24_000, audio=False, record=record.append)
    follower = ClockFollower(TempoLimits.of(session.terms))
    play(session, follower, jittered(clock_ticks(60.0, 9, 1.0)), 9.0, [(0.9, START)])
    assert follower.words == "no changes of the tempo are wanted: holding 58.0 bpm"
    assert not commits(record, "tempo_bpm")


def test_a_clock_too_fast_is_followed_at_half(session: Session, clock_ticks: Any, jittered: Any, play: Any) -> None:
    true = clock_ticks(134.0, 200, 1.0)
    follower = ClockFollower(TempoLimits(44.0, 90.0))
    heard = play(session, follower, jittered(true), 80.0, [(0.9, START)])
    assert follower.words == "outside the limits: half time 67.0 bpm"
    assert np.max(np.abs(heard.since(45.0).late_ms(true, ratio=0.5))) < 5.0


def test_a_clock_out_of_reach_is_waited_for_at_the_limit(
    session: Session, clock_ticks: Any, jittered: Any, play: Any
) -> None:
    true = clock_ticks(95.0, 200, 1.0)
    follower = ClockFollower(TempoLimits(60.0, 70.0))
    heard = play(session, follower, jittered(true), 40.0, [(0.9, START)])
    assert follower.words == "outside the limits: holding 70.0 bpm, the MIDI clock goes at 95.0"
    assert np.max(np.abs(heard.since(30.0).bpm - 70.0)) < 0.01


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("wanted", [61.0, 72.0])
def test_a_persons_hand_wins_until_it_lets_go(
    told: bool, wanted: float, session: Session, record: list[Line], clock_ticks: Any, jittered: Any, play: Any
) -> None:
    """With the record it knows at once, without it sees the tempo move."""
    true = clock_ticks(66.0, 200, 1.0)
    follower = ClockFollower()
    if told:
        session.tell_to(lambda line: (record.append(line), follower.hear(line)))
    said: list[str] = []
    hands = [
        (40.1, lambda: session.request("tempo_bpm", wanted, by="hand:osc", reason="a fader")),
        (70.0, lambda: said.append(follower.words)),
        (80.0, lambda: session.release("tempo_bpm")),
    ]
    heard = play(session, follower, jittered(true), 140.0, [(0.9, START)], hands)
    (fader,) = commits(record, "tempo_bpm", "hand:osc")
    between = [c for c in commits(record, "tempo_bpm") if fader["t_s"] < c["t_s"] < 79.9]
    assert not between
    assert said == [f"{'hand:osc' if told else 'another hand'} has the tempo: standing by"]
    assert np.max(np.abs(heard.since(75.0).bpm[:5] - wanted)) < 0.01
    assert follower.stood_down == 1 and not follower.standing_by
    assert np.max(np.abs(heard.since(135.0).late_ms(true))) < 5.0


def test_where_requests_cross_the_persons_holds(
    session: Session, record: list[Line], clock_ticks: Any, jittered: Any, play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fader moves in the very block in which the follower asks too, and is taken first."""
    follower, request = ClockFollower(), session.request
    session.tell_to(lambda line: (record.append(line), follower.hear(line)))
    faders = [75.0]

    def crossing(name: str, value: float, by: str, reason: str) -> None:
        if session.time_s > 20.0 and faders:
            request("tempo_bpm", faders.pop(), by="hand:midi", reason="CC 23 on channel 1")
        request(name, value, by=by, reason=reason)

    monkeypatch.setattr(session, "request", crossing)
    heard = play(session, follower, jittered(clock_ticks(66.0, 80, 1.0)), 60.0, [(0.9, START)])
    assert heard.bpm[-1] == pytest.approx(75.0, abs=0.01)
    assert commits(record, "tempo_bpm")[-1]["reason"] == "given back to hand:midi"
    assert follower.words == "hand:midi has the tempo: standing by"


def test_letting_go_gives_tempo_and_rest_back(session: Session, clock_ticks: Any, play: Any) -> None:
    follower = ClockFollower()
    play(session, follower, clock_ticks(66.0, 12, 1.0), 10.0, [(0.9, START), (9.0, STOP)])
    assert {"tempo_bpm", "rest"} <= session.held
    follower.release(session)
    session.render(256)
    assert not {"tempo_bpm", "rest"} & session.held


def test_when_to_begin_is_the_outsides_next_beat(clock_ticks: Any, jittered: Any) -> None:
    true = clock_ticks(80.0, 8, 3.0)
    clock = ClockFollower().clock
    assert clock.next_beat_s(0.0) is None
    for t_s in jittered(clock_ticks(80.0, 3, 0.0)):  # it runs while it stands
        clock.tick(float(t_s))
    assert clock.next_beat_s(2.9) is None
    clock.start(2.9)
    for t_s in jittered(true, 2)[:60]:
        clock.tick(float(t_s))
    assert clock.next_beat_s(true[60]) == pytest.approx(true[72], abs=0.003)
    assert clock.next_beat_s(true[72] + 0.1) == pytest.approx(true[96], abs=0.003)


def test_a_start_moves_a_clock_that_runs_at_once(clock_ticks: Any) -> None:
    """The outside's ticks run while it stands, and begin anew with its start, half a tick beside."""
    clock = ClockFollower().clock
    before = clock_ticks(80.0, 4, 0.0)
    true = clock_ticks(80.0, 4, before[-1] + 1.5 * 2.5 / 80.0)
    for t_s in before:
        clock.tick(float(t_s))
    clock.start(float(true[0]))
    for t_s in true[:2]:
        clock.tick(float(t_s))
    assert clock.beats_at(true[24]) == pytest.approx(1.0, abs=0.005)


def test_what_is_no_clocks_is_left_alone() -> None:
    follower = ClockFollower()
    assert not any(follower.message(data, 0.0) for data in (b"", b"\x90\x40\x40", b"\xfe", b"\xf2\x01"))
    assert follower.message(bytes((0xF2, 6, 1)), 0.0) and follower.message(CONTINUE, 0.0)
    for t_s in (1.0, 1.03):
        assert follower.message(b"\xf8", t_s)
    assert follower.clock.beats_at(1.0) == pytest.approx((128 + 6) / 4)
