"""score.mid once more, with people's own markers and a track of the controls as MIDI controllers."""

from __future__ import annotations

from pathlib import Path

import mido

from synth.output.export.broadcast import Progress
from synth.output.export.files import writing
from synth.output.export.parts import timed, track_of
from synth.output.export.project import Project
from synth.score.model import TICKS_PER_BEAT

CONTROLS = "controls"
_CHANNELS = 16
_PORT = 127


def write_score_with_controls(project: Project, path: Path, progress: Progress) -> list[Path]:
    """Write the score's own tracks, untouched but for the added markers, then the controls."""
    conductor, *tracks = mido.MidiFile(str(project.source), charset="utf-8").tracks
    marks = [
        (mark.tick, mido.MetaMessage("marker", text=mark.text)) for mark in project.markers if mark.kind == "marker"
    ]
    if marks:
        told = [
            (tick, message) for tick, message in timed(conductor) if message.type not in ("track_name", "end_of_track")
        ]
        conductor = track_of(conductor.name, sorted(told + marks, key=lambda pair: pair[0]), project.end_tick)
    if project.lanes:
        messages: list[tuple[int, mido.Message]] = list(controls(project))
        if controls_channel(project) in _used(project):  # the notes take all channels: a port of its own
            messages.insert(0, (0, mido.MetaMessage("midi_port", port=_PORT)))
        tracks.append(track_of(CONTROLS, messages, project.end_tick))
    write_tracks([conductor, *tracks], path)
    return [path]


def played_tracks(project: Project) -> list[tuple[str, list[tuple[int, mido.Message]]]]:
    """The tracks of notes, and the controls where there are lanes: the name and the messages of each."""
    tracks = [(part.name, list(part.messages)) for part in project.parts]
    return [*tracks, (CONTROLS, controls(project))] if project.lanes else tracks


def controls(project: Project) -> list[tuple[int, mido.Message]]:
    """Every lane as the controller of its control, on a channel that plays no notes if there is one."""
    channel = controls_channel(project)
    moves = sorted(
        (tick, lane.number, value) for lane in project.lanes for tick, value in zip(lane.ticks, lane.ccs, strict=True)
    )
    return [
        (tick, mido.Message("control_change", channel=channel, control=number, value=value))
        for tick, number, value in moves
    ]


def controls_channel(project: Project) -> int:
    """The last channel that no note is played on, or the last."""
    return max(set(range(_CHANNELS)) - _used(project), default=_CHANNELS - 1)


def _used(project: Project) -> set[int]:
    return {channel for part in project.parts for channel in part.channels}


def write_tracks(tracks: list[mido.MidiTrack], path: Path) -> None:
    """Write a MIDI file of `tracks`."""
    midi = mido.MidiFile(type=1 if len(tracks) > 1 else 0, ticks_per_beat=TICKS_PER_BEAT, charset="utf-8")
    midi.tracks += tracks
    with writing(path) as file:
        midi.save(file=file)
