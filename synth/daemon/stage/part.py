"""What the API process tells its workers, and how: pickled messages, each behind its length, down a pipe."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from synth.preset import Preset

LENGTH_BYTES = 8


@dataclass(frozen=True, slots=True)
class Part:
    """A session for a worker to play.

    `asked`: keywords of `synth.Session` beside preset, sample rate, stems and record. `stems`: whose sound is kept
    beside the mix, none or all of the session's. `memory`: the file of its `SessionMemory`, `folder`: where its record
    is, and what is put away of it. `resume`: go on by those, from `frames` at least.
    """

    id: str
    preset: Preset
    asked: Mapping[str, Any]
    memory: Path
    folder: Path
    stems: tuple[str, ...] = ()
    resume: bool = False
    frames: int = 0


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """`board`: the file in which the worker shows how it is (`synth.daemon.stage.worker_board`). `put_away_every_s`:
    how often each session is put away. `errors`: the file of what it writes when something goes wrong."""

    number: int
    board: Path
    errors: Path
    sample_rate: int
    block_frames: int
    put_away_every_s: float


def packed(message: object) -> bytes:
    """A message as it goes down the pipe."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return len(body).to_bytes(LENGTH_BYTES, "little") + body


def messages(pipe: BinaryIO) -> Iterator[Any]:
    """Messages as they come, until the other side is gone."""
    while len(head := pipe.read(LENGTH_BYTES)) == LENGTH_BYTES:
        body = pipe.read(int.from_bytes(head, "little"))
        try:
            yield pickle.loads(body)
        except (EOFError, pickle.UnpicklingError):  # cut off in the middle
            return
