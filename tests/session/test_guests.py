"""Guests in a session: they play, they fail without being missed, and the record replays without them."""

from __future__ import annotations

import json
import multiprocessing
import sys
from pathlib import Path

import mido
import numpy as np
import pytest

from synth.composer.guests import Desk, Motif, TuneError
from synth.output.replay import replay_session
from synth.record import RecordError, read_record
from synth.session import GuestError, Session

MODULE = '''
import os, time
from synth.composer.guests import Written

def one_tone(invitation):
    """As many of one tone as are wanted."""
    wanted = max(round(invitation.notes), 1)
    apart = invitation.length / (wanted + 1)
    pitch = invitation.pitches[len(invitation.pitches) // 2]
    return [Written(i * apart, 0.8 * apart, pitch) for i in range(wanted)]

def stalls(invitation):
    time.sleep(1e6)

def dies(invitation):
    os._exit(1)

def moody(invitation):
    return [dies, one_tone, None, one_tone][invitation.phrase % 4](invitation)
'''
RATE = 22_050
CADENCE = [60, 62, 64, 65, 67, 65, 64, 62, 60, 64, 67, 72, 67, 64, 62, 60]


@pytest.fixture(scope="module")
def plugins(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "guests_of_a_session.py").write_text(MODULE)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def visited(tmp_path_factory, plugins, sessions):
    """Two minutes with a guest that plays, dies and plays again."""
    folder = tmp_path_factory.mktemp("visited")
    return sessions.render(folder, minutes=2.0, sample_rate=RATE, guests={"melody": "guests_of_a_session:moody"})


def played(guest, seconds=120.0, block=4800, preset="settle", **options):
    """The session and its record's lines."""
    lines = []
    guests = None if guest is None else Desk({"melody": f"guests_of_a_session:{guest}"}, wait=True, budget_s=1.0)
    session = Session(
        preset, seed=3, minutes=5, sample_rate=RATE, audio=False, record=lines.append, guests=guests, **options
    )
    while session.time_s < seconds:
        session.render(block)
    session.close()
    return session, lines


def of(lines, kind):
    return [line for line in lines if line["type"] == kind]


def phrases(session):
    """The melody's pitches phrase by phrase, by the phrase's number."""
    marks = [(m.tick, int(m.text.split()[1])) for m in session.score.markers if m.kind == "phrase"]
    ends = [tick for tick, _ in marks[1:]] + [session.score.end_tick]
    notes = [n for n in session.score.notes if n.stem == "melody"]
    return {
        number: [n.pitch for n in notes if start - 60 <= n.tick < end - 60]
        for (start, number), end in zip(marks, ends, strict=True)
    }


def test_what_a_guest_wrote_is_what_sounds(plugins):
    session, lines = played("one_tone")
    sung = phrases(session)
    taken = [line for line in of(lines, "guest") if line["notes"]]
    assert len(taken) >= 2
    for line in taken[:-1]:
        pitches = [round(p) for p in sung[line["phrase"]]]  # one that rubs against the chord may give way
        assert len(pitches) == len(line["notes"])
        assert all(abs(pitch - note[2]) <= 4 for pitch, note in zip(pitches, line["notes"], strict=True))
        assert line["name"] == "guests_of_a_session:one_tone" and line["text"].startswith("plays ")


def test_a_line_stands_at_the_quantum_of_its_beat_at_any_block_size(plugins):
    told = [of(played("one_tone", block=block)[1], "guest") for block in (64, 4800, 44_100)]
    shortest = min(map(len, told))
    assert shortest >= 2 and told[0][:shortest] == told[1][:shortest] == told[2][:shortest]
    for line in told[0]:
        assert line["quantum"] == int(line["t_s"] * RATE / 64 + 1e-3)


@pytest.mark.parametrize(
    ("guest", "words"),
    [("stalls", "gave no answer within 1 s"), ("dies", "died (exit code 1)"), ("nobody", "could not be started")],
)
def test_where_a_guest_fails_the_built_in_composer_plays_as_ever(plugins, guest, words):
    session, lines = played(guest)
    told = of(lines, "guest")
    assert told and all(line["notes"] is None and line["text"].startswith(words) for line in told)
    assert all(line["text"].endswith("; the built-in composer plays") for line in told)
    assert session.score.notes == played(None)[0].score.notes
    assert any(phrases(session).values())


def test_a_session_that_is_heard_live_never_waits_for_a_guest(plugins):
    lines = []
    guests = {"melody": "guests_of_a_session:stalls"}
    session = Session("settle", seed=3, minutes=5, sample_rate=RATE, audio=False, record=lines.append, guests=guests)
    session.render(120 * RATE)
    session.close()
    assert all("had not answered" in line["text"] or "was busy" in line["text"] for line in of(lines, "guest"))
    assert session.score.notes == played(None)[0].score.notes


def test_the_record_replays_bit_for_bit_without_the_guest(visited, sessions, tmp_path, monkeypatch):
    told = of(read_record(visited.folder).lines, "guest")
    assert {line["notes"] is None for line in told} == {True, False}
    monkeypatch.setattr(Desk, "__init__", None)  # nobody may be invited
    replay_session(visited.folder, tmp_path, block=1000)
    again = sessions.load(tmp_path)
    for name in ("mix", *(f"stems/{stem}" for stem in visited.stems)):
        np.testing.assert_array_equal(visited.audio(name), again.audio(name))
    assert (tmp_path / "score.mid").read_bytes() == (visited.folder / "score.mid").read_bytes()
    assert of(read_record(tmp_path).lines, "guest") == told


def test_a_replay_from_the_sensors_keeps_what_the_guest_played(visited, sessions, tmp_path):
    assert replay_session(visited.folder, tmp_path, from_sensors=True).difference is None
    np.testing.assert_array_equal(visited.audio("mix"), sessions.load(tmp_path).audio("mix"))


def test_the_report_tells_of_guests(visited):
    page = (visited.folder / "report.html").read_text()
    told = page.partition("Other composers</h2>")[2].partition("</section>")[0]
    assert '<span class="who">guests_of_a_session:moody</span><p>Melody: died (exit code 1); the built-in' in told


def test_a_guest_line_must_be_whole(visited, tmp_path):
    lines = (visited.folder / "session.jsonl").read_text().splitlines()
    header = {k: v for k, v in json.loads(lines[0]).items() if k not in ("n", "chain", "integrity", "schema")}
    (tmp_path / "session.jsonl").write_text(json.dumps(header) + '\n{"type":"guest","t_s":1.0,"stem":"melody"}\n')
    with pytest.raises(RecordError, match="this 'guest' line lacks quantum, phrase, name, notes, text"):
        read_record(tmp_path)


def test_a_closed_session_leaves_no_process_behind(plugins):
    played("one_tone", seconds=1.0)
    assert not [process for process in multiprocessing.active_children() if process.name == "guest"]


def test_a_guest_for_a_stem_that_is_not_there():
    with pytest.raises(GuestError, match="settle has no stem 'flute' for a guest: one of pad"):
        Session("settle", guests={"flute": "guests_of_a_session:one_tone"}, audio=False)


def tune_file(path: Path) -> Path:
    track = mido.MidiTrack()
    for pitch in CADENCE:
        track.append(mido.Message("note_on", note=pitch, time=0))
        track.append(mido.Message("note_off", note=pitch, time=480))
    mido.MidiFile(tracks=[track]).save(str(path))
    return path


def test_a_tune_stands_in_the_record_and_is_not_needed_again(tmp_path, sessions):
    path = tune_file(tmp_path / "a_tune.mid")
    first = sessions.render(tmp_path / "first", minutes=0.5, sample_rate=RATE, tune=path)
    header = read_record(first.folder).header
    assert header["tune"]["title"] == "a tune" and Motif.of(header["tune"]) == Motif.of(path)
    path.unlink()
    replay_session(first.folder, tmp_path / "again")
    np.testing.assert_array_equal(first.audio("mix"), sessions.load(tmp_path / "again").audio("mix"))


def test_a_tune_that_is_none_is_refused_before_anything_sounds(tmp_path):
    with pytest.raises(TuneError, match="there is no file"):
        Session("settle", tune=tmp_path / "none.mid", audio=False)
