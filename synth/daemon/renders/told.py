"""What a worker tells the daemon: a line of JSON each, on its standard output."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from synth.daemon.renders.jobs import Cause, ResultFile

LONGEST_LINE = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Step:
    """How far it is: `progress` 0 to 1, `seconds` of music of `total_s`, in `words`."""

    progress: float
    seconds: float
    total_s: float
    words: str


@dataclass(frozen=True, slots=True)
class Done:
    """All `files` are written."""

    files: tuple[ResultFile, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """It cannot be done: of which kind, and why in words for people. `place` is where in the code, for the log."""

    cause: Cause
    text: str
    place: str = ""


Told = Step | Done | Failed
_KINDS = {"step": Step, "done": Done, "failed": Failed}


def line_of(told: Told) -> bytes:
    """One line."""
    return json.dumps({"told": type(told).__name__.lower(), **asdict(told)}).encode() + b"\n"


def told_of(line: bytes) -> Told:
    """What a line says. ValueError, TypeError or KeyError for what is none of these."""
    said: dict[str, Any] = json.loads(line)
    kind = _KINDS[said.pop("told")]
    if kind is Done:
        return Done(tuple(ResultFile(**file) for file in said["files"]))
    told: Told = kind(**said)
    return told
