"""What is heard becomes what a person asks, and no more than that."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.control.midi import Binding, MapFile, MidiError, MidiHands, MidiMap, Source
from synth.control.midi.mapping import ACTIONS
from synth.controls import TABLE
from synth.session import VERBS, Session
from synth.wire.midi import Decoder, Message, control_change, encode, parameter


def cc(number: int, value: int, channel: int = 1) -> bytes:
    return control_change(channel - 1, number, value)


def note(number: int, velocity: int, channel: int = 1) -> bytes:
    return encode(Message("note_on", channel - 1, number, velocity))


def jumping(*bindings: Binding) -> MidiMap:
    return MidiMap(bindings, takeover="jump")


def test_the_hand_says_who_and_why(hands) -> None:
    MidiHands(hands, jumping()).hear(cc(74, 127, 3), 0.0)
    assert hands.calls == [("request", "brightness_oct", 1.5, "hand:midi", "CC 74 on channel 3")]


def test_bytes_messages_and_mido_are_all_heard(hands) -> None:
    midi = MidiHands(hands, jumping())
    midi.hear(cc(91, 127), 0.0)
    midi.hear(Message("control_change", 0, 91, 0), 0.1)
    midi.hear(mido.Message("control_change", control=91, value=64), 0.2)
    midi.hear(b"\xb0\x5b", 0.3), midi.hear(b"\x7f\x5b\x00", 0.4)  # in pieces, with running status
    assert hands.asked("space") == [1.0, 0.0, 0.5, 1.0, 0.0] and midi.received == 5


def test_stems_by_channel(hands) -> None:
    midi = MidiHands(hands, jumping())
    midi.hear(cc(7, 0, 2), 0.0), midi.hear(cc(10, 127, 4), 0.0), midi.hear(cc(7, 127, 16), 0.0)
    assert [call[1:3] for call in hands.calls] == [
        ("level_bass_db", -60.0),
        ("pan_melody", 1.0),
        ("loudness_lufs", -23.0),
    ]


def test_fourteen_bits_are_finer_than_seven(hands) -> None:
    midi = MidiHands(hands, jumping())
    for value in range(8192, 8200):
        midi.hear(cc(7, value >> 7, 1) + cc(39, value & 127, 1), 0.0)
    asked = hands.asked("level_pad_db")[1:]
    steps = [b - a for a, b in zip(asked, asked[1:], strict=False)]
    assert steps == pytest.approx([66 / 16382] * 6)


def test_nrpn_wheel_and_pressure(hands) -> None:
    mapping = jumping(
        Binding(Source("nrpn", 259, 1), "tempo_bpm"),
        Binding(Source("bend", 0, 1), "arousal"),
        Binding(Source("pressure", 0, 1), "motion"),
    )
    midi = MidiHands(hands, mapping)
    for data in parameter(0, 259, 16383, registered=False):
        midi.hear(data, 0.0)
    midi.hear(encode(Message("pitch_bend", 0, value=8191)), 0.0)
    midi.hear(encode(Message("pressure", 0, value=127)), 0.0)
    assert (hands.asked("tempo_bpm")[-1], hands.asked("arousal"), hands.asked("motion")) == (140.0, [1.0], [1.0])


def test_a_knob_waits_for_its_control_and_keeps_it(hands) -> None:
    midi = MidiHands(hands)  # space stands at a half
    for value in (127, 100, 80):
        midi.hear(cc(91, value), 0.0)
    assert not hands.calls
    midi.hear(cc(91, 60), 0.1), midi.hear(cc(91, 0), 0.2)
    assert hands.asked("space") == pytest.approx([60 / 128, 0.0])
    for n in range(1, 100):
        hands.pass_s(0.05), midi.tick(0.2 + n * 0.05)
    midi.hear(cc(91, 1), 6.0)
    assert len(hands.asked("space")) == 3


def test_a_slow_control_follows_its_knob_to_the_end(hands) -> None:
    midi = MidiHands(hands)
    midi.hear(cc(23, 70), 0.0), midi.hear(cc(23, 10), 0.0)
    assert hands.asked("tempo_bpm"), "passed on the way down"
    for n in range(1, 400):
        hands.pass_s(0.05), midi.tick(n * 0.05)
    assert 44 < hands.controls["tempo_bpm"] < 66
    midi.hear(cc(23, 5), 20.0)
    assert len(hands.asked("tempo_bpm")) == 2


def test_two_hands_on_one_control(hands) -> None:
    midi = MidiHands(hands)
    midi.hear(cc(91, 64), 0.0)
    hands.pass_s(1.0), midi.tick(1.0)
    hands.request("space", 1.0, by="hand:osc")
    for n in range(1, 21):
        hands.pass_s(0.1), midi.tick(1.0 + n * 0.1)
    midi.hear(cc(91, 65), 4.0), midi.hear(cc(91, 90), 4.1)
    assert len(hands.asked("space")) == 2, "the other hand's value stands"
    midi.hear(cc(91, 126), 4.2)
    assert len(hands.asked("space")) == 3


def test_choices_by_zones_are_asked_for_once(hands) -> None:
    midi = MidiHands(hands, MidiMap((Binding(Source("cc", 3), "mode"),)))
    for value in range(128):  # mode stands at 1
        midi.hear(cc(3, value), value * 0.01)
        hands.controls["mode"] = hands.asked("mode")[-1] if hands.asked("mode") else 1.0
        hands.held |= {"mode"}
    assert hands.asked("mode") == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_pads_and_buttons(hands) -> None:
    pads = [Binding(Source("note", 36 + n, 10), action) for n, action in enumerate(ACTIONS)]
    buttons = [Binding(Source("cc", 50 + n), action) for n, action in enumerate(ACTIONS)]
    midi = MidiHands(hands, MidiMap((*pads, *buttons)))
    midi.hear(cc(91, 64), 0.0)
    expected = [("verb", verb) for verb in VERBS] + [("panic",), ("release", "space")]
    for press in (lambda n: note(36 + n, 100, 10) + note(36 + n, 0, 10), lambda n: cc(50 + n, 127) + cc(50 + n, 0)):
        hands.calls.clear()
        for n in range(len(ACTIONS)):
            midi.hear(press(n), 1.0)
        assert hands.calls == expected
        midi.hear(cc(91, 64), 2.0)


def test_a_fader_on_a_verb_counts_once_a_rise(hands) -> None:
    midi = MidiHands(hands, MidiMap((Binding(Source("cc", 50), "more"),)))
    for value in (10, 60, 64, 90, 127, 80, 20, 70):
        midi.hear(cc(50, value), 0.0)
    assert hands.calls == [("verb", "more")] * 2


def test_a_pad_sets_a_value(hands) -> None:
    midi = MidiHands(hands, MidiMap((Binding(Source("note", 40, 10), "scene", low=7, high=7),)))
    midi.hear(note(40, 3, 10), 0.0)
    assert hands.asked("scene") == [7.0] and not hands.played()


def test_keys_pedal_and_channels(hands) -> None:
    midi = MidiHands(hands)
    midi.hear(note(60, 127, 1) + note(36, 127, 10) + note(64, 64, 13), 0.0)
    assert hands.played() == [(60.0, 1.0, "pad"), (36.0, 1.0, "percussion"), (64.0, 0.504, "melody")]
    assert hands.calls[0][4] == "hand:midi"
    midi.hear(cc(64, 127, 13) + note(64, 0, 13), 0.1)
    assert midi.sounding == 3
    midi.hear(cc(64, 0, 13), 0.2)
    assert hands.played()[-1] == (64.0, 0.0, "melody") and midi.sounding == 2


def test_mode_messages(hands) -> None:
    midi = MidiHands(hands)
    midi.hear(note(60, 99, 4) + note(62, 99, 4) + note(50, 99, 1), 0.0)
    midi.hear(cc(123, 0, 4), 0.1)
    assert midi.sounding == 1 and not [call for call in hands.calls if call[0] == "panic"]
    midi.hear(cc(64, 127, 1) + note(50, 0, 1), 0.2)
    midi.hear(cc(121, 0, 1), 0.3)
    assert midi.sounding == 0, "reset lifts the pedal"
    midi.hear(note(50, 99, 1) + cc(120, 0, 7), 0.4)
    assert hands.calls[-2:] == [("panic",), ("play", 50.0, 0.0, "pad", "hand:midi")] and midi.sounding == 0
    quiet = MidiHands(hands, MidiMap(all_sound_off="notes"))
    hands.calls.clear()
    quiet.hear(note(50, 99, 1) + cc(120, 0, 1), 0.5)
    assert [call[0] for call in hands.calls] == ["play", "play"] and quiet.sounding == 0


def test_programs(hands) -> None:
    chosen: list[int] = []
    midi = MidiHands(hands, programs=("breathe", "settle"), on_program=chosen.append)
    midi.hear(cc(0, 3, 16) + cc(32, 9, 16) + encode(Message("program_change", 15, 1)), 0.0)
    midi.hear(encode(Message("program_change", 0, 0)), 0.1)  # a track's own program
    midi.hear(encode(Message("program_change", 15, 2)), 0.2)
    assert chosen == [1] and not hands.calls and midi.troubles == 1
    assert "settle" in midi.words[-2] and "there are 2" in midi.words[-1]
    anywhere = MidiHands(hands, MidiMap(program_channel=0), programs=("breathe",), on_program=chosen.append)
    anywhere.hear(encode(Message("program_change", 6, 0)), 0.0)
    assert chosen == [1, 0]


def test_what_a_stem_refuses_is_told_of(hands) -> None:
    hands.refused = frozenset({"nature"})
    midi = MidiHands(hands)
    midi.hear(note(60, 99, 7) + note(60, 0, 7) + note(60, 99, 4), 0.0)
    assert hands.played() == [(60.0, 0.78, "melody")] and midi.troubles == 1 and "nature" in midi.words[-1]


def test_a_lost_port_ends_its_notes(hands) -> None:
    midi = MidiHands(hands)
    midi.hear(note(60, 99, 4), 0.0, "keys"), midi.hear(note(62, 99, 4), 0.0, "pads")
    midi.hear(b"\x90", 0.0, "keys")
    midi.lost("keys")
    assert hands.played()[-1] == (60.0, 0.0, "melody") and midi.sounding == 1
    assert "1 held note ended" in midi.words[-1]
    midi.hear(b"\x40\x40", 0.1, "keys")
    assert midi.sounding == 1, "the half of a message from before is forgotten"
    midi.close()
    assert midi.sounding == 0


def test_a_knob_turned_while_it_was_unplugged_has_to_be_picked_up(hands) -> None:
    midi = MidiHands(hands)
    midi.hear(cc(91, 64), 0.0, "knobs")
    midi.lost("knobs")
    midi.hear(cc(91, 10), 1.0, "knobs")
    assert hands.asked("space") == [0.5]


# -- learning --------------------------------------------------------------------------------------------------------


def test_learned_is_used_saved_and_loaded(hands, tmp_path: Path) -> None:
    file = MapFile(tmp_path / "midi.toml")
    midi = MidiHands(hands, file=file)
    midi.learn("motion", takeover="jump")
    assert midi.learning == "motion"
    midi.hear(cc(99, 1, 5) + cc(98, 1, 5), 0.0)
    midi.hear(cc(77, 12, 5), 0.1)
    assert midi.learning is None and not hands.calls and "CC 77 on channel 5 is now motion" in midi.words
    midi.hear(cc(77, 127, 5), 0.2)
    assert hands.asked("motion") == [1.0]
    again = MidiHands(hands, file=file)
    again.hear(cc(77, 0, 5), 0.0)
    assert hands.asked("motion") == [1.0, 0.0] and again.mapping == midi.mapping


def test_a_knob_of_seven_bits_is_learned_when_time_passes(hands) -> None:
    midi = MidiHands(hands)
    midi.learn("panic")
    midi.hear(cc(20, 99), 0.0)
    assert midi.learning == "panic"
    midi.tick(1.0)
    assert midi.learning is None and midi.mapping.at("cc", 20, 1).target == "panic"


def test_a_pedal_can_be_a_verb(hands) -> None:
    midi = MidiHands(hands)
    midi.hear(cc(64, 127), 0.0)
    midi.learn("advance")
    midi.hear(cc(64, 0), 0.1), midi.hear(cc(64, 127), 0.2)
    midi.hear(cc(64, 0), 0.3), midi.hear(cc(64, 127), 0.4)
    assert hands.calls == [("verb", "advance")]


def test_keys_end_while_learning(hands) -> None:
    midi = MidiHands(hands)
    midi.hear(note(60, 99, 4), 0.0)
    midi.learn("hold")
    midi.hear(note(60, 0, 4), 0.1)
    assert midi.sounding == 0 and midi.learning == "hold"
    midi.stop_learning()
    assert midi.learning is None


def test_what_cannot_be_learned_or_saved_is_told(hands, tmp_path: Path) -> None:
    midi = MidiHands(hands, file=MapFile(tmp_path))  # a folder
    assert midi.troubles == 1
    with pytest.raises(MidiError, match="motion"):
        midi.learn("moton")
    midi.learn("motion")
    midi.hear(cc(77, 1), 0.0)
    assert midi.mapping.at("cc", 77, 1).target == "motion" and "cannot be written" in midi.words[-1]


# -- feedback --------------------------------------------------------------------------------------------------------


def sent(data: list[bytes]) -> dict[tuple[int, int], int]:
    messages, troubles = Decoder().feed(b"".join(data))
    assert not troubles
    return {(m.channel + 1, m.number): m.value for m in messages}


def test_faders_are_shown_where_controls_are(hands) -> None:
    midi = MidiHands(hands)
    first = sent(midi.tick(0.0))
    assert first[1, 91] == 64 and first[3, 10] == 64 and first[16, 7] == round(64 + 63 * ((14 / 17) - 0.5) * 2)
    assert midi.tick(0.1) == []
    hands.controls["level_bass_db"] = -60.0
    assert sent(midi.tick(0.2)) == {(2, 7): 0, (1, 103): 0}
    hands.controls["space"] = 0.5001
    assert midi.tick(0.3) == [], "less than a step"
    midi.show()
    assert len(sent(midi.tick(0.4))) == len(first), "to a controller that came later"


def test_a_knob_that_was_learned_anew_is_shown_its_new_control(hands) -> None:
    midi = MidiHands(hands)
    midi.hear(cc(91, 64), 0.0)
    midi.learn("motion")
    midi.hear(cc(91, 100), 0.1)
    assert sent(midi.tick(0.2))[1, 91] == round(0.3 * 128)


def test_the_knob_that_moves_is_not_answered(hands) -> None:
    midi = MidiHands(hands, MidiMap((Binding(Source("cc", 50, 2), "space"),)))
    midi.tick(0.0)
    midi.hear(cc(91, 64, 5), 1.0), midi.hear(cc(91, 90, 5), 1.1)
    hands.controls["space"], hands.held = 90 / 127, frozenset({"space"})
    assert set(sent(midi.tick(1.2))) == {(2, 50)}
    hands.controls["space"] = 0.0
    assert sent(midi.tick(1.6)) == {(5, 91): 0, (2, 50): 0}, "another hand moved it: now the knob follows"
    midi.hear(cc(91, 0, 5), 3.0), midi.hear(cc(91, 20, 5), 3.1)
    hands.controls["space"] = 20 / 128
    assert set(sent(midi.tick(3.2))) == {(2, 50)}
    hands.controls["space"] = 0.0
    assert sent(midi.tick(3.6)) == {(5, 91): 0, (2, 50): 0}, "though it is what the knob was sent last"


def test_an_echo_is_not_a_hand(hands) -> None:
    midi = MidiHands(hands)
    for data in midi.tick(0.0):
        midi.hear(data, 0.1)
    assert not hands.calls
    midi.hear(cc(91, 64), 1.0)
    assert hands.asked("space") == [0.5], "later it is one"


def test_fine_faders_are_answered_finely(hands) -> None:
    midi = MidiHands(hands)
    midi.hear(cc(1, 10) + cc(33, 5), 0.0)
    data = sent(midi.tick(0.1))
    assert (1, 1) in data and (1, 33) in data


# -- whole sessions and junk -------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.binary(max_size=60), st.floats(0.0, 0.1)), max_size=10))
def test_no_bytes_raise_or_ask_for_what_is_not(pieces: list[tuple[bytes, float]]) -> None:
    from synth.controls import defaults

    class Asked:
        controls, held = defaults(), frozenset[str]()
        sounding: set[tuple[float, str]] = set()

        def request(self, name, value, by, reason):
            assert TABLE[name].low <= value <= TABLE[name].high

        def play(self, pitch, velocity, stem, by):
            assert 0.0 <= velocity <= 1.0
            (self.sounding.add if velocity else self.sounding.discard)((pitch, stem))

        def verb(self, name):
            raise AssertionError("no pad is bound")

        def panic(self):
            pass

    hands, now_s = Asked(), 0.0
    midi = MidiHands(hands, jumping(Binding(Source("nrpn", 0), "space"), Binding(Source("bend"), "key")))
    for data, wait_s in pieces:
        now_s += wait_s
        midi.hear(data, now_s)
        midi.tick(now_s)
    midi.close()
    assert not hands.sounding


def test_the_person_s_value_holds_against_the_loop_and_is_handed_back_smoothly() -> None:
    lines: list[dict] = []
    session = Session("settle", minutes=2, audio=False, record=lines.append)
    midi = MidiHands(session, MidiMap((Binding(Source("note", 43, 10), "release"),)))

    def pass_s(seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            session.render(session.sample_rate // 10)
            midi.tick(session.time_s)

    pass_s(1.0)
    midi.hear(cc(74, 0), session.time_s), midi.hear(cc(74, 127), session.time_s)
    pass_s(10.0)
    assert session.controls["brightness_oct"] == 1.5 and "brightness_oct" in session.held
    commit = next(line for line in lines if line["type"] == "commit" and line.get("by") == "hand:midi")
    assert commit["reason"] == "CC 74 on channel 1"
    midi.hear(note(43, 127, 10), session.time_s)
    values = [session.controls["brightness_oct"]]
    for _ in range(100):
        pass_s(0.1)
        values.append(session.controls["brightness_oct"])
    assert "brightness_oct" not in session.held and values[-1] < 1.4, "the loop takes it along"
    steps = [abs(after - before) for before, after in zip(values, values[1:], strict=False)]
    assert max(steps) <= TABLE["brightness_oct"].rate_down * 0.11
    midi.hear(cc(74, 125), session.time_s)
    pass_s(0.1)
    assert "brightness_oct" not in session.held, "given back, it has to be picked up again"
    midi.hear(cc(74, 0), session.time_s)
    pass_s(0.1)
    assert "brightness_oct" in session.held


def test_a_key_is_a_note_of_the_session() -> None:
    lines: list[dict] = []
    session = Session("settle", minutes=2, audio=False, record=lines.append)
    midi = MidiHands(session)
    session.render(session.sample_rate)
    midi.hear(note(60, 96, 4), session.time_s)
    session.render(session.sample_rate // 2)
    midi.hear(note(60, 0, 4), session.time_s)
    midi.hear(note(60, 96, 10), session.time_s)
    session.render(session.sample_rate // 2)
    played = [line for line in lines if line["type"] == "played"]
    assert [(line["pitch"], line["stem"], line["by"]) for line in played[:2]] == [(60.0, "melody", "hand:midi")] * 2
    assert any(n.stem == "melody" and n.pitch == 60.0 for n in session.score.notes)
    assert midi.troubles == (0 if len(played) == 3 else 1)  # not every preset has percussion
