"""Stems, mix and premaster as broadcast WAV files, for any DAW: drag them in at the start, each on a track."""

from __future__ import annotations

from pathlib import Path

from synth.output.export.broadcast import Progress, write_takes
from synth.output.export.project import Project


def write_wav(project: Project, folder: Path, progress: Progress) -> list[Path]:
    """Write a file a stem, and the references; the files."""
    return write_takes(project, folder, progress)
