"""Estimates of every kind of file, as a table and in a line that sums them up."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from synth.cli.estimate import Tally
from synth.estimator.run import COLUMNS, write_states
from synth.estimator.state import State
from synth.resources import assets_folder

ARCHIVE = Path(__file__).parents[1] / "estimator" / "data" / "faults.tar.xz"
SECONDS = 100
HR = [70.0 + t % 3 for t in range(SECONDS)]
EDA = [2.0 + 0.01 * (t % 7) for t in range(SECONDS)]


def folder(path: Path) -> Path:
    path.mkdir()
    for name, values in (("hr", HR), ("eda", EDA)):
        (path / f"{name}.csv").write_text(f"t,{name}\n" + "".join(f"{t},{v}\n" for t, v in enumerate(values)))
    return path


def long_table(path: Path) -> Path:
    file = path.with_suffix(".csv")
    rows = [f"{t},{name},{values[t]}\n" for t in range(SECONDS) for name, values in (("hr", HR), ("eda", EDA))]
    file.write_text("time,channel,value\n" + "".join(rows))
    return file


def empatica(path: Path) -> dict[str, str]:
    return {
        f"{name}.csv": "1600000000.0\n1.0\n" + "".join(f"{v}\n" for v in values)
        for name, values in (("HR", HR), ("EDA", EDA))
    }


def empatica_folder(path: Path) -> Path:
    path.mkdir()
    for name, text in empatica(path).items():
        (path / name).write_text(text)
    return path


def empatica_zip(path: Path) -> Path:
    file = path.with_suffix(".zip")
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in empatica(path).items():
            archive.writestr(name, text)
    return file


def log(path: Path) -> Path:
    file = path.with_suffix(".jsonl")
    lines = ({"t": t, "recv": t + 0.05, "hr": HR[t], "eda": EDA[t]} for t in range(SECONDS))
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def packed_log(path: Path) -> Path:
    file = path.with_suffix(".jsonl.gz")
    file.write_bytes(gzip.compress(log(path).read_bytes()))
    return file


@pytest.mark.parametrize("make", [folder, long_table, empatica_folder, empatica_zip, log, packed_log])
def test_every_kind_of_file_gives_the_same_table(run: Callable, tmp_path: Path, make: Callable[[Path], Path]) -> None:
    result = run("estimate", make(tmp_path / "made"), "--out", tmp_path / "state.csv")
    assert result.code == 0, result.err
    with (tmp_path / "state.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == ("t_s", *COLUMNS) and len(rows) == SECONDS
    last = rows[-1]
    assert (last["heart_trouble"], last["skin_trouble"], last["valence"], last["fits"]) == ("", "", "", "")
    assert float(last["hr_bpm"]) == pytest.approx(71.0, abs=0.5) and float(last["confidence"]) > 0.1
    assert rows[0]["heart_trouble"] == "missing"
    assert f"{SECONDS} seconds of state\n1.7 minutes, mean confidence 0." in result.out
    assert "Traceback" not in result.err


def test_what_was_mended_and_set_aside_is_told(run: Callable, tmp_path: Path) -> None:
    with tarfile.open(ARCHIVE) as archive:
        lines = archive.extractfile("eda_electrode_off.jsonl").read().splitlines(keepends=True)  # type: ignore[union-attr]
    path = tmp_path / "off.jsonl"
    path.write_bytes(b"".join(line for line in lines if 200 <= json.loads(line)["recv"] < 300) + b"torn")
    result = run("estimate", path, "--out", tmp_path / "state.csv")
    assert result.code == 0
    repaired = [line.removeprefix("synth: repaired: ") for line in result.err.splitlines()]
    assert repaired[0].startswith("off.jsonl: lines that are not JSON")
    assert any(line.startswith("eda: ") and line.endswith("set aside as not from a body") for line in repaired[1:])
    with (tmp_path / "state.csv").open(newline="") as file:
        off = sum(row["skin_trouble"] == "off" for row in csv.DictReader(file))
    assert off > 50 and f"off {off} s" in result.out


def test_the_shipped_recording_has_its_pulse_believed(run: Callable, tmp_path: Path) -> None:
    result = run("estimate", assets_folder() / "recording", "--out", tmp_path / "state.csv")
    summary = result.out.splitlines()[-1]
    assert (
        result.code == 0 and summary.startswith("12.2 minutes, mean confidence 0.") and "; set aside: heart " in summary
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("empty.jsonl", ""),
        ("words.jsonl", "what is this\n"),
        ("nothing.jsonl", '{"t": 1}\n'),
        ("empty.csv", ""),
        ("header.csv", "time,channel,value\n"),
        ("words.csv", "time,channel,value\n1,hr,fast\n"),
        ("other.csv", "time,channel,value\n1,mood,3\n"),
        ("broken.zip", "PK"),
        ("notes.txt", "hello"),
        ("packed.jsonl.gz", "not gzip"),
    ],
)
def test_a_file_without_samples_is_refused_with_a_sentence(run: Callable, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    result = run("estimate", tmp_path / name, "--out", tmp_path / "state.csv")
    assert result.code == 2 and result.out == "" and not (tmp_path / "state.csv").exists()
    assert name in result.err and "Traceback" not in result.err and len(result.err.splitlines()) == 1


def test_an_archive_without_signals_is_refused(run: Callable, tmp_path: Path) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("readme.txt", "hello")
    (tmp_path / "other.zip").write_bytes(held.getvalue())
    result = run("estimate", tmp_path / "other.zip", "--out", tmp_path / "state.csv")
    assert result.code == 2 and "other.zip" in result.err and "Traceback" not in result.err


def test_cells_are_numbers_words_or_empty(tmp_path: Path) -> None:
    path = tmp_path / "state.csv"
    states = [State(1.0, hr_bpm=71.25, fits=True, skin_trouble="off"), State(2.0, valence=-0.5, fits=False), State(3.0)]
    assert write_states(iter(states), path) == 3
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    told = ("hr_bpm", "fits", "valence", "skin_trouble", "arousal")
    assert [tuple(row[name] for name in told) for row in rows] == [
        ("71.2500", "1", "", "off", "0.0000"),
        ("", "0", "-0.5000", "", "0.0000"),
        ("", "", "", "", "0.0000"),
    ]


def test_a_tally_sums_up() -> None:
    tally = Tally()
    assert tally.text == "nothing was heard"
    for second in range(120):
        heart = "missing" if second < 3 else "frozen" if second >= 110 else ""
        state = State(second + 1.0, confidence=second / 119, heart_trouble=heart)
        assert tally.add(state) is state
    assert tally.text == (
        "2.0 minutes, mean confidence 0.50; set aside: heart 13 s (frozen 10 s, missing 3 s), skin never"
    )
