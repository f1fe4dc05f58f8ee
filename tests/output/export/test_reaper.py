"""The Reaper project parses, and every item, tempo, marker and note in it is the session's."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
import pytest
import rpp
import soundfile

from synth.output.export.export import export_session
from synth.output.export.reaper import write_reaper

BEAT = 960


def parsed(path: Path) -> rpp.Element:
    return rpp.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def folder(project, tmp_path) -> Path:
    write_reaper(project, tmp_path / "out", lambda done_s, total_s: None)
    return tmp_path / "out"


@pytest.fixture
def root(folder) -> rpp.Element:
    return parsed(folder / "my-preset-7.rpp")


def lines(element: rpp.Element, name: str) -> list[list[str]]:
    return [child[1:] for child in element if isinstance(child, list) and child[0] == name]


def tracks(root: rpp.Element) -> dict[str, rpp.Element]:
    return {lines(track, "NAME")[0][0]: track for track in root.findall("TRACK")}


def events(track: rpp.Element) -> tuple[list[tuple[int, mido.Message]], int]:
    """The messages of a track's MIDI, each with its tick, and the tick it ends at."""
    source = track.find("ITEM").find("SOURCE")
    found, tick = [], 0
    for delta, *data in lines(source, "E"):
        tick += int(delta)
        assert len(data) == 3
        length = 2 if data[0][0] == "c" else 3
        found.append((tick, mido.Message.from_hex(" ".join(data[:length]))))
    end = found.pop()
    assert end[1].type == "control_change" and end[1].control == 123
    return found, end[0]


def test_every_file_is_on_its_track_at_its_place(project, root, folder):
    assert root.tag == "REAPER_PROJECT" and lines(root, "SAMPLERATE") == [["48000", "1", "0"]]
    for take in project.takes:
        track = tracks(root)[take.name]
        (item,) = track.findall("ITEM")
        assert lines(item, "POSITION") == [["0"]] and float(lines(item, "LENGTH")[0][0]) == pytest.approx(
            288_007 / 48_000
        )
        assert lines(item, "FADEIN")[0][1] == "0" and lines(item, "FADEOUT")[0][1] == "0"
        assert lines(item, "BEAT") == [["0"]] and lines(item, "SOFFS") == [["0"]]  # time is kept, not beats
        (file,) = lines(item.find("SOURCE"), "FILE")[0]
        assert not Path(file).is_absolute()
        audio, _ = soundfile.read(folder / file, dtype="int32")
        assert np.array_equal(audio, soundfile.read(take.path, dtype="int32")[0])


def test_stems_are_heard_at_0_db_and_the_rest_is_muted(root):
    heard = [name for name, track in tracks(root).items() if lines(track, "MUTESOLO")[0][0] == "0"]
    assert heard == ["pad", "bass", "reverb"]
    assert all(lines(track, "VOLPAN")[0][:2] == ["1", "0"] for track in tracks(root).values())
    assert list(tracks(root))[3:] == ["premaster", "mix", "pad notes", "bass notes", "percussion notes", "controls"]


def test_tempo_and_metre_are_points_that_hold(root):
    assert lines(root, "TEMPO") == [["60", "4", "4"]]
    points = [[float(x) for x in point] for point in lines(root.find("TEMPOENVEX"), "PT")]
    assert points == [[0.0, 60.0, 1, 4 * 65536 + 4], [4.0, 150.0, 1, 4 * 65536 + 3]]


def test_phases_are_regions_and_the_rest_markers(root):
    found = lines(root, "MARKER")
    regions = [(m[0], float(m[1]), m[2]) for m in found if m[3] == "1"]
    assert regions == [
        ("1", 0.0, "phase: baseline"),
        ("1", 4.0, ""),
        ("2", 4.0, 'phase: the "lead"'),
        ("2", pytest.approx(6.4), ""),
    ]
    markers = [(float(m[1]), m[2]) for m in found if m[3] == "0"]
    assert markers[0] == (0.0, "phrase 1 A") and markers[-1] == (pytest.approx(4.4), "she hums") and len(markers) == 6
    assert (4.0, "phrase 2 B'") in markers


def test_the_notes_are_the_scores(project, root):
    for part in project.parts:
        found, end = events(tracks(root)[part.name])
        assert found == list(part.messages) and end == 10 * BEAT
    assert float(lines(tracks(root)["pad notes"].find("ITEM"), "LENGTH")[0][0]) == pytest.approx(6.4)


def test_the_controls_are_controllers_on_a_free_channel(project, root):
    found, _ = events(tracks(root)["controls"])
    assert {message.channel for _, message in found} == {15}
    pad = [(tick, message.value) for tick, message in found if message.control == 102]
    assert pad == [(0, round(127 * 60 / 66)), (3 * BEAT, round(127 * 54 / 66))]
    assert len(found) == sum(len(lane.values) for lane in project.lanes)


def test_a_rendered_session_holds_together(rendered, tmp_path):
    done = export_session(rendered, "reaper", tmp_path / "out")
    root = parsed(done.files[0])
    points = lines(root.find("TEMPOENVEX"), "PT")
    clock = done.project.clock
    assert [float(p[0]) for p in points] == pytest.approx([clock.seconds(t.tick) for t in done.project.score.tempos])
    assert {path.name for path in done.out.rglob("*.wav")} == {f"{take.name}.wav" for take in done.project.takes}
    guids = [lines(track, "TRACKID")[0][0] for track in root.findall("TRACK")]
    assert len(set(guids)) == len(guids)
