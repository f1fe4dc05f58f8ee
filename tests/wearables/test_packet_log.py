"""Logs of packets: everything in order of receipt, streamed, in session time; faults of sensors and files survived."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from synth.wearables.packet_log import PacketLog, is_log
from synth.wearables.recording import RecordingError, open_recording
from synth.wearables.samples import Samples


def logged(path: Path, rows: list[dict[str, object] | str]) -> PacketLog:
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.name.endswith(".gz") else text.encode())
    log = open_recording(path)
    assert isinstance(log, PacketLog)
    return log


def row(t: float, channel: str = "hr", value: object = 70.0, delay_s: float = 0.1, **more: object) -> dict[str, object]:
    return {"t": t, "ch": channel, "v": value, "recv": t + delay_s, **more}


def heard(batches: list[Samples], channel: str = "hr") -> tuple[list[float], list[float]]:
    runs = [run for run in batches if run.channel == channel]
    return [t for run in runs for t in run.t_s.tolist()], [value for run in runs for value in run.value.tolist()]


@pytest.mark.parametrize("name", ["log.jsonl", "LOG.NDJSON", "log.jsonl.gz", "a.ndjson.gz"])
def test_a_log_is_found_by_its_name(tmp_path: Path, name: str) -> None:
    log = logged(tmp_path / name, [row(0), row(1), row(2)])
    assert is_log(tmp_path / name) and not is_log(tmp_path / "hr.csv") and not is_log(tmp_path / "log.json")
    assert log.meta == {"id": name.split(".")[0]} and log.repairs == () and log.duration_s == pytest.approx(2.0)


def test_time_counts_from_the_first_receipt(tmp_path: Path) -> None:
    log = logged(tmp_path / "x.jsonl", [row(t, value=70 + t) for t in range(100, 110)])
    assert log.duration_s == pytest.approx(9.0)
    times, values = heard(log.between(0.0, 100.0))
    np.testing.assert_allclose(times, np.arange(10), atol=1e-9)
    assert values == [170.0 + t for t in range(10)]


def test_lines_received_at_once_make_a_packet_a_device(tmp_path: Path) -> None:
    burst = [row(t / 4, value=70 + t, recv=10.0) for t in range(40)]
    log = logged(tmp_path / "x.jsonl", [*burst, row(9.9, "eda", 2.0, recv=10.0), row(9.5, recv=10.0, device="H10")])
    packets = list(log.packets())
    assert [(packet.device, packet.received_s, len(packet.samples)) for packet in packets] == [
        ("json", 0.0, 2),
        ("H10", 0.0, 1),
    ]
    times, _ = heard([*packets[0].samples])
    np.testing.assert_allclose(times, np.arange(40) / 4)
    times, _ = heard(log.between(0.0, 1.0))
    np.testing.assert_allclose(np.diff(times[:40]), 0.25)
    assert times[39] == pytest.approx(9.75 - 9.9)


def test_stretches_hand_over_each_sample_once_whatever_their_length(tmp_path: Path) -> None:
    log = logged(tmp_path / "x.jsonl", [row(t / 3, "eda", 1 + t / 100, 0.1 + t % 5 / 50) for t in range(300)])
    whole = heard(log.between(0.0, 1e9), "eda")
    assert len(whole[1]) == 300
    for step_s in (0.25, 1.0, 7.0):
        taken: list[Samples] = []
        for now_s, batch in log.batches(step_s):
            assert len(batch) <= 1 and all((run.t_s <= now_s).all() for run in batch)
            taken += batch
        assert heard(taken, "eda") == whole
        asked = [run for step in range(420) for run in log.between(step * step_s, (step + 1) * step_s)]
        assert heard(asked, "eda") == whole


def test_only_what_was_received_in_a_stretch_is_in_it_and_going_back_is_allowed(tmp_path: Path) -> None:
    log = logged(tmp_path / "x.jsonl", [row(0), row(1), row(2, delay_s=3.0), row(6), row(7)])
    assert heard(log.between(2.0, 3.0)) == ([], [])
    assert heard(log.between(4.0, 5.5))[0] == pytest.approx([2.0])
    assert heard(log.between(0.0, 1.5))[0] == pytest.approx([0.0, 1.0])
    assert heard(log.between(6.5, 100.0))[0] == pytest.approx([7.0])
    assert log.between(100.0, 101.0) == []


def test_a_batch_and_a_stretch_do_not_disturb_each_other(tmp_path: Path) -> None:
    log = logged(tmp_path / "x.jsonl", [row(t) for t in range(10)])
    batches = log.batches(1.0)
    first = next(batches)
    log.between(0.0, 100.0)
    second = next(batches)
    assert (heard(first[1])[0], heard(second[1])[0]) == (pytest.approx([0.0]), pytest.approx([1.0]))


def test_without_times_of_receipt_samples_came_at_their_own(tmp_path: Path) -> None:
    log = logged(tmp_path / "x.jsonl", [{"t": 50 + t, "hr": 70 + t} for t in range(5)])
    assert log.duration_s == 4.0
    assert heard(log.between(0.0, 2.5)) == ([0.0, 1.0, 2.0], [70.0, 71.0, 72.0])


def test_without_any_time_of_the_device_receipt_counts(tmp_path: Path) -> None:
    log = logged(tmp_path / "x.jsonl", [{"recv": 5.0 + t, "hr": 70 + t} for t in range(3)])
    assert heard(log.between(0.0, 9.0)) == ([0.0, 1.0, 2.0], [70.0, 71.0, 72.0])
    assert all(not packet.timed for packet in log.packets())


def test_beats_keep_their_unit_and_missing_values_are_heard(tmp_path: Path) -> None:
    rows = [row(0.8 * i, "rr", 0.8) for i in range(20)] + [row(17, "hr", None), row(18, "hr", float("nan"))]
    (tmp_path / "x.jsonl").write_text("")
    log = logged(tmp_path / "x.jsonl", list(rows))
    runs = {run.channel: run for run in log.between(0.0, 100.0)}
    np.testing.assert_allclose(runs["rr_ms"].value, 800.0)
    assert np.isnan(runs["hr"].value).all() and (runs["hr"].quality == 0.0).all() and len(runs["hr"]) == 2


@pytest.mark.parametrize(
    ("fault", "count"),
    [
        ("clean", 2400), ("dropout", 1920), ("duplicates", 2640), ("late", 2400), ("jump", 2400), ("drift", 2400),
        ("burst", 2400), ("missing", 2400),
    ],
)  # fmt: skip
def test_ten_minutes_with_each_fault_lose_no_line(tmp_path: Path, fault: str, count: int) -> None:
    """Four channels a second for ten minutes, with the fault from minute 4 to 6."""
    rng = np.random.default_rng(4)
    rows = []
    for i in range(600):
        for channel, value in (("hr", 70.0), ("eda", 0.4), ("temp", 33.0), ("acc", [0.0, 0.6, 0.8])):
            line: dict[str, object] = row(float(i), channel, value, float(rng.uniform(0.05, 0.1)))
            if 240 <= i < 360:
                if fault == "dropout":
                    continue
                line |= {
                    "late": {"recv": i + float(rng.uniform(0, 5))},
                    "jump": {"t": i - 3600.0},
                    "burst": {"recv": 10.0 * (i // 10 + 1)},
                    "missing": {"v": None if channel != "acc" else [None, 0.0, "NaN"]},
                }.get(fault, {})
                if fault == "duplicates" and i % 2:
                    rows.append(dict(line))
            if fault == "drift":
                line["t"] = i * 1.001
            rows.append(line)
    rows.sort(key=lambda line: float(str(line["recv"])))
    log = logged(tmp_path / f"{fault}.jsonl", list(rows))
    runs = [run for _, batch in log.batches(1.0) for run in batch]
    assert sum(map(len, runs)) == count and {run.channel for run in runs} == {"hr", "eda", "temp", "acc"}
    assert log.repairs == (("json: 2 leaps of the sensor's clock; time goes on from there",) if fault == "jump" else ())
    bad = sum(int((run.quality == 0).sum()) for run in runs)
    assert bad == (480 if fault == "missing" else 0)


def test_what_is_wrong_is_told_once_with_how_often(tmp_path: Path) -> None:
    rows = [
        row(0),
        "bad",
        "bad too",
        row(2),
        row(1.0),
        row(3),
        row(4e5),
        "",
        row(5, "mood"),
        {"t": 6, "recv": "?", "hr": 1},
    ]
    log = logged(tmp_path / "x.jsonl", rows)
    assert log.repairs[:4] == (
        "x.jsonl: lines that are not JSON; left out (2)",
        "x.jsonl: lines received before the one above them; taken to have come with it (1)",
        "x.jsonl: lines received more than 100 h after the first; left out (1)",
        "x.jsonl: lines of 'mood', not a channel this reads; left out (1)",
    )
    received = [packet.received_s for packet in log.packets()]
    assert received == sorted(received)


def test_a_packed_log_that_ends_early_gives_what_was_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    rng = np.random.default_rng(1)
    logged(path, [row(t, value=float(rng.uniform(60, 80))) for t in range(3000)])
    path.write_bytes(path.read_bytes()[:-4000])
    log = PacketLog(path)
    assert len(log.repairs) == 1 and "damaged or ends early" in log.repairs[0]
    assert 100 < log.duration_s < 2999
    assert len(heard(log.between(0.0, 1e9))[0]) == round(log.duration_s) + 1


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    def refused(data: bytes | None, words: str, name: str = "x.jsonl") -> None:
        path = tmp_path / name
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(RecordingError, match=words) as error:
            PacketLog(path)
        assert str(path) in str(error.value)

    refused(b"", r"no usable samples in it \(no lines\): a line is")
    refused(b"what\nis this\n", r"not JSON; left out \(2\)")
    refused(b"not gzip", "damaged or ends early", "x.jsonl.gz")
    refused(None, "cannot be read", "nowhere.jsonl")


def test_a_log_is_streamed_not_held(tmp_path: Path) -> None:
    """Going through a long log holds no more than a few packets."""
    path = tmp_path / "long.jsonl"
    path.write_text("".join(json.dumps(row(i, note="x" * 4000)) + "\n" for i in range(1000)))
    tracemalloc.start()
    try:
        log = PacketLog(path)
        assert sum(1 for _ in log.packets()) == 1000 and log.duration_s == pytest.approx(999)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000 < path.stat().st_size / 4
    finally:
        tracemalloc.stop()
