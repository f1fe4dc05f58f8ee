"""Tables: the same numbers from CSV, gzipped CSV and Parquet, every repair told, what cannot be read refused."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synth.wearables.table import SUFFIXES, RecordingError, Table, read_table, stem_of


def csv_table(tmp_path: Path, text: str, name: str = "hr.csv") -> Table:
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return read_table(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "stem"),
    [("hr.csv", "hr"), ("EDA.CSV.GZ", "EDA"), ("ibi.parquet", "ibi"), ("a.b.csv", "a.b"), ("hr.txt", ""), (".csv", "")],
)
def test_the_stem_is_the_name_of_the_channel(name: str, stem: str) -> None:
    assert stem_of(Path("folder") / name) == stem


def test_all_kinds_of_file_give_the_same_numbers(tmp_path: Path) -> None:
    t = np.arange(0, 50, 0.25)
    x = np.random.default_rng(1).normal(3.0, 1.0, t.size)
    text = "t,eda_uS\n" + "".join(f"{a!r},{b!r}\n" for a, b in zip(t.tolist(), x.tolist(), strict=True))
    tables = [csv_table(tmp_path, text, f"eda{suffix}") for suffix in SUFFIXES[:2]]
    pq.write_table(pa.table({"t": t, "eda_uS": x}), tmp_path / "eda.parquet")
    tables.append(read_table(tmp_path / "eda.parquet"))
    for table in tables:
        assert table.names == ["t", "eda_uS"] and table.rows == t.size and table.repairs == []
        np.testing.assert_array_equal(table.columns["t"], t)
        np.testing.assert_array_equal(table.columns["eda_uS"], x)


@pytest.mark.parametrize(
    "text",
    ["t,hr\n0,70\n1,71\n", "t;hr\n0;70\n1;71\n", "t\thr\n0\t70\n1\t71\n", "\ufefft,hr\r\n0,70\r\n1,71\r\n"]
    + ["# made by x\nt,hr\n\n0,70\n1,71", 't,"hr"\n"0","70"\n1,71\n', "t;hr\n0,0;70,0\n1,0;71,0\n"],
)
def test_the_ways_csv_is_written_all_read_alike(tmp_path: Path, text: str) -> None:
    table = csv_table(tmp_path, text)
    assert table.repairs == []
    np.testing.assert_array_equal(table.columns["t"], [0, 1])
    np.testing.assert_array_equal(table.columns["hr"], [70, 71])


def test_missing_cells_are_nan_and_words_are_told(tmp_path: Path) -> None:
    table = csv_table(tmp_path, "t,hr,task\n0,70,rest\n1,NaN,rest\n2,,work\n3,n/a,\n4,oops,work\n5,75\n")
    np.testing.assert_array_equal(table.columns["hr"], [70, np.nan, np.nan, np.nan, np.nan, 75])
    assert table.texts == {"task": ["rest", "rest", "work", "", "work", ""]}
    assert any("1 cells of hr" in repair and "'oops' in row 5" in repair for repair in table.repairs)
    assert any("1 rows have too few or too many cells" in repair for repair in table.repairs)


def test_a_header_alone_is_a_table_of_no_rows(tmp_path: Path) -> None:
    table = csv_table(tmp_path, "t,hr\n")
    assert (table.names, table.rows) == (["t", "hr"], 0)


def test_parquet_columns_of_any_kind(tmp_path: Path) -> None:
    pq.write_table(
        pa.table(
            {
                "t": pa.array([0, 1, 2], pa.int32()),
                "hr": pa.array([70.5, None, 71.0], pa.float32()),
                "worn": pa.array([True, False, True]),
                "said": pa.array(["1.5", None, "nan"]),
                "task": pa.array(["rest", None, "work"]),
            }
        ),
        tmp_path / "hr.parquet",
    )
    table = read_table(tmp_path / "hr.parquet")
    np.testing.assert_array_equal(table.columns["hr"], [70.5, np.nan, 71.0])
    np.testing.assert_array_equal(table.columns["worn"], [1, 0, 1])
    np.testing.assert_array_equal(table.columns["said"], [1.5, np.nan, np.nan])
    assert table.texts == {"task": ["rest", "", "work"]} and table.rows == 3


def test_gzip_in_several_parts_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "hr.csv.gz").write_bytes(gzip.compress(b"t,hr\n0,70\n") + gzip.compress(b"1,71\n"))
    np.testing.assert_array_equal(read_table(tmp_path / "hr.csv.gz").columns["hr"], [70, 71])


def test_what_cannot_be_read_says_which_file_and_what_to_do(tmp_path: Path) -> None:
    def refused(name: str, data: bytes | None, words: str) -> None:
        path = tmp_path / name
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(RecordingError, match=words) as error:
            read_table(path)
        assert str(path) in str(error.value)

    refused("gone.csv", None, "check the path and its permissions")
    refused("gone.parquet", None, "copy or write it again")
    refused("empty.csv", b"", "its first line must name the columns")
    refused("empty.csv.gz", gzip.compress(b""), "its first line must name the columns|pack it again")
    refused("cut.csv.gz", gzip.compress(b"t,hr\n")[:12], "copy or pack it again")
    refused("twice.csv", b"t,t\n0,0\n", "rename one")
    refused("bad.parquet", os.urandom(64), "copy or write it again")
    (tmp_path / "folder.csv").mkdir()
    refused("folder.csv", None, "cannot be read")


def test_a_file_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synth.wearables.table.MAX_BYTES", 1000)
    (tmp_path / "hr.csv.gz").write_bytes(gzip.compress(b"t,hr\n" + b"0,70\n" * 1000))
    with pytest.raises(RecordingError, match="hr.csv.gz: unpacks to more than"):
        read_table(tmp_path / "hr.csv.gz")
