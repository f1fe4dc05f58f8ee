"""Signals on their way in: what is taken reaches the session in order, what is not is told, nothing is lost and nothing
grows."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from synth.api.signals import Signal
from synth.daemon.config import Config, Limits
from synth.daemon.ingest import Busy, Ingest, Over, TooMany, journal, outcomes
from synth.daemon.ingest import ingest as at
from synth.session import TermsError
from synth.wearables.packet import Packet


def signal(channel: str = "hr", value: Any = 70.0, **told: Any) -> Signal:
    return Signal(channel=channel, value=value, **told)


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
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    monkeypatch.setattr(at, "BLOCK_S", 0.0)  # each tick is a block's
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
        [
            signal("hr", 70.0),
            signal("eda", 1.0, t_s=9e5, device="w"),
            signal("hr", 71.0),
            signal("acc", 1.0, t_s=9e5, device="w"),
        ],
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


def test_no_session_is_given_more_than_its_way_bears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(tmp_path, most=5000)
    monkeypatch.setattr(at, "BLOCK_S", 1e9)
    hosted = room.session()
    values = [60.0 + i / 1000 for i in range(900)]
    room.ingest.put(hosted, [signal("hr", values)], "http")
    for _ in range(30):
        room.ingest.put(hosted, [signal("eda", [1.0] * 50)], "http")
    for _ in range(5):
        room.tick()
    sent = sum(len(pickle.dumps(("hear", (packet,), {}), -1)) for packet in hosted.hands.heard)
    assert at.BYTES_A_BLOCK * 0.8 < sent < at.BYTES_A_BLOCK + 11_000
    monkeypatch.setattr(at, "BLOCK_S", 0.0)
    for _ in range(5):
        room.tick()
    assert [value for value in hosted.hands.values if value >= 60.0] == values
    assert len(hosted.hands.values) == 900 + 30 * 50


def test_parts_of_a_large_run_tell_of_one_offset(room: Room) -> None:
    hosted = room.session()
    times = [9e4 + i / 64 for i in range(1000)]
    room.ingest.put(hosted, [signal("acc", [1.0] * 1000, t_s=times, device="w")], "http")
    for _ in range(3):
        room.tick()
    assert [len(packet.samples[0]) for packet in hosted.hands.heard] == [400, 400, 200]
    offsets = {round(packet.received_s - packet.samples[0].t_s[-1], 9) for packet in hosted.hands.heard}
    assert offsets == {round(100.0 - times[-1], 9)}


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
    for i in range(1100):  # and where no record tells of it, what is kept is bounded
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
