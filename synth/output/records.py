"""Records of what is played live: a folder each, one after another where the preset changes on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from synth.record.keeping import Keeping
from synth.record.lines import FILE_NAME
from synth.record.writer import RecordWriter

MOST = 1000


class Records:
    """Writes lines into `out`, from each further line of type "session" on into `out`-2, `out`-3...

    A folder that holds a session is passed over, the first replaced with `overwrite`. `folders` are those written;
    `hear`, which may be set, is called with each line too.
    """

    def __init__(self, out: Path, keeping: Keeping, *, overwrite: bool = False) -> None:
        self.folders: list[Path] = []
        self._out, self._keeping, self._overwrite = out, keeping, overwrite
        self._writer: RecordWriter | None = None
        self.hear: Callable[[dict[str, Any]], None] = lambda line: None

    def write(self, line: dict[str, Any]) -> None:
        """Append a line."""
        if line["type"] == "session":
            self._next()
        assert self._writer is not None
        self._writer.write(line)
        self.hear(line)

    def _next(self) -> None:
        self.close()
        overwrite = self._overwrite and not self.folders
        folder = self._out if overwrite else _free(self._out)
        folder.mkdir(parents=True, exist_ok=True)
        self.folders.append(folder)
        self._writer = self._keeping.writer(folder / FILE_NAME, overwrite)

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


def _free(out: Path) -> Path:
    """`out`, or the first of those after it that holds no session."""
    names = (out if n == 1 else out.with_name(f"{out.name}-{n}") for n in range(1, MOST))
    for folder in names:
        if not (folder / FILE_NAME).exists():
            return folder
    raise FileExistsError(f"{out} and {MOST - 2} after it hold sessions already")
