"""A packet written as lines is heard again as it was, whatever is in it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.wearables.channels import quality_of
from synth.wearables.clock import Timeline
from synth.wearables.log_lines import LINE_SAMPLES, as_logged, lines_of
from synth.wearables.packet import Packet
from synth.wearables.packet_log import PacketLog
from synth.wearables.recording import RecordingError
from synth.wearables.samples import CHANNELS, Samples

TYPICAL = {"hr": 71.0, "rr_ms": 810.0, "eda": 2.5, "temp": 33.0, "acc": 1.01, "resp_bpm": 14.0, "eeg_contact": 0.75}


def written(path: Path, *packets: Packet) -> PacketLog:
    with path.open("w") as file:
        file.writelines(f"{line}\n" for packet in packets for line in lines_of(packet))
    return PacketLog(path)


def same(one: Samples, other: Samples) -> None:
    assert one.channel == other.channel
    for a, b in ((one.t_s, other.t_s), (one.value, other.value), (one.quality, other.quality)):
        np.testing.assert_array_equal(a, b)


def judged(channel: str, t_s: object, value: list[float]) -> Samples:
    return Samples.of(channel, t_s, value, quality_of(channel, np.array(value)))


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_channel_comes_back(channel: str, tmp_path: Path) -> None:
    value = TYPICAL.get(channel, 0.3)
    packet = Packet("strap", 0.0, (judged(channel, [1e5, 1e5 + 1 / 3], [value, value * 1.01]),))
    (back,) = written(tmp_path / "log.jsonl", packet).packets()
    assert back.device == "strap" and back.timed
    same(back.samples[0], packet.samples[0])


@given(
    value=st.lists(st.floats(60.0, 80.0) | st.sampled_from([np.nan, np.inf, -np.inf, 1e40, 0.0, 999.0]), min_size=1),
    quality=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    start_s=st.floats(-1e6, 2e9),
)
def test_values_times_and_qualities_come_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, value: list[float], quality: float, start_s: float
) -> None:
    sent = np.array([70.0] * 40 + value)  # so that there is no doubt of the unit
    run = Samples.of("hr", start_s + np.arange(sent.size) / 7, sent, quality_of("hr", sent) * quality)
    log = written(tmp_path_factory.mktemp("log") / "log.jsonl", Packet("a", 0.0, (run,)))
    (packet,) = log.packets()
    (back,) = packet.samples
    kept = np.abs(np.nan_to_num(sent, nan=np.inf)) < 1e30
    same(Samples("hr", back.t_s, back.value[kept], back.quality), Samples("hr", run.t_s, sent[kept], run.quality))
    assert np.isnan(back.value[~kept]).all() and log.repairs == ()


def test_long_runs_take_several_lines_and_one_packet(tmp_path: Path) -> None:
    t = np.arange(2 * LINE_SAMPLES + 7) / 64
    packet = Packet("e4", 0.0, (judged("bvp", t, np.sin(t).tolist()), judged("hr", [1.0], [70.0])))
    assert len(list(lines_of(packet))) == 4
    (back,) = written(tmp_path / "log.jsonl", packet).packets()
    for one, other in zip(back.samples, packet.samples, strict=True):
        same(one, other)


def test_each_line_has_one_quality_and_says_so_only_where_it_is_not_full() -> None:
    run = Samples.of("hr", [1, 2, 3, 4], [70, 71, 72, 73], [1.0, 1.0, 0.0, 1.0])
    lines = [json.loads(line) for line in lines_of(Packet("a", 9.0, (run,)))]
    assert [(line["v"], line.get("quality")) for line in lines] == [([70, 71], None), (72, 0.0), (73, None)]
    assert all(line["recv"] == 9.0 and line["device"] == "a" and line["ch"] == "hr" for line in lines)


def test_times_that_no_clock_tells_leave_no_line(tmp_path: Path) -> None:
    lost = Samples.of("hr", [np.nan, np.inf, -np.inf, 2e11], [70, 70, 70, 70])
    assert list(lines_of(Packet("a", 0.0, (lost, Samples.of("eda", [], []))))) == []
    with pytest.raises(RecordingError):
        written(tmp_path / "log.jsonl", Packet("a", 0.0, (lost,)))


def test_a_device_without_a_clock_has_session_time_for_one_and_is_not_mixed_up_with_its_own(tmp_path: Path) -> None:
    beats = Samples.of("rr_ms", [101.2, 102.0], [800, 800])
    untimed = as_logged(Packet("strap", 102.1, (beats,), timed=False), 100.0)
    timed = as_logged(Packet("strap", 102.1, (beats,)), 100.0)
    assert untimed.timed and untimed.device != timed.device == "strap"
    assert untimed.received_s == timed.received_s == pytest.approx(2.1)
    np.testing.assert_allclose(untimed.samples[0].t_s, [1.2, 2.0], atol=1e-12)
    np.testing.assert_array_equal(timed.samples[0].t_s, beats.t_s)


def test_devices_that_differ_only_at_the_end_of_long_names_stay_apart(tmp_path: Path) -> None:
    names = ["x" * 100 + end for end in ("1", "2")]
    packets = [
        as_logged(Packet(name, 0.0, (judged("hr", [t], [70.0]),)), 0.0) for name, t in zip(names, (1, 99), strict=True)
    ]
    log = written(tmp_path / "log.jsonl", *packets)
    timeline = Timeline()
    assert [timeline.place(packet)[0].t_s[0] for packet in log.packets()] == [0.0, 0.0]
    assert timeline.repairs == () and len({packet.device for packet in log.packets()}) == 2
