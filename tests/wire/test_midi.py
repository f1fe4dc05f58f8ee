"""MIDI bytes: what is whole is read, whatever stands around it; what is not disturbs nothing."""

from __future__ import annotations

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.wire.midi import (
    Decoder,
    Message,
    control_change,
    encode,
    from_share,
    join14,
    parameter,
    split14,
    to_share,
)

SEVEN = st.integers(0, 127)
CHANNELS = st.integers(0, 15)
CHANNEL_MESSAGES = st.one_of(
    st.tuples(st.sampled_from(("note_on", "note_off", "poly_pressure", "control_change")), CHANNELS, SEVEN, SEVEN).map(
        lambda fields: Message(*fields)
    ),
    st.builds(lambda c, n: Message("program_change", c, n), CHANNELS, SEVEN),
    st.builds(lambda c, v: Message("pressure", c, value=v), CHANNELS, SEVEN),
    st.builds(lambda c, v: Message("pitch_bend", c, value=v), CHANNELS, st.integers(-8192, 8191)),
)
SYSTEM_MESSAGES = st.one_of(
    st.builds(lambda kind, v: Message(kind, value=v), st.sampled_from(("time_code", "song_select")), SEVEN),
    st.builds(lambda v: Message("song_position", value=v), st.integers(0, 16383)),
    st.just(Message("tune_request")),
    st.builds(lambda d: Message("sysex", data=bytes(d)), st.lists(SEVEN, max_size=40)),
)
REAL_TIME = st.sampled_from(("clock", "start", "continue", "stop", "sensing", "reset")).map(Message)
MESSAGES = CHANNEL_MESSAGES | SYSTEM_MESSAGES | REAL_TIME


def read(data: bytes) -> list[Message]:
    messages, troubles = Decoder().feed(data)
    assert not troubles
    return messages


@given(st.lists(MESSAGES, max_size=20))
def test_what_was_encoded_is_read(messages: list[Message]) -> None:
    assert read(b"".join(map(encode, messages))) == messages


@given(CHANNEL_MESSAGES | REAL_TIME | st.builds(lambda v: Message("song_position", value=v), st.integers(0, 16383)))
def test_bytes_are_those_of_mido(message: Message) -> None:
    theirs = mido.Message.from_bytes(encode(message))
    renamed = {"poly_pressure": "polytouch", "pressure": "aftertouch", "pitch_bend": "pitchwheel"}
    renamed |= {"song_position": "songpos", "sensing": "active_sensing"}
    assert theirs.type == renamed.get(message.kind, message.kind)
    if message.channel >= 0:
        assert theirs.channel == message.channel
    if message.kind == "pitch_bend":
        assert theirs.pitch == message.value
    if message.kind == "song_position":
        assert theirs.pos == message.value


@given(st.lists(MESSAGES, max_size=20), st.lists(st.integers(0, 200), max_size=8))
def test_pieces_of_any_size(messages: list[Message], cuts: list[int]) -> None:
    data = b"".join(map(encode, messages))
    decoder, found, start = Decoder(), [], 0
    for cut in (*sorted(cuts), len(data)):
        found += decoder.feed(data[start:cut])[0]
        start = max(start, cut)
    assert found == messages


@given(st.lists(CHANNEL_MESSAGES, max_size=20))
def test_running_status(messages: list[Message]) -> None:
    data, status = b"", -1
    for message in messages:
        whole = encode(message)
        data += whole[1:] if whole[0] == status else whole
        status = whole[0]
    assert read(data) == messages


@given(CHANNEL_MESSAGES | SYSTEM_MESSAGES, st.data())
def test_real_time_bytes_stand_anywhere(message: Message, data: st.DataObject) -> None:
    whole = encode(message)
    at = data.draw(st.integers(1, len(whole)))
    found = read(whole[:at] + b"\xf8" + whole[at:])
    assert sorted(found) == sorted([message, Message("clock")])


def test_a_system_message_ends_running_status() -> None:
    messages, troubles = Decoder().feed(b"\x90\x40\x40\xf2\x01\x02\x41\x41")
    assert [m.kind for m in messages] == ["note_on", "song_position"] and messages[1].value == 257
    assert troubles == ["data bytes without a status; left out"]


def test_a_message_cut_short_costs_only_itself() -> None:
    messages, troubles = Decoder().feed(b"\x90\x40\xb0\x07\x64" + b"\xf0\x01\x02\x80\x40\x00")
    assert messages == [Message("control_change", 0, 7, 100), Message("note_off", 0, 64, 0)]
    assert troubles == ["a message is cut short; left out"]


def test_an_endless_sysex_is_bounded_and_told_of() -> None:
    decoder = Decoder(max_sysex=100)
    assert decoder.feed(b"\xf0" + bytes(100_000)) == ([], [])
    assert len(decoder._data) == 100
    messages, (trouble,) = decoder.feed(b"\xf7\xfa\xf0\x05\xf7")
    assert "100 bytes" in trouble and messages == [Message("start"), Message("sysex", data=b"\x05")]


@given(st.lists(st.binary(max_size=400), max_size=4))
def test_junk_never_raises_and_what_follows_is_heard(junk: list[bytes]) -> None:
    decoder = Decoder()
    for piece in junk:
        messages, troubles = decoder.feed(piece)
        assert len(troubles) <= 5
        for message in messages:
            assert Decoder().feed(encode(message)) == ([message], [])
    messages, _ = decoder.feed(b"\xff\x91\x3c\x40")
    assert messages[-1] == Message("note_on", 1, 60, 64)


def test_what_midi_cannot_say_is_an_error() -> None:
    for wrong in (
        Message("note_on", 16, 1, 1),
        Message("note_on", 0, 128, 1),
        Message("pitch_bend", 0, value=8192),
        Message("song_position", value=-1),
        Message("sysex", data=b"\x80"),
        Message("nothing"),
    ):
        with pytest.raises(ValueError, match="."):
            encode(wrong)


def test_halves_of_14_bits() -> None:
    assert split14(join14(64, 5)) == (64, 5) and split14(16383) == (127, 127)
    with pytest.raises(ValueError, match="14 bits"):
        split14(16384)


@pytest.mark.parametrize("bits", [7, 14])
def test_shares_have_midi_s_ends_and_its_centre(bits: int) -> None:
    top, centre = (1 << bits) - 1, 1 << (bits - 1)
    assert (to_share(0, bits), to_share(centre, bits), to_share(top, bits)) == (0.0, 0.5, 1.0)
    assert [from_share(to_share(value, bits), bits) for value in range(top + 1)] == list(range(top + 1))
    assert (from_share(-3.0, bits), from_share(3.0, bits)) == (0, top)


def test_a_parameter_is_chosen_set_and_let_go() -> None:
    messages = read(b"".join(parameter(3, 0, 48 << 7)))
    assert {m.channel for m in messages} == {3}
    assert [(m.number, m.value) for m in messages] == [(101, 0), (100, 0), (6, 48), (38, 0), (101, 127), (100, 127)]
    assert [m.number for m in read(b"".join(parameter(0, 300, 1, registered=False)))][:2] == [99, 98]
    assert control_change(2, 74, 64) == b"\xb2\x4a\x40"
