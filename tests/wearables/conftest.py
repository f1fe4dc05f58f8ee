"""A small recording on disk, written plainly."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Write = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes texts as files of a folder, gzipped where the name says so, and returns the folder."""

    def written(files: Mapping[str, str]) -> Path:
        folder = tmp_path / "recording"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            data = text.encode()
            (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return folder

    return written
