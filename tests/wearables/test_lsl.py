"""LSL streams: what their descriptions mean, and the source against real outlets on this machine alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pylsl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synth.wearables import lsl
from synth.wearables.channels import Units
from synth.wearables.lsl import LslSource, Told, columns_of
from synth.wearables.packet import Packet, SourceError
from synth.wearables.samples import CHANNELS, Samples

# Read by liblsl at its first use: nothing leaves this machine, and other runs on it are not heard.
CONFIG = f"""
[ports]
IPv6 = disable
[multicast]
ResolveScope = machine
[lab]
KnownPeers = {{127.0.0.1}}
SessionID = isotone-{os.getpid()}
[log]
level = -3
"""
pylsl.set_config_content(CONFIG)


def columns(stream_type: str, *told: Told) -> list[tuple[str, tuple[int, ...], str | None]]:
    return [(c.channel, c.at, c.unit.name if c.unit else None) for c in columns_of(stream_type, told)]


@pytest.mark.parametrize(
    ("stream_type", "channel"),
    [
        ("HR", "hr"),
        ("HeartRate", "hr"),
        ("heart_rate", "hr"),
        ("RR", "rr_ms"),
        ("IBI", "rr_ms"),
        ("PPI", "rr_ms"),
        ("RR-intervals", "rr_ms"),
        ("EDA", "eda"),
        ("GSR", "eda"),
        ("PPG", "bvp"),
        ("BVP", "bvp"),
        ("RESP", "resp"),
        ("Respiration", "resp"),
        ("TEMP", "temp"),
    ],
)
def test_the_type_of_a_stream_names_its_channel(stream_type: str, channel: str) -> None:
    assert columns(stream_type, Told()) == [(channel, (0,), None)]


def test_labels_count_before_types() -> None:
    assert columns("HR", Told("confidence"), Told("HR", unit="bpm")) == [("hr", (1,), "bpm")]
    assert columns("Polar", Told("battery"), Told("a", "PPG"), Told("b", "PPG"), Told("RR", unit="s")) == [
        ("bvp", (1,), None),
        ("rr_ms", (3,), "s"),
    ]


def test_acceleration_takes_three_axes() -> None:
    xyz = [Told(axis, unit="m/s²") for axis in "XYZ"]
    assert columns("ACC", *xyz) == [("acc", (0, 1, 2), "m/s2")]
    assert columns("Accelerometer", *xyz[:2]) == []
    assert columns("ACC", Told("magnitude", unit="g")) == [("acc", (0,), "g")]
    imu = [Told(name) for name in ("GyroX", "AccX", "acc_y", "Acc.Z")]
    assert columns("IMU", *imu) == [("acc", (1, 2, 3), None)]


def test_sites_of_eeg_go_by_their_labels() -> None:
    muse = [Told(label, "EEG", "microvolts") for label in ("TP9", "AF7", "AF8", "TP10", "Right AUX")]
    assert columns("EEG", *muse) == [
        ("eeg_tp9", (0,), "uV"),
        ("eeg_af7", (1,), "uV"),
        ("eeg_af8", (2,), "uV"),
        ("eeg_tp10", (3,), "uV"),
    ]
    assert columns("EEG", Told("Fp1", unit="mV"), Told("EEG O2", unit="V")) == [
        ("eeg_fp1", (0,), "mV"),
        ("eeg_o2", (1,), "V"),
    ]
    assert columns("EEG", Told("Fp1")) == [("eeg_fp1", (0,), None)]
    assert columns("Bands", Told("eeg_alpha"), Told("beta")) == [("eeg_alpha", (0,), None)]
    assert columns("EEG", Told(), Told()) == []
    assert columns("Impedance", Told("Fp1")) == []


@pytest.mark.parametrize(
    ("channel", "word", "value", "own"),
    [
        ("EDA", "µS", 4.0, 4.0),
        ("EDA", "microSiemens", 4.0, 4.0),
        ("EDA", "nS", 4000.0, 4.0),
        ("EDA", "Siemens", 4e-6, 4.0),
        ("RR", "seconds", 0.8, 800.0),
        ("RR", "ms", 800.0, 800.0),
        ("HR", "Hz", 1.2, 72.0),
        ("TEMP", "°C", 33.0, 33.0),
        ("TEMP", "Fahrenheit", 91.4, 33.0),
        ("TEMP", "K", 306.15, 33.0),
        ("ACC", "mg", 5000.0, 5.0),
        ("ACC", "g", 5.0, 5.0),
        ("ACC", "m/s^2", 49.03325, 5.0),
    ],
)
def test_a_unit_that_is_told_is_the_unit(channel: str, word: str, value: float, own: float) -> None:
    (column,) = columns_of(channel, [Told(unit=word)])
    samples, note = column.samples("device", np.zeros(1), np.array([[value]]), Units())
    assert samples.value[0] == pytest.approx(own)
    assert samples.quality[0] == 1.0 and note == ""


@pytest.mark.parametrize(
    ("channel", "value", "own"), [("RR", 0.8, 800.0), ("ACC", 9.8, 1.0), ("EDA", 4000.0, 4.0), ("HR", 70.0, 70.0)]
)
def test_a_unit_that_is_not_told_is_judged_by_the_first_values(channel: str, value: float, own: float) -> None:
    (column,) = columns_of(channel, [Told(unit="counts")])
    units = Units()
    for value_now, own_now in ((value, own), (100.0 * value, 100.0 * own)):
        samples, _ = column.samples("device", np.zeros(40), np.full((40, 1), value_now), units)
        assert samples.value == pytest.approx(own_now, rel=0.01)


def test_the_length_of_acceleration_is_that_of_its_vector() -> None:
    (column,) = columns_of("ACC", [Told(axis, unit="mg") for axis in "xyz"])
    samples, _ = column.samples("device", np.zeros(1), np.array([[200.0, 300.0, -600.0]]), Units())
    assert samples.value.tolist() == pytest.approx([0.7])


words = st.text(max_size=12) | st.sampled_from(["EEG", "HR", "TP9", "acc x", "RR", "uV", "s", "°C", "PPG", "x"])
told = st.builds(Told, words, words, words)


@given(words, st.lists(told, min_size=1, max_size=6), st.data())
def test_any_description_and_any_values_give_samples_or_none(kind: str, told: list[Told], data: st.DataObject) -> None:
    found = columns_of(kind, told)
    assert len({column.channel for column in found}) == len(found)
    rows = data.draw(arrays(np.float64, st.tuples(st.integers(1, 5), st.just(len(told)))))
    t_s = data.draw(arrays(np.float64, rows.shape[0]))
    units = Units()
    with np.errstate(all="ignore"):
        for column in found:
            samples, _ = column.samples("device", t_s, rows, units)
            assert samples.channel in CHANNELS
            assert samples.t_s.shape == samples.value.shape == samples.quality.shape
            assert np.isfinite(samples.value).all() and np.isfinite(samples.t_s).all()


def outlet(name: str, kind: str, *told: Told, rate_hz: float = 0.0, fmt: str = "float32", source: str = "") -> Any:
    """A stream on the local network with one channel for each of `told`, or a single one not described."""
    info = pylsl.StreamInfo(name, kind, max(len(told), 1), rate_hz, fmt, source or name)
    if told:
        channels = info.desc().append_child("channels")
        for channel in told:
            node = channels.append_child("channel")
            for key, word in channel._asdict().items():
                if word:
                    node.append_child_value(key, word)
    return pylsl.StreamOutlet(info)


class Clock:
    """A session's clock, moved by hand."""

    def __init__(self) -> None:
        self.now_s = 5.0

    def __call__(self) -> float:
        return self.now_s


class Heard:
    """A source that is entered, and what it handed over up to now; `until` waits for a condition."""

    def __init__(self, wanted: str | None) -> None:
        self.clock = Clock()
        self.source = LslSource(wanted, self.clock)
        self.packets: list[Packet] = []

    def until(self, condition: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + 30.0
        while not condition():
            assert time.monotonic() < deadline_s, f"{self.source.status}; {self.source.repairs}; {self.packets}"
            self.packets += self.source.packets()
            time.sleep(0.005)

    def run(self, channel: str) -> Samples:
        found = [s for packet in self.packets for s in packet.samples if s.channel == channel]
        parts = ([getattr(s, name) for s in found] for name in ("t_s", "value", "quality"))
        return Samples.of(channel, *(np.concatenate([*part, np.empty(0)]) for part in parts))


@pytest.fixture
def listen() -> Iterator[Callable[[str | None], Heard]]:
    """Enters a source for the time of the test."""
    entered: list[LslSource] = []

    def listening(wanted: str | None = None) -> Heard:
        heard = Heard(wanted)
        entered.append(heard.source.__enter__())
        return heard

    yield listening
    for source in entered:
        source.__exit__()


Listen = Callable[..., Heard]


def reading(heard: Heard, name: str) -> Callable[[], bool]:
    return lambda: heard.source.status == f"reading {name}"


def test_a_stream_is_found_and_read_in_the_senders_time(listen: Listen) -> None:
    strap = outlet("Strap", "HR", Told("heart rate", unit="bpm"))
    heard = listen("strap")
    assert heard.source.status in ("not begun", "looking for LSL streams strap")
    heard.until(reading(heard, "Strap"))
    heard.clock.now_s = 21.0
    now_s = pylsl.local_clock()
    for n, bpm in enumerate((70.0, 71.0, 300.0, 72.0)):
        strap.push_sample([bpm], now_s - 3.0 + n)
    heard.until(lambda: len(heard.run("hr")) == 4)
    hr = heard.run("hr")
    assert hr.value.tolist() == [70.0, 71.0, 300.0, 72.0]
    assert hr.quality.tolist() == [1.0, 1.0, 0.0, 1.0]
    np.testing.assert_allclose(np.diff(hr.t_s), 1.0, atol=1e-3)
    assert hr.t_s[-1] == pytest.approx(now_s, abs=0.01)
    assert {packet.received_s for packet in heard.packets} == {21.0}
    assert all(packet.timed and packet.device.startswith("Strap ") for packet in heard.packets)
    assert heard.source.repairs == {}


def test_all_streams_of_use_are_read_at_once_when_none_is_named(listen: Listen) -> None:
    muse = outlet("Muse", "EEG", *(Told(site, "EEG", "microvolts") for site in ("TP9", "AF7", "AUX")), rate_hz=256)
    motion = outlet("Muse", "ACC", *(Told(axis, "ACC", "g") for axis in "XYZ"), rate_hz=50, source="motion")
    skin = outlet("Skin", "EDA", Told("", "", "nS"), fmt="double64")
    beats = outlet("Beats", "PPI", fmt="int16")
    marks = outlet("Marks", "Markers", fmt="string")
    gaze = outlet("Eye", "Gaze", Told("x"), Told("y"))
    heard = listen()
    heard.until(lambda: set(heard.source.status.removeprefix("reading ").split(", ")) == {"Muse", "Skin", "Beats"})
    heard.until(lambda: len(heard.source.repairs) == 3)
    muse.push_chunk([[float(n), -float(n), 1e6] for n in range(50)])
    motion.push_chunk([[0.6, 0.0, 0.8]] * 3)
    skin.push_sample([4500.0])
    beats.push_sample([812])
    marks.push_sample(["start"])
    gaze.push_sample([1.0, 2.0])
    count = {"eeg_tp9": 50, "eeg_af7": 50, "acc": 3, "eda": 1, "rr_ms": 1}
    heard.until(lambda: {channel: len(heard.run(channel)) for channel in count} == count)
    assert heard.run("eeg_tp9").value.tolist() == list(range(50))
    assert heard.run("eeg_af7").value.tolist() == [-n for n in range(50)]
    assert (np.diff(heard.run("eeg_tp9").t_s) > 0.0).all()
    assert heard.run("acc").value.tolist() == pytest.approx([1.0] * 3)
    assert heard.run("eda").value.tolist() == [4.5]
    assert heard.run("rr_ms").value.tolist() == [812.0]
    assert {s.channel for packet in heard.packets for s in packet.samples} == set(count)
    assert heard.source.repairs == {
        "LSL stream Muse: 1 of 3 channels not read": 1,
        "LSL stream Marks holds words, not numbers; left out": 1,
        "LSL stream Eye of type 'Gaze' has no channel this reads; left out": 1,
    }
    assert len({packet.device for packet in heard.packets}) == 4


@pytest.mark.parametrize("wanted", ["Wanted", "wanted", "HEARTRATE", "serial 7"])
def test_only_what_is_wanted_is_read(listen: Listen, wanted: str) -> None:
    other = outlet("Other", "HR")
    strap = outlet("Wanted", "HeartRate", source="serial 7")
    heard, everything = listen(wanted), listen()
    everything.until(lambda: set(everything.source.status.removeprefix("reading ").split(", ")) == {"Other", "Wanted"})
    heard.until(reading(heard, "Wanted"))
    other.push_sample([60.0])
    strap.push_sample([80.0])
    everything.until(lambda: len(everything.run("hr")) == 2)
    heard.until(lambda: len(heard.run("hr")) == 1)
    assert heard.run("hr").value.tolist() == [80.0]
    assert heard.source.status == "reading Wanted"


def test_values_that_are_no_numbers_are_left_out_and_the_unit_is_guessed(listen: Listen) -> None:
    odd = outlet("Odd", "ACC", Told("length"), fmt="double64")
    heard = listen("Odd")
    heard.until(reading(heard, "Odd"))
    now_s = pylsl.local_clock()
    lengths = [9.80665, float("nan"), float("inf"), 9.80665, 19.6133]
    odd.push_chunk([[value] for value in lengths], [now_s + 0.01 * n * n for n in range(len(lengths))])
    heard.until(lambda: len(heard.run("acc")) == 3)
    acc = heard.run("acc")
    assert acc.value.tolist() == pytest.approx([1.0, 1.0, 2.0])
    np.testing.assert_allclose(acc.t_s - acc.t_s[0], [0.0, 0.09, 0.16], atol=1e-3)
    heard.until(lambda: len(heard.source.repairs) == 2)
    assert heard.source.repairs == {
        "LSL stream Odd: chunks with values that are no numbers, left out": 1,
        "LSL stream Odd: acc: values look like m/s2 (median 9.807); read as that": 1,
    }


def test_a_lost_outlet_is_told_of_and_taken_up_again(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lsl, "SILENT_S", np.inf)
    strap, skin = outlet("Strap", "HR"), outlet("Skin", "EDA")
    heard = listen()
    heard.until(lambda: set(heard.source.status.removeprefix("reading ").split(", ")) == {"Strap", "Skin"})
    strap.push_sample([70.0])
    heard.until(lambda: len(heard.run("hr")) == 1)
    del strap
    heard.until(lambda: heard.source.status == "reading Skin; Strap lost, looking for it again")
    strap = outlet("Strap", "HR")
    heard.until(lambda: heard.source.status == "reading Skin, Strap")
    strap.push_sample([75.0])
    skin.push_sample([4.0])
    heard.until(lambda: len(heard.run("hr")) == 2 and len(heard.run("eda")) == 1)
    hr = heard.run("hr")
    assert hr.value.tolist() == [70.0, 75.0] and hr.t_s[1] > hr.t_s[0]
    assert len({packet.device for packet in heard.packets if packet.samples[0].channel == "hr"}) == 2
    assert heard.source.repairs == {"LSL stream Strap lost": 1}


SENDER = f"""
import sys, time, pylsl
pylsl.set_config_content({CONFIG!r})
outlet = pylsl.StreamOutlet(pylsl.StreamInfo("Far", "HR", 1, 0, "float32", "far"))
while sys.stdin.readline():
    outlet.push_sample([66.0])
"""


def test_a_sender_that_freezes_is_lost_and_heard_again_when_it_thaws(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lsl, "FORGET_S", 1.0)
    monkeypatch.setattr(lsl, "SILENT_S", 0.5)
    sender = subprocess.Popen([sys.executable, "-c", SENDER], stdin=subprocess.PIPE, text=True)
    assert sender.stdin is not None
    try:
        heard = listen("Far")
        heard.until(reading(heard, "Far"))
        print(file=sender.stdin, flush=True)
        heard.until(lambda: len(heard.run("hr")) == 1)
        sender.send_signal(signal.SIGSTOP)
        heard.until(lambda: heard.source.status == "Far lost, looking for it again")
        sender.send_signal(signal.SIGCONT)
        heard.until(reading(heard, "Far"))
        print(file=sender.stdin, flush=True)
        heard.until(lambda: len(heard.run("hr")) == 2)
        assert heard.run("hr").value.tolist() == [66.0, 66.0]
    finally:
        sender.kill()
        sender.wait()
        sender.stdin.close()


def test_a_stream_that_will_not_open_is_told_of_and_tried_after_growing_pauses(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[float] = []

    def refused(self: Any, timeout: float) -> None:
        tries.append(time.monotonic())
        raise pylsl.util.TimeoutError("the operation failed due to a timeout.")

    monkeypatch.setattr(lsl, "FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr(lsl, "LONGEST_PAUSE_S", 0.4)
    monkeypatch.setattr(pylsl.StreamInlet, "open_stream", refused)
    strap = outlet("Shut", "HR")
    heard = listen("Shut")
    heard.until(lambda: len(tries) == 4)
    assert heard.source.status == "Shut found but cannot be opened, trying again"
    assert (np.diff(tries) >= [0.1, 0.2, 0.4]).all()
    monkeypatch.undo()
    heard.until(reading(heard, "Shut"))
    assert strap.have_consumers()


def test_a_stream_whose_clock_gives_no_answer_keeps_its_own_times(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unanswered(self: Any, timeout: float) -> float:
        raise pylsl.util.TimeoutError("the operation failed due to a timeout.")

    monkeypatch.setattr(lsl, "CORRECTION_WAIT_S", 0.3)
    monkeypatch.setattr(pylsl.StreamInlet, "time_correction", unanswered)
    strap = outlet("Strap", "HR", fmt="double64")
    heard = listen("Strap")
    heard.until(reading(heard, "Strap"))
    strap.push_sample([70.0], 1234.5)
    heard.until(lambda: len(heard.run("hr")) == 1)
    assert heard.run("hr").t_s.tolist() == [1234.5]
    assert heard.source.repairs == {"LSL stream Strap: its clock gives no answer; its own times are used": 1}


def test_the_senders_clock_is_corrected(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pylsl.StreamInlet, "time_correction", lambda self, timeout: 1000.0)
    strap = outlet("Strap", "HR", fmt="double64")
    heard = listen("Strap")
    heard.until(reading(heard, "Strap"))
    strap.push_sample([70.0], 1234.5)
    heard.until(lambda: len(heard.run("hr")) == 1)
    assert heard.run("hr").t_s.tolist() == [2234.5]


def test_leaving_ends_its_thread(listen: Listen) -> None:
    strap = outlet("Strap", "HR")
    heard = listen("Strap")
    heard.until(reading(heard, "Strap"))
    assert "lsl" in [thread.name for thread in threading.enumerate()]
    heard.source.__exit__()
    heard.source.__exit__()
    assert "lsl" not in [thread.name for thread in threading.enumerate()]
    assert heard.source.status == "left"
    deadline_s = time.monotonic() + 10.0
    while strap.have_consumers():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_pauses_reach_ten_seconds() -> None:
    assert lsl.LONGEST_PAUSE_S == 10.0


def test_without_pylsl_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pylsl", None)
    with pytest.raises(SourceError, match=r"pip install 'isotone\[lsl\]'"):
        LslSource(None, Clock())
