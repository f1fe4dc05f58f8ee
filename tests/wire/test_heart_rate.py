"""Heart rate packets: known ones, there and back, and whatever bytes may come."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from synth.wire.heart_rate import HeartRate, decode, encode

GOLDEN = json.loads((Path(__file__).parent / "hrs_2a37_golden.json").read_text(encoding="utf-8"))
REJECTED = [packet for packet in GOLDEN if "error" in packet["expect"]]
KNOWN = [packet for packet in GOLDEN if "error" not in packet["expect"]]

words = st.integers(0, 65535)
beats = st.builds(
    HeartRate,
    bpm=words,
    contact=st.none() | st.booleans(),
    energy_kj=st.none() | words,
    rr_s=st.lists(words.map(lambda ticks: ticks / 1024), max_size=9).map(tuple),
)


@pytest.mark.parametrize("packet", KNOWN, ids=lambda packet: packet["name"])
def test_known_packets_mean_what_they_mean(packet: dict) -> None:
    beat, expected = decode(bytes.fromhex(packet["hex"])), packet["expect"]
    assert beat is not None
    assert beat.bpm == expected["hr"]
    assert beat.contact == expected.get("contact")
    assert beat.energy_kj == expected.get("energy_kJ")
    assert [rr_s * 1024 for rr_s in beat.rr_s] == expected["rr_1024"]
    if "rr_ms" in expected:
        assert [rr_s * 1000 for rr_s in beat.rr_s] == expected["rr_ms"]
    assert beat.left_over == ("odd" in packet["name"])


@pytest.mark.parametrize("packet", REJECTED, ids=lambda packet: packet["name"])
def test_packets_that_hold_no_heart_rate_are_refused(packet: dict) -> None:
    assert decode(bytes.fromhex(packet["hex"])) is None


@pytest.mark.parametrize("packet", [p for p in KNOWN if "odd" not in p["name"]], ids=lambda packet: packet["name"])
def test_known_packets_are_written_as_they_were(packet: dict) -> None:
    beat = decode(bytes.fromhex(packet["hex"]))
    assert beat is not None
    assert encode(beat).hex() == packet["hex"]


@given(beats)
@example(HeartRate(255))
@example(HeartRate(256))
def test_there_and_back(beat: HeartRate) -> None:
    assert decode(encode(beat)) == beat


def test_bytes_that_no_flag_announces_are_no_interval() -> None:
    assert decode(bytes.fromhex("003c0004")) == HeartRate(60, left_over=2)


def test_every_packet_of_twenty_bytes_has_room_for_nine_intervals() -> None:
    assert len(encode(HeartRate(255, contact=True, rr_s=(0.5,) * 9))) == 20


@given(beats, st.data())
def test_a_packet_cut_short_tells_less_but_nothing_else(beat: HeartRate, data: st.DataObject) -> None:
    packet = encode(beat)
    cut = decode(packet[: data.draw(st.integers(0, len(packet) - 1))])
    if cut is None:
        return
    assert (cut.bpm, cut.contact, cut.energy_kj) == (beat.bpm, beat.contact, beat.energy_kj)
    assert cut.rr_s == beat.rr_s[: len(cut.rr_s)]
    assert len(cut.rr_s) < len(beat.rr_s) and cut.left_over in (0, 1)


@given(st.binary(max_size=600))
def test_any_bytes_are_read_or_refused(packet: bytes) -> None:
    beat = decode(packet)
    if beat is None:
        assert len(packet) < 6
        return
    fixed = 2 + (packet[0] & 1) + 2 * (beat.energy_kj is not None)
    assert fixed + 2 * len(beat.rr_s) + beat.left_over == len(packet)
    assert 0 <= beat.bpm <= 65535 and all(0 <= rr_s < 64 for rr_s in beat.rr_s)


@pytest.mark.parametrize("reserved", [0x20, 0x40, 0x80])
def test_flags_of_later_versions_change_nothing(reserved: int) -> None:
    packet = bytes.fromhex("103c0004")
    assert decode(bytes([packet[0] | reserved]) + packet[1:]) == decode(packet)


def test_detected_contact_counts_only_where_it_is_supported() -> None:
    told = [decode(bytes([flags, 60])) for flags in (0, 2, 4, 6)]
    assert told == [HeartRate(60), HeartRate(60), HeartRate(60, contact=False), HeartRate(60, contact=True)]


@pytest.mark.parametrize(
    "beat",
    [
        HeartRate(-1),
        HeartRate(65536),
        HeartRate(60, energy_kj=65536),
        HeartRate(60, rr_s=(64.0,)),
        HeartRate(60, rr_s=(0.8,)),
        HeartRate(60, rr_s=(float("nan"),)),
    ],
)
def test_what_has_no_place_in_a_packet_is_refused_in_words(beat: HeartRate) -> None:
    with pytest.raises(ValueError, match="whole number"):
        encode(beat)
