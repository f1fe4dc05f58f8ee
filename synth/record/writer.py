"""Writes the record of a session: every request taken, what was sensed, believed and planned, and why."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from synth.record.lines import SCHEMA, encode


class RecordWriter:
    """A record at `path`, readable by its owner only, valid up to its last line at any moment.

    The file is made, in place of one that is there, with the first line: a session that is refused leaves none.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file: TextIO | None = None

    def write(self, line: Mapping[str, Any]) -> None:
        """Append `line`, which has a "type" and that type's fields (`synth.record.lines.REQUIRED`).

        Raises OSError when the file cannot be written.
        """
        if self._file is None:
            self._file = self._open()
        if line["type"] == "session":
            line = {"type": "session", "schema": SCHEMA, **line}
        self._file.write(encode(line) + "\n")

    def _open(self) -> TextIO:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.chmod(self.path, 0o600)  # a file that was there keeps its old mode otherwise
        return os.fdopen(descriptor, "w", encoding="utf-8", newline="\n", buffering=1)

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
