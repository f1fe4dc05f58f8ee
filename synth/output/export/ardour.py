"""An Ardour session (format 7002, of Ardour 7): a folder with a state file and its sources in `interchange`.

Places are "a" and audio time in superclocks, or "b" and musical time in 1920ths of a quarter note. The state file
holds what Ardour cannot know by itself; what is left out it fills in as for a new track.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

from synth.output.export.broadcast import Progress, write_takes
from synth.output.export.files import write_text
from synth.output.export.midi import played_tracks, write_tracks
from synth.output.export.parts import track_of
from synth.output.export.project import Project, Take
from synth.score.model import TICKS_PER_BEAT
from synth.score.outline import outline

SUPERCLOCKS_PER_S = 282_240_000
ARDOUR_TICKS = 1920 // TICKS_PER_BEAT
_VERSION = "7002"
_PLAIN = {"muted": "0", "opaque": "1", "locked": "0", "automatic": "0", "whole-file": "0", "import": "0"}
_ACTIVE = {"active": "1", "user-latency": "0", "use-user-latency": "0"}


def write_ardour(project: Project, folder: Path, progress: Progress) -> list[Path]:
    """Write the session `folder`; its files, the state file first."""
    sources = folder / "interchange" / project.name
    state = folder / f"{project.name}.ardour"
    files = [state, *write_takes(project, sources / "audiofiles", progress)]
    for name, messages in played_tracks(project):
        files.append(sources / "midifiles" / f"{name}.mid")
        write_tracks([track_of(name, messages, project.end_tick)], files[-1])
    for empty in ("analysis", "dead", "export", "externals", "peaks", "plugins"):
        (folder / empty).mkdir(exist_ok=True)
    root = _Session(project).element
    ET.indent(root)
    write_text(state, '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n")
    return files


def superclocks(seconds: float) -> int:
    """Audio time."""
    return round(seconds * SUPERCLOCKS_PER_S)


class _Session:
    """Builds the state file's element; every object in it has a number of its own."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._ids: Iterator[int] = itertools.count(1000)
        self.element = root = ET.Element(
            "Session",
            {
                "version": _VERSION,
                "name": project.name,
                "sample-rate": str(project.sample_rate),
                "session-range-is-free": "0",
            },
        )
        ET.SubElement(root, "ProgramVersion", {"created-with": project.engine, "modified-with": project.engine})
        self._config()
        self._metadata()
        self._sources = ET.SubElement(root, "Sources")
        self._regions = ET.SubElement(root, "Regions")
        self._locations()
        ET.SubElement(root, "Bundles")
        self._routes = ET.SubElement(root, "Routes")
        self._playlists = ET.SubElement(root, "Playlists")
        ET.SubElement(root, "UnusedPlaylists")
        ET.SubElement(root, "RouteGroups")
        self._master()
        for take in project.takes:
            self._audio_track(take, muted=take in project.references)
        for name, _ in played_tracks(project):
            self._midi_track(name)
        click = ET.SubElement(root, "Click")
        self._io(click, "Click", "audio", "Output", 2, ("system:playback_1", "system:playback_2"))
        self._fader(click)
        self._tempo_map()
        root.set("id-counter", str(next(self._ids)))

    def _id(self) -> str:
        return str(next(self._ids))

    def _config(self) -> None:
        config = ET.SubElement(self.element, "Config")
        for name, value in (("native-file-data-format", "FormatInt24"), ("native-file-header-format", "BWF")):
            ET.SubElement(config, "Option", {"name": name, "value": value})

    def _metadata(self) -> None:
        metadata = ET.SubElement(self.element, "Metadata")
        ET.SubElement(metadata, "title").text = self._project.title
        ET.SubElement(metadata, "comment").text = (
            f"Made by {self._project.engine}, seed {self._project.seed}. The stems sum to {self._project.total}, "
            "with every fader at 0 dB; levels and filters are in their audio already."
        )

    def _locations(self) -> None:
        project = self._project
        locations = ET.SubElement(self.element, "Locations")

        def location(name: str, start_s: float, end_s: float, flags: str) -> None:
            ET.SubElement(
                locations,
                "Location",
                {
                    "id": self._id(),
                    "name": name,
                    "start": f"a{superclocks(start_s)}",
                    "end": f"a{superclocks(end_s)}",
                    "flags": flags,
                    "locked": "0",
                    "timestamp": "0",
                    "cue": "0",
                },
            )

        location("session", 0.0, project.seconds, "IsSessionRange")
        for mark in project.markers:
            location(mark.text, mark.time_s, mark.time_s, "IsMark")
        for mark, end_s in project.spans("phase"):
            location(mark.text, mark.time_s, end_s, "IsRangeMarker")

    def _master(self) -> None:
        route = self._route("Master", "audio", 0, "MasterOut")
        self._io(route, "Master", "audio", "Input", 2, ())
        self._io(route, "Master", "audio", "Output", 2, ("system:playback_1", "system:playback_2"))
        self._processors(route, "Master")

    def _audio_track(self, take: Take, *, muted: bool) -> None:
        sources = []
        for channel in range(take.channels):
            sources.append(self._id())
            ET.SubElement(
                self._sources,
                "Source",
                {
                    "name": f"{take.name}.wav",
                    "type": "audio",
                    "flags": "",
                    "id": sources[-1],
                    "channel": str(channel),
                    "origin": "",
                    "gain": "1",
                    "natural-position": "a0",
                },
            )
        route, playlist = self._track(take.name, "audio", muted)
        self._io(route, take.name, "audio", "Input", take.channels, ())
        self._io(route, take.name, "audio", "Output", 2, ("Master/audio_in 1", "Master/audio_in 2"))
        self._processors(route, take.name)
        length = f"a{-(-take.frames * SUPERCLOCKS_PER_S // take.sample_rate)}@a0"
        region = self._region(playlist, take.name, "audio", length, sources)
        # Ardour fades each region by 64 frames unless told; these begin and end in their own time.
        region.attrib |= {"default-fade-in": "0", "default-fade-out": "0", "scale-amplitude": "1"}
        region.attrib |= {"fade-in-active": "0", "fade-out-active": "0", "channels": str(take.channels)}

    def _midi_track(self, name: str) -> None:
        source = self._id()
        ET.SubElement(self._sources, "Source", {"name": f"{name}.mid", "type": "midi", "flags": "", "id": source})
        route, playlist = self._track(name, "midi", muted=True)
        self._io(route, name, "midi", "Input", 1, ())
        self._io(route, name, "midi", "Output", 1, ())
        self._processors(route, name)
        self._region(playlist, name, "midi", f"b{self._project.end_tick * ARDOUR_TICKS}@b0", [source])

    def _track(self, name: str, kind: str, muted: bool) -> tuple[ET.Element, ET.Element]:
        """A track's route and its playlist."""
        order = len(self._routes)
        route = self._route(name, kind, order, {"audio": "AudioTrack", "midi": "MidiTrack"}[kind], muted)
        playlist = ET.SubElement(
            self._playlists,
            "Playlist",
            {"id": self._id(), "name": name, "type": kind, "orig-track-id": route.attrib["id"], "frozen": "0"},
        )
        route.set(f"{kind}-playlist", playlist.attrib["id"])
        route.set("mode", "Normal")
        if kind == "midi":
            route.attrib |= {"note-mode": "Sustained", "input-active": "1", "restore-pgm": "1"}
        return route, playlist

    def _route(self, name: str, kind: str, order: int, flags: str, muted: bool = False) -> ET.Element:
        route = ET.SubElement(
            self._routes,
            "Route",
            {
                "version": _VERSION,
                "id": self._id(),
                "name": name,
                "default-type": kind,
                "strict-io": "1" if flags == "MasterOut" else "0",
                "active": "1",
                "meter-point": "MeterPostFader",
                "meter-type": "MeterK14" if flags == "MasterOut" else "MeterPeak",
            },
        )
        ET.SubElement(route, "PresentationInfo", {"order": str(order), "flags": f"{flags},OrderSet", "color": "0"})
        self._controllable(route, "mute", int(muted))
        ET.SubElement(route, "MuteMaster", {"mute-point": "PostFader,Listen,Main", "muted": str(int(muted))})
        return route

    def _io(self, route: ET.Element, name: str, kind: str, direction: str, count: int, others: tuple[str, ...]) -> None:
        io = ET.SubElement(route, "IO", {"name": name, "id": self._id(), "direction": direction, "default-type": kind})
        way = {"Input": "in", "Output": "out"}[direction]
        for number in range(1, count + 1):
            port = ET.SubElement(io, "Port", {"type": kind, "name": f"{name}/{kind}_{way} {number}"})
            if others:
                ET.SubElement(port, "Connection", {"other": others[number - 1]})

    def _processors(self, route: ET.Element, name: str) -> None:
        """The fader, and the way out."""
        self._fader(route)
        out = {"own-input": "1", "own-output": "0", "output": name, "type": "main-outs", "role": "Main"}
        main = ET.SubElement(route, "Processor", {"id": self._id(), "name": name, **_ACTIVE, **out})
        ET.SubElement(main, "PannerShell", {"bypassed": "0", "user-panner": "", "linked-to-route": "1"})

    def _fader(self, parent: ET.Element) -> None:
        """At 0 dB."""
        amp = ET.SubElement(parent, "Processor", {"id": self._id(), "name": "Amp", **_ACTIVE, "type": "amp"})
        self._controllable(amp, "gaincontrol", 1)

    def _controllable(self, parent: ET.Element, name: str, value: float) -> None:
        ET.SubElement(parent, "Controllable", {"name": name, "id": self._id(), "flags": "", "value": f"{value:g}"})

    def _region(self, playlist: ET.Element, name: str, kind: str, length: str, sources: list[str]) -> ET.Element:
        zero = "a0" if kind == "audio" else "b0"
        return ET.SubElement(
            playlist,
            "Region",
            {
                "name": name,
                **_PLAIN,
                "start": zero,
                "length": length,
                "sync-position": zero,
                "ancestral-start": zero,
                "ancestral-length": length,
                "stretch": "1",
                "shift": "1",
                "layering-index": "0",
                "id": self._id(),
                "type": kind,
                "first-edit": "nothing",
                **{f"source-{i}": source for i, source in enumerate(sources)},
                **{f"master-source-{i}": source for i, source in enumerate(sources)},
            },
        )

    def _tempo_map(self) -> None:
        project, clock = self._project, self._project.clock
        tempo_map = ET.SubElement(self.element, "TempoMap", {"superclocks-per-second": str(SUPERCLOCKS_PER_S)})
        bars = _bars(project)

        def at(tick: int) -> Mapping[str, str]:
            quarters, rest = divmod(tick, TICKS_PER_BEAT)
            return {
                "sclock": str(superclocks(clock.seconds(tick))),
                "quarters": f"{quarters}:{rest * ARDOUR_TICKS}",
                "bbt": bars(tick),
            }

        tempos = ET.SubElement(tempo_map, "Tempos")
        for tempo in project.score.tempos:
            plain = {"note-type": "4", "type": "Tempo::Constant", "active": "1", "locked-to-meter": "0"}
            npm = f"{tempo.bpm:.15g}"
            ET.SubElement(
                tempos, "Tempo", {"npm": npm, "enpm": npm, **plain, "continuing": "0", **at(tempo.tick), "omega": "0"}
            )
        meters = ET.SubElement(tempo_map, "Meters")
        for metre in project.score.metres:
            ET.SubElement(meters, "Meter", {"note-value": "4", "divisions-per-bar": str(metre.beats), **at(metre.tick)})
        ET.SubElement(tempo_map, "MusicTimes")


def _bars(project: Project) -> Callable[[int], str]:
    """Writes a tick as bar, beat and 1920ths, as Ardour counts them."""
    measures = outline(project.score).measures
    starts = [measure.tick for measure in measures]

    def bar(tick: int) -> str:
        at = max(bisect_right(starts, tick) - 1, 0)
        beat, rest = divmod(tick - starts[at], TICKS_PER_BEAT)
        return f"{at + 1}|{beat + 1}|{rest * ARDOUR_TICKS}"

    return bar
