"""Scripts of requests: read as written, mended where that is safe, and every mend told."""

from __future__ import annotations

from pathlib import Path

import pytest

from synth.cli.script import read_script
from synth.controls import KEYS, MODES


@pytest.fixture
def script(tmp_path: Path):
    def read(text: str, encoding: str = "utf-8"):
        path = tmp_path / "script.csv"
        path.write_text(text, encoding=encoding)
        return read_script(path)

    return read


def test_requests_come_back_as_written(script) -> None:
    made = script("time_s,control,value\n0,tempo_bpm,60\n2.5,key,F#\n2.5,mode,minor\n")
    assert made.requests == [
        (0.0, "tempo_bpm", 60.0),
        (2.5, "key", float(KEYS.index("Gb"))),
        (2.5, "mode", float(MODES.index("aeolian"))),
    ]
    assert made.repairs == []


def test_column_order_spaces_blank_lines_and_byte_order_marks_do_not_matter(script) -> None:
    made = script("value, control ,time_s\n\n 0.5 , space , 3 \n , , \n", encoding="utf-8-sig")
    assert made.requests == [(3.0, "space", 0.5)] and made.repairs == []


def test_out_of_range_is_clamped_and_told_with_its_line(script) -> None:
    made = script("time_s,control,value\n0,tempo_bpm,400\n1,space,-inf\n")
    assert made.requests == [(0.0, "tempo_bpm", 140.0), (1.0, "space", 0.0)]
    assert made.repairs == [
        "script.csv, line 2: tempo_bpm = 400 is out of range (44 to 140 bpm); 140 was used",
        "script.csv, line 3: space = -inf is out of range (0 to 1); 0 was used",
    ]


def test_lines_out_of_order_are_sorted_stably_and_told_once(script) -> None:
    made = script("time_s,control,value\n9,space,1\n1,space,0.2\n1,space,0.3\n")
    assert made.requests == [(1.0, "space", 0.2), (1.0, "space", 0.3), (9.0, "space", 1.0)]
    assert made.repairs == ["script.csv: lines out of order were sorted by time"]


def test_a_script_without_requests_is_one(script) -> None:
    assert script("time_s,control,value\n") == ([], [])
