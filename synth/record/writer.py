"""Writes the record of a session: every request taken, what was sensed, believed and planned, and why."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from synth.record.chain import Chain, opened
from synth.record.free_text import without_free_text
from synth.record.lines import SCHEMA, RecordError, encode, number
from synth.record.reader import read_header, read_record


class RecordWriter:
    """A record at `path`, readable by its owner only, appended to line by line, valid up to its last line at any time.

    The file is made with the first line, so that a session that is refused leaves none; one that is there is replaced
    only with `overwrite` (FileExistsError otherwise). Lines are chained (`synth.record.chain`), with `key` so that
    tampering shows; the key is not in the record. What people wrote in their own words is left out unless `free_text`.
    `header` goes into the first line beside the session's own: `started` (ISO 8601, with an offset from UTC),
    `retention_days` (after which `synth record prune` removes the session), `setting` (`Setting.as_dict()`).
    """

    def __init__(
        self,
        path: str | Path,
        *,
        key: bytes | None = None,
        free_text: bool = False,
        overwrite: bool = False,
        header: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = Path(path)
        self._chain = Chain(key)
        self._free_text, self._overwrite = free_text, overwrite
        self._header = {name: value for name, value in (header or {}).items() if value is not None}
        _check(self._header)
        self._count = 0
        self._file: BinaryIO | None = None
        self._pending = bytearray()

    @classmethod
    def resume(cls, path: str | Path, *, key: bytes | None = None) -> Self:
        """A writer that goes on behind the last line of a record, for what is known only after the session.

        RecordError when the record is damaged or torn, or was written with another key or none.
        """
        record = read_record(path, key)
        problem = "its last line is torn" if record.cut else next(iter(record.breaks), "")
        if not problem and not record.checked:
            problem = "it was written with a key: give that" if record.integrity else "it is of an older version"
        if problem:
            raise RecordError(f"{record.path}: nothing can be added to this record: {problem}")
        writer = cls(record.path, key=key, free_text=bool(record.header.get("free_text", False)))
        writer._chain.last, writer._count = record.last_chain, len(record.lines) + 1
        writer._file = os.fdopen(os.open(record.path, os.O_WRONLY | os.O_APPEND), "ab", buffering=0)
        return writer

    @classmethod
    def go_on(cls, path: Path, *, key: bytes | None = None) -> Self:
        """A writer that goes on where this program was interrupted: a torn last line is cut off, the others are taken
        as they are. RecordError when not even the first line is whole."""
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        header = read_header(path)
        writer = cls(path, key=key, free_text=bool(header.get("free_text", False)))
        lines = data[:whole].splitlines()
        parts = opened(lines[-1])
        if parts is None:
            raise RecordError(f"{path}: its last line has no chain, so nothing can be added")
        writer._chain.last, writer._count = parts[1], len(lines)
        os.truncate(path, whole)
        writer._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND), "ab", buffering=0)
        return writer

    def write(self, line: Mapping[str, Any]) -> None:
        """Append `line`, which has a "type" and that type's fields (`synth.record.lines.REQUIRED`).

        Raises OSError when the file cannot be written: the line waits then for the next, or for `push`. ValueError for
        the fields `n` and `chain`, the record's own.
        """
        if "n" in line or "chain" in line:
            raise ValueError("a line has no fields n and chain of its own: the record numbers and chains its lines")
        if line["type"] == "session":
            own = {"integrity": self._chain.name, "free_text": self._free_text}
            line = {"type": "session", "schema": SCHEMA, **line, **self._header, **own}
        elif not self._free_text:
            line = without_free_text(line)
        body = encode({**line, "n": self._count}).encode("utf-8", "replace")
        if self._file is None:
            self._file = self._open()
        self._pending += self._chain.seal(body) + b"\n"
        self._count += 1
        self.push()

    @property
    def pending(self) -> int:
        """Bytes of lines that could not be written yet."""
        return len(self._pending)

    def push(self) -> None:
        """Write what could not be written before; OSError when it still cannot. No line is lost by trying again."""
        while self._pending and self._file is not None:
            written = self._file.write(self._pending)
            del self._pending[:written]

    def _open(self) -> BinaryIO:
        if self._overwrite:
            self.path.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        return os.fdopen(os.open(self.path, flags, 0o600), "ab", buffering=0)

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _check(header: Mapping[str, Any]) -> None:
    """Refuse a `started` or `retention_days` that nobody could go by later."""
    if "started" in header:
        try:
            datetime.fromisoformat(header["started"])
        except (TypeError, ValueError):
            example = "2026-11-22T09:30:00+01:00"
            raise RecordError(f"started = {header['started']!r}: give a time such as {example}") from None
    if "retention_days" in header and not (number(header["retention_days"]) or 0.0) > 0.0:
        raise RecordError(
            f"retention_days = {header['retention_days']!r}: give a number of days above 0, or none to keep the session"
        )
