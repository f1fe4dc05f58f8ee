"""What a live session leaves besides its record: score, controls as heard and pages, made from it when it is over.

The record says all that was asked and when; composing again by it takes seconds and gives the same notes.
"""

from __future__ import annotations

from pathlib import Path

from synth.output.controls_csv import ControlsCsv
from synth.output.render import write_score
from synth.output.replay import as_asked, frames_of
from synth.record.pages import write_pages
from synth.record.reader import read_record
from synth.session import Session

BLOCK = 4096


def write_afterwards(folder: str | Path, *, key: bytes | None = None) -> list[Path]:
    """Write score.mid (score.pb where note-seq is installed), controls.csv, report.html and person.html of the session
    in `folder` from its session.jsonl; the files. RecordError when that cannot be read."""
    folder = Path(folder)
    record = read_record(folder / "session.jsonl", key)
    session = Session(audio=False, **as_asked(record))
    controls = ControlsCsv(folder / "controls.csv", session.sample_rate)
    session.on_block = lambda block: controls.add(block, session.phase)
    end = max(frames_of(record), 1)  # with its first frame a session has a tempo, a key and a metre
    try:
        while session.position < end:
            session.render(min(BLOCK, end - session.position))
    finally:
        controls.close()
        session.close()
    write_score(session.score, folder)
    return [controls.path, *sorted(folder.glob("score.*")), *write_pages(folder, key=key)]
