"""A heart rate sensor over Bluetooth: when its beats were, and the source against a peripheral in virtual air."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason
from bumble import gatt
from hypothesis import given
from hypothesis import strategies as st

from synth.wearables import ble
from synth.wearables.ble import ADRIFT_S, BeatClock, BleHeartRate
from synth.wearables.packet import Packet, SourceError
from synth.wearables.samples import Samples
from synth.wire.heart_rate import HeartRate, decode, encode
from tests.wearables.virtual_radio import Radio, Strap


def run(samples: list[tuple[Samples, ...]], channel: str) -> Samples:
    """All samples of one channel, one after the other."""
    found = [part for parts in samples for part in parts if part.channel == channel]
    return Samples.of(
        channel, *(np.concatenate([getattr(p, name) for p in found]) for name in ("t_s", "value", "quality"))
    )


def heart(seconds: int, jitter_s: float) -> list[tuple[HeartRate, float]]:
    """Packets once a second with the beats since the last, up to `jitter_s` late: a heart at 75 that sways."""
    rng = np.random.default_rng(4)
    rr_s = np.round((0.8 + 0.1 * np.sin(np.arange(2 * seconds) / 5)) * 1024) / 1024
    ends = np.cumsum(rr_s)
    packets = []
    for second in range(1, seconds):
        new = rr_s[(ends > second - 1) & (ends <= second)]
        packets.append((HeartRate(75, rr_s=tuple(new.tolist())), second + float(rng.uniform(0.0, jitter_s))))
    return packets


def test_beats_keep_their_spacing_however_packets_jitter() -> None:
    clock = BeatClock()
    rr = run([clock.samples(beat, received_s) for beat, received_s in heart(300, jitter_s=0.4)], "rr_ms")
    assert rr.value.size > 300 and (rr.quality == 1.0).all()
    np.testing.assert_allclose(np.diff(rr.t_s), rr.value[1:] / 1000.0, rtol=0, atol=1e-9)
    assert clock.left_out == 0


def test_the_last_beat_of_a_first_packet_was_at_its_arrival() -> None:
    hr, rr = BeatClock().samples(HeartRate(70, rr_s=(0.75, 0.875, 1.0)), 20.0)
    assert hr.t_s.tolist() == [20.0] and hr.value.tolist() == [70.0]
    assert rr.t_s.tolist() == [18.125, 19.0, 20.0]
    assert rr.value.tolist() == [750.0, 875.0, 1000.0]


@pytest.mark.parametrize(("late_s", "expected_s"), [(1.25, 11.0), (-0.75, 11.0), (1.75, 12.75), (30.0, 41.0)])
def test_beats_adrift_from_their_packets_begin_anew(late_s: float, expected_s: float) -> None:
    clock = BeatClock()
    clock.samples(HeartRate(60, rr_s=(1.0,)), 10.0)
    assert clock.samples(HeartRate(60, rr_s=(1.0,)), 11.0 + late_s)[1].t_s.tolist() == [expected_s]


def test_intervals_told_faster_than_time_goes_are_left_out_and_not_put_back() -> None:
    clock = BeatClock()
    packets = [clock.samples(HeartRate(60, rr_s=(1.0,)), 10.0 + 0.01 * n) for n in range(4)]
    assert [len(packet) for packet in packets] == [2, 2, 1, 2]
    assert run(packets, "rr_ms").t_s.tolist() == pytest.approx([10.0, 11.0, 11.02])
    assert clock.left_out == 1


def test_after_a_restart_the_next_beat_follows_none() -> None:
    clock = BeatClock()
    clock.samples(HeartRate(60, rr_s=(1.0,)), 10.0)
    clock.restart()
    assert clock.samples(HeartRate(60, rr_s=(1.0,)), 11.25)[1].t_s.tolist() == [11.25]


@pytest.mark.parametrize(
    ("beat", "quality"),
    [
        (HeartRate(60, contact=True, rr_s=(1.0,)), (1.0, 1.0)),
        (HeartRate(60, contact=None, rr_s=(1.0,)), (1.0, 1.0)),
        (HeartRate(60, contact=False, rr_s=(1.0,)), (0.0, 0.0)),
        (HeartRate(0, contact=True, rr_s=(1.0,)), (0.0, 0.0)),
        (HeartRate(300, rr_s=(1.0,)), (0.0, 1.0)),
        (HeartRate(60, rr_s=(63.0,)), (1.0, 0.0)),
    ],
)
def test_without_contact_or_sense_there_is_no_quality(beat: HeartRate, quality: tuple[float, float]) -> None:
    hr, rr = BeatClock().samples(beat, 100.0)
    assert (hr.quality.item(), rr.quality.item()) == quality


def test_an_absurd_interval_does_not_carry_the_clock_away() -> None:
    clock = BeatClock()
    told = [(1.0, 10.0), (63.0, 11.0), (1.0, 12.0)]
    rr = run([clock.samples(HeartRate(60, rr_s=(rr_s,)), at_s) for rr_s, at_s in told], "rr_ms")
    assert rr.t_s.tolist() == [10.0, 11.0, 12.0]


arrivals = st.floats(0, 1e6) | st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(st.binary(max_size=24), arrivals)))
def test_whatever_comes_times_only_rise_and_nothing_piles_up(packets: list[tuple[bytes, float]]) -> None:
    clock = BeatClock()
    told: dict[str, list[float]] = {"hr": [], "rr_ms": []}
    expected = 0
    for packet, received_s in packets:
        beat = decode(packet)
        if beat is None:
            continue
        expected += len(beat.rr_s)
        for samples in clock.samples(beat, received_s):
            told[samples.channel] += samples.t_s.tolist()
            assert np.isfinite(samples.value).all() and set(samples.quality.tolist()) <= {0.0, 1.0}
    assert all(np.isfinite(times).all() for times in told.values())
    assert (np.diff(told["hr"]) >= 0.0).all() and (np.diff(told["rr_ms"]) > 0.0).all()
    assert len(told["rr_ms"]) + clock.left_out == expected
    assert all(isinstance(state, int | float) for state in vars(clock).values())


@pytest.mark.parametrize("received_s", [np.nan, np.inf, -np.inf, 3.0])
def test_an_arrival_that_cannot_be_is_taken_as_no_later_than_the_last(received_s: float) -> None:
    clock = BeatClock()
    clock.samples(HeartRate(60, rr_s=(1.0,)), 10.0)
    hr, rr = clock.samples(HeartRate(60, rr_s=(1.0,)), received_s)
    assert (hr.t_s.tolist(), rr.t_s.tolist()) == ([10.0], [11.0])


@given(st.lists(st.tuples(st.integers(300, 2000), st.floats(0.0, 1.0)), min_size=2))
def test_a_beat_is_never_far_from_its_packet(beats: list[tuple[int, float]]) -> None:
    clock, now_s = BeatClock(), 0.0
    for ticks, delay_s in beats:
        now_s += ticks / 1024
        for samples in clock.samples(HeartRate(60, rr_s=(ticks / 1024,)), now_s + delay_s)[1:]:
            assert abs(samples.t_s[-1] - now_s) <= ADRIFT_S + 1.0


@pytest.fixture
def radio() -> Iterator[Radio]:
    with Radio() as radio:
        yield radio


class Heard:
    """What a source handed over up to now; `until` waits for a condition."""

    def __init__(self, source: BleHeartRate) -> None:
        self._source = source
        self.statuses: list[str] = []
        self.packets: list[Packet] = []

    def until(self, condition: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + 20.0
        while not condition():
            assert time.monotonic() < deadline_s, f"{self._source.status}; {self._source.repairs}; {self.packets}"
            self._look()
            time.sleep(0.002)
        self._look()

    def _look(self) -> None:
        status = self._source.status
        if self.statuses[-1:] != [status]:
            self.statuses.append(status)
        self.packets += self._source.packets()

    def run(self, channel: str) -> Samples:
        return run([packet.samples for packet in self.packets], channel)


class Clock:
    """A session's clock, moved by hand."""

    def __init__(self) -> None:
        self.now_s = 5.0

    def __call__(self) -> float:
        return self.now_s


def test_a_strap_is_found_read_lost_and_found_again(radio: Radio) -> None:
    strap, clock = Strap(radio), Clock()
    with BleHeartRate(None, clock, **radio.backends) as source:
        heard = Heard(source)

        def told(beat: HeartRate, at_s: float) -> None:
            clock.now_s = at_s
            before = len(heard.packets)
            strap.notify(encode(beat))
            heard.until(lambda: len(heard.packets) == before + 1)

        heard.until(lambda: source.status == "looking for a heart rate sensor")
        strap.wake()
        heard.until(lambda: source.status == "Strap 12345 connected, battery 87 %")
        told(HeartRate(75, contact=True, rr_s=(0.75, 0.8125)), 10.0)
        told(HeartRate(76, contact=True, rr_s=(0.875,)), 11.25)
        told(HeartRate(70, contact=False, rr_s=(0.5,)), 12.0)
        strap.drop()
        heard.until(lambda: source.status.startswith("Strap 12345 lost; next try in"))
        assert strap.links == 0
        strap.wake()
        heard.until(lambda: source.status == "Strap 12345 connected, battery 87 %")
        told(HeartRate(80, contact=True, rr_s=(0.5, 0.75)), 13.0)
        assert source.repairs == {"connection to the heart rate sensor lost": 1}
    heard.until(lambda: strap.links == 0)
    assert source.status == "left"
    assert "connecting to Strap 12345" in heard.statuses
    assert {(packet.device, packet.timed) for packet in heard.packets} == {("Strap 12345", False)}
    assert [packet.received_s for packet in heard.packets] == [10.0, 11.25, 12.0, 13.0]
    hr, rr = heard.run("hr"), heard.run("rr_ms")
    assert (hr.t_s.tolist(), hr.value.tolist()) == ([10.0, 11.25, 12.0, 13.0], [75, 76, 70, 80])
    assert hr.quality.tolist() == [1, 1, 0, 1]
    assert rr.t_s.tolist() == [9.1875, 10.0, 10.875, 11.375, 12.25, 13.0]
    assert rr.value.tolist() == [750, 812.5, 875, 500, 500, 750]
    assert rr.quality.tolist() == [1, 1, 1, 0, 1, 1]


def test_packets_that_make_no_sense_are_counted_and_the_rest_is_read(radio: Radio) -> None:
    strap = Strap(radio, battery=0)
    strap.wake()
    with BleHeartRate(None, Clock(), **radio.backends) as source:
        heard = Heard(source)
        heard.until(lambda: source.status == "Strap 12345 connected")
        for packet in (b"", b"\x01\x40", b"\x18\x50\xd2", b"\x10\x3c\x00\x04\x09", encode(HeartRate(61))):
            strap.notify(packet)
        heard.until(lambda: len(heard.packets) == 2)
        assert source.repairs == {
            "heart rate packets too short to be read left out": 3,
            "heart rate packets read without bytes that fill no field": 1,
        }
    assert heard.run("hr").value.tolist() == [60, 61]
    assert heard.run("rr_ms").value.tolist() == [1000]


def test_beats_told_twice_are_counted(radio: Radio) -> None:
    strap = Strap(radio)
    strap.wake()
    with BleHeartRate(None, Clock(), **radio.backends) as source:
        heard = Heard(source)
        heard.until(lambda: "battery" in source.status)
        for _ in range(3):
            strap.notify(encode(HeartRate(60, rr_s=(1.0,))))
        heard.until(lambda: len(heard.packets) == 3)
        assert source.repairs == {"beats told again or out of order left out": 1}


@pytest.mark.parametrize("wanted", ["polar h10", "F0:00:00:00:00:0B", "f0:00:00:00:00:0b"])
def test_the_wanted_strap_is_told_from_others_by_name_or_address(radio: Radio, wanted: str) -> None:
    other, strap = Strap(radio), Strap(radio, "Polar H10 7A", "F0:00:00:00:00:0B")
    other.wake()
    with BleHeartRate(wanted, Clock(), **radio.backends) as source:
        heard = Heard(source)
        heard.until(lambda: source.status == f"looking for {wanted}")
        strap.wake()
        heard.until(lambda: source.status.startswith("Polar H10 7A connected"))
        assert (other.links, strap.links) == (0, 1)


def test_after_the_first_strap_no_other_persons_is_taken(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ble, "SCAN_S", 0.3)
    strap = Strap(radio)
    strap.wake()
    with BleHeartRate(None, Clock(), **radio.backends) as source:
        heard = Heard(source)
        heard.until(lambda: "connected" in source.status)
        strap.drop()
        other = Strap(radio, "Polar H10 7A", "F0:00:00:00:00:0B")
        other.wake()
        heard.until(lambda: source.status.startswith("Strap 12345 not found"))
        assert other.links == 0
        moved = Strap(radio, address="F0:00:00:00:00:0C")
        moved.wake()
        heard.until(lambda: source.status.startswith("Strap 12345 connected"))
        assert (other.links, moved.links) == (0, 1)


def test_a_call_that_the_machine_cancels_is_no_leaving(radio: Radio) -> None:
    class Cancels(radio.backends["client"]):  # type: ignore[misc]
        calls = 0

        async def start_notify(self, *asked: Any, **settings: Any) -> None:
            Cancels.calls += 1
            if Cancels.calls == 1:
                raise asyncio.CancelledError
            await super().start_notify(*asked, **settings)

    strap = Strap(radio)
    strap.wake()
    with BleHeartRate(None, Clock(), scanner=radio.backends["scanner"], client=Cancels) as source:
        heard = Heard(source)
        heard.until(lambda: source.status == "Strap 12345 broke off; next try in 0.5 s")
        strap.wake()
        heard.until(lambda: source.status.startswith("Strap 12345 connected"))
        assert Cancels.calls == 2


def test_a_sensor_without_measurements_is_told_of_and_tried_again(radio: Radio) -> None:
    strap = Strap(radio, measurement=gatt.GATT_BODY_SENSOR_LOCATION_CHARACTERISTIC)
    strap.wake()
    with BleHeartRate(None, Clock(), **radio.backends) as source:
        heard = Heard(source)
        heard.until(
            lambda: source.status.startswith("Strap 12345: Characteristic") and "was not found" in source.status
        )
        heard.until(lambda: strap.links == 0)
        assert heard.packets == [] and set(source.repairs) == {"connection to the heart rate sensor lost"}


def test_the_pause_between_tries_grows_to_its_longest(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("SCAN_S", 0.01), ("FIRST_PAUSE_S", 0.1), ("LONGEST_PAUSE_S", 0.3)):
        monkeypatch.setattr(ble, name, value)
    with BleHeartRate("Nobody", Clock(), **radio.backends) as source:
        heard = Heard(source)
        heard.until(lambda: len([status for status in heard.statuses if "not found" in status]) == 3)
        tries = [status.rpartition("next try in ")[2] for status in heard.statuses if "not found" in status]
        assert tries == ["0.1 s", "0.2 s", "0.3 s"]


def test_pauses_reach_ten_seconds() -> None:
    assert ble.LONGEST_PAUSE_S == 10.0


def test_a_machine_without_bluetooth_is_told_of_and_harms_nothing(radio: Radio) -> None:
    class Off(radio.backends["scanner"]):  # type: ignore[misc]
        async def start(self) -> None:
            raise BleakBluetoothNotAvailableError(
                "No Bluetooth adapters found.", BleakBluetoothNotAvailableReason.NO_BLUETOOTH
            )

    with BleHeartRate(None, Clock(), scanner=Off, client=radio.backends["client"]) as source:
        heard = Heard(source)
        heard.until(lambda: source.status == "Bluetooth: No Bluetooth adapters found.; next try in 0.5 s")
        heard.until(lambda: source.status == "Bluetooth: No Bluetooth adapters found.; next try in 1.0 s")
        assert heard.packets == [] and source.repairs == {}


def test_a_system_without_bluetooth_is_told_of(radio: Radio) -> None:
    class Missing(radio.backends["scanner"]):  # type: ignore[misc]
        async def start(self) -> None:
            raise FileNotFoundError(2, "No such file or directory")

    with BleHeartRate(None, Clock(), scanner=Missing, client=radio.backends["client"]) as source:
        heard = Heard(source)
        heard.until(lambda: source.status.startswith("Bluetooth is not running here"))
        assert heard.packets == [] and source.repairs == {}


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


def test_leaving_ends_its_thread_even_if_the_machine_will_not_let_go(radio: Radio) -> None:
    class Stuck(radio.backends["client"]):  # type: ignore[misc]
        async def disconnect(self) -> None:
            await asyncio.sleep(60.0)

    strap = Strap(radio)
    strap.wake()
    with BleHeartRate(None, Clock(), scanner=radio.backends["scanner"], client=Stuck) as source:
        Heard(source).until(lambda: "battery" in source.status)
        assert "ble" in threads()
    assert "ble" not in threads()


@pytest.mark.parametrize("status", ["looking for", "connecting to"])
def test_one_can_leave_at_any_moment(radio: Radio, status: str) -> None:
    class Slow(radio.backends["client"]):  # type: ignore[misc]
        async def connect(self, pair: bool, **settings: Any) -> None:
            await asyncio.sleep(60.0)

    strap = Strap(radio)
    with BleHeartRate(None, Clock(), scanner=radio.backends["scanner"], client=Slow) as source:
        if status == "connecting to":
            strap.wake()
        Heard(source).until(lambda: source.status.startswith(status))
    assert "ble" not in threads()
    source.__exit__()
    assert source.status == "left"


def test_without_bleak_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bleak", None)
    with pytest.raises(SourceError, match=r"pip install 'isotone\[ble\]'"):
        BleHeartRate(None, Clock())
