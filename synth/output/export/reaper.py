"""A Reaper project: text of lines and nested chunks, with the audio in a folder beside it.

There is no published grammar; this follows what Reaper 6 and 7 write. Places are seconds, but for MIDI, where events
are apart by ticks. Items keep their time when the tempo is changed, so that stems are never stretched.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

import mido

from synth.output.export.broadcast import Progress, write_takes
from synth.output.export.files import write_text
from synth.output.export.midi import played_tracks
from synth.output.export.project import Project, Take
from synth.score.model import TICKS_PER_BEAT

AUDIO = "audio"
_SQUARE = 1  # shape of an envelope that holds each value until the next
_ALL_NOTES_OFF = 123
_SPACE = uuid.UUID("5f0c1b0e-62c4-4d3b-9a53-6f0c2a6f4b10")

# A chunk is (its line, what is in it); a line is text.
_Chunk = tuple[str, list["str | _Chunk"]]


def write_reaper(project: Project, folder: Path, progress: Progress) -> list[Path]:
    """Write the project and its audio into `folder`; the files, the project first."""
    path = folder / f"{project.name}.rpp"
    files = write_takes(project, folder / AUDIO, progress)
    write_text(path, "\n".join(_lines(project_chunk(project))) + "\n")
    return [path, *files]


def project_chunk(project: Project) -> _Chunk:
    """The whole project file."""
    first = project.score.tempos[0]
    beats = project.score.metres[0].beats if project.score.metres else 4
    content: list[str | _Chunk] = [
        ("NOTES 0 2", [f"|{line}" for line in _notes(project)]),
        "TIMELOCKMODE 0",
        f"SAMPLERATE {project.sample_rate} 1 0",
        f"TEMPO {first.bpm:.12g} {beats} 4",
        _tempo_envelope(project),
        *_markers(project),
    ]
    content += [_audio_track(project, take, muted=take in project.references) for take in project.takes]
    content += [_midi_track(project, name, messages) for name, messages in played_tracks(project)]
    return f'REAPER_PROJECT 0.1 "7.0/{project.engine}" 0', content


def _notes(project: Project) -> list[str]:
    return [
        f"{project.title}, seed {project.seed}, {project.engine} {project.started}".rstrip(),
        f"The stems sum to {project.total} with every fader at 0 dB; levels and filters are in their audio already.",
        "The muted tracks are for reference: mix and premaster, the notes, and the controls as MIDI controllers.",
    ]


def _tempo_envelope(project: Project) -> _Chunk:
    """A point wherever the tempo or the metre changes."""
    bpms = {tempo.tick: tempo.bpm for tempo in project.score.tempos}
    metres = {metre.tick: metre.beats for metre in project.score.metres}
    points, bpm = [], project.score.tempos[0].bpm
    for tick in sorted(bpms.keys() | metres.keys()):
        bpm = bpms.get(tick, bpm)
        point = f"PT {project.clock.seconds(tick):.12f} {bpm:.12g} {_SQUARE}"
        points.append(f"{point} {65536 * 4 + metres[tick]}" if tick in metres else point)
    return "TEMPOENVEX", ["ACT 1 -1", "VIS 1 0 1", "LANEHEIGHT 0 0", "ARM 0", "DEFSHAPE 1 -1 -1", *points]


def _markers(project: Project) -> Iterator[str]:
    """Phases are regions, all others markers; either are counted from 1."""
    for number, (mark, end_s) in enumerate(project.spans("phase"), 1):
        yield f"MARKER {number} {mark.time_s:.12f} {_quoted(mark.text)} 1"
        yield f'MARKER {number} {end_s:.12f} "" 1'
    for number, mark in enumerate((mark for mark in project.markers if mark.kind != "phase"), 1):
        yield f"MARKER {number} {mark.time_s:.12f} {_quoted(mark.text)} 0"


def _audio_track(project: Project, take: Take, *, muted: bool) -> _Chunk:
    source: _Chunk = ("SOURCE WAVE", [f"FILE {_quoted(f'{AUDIO}/{take.name}.wav')}"])
    item = _item(project, take.name, take.frames / take.sample_rate, source, timebase=0)
    return _track(project, take.name, muted, timebase=0, item=item)


def _midi_track(project: Project, name: str, messages: Iterable[tuple[int, mido.Message]]) -> _Chunk:
    content: list[str | _Chunk] = [f"HASDATA 1 {TICKS_PER_BEAT} QN"]
    now = 0
    for tick, message in messages:
        content.append(f"E {tick - now} {_hex(message)}")
        now = tick
    end = mido.Message("control_change", control=_ALL_NOTES_OFF)  # it tells the length of the source
    content.append(f"E {project.end_tick - now} {_hex(end)}")
    length_s = project.clock.seconds(project.end_tick)
    item = _item(project, name, length_s, ("SOURCE MIDI", content), timebase=1)
    return _track(project, name, muted=True, timebase=1, item=item)


def _hex(message: mido.Message) -> str:
    """Always three bytes, the last 0 where the message has two."""
    return bytes([*message.bytes(), 0][:3]).hex(" ")


def _track(project: Project, name: str, muted: bool, timebase: int, item: _Chunk) -> _Chunk:
    guid = _guid(project, f"track {name}")
    lines = [f"NAME {_quoted(name)}", f"BEAT {timebase}", "VOLPAN 1 0 -1 -1 1", f"MUTESOLO {int(muted)} 0 0"]
    return f"TRACK {guid}", [*lines, "ISBUS 0 0", "NCHAN 2", f"TRACKID {guid}", "MAINSEND 1 0", item]


def _item(project: Project, name: str, length_s: float, source: _Chunk, timebase: int) -> _Chunk:
    """An item from 0 on, without the fades that Reaper gives new items."""
    lines = ["POSITION 0", "SNAPOFFS 0", f"LENGTH {length_s:.12f}", "LOOP 0", "ALLTAKES 0"]
    lines += ["FADEIN 1 0 0 1 0 0 0", "FADEOUT 1 0 0 1 0 0 0", "MUTE 0 0", f"BEAT {timebase}"]
    lines += [f"IGUID {_guid(project, f'item {name}')}", f"NAME {_quoted(name)}", "VOLPAN 1 0 1 -1", "SOFFS 0"]
    lines += ["PLAYRATE 1 1 0 -1 0 0.0025", "CHANMODE 0", f"GUID {_guid(project, f'take {name}')}"]
    return "ITEM", [*lines, source]


def _guid(project: Project, what: str) -> str:
    return "{" + str(uuid.uuid5(_SPACE, f"{project.name} {what}")).upper() + "}"


def _quoted(text: str) -> str:
    """A name in the quotes that it does not hold itself."""
    text = " ".join(text.split())
    for mark in ('"', "'", "`"):
        if mark not in text:
            return f"{mark}{text}{mark}"
    return "`" + text.replace("`", "'") + "`"


def _lines(chunk: _Chunk, indent: str = "") -> Iterator[str]:
    head, content = chunk
    yield f"{indent}<{head}"
    for each in content:
        if isinstance(each, str):
            yield f"{indent}  {each}"
        else:
            yield from _lines(each, indent + "  ")
    yield f"{indent}>"
