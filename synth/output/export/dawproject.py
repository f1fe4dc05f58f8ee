"""DAWproject 1.0 (Bitwig and PreSonus, MIT): one file, a ZIP of project.xml, metadata.xml and the audio.

Times are quarter notes. Audio is not warped: its clips say in seconds what they play, and so keep their own time when
the tempo is changed.
"""

from __future__ import annotations

import itertools
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

from synth.output.export.broadcast import Progress, counted, size_of, write_take
from synth.output.export.files import writing
from synth.output.export.lanes import Lane
from synth.output.export.midi import CONTROLS, controls_channel
from synth.output.export.parts import Part, Played
from synth.output.export.project import Project, Take
from synth.score.model import TICKS_PER_BEAT

VERSION = "1.0"
AUDIO = "audio"
_ZIP64_BYTES = 2**31
_SLOWEST_BPM, _FASTEST_BPM = 20, 666


def write_dawproject(project: Project, path: Path, progress: Progress) -> list[Path]:
    """Write the file; it, in a list."""
    with writing(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, root in (("metadata.xml", metadata(project)), ("project.xml", _Arranged(project).root)):
            ET.indent(root)
            text = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + ET.tostring(root, encoding="unicode")
            archive.writestr(zipfile.ZipInfo(name), text + "\n", zipfile.ZIP_DEFLATED)
        for take in counted(project, progress):
            large = size_of(take, project) > _ZIP64_BYTES
            with archive.open(zipfile.ZipInfo(f"{AUDIO}/{take.name}.wav"), "w", force_zip64=large) as entry:
                write_take(entry, project, take)
    return [path]


def metadata(project: Project) -> ET.Element:
    """metadata.xml."""
    root = ET.Element("MetaData")
    ET.SubElement(root, "Title").text = project.title
    ET.SubElement(root, "Artist").text = project.engine
    if project.started:
        ET.SubElement(root, "Year").text = project.started[:4]
    ET.SubElement(root, "Comment").text = (
        f"Seed {project.seed}. The stems sum to {project.total} with every fader at 0 dB; "
        "levels and filters are in their audio already. Muted: mix and premaster, the notes, the controls."
    )
    return root


class _Arranged:
    """Builds project.xml; everything that may be pointed at has an id."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._ids = itertools.count()
        self.root = ET.Element("Project", {"version": VERSION})
        name, _, version = project.engine.partition(" ")
        ET.SubElement(self.root, "Application", {"name": name, "version": version})
        tempo = self._transport()
        structure = ET.SubElement(self.root, "Structure")
        arrangement = ET.SubElement(self.root, "Arrangement", {"id": self._id()})
        self._lanes = ET.SubElement(arrangement, "Lanes", {"timeUnit": "beats", "id": self._id()})
        master = self._id()
        for take in project.takes:
            track = self._track(structure, take.name, "audio", master, muted=take in project.references)
            self._audio(self._clips(track), take)
        for part in project.parts:
            self._notes(self._clips(self._track(structure, part.name, "notes", master, muted=True)), part)
        if project.lanes:
            self._controls(self._clips(self._track(structure, CONTROLS, "notes", master, muted=True)))
        self._track(structure, "Master", "audio notes", "", channel=master)
        self._markers(arrangement)
        self._tempo_automation(arrangement, *tempo)

    def _id(self) -> str:
        return f"id{next(self._ids)}"

    def _transport(self) -> tuple[str, str]:
        """The ids of tempo and time signature."""
        score, tempo, metre = self._project.score, self._id(), self._id()
        transport = ET.SubElement(self.root, "Transport")
        limits = {"max": str(_FASTEST_BPM), "min": str(_SLOWEST_BPM), "unit": "bpm"}
        ET.SubElement(
            transport, "Tempo", {**limits, "value": _plain(score.tempos[0].bpm), "id": tempo, "name": "Tempo"}
        )
        beats = score.metres[0].beats if score.metres else 4
        ET.SubElement(transport, "TimeSignature", {"denominator": "4", "numerator": str(beats), "id": metre})
        return tempo, metre

    def _track(
        self,
        structure: ET.Element,
        name: str,
        content: str,
        destination: str,
        *,
        channel: str = "",
        muted: bool = False,
    ) -> str:
        """A track, its fader at 0 dB; its id."""
        track = ET.SubElement(
            structure, "Track", {"contentType": content, "loaded": "true", "id": self._id(), "name": name}
        )
        to = {"destination": destination, "role": "regular"} if destination else {"role": "master"}
        mixed = ET.SubElement(
            track, "Channel", {"audioChannels": "2", **to, "solo": "false", "id": channel or self._id()}
        )
        ET.SubElement(mixed, "Mute", {"value": str(muted).lower(), "id": self._id(), "name": "Mute"})
        for parameter, top, unit, value in (("Pan", "1", "normalized", "0.5"), ("Volume", "2", "linear", "1")):
            limits = {"max": top, "min": "0", "unit": unit, "value": value}
            ET.SubElement(mixed, parameter, {**limits, "id": self._id(), "name": parameter})
        return track.attrib["id"]

    def _clips(self, track: str) -> ET.Element:
        lanes = ET.SubElement(self._lanes, "Lanes", {"track": track, "id": self._id()})
        return ET.SubElement(lanes, "Clips", {"id": self._id()})

    def _audio(self, clips: ET.Element, take: Take) -> None:
        seconds = take.frames / take.sample_rate
        played = {"contentTimeUnit": "seconds", "playStart": "0", "playStop": _plain(seconds)}
        clip = ET.SubElement(
            clips, "Clip", {"time": "0", "duration": _plain(self._project.beats(seconds)), **played, "name": take.name}
        )
        sound = {"channels": str(take.channels), "duration": _plain(seconds), "sampleRate": str(take.sample_rate)}
        audio = ET.SubElement(clip, "Audio", {**sound, "timeUnit": "seconds", "id": self._id()})
        ET.SubElement(audio, "File", {"path": f"{AUDIO}/{take.name}.wav"})

    def _clip(self, clips: ET.Element, name: str) -> ET.Element:
        """As long as the project."""
        duration = _beats(self._project.end_tick)
        return ET.SubElement(clips, "Clip", {"time": "0", "duration": duration, "playStart": "0", "name": name})

    def _notes(self, clips: ET.Element, part: Part) -> None:
        notes = ET.SubElement(self._clip(clips, part.name), "Notes", {"id": self._id()})
        for note in part.notes():
            self._note(notes, note)

    def _note(self, notes: ET.Element, note: Played) -> None:
        velocity = _plain(note.velocity / 127)
        place = {"time": _beats(note.tick), "duration": _beats(note.end - note.tick)}
        played = {"channel": str(note.channel), "key": str(note.key), "vel": velocity, "rel": velocity}
        element = ET.SubElement(notes, "Note", {**place, **played})
        if any(bend for _, bend in note.bends):
            points = ET.SubElement(element, "Points", {"unit": "semitones", "id": self._id()})
            ET.SubElement(points, "Target", {"expression": "transpose"})
            for tick, bend in note.bends:
                _real_point(points, tick - note.tick, bend)

    def _controls(self, clips: ET.Element) -> None:
        """Every control as a controller, from 0 to 1 of its range."""
        clip = self._clip(clips, CONTROLS)
        lanes = ET.SubElement(clip, "Lanes", {"id": self._id()})
        channel = controls_channel(self._project)
        for lane in self._project.lanes:
            self._controller(lanes, lane, channel)

    def _controller(self, lanes: ET.Element, lane: Lane, channel: int) -> None:
        control = lane.control
        told = f"{control.low:g} to {control.high:g} {control.unit}".rstrip()
        points = ET.SubElement(
            lanes, "Points", {"unit": "normalized", "id": self._id(), "name": control.name, "comment": told}
        )
        target = {"expression": "channelController", "channel": str(channel), "controller": str(lane.number)}
        ET.SubElement(points, "Target", target)
        for tick, share in zip(lane.ticks, lane.shares, strict=True):
            _real_point(points, tick, share)

    def _markers(self, arrangement: ET.Element) -> None:
        if self._project.markers:
            markers = ET.SubElement(arrangement, "Markers", {"timeUnit": "beats", "id": self._id()})
            for mark in self._project.markers:
                ET.SubElement(markers, "Marker", {"time": _beats(mark.tick), "name": mark.text})

    def _tempo_automation(self, arrangement: ET.Element, tempo: str, metre: str) -> None:
        score = self._project.score
        places = {"timeUnit": "beats", "id": self._id()}
        points = ET.SubElement(arrangement, "TempoAutomation", {"unit": "bpm", **places})
        ET.SubElement(points, "Target", {"parameter": tempo})
        for change in score.tempos:
            _real_point(points, change.tick, change.bpm)
        places = {"timeUnit": "beats", "id": self._id()}
        points = ET.SubElement(arrangement, "TimeSignatureAutomation", places)
        ET.SubElement(points, "Target", {"parameter": metre})
        for signature in score.metres:
            ET.SubElement(
                points,
                "TimeSignaturePoint",
                {"numerator": str(signature.beats), "denominator": "4", "time": _beats(signature.tick)},
            )


def _real_point(points: ET.Element, tick: int, value: float) -> None:
    ET.SubElement(points, "RealPoint", {"value": _plain(value), "interpolation": "hold", "time": _beats(tick)})


def _beats(tick: int) -> str:
    return _plain(tick / TICKS_PER_BEAT)


def _plain(value: float) -> str:
    """Without an exponent, which not every reader takes."""
    return f"{value:.9f}".rstrip("0").rstrip(".") if value else "0"
