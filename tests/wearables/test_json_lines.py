"""JSON lines: each way of writing one, what is wrong told in words, and streams of every kind read live."""

from __future__ import annotations

import io
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.wearables.channels import Units
from synth.wearables.json_lines import LINE_BYTES, JsonLines, Line, LineSplitter, merged, parse_line
from synth.wearables.packet import Packet
from synth.wearables.samples import CHANNELS, Samples


def said(line: Line) -> dict[str, tuple[list[float], list[float]]]:
    """Times and values of a line by channel."""
    return {run.channel: (run.t_s.tolist(), run.value.tolist()) for run in line.samples}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"t": 12.5, "ch": "hr", "v": 71}', {"hr": ([12.5], [71.0])}),
        ('{"time": 12.5, "channel": "Heart_Rate", "value": "71"}', {"hr": ([12.5], [71.0])}),
        ('{"timestamp": "12.5", "name": "bpm", "v": 71.0}', {"hr": ([12.5], [71.0])}),
        ('{"t_s": 12.5, "type": "pulse", "value": 71}', {"hr": ([12.5], [71.0])}),
        ('{"T": 12.5, " CH ": "hr", "V": 71}', {"hr": ([12.5], [71.0])}),
        ('{"type": "sample", "ch": "hr", "t": 12.5, "v": 71}', {"hr": ([12.5], [71.0])}),
        ('\ufeff {"t": 12.5, "ch": "hr", "v": 71}\r\n', {"hr": ([12.5], [71.0])}),
        ('{"t_ms": 12500, "hr": 71}', {"hr": ([12.5], [71.0])}),
        ('{"t": 1.5, "ch": "ibi", "v": 0.8}', {"rr_ms": ([1.5], [800.0])}),
        ('{"t": 1.5, "rr_ms": 800}', {"rr_ms": ([1.5], [800.0])}),
        ('{"t": 1.5, "eda_nS": 400}', {"eda": ([1.5], [0.4])}),
        ('{"t": 0, "hr": 72, "eda": 0.4, "mood": "fine"}', {"hr": ([0.0], [72.0]), "eda": ([0.0], [0.4])}),
        ('{"t": 1, "ch": "acc", "v": [0, 0.6, 0.8]}', {"acc": ([1.0], [1.0])}),
        ('{"t": 1, "acc": [0, 9.80665, 0]}', {"acc": ([1.0], [1.0])}),
        ('{"t": 1, "x": 0, "y": 0.6, "z": 0.8, "hr": 70}', {"hr": ([1.0], [70.0]), "acc": ([1.0], [1.0])}),
        ('{"t": 1, "ch": "acc", "x": 0, "y": 0.6, "z": 0.8}', {"acc": ([1.0], [1.0])}),
        ('{"t": [1, 2], "ch": "acc", "v": [[0, 0, 1], [0, 2, 0]]}', {"acc": ([1.0, 2.0], [1.0, 2.0])}),
        ('{"t": [1, 2, 3], "ch": "acc", "v": [1, 1, 1.5]}', {"acc": ([1.0, 2.0, 3.0], [1.0, 1.0, 1.5])}),
        ('{"t": [1, 1.25], "ch": "eda", "v": [2, null]}', {"eda": ([1.0, 1.25], [2.0, np.nan])}),
        ('{"t": 10, "ch": "rr", "v": [0.8, 0.75, 0.85]}', {"rr_ms": ([8.4, 9.15, 10.0], [800.0, 750.0, 850.0])}),
        ('{"t": 1, "eeg_tp9": 801.5, "AF7": 795, "alpha": 0.5}',
         {"eeg_tp9": ([1.0], [801.5]), "eeg_af7": ([1.0], [795.0]), "eeg_alpha": ([1.0], [0.5])}),
        ('{"t": 1, "valence": -0.5, "liking": 1}', {"self_valence": ([1.0], [-0.5]), "feedback": ([1.0], [1.0])}),
    ],
)  # fmt: skip
def test_the_ways_a_line_is_written(text: str, expected: dict[str, tuple[list[float], list[float]]]) -> None:
    for given_text in (text, text.encode()):
        line = parse_line(given_text)
        got = said(line)
        assert set(got) == set(expected) and line.timed
        for channel, (t, value) in expected.items():
            np.testing.assert_allclose(got[channel][0], t, rtol=1e-12)
            np.testing.assert_allclose(got[channel][1], value, rtol=1e-9)
        assert all("look like" in trouble for trouble in line.troubles), line.troubles


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine far from Greenwich."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("1700000000.25", 1700000000.25), ("1700000000250", 1700000000.25), ("1700000000250000", 1700000000.25),
        ("1700000000250000000", 1700000000.25), ('"2023-11-14T22:13:20.25Z"', 1700000000.25),
        ('"2023-11-14T23:13:20.250+01:00"', 1700000000.25), ('"2023-11-14 22:13:20"', 1700000000.0),
        ('"20231114T221320"', 1700000000.0), ("-3.5", -3.5), ("0", 0.0),
    ],
)  # fmt: skip
def test_times_of_every_kind(told: str, seconds: float, elsewhere: None) -> None:
    line = parse_line(f'{{"timestamp": {told}, "hr": 70}}')
    assert line.samples[0].t_s[0] == pytest.approx(seconds, abs=1e-4) and line.timed and line.troubles == ()


@pytest.mark.parametrize("told", ["null", '"NaN"', "NaN", "Infinity", "-Infinity", '""', '"null"', '"-inf"', "1e999"])
def test_a_missing_value_is_heard_but_is_none(told: str) -> None:
    line = parse_line(f'{{"t": 3, "ch": "hr", "v": {told}, "recv": 3.1}}')
    assert line.troubles == () and line.received_s == 3.1
    (run,) = line.samples
    assert run.t_s.tolist() == [3.0] and np.isnan(run.value).all() and run.quality.tolist() == [0.0]


@pytest.mark.parametrize(
    ("text", "trouble", "kept"),
    [
        ("what", "not JSON", 0), ('{"t": 1, "hr": 70', "not JSON", 0), ("[" * 100_000, "not JSON", 0),
        ('{"t": 1, "hr": 7' + "0" * 5000 + "}", "not JSON", 0),
        ("[1, 2]", "no object", 0), ("3", "no object", 0), ("null", "no object", 0),
        ('{"t": 1}', "without a channel", 0), ('{"t": 1, "ch": "mood", "v": 3}', "'mood', not a channel", 0),
        ('{"t": 1, "ch": "hr"}', "without a channel", 0),
        ('{"t": 1, "ch": "hr", "v": "fast"}', "values of hr that are no numbers", 0),
        ('{"t": 1, "ch": "hr", "v": true}', "values of hr that are no numbers", 0),
        ('{"t": 1, "ch": "hr", "v": {"a": 1}}', "values of hr that are no numbers", 0),
        ('{"t": 1, "ch": "acc", "v": [1, 2, "x"]}', "values of acc that are no numbers", 0),
        ('{"t": 1, "ch": "eda", "v": [1, 2]}', "lists of eda without a list of times", 0),
        ('{"t": [1, 2], "ch": "eda", "v": [1]}', "lists of eda with more times than values", 0),
        ('{"t": [1], "ch": "eda", "v": [1, 2]}', "lists of eda with fewer times than values", 0),
        ('{"t": [1, null], "ch": "eda", "v": [1, 2]}', "times of eda that are none", 1),
        ('{"t": "soon", "hr": 70}', "times that are none; when they came counts", 1),
        ('{"t": true, "hr": 70}', "times that are none", 1),
        ('{"t": "9999-99-99", "hr": 70}', "times that are none", 1),
        ('{"t": 1, "hr": 70, "eda": "x"}', "values of eda", 1),
        ("x" * (LINE_BYTES + 1), "longer than", 0),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_and_the_rest_kept(text: str, trouble: str, kept: int) -> None:
    line = parse_line(text)
    assert any(trouble in told for told in line.troubles), line.troubles
    assert sum(map(len, line.samples)) == kept


@pytest.mark.parametrize("key", ["device", "t", "v", "recv", "q", "ch", "hr", "x"])
def test_nesting_of_any_depth_is_survived(key: str) -> None:
    for depth in range(1, 1100, 7):
        line = parse_line(f'{{"ch": "hr", "{key}": {"[" * depth}{"]" * depth}}}')
        assert line.samples == ()  # nothing is made of it, whatever is told


def test_a_blank_line_says_nothing() -> None:
    assert parse_line("") == parse_line(b" \r\n") == Line()


def test_a_line_without_a_time_came_when_it_came() -> None:
    line = parse_line('{"hr": 70, "rr": [0.8, 0.9]}')
    assert not line.timed and line.troubles == ()
    assert said(line) == {"hr": ([0.0], [70.0]), "rr_ms": ([-0.9, 0.0], [800.0, 900.0])}


def test_receipt_device_and_quality() -> None:
    line = parse_line('{"t": 5, "hr": 70, "received_s": "2023-11-14T22:13:20Z", "dev": "H10", "q": 0.5}')
    assert (line.device, line.received_s, line.samples[0].quality[0]) == ("H10", 1.7e9, 0.5)
    for told, device in (('"a"', "a"), ("7", "7"), ("null", ""), ("[[]]", ""), ("{}", ""), (f'"{"x" * 99}"', "x" * 64)):
        assert parse_line(f'{{"hr": 70, "device": {told}}}').device == device
    for told, quality in (("7", 1.0), ("-1", 0.0), ('"?"', 1.0), ("null", 1.0)):
        assert parse_line(f'{{"t": 5, "hr": 70, "quality": {told}}}').samples[0].quality[0] == quality
    assert parse_line('{"t": 5, "hr": 250, "quality": 1}').samples[0].quality[0] == 0.0


def test_units_are_remembered_from_line_to_line() -> None:
    units = Units()
    for _ in range(5):
        parse_line('{"hr": 70}', units)
    assert said(parse_line('{"hr": 4}', units)) == {"hr": ([0.0], [4.0])}
    assert said(parse_line('{"hr": 4}')) == {"hr": ([0.0], [240.0])}


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(
    ["t", "time", "t_ms", "ch", "name", "v", "value", "recv", "device", "q", "x", "y", "z", "hr", "acc"]
)


@settings(max_examples=300)
@given(st.dictionaries(keys, json_values | st.sampled_from(["hr", "rr_s", "acc"]), max_size=7))
def test_any_object_is_survived(fields: dict[str, object]) -> None:
    for run in parse_line(json.dumps(fields)).samples:
        assert run.channel in CHANNELS and run.t_s.shape == run.value.shape == run.quality.shape and len(run)
        assert np.isfinite(run.t_s).all() and ((run.quality >= 0) & (run.quality <= 1)).all()
        assert (np.isfinite(run.value) | (run.quality == 0)).all()


@settings(max_examples=200)
@given(st.binary(max_size=80) | st.text(max_size=80))
def test_any_bytes_are_survived(line: bytes | str) -> None:
    told = parse_line(line)
    assert told.samples == () or told.samples[0].channel in CHANNELS


@given(st.lists(st.binary(max_size=20)), st.lists(st.integers(0, 300), max_size=10))
def test_lines_are_cut_alike_wherever_the_chunks_end(lines: list[bytes], cuts: list[int]) -> None:
    lines = [line.replace(b"\n", b"") for line in lines]
    data = b"\n".join(lines)
    ends = sorted(min(cut, len(data)) for cut in [*cuts, len(data)])
    splitter = LineSplitter()
    got = [line for i, end in enumerate(ends) for line in splitter.feed(data[ends[i - 1] if i else 0 : end])]
    got += splitter.end()
    assert b"\n".join(got) == data.removesuffix(b"\n" if lines and not lines[-1] else b"")


def test_a_line_without_end_is_cut_off_and_the_next_ones_read() -> None:
    splitter = LineSplitter()
    lines = splitter.feed(b"x" * (LINE_BYTES + 10)) + splitter.feed(b"x" * 10) + splitter.feed(b'x\n{"hr": 70}\nrest')
    assert [len(line) for line in lines] == [LINE_BYTES + 1, 10]
    assert splitter.end() == [b"rest"] and splitter.end() == []


def test_runs_of_a_channel_are_merged_in_order() -> None:
    runs = [Samples.of("hr", 1, 70), Samples.of("eda", 1, 2), Samples.of("hr", [3, 2], [72, 71], [0, 1])]
    heart, skin = merged(runs)
    assert (heart.channel, heart.t_s.tolist(), heart.value.tolist()) == ("hr", [1, 3, 2], [70, 72, 71])
    assert heart.quality.tolist() == [1, 0, 1] and skin is runs[1]


class Wall:
    """A clock that counts its calls, so that arrival times can be told."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> float:
        self.calls += 1
        return float(self.calls)


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10.0
    while not found():
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.005)


def heard(source: JsonLines, count: int) -> list[Packet]:
    """Packets as they come, until `count` samples were heard."""
    packets: list[Packet] = []

    def enough() -> bool:
        packets.extend(source.packets())
        return sum(len(run) for packet in packets for run in packet.samples) >= count

    until(enough)
    return packets


LINES = b'{"t": 1, "hr": 70}\n{"t": 2, "hr": 71, "device": "H10"}\nbad\n{"hr": 72}\n{"t": 3, "eda": 2}'


def pairs(packets: list[Packet]) -> set[tuple[str, bool, str, float, float]]:
    return {
        (packet.device, packet.timed, run.channel, t, value)
        for packet in packets
        for run in packet.samples
        for t, value in zip(run.t_s.tolist(), run.value.tolist(), strict=True)
    }


@pytest.fixture(params=["pipe", "text pipe", "socket", "memory", "text memory"])
def stream(request: pytest.FixtureRequest) -> Iterator[object]:
    if request.param.endswith("memory"):
        yield io.BytesIO(LINES) if request.param == "memory" else io.StringIO(LINES.decode())
    elif request.param == "socket":
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                theirs.sendall(LINES)
            yield ours
    else:
        reading, writing = os.pipe()
        with os.fdopen(writing, "wb") as file:
            file.write(LINES)
        with os.fdopen(reading, "rb" if request.param == "pipe" else "r") as file:
            yield file


def test_streams_of_every_kind_are_read_to_their_end(stream: object) -> None:
    clock = Wall()
    with JsonLines(stream, clock) as source:  # type: ignore[arg-type]
        packets = heard(source, 4)
        until(lambda: "ended" in source.status)
        packets += source.packets()
        assert source.repairs == {"lines that are not JSON; left out": 1}
    untimed = next(packet for packet in packets if not packet.timed)
    assert pairs(packets) == {
        ("json", True, "hr", 1.0, 70.0), ("H10", True, "hr", 2.0, 71.0), ("json", True, "eda", 3.0, 2.0),
        ("json", False, "hr", untimed.received_s, 72.0),
    }  # fmt: skip
    assert untimed.received_s <= clock.calls and sorted(p.received_s for p in packets) == [
        p.received_s for p in packets
    ]


def test_a_file_is_read_on_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "live.jsonl"
    path.write_bytes(b'{"hr": 70}\n{"hr"')
    with path.open("rb") as reading, path.open("ab") as writing, JsonLines(reading, Wall(), device="watch") as source:
        assert {packet.device for packet in heard(source, 1)} == {"watch"}
        writing.write(b': 71}\n{"hr": 72}\n')
        writing.flush()
        assert [value for *_, value in sorted(pairs(heard(source, 2)))] == [71.0, 72.0]
        assert source.status == "receiving"


def test_it_ends_at_once_while_nothing_comes() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb"), os.fdopen(reading, "rb") as stream:
        with JsonLines(stream, Wall()) as source:
            assert source.status == "waiting for lines" and source.packets() == []
            thread = source._thread
        assert not thread.is_alive()


def test_a_stream_that_breaks_is_told_of_and_harms_nothing() -> None:
    stream = io.BytesIO(LINES)
    stream.close()
    with JsonLines(stream, Wall()) as source:
        until(lambda: "broke" in source.status)
        assert source.packets() == []


def test_words_for_troubles_are_bounded() -> None:
    lines = b"".join(b'{"t": 1, "ch": "channel %d", "v": 1}\n' % i for i in range(500))
    with JsonLines(io.BytesIO(lines), Wall()) as source:
        until(lambda: "ended" in source.status)
        assert len(source.repairs) <= 65 and sum(source.repairs.values()) == 500
