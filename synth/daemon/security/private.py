"""Files that only the service may read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

FILE_MODE, FOLDER_MODE = 0o600, 0o700


def make_folder(folder: Path) -> None:
    """`folder`, and those above that are missing. One that was there keeps its mode."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def read_private(path: Path) -> str:
    """What the file says; OSError, PermissionError when others than its owner may read or write it."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(handle, encoding="ascii", errors="replace") as file:
        mode = os.fstat(handle).st_mode
        if mode & 0o077:
            raise PermissionError(f"{path.name} can be read by others than its owner: chmod 600 it")
        return file.read()


def write_private(path: Path, text: str) -> None:
    """Put `text` in the place of the file at once, so that a crash leaves the old one or the new one. OSError."""
    make_folder(path.parent)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    _keep_name(path.parent)


def append_private(path: Path, text: str) -> None:
    """Add `text` to the file, on the disk when this is done. OSError."""
    make_folder(path.parent)
    is_new = not path.exists()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0), FILE_MODE)
    with os.fdopen(handle, "a", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)
    if is_new:
        _keep_name(path.parent)


def _keep_name(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
