"""What was taken and is in no record yet, in a file of the session's folder, so that it outlives the process.

A write survives the end of the process at once, that of the machine it need not: as with the record.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from synth.record.lines import FILE_NAME as RECORD
from synth.wearables.packet import Packet
from synth.wearables.samples import Samples

FILE_NAME = "signals.waiting.jsonl"
MOST_BYTES = 1 << 20  # then it is written anew with what is in no record yet
TAIL_BYTES = 8 << 20  # of the record, looked through for what was taken up


class Journal:
    """The packets of one session that could be lost. `troubles` counts what could not be written."""

    def __init__(self, folder: Path) -> None:
        self.troubles = 0
        self._path = folder / FILE_NAME
        self._file: int | None = None
        self._bytes = 0
        self._removed = False

    def add(self, packets: Iterable[Packet]) -> None:
        """Write them down, before it is said that they were taken."""
        self._write(b"".join(map(_line, packets)))

    def settle(self, unsettled: Iterable[Packet]) -> None:
        """Of all that is written only `unsettled` could still be lost."""
        left = list(unsettled)
        if self._bytes and (not left or self._bytes > MOST_BYTES):
            try:
                fresh = self._path.with_name(FILE_NAME + ".new")
                file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW, 0o600)
                lines = b"".join(map(_line, left))
                os.write(file, lines)
                os.replace(fresh, self._path)
            except OSError:
                self.troubles += 1
                return
            self.close()
            self._file, self._bytes = file, len(lines)

    def read(self) -> list[Packet]:
        """What an earlier process wrote; a line that it could not finish was never said to be taken."""
        try:
            lines = self._path.read_bytes().splitlines()
        except OSError:
            return []
        self._bytes = sum(map(len, lines)) + len(lines)
        return [packet for line in lines if (packet := _packet(line)) is not None]

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def remove(self) -> None:
        """The session is over: nothing waits."""
        self.close()
        if not self._removed:
            self._removed = True
            with suppress(OSError):
                self._path.unlink()

    def _write(self, lines: bytes) -> None:
        if not lines:
            return
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            self._bytes += os.write(self._file, lines)
        except OSError:
            self.troubles += 1


def taken_up(folder: Path) -> Iterator[dict[str, Any]]:
    """The lines of type "samples" at the end of the record in `folder`."""
    try:
        with (folder / RECORD).open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - TAIL_BYTES, 0))
            lines = file.read().splitlines()
    except OSError:
        return
    for line in lines:
        if b'"type":"samples"' in line:
            with suppress(ValueError):
                yield json.loads(line)


def _line(packet: Packet) -> bytes:
    runs = [
        {"channel": r.channel, "t_s": r.t_s.tolist(), "value": r.value.tolist(), "quality": r.quality.tolist()}
        for r in packet.samples
    ]
    told = {"device": packet.device, "received_s": packet.received_s, "timed": packet.timed, "runs": runs}
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def _packet(line: bytes) -> Packet | None:
    try:
        told = json.loads(line)
        runs = tuple(Samples.of(r["channel"], r["t_s"], r["value"], r["quality"]) for r in told["runs"])
        return Packet(told["device"], told["received_s"], runs, told["timed"])
    except (ValueError, KeyError, TypeError):
        return None
