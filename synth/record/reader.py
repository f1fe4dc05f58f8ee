"""Reads the record of a session back, to report on it or to play it again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth.record.chain import Check, opened
from synth.record.lines import FILE_NAME, REQUIRED, SCHEMA, Line, RecordError, decode

__all__ = ["Record", "RecordError", "Series", "read_header", "read_last", "read_record"]

UNCHAINED = 1  # the schema before lines were numbered and chained
LONGEST_HEADER = 16_000_000  # bytes


class Series(NamedTuple):
    """All samples of one channel in the order they came, (n,) float64 each."""

    t_s: NDArray[np.float64]
    value: NDArray[np.float64]
    quality: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Record:
    """A record as read: its `header`, then every other line in order.

    `cut` says that the last line was torn off. `integrity` is what its lines are chained by ("" in old records),
    `checked` whether the chain could be followed (not without the key it was made with), and `breaks` tells where it
    does not hold: lines changed, missing, put in or moved. A line that cannot be read at all is left out of `lines`.
    """

    header: Line
    lines: tuple[Line, ...]
    cut: bool = False
    breaks: tuple[str, ...] = ()
    integrity: str = ""
    checked: bool = False
    path: Path = Path()
    last_chain: bytes = b""

    def of(self, *types: str) -> list[Line]:
        """The lines of these types, in order."""
        return [line for line in self.lines if line["type"] in types]

    @property
    def end(self) -> Line | None:
        """The last line of a session that was closed; None when it broke off."""
        return next((line for line in reversed(self.lines) if line["type"] == "end"), None)

    @property
    def closed(self) -> bool:
        """Whether the session was closed; if not, it broke off, plays still, or lost its last lines."""
        return self.end is not None

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


def read_record(path: str | Path, key: bytes | None = None) -> Record:
    """The record at `path`, a file or the folder of a session. A last line torn off by a crash is left out.

    Its chain is followed, with `key` if it was written with one; where it breaks is told in `breaks`. RecordError when
    there is no record, its first line is none, or a line of a record without a chain is not what a record holds.
    """
    path = Path(path)
    file = path / FILE_NAME if path.is_dir() else path
    raws = _read(file, None).split(b"\n")
    cut = raws.pop() != b""
    if not raws:
        raise RecordError(f"{file} is empty: the session ended before its first line was written")
    header = _header(file, raws[0])
    if header.get("schema", UNCHAINED) == UNCHAINED and opened(raws[0]) is None:
        lines = [_told_where(file, number, raw) for number, raw in enumerate(raws[1:], 2)]
        breaks = () if key is None else ("the record has no chain that a key could prove",)
        return Record(header, tuple(lines), cut, breaks, path=file)
    check = Check(header.get("integrity"), key)
    check.follow(1, raws[0], header.get("n"))
    lines = []
    for number, raw in enumerate(raws[1:], 2):
        try:
            line = _line(raw)
        except ValueError as problem:
            check.follow(number, raw, None, str(problem))
        else:
            check.follow(number, raw, line.get("n"))
            lines.append(_bare(line))
    integrity = str(header.get("integrity", ""))
    return Record(_bare(header), tuple(lines), cut, check.breaks, integrity, check.done, file, check.last)


def read_header(path: str | Path) -> Line:
    """The first line of a record, a file or the folder of a session, without reading on; RecordError as read_record."""
    path = Path(path)
    file = path / FILE_NAME if path.is_dir() else path
    first, newline, _ = _read(file, LONGEST_HEADER).partition(b"\n")
    if not newline:
        raise RecordError(f"{file} has no whole first line: the session ended before it was written")
    return _bare(_header(file, first))


def read_last(path: str | Path) -> Line:
    """The last whole line of a record, a file or the folder of a session, without reading what is before it;
    RecordError as read_record."""
    path = Path(path)
    file = path / FILE_NAME if path.is_dir() else path
    try:
        with file.open("rb") as opened_file:
            length, tail = opened_file.seek(0, os.SEEK_END), b""
            while tail.count(b"\n") < 2 and len(tail) < length:
                opened_file.seek(-min(length, max(4096, 4 * len(tail))), os.SEEK_END)
                tail = opened_file.read()
    except OSError as error:
        raise RecordError(f"cannot read {file}: {error.strerror or error}") from None
    whole = tail.rpartition(b"\n")[0]
    try:
        return _bare(_line(whole.rpartition(b"\n")[2]))
    except ValueError as problem:
        raise RecordError(f"{file}, its last whole line: {problem}") from None


def _read(file: Path, most: int | None) -> bytes:
    try:
        with file.open("rb") as opened_file:
            return opened_file.read() if most is None else opened_file.readline(most)
    except FileNotFoundError:
        raise RecordError(f"no session record at {file}: give a folder that `synth render` wrote") from None
    except OSError as error:
        raise RecordError(f"cannot read {file}: {error.strerror or error}") from None


def _header(file: Path, raw: bytes) -> Line:
    header = _told_where(file, 1, raw)
    if header["type"] != "session":
        raise RecordError(f'{file}, line 1: the first line of a record is of type "session", not "{header["type"]}"')
    schema = header.get("schema", UNCHAINED)
    if schema not in range(UNCHAINED, SCHEMA + 1):
        raise RecordError(f"{file} has schema {schema} and this version reads {SCHEMA}: use the newer isotone")
    return header


def _bare(line: Line) -> Line:
    """A line without what the record itself adds."""
    return {name: value for name, value in line.items() if name not in ("n", "chain")}


def _told_where(file: Path, number: int, raw: bytes) -> Line:
    try:
        return _line(raw)
    except ValueError as problem:
        raise RecordError(f"{file}, line {number}: {problem}") from None


def _line(raw: bytes) -> Line:
    """A line as it was written; ValueError says what is wrong with it."""
    try:
        line = decode(raw.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise ValueError("not a line of JSON; is this a session record?") from None
    kind = line.get("type")
    if not isinstance(kind, str) or kind not in REQUIRED:
        raise ValueError(f"no line type {kind!r}; the types are {', '.join(REQUIRED)}")
    missing = [field for field in REQUIRED[kind] if field not in line]
    if missing:
        raise ValueError(f"this {kind!r} line lacks {', '.join(missing)}")
    return line
