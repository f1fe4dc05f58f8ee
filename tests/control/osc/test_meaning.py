"""What each address does to a session."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from synth.controls import STEMS, TABLE
from synth.session import SessionError
from synth.wire.osc import Arg, Message


@pytest.mark.parametrize(
    ("address", "arg", "name", "value"),
    [
        ("/control/tempo_bpm", 72.5, "tempo_bpm", 72.5),
        ("/control/tempo_bpm", 72, "tempo_bpm", 72.0),
        ("/control/tempo_bpm", "72.5", "tempo_bpm", 72.5),
        ("control/tempo_bpm/", 72.5, "tempo_bpm", 72.5),
        ("/control/tempo_bpm", 900.0, "tempo_bpm", 900.0),  # the session clamps it, and its record says so
        ("/control/key", "F#", "key", 6.0),
        ("/control/key", "Gb", "key", 6.0),
        ("/control/key", 6, "key", 6.0),
        ("/control/key", "6", "key", 6.0),
        ("/control/mode", "dorian", "mode", 3.0),
        ("/control/landmark", True, "landmark", 1.0),
        ("/control/scene", 4, "scene", 4.0),
        ("/fader/tempo_bpm", 0.5, "tempo_bpm", math.sqrt(44 * 140)),
        ("/fader/level_pad_db", 1.0, "level_pad_db", 6.0),
        ("/stem/bells/level_db", -6.0, "level_bells_db", -6.0),
        ("/stem/bells/pan", -0.5, "pan_bells", -0.5),
    ],
)
def test_a_value_is_asked_for_by_the_hand(
    address: str, arg: Arg, name: str, value: float, hands: Any, end: Any
) -> None:
    end.say(address, arg)
    (call,) = hands.calls
    assert call[:2] == ("request", name) and call[2] == pytest.approx(value)
    assert call[3] == "hand:osc" and call[4] == f"OSC /{address.strip('/')} from 127.0.0.1"
    assert end.heard() == []


@pytest.mark.parametrize(
    ("address", "args", "told"),
    [
        ("/control/tempo_bpm", (), (66.0,)),
        ("/control/key", (), ("C",)),
        ("/control/scene", (), (0,)),
        ("/fader/space", (), (0.5,)),
        ("/mood", (), (0.1, 0.0)),
        ("/stem/pad/level_db", (), (0.0,)),
        ("/stem/pad/mute", (), (0,)),
        ("/session/time_s", (), (12.5,)),
        ("/session/phase", (), ("arrive",)),
        ("/session/planned", (), (0.1, 0.2, -0.3)),
        ("/session/reasons", (), ("the heart is calm; the plan goes on",)),
        ("/session/tempo", (), (75.0,)),
        ("/session/beat", (), (7, 4, 4)),
        ("/session/key", (), ("Gb",)),
        ("/session/mode", (), ("dorian",)),
        ("/session/held", (), ("",)),
        ("/session/preset", (), ("settle",)),
        ("/session/finished", (), (0,)),
    ],
)
def test_without_an_argument_it_is_asked(
    address: str, args: tuple[Arg, ...], told: tuple[Arg, ...], hands: Any, end: Any
) -> None:
    end.say(address, *args)
    ((answered, values),) = end.heard()
    assert answered == address and hands.calls == []
    assert values == tuple(pytest.approx(x) if isinstance(x, float) else x for x in told)


@pytest.mark.parametrize(
    ("address", "args", "why"),
    [
        ("/control/tempo_bpm", ("fast",), "44 to 140 bpm"),
        ("/control/tempo_bpm", (math.nan,), "44 to 140 bpm"),
        ("/control/tempo_bpm", (math.inf,), "44 to 140 bpm"),
        ("/control/tempo_bpm", (1.0, 2.0), "44 to 140 bpm"),
        ("/control/tempo_bpm", (None,), "44 to 140 bpm"),
        ("/control/tempo_bpm", (b"\0\1",), "44 to 140 bpm"),
        ("/control/tempo_bpm", ([1.0],), "44 to 140 bpm"),
        ("/control/key", ("H",), "one of C, Db"),
        ("/control/nothing", (1.0,), "no such address"),
        ("/nothing/*", (), "no such address"),
        ("/session/phase", ("rest",), "only be read"),
        ("/mood", (0.5,), "two numbers"),
        ("/note", (60.0,), "pitch"),
        ("/note", (200.0, 1.0), "0 to 127"),
        ("/note", (60.0, 1.0, "reverb"), "one of pad"),
        ("/feed/hr", (), "one sample"),
        ("/feed/hr", ("quick",), "finite number"),
        ("/feed/aura", (1.0,), "no channel called 'aura'"),
        ("/tell", (4,), "words"),
        ("/release", ("tempo",), "tempo_bpm (`synth controls`"),
        ("/subscribe", ("/verb/*",), "nothing that can be read"),
        ("/subscribe", (99999,), "no port"),
        ("/subscribe", (-1.0,), "above 0"),
        ("/unsubscribe", (), "nobody was told"),
        ("", (), "no such address"),
    ],
)
def test_what_cannot_be_done_is_answered_and_nothing_happens(
    address: str, args: tuple[Arg, ...], why: str, hands: Any, end: Any
) -> None:
    end.say(address, *args)
    ((answered, (about, reason)),) = end.heard()
    assert answered == "/error" and about == address and why in str(reason)
    assert hands.calls == []


@pytest.mark.parametrize(
    ("address", "call"),
    [
        ("/verb/more", ("verb", "more")),
        ("/transport/stop", ("stop",)),
        ("/transport/panic", ("panic",)),
        ("/control/space/release", ("release", "space")),
    ],
)
def test_a_button_does_it_once_and_letting_go_does_nothing(
    address: str, call: tuple[str, ...], hands: Any, end: Any
) -> None:
    for pressed in ((), (1,), (1.0,), (True,), (math.inf,), (None,)):
        end.say(address, *pressed)
        assert hands.calls == [call]
        hands.calls.clear()
        for let_go in (0, 0.0, False):
            end.say(address, let_go)
        assert hands.calls == []


def test_play_begins_again_where_the_hands_can_and_says_so_where_not(hands: Any, end: Any) -> None:
    end.say("/transport/play")
    ((answered, (about, reason)),) = end.heard()
    assert (answered, about) == ("/error", "/transport/play") and "make a new one" in str(reason)
    hands.again = lambda: hands.calls.append(("again",))
    end.say("/transport/play", 0)
    assert hands.calls == [] == end.heard()
    end.say("/transport/play", 1)
    assert hands.calls == [("again",)] and end.heard() == []

    def playing() -> None:
        raise SessionError("the session is playing")

    hands.again = playing
    end.say("/transport/play")
    assert end.heard() == [("/error", ("/transport/play", "the session is playing"))]


def test_a_pattern_asks_and_sets_but_presses_nothing_by_itself(hands: Any, end: Any) -> None:
    end.say("/*/*")
    assert hands.calls == [] and ("/control/space", (0.5,)) in end.heard()
    end.say("/control/level_{pad,bass}_db", -10.0)
    assert hands.asked == [("level_pad_db", -10.0), ("level_bass_db", -10.0)]


def test_the_mood_is_two_controls_at_once(hands: Any, end: Any) -> None:
    end.say("/mood", 0.5, -0.25)
    assert hands.asked == [("valence", 0.5), ("arousal", -0.25)]
    end.say("/mood", at_s=1.0)
    assert end.heard() == [("/mood", (0.5, -0.25))]


def test_what_cannot_be_read_is_neither_a_question_nor_a_button(hands: Any, end: Any, desk: Any) -> None:
    for address in ("/transport/panic", "/release", "/control/space"):
        desk.take([Message(None, address, (), "q")], end.sender, 0.0, 0.0)
    assert hands.calls == []
    assert [(address, args[0]) for address, args in end.heard()] == [
        ("/error", "/transport/panic"),
        ("/error", "/release"),
        ("/error", "/control/space"),
    ]


def test_samples_and_reports_are_fed(hands: Any, end: Any) -> None:
    end.say("/feed/hr", 70.0)
    end.say("/feed/eda", 1.0, 2, [3.0])
    end.say("/feedback/self_valence", -0.5)
    assert hands.calls == [("feed", "hr", 70.0), ("feed", "eda", [1.0, 2.0, 3.0]), ("feed", "self_valence", -0.5)]


def test_words_are_told_and_answered(hands: Any, end: Any) -> None:
    end.say("/tell", "so", "good")
    end.say("/tell", "grey")
    assert hands.calls == [("tell", "so good"), ("tell", "grey")]
    assert end.heard() == [("/tell", (0.5,))]


def test_notes_are_played_with_velocities_of_both_kinds(hands: Any, end: Any) -> None:
    end.say("/note", 60, 100)
    end.say("/note", 60.0, 0.5, "bells")
    end.say("/note", 60, 0)
    assert hands.calls == [
        ("play", 60.0, 0.7874, "melody", "hand:osc"),
        ("play", 60.0, 0.5, "bells", "hand:osc"),
        ("play", 60.0, 0.0, "melody", "hand:osc"),
    ]


def test_ping_is_answered_with_what_came(end: Any) -> None:
    end.say("/ping", 1, "two", 3.0)
    assert end.heard() == [("/pong", (1, "two", 3.0))]


def test_release_by_name_and_of_everything(hands: Any, end: Any) -> None:
    hands.request("space", 0.1, "hand:midi")
    end.say("/control/motion", 0.9)
    end.say("/stem/pad/mute", 1)
    end.say("/release", "motion", at_s=1.0)
    assert hands.held == {"space", "level_pad_db"}
    end.say("/release", 0, at_s=2.0)
    assert hands.held == {"space", "level_pad_db"}
    end.say("/release", at_s=3.0)
    assert hands.held == frozenset()
    end.say("/stem/pad/mute", at_s=4.0)
    assert end.heard() == [("/stem/pad/mute", (0,))]


class TestStrips:
    """Mute and solo."""

    @staticmethod
    def silent(hands: Any) -> set[str]:
        names = {stem: f"level_{stem}_db" for stem in STEMS}
        return {stem for stem, name in names.items() if name in hands.held and hands.controls[name] == -60.0}

    def test_a_mute_gives_back_to_the_plan_what_the_plan_had(self, hands: Any, end: Any) -> None:
        end.say("/stem/pad/mute", 1)
        assert hands.asked == [("level_pad_db", -60.0)]
        end.say("/stem/pad/mute", 0)
        assert hands.calls[-1] == ("release", "level_pad_db")

    def test_and_to_the_person_what_the_person_had(self, hands: Any, end: Any) -> None:
        end.say("/stem/pad/level_db", -7.0)
        end.say("/stem/pad/mute", 1, at_s=1.0)
        end.say("/stem/pad/mute", 1, at_s=2.0)
        end.say("/stem/pad/mute", 0, at_s=3.0)
        assert hands.asked == [("level_pad_db", -7.0), ("level_pad_db", -60.0), ("level_pad_db", -7.0)]

    def test_a_level_moved_while_muted_is_where_the_mute_goes_back_to(self, hands: Any, end: Any) -> None:
        end.say("/stem/pad/mute", 1)
        end.say("/fader/level_pad_db", 1.0, at_s=1.0)
        assert self.silent(hands) == {"pad"}
        end.say("/stem/pad/mute", 0, at_s=2.0)
        assert hands.controls["level_pad_db"] == 6.0

    def test_a_level_given_back_while_muted_is_the_plans_after_it(self, hands: Any, end: Any) -> None:
        end.say("/stem/pad/level_db", -7.0)
        end.say("/stem/pad/mute", 1, at_s=1.0)
        end.say("/control/level_pad_db/release", at_s=2.0)
        assert self.silent(hands) == {"pad"}
        end.say("/stem/pad/mute", 0, at_s=3.0)
        assert hands.calls[-1] == ("release", "level_pad_db")

    def test_a_level_on_its_way_is_remembered_as_it_was_asked(self, hands: Any, end: Any) -> None:
        end.say("/stem/pad/level_db", -7.0)
        hands.controls["level_pad_db"] = -3.0  # still moving
        end.say("/stem/pad/mute", 1, at_s=0.05)
        end.say("/stem/pad/mute", 0, at_s=0.1)
        assert hands.asked[-1] == ("level_pad_db", -7.0)

    def test_solo_silences_the_others_and_restores_exactly_who_was_muted(self, hands: Any, end: Any) -> None:
        end.say("/stem/bass/mute", 1)
        end.say("/stem/bells/mute", 1)
        end.say("/stem/pad/solo", 1)
        assert self.silent(hands) == set(STEMS) - {"pad", "reverb"}
        end.say("/stem/melody/solo", 1)
        end.say("/stem/bells/solo", 1)  # muted all the same
        assert self.silent(hands) == set(STEMS) - {"pad", "melody", "reverb"}
        end.say("/stem/bells/solo", 0)
        end.say("/stem/melody/solo", 0)
        end.say("/stem/pad/solo", 0)
        assert self.silent(hands) == {"bass", "bells"} and len(hands.held) == 2

    def test_a_mute_made_during_a_solo_stays_after_it(self, hands: Any, end: Any) -> None:
        end.say("/stem/pad/solo", 1)
        end.say("/stem/bass/mute", 1)
        end.say("/stem/pad/solo", 0)
        assert hands.held == {"level_bass_db"}

    def test_another_hand_that_moves_a_muted_stem_takes_its_mute_away(self, desk: Any, hands: Any, end: Any) -> None:
        end.say("/stem/pad/mute", 1, at_s=0.0)
        for at_s in (0.3, 0.6):
            desk.turn(at_s)
        hands.request("level_pad_db", -12.0, "hand:midi")
        for at_s in (0.9, 1.2):
            desk.turn(at_s)
        end.say("/stem/pad/mute", at_s=1.3)
        assert end.heard() == [("/stem/pad/mute", (0,))]
        before = len(hands.calls)
        end.say("/stem/pad/mute", 0, at_s=1.4)
        assert len(hands.calls) == before  # and nobody moves it again

    def test_another_hand_that_moves_the_level_is_remembered(self, desk: Any, hands: Any, end: Any) -> None:
        end.say("/stem/pad/level_db", -7.0)
        hands.request("level_pad_db", -20.0, "hand:midi")
        for at_s in (0.3, 0.6, 0.9, 1.2):
            desk.turn(at_s)
        end.say("/stem/pad/mute", 1, at_s=2.0)
        end.say("/stem/pad/mute", 0, at_s=3.0)
        assert hands.asked[-1] == ("level_pad_db", -20.0)


def test_levels_of_all_stems_are_in_the_table() -> None:
    assert all(f"level_{stem}_db" in TABLE for stem in STEMS)


def test_a_fault_of_the_session_is_told_and_the_next_message_counts(
    hands: Any, end: Any, desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str) -> None:
        raise RuntimeError("no session any more")

    monkeypatch.setattr(hands, "verb", broken)
    end.say("/verb/more")
    end.say("/transport/stop")
    assert end.heard() == [("/error", ("/verb/more", "RuntimeError: no session any more"))]
    assert hands.calls == [("stop",)] and desk.troubles["RuntimeError: no session any more"] == 1


def test_ends_are_told_of_their_errors_a_few_times_only(end: Any, another: Callable[..., Any]) -> None:
    for _ in range(500):
        end.say("/nothing", at_s=1.0)
    assert len(end.heard()) == 10
    elsewhere = another(6000, "192.168.1.2")
    elsewhere.say("/nothing", at_s=1.0)
    assert len(elsewhere.heard()) == 1
    for at_s in (1.2, 1.6, 2.2):
        end.say("/nothing", at_s=at_s)
    assert len(end.heard()) == 2
