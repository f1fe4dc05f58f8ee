"""The record: what is written comes back, to the last bit, and is its owner's alone."""

from __future__ import annotations

import json
import math
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.record import Record, RecordError, RecordWriter, read_record
from synth.record.lines import REQUIRED, decode, encode
from synth.record.reader import read_header, read_last

HEADER = {
    "type": "session",
    "engine_version": "0.1.0",
    "preset": {"name": "settle"},
    "seed": 1,
    "sample_rate": 48_000,
    "minutes": 1.0,
}
REPAIR = {"type": "repair", "t_s": 1.5, "text": "one"}


def write(path: Path, *lines: dict[str, Any]) -> Path:
    with RecordWriter(path) as record:
        for line in lines:
            record.write(line)
    return path


def same(a: float, b: float) -> bool:
    return np.float64(a).tobytes() == np.float64(b).tobytes() or (math.isnan(a) and math.isnan(b))


@given(st.lists(st.floats(width=64), min_size=1))
def test_every_float_comes_back_to_the_last_bit(values: list[float]) -> None:
    line = {"type": "samples", "channel": "hr", "t_s": values, "value": values, "quality": values}
    back = decode(encode(line))["value"]
    assert all(same(a, b) for a, b in zip(values, back, strict=True))


@given(st.floats(width=64))
def test_lines_are_strict_json(value: float) -> None:
    beyond_json: list[str] = []
    json.loads(encode({"type": "commit", "new": value, "old": [{"deep": (value,)}]}), parse_constant=beyond_json.append)
    assert beyond_json == []


def test_numpy_numbers_are_written_as_numbers() -> None:
    line = {"a": np.float32(0.1), "b": np.int64(3), "c": np.array([1.0, math.nan]), "d": np.bool_(True)}
    back = decode(encode(line))
    assert back["a"] == float(np.float32(0.1)) and back["b"] == 3 and back["d"] is True
    assert back["c"][0] == 1.0 and math.isnan(back["c"][1])


def test_an_object_that_is_no_data_is_refused() -> None:
    with pytest.raises(TypeError, match="Path cannot be written"):
        encode({"type": "marker", "text": Path("x").absolute()})


def test_only_its_owner_may_read_it_even_where_a_file_was(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "session.jsonl", tmp_path / "elsewhere"
    elsewhere.write_text("older")
    elsewhere.chmod(0o666)
    path.symlink_to(elsewhere)
    with RecordWriter(path, overwrite=True) as record:
        record.write(HEADER)
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600 and not path.is_symlink()
    assert "older" not in path.read_text() and elsewhere.read_text() == "older"


def test_a_record_is_not_overwritten_unless_asked(tmp_path: Path) -> None:
    path = write(tmp_path / "session.jsonl", HEADER, REPAIR)
    was = path.read_bytes()
    with pytest.raises(FileExistsError), RecordWriter(path) as record:
        record.write(HEADER)
    assert path.read_bytes() == was
    with RecordWriter(path, overwrite=True) as record:
        assert path.read_bytes() == was, "the old one is there until the new one begins"
        record.write(HEADER)
    assert read_record(path).lines == ()


def test_what_is_written_is_appended_whoever_else_writes(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    with RecordWriter(path) as record:
        record.write(HEADER)
        with path.open("ab") as other:
            other.write(b"from elsewhere\n")
        record.write(REPAIR)
    assert path.read_bytes().splitlines()[1] == b"from elsewhere"
    assert len(read_record(path).breaks) == 1 and read_record(path).lines == (REPAIR,)


def test_an_older_record_without_a_chain_is_read(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.write_text(f"{encode({**HEADER, 'schema': 1})}\n{encode(REPAIR)}\n")
    record = read_record(path)
    assert record.lines == (REPAIR,) and record.integrity == "" and record.breaks == () and not record.checked


def test_a_line_has_no_number_or_chain_of_its_own(tmp_path: Path) -> None:
    with RecordWriter(tmp_path / "session.jsonl") as record:
        record.write(HEADER)
        for field in ("n", "chain"):
            with pytest.raises(ValueError, match="n and chain"):
                record.write({**REPAIR, field: 1})
        record.write(REPAIR)
    assert read_record(tmp_path).breaks == ()


def test_letters_that_are_no_unicode_do_not_stop_a_session(tmp_path: Path) -> None:
    path = write(tmp_path / "session.jsonl", HEADER, {**REPAIR, "text": "a\udcffb\nc"})
    record = read_record(path)
    assert record.lines[0]["text"] == "a?b\nc" and record.breaks == ()


def test_a_header_tells_when_it_began_and_how_long_it_is_kept(tmp_path: Path) -> None:
    header = {"started": "2026-11-22T09:30:00+01:00", "retention_days": 30, "setting": None}
    with RecordWriter(tmp_path / "session.jsonl", header=header) as record:
        record.write(HEADER)
    told = read_record(tmp_path).header
    assert told["started"] == header["started"] and told["retention_days"] == 30 and "setting" not in told
    assert told == read_header(tmp_path)


@pytest.mark.parametrize("length", [0, 1, 100, 4000, 4096, 9000, 70_000])
def test_the_last_line_is_found_without_the_others(tmp_path: Path, length: int) -> None:
    lines = [HEADER, *[{**REPAIR, "text": "y" * length}] * 3, {**REPAIR, "text": "x" * length}]
    for count in range(1, len(lines) + 1):
        path = write(tmp_path / f"{count}.jsonl", *lines[:count])
        last = read_header(path) if count == 1 else lines[count - 1]
        assert read_last(path) == last
        with path.open("ab") as file:
            file.write(b'{"type":"end"' + b" " * length)  # torn off
        assert read_last(path) == last


def test_a_record_without_a_whole_line_has_no_last_one(tmp_path: Path) -> None:
    (tmp_path / "session.jsonl").write_bytes(b'{"type":"session"')
    with pytest.raises(RecordError, match="its last whole line"):
        read_last(tmp_path)
    with pytest.raises(RecordError, match="cannot read"):
        read_last(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "header",
    [{"started": "yesterday"}, {"started": 1700000000}]
    + [{"retention_days": days} for days in (0, -1, math.nan, math.inf, "30", True, 10**400)],
    ids=lambda header: f"{header}"[:30],
)
def test_a_header_that_nobody_could_go_by_is_refused(tmp_path: Path, header: dict[str, Any]) -> None:
    with pytest.raises(RecordError, match=next(iter(header))):
        RecordWriter(tmp_path / "session.jsonl", header=header)


def test_a_session_that_never_began_leaves_no_record(tmp_path: Path) -> None:
    with pytest.raises(KeyError), RecordWriter(tmp_path / "session.jsonl"):
        raise KeyError
    assert not (tmp_path / "session.jsonl").exists()


def test_each_line_is_on_disk_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    with RecordWriter(path) as record:
        record.write(HEADER)
        record.write(REPAIR)
        assert read_record(path).lines == (REPAIR,)


def test_a_whole_session_comes_back(make_session: Callable[..., Path]) -> None:
    record = read_record(make_session(minutes=12.0))
    assert record.header["seed"] == 7 and record.header["schema"] == 2
    assert record.length_s == 720.0 and record.sensed and not record.cut
    hr = record.samples()["hr"]
    assert hr.t_s.shape == hr.value.shape == hr.quality.shape == (720,)
    assert record.samples()["eda"].t_s.size == 4 * 720
    assert record.end is not None and record.end["reason"] == "finished"
    assert {line["type"] for line in record.of("verb", "safety")} == {"verb", "safety"}


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "session.jsonl", HEADER, REPAIR)
    whole = path.read_bytes()
    for kept in range(whole.index(b"\n") + 1, len(whole) + 1):
        path.write_bytes(whole[:kept])
        record = read_record(path)
        assert record.lines == ((REPAIR,) if kept == len(whole) else ())
        assert record.cut == (0 < kept - whole.index(b"\n") - 1 and kept < len(whole))
    assert record.end is None and record.length_s == 1.5


def test_a_record_without_sensors_says_so(make_session: Callable[..., Path]) -> None:
    assert not read_record(make_session(minutes=0.5, sensed=False)).sensed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ('{"type": "session"', "is empty"),
        ("not json\n", "line 1: not a line of JSON"),
        ("[1]\n", "line 1: not a line of JSON"),
        (encode(REPAIR) + "\n", 'line 1: the first line of a record is of type "session"'),
        (encode(HEADER) + '\n{"type": "dance"}\n', "line 2: no line type 'dance'"),
        (encode(HEADER) + '\n{"t_s": 1}\n', "line 2: no line type None"),
        (encode(HEADER) + '\n{"type": "repair", "t_s": 1}\n', "line 2: this 'repair' line lacks text"),
        (encode(HEADER) + "\nbroken\n" + encode(REPAIR) + "\n", "line 2: not a line of JSON"),
        (encode({**HEADER, "schema": 99}) + "\n", "has schema 99"),
    ],
)
def test_what_is_no_record_is_refused_with_the_place(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "session.jsonl"
    path.write_text(content)
    with pytest.raises(RecordError) as caught:
        read_record(path)
    assert message in str(caught.value) and str(path) in str(caught.value)


def test_a_missing_record_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no session record at .*session.jsonl: give a folder"):
        read_record(tmp_path)


def test_every_type_of_line_can_be_written_and_read(tmp_path: Path) -> None:
    lists = {"value": [1.0], "quality": [1.0]}
    lines = [
        {"type": kind, **{field: lists.get(field, 0) for field in fields}}
        for kind, fields in REQUIRED.items()
        if kind != "session"
    ]
    record: Record = read_record(write(tmp_path / "session.jsonl", HEADER, *lines))
    assert list(record.lines) == lines and record.breaks == ()


def test_a_line_may_have_more_fields_than_it_must(tmp_path: Path) -> None:
    line = {"type": "incident", "t_s": 1.0, "kind": "of a later version", "deep": {"a": [1, {"b": None}]}}
    assert read_record(write(tmp_path / "session.jsonl", HEADER, line)).lines == (line,)
