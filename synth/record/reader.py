"""Reads the record of a session back, to report on it or to play it again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth.record.lines import FILE_NAME, REQUIRED, SCHEMA, Line, decode


class RecordError(ValueError):
    """A record that cannot be read; the message says where and what to do."""


class Series(NamedTuple):
    """All samples of one channel in the order they came, (n,) float64 each."""

    t_s: NDArray[np.float64]
    value: NDArray[np.float64]
    quality: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Record:
    """A record as read: its `header`, then every other line in order. `cut` says that the last line was torn off."""

    header: Line
    lines: tuple[Line, ...]
    cut: bool = False

    def of(self, *types: str) -> list[Line]:
        """The lines of these types, in order."""
        return [line for line in self.lines if line["type"] in types]

    @property
    def end(self) -> Line | None:
        """The last line of a session that was closed; None when it broke off."""
        return next((line for line in reversed(self.lines) if line["type"] == "end"), None)

    @property
    def sensed(self) -> bool:
        """Whether any sensor said anything."""
        return any(line["type"] == "samples" for line in self.lines)

    @property
    def length_s(self) -> float:
        """Seconds of session time that the record covers."""
        end = self.end
        if end is not None:
            return float(end["frames"]) / float(self.header["sample_rate"])
        times = [float(t) for line in self.lines if isinstance(t := line.get("t_s"), int | float)]
        return max(times, default=0.0)

    def samples(self) -> dict[str, Series]:
        """Everything the sensors said, by channel."""
        batches: dict[str, list[Line]] = {}
        for line in self.of("samples"):
            batches.setdefault(line["channel"], []).append(line)
        return {
            channel: Series(
                *(
                    np.array([x for line in lines for x in line[field]], dtype=np.float64)
                    for field in ("t_s", "value", "quality")
                )
            )
            for channel, lines in batches.items()
        }


def read_record(path: str | Path) -> Record:
    """The record at `path`, a file or the folder of a session. A last line torn off by a crash is left out.

    Raises RecordError when there is none, or when a line is not what a record holds.
    """
    path = Path(path)
    file = path / FILE_NAME if path.is_dir() else path
    try:
        texts = file.read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        raise RecordError(f"no session record at {file}: give a folder that `synth render` wrote") from None
    except OSError as error:
        raise RecordError(f"cannot read {file}: {error.strerror or error}") from None
    cut = texts.pop() != ""
    if not texts:
        raise RecordError(f"{file} is empty: the session ended before its first line was written")
    lines = [_line(file, number, text) for number, text in enumerate(texts, 1)]
    header = lines[0]
    if header["type"] != "session":
        raise RecordError(f'{file}, line 1: the first line of a record is of type "session", not "{header["type"]}"')
    if header.get("schema", SCHEMA) != SCHEMA:
        raise RecordError(
            f"{file} has schema {header['schema']} and this version reads {SCHEMA}: use the newer isotone"
        )
    return Record(header, tuple(lines[1:]), cut)


def _line(file: Path, number: int, text: str) -> Line:
    try:
        line = decode(text)
    except (ValueError, RecursionError):
        raise RecordError(f"{file}, line {number}: not a line of JSON; is this a session record?") from None
    kind = line.get("type")
    if not isinstance(kind, str) or kind not in REQUIRED:
        raise RecordError(f"{file}, line {number}: no line type {kind!r}; the types are {', '.join(REQUIRED)}")
    missing = [field for field in REQUIRED[kind] if field not in line]
    if missing:
        raise RecordError(f"{file}, line {number}: this {kind!r} line lacks {', '.join(missing)}")
    return line
