"""Wearables over OSC: each dialect through a real socket from a published sender, and whatever else may arrive."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.udp_client import SimpleUDPClient

from synth.wearables.dialect import load_dialect, read_dialect
from synth.wearables.osc import MAX_DEVICES, EvenTimes, Listener, OscSource
from synth.wearables.packet import Packet, SourceError
from synth.wearables.samples import Samples
from synth.wire.osc import Message, decode, encode


class Ears:
    """A source on a port of its own, and a client that sends to it."""

    def __init__(self, dialect: str | Path) -> None:
        self.now_s = 5.0
        self.source = OscSource(0, dialect, lambda: self.now_s)

    def __enter__(self) -> Ears:
        self.source.__enter__()
        self.client = SimpleUDPClient("127.0.0.1", self.source.port)
        return self

    def __exit__(self, *raised: object) -> None:
        self.source.__exit__(*raised)
        self.client._sock.close()

    def sent(self, packet: bytes) -> None:
        """Send bytes as they are."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(packet, ("127.0.0.1", self.source.port))

    def heard(self) -> list[Packet]:
        """All packets of what was sent up to now."""
        before = self._ends()
        self.client.send_message("/the/last", [])
        until(lambda: self._ends() > before)
        return self.source.packets()

    def _ends(self) -> int:
        return sum(count for what, count in self.source.repairs.items() if what.startswith("/the/last: "))

    def repairs(self) -> dict[str, int]:
        """What was mended, without the mark of the last message."""
        return {what: count for what, count in self.source.repairs.items() if not what.startswith("/the/last")}


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10.0
    while not found():
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.005)


def values(packets: list[Packet]) -> dict[str, list[float]]:
    """All values by channel."""
    found: dict[str, list[float]] = {}
    for packet in packets:
        for run in packet.samples:
            found.setdefault(run.channel, []).extend(run.value.tolist())
    return found


def hears(dialect: str) -> Callable[..., list[Samples]]:
    """A listener without a socket: what it makes of one message."""
    listener = Listener(load_dialect(dialect))

    def hear(address: str, *args: object, at_s: float = 5.0, types: str | None = None) -> list[Samples]:
        messages, troubles = decode(encode(address, args, types))  # type: ignore[arg-type]
        assert troubles == []
        packet, _ = listener.hear(messages[0], at_s)
        return [] if packet is None else list(packet.samples)

    return hear


def test_mind_monitor_with_four_electrodes_and_with_one_average() -> None:
    with Ears("muse") as ears:
        ears.client.send_message("/muse/eeg", [800.0, 810.0, 820.0, 830.0, 0.0])
        for band, mean in (("delta", 0.25), ("theta", 0.5), ("alpha", 0.75), ("beta", 1.0), ("gamma", -0.5)):
            ears.client.send_message(f"/muse/elements/{band}_absolute", [mean - 0.25, mean + 0.25, mean, mean])
        ears.client.send_message("/muse/elements/alpha_absolute", 0.5)
        ears.client.send_message("/muse/acc", [0.0, 0.6, 0.8])
        ears.client.send_message("/muse/ppg", [1.0, 2.0, 3.0])
        ears.client.send_message("/muse/elements/horseshoe", [1.0, 1.0, 2.0, 4.0])
        ears.client.send_message("/muse/batt", [90.0])
        packets = ears.heard()
        assert ears.repairs() == {}
        assert ears.source.status == f"hearing muse on 127.0.0.1:{ears.source.port}"
    assert all((packet.device, packet.received_s, packet.timed) == ("muse", 5.0, False) for packet in packets)
    assert all((run.t_s == 5.0).all() for packet in packets for run in packet.samples)
    got = values(packets)
    assert got.pop("acc") == [pytest.approx(1.0)]
    assert got == {
        "eeg_tp9": [800.0], "eeg_af7": [810.0], "eeg_af8": [820.0], "eeg_tp10": [830.0], "eeg_delta": [0.25],
        "eeg_theta": [0.5], "eeg_alpha": [0.75, 0.5], "eeg_beta": [1.0], "eeg_gamma": [-0.5], "bvp": [2.0],
        "eeg_contact": [0.625],
    }  # fmt: skip


def test_electrodes_that_do_not_touch_are_missing_until_they_do() -> None:
    hear = hears("muse")
    hear("/muse/elements/horseshoe", 1.0, 4.0, 2.0, 4.0)
    eeg = hear("/muse/eeg", 800.0, 810.0, 820.0, 830.0)
    assert [run.quality[0] for run in eeg] == [1, 0, 1, 0] and np.isnan(eeg[1].value[0])
    assert hear("/muse/elements/alpha_absolute", 1.0, 9.0, 2.0, 9.0)[0].value[0] == 1.5
    assert hear("/muse/elements/alpha_absolute", 0.5)[0].value[0] == 0.5
    hear("/muse/elements/horseshoe", 4.0, 4.0, 4.0, 4.0)
    (alpha,) = hear("/muse/elements/alpha_absolute", 1.0, 9.0, 2.0, 9.0)
    assert np.isnan(alpha.value[0]) and alpha.quality[0] == 0
    hear("/muse/elements/horseshoe", 1, 1, 1, 1)
    assert [run.quality[0] for run in hear("/muse/eeg", 800.0, 810.0, 820.0, 830.0)] == [1, 1, 1, 1]


def test_the_forehead_counts_only_where_no_horseshoe_comes() -> None:
    hear = hears("muse")
    assert hear("/muse/elements/touching_forehead", 1, at_s=1.0)[0].value[0] == 1.0
    assert hear("/muse/elements/horseshoe", 1.0, 1.0, 4.0, 4.0, at_s=2.0)[0].value[0] == 0.5
    assert hear("/muse/elements/touching_forehead", 1, at_s=3.0) == []
    assert hear("/muse/elements/touching_forehead", 0, at_s=8.0)[0].value[0] == 0.0


def test_the_old_musewith_times_and_milli_g() -> None:
    hear = hears("muse")
    packet, _ = Listener(load_dialect("muse")).hear(
        decode(encode("/muse/elements/alpha_absolute", [0.5, 0.7, 1_700_000_000, 250_000]))[0][0], 5.0
    )
    assert packet is not None and packet.timed and packet.samples[0].t_s[0] == pytest.approx(1.7e9 + 0.25, abs=1e-6)
    assert packet.samples[0].value[0] == pytest.approx(0.6)
    assert hear("/muse/acc", 0.0, 600.0, 800.0)[0].value[0] == pytest.approx(1.0)


def test_emotibit_packs_samples_and_sends_axes_apart() -> None:
    with Ears("emotibit") as ears:
        ears.client.send_message("/EmotiBit/0/EDA", [0.5, 0.6, 0.7])
        ears.client.send_message("/EmotiBit/0/ACC:X", [0.0, 1.0])
        ears.client.send_message("/EmotiBit/0/ACC:Z", [0.8, 0.0])
        ears.client.send_message("/EmotiBit/0/ACC:Y", [0.6, 0.0])
        ears.client.send_message("/EmotiBit/0/ACC:X", [5.0])
        ears.client.send_message("/EmotiBit/0/HR", 71.0)
        ears.client.send_message("/EmotiBit/0/BI", [840.0, 860.0])
        ears.client.send_message("/EmotiBit/0/THERM", 33.5)
        ears.client.send_message("/EmotiBit/0/PPG:IR", [5.0, 6.0])
        ears.client.send_message("/EmotiBit/0/PPG:GRN", [7.0, 8.0])
        ears.client.send_message("/EmotiBit/0/PPG:IR", [5.0, 6.0])
        ears.client.send_message("/EmotiBit/0/SCR:AMP", 0.1)
        ears.client.send_message("/EmotiBit/1/EDA", 2.0)
        ears.client.send_message("/EmotiBit/EDA", 3.0)
        packets = ears.heard()
        assert ears.repairs() == {}
    runs = {(packet.device, run.channel): run for packet in packets for run in packet.samples}
    assert {device for device, _ in runs} == {"emotibit:0", "emotibit:1", "emotibit"}
    eda, rr = runs["emotibit:0", "eda"], runs["emotibit:0", "rr_ms"]
    np.testing.assert_allclose(eda.t_s, 5.0 - np.array([2, 1, 0]) / 15)
    np.testing.assert_allclose(eda.value, [0.5, 0.6, 0.7], rtol=1e-6)
    np.testing.assert_allclose(rr.t_s, [5.0 - 0.86, 5.0])
    np.testing.assert_allclose(runs["emotibit:0", "acc"].value, [1.0, 1.0], rtol=1e-6)
    assert values(packets)["bvp"] == [5.0, 6.0, 7.0, 8.0]
    assert runs["emotibit:0", "hr"].value[0] == 71.0 and runs["emotibit:0", "temp"].value[0] == 33.5
    assert runs["emotibit:1", "eda"].value[0] == 2.0 and runs["emotibit", "eda"].value[0] == 3.0


@pytest.mark.parametrize(
    ("name", "value", "bpm"),
    [
        ("HR", 72, 72), ("HeartRateInt", 72, 72), ("Heartrate3", 72, 72), ("VRCOSC/Heartrate/Value", 72, 72),
        ("HeartRate", 72, 72), ("HeartRate", 72.0, 72), ("HeartRate", 72 / 127.5 - 1, 72),
        ("Heartrate", 72 / 127.5 - 1, 72), ("FullHRPercent", 72 / 127.5 - 1, 72), ("HeartRateFloat", -0.5, 63.75),
        ("Heartrate2", 72 / 255, 72), ("HeartRateFloat01", 72 / 255, 72), ("HR", 0, math.nan),
        ("HeartRateFloat", -1.0, math.nan), ("isHRConnected", False, math.nan),
    ],
)  # fmt: skip
def test_heart_rates_of_avatars(name: str, value: float, bpm: float) -> None:
    (run,) = hears("vrchat")(f"/avatar/parameters/{name}", value)
    assert run.channel == "hr" and run.value[0] == pytest.approx(bpm, abs=0.01, nan_ok=True)
    assert run.quality[0] == (0.0 if math.isnan(bpm) else 1.0)


def test_of_several_forms_of_one_heart_rate_the_best_counts_while_it_is_heard() -> None:
    hear = hears("vrchat")

    def second(at_s: float, *names: str) -> list[float]:
        forms = {"Heartrate2": 70 / 255, "FullHRPercent": 71 / 127.5 - 1, "HR": 72}
        heard = [hear(f"/avatar/parameters/{name}", forms[name], at_s=at_s) for name in names]
        return [round(float(run.value[0])) for runs in heard for run in runs]

    assert second(1.0, "Heartrate2", "FullHRPercent", "HR") == [70, 71, 72]
    assert second(2.0, "Heartrate2", "FullHRPercent", "HR") == [72]
    assert second(3.0, "Heartrate2", "FullHRPercent") == []
    assert second(7.0, "Heartrate2", "FullHRPercent") == [70, 71]
    assert hear("/avatar/parameters/isHRConnected", True) == []
    with Ears("vrchat") as ears:
        ears.client.send_message("/avatar/parameters/isHRConnected", True)
        ears.client.send_message("/avatar/parameters/HRPercent", 0.5)
        assert ears.heard() == [] and ears.repairs() == {}


def test_ones_own_apps() -> None:
    with Ears("generic") as ears:
        ears.client.send_message("/isotone/hr", 70.0)
        ears.client.send_message("/isotone/left/rr_s", 0.8)
        ears.client.send_message("/isotone/acc", [0.0, 9.80665, 0.0])
        ears.client.send_message("/isotone/mood", 1)
        ears.client.send_message("/isotone/eda", [2.0, 1.7e9])  # python-osc sends a float32, steps of 128 s
        packets = ears.heard()
        assert ears.repairs() == {
            "acc: values look like m/s2 (median 9.807); read as that": 1,
            "'mood' is not a channel this reads; left out": 1,
            "times sent as float32 are too coarse; when they came counts": 1,
        }
    assert [packet.device for packet in packets] == ["generic", "generic:left", "generic", "generic"]
    assert not any(packet.timed for packet in packets)
    got = values(packets)
    assert got["hr"] == [70.0] and got["eda"] == [2.0]
    assert got["rr_ms"] == [pytest.approx(800.0)] and got["acc"] == [pytest.approx(1.0)]


@pytest.mark.parametrize(
    ("told", "kind", "seconds"),
    [
        (1.7e9 + 0.5, "d", 1.7e9 + 0.5), (12.5, "f", 12.5), (12, "i", 12.0), (1_700_000_000_500, "h", 1.7e9 + 0.5),
        (1.7e9 + 0.5, "t", 1.7e9 + 0.5), ("2023-11-14T22:13:20Z", "s", 1.7e9),
    ],
)  # fmt: skip
def test_times_told_as_an_argument(told: float | str, kind: str, seconds: float) -> None:
    with Ears("generic") as ears:
        ears.sent(encode("/isotone/hr", [70.0, told], f"f{kind}"))
        (packet,) = ears.heard()
        assert packet.timed and packet.samples[0].t_s[0] == pytest.approx(seconds, abs=1e-4)
        assert packet.samples[0].value.tolist() == [70.0]


def test_a_bundles_time_is_the_devices() -> None:
    def bundled(at: float) -> bytes:
        builder = OscBundleBuilder(at)  # type: ignore[arg-type]
        message = OscMessageBuilder("/isotone/hr")
        message.add_arg(70.0)
        builder.add_content(message.build())
        return builder.build().dgram

    (eda,) = Listener(load_dialect("emotibit")).hear(Message(100.0, "/EmotiBit/0/EDA", (0.5, 0.6, 0.7), "fff"), 5.0)[:1]
    assert eda is not None and eda.timed
    np.testing.assert_allclose(eda.samples[0].t_s, 100.0 - np.array([2, 1, 0]) / 15)
    with Ears("generic") as ears:
        ears.sent(bundled(1.7e9 + 0.25))
        ears.sent(bundled(0.0).replace(bundled(0.0)[8:16], b"\x00" * 7 + b"\x01"))
        timed, untimed = ears.heard()
    assert timed.timed and timed.samples[0].t_s[0] == pytest.approx(1.7e9 + 0.25, abs=1e-6)
    assert not untimed.timed and untimed.samples[0].t_s[0] == 5.0


def test_what_is_not_understood_is_counted() -> None:
    with Ears("muse") as ears:
        ears.client.send_message("/other/app", 1)
        ears.client.send_message("/other/app", 1)
        ears.client.send_message("/odd/\u202e\n", 1)
        ears.client.send_message("/muse/eeg", [1.0, 2.0])
        ears.client.send_message("/muse/eeg", ["a", "b", "c", "d"])
        ears.client.send_message("/" + "x" * 300, 1)
        ears.sent(b"garbage")
        ears.sent(b"")
        ears.sent(bytes(range(256)) * 100)
        packets = ears.heard()
        repairs = ears.repairs()
    assert repairs.pop("/other/app: not of the dialect muse; left out") == 2
    assert repairs.pop("/odd/??: not of the dialect muse; left out") == 1
    assert repairs.pop("/muse/eeg: with arguments this dialect does not expect; left out") == 1
    assert repairs.pop("addresses longer than any that means something; left out") == 1
    assert repairs["an address without its leading slash"] >= 1 and repairs["empty packet"] == 1
    assert all(np.isnan(run.value).all() and (run.quality == 0).all() for p in packets for run in p.samples)


def test_words_and_devices_are_bounded() -> None:
    listener = Listener(load_dialect("generic"))
    for i in range(MAX_DEVICES + 10):
        packet, troubles = listener.hear(Message(None, f"/isotone/device {i}/hr", (70.0,), "f"), 1.0)
        assert (packet is None) == (i >= MAX_DEVICES) == any("devices" in trouble for trouble in troubles)
    with Ears("muse") as ears:
        for i in range(200):
            ears.client.send_message(f"/unknown/{i}", 1)
        until(lambda: sum(ears.source.repairs.values()) == 200)
        assert len(ears.source.repairs) <= 65


def test_a_dialect_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "belt.toml"
    path.write_text(
        'name = "belt"\nport = 7000\n[[rule]]\naddress = "/belt/*/breath"\nchannel = "resp_bpm"\n'
        'scale = 60.0\noffset = 0.5\nmissing = [0]\n[[rule]]\naddress = "/belt/fit"\nchannel = "eeg_contact"\n'
        "values = { 0 = 0.25, 1 = 0.75 }\n"
    )
    with Ears(path) as ears:
        ears.client.send_message("/belt/7/breath", 0.25)
        ears.client.send_message("/belt/7/breath", 0.0)
        ears.client.send_message("/belt/fit", 1)
        packets = ears.heard()
    got = values(packets)
    assert got["resp_bpm"] == [15.5, pytest.approx(math.nan, nan_ok=True)] and got["eeg_contact"] == [0.75]
    assert OscSource(None, path, lambda: 0.0).port == 7000


def test_a_port_that_is_taken_or_a_host_that_is_none_is_told() -> None:
    with Ears("muse") as ears:
        with pytest.raises(SourceError, match=r"cannot listen on 127.0.0.1:\d+ .*end the program that has this port"):
            OscSource(ears.source.port, "muse", lambda: 0.0).__enter__()
    with pytest.raises(SourceError, match="no address of this machine|cannot listen"):
        OscSource(0, "muse", lambda: 0.0, host="192.0.2.1").__enter__()
    with pytest.raises(SourceError, match="no dialect called muze"):
        OscSource(0, "muze", lambda: 0.0)


def test_a_socket_that_breaks_is_opened_again_on_the_same_port() -> None:
    with Ears("generic") as ears:
        port = ears.source.port
        ears.source._socket.close()

        def comes_through() -> bool:
            ears.client.send_message("/isotone/hr", 70.0)
            return bool(ears.source.packets())

        until(comes_through)
        assert ears.source.port == port and any("the socket broke" in what for what in ears.source.repairs)


def test_it_ends_at_once_and_frees_its_port() -> None:
    with Ears("muse") as ears:
        thread, port = ears.source._thread, ears.source.port
        assert "listening" in ears.source.status
    assert not thread.is_alive() and ears.source.status == "not listening"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", port))


def arrivals(rate_hz: float, seconds: float, burst: int, jitter_s: float, seed: int = 1) -> np.ndarray:
    """Arrival times of samples taken evenly at `rate_hz` and sent in bursts, each late by up to `jitter_s`."""
    count = int(rate_hz * seconds) // burst * burst
    sent = (np.arange(count) // burst * burst + burst) / rate_hz
    late = np.repeat(np.random.default_rng(seed).uniform(0, jitter_s, count // burst), burst)
    return np.maximum.accumulate(sent + late)


@pytest.mark.parametrize("true_hz", [254.0, 256.0, 258.0])
def test_even_times_are_even_and_follow_the_clock(true_hz: float) -> None:
    arrived = arrivals(true_hz, 60.0, burst=12, jitter_s=0.03)
    even = EvenTimes(256.0)
    t = np.concatenate([even.times(1, received) for received in arrived])
    steps = np.diff(t[5000:])
    assert (np.diff(t) > 0).all()
    assert steps.mean() == pytest.approx(1 / true_hz, rel=0.002)
    assert steps.std() < 0.05 / true_hz < 0.2 * np.diff(arrived[5000:]).std()
    assert np.abs(t - np.arange(1, len(t) + 1) / true_hz)[5000:].max() < 0.07


def test_even_times_take_up_again_after_a_gap() -> None:
    even = EvenTimes(100.0)
    before = np.concatenate([even.times(10, 0.1 * i) for i in range(1, 50)])
    after = even.times(10, 60.0)
    np.testing.assert_allclose(after, 60.0 - np.arange(9, -1, -1) / 100)
    fast = [even.times(200, 60.0 + 0.1 * i) for i in range(1, 50)]  # twenty times the rate that was said
    together = np.concatenate([before, after, *fast])
    assert (np.diff(together) > 0).all() and together[-1] < 66.0


def test_rules_try_the_next_when_a_value_is_not_meant_for_them() -> None:
    text = (
        'name = "x"\nport = 1\n[[rule]]\naddress = "/t"\nchannel = "temp"\nbetween = [5, 45]\n'
        '[[rule]]\naddress = "/t"\nchannel = "temp"\nbetween = [60, 113]\nscale = 0.55555556\noffset = -17.777778\n'
    )
    for told, degrees in ((33.0, 33.0), (91.4, 33.0)):
        packet, _ = Listener(read_dialect(text, "x")).hear(Message(None, "/t", (told,), "f"), 1.0)
        assert packet is not None and packet.samples[0].value[0] == pytest.approx(degrees)
    packet, troubles = Listener(read_dialect(text, "x")).hear(Message(None, "/t", (1000.0,), "f"), 1.0)
    assert packet is None and "does not expect" in troubles[0]
