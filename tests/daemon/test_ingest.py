"""Signals over real sockets into real sessions: what is taken reaches them in order, what is not is told, nothing is
lost and nothing grows."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.sync.client import ClientConnection, connect

from synth.api.signals import Signal
from synth.daemon.app import application
from synth.daemon.config import Config, Limits
from synth.daemon.endpoints import signals as endpoints
from synth.daemon.events import Events
from synth.daemon.ingest import Busy, Ingest, Over, TooMany
from synth.daemon.ingest import ingest as at
from synth.daemon.ingest import journal, outcomes
from synth.daemon.ingest.channels import UnknownName, channel_named, unit_named
from synth.daemon.ingest.reading import Now, read
from synth.session.terms import TermsError
from synth.wearables.packet import Packet
from tests.daemon.fakes import FakeSessions, Served, fake_house, serving

NOW = Now(100.0, 1_700_000_000.0)


# -- one run -----------------------------------------------------------------------------------------------------------


def signal(channel: str = "hr", value: Any = 70.0, **told: Any) -> Signal:
    return Signal(channel=channel, value=value, **told)


@pytest.mark.parametrize(
    ("name", "channel"),
    [("hr", "hr"), ("Heart_Rate", "hr"), ("ibi", "rr_ms"), ("gsr", "eda"), ("accelerometer", "acc"), ("tp9", "eeg_tp9")],
)
def test_names_that_mean_one_thing_are_understood(name: str, channel: str) -> None:
    assert channel_named(name) == channel


@pytest.mark.parametrize(("name", "words"), [("hrv", "beat intervals"), ("stress", "no unit"), ("glucose", "one of hr")])
def test_names_that_do_not_are_refused_with_what_to_send(name: str, words: str) -> None:
    with pytest.raises(UnknownName, match=words):
        channel_named(name)
    found = read(signal(name, [1.0, 2.0]), NOW, True)
    assert found.samples is None and found.refused == {"unknown_channel": 2} and found.channel == "(unknown)"


def test_values_come_in_the_channels_own_unit() -> None:
    found = read(signal("rr", [0.8, 0.81], unit="s", t_s=[99.0, 99.8]), NOW, True)
    assert found.samples is not None and found.samples.value == pytest.approx([800.0, 810.0])
    found = read(signal("acc", [[0.0, 0.0, 9.80665], [0.0, 9.80665, 0.0]], unit="m/s2"), NOW, True)
    assert found.samples is not None and found.samples.value == pytest.approx([1.0, 1.0])
    assert read(signal("hr", 70.0, unit="furlongs"), NOW, True).refused == {"unknown_unit": 1}
    assert read(signal("hr", [[1.0, 2.0, 3.0]]), NOW, True).refused == {"no_vector": 1}
    with pytest.raises(UnknownName, match="bpm, Hz"):
        unit_named("hr", "kHz")


def test_each_sample_of_a_run_has_its_own_fate() -> None:
    values: list[Any] = [70.0, None, 500.0, 71.0, 72.0, 73.0, 74.0]
    found = read(signal("hr", values, t_s=[99.0, 99.0, 99.0, 200.0, -500.0, 90.0, 104.0], quality=0.5), NOW, True)
    assert found.refused == {"not_finite": 1, "out_of_range": 1, "too_far_ahead": 1, "too_old": 1}
    assert found.accepted == 3 and found.late == 1 and len(found.words) == 4
    assert found.samples is not None
    assert found.samples.value.tolist() == [70.0, 73.0, 74.0] and found.samples.quality.tolist() == [0.5] * 3
    assert "30 to 220, in bpm" in found.words[1]


def test_beat_intervals_with_one_time_end_one_after_the_other() -> None:
    found = read(signal("rr_ms", [800.0, 900.0, 1000.0], t_s=50.0), NOW, True)
    assert found.samples is not None and found.samples.t_s == pytest.approx([48.1, 49.0, 50.0])


def test_wall_time_is_session_time_by_the_steady_clock() -> None:
    moment = datetime.fromtimestamp(NOW.wall_s - 1.5, UTC)
    found = read(signal("hr", [70.0, 71.0], at=[moment, moment + timedelta(seconds=1)]), NOW, True)
    assert found.samples is not None and found.samples.t_s == pytest.approx([98.5, 99.5]) and found.late == 0
    tomorrow = read(signal("hr", 70.0, at=moment + timedelta(days=1)), NOW, True)
    assert tomorrow.refused == {"too_far_ahead": 1} and "is the clock right?" in tomorrow.words[0]
    edge = read(signal("hr", 70.0, at=datetime.min.replace(tzinfo=UTC)), NOW, True)
    assert edge.refused == {"too_old": 1}


def test_a_devices_own_clock_may_show_anything_that_belongs_together() -> None:
    found = read(signal("eda", [1.0, 2.0, 3.0], t_s=[5e6, 5e6 - 1.0, 5e6 - 400.0], device="wrist"), NOW, True)
    assert found.timed and found.accepted == 2 and found.refused == {"too_old": 1}
    assert read(signal("eda", 1.0, t_s=1e300, device="wrist"), NOW, True).refused == {"too_far_ahead": 1}


def test_a_preset_that_refuses_the_body_hears_what_a_person_says() -> None:
    assert read(signal("hr", 70.0), NOW, False).refused == {"not_taken_by_preset": 1}
    assert read(signal("self_valence", 0.5), NOW, False).accepted == 1


# -- in a loop of its own, with hands that do what a test wants ----------------------------------------------------------


class Hands:
    """Keeps what it hears, when it takes anything."""

    def __init__(self) -> None:
        self.heard: list[Packet] = []
        self.time_s = 100.0
        self.fault: Exception | None = None
        self.room = 10**9

    def hear(self, packet: Packet) -> bool:
        if self.fault is not None:
            raise self.fault
        if len(self.heard) >= self.room:
            return False
        self.heard.append(packet)
        return True

    @property
    def values(self) -> list[float]:
        return [value for packet in self.heard for run in packet.samples for value in run.value.tolist()]


class Room:
    """Sessions of such hands, and an ingest whose ticks the test makes."""

    def __init__(self, folder: Path, most: int = 1000) -> None:
        self.folder, self.all, self.ticks = folder, {}, []  # type: ignore[var-annotated]
        self.config = Config(state_dir=folder, limits=Limits(max_queued_samples=most))
        self.counted: dict[str, int] = {}
        self.ingest = self.begin()

    def begin(self) -> Ingest:
        self.ticks.clear()
        ingest = Ingest(self, self.config, self._count)  # type: ignore[arg-type]
        asyncio.run(self._start(ingest))
        return ingest

    async def _start(self, ingest: Ingest) -> None:
        ingest.start()

    def _count(self, outcome: str, samples: int) -> None:
        self.counted[outcome] = self.counted.get(outcome, 0) + samples

    def ticking(self, tick: Callable[[], None]) -> Callable[[], None]:
        self.ticks.append(tick)
        return lambda: self.ticks.remove(tick)

    def session(self, name: str = "one", **more: Any) -> Any:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        told = {"id": name, "folder": folder, "hands": Hands(), "status": "playing", "latest": {}, **more}
        hosted = SimpleNamespace(**told, followers=[])

        def follow(heard: Callable[[Any], None]) -> Callable[[], None]:
            hosted.followers.append(heard)
            return lambda: hosted.followers.remove(heard)

        hosted.follow = follow
        self.all[name] = hosted
        return hosted

    def tick(self) -> None:
        for tick in self.ticks:
            tick()


def taken_up(hosted: Any, tick_s: float, channel: str, *values: float) -> None:
    line = {"type": "samples", "tick_s": tick_s, "channel": channel, "t_s": [tick_s] * len(values)}
    for heard in hosted.followers:
        heard({**line, "value": list(values), "quality": [1.0] * len(values)})


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_what_was_accepted_reaches_the_session_in_order(room: Room) -> None:
    hosted = room.session()
    for i in range(100):
        room.ingest.put(hosted, [signal("hr", 60.0 + i / 10)], "http")
    for _ in range(10):
        room.tick()
    assert hosted.hands.values == [60.0 + i / 10 for i in range(100)]
    assert room.counted == {"accepted": 100}


def test_a_batch_goes_by_device_and_keeps_the_order_of_each_channel(room: Room) -> None:
    hosted = room.session()
    room.ingest.put(
        hosted,
        [signal("hr", 70.0), signal("eda", 1.0, t_s=9e5, device="w"), signal("hr", 71.0), signal("acc", 1.0, t_s=9e5, device="w")],
        "http",
    )
    room.tick()
    mine, wrist = hosted.hands.heard
    assert (mine.device, mine.timed, mine.received_s) == ("", False, 100.0)
    assert [run.value.tolist() for run in mine.samples] == [[70.0], [71.0]]
    assert (wrist.device, wrist.timed) == ("w", True) and [run.channel for run in wrist.samples] == ["eda", "acc"]


def test_what_a_session_cannot_take_waits_and_does_not_hold_up_another(room: Room) -> None:
    slow, other = room.session("slow"), room.session("other")
    slow.hands.room = 3
    for i in range(10):
        room.ingest.put(slow, [signal("hr", 60.0 + i)], "http")
        room.ingest.put(other, [signal("hr", 60.0 + i)], "http")
        room.tick()
    assert slow.hands.values == [60.0, 61.0, 62.0] and len(other.hands.values) == 10
    assert room.ingest.report(slow).waiting == 7
    slow.hands.room = 10**9
    room.tick()
    assert slow.hands.values == [60.0 + i for i in range(10)]


def test_a_worker_that_breaks_loses_nothing(room: Room) -> None:
    hosted = room.session()
    hosted.hands.fault = BrokenPipeError()
    assert room.ingest.put(hosted, [signal("hr", 70.0)], "http").waiting == 1
    hosted.status = "resuming"
    assert room.ingest.put(hosted, [signal("hr", 71.0)], "http").waiting == 2
    hosted.hands.fault = None
    room.tick()
    assert hosted.hands.heard == []
    hosted.status = "playing"
    room.tick()
    assert hosted.hands.values == [70.0, 71.0]


def test_it_is_bounded_and_says_when_to_come_again(tmp_path: Path) -> None:
    room = Room(tmp_path, most=100)
    hosted = room.session(status="resuming")
    room.ingest.put(hosted, [signal("eda", [1.0] * 90)], "http")
    with pytest.raises(Busy) as busy:
        room.ingest.put(hosted, [signal("eda", [1.0] * 11)], "http")
    assert busy.value.retry_after_s == at.RETRY_RESUMING_S
    assert room.ingest.put(hosted, [signal("eda", [1.0] * 10)], "http").waiting == 100
    with pytest.raises(TooMany, match="give 100 at most"):
        room.ingest.put(room.session("other"), [signal("eda", [1.0] * 101)], "http")
    report = room.ingest.report(hosted)
    assert (report.accepted, report.busy, report.waiting, report.room) == (100, 11, 100, 0)
    hosted.status = "playing"
    for _ in range(3):
        room.tick()
    assert len(hosted.hands.values) == 100


def test_no_session_is_given_more_in_a_tick_than_it_bears(room: Room) -> None:
    hosted = room.session()
    for i in range(100):
        room.ingest.put(hosted, [signal("hr", 60.0 + i / 100)], "http")
    room.tick()
    assert len(hosted.hands.heard) == at.PACKETS_A_TICK


def test_a_session_that_is_over_takes_nothing(room: Room) -> None:
    hosted = room.session(status="resuming")
    room.ingest.put(hosted, [signal("hr", 70.0)], "http")
    hosted.status = "failed"
    room.tick()
    with pytest.raises(Over):
        room.ingest.put(hosted, [signal("hr", 71.0)], "http")
    assert room.ingest.report(hosted).waiting == 0 and hosted.hands.heard == []
    assert [entry.reason for entry in room.ingest.report(hosted).last][1:] == ["session_over"] * 2


def test_body_signals_are_refused_where_the_preset_does(room: Room) -> None:
    hosted = room.session(latest={"session": {"preset": {"wearable": "refused"}}})
    outcome = room.ingest.put(hosted, [signal("hr", 70.0), signal("self_arousal", 0.1)], "http")
    assert [run.outcome for run in outcome.runs] == ["refused", "accepted"] and outcome.outcome == "partly"
    late = room.session("late", status="starting")  # nothing is known of its preset yet
    room.ingest.put(late, [signal("hr", 70.0), signal("self_arousal", 0.2)], "http")
    late.status, late.hands.fault = "playing", TermsError("refused")
    hear = late.hands.hear

    def picky(packet: Packet) -> bool:
        late.hands.fault = TermsError("refused") if any(run.channel == "hr" for run in packet.samples) else None
        return hear(packet)

    late.hands.hear = picky
    room.tick()
    assert late.hands.values == [0.2] and room.ingest.report(late).refused == 1


def test_devices_are_counted(room: Room) -> None:
    hosted = room.session()
    for i in range(64):
        room.ingest.put(hosted, [signal("hr", 70.0, t_s=1.0, device=f"w{i}")], "http")
    outcome = room.ingest.put(hosted, [signal("hr", 70.0, t_s=1.0, device="one more")], "http")
    assert outcome.outcome == "refused" and "more than 64 devices" in outcome.runs[0].reasons[0]
    assert room.ingest.put(hosted, [signal("hr", 70.0, t_s=2.0, device="w5")], "http").accepted == 1


def test_what_is_in_no_record_yet_is_given_again_to_a_session_that_resumes(room: Room) -> None:
    hosted = room.session()
    for value in (60.0, 61.0, 62.0):
        room.ingest.put(hosted, [signal("hr", value)], "http")
    room.ingest.put(hosted, [signal("hr", 63.0), signal("eda", 2.0)], "http")
    room.tick()
    taken_up(hosted, 101.0, "eda", 9.0)  # another's
    taken_up(hosted, 101.0, "hr", 60.0)
    taken_up(hosted, 102.0, "hr", 61.0)
    assert [p.samples[0].value[0] for p in room.ingest.since(hosted)] == [62.0, 63.0]
    assert [p.samples[0].value[0] for p in room.ingest.since(hosted, 101.0)] == [61.0, 62.0, 63.0]
    taken_up(hosted, 103.0, "hr", 63.0)  # of a packet half of which was written when the worker died
    hosted.status = "resuming"
    room.ingest.put(hosted, [signal("hr", 64.0)], "http")
    hosted.hands.heard.clear()
    hosted.status = "playing"
    room.ingest.resumed(hosted, 103.0)
    room.tick()
    assert hosted.hands.values == [62.0, 2.0, 64.0]
    assert room.ingest.report(hosted).waiting == 0


def test_what_was_taken_up_is_forgotten(room: Room) -> None:
    hosted = room.session()
    for i in range(50):
        room.ingest.put(hosted, [signal("hr", 60.0 + i)], "http")
        room.tick()
        taken_up(hosted, 100.0 + i, "hr", 60.0 + i)
    assert len(room.ingest.since(hosted, 0.0)) <= 7 and room.ingest.since(hosted) == []
    for i in range(3000):  # and where no record tells of it, what is kept is bounded
        room.ingest.put(hosted, [signal("eda", 1.0 + i / 1000)], "http")
        room.tick()
    assert len(room.ingest.since(hosted)) == 1000


def test_what_was_accepted_outlives_the_process(room: Room) -> None:
    hosted = room.session()
    room.ingest.put(hosted, [signal("hr", [60.0, 61.0])], "http")
    room.ingest.put(hosted, [signal("eda", 2.5, t_s=7e4, device="w", quality=0.25)], "http")
    room.tick()
    hosted.status = "resuming"
    room.ingest.put(hosted, [signal("hr", 62.0)], "http")
    file = hosted.folder / journal.FILE_NAME
    assert file.stat().st_mode & 0o777 == 0o600
    record = {"n": 7, "type": "samples", "tick_s": 101.0, "channel": "hr", "t_s": [100.0] * 2, "value": [60.0, 61.0]}
    lines = [json.dumps({"type": "plan"}), json.dumps(record, separators=(",", ":")).replace('"n":7,', "")]
    (hosted.folder / "session.jsonl").write_text("\n".join(lines) + "\n")
    file.write_bytes(file.read_bytes() + b'{"device":"w","rec')  # kill -9 in the middle of a write
    again, hosted = room.begin(), room.session()  # nothing is left but the folder
    again.resumed(hosted)
    room.tick()
    first, second = hosted.hands.heard
    assert (first.device, first.timed, first.samples[0].t_s[0], first.samples[0].quality[0]) == ("w", True, 7e4, 0.25)
    assert second.samples[0].value.tolist() == [62.0]
    taken_up(hosted, 102.0, "eda", 2.5)
    taken_up(hosted, 102.0, "hr", 62.0)
    again._look()
    assert file.read_bytes() == b""
    hosted.status = "finished"
    again._look()
    assert not file.exists()


def test_the_journal_is_bounded_by_what_is_in_no_record(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MOST_BYTES", 5000)
    hosted = room.session()
    for i in range(200):
        room.ingest.put(hosted, [signal("hr", 60.0 + i / 10)], "http")
        room.tick()
        if i < 195:
            taken_up(hosted, 100.0 + i / 64, "hr", 60.0 + i / 10)
    room.ingest._look()
    assert (hosted.folder / journal.FILE_NAME).read_bytes().count(b"\n") == 5
    room.ingest.put(hosted, [signal("hr", 99.0)], "http")
    assert (hosted.folder / journal.FILE_NAME).read_bytes().count(b"\n") == 6


def test_the_outcome_log_holds_no_values_and_is_bounded(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "MOST_BYTES", 2000)
    hosted = room.session()
    for _ in range(100):
        room.ingest.put(hosted, [signal("hr", [71.25, 999.0]), signal("secret name", 71.25)], "http")
        room.ingest._look()
    file = hosted.folder / outcomes.FILE_NAME
    older = file.with_name(file.name + ".1")
    assert file.stat().st_size <= 2400 and 2000 < older.stat().st_size <= 2400
    assert file.stat().st_mode & 0o777 == 0o600
    text = older.read_text()
    assert "71.25" not in text and "999" not in text and "secret" not in text
    entry = json.loads(text.splitlines()[0])
    assert set(entry) <= {"t_s", "by", "channel", "outcome", "samples", "reason"}
    report = room.ingest.report(hosted)
    assert (report.accepted, report.refused) == (100, 200) and len(report.last) == outcomes.LAST
    assert report.channels == {"hr": 100}


def test_a_full_disk_stops_no_signals(room: Room) -> None:
    hosted = room.session()
    room.ingest.put(hosted, [signal("hr", 70.0)], "http")
    for path in hosted.folder.iterdir():
        path.unlink()
    hosted.folder.rmdir()  # nothing can be written any more
    other = room.session("other", folder=room.folder / "never made")
    room.ingest.put(other, [signal("hr", 71.0)], "http")
    room.tick()
    room.ingest._look()
    assert other.hands.values == [71.0] and room.ingest.report(other).accepted == 1


# -- over real sockets ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("ingest")
    config = Config(state_dir=folder)
    sessions = FakeSessions(config)
    ingest = Ingest(sessions, config)  # type: ignore[arg-type]
    return fake_house(folder, config=config, sessions=sessions, ingest=ingest, events=Events(sessions, config))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def served(house: Any) -> Iterator[Served]:
    with serving(application(house, endpoints.ENDPOINTS), house) as served:

        async def start() -> None:
            house.ingest.start()
            await house.sessions.create("settle", {"seed": 1, "minutes": 60.0}, name="s1")
            await house.sessions.create("settle", {"seed": 2, "minutes": 60.0}, name="s2")

        served.call(start(), 120.0)
        yield served


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{served.url}/api/v1/sessions", timeout=30.0) as client:
        yield client


def until(found: Callable[[], Any], what: str) -> Any:
    end_s = time.monotonic() + 20.0
    while not (answer := found()):
        assert time.monotonic() < end_s, what
        time.sleep(0.02)
    return answer


def of_samples(house: Any, name: str, channel: str) -> list[float]:
    lines = list(house.sessions.all[name].lines)
    return [v for line in lines if line["type"] == "samples" and line["channel"] == channel for v in line["value"]]


def test_a_sample_is_in_the_record_a_second_later(client: httpx.Client, house: Any) -> None:
    answer = client.post("/s1/signals", json={"channel": "heart_rate", "value": 71.5, "quality": 0.9})
    assert answer.status_code == 202
    told = answer.json()
    assert told["outcome"] == "accepted" and told["runs"][0]["channel"] == "heart_rate" and told["late"] == 0
    until(lambda: 71.5 in of_samples(house, "s1", "hr"), "the sample did not reach the record")


def test_a_batch_of_two_hundred_runs_arrives_whole_and_in_order(client: httpx.Client, house: Any) -> None:
    runs = [{"channel": "eda", "value": [1.0 + i / 1000, 1.0005 + i / 1000]} for i in range(200)]
    told = client.post("/s1/signals/batch", json={"runs": runs}).json()
    assert told["accepted"] == 400 and len(told["runs"]) == 200
    wanted = [value for run in runs for value in run["value"]]  # type: ignore[attr-defined]
    until(lambda: len(of_samples(house, "s1", "eda")) >= 400, "not all reached the record")
    assert of_samples(house, "s1", "eda") == wanted


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"channel": "hrv", "value": 40.0}, 422, "beat intervals"),
        ({"channel": "hr", "value": 900.0}, 422, "30 to 220"),
        ({"channel": "hr", "value": None}, 422, "without a value"),
        ({"channel": "hr", "value": 70.0, "t_s": 1.0, "at": "2026-01-01T00:00:00Z"}, 422, "not both"),
        ({"channel": "hr", "value": [70.0, 71.0], "t_s": [1.0]}, 422, "t_s holds 1, value 2"),
        ({"channel": "hr", "value": 70.0, "at": "2026-01-01T00:00:00"}, 422, "timezone"),
        ({"channel": "hr", "value": 70.0, "at": "2001-01-01T00:00:00Z"}, 422, "behind the session"),
        ({"channel": "hr", "value": "70"}, 422, "body.value"),
        ({"channel": "hr", "value": 70.0, "user_id": "me"}, 422, "user_id"),
        ({"channel": "hr", "value": 70.0, "quality": 2.0}, 422, "less than or equal to 1"),
    ],
)
def test_what_is_not_taken_is_told_with_what_to_do(
    client: httpx.Client, body: dict[str, Any], status: int, words: str
) -> None:
    answer = client.post("/s2/signals", json=body)
    assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json"
    assert words in answer.text


def test_a_batch_that_is_partly_right_is_taken_so_far(client: httpx.Client) -> None:
    runs = [{"channel": "hr", "value": 70.0}, {"channel": "mood ring", "value": 1.0}]
    answer = client.post("/s2/signals/batch", json={"runs": runs})
    assert answer.status_code == 202 and answer.json()["outcome"] == "partly"
    assert answer.json()["runs"][1]["reasons"][0].startswith("no channel called 'mood ring'")
    many = {"runs": [{"channel": "hr", "value": [70.0] * 10_001}] * 2}
    assert client.post("/s2/signals/batch", json=many).status_code == 422
    assert client.post("/nobody/signals", json={"channel": "hr", "value": 70.0}).status_code == 404


def test_what_became_of_them_can_be_asked(client: httpx.Client) -> None:
    before = client.get("/s2/signals").json()
    client.post("/s2/signals", json={"channel": "hr", "value": [70.0, 1.0]})
    after = client.get("/s2/signals").json()
    assert after["accepted"] == before["accepted"] + 1 and after["refused"] == before["refused"] + 1
    last = after["last"][-1]
    assert (last["channel"], last["outcome"], last["reason"], last["by"]) == ("hr", "refused", "out_of_range", "http")
    assert after["room"] > 0 and after["channels"]["hr"] >= 1


def test_a_full_queue_is_429_with_when_to_come_again(client: httpx.Client, house: Any) -> None:
    hosted = house.sessions.all["s2"]
    hosted.status = "resuming"
    try:
        big = {"channel": "bvp", "value": [1.0] * 15_000}
        assert client.post("/s2/signals", json=big).status_code == 202
        answer = client.post("/s2/signals", json=big)
        assert answer.status_code == 429 and answer.headers["retry-after"] == "2"
        assert client.post("/s1/signals", json=big).status_code == 202  # another session's way is free
    finally:
        hosted.status = "playing"
    until(lambda: client.get("/s2/signals").json()["waiting"] == 0, "what waited was not handed over")
    until(lambda: len(of_samples(house, "s2", "bvp")) == 15_000, "it did not reach the record")


@pytest.fixture
def socket(served: Served) -> Iterator[Callable[..., ClientConnection]]:
    with ExitStack() as opened:

        def open_one(name: str = "s1", query: str = "") -> ClientConnection:
            url = served.url.replace("http", "ws") + f"/api/v1/sessions/{name}/signals{query}"
            return opened.enter_context(connect(url))

        yield open_one


def ask(socket: ClientConnection, message: Any) -> Any:
    socket.send(message if isinstance(message, str | bytes) else json.dumps(message))
    return json.loads(socket.recv(timeout=20.0))


def test_each_message_over_the_socket_is_answered_by_its_number(socket: Any, house: Any) -> None:
    one = socket()
    assert json.loads(one.recv(timeout=20.0)) == {"hello": "signals", "last_seq": None}
    answer = ask(one, {"seq": 41, "signal": {"channel": "temp", "value": 33.5}})
    assert (answer["seq"], answer["outcome"], answer["taken"]["accepted"]) == (41, "accepted", 1)
    answer = ask(one, {"seq": 42, "runs": [{"channel": "temp", "value": 33.6}, {"channel": "temp", "value": 99.0}]})
    assert answer["outcome"] == "partly" and "10 to 45" in answer["taken"]["runs"][1]["reasons"][0]
    assert ask(one, {"signal": {"channel": "temp", "value": 1.0}})["outcome"] == "refused"
    until(lambda: of_samples(house, "s1", "temp") == [33.5, 33.6], "not in the record")


def test_junk_over_the_socket_is_answered_and_in_the_end_closed(socket: Any) -> None:
    one = socket()
    one.recv(timeout=20.0)
    junk: list[Any] = ["{", b"\xff\xfe", '{"seq":1}', '{"signal":{"channel":"hr","value":NaN}}', "[]", "null", {"seq": -1}]
    for message in junk:
        assert ask(one, message)["outcome"] == "malformed"
    assert ask(one, {"signal": {"channel": "hr", "value": 70.0}})["outcome"] == "accepted"
    for _ in range(endpoints.MOST_MALFORMED - len(junk)):
        ask(one, "junk")
    with pytest.raises(Exception, match="1008"):
        one.recv(timeout=20.0)


def test_a_stream_goes_on_over_connections_and_counts_each_message_once(socket: Any, house: Any) -> None:
    first = socket("s1", "?stream=belt")
    assert json.loads(first.recv(timeout=20.0))["last_seq"] is None
    for seq in range(5):
        assert ask(first, {"seq": seq, "signal": {"channel": "resp", "value": float(seq)}})["outcome"] == "accepted"
    assert ask(first, {"signal": {"channel": "resp", "value": 9.0}})["outcome"] == "malformed"
    first.close()
    second = socket("s1", "?stream=belt")
    assert json.loads(second.recv(timeout=20.0))["last_seq"] == 4
    outcomes = [ask(second, {"seq": s, "signal": {"channel": "resp", "value": float(s)}})["outcome"] for s in (3, 4, 5)]
    assert outcomes == ["repeated", "repeated", "accepted"]
    until(lambda: of_samples(house, "s1", "resp") == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0], "not each once")


def test_of_a_stream_nothing_overtakes_what_found_no_room(socket: Any, house: Any) -> None:
    one = socket("s2", "?stream=b")
    one.recv(timeout=20.0)
    hosted = house.sessions.all["s2"]
    hosted.status = "resuming"
    try:
        assert ask(one, {"seq": 1, "signal": {"channel": "resp", "value": [0.5] * 19_000}})["outcome"] == "accepted"
        busy = ask(one, {"seq": 2, "signal": {"channel": "resp", "value": [1.0] * 2000}})
        assert busy["outcome"] == "busy" and busy["retry_after_s"] == 2.0
        assert ask(one, {"seq": 3, "signal": {"channel": "resp", "value": 2.0}})["outcome"] == "busy"
    finally:
        hosted.status = "playing"
    until(lambda: not house.ingest.report(hosted).waiting, "what waited was not handed over")
    assert ask(one, {"seq": 2, "signal": {"channel": "resp", "value": [1.0] * 2000}})["outcome"] == "accepted"
    assert ask(one, {"seq": 3, "signal": {"channel": "resp", "value": 2.0}})["outcome"] == "accepted"


def test_a_session_that_ends_says_so_and_closes(client: httpx.Client, served: Served, house: Any, socket: Any) -> None:
    served.call(house.sessions.create("settle", {"seed": 3, "minutes": 60.0}, name="short"))
    one = socket("short")
    one.recv(timeout=20.0)
    house.sessions.all["short"].status = "finished"
    assert ask(one, {"seq": 1, "signal": {"channel": "hr", "value": 70.0}})["outcome"] == "over"
    with pytest.raises(Exception, match="1000"):
        one.recv(timeout=20.0)
    assert client.post("/short/signals", json={"channel": "hr", "value": 70.0}).status_code == 409


def test_samples_over_osc_go_the_same_way(served: Served, house: Any) -> None:
    house.ingest.feed("s1", "acc", [0.9, 1.1], "osc")
    house.ingest.feed("nobody", "acc", 0.9, "osc")
    with pytest.raises(UnknownName):
        house.ingest.feed("s1", "hrv", 1.0, "osc")
    until(lambda: of_samples(house, "s1", "acc") == [0.9, 1.1], "not in the record")
    assert np.isfinite(house.ingest.report(house.sessions.all["s1"]).last[-1].t_s)
