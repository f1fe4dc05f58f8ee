"""An Empatica E4's export: a published sample and small made-up ones, as a folder and as a .zip, whole and damaged."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synth.wearables.empatica import is_signal
from synth.wearables.recording import Recording, RecordingError, open_recording

Write = Callable[[Mapping[str, str]], Path]
SAMPLE = Path(__file__).with_name("data") / "empatica_e4"
START = 1_560_279_825.0

SMALL = {
    "EDA.csv": f"{START}\n4.000000\n0.0\n1.5\n1.6\n1.7\n",
    "TEMP.csv": f"{START}\n4.0\n32.1\n32.2\n",
    "BVP.csv": f"{START}\n64.0\n-0.0\n7.77\n9.07\n",
    "ACC.csv": f"{START}, {START}, {START}\n32.0, 32.0, 32.0\n0,0,64\n48,0,-36\n",
    "HR.csv": f"{START + 10}\n1.0\n93.00\n101.00\n",
    "IBI.csv": f"{START}, IBI\n3.5,0.75\n4.3,0.8\n9.0,0.9\n",
    "tags.csv": f"{START + 5.25}\r\n{START + 60}\r\n",
    "info.txt": ".csv files in this archive are in the following format:\n",
}


def small(write: Write, **changed: str | None) -> Recording:
    files = {**SMALL, **{f"{name}.csv": text for name, text in changed.items()}}
    return recorded(write({name: text for name, text in files.items() if text is not None}))


def recorded(path: Path) -> Recording:
    recording = open_recording(path)
    assert isinstance(recording, Recording)
    return recording


def zipped(path: Path, files: Mapping[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def test_the_published_sample_is_read_in_its_units() -> None:
    recording = recorded(SAMPLE)
    assert set(recording.channels) == {"acc", "bvp", "eda", "hr", "rr_ms", "temp"}
    eda, temp, hr, acc = (recording.channels[name] for name in ("eda", "temp", "hr", "acc"))
    np.testing.assert_allclose(eda.t_s, np.arange(120) / 4)
    np.testing.assert_allclose(eda.value[:3], [0.0, 0.020499, 0.048685])
    assert eda.quality[0] == 0.0 and eda.quality[-1] == 1.0
    np.testing.assert_allclose(temp.value[0], 32.13)
    np.testing.assert_allclose(hr.t_s[:2], [10, 11])
    np.testing.assert_allclose(acc.value[0], np.sqrt(61**2 + 25**2 + 6**2) / 64)
    assert np.median(acc.value) == pytest.approx(1.0, abs=0.1)
    assert recording.channels["bvp"].t_s[-1] == pytest.approx(119 / 64)
    assert recording.meta["id"] == "empatica_e4" and recording.meta["started_unix_s"] == START


def test_an_interval_stands_at_the_beat_that_ends_it() -> None:
    """Where no beat is missing, the time between two rows is the second row's interval, not the first's."""
    rr = recorded(SAMPLE).channels["rr_ms"]
    assert (rr.t_s[0], rr.value[0]) == (83.503822, pytest.approx(609.403))
    between_ms = np.diff(rr.t_s) * 1000.0
    own, other = np.abs(between_ms - rr.value[1:]) < 0.2, np.abs(between_ms - rr.value[:-1]) < 0.2
    assert own.mean() > 0.8 and other.mean() < 0.3


def test_a_small_export_comes_back_whole(write: Write) -> None:
    recording = small(write)
    got = {name: (run.t_s.tolist(), run.value.tolist()) for name, run in recording.channels.items()}
    assert got == {
        "eda": ([0.0, 0.25, 0.5, 0.75], [0.0, 1.5, 1.6, 1.7]),
        "temp": ([0.0, 0.25], [32.1, 32.2]),
        "bvp": ([0.0, 1 / 64, 2 / 64], [-0.0, 7.77, 9.07]),
        "acc": ([0.0, 1 / 32], [1.0, 60 / 64]),
        "hr": ([10.0, 11.0], [93.0, 101.0]),
        "rr_ms": ([3.5, 4.3, 9.0], [750.0, 800.0, 900.0]),
    }
    assert recording.meta["marks_s"] == [5.25, 60.0]
    assert recording.repairs == ("eda: 1 of 4 values are outside what a body gives; of no quality",)


@pytest.mark.parametrize("inside", ["", "1560279825_A01234/"])
def test_a_zip_reads_like_the_folder(write: Write, tmp_path: Path, inside: str) -> None:
    files = {inside + name: text for name, text in SMALL.items()} | {"__MACOSX/._EDA.csv": "x", "__MACOSX/EDA.csv": "x"}
    packed, plain = recorded(zipped(tmp_path / "1560279825_A01234.ZIP", files)), small(write)
    assert packed.meta == {**plain.meta, "id": "1560279825_A01234"} and packed.repairs == plain.repairs
    for name, run in plain.channels.items():
        np.testing.assert_array_equal(packed.channels[name].t_s, run.t_s)
        np.testing.assert_array_equal(packed.channels[name].value, run.value)


def test_small_letters_missing_files_and_a_meta_json(write: Write) -> None:
    files = {name.lower(): SMALL[name] for name in ("EDA.csv", "HR.csv", "IBI.csv")}
    recording = recorded(write({**files, "tags.csv": "", "meta.json": '{"id": "S9", "licence": "MIT"}'}))
    assert set(recording.channels) == {"eda", "hr", "rr_ms"}
    assert (recording.meta["id"], recording.meta["device"]) == ("S9", "Empatica E4")
    assert "marks_s" not in recording.meta
    upper = {name.upper(): text for name, text in SMALL.items() if name == "EDA.csv"}
    assert set(recorded(write(upper)).channels) == {"eda", "hr", "rr_ms"}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"EDA": f"{START}\n4.0\n1.5\n\nx\n1.6\n"}, ("EDA.csv: 2 of 4 rows are no numbers (first empty)",)),
        ({"EDA": f"{START}\n4.0\n1.5\nx\n1.6\n"}, ("EDA.csv: 1 of 3 rows are no numbers (first 'x')",)),
        ({"EDA": f"{START}\nfast\n1.5\n"}, ("EDA.csv: row 2 should be its rate in Hz but is 'fast'",)),
        ({"EDA": f"{START}\n0\n1.5\n"}, ("EDA.csv: row 2 should be",)),
        ({"EDA": f"{START}\n"}, ("EDA.csv: row 2 should be",)),
        ({"EDA": f"{START}\n4.0\n"}, ("eda: no usable samples",)),
        ({"EDA": ""}, ()),
        ({"EDA": "what is this\n4.0\n1.5\n"}, ()),
        ({"ACC": f"{START},{START},{START}\n32,32,32\n0,0,64\n1,2\n0,0,64\n"}, ("ACC.csv: 1 of 3 rows",)),
        ({"IBI": f"{START}, IBI\n3.5,0.75\n4.3\n9.0,0.9\n"}, ("IBI.csv: 1 of 3 rows",)),
        ({"IBI": f"{START}, IBI\n"}, ("rr_ms: no usable samples",)),
        ({"tags": f"{START + 1}\nlater\n12\n"}, ("tags.csv: 2 of 3 rows are no times since 1970",)),
    ],
)
def test_what_is_wrong_is_left_out_and_told(write: Write, changed: dict[str, str], words: tuple[str, ...]) -> None:
    recording = small(write, **changed)
    for word in words:
        assert any(repair.startswith(word) for repair in recording.repairs), recording.repairs
    assert recording.channels["hr"].value.tolist() == [93.0, 101.0]


@pytest.mark.parametrize("gap", ["\n", "x\n", " \n", "nan\n"])
def test_a_row_that_is_no_number_does_not_move_the_others(write: Write, gap: str) -> None:
    eda = small(write, EDA=f"{START}\n4.0\n1.1\n{gap}1.4\n").channels["eda"]
    assert (eda.t_s.tolist(), eda.value.tolist()) == ([0.0, 0.5], [1.1, 1.4])


def test_files_that_start_at_other_times_keep_their_distance(write: Write) -> None:
    recording = small(write, EDA=f"{START + 2.5}\n4.0\n1.5\n")
    assert recording.channels["eda"].t_s.tolist() == [2.5]
    recording = small(write, EDA=f"{START - 2.5}\n4.0\n1.5\n")
    assert recording.channels["eda"].t_s.tolist() == [0.0] and recording.channels["hr"].t_s[0] == 12.5


def test_content_tells_an_export_from_a_tidy_folder(write: Write) -> None:
    tidy = {"hr.csv": "t,hr_bpm\n0,70\n1,71\n", "temp.csv": "t,temp_C\n0,33\n", "meta.json": "{}"}
    folder = write({**tidy, "EDA.csv": SMALL["EDA.csv"]})
    assert is_signal(folder / "EDA.csv") and not is_signal(folder / "hr.csv") and not is_signal(folder / "meta.json")
    recording = recorded(folder)
    assert set(recording.channels) == {"hr", "temp"}
    assert any("EDA.csv: has no header but a time since 1970" in repair for repair in recording.repairs)
    recording = recorded(write({"BVP.csv": SMALL["BVP.csv"]}))
    assert set(recording.channels) == {"eda", "bvp"}
    assert any("hr.csv: not of the Empatica export beside it" in repair for repair in recording.repairs)


def test_what_is_no_export_says_why(write: Write, tmp_path: Path) -> None:
    def refused(path: Path, words: str) -> None:
        with pytest.raises(RecordingError, match=words) as error:
            open_recording(path)
        assert str(path) in str(error.value)

    path = tmp_path / "x.zip"
    path.write_bytes(b"PK\x03\x04 but no more")
    refused(path, "not a readable .zip .*fetch or pack it again")
    refused(zipped(path, {"notes.txt": "x"}), "no Empatica E4 files in it: needs ACC, BVP")
    refused(zipped(path, {"a/EDA.csv": SMALL["EDA.csv"], "b/EDA.csv": SMALL["EDA.csv"]}), "more than one EDA.csv")
    refused(zipped(path, {"EDA.csv": "t,eda\n0,1\n"}), "no file of it begins with a time since 1970")
    refused(zipped(path, {"EDA.csv": f"{START}\n4\n"}), "no usable samples")
    named = zipped(path, {"é.csv": "x"}).read_bytes()
    path.write_bytes(named.replace("é".encode(), b"\xc8\x20"))
    refused(path, "not a readable .zip .*decode byte 0xc8")
    whole = zipped(path, SMALL).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused(path, "not a readable .zip")


def test_a_zip_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synth.wearables.empatica.MAX_BYTES", 1000)
    with pytest.raises(RecordingError, match="EDA.csv unpacks to more than"):
        open_recording(zipped(tmp_path / "bomb.zip", {"EDA.csv": f"{START}\n4\n" + "1.0\n" * 1000}))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["EDA.csv", "ACC.csv", "IBI.csv", "tags.csv"]),
    rows=st.lists(st.one_of(st.floats().map(repr), st.sampled_from(["", " ", "1,2,3", "nan", "é,\x00", "1e999"]))),
    rate=st.sampled_from(["4", "32,32,32", "", "-1", "1e-300", "nan"]),
)
def test_whatever_a_file_holds_it_is_read_or_refused(tmp_path: Path, name: str, rows: list[str], rate: str) -> None:
    folder = tmp_path / "any"
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    (folder / name).write_text("\n".join([f"{START}", rate, *rows]))
    (folder / "HR.csv").write_text(SMALL["HR.csv"])
    recording = recorded(folder)
    assert recording.channels["hr"].value.tolist() == [93.0, 101.0]
    for run in recording.channels.values():
        assert np.isfinite(run.t_s).all() and np.isfinite(run.value).all() and (np.diff(run.t_s) > 0).all()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 5000), byte=st.integers(0, 255), cut=st.integers(0, 400))
def test_a_damaged_zip_is_read_or_refused(tmp_path: Path, at: int, byte: int, cut: int) -> None:
    path = tmp_path / "x.zip"
    data = bytearray(zipped(path, SMALL).read_bytes())
    data[at % len(data)] = byte
    path.write_bytes(bytes(data[: len(data) - cut]))
    try:
        assert recorded(path).channels
    except RecordingError as error:
        assert str(path) in str(error)
