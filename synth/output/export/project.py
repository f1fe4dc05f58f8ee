"""What is handed to a DAW, read once from a session's folder: every format is a translation of this."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import ArrayLike, NDArray

from synth.controls import KEYS, STEMS
from synth.output.export.lanes import Lane, read_lanes
from synth.output.export.parts import Part, read_parts
from synth.output.folder import OutputError
from synth.record.reader import Record, read_record
from synth.score.clock import Clock
from synth.score.midi import read_midi
from synth.score.model import TICKS_PER_BEAT, Score

MARKED = ("phase", "phrase", "scene", "key", "marker")  # kinds of marker, in the order they stand at one place
_REFERENCES = ("premaster", "mix")
_PCM_24 = ("PCM_S8", "PCM_U8", "PCM_16", "PCM_24")


@dataclass(frozen=True, slots=True)
class Take:
    """One audio file of the session, all of it, from the session's first frame on. `float`: 32-bit, else 24-bit."""

    name: str
    path: Path
    frames: int
    channels: int
    sample_rate: int
    float: bool

    @property
    def bytes(self) -> int:
        """Of its samples."""
        return self.frames * self.channels * (4 if self.float else 3)


@dataclass(frozen=True, slots=True)
class Mark:
    """A marker; `text` is as people read it."""

    tick: int
    time_s: float
    kind: str
    text: str


@dataclass(frozen=True)
class Project:
    """A session for a DAW.

    `stems` sum to `total`: the premaster, or the mix where they are `mastered`. The other references are the mix and
    the premaster. All audio begins at 0. `parts` are the notes, `lanes` the controls as heard; both are told, not
    needed: what they ask is in the audio already. `started` is ISO 8601 or "". `remarks` says what is not as usual.
    """

    source: Path  # its score.mid
    name: str
    title: str
    seed: int
    engine: str
    started: str
    sample_rate: int
    score: Score
    stems: tuple[Take, ...]
    references: tuple[Take, ...]
    parts: tuple[Part, ...]
    lanes: tuple[Lane, ...]
    markers: tuple[Mark, ...]
    remarks: tuple[str, ...] = ()

    @property
    def mastered(self) -> bool:
        """Whether the stems went through the master, so that they sum to the mix."""
        return bool(self.stems) and not any(take.name == "premaster" for take in self.references)

    @property
    def total(self) -> str:
        """The reference that the stems sum to."""
        return "mix" if self.mastered else "premaster"

    @property
    def takes(self) -> tuple[Take, ...]:
        """All audio."""
        return self.stems + self.references

    @cached_property
    def clock(self) -> Clock:
        """Seconds of a tick."""
        return Clock(self.score)

    @property
    def seconds(self) -> float:
        """From 0 to where audio and notes have ended."""
        audio = max((take.frames for take in self.takes), default=0) / self.sample_rate
        return max(audio, self.clock.seconds(self.score.end_tick))

    @property
    def end_tick(self) -> int:
        """The first tick at which audio and notes have ended."""
        return max(self.score.end_tick, int(np.ceil(self.beats(self.seconds) * TICKS_PER_BEAT - 1e-6)))

    def beats(self, time_s: float) -> float:
        """Quarter notes from the start to `time_s`."""
        return float(beats_at(self.score, time_s))

    def spans(self, kind: str) -> list[tuple[Mark, float]]:
        """The markers of `kind`, each with the second at which the next one takes over."""
        marks = [mark for mark in self.markers if mark.kind == kind]
        ends = [mark.time_s for mark in marks[1:]] + [self.seconds]
        return [(mark, end) for mark, end in zip(marks, ends, strict=True) if end > mark.time_s]


def read_project(folder: Path, *, audio: bool = True) -> Project:
    """What the session in `folder` has for a DAW; `audio=False` does without stems.

    Raises RecordError where `folder` holds no session, OutputError where it has no stems or no score, with what to do.
    """
    record = read_record(folder)
    again = f"`synth replay {folder} --out NEW` makes it again, stems and all; then export NEW"
    stems = _takes(folder / "stems", STEMS)
    references = _takes(folder / "stems", ("premaster",)) + _takes(folder, ("mix",))
    if audio and not stems:
        why = "only its mix was rendered" if references else "no audio, as after `synth play`"
        raise OutputError(f"{folder} has no stems ({why}): {again}")
    if not (folder / "score.mid").is_file():
        raise OutputError(f"{folder} has no score.mid (the session broke off, or only plays yet): {again}")
    try:
        score = read_midi(folder / "score.mid")
    except ValueError as error:
        raise OutputError(f"{error}: {again}") from None
    preset, seed = record.header["preset"], int(record.header["seed"])
    sample_rate = _sample_rate(record, stems + references)
    parts, lanes = read_parts(folder / "score.mid"), read_lanes(folder / "controls.csv")
    sounding = {take.name for take in stems}
    lanes = [lane for lane in lanes if not lane.stem or lane.stem in sounding or not stems]
    return Project(
        source=folder / "score.mid",
        name=re.sub(r"[^\w-]+", "-", f"{preset['name']}-{seed}").strip("-"),
        title=_printable(preset.get("title") or preset["name"]),
        seed=seed,
        engine=f"isotone {record.header['engine_version']}",
        started=str(record.header.get("started", "")),
        sample_rate=sample_rate,
        score=score,
        stems=stems,
        references=references,
        parts=tuple(parts),
        lanes=tuple(_on_beats(score, lane) for lane in lanes),
        markers=_markers(score, record),
        remarks=tuple(_remarks(record, sounding, parts, lanes)),
    )


def beats_at(score: Score, time_s: ArrayLike) -> NDArray[np.float64]:
    """Quarter notes from the start to each of `time_s` seconds, by the tempo map of `score`."""
    clock = Clock(score)
    starts = np.array([tempo.tick for tempo in score.tempos], dtype=np.float64)
    starts_s = np.array([clock.seconds(tempo.tick) for tempo in score.tempos])
    beat_s = np.array([tempo.us_per_beat for tempo in score.tempos]) / 1e6
    times = np.asarray(time_s, dtype=np.float64)
    at = np.maximum(np.searchsorted(starts_s, times, side="right") - 1, 0)
    beats: NDArray[np.float64] = starts[at] / TICKS_PER_BEAT + (times - starts_s[at]) / beat_s[at]
    return beats


def _takes(folder: Path, names: tuple[str, ...]) -> tuple[Take, ...]:
    """The audio files of these names; where one is there as FLAC and as WAV, the newer."""
    takes = []
    for name in names:
        files = [path for path in (folder / f"{name}.wav", folder / f"{name}.flac") if path.is_file()]
        if files:
            takes.append(_take(name, max(files, key=lambda path: path.stat().st_mtime)))
    return tuple(takes)


def _take(name: str, path: Path) -> Take:
    try:
        info = soundfile.info(str(path))
    except (OSError, soundfile.SoundFileError) as error:
        raise OutputError(f"{path} cannot be read ({error}): render or replay the session again") from None
    if info.frames == 0:
        raise OutputError(f"{path} is empty (the session plays still, or broke off): render or replay it again")
    if info.channels not in (1, 2) or info.subtype not in (*_PCM_24, "FLOAT"):
        raise OutputError(
            f"{path} has {info.channels} channels of {info.subtype_info}: "
            "what can be exported has one or two, of up to 24 bits or 32-bit float, as `synth render` writes them"
        )
    return Take(name, path, info.frames, info.channels, info.samplerate, info.subtype == "FLOAT")


def _sample_rate(record: Record, takes: tuple[Take, ...]) -> int:
    rate = int(record.header["sample_rate"])
    for take in takes:
        if take.sample_rate != rate:
            raise OutputError(
                f"{take.path} has {take.sample_rate} Hz and its session {rate} Hz: "
                f"it was converted; export the files as rendered, and let the DAW convert them"
            )
    return rate


def _markers(score: Score, record: Record) -> tuple[Mark, ...]:
    clock = Clock(score)
    marks = [(m.tick, m.kind, m.text) for m in score.markers if m.kind in MARKED]
    marks += [(k.tick, "key", f"{KEYS[k.key]} {score.scales[k.mode]}") for k in score.keys]
    for line in record.of("marker"):  # what someone marked while it played
        marks.append((round(float(beats_at(score, line["t_s"])) * TICKS_PER_BEAT), "marker", _printable(line["text"])))
    marks.sort(key=lambda mark: (mark[0], MARKED.index(mark[1])))
    return tuple(
        Mark(tick, clock.seconds(tick), kind, text if kind in ("phrase", "marker") else f"{kind}: {text}")
        for tick, kind, text in marks
    )


def _printable(text: object) -> str:
    """What a person typed, on one line, without what no XML may hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def _on_beats(score: Score, lane: Lane) -> Lane:
    ticks = np.round(beats_at(score, lane.times_s) * TICKS_PER_BEAT).astype(int)
    return Lane(lane.control, lane.times_s, lane.values, tuple(int(tick) for tick in ticks))


def _remarks(record: Record, sounding: set[str], parts: list[Part], lanes: list[Lane]) -> list[str]:
    remarks = [f"the record is not as it was written: {text}" for text in record.breaks]
    if not record.closed or (record.end or {}).get("reason") == "interrupted":
        remarks.append("the session broke off: what there is up to there is exported")
    for part in parts:
        if sounding and part.stem not in sounding:
            remarks.append(f"{part.stem} has notes and no audio: it was silent, or its file is gone")
    if not lanes:
        remarks.append("there is no controls.csv, so no lanes of controls")
    return list(dict.fromkeys(remarks))
