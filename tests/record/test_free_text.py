"""What people write in their own words is kept only where that is allowed; all else always."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synth.record import RecordWriter, read_record
from synth.record.incidents import harm

HEADER = {"type": "session", "engine_version": "0", "preset": {}, "seed": 1, "sample_rate": 48_000, "minutes": 1.0}
MOVE = {"type": "commit", "quantum": 1, "t_s": 0.1, "control": "tempo_bpm", "old": 60, "new": 62, "requested": 62}
SAID = "she told me of her mother"
WORDS = [
    {"type": "note", "t_s": 1.0, "text": SAID, "by": "hand"},
    {"type": "note", "t_s": 1.0, "text": SAID},
    harm(2.0, "music", text=SAID, done=SAID, by="hand:desk"),
    {"type": "incident", "t_s": 2.0, "kind": "harm", "text": SAID},
    {"type": "incident", "t_s": 2.0, "kind": "stop", "text": SAID, "by": "hand"},
    {**MOVE, "by": "hand:desk", "reason": SAID},
    {**MOVE, "by": "hand", "reason": SAID},
]
ENGINES = [
    {"type": "incident", "t_s": 1.0, "kind": "stop_rule", "text": "heart rate 25 bpm over the own baseline"},
    {"type": "incident", "t_s": 1.0, "kind": "guard", "text": "a rise was held", "done": "held", "by": "safety"},
    {**MOVE, "by": "mapping", "reason": "arousal is above the plan"},
    {**MOVE, "by": "hand", "reason": "set at the start"},
    {**MOVE, "by": "hand:midi", "reason": "CC 74 on channel 1"},
    {**MOVE, "by": "hand:clock", "reason": "MIDI clock: following 72.0 bpm"},
    {"type": "refusal", "t_s": 1.0, "text": "tempo_bpm stays at 60: nothing above 60 bpm"},
    {"type": "feedback", "t_s": 1.0, "channel": "self_arousal", "value": 0.2},
]


def kept(
    folder: Path, lines: list[dict[str, Any]], **options: bool
) -> tuple[list[dict[str, Any]], dict[str, Any], str]:
    with RecordWriter(folder / "session.jsonl", **options) as record:
        record.write(HEADER)
        for line in lines:
            record.write(line)
    read = read_record(folder)
    return list(read.lines), read.header, read.path.read_text()


def test_it_is_left_out_by_default(tmp_path: Path) -> None:
    lines, header, text = kept(tmp_path, WORDS)
    assert SAID not in text and header["free_text"] is False
    assert lines[0] == {"type": "note", "t_s": 1.0, "by": "hand"}
    assert lines[2] == {"type": "incident", "t_s": 2.0, "kind": "harm", "source": "music", "by": "hand:desk"}
    assert lines[5] == {**MOVE, "by": "hand:desk", "reason": "asked for"}


def test_it_is_kept_where_it_is_allowed(tmp_path: Path) -> None:
    lines, header, _ = kept(tmp_path, WORDS, free_text=True)
    assert lines == WORDS and header["free_text"] is True


@pytest.mark.parametrize("free_text", [False, True])
def test_what_the_engine_says_is_always_kept(tmp_path: Path, free_text: bool) -> None:
    assert kept(tmp_path, ENGINES, free_text=free_text)[0] == ENGINES


def test_what_is_written_is_not_changed_for_its_writer(tmp_path: Path) -> None:
    line = dict(WORDS[0])
    kept(tmp_path, [line])
    assert line == WORDS[0]
