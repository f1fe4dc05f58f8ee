"""OSC packets: the same as a published encoder's both ways, forgiving, and proof against any bytes."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from synth.wire.osc import MAX_DEPTH, Message, bundle, decode, encode


def only(packet: bytes) -> Message:
    """The one message of a sound packet."""
    messages, troubles = decode(packet)
    assert troubles == [] and len(messages) == 1
    return messages[0]


def float32(x: float) -> float:
    return struct.unpack(">f", struct.pack(">f", x))[0]


def built(address: str, *args: tuple[object, str | list[str]]) -> bytes:
    """A message of python-osc's encoder."""
    builder = OscMessageBuilder(address)
    for value, kind in args:
        builder.add_arg(value, kind)  # type: ignore[arg-type]
    return builder.build().dgram


@pytest.mark.parametrize(
    ("given_args", "types", "args"),
    [
        ([(1, "i"), (-(2**31), "i")], "ii", (1, -(2**31))),
        ([(2**40, "h")], "h", (2**40,)),
        ([(0.1, "f"), (0.1, "d")], "fd", (float32(0.1), 0.1)),
        ([("", "s"), ("abc", "s"), ("abcd", "s"), ("Größe", "s")], "ssss", ("", "abc", "abcd", "Größe")),
        ([(b"\x00\x01\x02", "b"), (b"1234", "b")], "bb", (b"\x00\x01\x02", b"1234")),
        ([(0x11223344, "r"), ((1, 0x90, 60, 127), "m")], "rm", (b"\x11\x22\x33\x44", b"\x01\x90\x3c\x7f")),
        ([(True, "T"), (False, "F"), (None, "N")], "TFN", (True, False, None)),
        ([([1, [2.0, "x"]], ["i", ["f", "s"]]), (3, "i")], "[i[fs]]i", ([1, [2.0, "x"]], 3)),
        ([], "", ()),
    ],
)
def test_messages_of_python_osc_are_read_and_written_alike(given_args: list, types: str, args: tuple) -> None:
    packet = built("/a/b c", *given_args)
    assert only(packet) == Message(None, "/a/b c", args, types)
    flat: list = [x for arg in args for x in (arg if isinstance(arg, list) else [arg])]
    if "[" in types:
        assert encode("/a/b c", args) == packet
    else:
        assert encode("/a/b c", [x for x, kind in zip(flat, types, strict=True) if kind not in "TFN"], types) == packet


def test_types_that_python_osc_does_not_send() -> None:
    message = only(encode("/t", ["é", 1.5e9 + 0.25, None, "word"], "cttSI"))
    assert message.args == ("é", 1.5e9 + 0.25, None, "word", math.inf)
    assert only(b"/c\x00\x00,c\x00\x00" + struct.pack(">I", 0xD800)).args == ("\ufffd",)


def test_python_osc_reads_what_this_writes() -> None:
    args = [1, -2.5, "three", b"\x04\x05", True, False, None, 2**40, [6, "seven"]]
    message = OscMessage(encode("/x/y", args))
    assert message.address == "/x/y" and message.params == args
    packet = OscBundle(bundle([encode("/x", [1]), bundle([encode("/y", [2])])], timetag_s=1.7e9 + 0.5))
    assert packet.timestamp == pytest.approx(1.7e9 + 0.5, abs=1e-6)
    assert packet.content(0).params == [1] and packet.content(1).content(0).params == [2]


def test_bundles_of_python_osc_tell_their_time() -> None:
    def of(address: str) -> OscMessage:
        return OscMessage(built(address, (1, "i")))

    inner = OscBundleBuilder(1.7e9 + 0.125)  # type: ignore[arg-type]
    inner.add_content(of("/later"))
    outer = OscBundleBuilder(IMMEDIATELY)  # type: ignore[arg-type]
    outer.add_content(of("/now"))
    outer.add_content(inner.build())
    messages, troubles = decode(outer.build().dgram)
    assert troubles == []
    assert [(message.address, message.timetag) for message in messages] == [("/now", None), ("/later", 1.7e9 + 0.125)]


@pytest.mark.parametrize("unix_s", [0.0, 1.7e9, 2_085_978_495.5, 2_085_978_496.5, 3e9])
def test_time_tags_hold_before_and_after_2036(unix_s: float) -> None:
    assert only(bundle([encode("/x")], unix_s)).timetag == pytest.approx(unix_s, abs=1e-6)


@pytest.mark.parametrize(
    ("packet", "heard", "trouble"),
    [
        (b"", [], "empty packet"),
        (b"\x00\x00\x00\x00", [], "without an address"),
        (b"/old\x00\x00\x00\x00" + struct.pack(">fi", 0.5, 3), [("/old", (0.5, 3))], "no type tags"),
        (b"/old\x00\x00\x00\x00", [("/old", ())], ""),
        (b"Person0/eeg\x00,f\x00\x00" + struct.pack(">f", 2.0), [("Person0/eeg", (2.0,))], "leading slash"),
        (b"#reply\x00\x00,i\x00\x00\x00\x00\x00\x07", [("#reply", (7,))], "leading slash"),
        (b"/end", [("/end", ())], "without its end"),
        (b"/s\x00\x00,s\x00\x00abc", [("/s", ("abc",))], "string without its end"),
        (b"/s\x00\x00,s\x00\x00abc\x00", [("/s", ("abc",))], ""),
        (b"/s\x00\x00,s\x00\x00", [("/s", ())], "cut short"),
        (b"/n\x00\x00,f", [("/n", ())], "cut short"),
        (b"/n\x00\x00,ii\x00\x00\x00\x00\x07\x00\x00", [("/n", (7,))], "cut short"),
        (b"/d\x00\x00,d\x00\x00\x00\x00\x00\x00", [("/d", ())], "cut short"),
        (b"/b\x00\x00,b\x00\x00\xff\xff\xff\xff", [("/b", ())], "cut short"),
        (b"/b\x00\x00,b\x00\x00\x00\x00\x00\x05abcd", [("/b", ())], "cut short"),
        (b"/b\x00\x00,bi\x00\x00\x00\x00\x01x\x00\x00\x00\x00\x00\x00\x07", [("/b", (b"x", 7))], ""),
        (b"/q\x00\x00,iqi\x00\x00\x00\x00\x00\x00\x00\x07" + bytes(8), [("/q", (7,))], "not OSC's"),
        (b"/a\x00\x00,[i\x00\x00\x00\x00\x07", [("/a", ([7],))], "not closed"),
        (b"/a\x00\x00,i]\x00\x00\x00\x00\x07", [("/a", (7,))], "not opened"),
        (b"/\xff\x00\x00,\x00\x00\x00", [("/\ufffd", ())], ""),
        (b"#bundle\x00\x00", [], "head is cut short"),
        (b"#bundleX" + bytes(8), [], "head is cut short"),
        (bundle([encode("/x", [1])])[:-4], [("/x", ())], "longer than the packet"),
        (bundle([]) + struct.pack(">i", -4) + encode("/x"), [("/x", ())], "longer than the packet"),
        (bundle([b"", encode("/x")]), [("/x", ())], ""),
        (bundle([encode("/x")]) + b"\x00\x00", [("/x", ())], "left over"),
        (bundle([encode("/x")]), [("/x", ())], ""),
    ],
)  # fmt: skip
def test_what_senders_get_wrong_is_forgiven_and_told(packet: bytes, heard: list, trouble: str) -> None:
    messages, troubles = decode(packet)
    assert [(message.address, message.args) for message in messages] == heard
    assert any(trouble in told for told in troubles) if trouble else troubles == []


def test_nesting_is_bounded() -> None:
    packet = encode("/deep")
    for depth in range(1, MAX_DEPTH + 2):
        packet = bundle([packet])
        messages, troubles = decode(packet)
        assert len(messages) == (depth <= MAX_DEPTH)
        assert any("too deep" in told for told in troubles) == (depth > MAX_DEPTH)
    messages, troubles = decode(encode("/a", types="[" * 5000 + "]" * 5000))
    assert len(messages) == 1 and any("too deep" in told for told in troubles)


def test_what_has_no_type_is_refused() -> None:
    for args, types in (([object()], None), ([1, 2], "i"), (["x"], "f"), ([b"123"], "r"), ([1], "q"), ([2**70], "h")):
        with pytest.raises((ValueError, struct.error)):
            encode("/x", args, types)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="NUL"):
        encode("/x", ["a\x00b"])


words = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(width=32, allow_nan=False)
plain = st.one_of(numbers, words, st.binary(max_size=12), st.booleans(), st.none())
arguments = st.lists(st.recursive(plain, lambda inner: st.lists(inner, max_size=3), max_leaves=6), max_size=6)


@given(address=words.map(lambda word: f"/{word}"), args=arguments, unix_s=st.none() | st.floats(0, 4e9))
def test_what_is_written_is_read_again(address: str, args: list, unix_s: float | None) -> None:
    message = only(bundle([encode(address, args)], unix_s))
    assert (message.address, list(message.args)) == (address, args)
    assert message.timetag == (None if unix_s is None else pytest.approx(unix_s, abs=1e-6))


@settings(max_examples=300)
@given(st.binary(max_size=120) | st.binary(max_size=80).map(lambda data: bundle([data, encode("/x", [1]), data])))
def test_any_bytes_are_survived(packet: bytes) -> None:
    messages, troubles = decode(packet)
    assert messages or troubles or packet.startswith(b"#bundle")
    assert all(isinstance(message.address, str) and message.address for message in messages)


@settings(max_examples=300)
@given(args=arguments, cut=st.integers(0, 60), at=st.integers(0, 60), byte=st.integers(0, 255), old=st.booleans())
def test_damaged_packets_are_survived(args: list, cut: int, at: int, byte: int, old: bool) -> None:
    packet = bytearray(encode("/muse/eeg", args) if old else bundle([encode("/muse/eeg", args)] * 2, 1.7e9))
    packet[at % len(packet)] = byte
    messages, troubles = decode(bytes(packet[: max(len(packet) - cut, 0)]))
    assert len(messages) <= 1 + len(packet) // 4 and all(message.address for message in messages)
    assert all(isinstance(trouble, str) and trouble for trouble in troubles)
