"""Where an export is written: checked before, and each file put in its place only when it is whole."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from synth.output.folder import OutputError, prepare_file, prepare_folder

_BESIDE = 20_000_000  # bytes, of all that is not audio


def prepare(out: Path, audio_bytes: int, *, is_folder: bool, overwrite: bool) -> None:
    """Check that `out`, a folder or a file, can be written and has room. Raises OutputError with what to do."""
    if is_folder:
        prepare_folder(out, 0, overwrite=True)
        if (out / "session.jsonl").exists():
            raise OutputError(f"{out} holds a session: give the export a folder of its own with --out")
        if not overwrite and any(out.iterdir()):
            raise OutputError(f"{out} holds files already: give another folder with --out, or --overwrite")
    else:
        prepare_file(out, overwrite=overwrite)
    needed, free = audio_bytes + _BESIDE, shutil.disk_usage(out if is_folder else out.parent).free
    if free < needed:
        raise OutputError(
            f"{out}: {needed / 1e6:.0f} MB are needed and {free / 1e6:.0f} MB are free: "
            "free some space, or choose another place with --out"
        )


@contextlib.contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A file that stands at `path` when the block is done; if it fails nothing is left. OutputError: a full disk."""
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            yield file
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{path} could not be written ({error.strerror or error}): is the disk full?") from None
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8."""
    with writing(path) as file:
        file.write(text.encode())
