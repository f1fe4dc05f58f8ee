"""What a worker makes: the files of a render, of an export, and the pages of a live session."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import soundfile

from synth.daemon.renders.asking import keywords
from synth.daemon.renders.jobs import ResultFile
from synth.daemon.renders.told import Step
from synth.output.afterwards import write_afterwards
from synth.output.audio_files import FORMATS as LOSSLESS
from synth.output.export.export import FORMATS as DAWS
from synth.output.export.export import export_session
from synth.output.export.project import read_project
from synth.output.folder import OutputError, audio_bytes
from synth.output.render import render_session
from synth.output.replay import replay_session
from synth.record.lines import FILE_NAME
from synth.record.reader import read_record

SPARE_BYTES = 200_000_000  # of the disk are left to the records of live sessions
STEP_EVERY_S = 0.2
AT_ONCE = 65_536  # frames
OPUS_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)  # RFC 6716, section 2
MAKING = ".making"
PAGES = ("score.mid", "score.pb", "controls.csv", "person.html", "report.html")  # in the order they are put in place
MEDIA = {
    ".flac": "audio/flac",
    ".wav": "audio/wav",
    ".ogg": "audio/ogg",
    ".mid": "audio/midi",
    ".csv": "text/csv",
    ".html": "text/html",
    ".jsonl": "application/jsonl",
    ".zip": "application/zip",
    ".dawproject": "application/zip",
    ".pb": "application/x-protobuf",
}


class Steps:
    """Tells how far a render is whose parts weigh as `weights` say: at most every STEP_EVERY_S, and at each part."""

    def __init__(self, tell: Callable[[Step], None], total_s: float, weights: Sequence[float]) -> None:
        self._tell, self._total_s, self._weights = tell, total_s, weights
        self._part, self._told_s, self._seconds = -1, 0.0, 0.0

    def next(self, words: str) -> Callable[[float, float], None]:
        """Begin the next part, called `words`; gives what to call with what is done of it and how much there is."""
        self._part += 1
        before, weight, all_of_it = sum(self._weights[: self._part]), self._weights[self._part], sum(self._weights)
        first = self._part == 0

        def done(done: float, whole: float) -> None:
            if first:
                self._seconds = done
                self._total_s = whole
            now_s = time.monotonic()
            if done and now_s - self._told_s < STEP_EVERY_S:
                return
            self._told_s = now_s
            share = min(1.0, done / whole) if whole else 0.0
            progress = min(0.999, (before + weight * share) / all_of_it)
            self._tell(Step(round(progress, 4), round(self._seconds, 2), round(self._total_s, 2), words))

        self._told_s = 0.0
        done(0.0, self._total_s)
        return done


def render(asked: Mapping[str, Any], work: Path, tell: Callable[[Step], None]) -> tuple[ResultFile, ...]:
    """Render a session into `work`, as `Asked.as_dict()` has it."""
    shutil.rmtree(work, ignore_errors=True)
    given = keywords(asked["session"])
    first = _lossless(asked["formats"])
    total_s = given.get("minutes", given["preset"].minutes) * 60.0
    _check_room(work, total_s, given.get("sample_rate", 48_000), asked)
    steps = Steps(tell, total_s, _weights(asked))
    work.mkdir(mode=0o700)
    render_session(out=work, stems=asked["stems"], format=first, progress=steps.next("rendering"), **given)
    _add(asked, work, steps)
    return listed(work)


def export(asked: Mapping[str, Any], session: Path, work: Path, tell: Callable[[Step], None]) -> tuple[ResultFile, ...]:
    """Render the record of a live session again, as far as it goes, and hand it over as `asked["exports"]` say."""
    shutil.rmtree(work, ignore_errors=True)
    record = read_record(session)
    steps = Steps(tell, record.length_s, _weights(asked))
    if any(DAWS[name].audio for name in asked["exports"]) or not asked["exports"]:
        _check_room(work, record.length_s, int(record.header["sample_rate"]), asked)
        work.mkdir(mode=0o700)
        replay_session(
            session, work, stems=True, format=_lossless(asked["formats"]), progress=steps.next("rendering again")
        )
    else:
        work.mkdir(mode=0o700)
        steps.next("composing again")
        _copy_whole_lines(session / FILE_NAME, work / FILE_NAME)
        write_afterwards(work)
    _add(asked, work, steps)
    for name in (FILE_NAME, "controls.csv", "report.html", "person.html"):  # the session has its own
        (work / name).unlink(missing_ok=True)
    return listed(work)


def pages(session: Path) -> None:
    """Write PAGES of a live session from its record as it is now, each put in its place whole. Their time of change is
    that of the record they were made from."""
    making = session / MAKING
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    try:
        told_ns = _copy_whole_lines(session / FILE_NAME, making / FILE_NAME)
        write_afterwards(making)
        for name in PAGES:
            if (making / name).is_file():
                os.chmod(making / name, 0o600)
                os.utime(making / name, ns=(told_ns, told_ns))
                os.replace(making / name, session / name)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def listed(folder: Path) -> tuple[ResultFile, ...]:
    """Every file in `folder`, and what it is."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return tuple(
        ResultFile(path.relative_to(folder).as_posix(), path.stat().st_size, media_type(path.name), _sha256(path))
        for path in paths
    )


def media_type(name: str) -> str:
    """What kind of file has such a name."""
    suffix = Path(name).suffix
    return MEDIA.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


# -- its parts -------------------------------------------------------------------------------------------------------


def _lossless(formats: Sequence[str]) -> str:
    """The format to render in; others are made of it."""
    return next((name for name in formats if name in LOSSLESS), LOSSLESS[0])


def _weights(asked: Mapping[str, Any]) -> list[float]:
    return [10.0, *(1.0 for _ in _converted(asked["formats"])), *(1.0 for _ in asked["exports"])]


def _converted(formats: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(formats) if name != _lossless(formats)]


def _check_room(work: Path, seconds: float, sample_rate: int, asked: Mapping[str, Any]) -> None:
    """OutputError when the disk has too little room for all of it, before anything is made."""
    exports = [name for name in asked["exports"] if DAWS[name].audio]
    copies = 1 + len(_converted(asked["formats"])) + 2 * len(exports)
    needed = audio_bytes(seconds, sample_rate, (12 if asked["stems"] else 1) * copies) + SPARE_BYTES
    free = shutil.disk_usage(work.parent).free
    if free < needed:
        raise OutputError(f"{needed / 1e6:.0f} MB may be needed and {free / 1e6:.0f} MB are free")


def _add(asked: Mapping[str, Any], work: Path, steps: Steps) -> None:
    """What is made of a rendered session: its audio in other formats, and exports."""
    first = _lossless(asked["formats"])
    for format in _converted(asked["formats"]):
        done = steps.next(f"writing {format}")
        sources = sorted(work.rglob(f"*.{first}"))
        for count, path in enumerate(sources, 1):
            _convert(path, path.with_suffix(f".{format}"))
            done(count, len(sources))
    exports = work / "exports"
    for name in asked["exports"]:
        exports.mkdir(mode=0o700, exist_ok=True)
        _export(work, name, exports, steps.next(f"exporting for {name}"))
    if first not in asked["formats"]:
        for path in work.rglob(f"*.{first}"):
            path.unlink()


def _export(work: Path, format: str, exports: Path, progress: Callable[[float, float], None]) -> None:
    """One export as one file: what is a folder becomes a zip of it."""
    how = DAWS[format]
    title = read_project(work, audio=how.audio).name
    out = exports / (f"{title}{how.suffix}" if how.suffix else f"{title}-{format}")
    export_session(work, format, out, progress=progress)
    if not how.suffix:
        shutil.make_archive(str(out), "zip", exports, out.name)
        shutil.rmtree(out)


def _convert(source: Path, target: Path) -> None:
    """The audio of `source` in the format that the name of `target` tells. OutputError when it cannot be written."""
    with soundfile.SoundFile(source) as read:
        format, subtype = _coding(target.suffix, read.samplerate, read.frames * read.channels)
        try:
            with soundfile.SoundFile(target, "w", read.samplerate, read.channels, subtype, format=format) as written:
                for block in read.blocks(AT_ONCE, dtype="float32", always_2d=True):
                    for start in range(0, len(block), 4096):  # libsndfile's Vorbis takes its input on the stack
                        written.write(block[start : start + 4096])
        except (OSError, soundfile.SoundFileError) as error:
            raise OutputError(f"{target.name} could not be written: {error}") from None


def _coding(suffix: str, sample_rate: int, samples: int) -> tuple[str, str]:
    if suffix == ".ogg":
        return "OGG", "OPUS" if sample_rate in OPUS_HZ else "VORBIS"
    large = suffix == ".wav" and samples * 3 > 4_000_000_000
    return "RF64" if large else suffix[1:].upper(), "PCM_24"


def _copy_whole_lines(source: Path, target: Path) -> int:
    """Copy a record that may still be written, up to its last whole line; when it was changed last, in ns."""
    with source.open("rb") as file:
        changed_ns = os.fstat(file.fileno()).st_mtime_ns
        text = file.read()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as copy:
        copy.write(text[: text.rfind(b"\n") + 1])
    return changed_ns


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
