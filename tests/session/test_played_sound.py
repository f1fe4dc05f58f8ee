"""A person's notes as they sound: at once, through the stem's own instrument, and again, bit for bit, in a replay."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest

from synth.output.replay import as_asked, replay_session
from synth.record.keeping import Keeping
from synth.record.reader import read_record
from synth.session import Session

RATE = 48_000
SECONDS = 24


def played(record: Any, plays: bool = True, **options: Any) -> tuple[Session, np.ndarray, list[int]]:
    """A session with a phrase, a chord and a note that is never let go; its melody, and where each note was played."""
    session = Session("settle", seed=2, minutes=SECONDS / 60, record=record, stems=True, **options)
    rng = Random(1)
    at: list[int] = []
    parts = []
    script = {RATE * (3 + i): ((62 + 2 * i,), 0.9) for i in range(5)}
    script |= {RATE * 12: ((50, 62, 66, 69), 0.7), RATE * 15: ((74,), 0.5)}
    ends = {start + RATE * 3 // 4: keys for start, (keys, _) in script.items() if keys != (74,)}
    while not session.finished:
        for due in [start for start in script if start <= session.position]:
            keys, velocity = script.pop(due)
            at.append(session.position)
            for key in keys if plays else ():
                session.play(key, velocity)
        for due in [end for end in ends if end <= session.position]:
            for key in ends.pop(due) if plays else ():
                session.play(key, 0.0)
        audio = session.render_audio(rng.choice((64, 256, 256, 1000)))
        parts.append(np.concatenate([audio.mix, audio.stems["melody"]], axis=1))
    session.close()
    return session, np.concatenate(parts), at


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> tuple[Any, Session, np.ndarray, list[int]]:
    folder = tmp_path_factory.mktemp("played")
    with Keeping().writer(folder / "session.jsonl", True) as record:
        session, audio, at = played(record.write)
    return folder, session, audio, at


def test_a_note_is_heard_in_the_block_after_it_was_played(recorded):
    _, session, audio, at = recorded
    _, without, _ = played(lambda line: None, plays=False)
    apart = np.abs(audio[:, 2:] - without[:, 2:]).max(axis=1) > 1e-6
    first = int(np.argmax(apart))
    assert 0 <= first - at[0] - session.latency_frames <= 256


def test_a_replay_is_the_same_bit_for_bit_whatever_the_blocks(recorded):
    folder, session, audio, _ = recorded
    record = read_record(folder / "session.jsonl")
    assert len(record.of("played")) == 19
    for size in (4096, 320):
        again = Session(**as_asked(record), stems=True)
        parts = []
        while again.position < len(audio):
            block = again.render_audio(min(size, len(audio) - again.position))
            parts.append(np.concatenate([block.mix, block.stems["melody"]], axis=1))
        np.testing.assert_array_equal(np.concatenate(parts), audio)
        assert again.score == session.score


def test_a_replay_into_files_holds_what_was_played(recorded, tmp_path):
    folder, session, _, _ = recorded
    again = replay_session(folder, tmp_path, stems=False)
    lines = read_record(tmp_path / "session.jsonl").of("played")
    assert not again.breaks and lines == read_record(folder / "session.jsonl").of("played")
    from_sensors = replay_session(folder, tmp_path, stems=False, from_sensors=True, overwrite=True)
    assert from_sensors.difference is None


def test_a_panic_lets_everything_go():
    lines: list[dict[str, Any]] = []
    session = Session("settle", seed=2, minutes=0.3, audio=False, record=lines.append)
    session.render(RATE)
    session.play(60, 0.5)
    session.render(RATE)
    session.panic()
    session.render(RATE)
    note = next(note for note in session.score.notes if note.velocity == 0.5)
    beat_ticks = 960 * RATE / session.sample_rate / session.pulse.length_s
    assert note.duration == pytest.approx(beat_ticks, abs=12)
