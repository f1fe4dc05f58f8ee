"""What is handed to a DAW is what the session's folder holds, and a folder that lacks something says what to do."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from synth.controls import STEMS, TABLE
from synth.output import export
from synth.output.export.files import prepare, writing
from synth.output.export.lanes import cc_value, read_lanes, share
from synth.output.export.parts import Part
from synth.output.export.project import beats_at, read_project
from synth.output.folder import OutputError
from synth.record import RecordError
from synth.score.clock import Clock
from synth.score.model import Score, Tempo

BEAT = 960


def test_a_project_is_what_the_folder_holds(project):
    assert (project.name, project.title, project.seed) == ("my-preset-7", "Mine & Yours <3", 7)
    assert [take.name for take in project.stems] == ["pad", "bass", "reverb"]
    assert [take.name for take in project.references] == ["premaster", "mix"]
    assert project.total == "premaster" and not project.mastered
    assert {take.frames for take in project.takes} == {288_007}
    assert project.seconds == pytest.approx(6.4)  # the notes' end: 4 s, then 6 beats of 0.4 s
    assert project.started == "2026-03-04T15:06:07+01:00"


def test_markers_are_phases_phrases_scenes_keys_and_peoples_own(project):
    assert [(mark.tick, mark.kind, mark.text) for mark in project.markers] == [
        (0, "phase", "phase: baseline"),
        (0, "phrase", "phrase 1 A"),
        (0, "key", "key: D dorian"),
        (BEAT, "scene", "scene: hymn"),
        (4 * BEAT, "phase", 'phase: the "lead"'),
        (4 * BEAT, "phrase", "phrase 2 B'"),
        (4 * BEAT, "key", "key: A aeolian"),
        (5 * BEAT, "marker", "she hums"),
    ]
    assert [mark.time_s for mark in project.markers][-2:] == pytest.approx([4.0, 4.4])
    assert [(mark.text, end) for mark, end in project.spans("phase")] == [
        ("phase: baseline", 4.0),
        ('phase: the "lead"', pytest.approx(6.4)),
    ]


def test_a_phase_that_gives_way_at_once_has_no_stretch(project):
    first = project.markers[0]
    twice = replace(project, markers=(first, replace(first, text="phase: skipped"), *project.markers[1:]))
    assert [mark.text for mark, _ in twice.spans("phase")] == ["phase: skipped", 'phase: the "lead"']


def test_a_key_struck_twice_ends_in_the_order_it_began():
    on, off = (mido.Message(kind, note=60, velocity=velocity) for kind, velocity in (("note_on", 90), ("note_off", 0)))
    part = Part("x", "x", ((0, on), (10, on), (20, off), (35, off)))
    assert [(note.tick, note.end) for note in part.notes()] == [(0, 20), (10, 35)]


tempos = st.lists(st.tuples(st.integers(1, 40), st.integers(300_000, 1_400_000)), min_size=1, max_size=8)


@given(tempos, st.integers(0, 500))
def test_beats_are_the_clock_backwards(changes, tick):
    score, at = Score(("pad",)), 0
    for beats, us in changes:
        score.tempos.append(Tempo(at, us))
        at += beats * BEAT
    assert beats_at(score, Clock(score).seconds(tick * 96)) == pytest.approx(tick / 10, abs=1e-9)


def test_notes_come_with_their_bends(project):
    parts = {part.stem: part.notes() for part in project.parts}
    assert {stem: len(notes) for stem, notes in parts.items()} == {"pad": 3, "bass": 1, "percussion": 1}
    (bass,) = parts["bass"]
    assert (bass.tick, bass.end, bass.key, bass.velocity) == (0, 4 * BEAT, 38, 64)
    sounding = sorted(note.key + note.bends[0][1] for note in parts["pad"])
    assert sounding == pytest.approx([57.0, 60.5, 64.0], abs=1e-3)
    slide = parts["pad"][-1]
    assert slide.tick == 4 * BEAT and slide.key + slide.bends[-1][1] == pytest.approx(58.5, abs=1e-3)
    assert [tick for tick, _ in slide.bends[1:]] == sorted(tick for tick, _ in slide.bends[1:])
    assert slide.bends[1][0] > 5 * BEAT and slide.bends[-1][0] == 6 * BEAT
    assert {message.channel for _, message in project.parts[2].messages} == {9}


def test_a_lane_has_a_point_wherever_its_controller_moves(project):
    lanes = {lane.control.name: lane for lane in project.lanes}
    assert lanes["level_pad_db"].times_s == (0.0, 3.0) and lanes["level_pad_db"].values == (0.0, -6.0)
    assert lanes["level_pad_db"].ticks == (0, 3 * BEAT)
    assert lanes["loudness_lufs"].times_s == (0.0,)
    brightness = lanes["brightness_oct"]
    assert brightness.number == 74 and np.all(np.diff(brightness.ccs) > 0) and brightness.ccs[0] == 0
    assert brightness.values[-1] == pytest.approx(-2.0 + 3.5 * 59 / 60, abs=0.05)
    assert lanes["tempo_bpm"].ccs == [round(127 * np.log(60 / 44) / np.log(140 / 44)), 127]
    assert "level_bass_db" in lanes and "level_bells_db" not in lanes  # the session has no bells
    assert "key" not in lanes and "pan_pad" not in lanes  # they have no controller
    assert [lane.number for lane in project.lanes] == sorted(lane.number for lane in project.lanes)


@pytest.mark.parametrize("name", [name for name, control in TABLE.items() if control.cc is not None])
def test_a_controller_covers_the_whole_range(name):
    control = TABLE[name]
    assert (cc_value(control, control.low), cc_value(control, control.high)) == (0, 127)
    assert cc_value(control, control.high + 1.0) == 127 and cc_value(control, float("nan")) <= 127
    middle = (control.low * control.high) ** 0.5 if control.curve == "log" else (control.low + control.high) / 2
    assert share(control, middle) == pytest.approx(0.5)


def test_lanes_end_where_a_torn_file_ends(project, tmp_path):
    path = tmp_path / "controls.csv"
    whole = project.source.with_name("controls.csv").read_text().splitlines(keepends=True)
    path.write_text("".join(whole[:41]) + whole[41][:9])
    assert max(lane.times_s[-1] for lane in read_lanes(path)) == pytest.approx(3.9, abs=0.1)
    path.write_text("".join([*whole[:3], "0.2,loud\n", *whole[3:]]))
    with pytest.raises(OutputError, match=r"^\S+controls.csv, line 4: a value"):
        read_lanes(path)


def test_mastered_stems_sum_to_the_mix(made):
    project = read_project(made(mastered=True))
    assert project.mastered and project.total == "mix"
    assert [take.name for take in project.references] == ["mix"]


def test_what_is_missing_is_said_with_what_to_do(made, tmp_path):
    with pytest.raises(RecordError, match="synth render"):
        read_project(tmp_path)
    folder = made()
    for path in folder.glob("stems/*"):
        path.unlink()
    with pytest.raises(OutputError, match=r"only its mix.*synth replay .*made --out NEW"):
        read_project(folder)
    assert read_project(folder, audio=False).parts
    (folder / "mix.wav").unlink()
    with pytest.raises(OutputError, match=r"synth play.*synth replay"):
        read_project(folder)
    (folder / "score.mid").write_bytes(b"MThd")
    with pytest.raises(OutputError, match=r"cannot be read as a MIDI file.*synth replay"):
        read_project(folder, audio=False)
    (folder / "score.mid").unlink()
    with pytest.raises(OutputError, match=r"no score.mid.*synth replay"):
        read_project(folder, audio=False)


def test_audio_that_does_not_fit_is_refused(made):
    folder = made()
    pad = folder / "stems" / "pad.wav"
    soundfile.write(pad, np.zeros((100, 2)), 44_100, "PCM_24")
    with pytest.raises(OutputError, match=r"pad.wav has 44100 Hz and its session 48000 Hz"):
        read_project(folder)
    soundfile.write(pad, np.zeros((100, 6)), 48_000, "PCM_24")
    with pytest.raises(OutputError, match="6 channels"):
        read_project(folder)
    soundfile.write(pad, np.zeros((100, 2)), 48_000, "DOUBLE")
    with pytest.raises(OutputError, match="24 bits or 32-bit float"):
        read_project(folder)
    soundfile.write(pad, np.zeros((0, 2)), 48_000, "PCM_24")
    with pytest.raises(OutputError, match="is empty"):
        read_project(folder)
    pad.write_bytes(b"not audio")
    with pytest.raises(OutputError, match="pad.wav cannot be read"):
        read_project(folder)


def test_what_is_not_as_usual_is_remarked(made):
    assert read_project(made("usual")).remarks == (
        "percussion has notes and no audio: it was silent, or its file is gone",
    )
    folder = made("torn", end=None)
    (folder / "controls.csv").unlink()
    remarks = read_project(folder).remarks
    assert any("broke off" in remark for remark in remarks) and any("controls.csv" in remark for remark in remarks)
    assert any("broke off" in remark for remark in read_project(made("stopped", end="interrupted")).remarks)
    changed = made("changed")
    lines = (changed / "session.jsonl").read_text().splitlines()
    line = json.loads(lines[1])
    (changed / "session.jsonl").write_text("\n".join([lines[0], json.dumps({**line, "text": "no"}), *lines[2:], ""]))
    assert any("not as it was written" in remark for remark in read_project(changed).remarks)


def test_of_two_formats_the_newer_is_taken(made):
    folder = made(format="flac")
    soundfile.write(folder / "mix.wav", np.zeros((100, 2)), 48_000, "PCM_24")
    os.utime(folder / "mix.wav", (1.0, 1.0))
    assert read_project(folder).references[-1].path.suffix == ".flac"
    os.utime(folder / "mix.flac", (0.5, 0.5))
    assert read_project(folder).references[-1].path.suffix == ".wav"


def test_a_place_is_checked_first(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(OutputError, match="--overwrite"):
        prepare(tmp_path / "full", 0, is_folder=True, overwrite=False)
    prepare(tmp_path / "full", 0, is_folder=True, overwrite=True)
    with pytest.raises(OutputError, match="is a file"):
        prepare(tmp_path / "full" / "file", 0, is_folder=True, overwrite=True)
    with pytest.raises(OutputError, match="--overwrite"):
        prepare(tmp_path / "full" / "file", 0, is_folder=False, overwrite=False)
    with pytest.raises(OutputError, match="is a folder"):
        prepare(tmp_path / "full", 0, is_folder=False, overwrite=True)
    with pytest.raises(OutputError, match="MB are needed"):
        prepare(tmp_path / "new", 10**18, is_folder=True, overwrite=False)
    (tmp_path / "full" / "session.jsonl").touch()
    with pytest.raises(OutputError, match="holds a session"):
        prepare(tmp_path / "full", 0, is_folder=True, overwrite=True)


def test_half_a_file_is_never_left(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with pytest.raises(OutputError, match="disk full"), writing(path) as file:
        file.write(b"half")
        raise OSError(28, "No space left on device")
    assert [*tmp_path.iterdir()] == [path]
    with pytest.raises(KeyboardInterrupt), writing(path) as file:
        raise KeyboardInterrupt
    assert path.read_bytes() == b"before" and [*tmp_path.iterdir()] == [path]


def test_a_session_is_never_changed(session):
    before = {path: path.stat().st_mtime_ns for path in Path(session).rglob("*")}
    read_project(session)
    assert {path: path.stat().st_mtime_ns for path in Path(session).rglob("*")} == before


def test_the_readme_tells_every_controller(project):
    text = (Path(export.__file__).with_name("README.md")).read_text(encoding="utf-8")
    told = {(int(number), name) for number, name in re.findall(r"^\| (\d+) \| `(\w+)`", text, re.MULTILINE)}
    levels = {name for name in TABLE if name.startswith("level_")}
    assert told == {(control.cc, name) for name, control in TABLE.items() if control.cc and name not in levels}
    assert [TABLE[f"level_{stem}_db"].cc for stem in STEMS] == list(range(102, 112)) and ", ".join(STEMS) in text
