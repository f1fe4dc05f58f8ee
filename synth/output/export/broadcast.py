"""Broadcast WAV: samples as they are, with where they come from, how loud they are, and markers.

`bext` version 2 is EBU Tech 3285, its coding history EBU R 98, RF64 EBU Tech 3306; `cue ` and `LIST adtl labl` are
those of the Multimedia Programming Interface 1.0 (1991), which DAWs read as markers.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import soundfile

from synth.output.export.files import writing
from synth.output.export.meter import Figures, Meter
from synth.output.export.project import Mark, Project, Take
from synth.output.folder import OutputError

Progress = Callable[[float, float], None]

_UNTOLD = 0x7FFF  # a loudness field without a value
_LARGEST = 0xFFFF_FFFF  # bytes that a RIFF header can count
_BLOCK_S = 10
_TAG_PCM, _TAG_FLOAT = 1, 3


@dataclass(frozen=True, slots=True)
class Origin:
    """What a file says of itself; `started` is ISO 8601 or ""."""

    description: str
    originator: str
    reference: str
    started: str


def write_takes(project: Project, folder: Path, progress: Progress) -> list[Path]:
    """Write all audio of `project` into `folder`; the files."""
    files = []
    for take in counted(project, progress):
        files.append(folder / f"{take.name}.wav")
        with writing(files[-1]) as file:
            write_take(file, project, take)
    return files


def counted(project: Project, progress: Progress) -> Iterator[Take]:
    """All audio of `project` in turn; `progress` is told how many seconds of how many are done."""
    seconds = [take.frames / take.sample_rate for take in project.takes]
    for number, take in enumerate(project.takes):
        progress(sum(seconds[:number]), sum(seconds))
        yield take
    progress(sum(seconds), sum(seconds))


def write_take(file: IO[bytes], project: Project, take: Take, *, rf64_over: int = _LARGEST) -> None:
    """Write `take` to `file` with the markers of `project`; it is never sought in. RF64 over `rf64_over` bytes."""
    origin = Origin(_description(project, take), project.engine, f"{project.name} {take.name}", project.started)
    cues = [(round(mark.time_s * take.sample_rate), mark) for mark in project.markers]
    cues = [(frame, mark) for frame, mark in cues if frame < take.frames]
    file.write(_header(take, origin, measure(take), cues, rf64_over))
    for block in _blocks(take):
        file.write(_bytes(block))
    file.write(b"\0" * (take.bytes % 2))


def size_of(take: Take, project: Project) -> int:
    """Bytes that the file of `take` will have at most."""
    return take.bytes + 4096 + sum(200 + len(mark.text.encode()) for mark in project.markers)


def measure(take: Take) -> Figures:
    """How loud `take` is."""
    meter = Meter(take.sample_rate)
    for block in _blocks(take, "float32"):
        meter.add(np.ascontiguousarray(block.T))
    return meter.figures()


def _blocks(take: Take, dtype: str = "") -> Iterator[np.ndarray]:
    """Its samples, (frames, channels): float32 where it is floating-point, else int32 with 24 bits at the top."""
    dtype = dtype or ("float32" if take.float else "int32")
    read = 0
    try:
        with soundfile.SoundFile(str(take.path)) as file:
            while (block := file.read(_BLOCK_S * take.sample_rate, dtype=dtype, always_2d=True)).size:
                read += len(block)
                yield block
    except soundfile.SoundFileError as error:
        raise OutputError(f"{take.path} cannot be read on ({error}): render or replay the session again") from None
    if read != take.frames:
        raise OutputError(
            f"{take.path} has {read} frames and says {take.frames}: it is cut short, or still being written"
        )


def _bytes(block: np.ndarray) -> bytes:
    if block.dtype == np.float32:
        return block.astype("<f4").tobytes()
    return block.astype("<i4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()


def _description(project: Project, take: Take) -> str:
    if take in project.stems:
        return f"{project.title}: stem {take.name}; the stems sum to {project.total}. Seed {project.seed}"
    return f"{project.title}: {take.name}. Seed {project.seed}"


def _header(take: Take, origin: Origin, figures: Figures, cues: Sequence[tuple[int, Mark]], rf64_over: int) -> bytes:
    """Everything before the samples."""
    chunks = _chunk(b"bext", _bext(take, origin, figures)) + _chunk(b"fmt ", _format(take))
    if take.float:
        chunks += _chunk(b"fact", struct.pack("<I", min(take.frames, _LARGEST)))
    if cues:
        chunks += _chunk(b"cue ", _cue_points(cues)) + _chunk(b"LIST", _labels(cues))
    size = 4 + len(chunks) + 8 + take.bytes + take.bytes % 2
    if size <= rf64_over:
        return b"RIFF" + struct.pack("<I", size) + b"WAVE" + chunks + b"data" + struct.pack("<I", take.bytes)
    sizes = _chunk(b"ds64", struct.pack("<QQQI", size + 36, take.bytes, take.frames, 0))
    unknown = struct.pack("<I", _LARGEST)
    return b"RF64" + unknown + b"WAVE" + sizes + chunks + b"data" + unknown


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _format(take: Take) -> bytes:
    width = 4 if take.float else 3
    tag, frame = (_TAG_FLOAT if take.float else _TAG_PCM), width * take.channels
    plain = struct.pack("<HHIIHH", tag, take.channels, take.sample_rate, take.sample_rate * frame, frame, 8 * width)
    return plain + struct.pack("<H", 0) * take.float


def _bext(take: Take, origin: Origin, figures: Figures) -> bytes:
    """Time reference 0: all files of a session begin together, so a DAW that goes by it lines them up at its start."""
    date, time = origin.started[:10], origin.started[11:19]
    told = [figures.integrated_lufs, figures.range_lu, figures.true_peak_dbtp]
    told += [figures.momentary_lufs, figures.short_term_lufs]
    history = (
        f"A=PCM,F={take.sample_rate},W={32 if take.float else 24},M={('mono', 'stereo')[take.channels - 1]},"
        f"T={origin.originator}\r\n"
    )
    return (
        _text(origin.description, 256)
        + _text(origin.originator, 32)
        + _text(origin.reference, 32)
        + _text(date, 10)
        + _text(time, 8)
        + struct.pack("<QH64x", 0, 2)
        + struct.pack("<5h180x", *(_hundredths(value) for value in told))
        + _text(history, len(history) + len(history) % 2)  # libsndfile loses its place in RF64 after an odd chunk
    )


def _hundredths(value: float | None) -> int:
    return round(100.0 * value) if value is not None and -99.99 <= value <= 99.99 else _UNTOLD


def _text(text: str, size: int) -> bytes:
    return text.encode("ascii", "replace")[:size].ljust(size, b"\0")


def _cue_points(cues: Sequence[tuple[int, Mark]]) -> bytes:
    points = [struct.pack("<II4sIII", number, frame, b"data", 0, 0, frame) for number, (frame, _) in enumerate(cues, 1)]
    return struct.pack("<I", len(points)) + b"".join(points)


def _labels(cues: Sequence[tuple[int, Mark]]) -> bytes:
    labels = [
        _chunk(b"labl", struct.pack("<I", number) + mark.text.encode() + b"\0")
        for number, (_, mark) in enumerate(cues, 1)
    ]
    return b"adtl" + b"".join(labels)
