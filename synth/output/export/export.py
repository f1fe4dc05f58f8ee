"""Exports a rendered session for a DAW."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from synth.output.export.ardour import write_ardour
from synth.output.export.broadcast import Progress, size_of
from synth.output.export.dawproject import write_dawproject
from synth.output.export.files import prepare
from synth.output.export.midi import write_score_with_controls
from synth.output.export.project import Project, read_project
from synth.output.export.reaper import write_reaper
from synth.output.export.wav import write_wav
from synth.output.folder import OutputError


class Format(NamedTuple):
    """How a format is written: `suffix` of its file, "" for a folder; whether it needs `audio`."""

    write: Callable[[Project, Path, Progress], list[Path]]
    suffix: str = ""
    audio: bool = True


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "dawproject": Format(write_dawproject, ".dawproject"),
        "reaper": Format(write_reaper),
        "ardour": Format(write_ardour),
        "wav": Format(write_wav),
        "midi": Format(write_score_with_controls, ".mid", audio=False),
    }
)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, the file to open first; `remarks` say what was not as usual."""

    out: Path
    files: tuple[Path, ...]
    project: Project
    remarks: tuple[str, ...]


def export_session(
    folder: str | Path,
    format: str,
    out: str | Path | None = None,
    *,
    overwrite: bool = False,
    progress: Progress = lambda done_s, total_s: None,
) -> Exported:
    """Export the session in `folder` as `format` (FORMATS) to `out`: beside the folder unless given.

    `progress` is told the seconds of audio written, over all files, and how many there are.

    Raises OutputError or RecordError with what to do; what was there before is kept then.
    """
    if format not in FORMATS:
        raise OutputError(f"no format {format!r}: one of {', '.join(FORMATS)}")
    folder, how = Path(folder), FORMATS[format]
    project = read_project(folder, audio=how.audio)
    out = Path(out) if out is not None else place_of(folder, format)
    needed = sum(size_of(take, project) for take in project.takes) if how.audio else 0
    prepare(out, needed, is_folder=not how.suffix, overwrite=overwrite)
    files = how.write(project, out, progress)
    return Exported(out, tuple(files), project, project.remarks)


def place_of(folder: Path, format: str) -> Path:
    """Where an export goes that is not told where: beside the session, under its name."""
    folder = folder.resolve()
    suffix = FORMATS[format].suffix
    return folder.with_name(folder.name + (suffix or f"-{format}"))
