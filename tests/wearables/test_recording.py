"""Recordings: what is told comes back whole, what is wrong is mended with a word or refused with a reason."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synth.wearables.recording import Recording, RecordingError, open_recording
from synth.wearables.samples import CHANNELS
from synth.wearables.table import read_table, stem_of

Write = Callable[[Mapping[str, str]], Path]

META = json.dumps({"id": "x", "segments": [{"start": 0, "end": 2, "task": "rest"}]})
HR = "t,hr_bpm\n0,70\n1,71\n2,72.5\n"


def told(recording: Recording, *words: str) -> bool:
    """Whether one repair holds all of `words`."""
    return any(all(word in repair for word in words) for repair in recording.repairs)


def test_a_good_folder_comes_back_whole_and_without_repairs(write: Write) -> None:
    folder = write(
        {
            "meta.json": META,
            "hr.csv": HR,
            "eda.csv.gz": "t,eda_uS\n0,1.5\n0.25,1.6\n",
            "ibi.csv": "t,ibi_s\n0.8,0.8\n1.65,0.85\n",
            "acc.csv": "t,x64g,y64g,z64g\n0,0,0,64\n0.5,48,0,-36\n",
            "temp.csv": "t,temp_C\n0,33.1\n",
            "LICENSE": "free",
        }
    )
    recording = open_recording(folder)
    assert recording.repairs == ()
    assert set(recording.channels) == {"hr", "eda", "rr_ms", "acc", "temp"}
    np.testing.assert_allclose(recording.channels["hr"].value, [70, 71, 72.5])
    np.testing.assert_allclose(recording.channels["rr_ms"].value, [800, 850])
    np.testing.assert_allclose(recording.channels["acc"].value, [1.0, 60 / 64])
    assert all((samples.quality == 1).all() for samples in recording.channels.values())
    assert recording.duration_s == 2.0
    assert recording.segments[0].task == "rest"


def test_parquet_reads_like_csv(write: Write) -> None:
    folder = write({"meta.json": META, "hr.csv": HR})
    plain = open_recording(folder)
    (folder / "hr.csv").unlink()
    pq.write_table(
        pa.table({"t": [0.0, 1.0, 2.0], "hr_bpm": pa.array([70, 71, 72.5], pa.float32())}), folder / "hr.parquet"
    )
    packed = open_recording(folder)
    np.testing.assert_array_equal(plain.channels["hr"].t_s, packed.channels["hr"].t_s)
    np.testing.assert_array_equal(plain.channels["hr"].value, packed.channels["hr"].value)


def test_the_shipped_recording_is_the_same_as_parquet(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "assets" / "recording"
    for file in shipped.glob("*.csv.gz"):
        table = read_table(file)
        pq.write_table(pa.table(dict(table.columns)), tmp_path / f"{stem_of(file)}.parquet")
    (tmp_path / "meta.json").write_bytes((shipped / "meta.json").read_bytes())
    packed, plain = open_recording(tmp_path), open_recording(shipped)
    assert set(packed.channels) == set(plain.channels) == {"hr", "rr_ms", "eda", "acc", "temp", "bvp"}
    assert (packed.meta, packed.repairs, packed.segments) == (plain.meta, plain.repairs, plain.segments)
    for channel, samples in plain.channels.items():
        for name in ("t_s", "value", "quality"):
            np.testing.assert_array_equal(getattr(packed.channels[channel], name), getattr(samples, name))


def test_a_folder_that_may_not_be_listed_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", forbidden)
    with pytest.raises(RecordingError, match="cannot be read .Permission denied.: check the path and its permissions"):
        open_recording(tmp_path)
    with pytest.raises(RecordingError, match="cannot be read"):
        open_recording("x" * 5000)


def test_parquet_without_pyarrow_says_what_to_install(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write({"hr.parquet": "?"})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(RecordingError, match=r"hr\.parquet.*isotone\[recordings\]"):
        open_recording(folder)


def test_batches_hand_over_each_sample_once_and_in_time(write: Write) -> None:
    recording = open_recording(write({"hr.csv": HR, "eda.csv": "t,eda\n0,1\n0.9999,2\n1.75,3\n"}))
    for step_s in (0.25, 1.0, 5.0):
        heard: list[tuple[str, float]] = []
        before = 0.0
        for now_s, batch in recording.batches(step_s):
            for samples in batch:
                assert ((before <= samples.t_s) & (samples.t_s < now_s)).all()
                heard += [(samples.channel, t) for t in samples.t_s]
            before = now_s
        assert sorted(heard) == sorted([("hr", t) for t in (0, 1, 2)] + [("eda", t) for t in (0, 0.9999, 1.75)])


def test_a_table_of_eeg_has_a_column_a_site(write: Write) -> None:
    recording = open_recording(
        write({"eeg.csv": "t,TP9,AF7_mV,AUX,Marker0\n0,35.6,0.036,80,0\n0.004,36.1,0.034,85,1\n"})
    )
    assert isinstance(recording, Recording)
    assert {name: run.value.tolist() for name, run in recording.channels.items()} == {
        "eeg_tp9": [35.6, 36.1], "eeg_af7": pytest.approx([36.0, 34.0]),
    }  # fmt: skip
    assert told(recording, "column AUX", "left out") and told(recording, "column Marker0", "left out")


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        (["100000000", "100000001"], [0.0, 1.0]),
        (["1e8", "100000002", "inf"], [0.0, 2.0]),
        (["1700000000000", "1700000000500"], [0.0, 0.5]),
    ],
)
def test_clock_times_count_from_the_earliest(write: Write, times: list[str], seconds: list[float]) -> None:
    rows = "".join(f"{t},70\n" for t in times)
    recording = open_recording(write({"hr.csv": f"t,hr\n{rows}", "eda.csv": "t,eda\ninf,1\n"}))
    assert isinstance(recording, Recording)
    assert recording.channels["hr"].t_s.tolist() == seconds and told(recording, "clock", "earliest")


def test_one_file_of_time_channel_and_value(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    path.write_text("time,channel,value\n0,hr,70\n0.8,ibi,0.8\n0,eda,2\n1,hr,71\n1,mood,3\n1,self_arousal,0.5\n")
    recording = open_recording(path)
    np.testing.assert_allclose(recording.channels["rr_ms"].value, [800])
    np.testing.assert_allclose(recording.channels["hr"].value, [70, 71])
    assert recording.channels["self_arousal"].value[0] == 0.5
    assert told(recording, "mood", "left out")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"hr.csv": "t,hr\n0,70\n1,nan\n2,\n3,null\n4,inf\n5,72\n"}, ("hr", "4 of 6")),
        ({"hr.csv": "t,hr\n2,72\n0,70\n1,71\n"}, ("hr", "sorted")),
        ({"hr.csv": "t,hr\n0,70\n1,71\n1,71\n1,90\n2,72\n"}, ("hr", "2 rows", "counted once")),
        ({"hr.csv": "t,hr\n-1,69\n0,70\n1,71\n"}, ("hr", "1 rows", "before 0")),
        ({"hr.csv": "t,hr\n0,70\n1,seventy\n2,72\n"}, ("hr.csv", "'seventy'", "row 2")),
        ({"hr.csv": "t,hr\n0,70\n1\n2,72,9\n"}, ("hr.csv", "2 rows", "cells")),
        ({"hr.csv": HR, "ibi.csv": "t,ibi_s\n1,800\n2,810\n"}, ("ibi.csv", "look like ms")),
        ({"hr.csv": HR, "rr.csv": "t,rr_ms\n1,0.8\n2,0.81\n"}, ("rr.csv", "look like s ")),
        ({"hr.csv": HR, "eda.csv": "t,eda\n0,2000\n1,2100\n"}, ("eda", "look like nS")),
        ({"hr.csv": HR, "temp.csv": "t,temp_C\n0,91.4\n"}, ("temp", "degF")),
        ({"hr.csv": HR, "acc.csv": "t,x,y,z\n0,0,0,9.81\n"}, ("acc", "m/s2")),
        ({"hr.csv": HR, "ecg.csv": "t,ecg\n0,1\n"}, ("ecg.csv", "left out")),
        ({"hr.csv": HR, "eda.csv": "t,eda\n"}, ("eda", "no usable samples")),
        ({"hr.csv": HR, "meta.json": "{"}, ("meta.json", "cannot be read")),
        ({"hr.csv": HR, "meta.json": "[1]"}, ("meta.json", "not an object")),
        ({"hr.csv": HR}, ("meta.json", "not there")),
        ({"hr.csv": HR, "hr.csv.gz": HR}, ("hr.csv.gz", "another file")),
        ({"hr.csv": "t,hr\n1700000000,70\n1700000001,71\n"}, ("clock", "earliest")),
        ({"hr.csv": "t,hr\n0,70\n1,0\n2,300\n3,71\n"}, ("hr", "2 of 4", "of no quality")),
        ({"hr.csv": HR, "eda.csv": "t,eda\n0,1e9\n"}, ("eda", "not uS")),
        ({"hr.csv": "t;hr\n0,5;70,5\n1,5;71,5\n"}, ("meta.json",)),
    ],
)  # fmt: skip
def test_what_can_be_mended_is_mended_and_told(write: Write, files: dict[str, str], words: tuple[str, ...]) -> None:
    recording = open_recording(write(files))
    assert told(recording, *words), recording.repairs
    hr = recording.channels["hr"]
    good = hr.value[hr.quality == 1]
    assert len(good) >= 1 and (good >= 70).all() and (good <= 72.5).all()
    assert (np.diff(hr.t_s) > 0).all() and hr.t_s[0] >= 0


def test_mending_loses_nothing_good(write: Write) -> None:
    recording = open_recording(write({"hr.csv": "t,hr\n3,73\n0,70\nnan,99\n1,x\n2,72\n2,72\n-5,60\n4,74\n"}))
    np.testing.assert_array_equal(recording.channels["hr"].t_s, [0, 2, 3, 4])
    np.testing.assert_array_equal(recording.channels["hr"].value, [70, 72, 73, 74])


def test_values_in_other_units_come_out_right(write: Write) -> None:
    recording = open_recording(
        write(
            {
                "ibi.csv": "t,ibi_s\n1,800\n2,820\n",
                "eda.csv": "t,eda\n0,2000\n1,2100\n",
                "temp.csv": "t,temp_F\n0,91.4\n",
                "acc.csv": "t,x,y,z\n0,0,0,9.80665\n",
            }
        )
    )
    got = {channel: samples.value[0] for channel, samples in recording.channels.items()}
    assert got == pytest.approx({"rr_ms": 800.0, "eda": 2.0, "temp": 33.0, "acc": 1.0})


def test_a_gzip_that_ends_early_gives_what_was_whole(write: Write) -> None:
    rows = "t,hr\n" + "".join(f"{t},{60 + t * 7919 % 40}\n" for t in range(2000))
    folder = write({"hr.csv.gz": rows})
    packed = (folder / "hr.csv.gz").read_bytes()
    (folder / "hr.csv.gz").write_bytes(packed[: len(packed) // 2])
    recording = open_recording(folder)
    assert told(recording, "hr.csv.gz", "ends early")
    kept = len(recording.channels["hr"])
    assert 100 < kept < 2000
    np.testing.assert_array_equal(recording.channels["hr"].value, [60 + t * 7919 % 40 for t in range(kept)])


def test_what_cannot_be_read_says_why_and_where(write: Write, tmp_path: Path) -> None:
    def refused(path: Path, words: str) -> None:
        with pytest.raises(RecordingError, match=words) as error:
            open_recording(path)
        assert str(path) in str(error.value)

    refused(tmp_path / "nowhere", "no such file or folder")
    empty = tmp_path / "empty"
    empty.mkdir()
    refused(empty, "no channel to read")
    refused(write({"hr.csv": ""}), "empty file")
    refused(write({"hr.csv": "hr,quality\n70,1\n"}), r"no column of times.*hr, quality")
    refused(write({"hr.csv": "t\n1\n"}), "no column of numbers")
    refused(write({"hr.csv": "t,hr\nnan,1\n"}), "no usable samples")
    refused(write({"hr.csv": "t,t,hr\n0,0,1\n"}), "share a name")
    folder = write({"hr.csv": HR})
    (folder / "eda.csv.gz").write_bytes(b"not gzip at all")
    refused(folder, r"eda\.csv\.gz.*not a readable gzip")
    (folder / "eda.csv.gz").unlink()
    (folder / "eda.parquet").write_bytes(b"PAR1 but no more")
    refused(folder, r"eda\.parquet.*not a readable Parquet")
    refused(folder / "hr.csv", "time, channel and value")
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    refused(text, "not a table")


def test_a_folder_with_a_wrong_name_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "hr.csv").mkdir()
    with pytest.raises(RecordingError, match="no channel to read"):
        open_recording(tmp_path)


cells = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True).map(repr),
    st.integers(-(10**6), 10**6).map(str),
    st.sampled_from(["", "nan", "null", "-inf", "1e400", "0x10", '"', "1;2", "#", "\u2028", "é", "\x00"]),
    st.text(max_size=6),
)
rows = st.lists(st.lists(cells, min_size=0, max_size=4).map(",".join), max_size=12)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=st.one_of(st.just("t,value"), st.just("time,channel,value"), st.text(max_size=12)), rows=rows)
def test_whatever_a_file_holds_it_is_read_or_refused(tmp_path: Path, header: str, rows: list[str]) -> None:
    folder = tmp_path / "any"
    folder.mkdir(exist_ok=True)
    text = "\n".join([header, *rows])
    (folder / "hr.csv").write_bytes(text.encode("utf-8", "surrogatepass"))
    (folder / "eda.csv.gz").write_bytes(gzip.compress(text.encode("utf-8", "surrogatepass")))
    for path in (folder, folder / "hr.csv"):
        try:
            recording = open_recording(path)
        except RecordingError as error:
            assert str(path) in str(error)
            continue
        for channel, samples in recording.channels.items():
            assert channel in CHANNELS and len(samples)
            assert np.isfinite(samples.t_s).all() and np.isfinite(samples.value).all()
            assert (np.diff(samples.t_s) > 0).all() and samples.t_s[0] >= 0
            assert ((samples.quality >= 0) & (samples.quality <= 1)).all()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200), name=st.sampled_from(["hr.csv", "hr.csv.gz", "hr.parquet", "meta.json"]))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes, name: str) -> None:
    folder = tmp_path / "bytes"
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    (folder / "eda.csv").write_text("t,eda\n0,1\n")
    (folder / name).write_bytes(data)
    try:
        assert len(open_recording(folder).channels["eda"]) == 1
    except RecordingError as error:
        assert name in str(error)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.floats(31, 219), min_size=1, max_size=30), shuffle=st.randoms(use_true_random=False))
def test_order_and_repeats_do_not_matter(tmp_path: Path, values: list[float], shuffle: object) -> None:
    lines = [f"{t},{value!r}" for t, value in enumerate(values)]
    mixed = lines * 2
    shuffle.shuffle(mixed)  # type: ignore[attr-defined]
    read = []
    for name, rows in (("plain", lines), ("mixed", mixed)):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "hr.csv").write_text("\n".join(["t,hr_bpm", *rows]))
        read.append(open_recording(folder).channels["hr"])
    np.testing.assert_array_equal(read[0].t_s, read[1].t_s)
    np.testing.assert_array_equal(read[0].value, read[1].value)
