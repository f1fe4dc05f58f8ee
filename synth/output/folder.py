"""The folder a session is written into: checked before the first sound is made."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_OURS = ("session.jsonl", "mix.flac", "mix.wav", "score.mid", "score.json")


class OutputError(OSError):
    """Files that cannot be written; the message says which, why and what to do."""


def prepare_folder(folder: Path, needed_bytes: int, *, overwrite: bool) -> None:
    """Make `folder` and check that it is ours to write and large enough.

    Raises OutputError when it is a file, not writable, holds a session already (unless `overwrite`), or its disk has
    less than `needed_bytes` free.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise OutputError(f"{folder} is a file: give a folder with --out") from None
    except OSError as error:
        raise OutputError(f"{folder} cannot be made ({error.strerror}): give another folder with --out") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{folder} is not writable: give another folder with --out")
    if not overwrite and any((folder / name).exists() for name in _OURS):
        raise OutputError(f"{folder} holds a session already: give another folder, or --overwrite")
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise OutputError(
            f"{folder}: {needed_bytes / 1e6:.0f} MB may be needed and {free / 1e6:.0f} MB are free: "
            "free some space, choose another folder, or leave the stems out with --no-stems"
        )


def prepare_file(path: Path, *, overwrite: bool) -> None:
    """Check that the file `path` can be written. Raises OutputError when it is there (unless `overwrite`) or cannot."""
    if not path.parent.is_dir():
        raise OutputError(f"{path.parent} is not a folder: make it, or give another path with --out")
    if path.is_dir():
        raise OutputError(f"{path} is a folder: give another path with --out")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} is there already: give another path, or --overwrite")


def audio_bytes(seconds: float, sample_rate: int, files: int) -> int:
    """Space that `files` stereo 24-bit files of `seconds` may take at most, with the small files beside them."""
    return int(seconds * sample_rate * 6 * files) + 20_000_000
