"""Fetches a render's files: in parts that go on where they broke off, checked, and put in place whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import httpx

from synth.api.renders import RenderFile
from synth.client.errors import ClientError, api_error

PART = ".part"


class DownloadError(ClientError):
    """A file that did not come as it was said to be."""


class Download:
    """One file on its way to `folder`; what an earlier try left there is gone on with."""

    def __init__(self, file: RenderFile, folder: Path) -> None:
        self.file = file
        self.target = _inside(folder, file.name)
        self._partial = self.target.with_name(self.target.name + PART)
        self.target.parent.mkdir(parents=True, exist_ok=True)

    @property
    def is_there(self) -> bool:
        """Whether it is there already, whole."""
        return self.target.is_file() and self._is_right(self.target)

    @property
    def headers(self) -> dict[str, str]:
        """What to ask for: the rest of it, if it is the same file still."""
        have = self._have
        return {"Range": f"bytes={have}-", "If-Range": f'"{self.file.sha256}"'} if have else {}

    @property
    def _have(self) -> int:
        have = self._partial.stat().st_size if self._partial.is_file() else 0
        return have if have < self.file.size_bytes else 0

    def opened(self, response: httpx.Response) -> int:
        """Where in the file the answer begins. ApiError where it is refused; the body of such an answer must have been
        read."""
        if not response.is_success:
            raise api_error(response)
        return self._have if response.status_code == 206 else 0

    def write(self, start: int, part: bytes) -> int:
        """Put `part` at `start`; where the next goes."""
        with self._partial.open("r+b" if self._partial.exists() else "wb") as file:
            file.seek(start)
            file.write(part)
            file.truncate()
        return start + len(part)

    def finish(self) -> Path:
        """Put the file in its place; DownloadError when it is not what it was said to be."""
        if not self.file.size_bytes:
            self._partial.write_bytes(b"")
        if not self._partial.is_file() or not self._is_right(self._partial):
            self._partial.unlink(missing_ok=True)
            raise DownloadError(f"{self.file.name} did not come as it was said to be: fetch it again")
        os.replace(self._partial, self.target)
        return self.target

    def _is_right(self, path: Path) -> bool:
        if path.stat().st_size != self.file.size_bytes:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.file.sha256


def chosen(files: Iterable[RenderFile], names: Iterable[str] | None) -> list[RenderFile]:
    """The files called `names`, all without; DownloadError when one is not there."""
    there = {file.name: file for file in files}
    if names is None:
        return list(there.values())
    wanted = list(names)
    if missing := [name for name in wanted if name not in there]:
        raise DownloadError(f"the render has no {missing[0]}: it has {', '.join(there) or 'nothing'}")
    return [there[name] for name in wanted]


def _inside(folder: Path, name: str) -> Path:
    """`name` inside `folder`; DownloadError for a name that would lead out of it, whoever said it."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or any(part in ("..", "") or "\\" in part or ":" in part for part in parts):
        raise DownloadError(f"{name!r} is no name of a file here")
    return folder.joinpath(*parts)
