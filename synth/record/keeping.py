"""How a session's record is kept: with which key, for how long, and what of it may be in people's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synth.record.writer import RecordWriter


@dataclass(frozen=True, slots=True)
class Keeping:
    """`key`: tampering shows (without one, accidental change); `free_text`: texts that people wrote are kept;
    `started`: when, ISO 8601 with its offset from UTC; `retention_days`: how long until `synth record prune` removes
    it; `setting`: `synth.record.setting.Setting.as_dict()`."""

    key: bytes | None = None
    free_text: bool = False
    started: str | None = None
    retention_days: float | None = None
    setting: Mapping[str, Any] | None = None

    def writer(self, path: Path, overwrite: bool) -> RecordWriter:
        """A writer of a record at `path`."""
        header = {"started": self.started, "retention_days": self.retention_days, "setting": self.setting}
        return RecordWriter(path, key=self.key, free_text=self.free_text, overwrite=overwrite, header=header)
