"""Where batch renders are kept: a folder each, readable by the service alone.

renders/<id>/asked.json     what was asked, written whole before the caller hears of it
renders/<id>/made.json      how it went
renders/<id>/work/          while it runs
renders/<id>/files/         the results, put there in one step
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from synth.daemon.renders.jobs import Asked, Job, Made, ResultFile

ASKED, MADE, WORK, FILES = "asked.json", "made.json", "work", "files"
_ID = re.compile(r"r-[0-9a-f]{24}")


class Shelf:
    """The folder `root` of all renders. Methods raise OSError when the disk is full or not writable."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._noting = threading.Lock()

    def folder(self, job_id: str) -> Path:
        """A render's folder. ValueError for what is no id of ours."""
        if not _ID.fullmatch(job_id):
            raise ValueError(f"{job_id!r} is no id of a render")
        return self.root / job_id

    def put(self, asked: Asked) -> None:
        """Keep what was asked; when this returns it is on the disk."""
        folder = self.folder(asked.id)
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
        try:
            write_json(folder / ASKED, asked.as_dict())
        except OSError:
            self.remove(asked.id)
            raise

    def note(self, job: Job) -> None:
        """Keep how far a render has come. Of two threads that do so the second writes what is true then."""
        with self._noting:
            write_json(self.folder(job.id) / MADE, job.made.as_dict())

    def all(self) -> Iterator[Job]:
        """Every render that can be read, oldest first; folders that hold none are passed over."""
        with contextlib.suppress(FileNotFoundError):
            jobs = [job for entry in os.scandir(self.root) if (job := self._read(entry)) is not None]
            yield from sorted(jobs, key=lambda job: (job.asked.created, job.id))

    def _read(self, entry: os.DirEntry[str]) -> Job | None:
        if not _ID.fullmatch(entry.name) or not entry.is_dir(follow_symlinks=False):
            return None
        try:
            asked = Asked.of(json.loads((self.root / entry.name / ASKED).read_bytes()))
        except (OSError, ValueError, TypeError, KeyError):
            return None
        if asked.id != entry.name:
            return None
        try:
            made = Made.of(json.loads((self.root / entry.name / MADE).read_bytes()))
        except (OSError, ValueError, TypeError, KeyError):
            made = Made()
        return Job(asked, made)

    def place_results(self, job_id: str) -> None:
        """Make the finished work folder the results, in one step."""
        folder = self.folder(job_id)
        shutil.rmtree(folder / FILES, ignore_errors=True)
        os.replace(folder / WORK, folder / FILES)

    def clear(self, job_id: str) -> None:
        """Remove what a render has written, and keep what is known of it."""
        for name in (WORK, FILES):
            shutil.rmtree(self.folder(job_id) / name, ignore_errors=True)

    def remove(self, job_id: str) -> None:
        """Remove a render and all its files."""
        shutil.rmtree(self.folder(job_id), ignore_errors=True)

    def path(self, job_id: str, file: ResultFile) -> Path | None:
        """Where a result lies; None when it is not there any more, or something else took its place."""
        return plain_file(self.folder(job_id) / FILES, file.name)


def plain_file(folder: Path, name: str) -> Path | None:
    """The file `name` inside `folder`, None when it is none; no symbolic link is followed on the way."""
    parts = name.split("/")
    if not all(parts) or any(part in (".", "..") or "\\" in part or "\0" in part for part in parts):
        return None
    path = folder
    for part in parts:
        path = path / part
        if path.is_symlink():
            return None
    return path if path.is_file() else None


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file in one step: at any moment the old one or the new one is there whole. Owner only."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(value, separators=(",", ":")).encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    _settle(path.parent)


def _settle(folder: Path) -> None:
    """Have the folder itself on the disk, where the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
