"""Time tags, bursts and order; who is told of changes, and who is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.control.osc.allowed import Allowed
from synth.control.osc.errors import OscError
from synth.control.osc.newest import WINDOW_S, Deed, Newest
from synth.control.osc.schedule import MAX_WAITING, Schedule, ahead_of
from synth.control.osc.subscribers import LEASE_S, MOST_A_HOST, QUIET_S
from synth.control.osc.tree import Tree


class TestBursts:
    """Of a burst on one control the newest counts; order is kept between different things."""

    def test_the_first_value_goes_at_once_the_last_at_the_end_of_the_window(
        self, desk: Any, hands: Any, end: Any
    ) -> None:
        for i in range(5000):
            end.say("/control/tempo_bpm", 50.0 + i / 128, at_s=1.0 + i * 1e-7)
        assert hands.asked == [("tempo_bpm", 50.0)]
        desk.turn(1.0 + 2 * WINDOW_S)
        assert hands.asked == [("tempo_bpm", 50.0), ("tempo_bpm", 50.0 + 4999 / 128)]
        assert desk.received == 5000 and desk.done == 2

    def test_one_control_by_three_addresses_is_one_control(self, desk: Any, hands: Any, end: Any) -> None:
        end.say("/control/level_pad_db", -1.0)
        end.say("/fader/level_pad_db", 0.0)
        end.say("/stem/pad/level_db", -3.0)
        desk.turn(1.0)
        assert hands.asked == [("level_pad_db", -1.0), ("level_pad_db", -3.0)]

    def test_slow_messages_all_count(self, hands: Any, end: Any) -> None:
        for i in range(10):
            end.say("/control/space", i / 10, at_s=i * 0.005)
        assert len(hands.asked) == 10

    def test_a_button_comes_after_what_was_set_before_it(self, hands: Any, end: Any) -> None:
        end.say("/control/space", 0.1)
        end.say("/control/space", 0.2)
        end.say("/control/motion", 0.3)
        end.say("/verb/more")
        end.say("/control/space", 0.4)
        assert [call[:3] for call in hands.calls] == [
            ("request", "space", 0.1),
            ("request", "space", 0.2),
            ("request", "motion", 0.3),
            ("verb", "more"),
        ]
        end.say("/transport/panic", at_s=1e-4)
        assert [call[0] for call in hands.calls[4:]] == ["request", "panic"]

    def test_a_bundle_is_done_together(self, desk: Any, hands: Any, end: Any) -> None:
        end.say("/control/space", 0.1)
        end.bundle([("/control/space", 0.2), ("/control/motion", 0.3)])
        assert hands.asked == [("space", 0.1)]  # all of it waits for space
        desk.turn(WINDOW_S)
        assert hands.asked == [("space", 0.1), ("space", 0.2), ("motion", 0.3)]
        assert [call[1:3] for call in hands.groups[-1]] == [("space", 0.2), ("motion", 0.3)]

    @given(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=40), st.lists(st.booleans(), max_size=40))
    def test_what_is_done_is_the_newest_of_each_in_order(self, lanes: list[str | None], later: list[bool]) -> None:
        newest, done, now_s = Newest(), [], 0.0
        for i, lane in enumerate(lanes):
            now_s += WINDOW_S / 2 if i < len(later) and later[i] else 0.0
            deeds = [*newest.due(now_s), *newest.offer([Deed(lane, lambda i=i: done.append(i))], now_s)]
            for deed in deeds:
                deed.do()
        for deed in newest.due(now_s + WINDOW_S):
            deed.do()
        assert done == sorted(done)
        assert newest.next_s is None
        last = {lane: i for i, lane in enumerate(lanes)}
        assert set(last.values()) <= set(done)
        pressed = [i for i, lane in enumerate(lanes) if lane is None]
        assert set(pressed) <= set(done)
        for place in pressed:  # nothing set before a button is done after it
            before = {lane: i for i, lane in enumerate(lanes[:place])}
            assert set(before.values()) <= set(done)


class TestTimeTags:
    """Later is later, but not much; late is now."""

    def test_a_message_waits_for_its_time(self, desk: Any, hands: Any, end: Any) -> None:
        end.say("/verb/more", at_s=100.0, tag_s=100.25)
        desk.turn(100.2)
        assert hands.calls == [] and desk.next_s == pytest.approx(100.25)
        desk.turn(100.25)
        assert hands.calls == [("verb", "more")]

    def test_late_is_now_and_in_order_with_what_has_no_time(self, hands: Any, end: Any) -> None:
        end.say("/verb/more", at_s=100.0, tag_s=40.0)
        end.say("/verb/less", at_s=100.0)
        assert hands.calls == [("verb", "more"), ("verb", "less")]

    def test_what_was_due_comes_before_what_comes_later(self, hands: Any, end: Any) -> None:
        end.say("/verb/more", at_s=100.0, tag_s=100.25)
        end.say("/verb/less", at_s=100.5)
        assert hands.calls == [("verb", "more"), ("verb", "less")]

    def test_a_year_ahead_is_a_second_ahead_and_told_once(self, desk: Any, hands: Any, end: Any) -> None:
        for _ in range(3):
            end.say("/verb/more", at_s=100.0, tag_s=100.0 + 3e7)
        end.say("/verb/less", at_s=100.1)
        assert hands.calls == [("verb", "less")]
        ((address, (about, reason)),) = end.heard()
        assert (address, about) == ("/error", "#bundle") and "1 s ahead" in str(reason)
        desk.turn(101.0)
        assert hands.calls[1:] == [("verb", "more")] * 3

    def test_items_of_one_time_keep_their_order_and_not_all_may_wait(self) -> None:
        schedule: Schedule[int] = Schedule()
        assert all(schedule.put(1.0, i) for i in range(MAX_WAITING))
        assert not schedule.put(0.5, -1)
        assert schedule.take(0.9) == [] and schedule.take(1.0) == list(range(MAX_WAITING))
        assert schedule.next_s is None

    def test_how_far_ahead(self) -> None:
        assert ahead_of(None, 50.0) == (0.0, False)
        assert ahead_of(49.0, 50.0) == (0.0, False)
        assert ahead_of(50.5, 50.0) == (0.5, False)
        assert ahead_of(1e12, 50.0) == (1.0, True)


class TestSubscriptions:
    """Who is told of changes."""

    def test_all_is_told_once_then_only_what_changes(self, desk: Any, hands: Any, end: Any) -> None:
        end.say("/subscribe", at_s=0.0)
        first = dict(end.heard())
        assert first["/control/space"] == (0.5,) and first["/stem/pad/mute"] == (0,) and "/verb/more" not in first
        desk.turn(0.15)
        assert end.heard() == []
        hands.controls["space"] = 0.75
        hands.time_s = 13.0
        desk.turn(0.25)
        assert dict(end.heard()) == {"/control/space": (0.75,), "/fader/space": (0.75,), "/session/time_s": (13.0,)}

    def test_a_pattern_a_port_and_a_rate(self, desk: Any, hands: Any, end: Any) -> None:
        end.say("/subscribe", "/stem/{pad,bass}/level_db", 9000, 2.0)
        assert end.got == [(9000, "/stem/pad/level_db", (0.0,)), (9000, "/stem/bass/level_db", (0.0,))]
        end.heard()
        hands.controls["level_pad_db"] = -5.0
        desk.turn(0.49)
        assert end.got == [] and desk.next_s == pytest.approx(0.5)
        desk.turn(0.5)
        assert end.got == [(9000, "/stem/pad/level_db", (-5.0,))]

    def test_who_set_a_value_is_not_told_of_it_the_others_are(
        self, desk: Any, end: Any, another: Callable[..., Any]
    ) -> None:
        other = another(6000)
        for one in (end, other):
            one.say("/subscribe", "/control/space", 50.0)
            one.heard()
        end.say("/control/space", 0.75, at_s=1.0)
        for i in range(1, 200):
            desk.turn(1.0 + i * 0.02)
        assert end.heard() == [] and other.heard() == [("/control/space", (0.75,))]

    def test_unless_it_became_another(self, desk: Any, hands: Any, end: Any) -> None:
        end.say("/subscribe", "/control/tempo_bpm", 50.0)
        end.heard()
        end.say("/control/tempo_bpm", 500.0, at_s=1.0)
        desk.turn(1.0 + 0.9 * QUIET_S)
        assert end.heard() == []
        desk.turn(1.0 + 1.1 * QUIET_S)
        assert end.heard() == [("/control/tempo_bpm", (140.0,))]

    def test_a_surface_that_sends_from_one_port_and_listens_on_another_is_not_echoed(self, desk: Any, end: Any) -> None:
        end.say("/subscribe", "/fader/space", 9000)
        end.heard()
        end.say("/fader/space", 0.3, at_s=1.0)
        for i in range(1, 30):
            desk.turn(1.0 + 0.1 * i)
        assert end.heard() == []

    def test_unsubscribe_by_pattern_by_port_and_altogether(self, desk: Any, hands: Any, end: Any) -> None:
        end.say("/subscribe", "/control/space", 9000)
        end.say("/subscribe", "/control/motion", 9000)
        end.say("/unsubscribe", "/control/space", 9000)
        end.heard()
        hands.controls.update(space=0.125, motion=0.25)
        desk.turn(1.0)
        assert end.heard() == [("/control/motion", (0.25,))]
        end.say("/unsubscribe", at_s=1.0)  # who asked for it
        assert len(desk.subscribers) == 0 and desk.next_s is None

    def test_who_is_not_heard_for_long_is_told_no_more(self, desk: Any, end: Any, another: Callable[..., Any]) -> None:
        elsewhere = another(6000, "192.168.1.2")
        elsewhere.say("/subscribe")
        end.say("/subscribe")
        end.say("/ping", at_s=0.9 * LEASE_S)
        desk.turn(1.1 * LEASE_S)
        assert len(desk.subscribers) == 1
        elsewhere.heard()
        desk.turn(1.2 * LEASE_S)
        assert elsewhere.heard() == []

    def test_who_refuses_is_told_no_more(self, desk: Any, end: Any) -> None:
        end.say("/subscribe", 9000)
        assert not desk.subscribers.refused("127.0.0.1", 9001, 60.0)
        assert desk.subscribers.refused("127.0.0.1", 9000, 60.0)
        assert len(desk.subscribers) == 0

    def test_who_does_not_listen_yet_is_told_everything_again(self, desk: Any, end: Any) -> None:
        end.say("/subscribe", "/control/space", 9000)
        assert end.heard() == [("/control/space", (0.5,))]
        assert not desk.subscribers.refused("127.0.0.1", 9000, 0.5)
        desk.turn(1.4)
        assert end.heard() == []
        desk.turn(1.6)
        assert end.heard() == [("/control/space", (0.5,))]
        assert desk.subscribers.refused("127.0.0.1", 9000, 1.7)

    def test_one_host_cannot_have_all(self, desk: Any, end: Any) -> None:
        for port in range(9000, 9000 + MOST_A_HOST + 1):
            end.say("/subscribe", "/control/space", port)
        assert len(desk.subscribers) == MOST_A_HOST
        assert end.heard()[-1][0] == "/error"

    def test_another_tree_is_told_of_from_then_on(self, desk: Any, end: Any) -> None:
        end.say("/subscribe", "/feed/*", 9000)
        assert len(desk.subscribers) == 0  # nothing there can be read
        desk.replant(Tree(["hr"]))
        assert "/feed/hr" in desk.tree.nodes and "/feed/feedback" not in desk.tree.nodes


class TestAllowed:
    """Who may send."""

    def test_this_machine_always_may(self) -> None:
        assert "127.0.0.1" in Allowed("127.0.0.1") and "::1" in Allowed("localhost")
        assert "192.168.1.2" not in Allowed("127.0.0.1")

    def test_networks(self) -> None:
        allowed = Allowed("0.0.0.0", ["192.168.1.0/24", "10.0.0.7"])
        assert all(host in allowed for host in ("192.168.1.2", "10.0.0.7", "::ffff:192.168.1.2", "127.0.0.1"))
        assert not any(host in allowed for host in ("192.168.2.2", "10.0.0.8", "fe80::1%eth0", "here", ""))

    def test_elsewhere_without_networks_is_refused_and_so_is_what_is_none(self) -> None:
        with pytest.raises(OscError, match="say which may send"):
            Allowed("0.0.0.0")
        with pytest.raises(OscError, match='write it as "192.168.1.0/24"'):
            Allowed("0.0.0.0", ["192.168.1.5/24"])
