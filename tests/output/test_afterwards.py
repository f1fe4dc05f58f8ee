"""What a live session leaves besides its record, however short it was."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from synth import Session
from synth.output.afterwards import write_afterwards
from synth.record.lines import encode


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """Of a session of two seconds."""
    told: list[str] = []
    session = Session("settle", seed=3, minutes=5.0, audio=False, record=lambda line: told.append(encode(line)))
    session.render(2 * session.sample_rate)
    return told


@pytest.mark.parametrize("count", [1, 3, None])
def test_a_session_that_has_only_begun_leaves_all_its_files(
    lines: list[str], count: int | None, tmp_path: Path
) -> None:
    (tmp_path / "session.jsonl").write_text("".join(f"{line}\n" for line in lines[:count]))
    made = {path.name for path in write_afterwards(tmp_path)}
    assert {"controls.csv", "score.mid", "report.html", "person.html"} <= made
    assert all((tmp_path / name).stat().st_size > 0 for name in made)
    assert any(message.type == "set_tempo" for message in mido.MidiFile(tmp_path / "score.mid"))
