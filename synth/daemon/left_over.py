"""What an API process that died left behind: sessions without an end, and in shared memory what was not written yet."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synth.daemon.hosted import About
from synth.daemon.stage.memory import IN_BYTES, OUT_BYTES
from synth.daemon.stage.remote import ALL, unheard
from synth.live.board import BYTES, Board
from synth.live.ring import Ring, Shared
from synth.preset import Preset, preset_from_dict
from synth.record.lines import FILE_NAME, Line, decode

# Of these is made what is shown of a session.
KEPT_TYPES = tuple(b'{"type":"%b"' % name for name in (b"commit", b"release", b"phase", b"cue", b"panic"))
NEWEST = 40  # lines, more than are told in a second
TOLD_S = 0.1  # a line is told so long, at most, after the time that it tells
_BOARD = BYTES + (-BYTES % 64)

log = logging.getLogger("isotone.sessions")


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A session to take up: lines that it `untold` its record, lines that make up what is `shown` of it, `frames`
    rendered, and what it was asked and had not read."""

    about: About
    folder: Path
    preset: Preset
    frames: int
    untold: tuple[Line, ...]
    shown: tuple[Line, ...]
    unread: tuple[bytes, ...]


def interrupted(sessions_dir: Path, run_dir: Path) -> list[Interrupted]:
    """The sessions in `sessions_dir` whose record has no end; files that they left in `run_dir` are taken away."""
    memories: dict[str, Path] = {}
    for path in sorted(run_dir.glob("*.*.*"), key=lambda path: path.stat().st_mtime_ns):
        memories[path.name.split(".")[0]] = path
    found = []
    for folder in sorted(path for path in sessions_dir.iterdir() if path.is_dir() and not path.is_symlink()):
        try:
            if (one := _interrupted(folder, memories.get(folder.name))) is not None:
                found.append(one)
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.error("session cannot be taken up", extra={"session": folder.name, "error": type(error).__name__})
    for path in run_dir.glob("*.*.*"):
        path.unlink(missing_ok=True)
    return found


def _interrupted(folder: Path, memory: Path | None) -> Interrupted | None:
    record = folder / FILE_NAME
    if not record.exists():
        return None
    data = record.read_bytes()
    raws = data[: data.rfind(b"\n") + 1].splitlines()
    if not raws:
        return None
    last = _bare(raws[-1])
    if last["type"] == "end":
        return None
    header = decode(raws[0].decode())
    shown = [_bare(raw) for raw in raws[1:] if raw.startswith(KEPT_TYPES)]
    newest = [_bare(raw) for raw in raws[-NEWEST:]]
    shown += [line for line in newest if line["type"] in ("plan", "state")]
    left = _left_in(memory) if memory is not None else _Left(0, [], ())
    frames = left.frames or round((_time_s(newest) + TOLD_S) * header["sample_rate"])
    preset = preset_from_dict(header["preset"])
    untold = _after(last, left.lines)
    return Interrupted(About.read(folder), folder, preset, frames, tuple(untold), tuple(shown), left.unread)


@dataclass(frozen=True, slots=True)
class _Left:
    frames: int
    lines: list[Line]
    unread: tuple[bytes, ...]


def _left_in(path: Path) -> _Left:
    with suppress(OSError, ValueError):
        memory = Shared(path.stat().st_size, path).memory
        outbox = Ring(memory[_BOARD + IN_BYTES : _BOARD + IN_BYTES + OUT_BYTES])
        told = (pickle.loads(message) for message in outbox.look(ALL))
        lines = [said for kind, said in told if kind == "line"]
        frames = int(Board(memory[:BYTES]).read().frames)
        return _Left(frames, lines, unheard(Ring(memory[_BOARD : _BOARD + IN_BYTES])))
    return _Left(0, [], ())


def _after(last: Line, lines: Iterable[Line]) -> list[Line]:
    """Those of `lines` that come after `last`, which may be among them: the process died between writing it and saying
    so."""
    lines = list(lines)
    for place, line in enumerate(lines):
        if _plain(line) == last:
            return lines[place + 1 :]
    return lines


def _plain(line: Line) -> Any:
    from synth.record.lines import encode

    return decode(encode(line))


def _time_s(lines: Iterable[Line]) -> float:
    times = (line.get("t_s", 0.0) for line in lines)
    return max((t_s for t_s in times if isinstance(t_s, int | float)), default=0.0)


def _bare(raw: bytes) -> Line:
    return {name: value for name, value in decode(raw.decode()).items() if name not in ("n", "chain")}
