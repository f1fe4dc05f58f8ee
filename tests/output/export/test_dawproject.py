"""The .dawproject file is valid by the published schema and says what the session's folder says."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lxml import etree

from synth.output.export.dawproject import write_dawproject
from synth.output.export.export import export_session

DATA = Path(__file__).parent / "data"


def quiet(done_s: float, total_s: float) -> None:
    """A progress that nobody watches."""


def checked(archive: zipfile.ZipFile) -> etree._Element:
    """project.xml, both documents having passed their schemas."""
    for name, schema in (("metadata.xml", "MetaData.xsd"), ("project.xml", "Project.xsd")):
        root = etree.fromstring(archive.read(name))
        etree.XMLSchema(etree.parse(DATA / schema)).assertValid(root)
    return root


@pytest.fixture
def archive(project, tmp_path):
    (path,) = write_dawproject(project, tmp_path / "x.dawproject", quiet)
    with zipfile.ZipFile(path) as opened:
        yield opened


@pytest.fixture
def root(archive):
    return checked(archive)


def lane_of(root: etree._Element, name: str) -> etree._Element:
    """What lies on the track called `name`."""
    (track,) = root.xpath(f"Structure/Track[@name='{name}']")
    (lanes,) = root.xpath(f"Arrangement/Lanes/Lanes[@track='{track.get('id')}']")
    return lanes


def test_a_rendered_session_is_valid_and_whole(rendered, tmp_path):
    done = export_session(rendered, "dawproject", tmp_path / "x.dawproject")
    with zipfile.ZipFile(done.out) as archive:
        assert archive.testzip() is None
        root = checked(archive)
        files = root.xpath("//Audio/File/@path")
        assert sorted(files) == sorted(n for n in archive.namelist() if n.startswith("audio/"))
        stems = [soundfile.read(BytesIO(archive.read(f"audio/{take.name}.wav")))[0] for take in done.project.stems]
        premaster, _ = soundfile.read(BytesIO(archive.read("audio/premaster.wav")))
        assert np.abs(sum(stems) - premaster).max() < 10 ** (-120 / 20)
    assert len(root.xpath("Arrangement/TempoAutomation/RealPoint")) == len(done.project.score.tempos) > 1


def test_each_audio_file_is_on_its_track_at_its_place(project, root, archive):
    for take in project.takes:
        (clip,) = lane_of(root, take.name).findall("Clips/Clip")
        assert clip.get("time") == "0" and float(clip.get("duration")) == pytest.approx(4 + (6 + 7 / 48_000 - 4) / 0.4)
        assert clip.get("contentTimeUnit") == "seconds" and clip.get("playStart") == "0"
        (audio,) = clip
        assert audio.tag == "Audio" and float(audio.get("duration")) == pytest.approx(288_007 / 48_000)
        packed, rate = soundfile.read(BytesIO(archive.read(audio.find("File").get("path"))), dtype="int32")
        assert rate == int(audio.get("sampleRate")) and packed.shape[1] == int(audio.get("channels"))
        assert np.array_equal(packed, soundfile.read(take.path, dtype="int32")[0])


def test_stems_are_heard_at_0_db_and_the_rest_is_muted(root):
    (master,) = root.xpath("Structure/Track[Channel/@role='master']")
    heard = []
    for track in root.xpath("Structure/Track[Channel/@role='regular']"):
        channel = track.find("Channel")
        assert channel.get("destination") == master.find("Channel").get("id")
        assert channel.find("Volume").get("value") == "1" and channel.find("Pan").get("value") == "0.5"
        if channel.find("Mute").get("value") == "false":
            heard.append(track.get("name"))
    assert heard == ["pad", "bass", "reverb"]


def test_tempo_metre_and_markers_stand_in_beats(root):
    arrangement = root.find("Arrangement")
    assert arrangement.find("Lanes").get("timeUnit") == "beats"
    tempo, metre = arrangement.find("TempoAutomation"), arrangement.find("TimeSignatureAutomation")
    assert tempo.find("Target").get("parameter") == root.find("Transport/Tempo").get("id")
    assert metre.find("Target").get("parameter") == root.find("Transport/TimeSignature").get("id")
    points = [(p.get("time"), p.get("value"), p.get("interpolation")) for p in tempo.findall("RealPoint")]
    assert points == [("0", "60", "hold"), ("4", "150", "hold")]
    signs = [(p.get("time"), p.get("numerator"), p.get("denominator")) for p in metre.findall("TimeSignaturePoint")]
    assert signs == [("0", "4", "4"), ("4", "3", "4")]
    assert (root.find("Transport/Tempo").get("value"), root.find("Transport/TimeSignature").get("numerator")) == (
        "60",
        "4",
    )
    markers = [(m.get("time"), m.get("name")) for m in arrangement.findall("Markers/Marker")]
    assert markers[0] == ("0", "phase: baseline") and markers[-1] == ("5", "she hums") and len(markers) == 8


def test_notes_have_their_pitch_to_the_cent(root):
    notes = lane_of(root, "pad notes").findall("Clips/Clip/Notes/Note")
    heard = []
    for note in notes:
        points = [(float(p.get("time")), float(p.get("value"))) for p in note.findall("Points/RealPoint")]
        assert not points or note.find("Points/Target").get("expression") == "transpose"
        heard.append((note.get("time"), note.get("duration"), int(note.get("key")) + (points[0][1] if points else 0.0)))
    heard.sort(key=lambda note: (float(note[0]), note[2]))
    assert [note[:2] for note in heard] == [("0", "2"), ("0", "2"), ("4", "3")]
    assert [note[2] for note in heard] == pytest.approx([60.5, 64.0, 57.0], abs=1e-3)
    slide = [note for note in notes if note.get("time") == "4"][0].findall("Points/RealPoint")
    assert float(slide[-1].get("time")) == 2.0 and float(slide[-1].get("value")) == pytest.approx(1.5, abs=1e-3)


def test_the_controls_are_controllers_on_a_track_of_their_own(root, project):
    lanes = {points.get("name"): points for points in lane_of(root, "controls").findall("Clips/Clip/Lanes/Points")}
    pad = lanes["level_pad_db"]
    assert pad.find("Target").attrib == {"expression": "channelController", "channel": "15", "controller": "102"}
    assert pad.get("comment") == "-60 to 6 dB" and pad.get("unit") == "normalized"
    points = [(p.get("time"), float(p.get("value"))) for p in pad.findall("RealPoint")]
    assert points == [("0", pytest.approx(60 / 66)), ("3", pytest.approx(54 / 66))]
    assert len(lanes) == len(project.lanes)


def test_a_session_without_notes_lanes_or_markers_is_valid(project, tmp_path):
    bare = replace(project, parts=(), lanes=(), markers=(), started="")
    (path,) = write_dawproject(bare, tmp_path / "bare.dawproject", quiet)
    with zipfile.ZipFile(path) as archive:
        assert len(checked(archive).xpath("Structure/Track")) == 6


def test_the_same_session_gives_the_same_file(project, tmp_path):
    a, b = (write_dawproject(project, tmp_path / name, quiet)[0].read_bytes() for name in ("a", "b"))
    assert a == b
