"""A log of packets as they were received, in JSON lines: what a live session would have heard, played again.

A line is as `synth.wearables.json_lines` reads it, with the time at which it was received beside the device's own;
without one it is taken to have come at its own time. Times of receipt count from the first line's.
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from synth.wearables.channels import Units
from synth.wearables.clock import Timeline
from synth.wearables.json_lines import CHUNK_BYTES, DEVICE, Line, LineSplitter, merged, parse_line
from synth.wearables.packet import Packet
from synth.wearables.samples import Samples
from synth.wearables.table import RecordingError
from synth.wearables.tally import within

SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
LONGEST_S = 3.6e5  # 100 h; a receipt beyond is a slip of the writer
MAX_RUNS = 4096  # in one packet


def is_log(path: Path) -> bool:
    """Whether a file is called like a log."""
    return path.name.lower().endswith(SUFFIXES)


class PacketLog:
    """A log, read through once when opened and then streamed; stands where a Recording does.

    `meta` holds its `id`; `repairs` tells what was wrong with its lines; `duration_s` is when the last was received.
    RecordingError when it cannot be read or no line of it tells a sample.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        name = self.path.name
        suffix = next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), "")
        self.meta: Mapping[str, object] = {"id": name[: len(name) - len(suffix)]}
        self.duration_s = -1.0
        found: dict[str, int] = {}
        timeline = Timeline()
        for packet in self._packets(found):
            self.duration_s = packet.received_s
            timeline.place(packet)
        self.repairs: Sequence[str] = (*(f"{name}: {what} ({n})" for what, n in found.items()), *timeline.repairs)
        if self.duration_s < 0.0:
            told = "; ".join(self.repairs) or "no lines"
            raise RecordingError(f'{self.path}: no usable samples in it ({told}): a line is {{"t": 0.5, "hr": 71}}')
        self._player = _Player(self.packets())

    def packets(self) -> Iterator[Packet]:
        """The packets in order of receipt; lines of one device received at once make one."""
        return self._packets({})

    def between(self, start_s: float, end_s: float) -> list[Samples]:
        """Samples *received* with `start_s` <= time < `end_s`, in session time, one run a channel.

        Meant to be asked for one stretch after the other; going back reads the log from its beginning.
        """
        if start_s < self._player.now_s:
            self._player = _Player(self.packets())
        return self._player.between(start_s, end_s)

    def batches(self, step_s: float = 1.0) -> Iterator[tuple[float, list[Samples]]]:
        """The log as it came: (time now, samples received since the step before), every `step_s` seconds to the end."""
        player = _Player(self.packets())
        for step in range(1, math.floor(self.duration_s / step_s) + 2):
            yield step * step_s, player.between((step - 1) * step_s, step * step_s)

    def _packets(self, found: dict[str, int]) -> Iterator[Packet]:
        """The packets; what was wrong is counted into `found`, in words."""
        first_s: float | None = None
        key: tuple[float, str, bool] = (0.0, "", False)
        runs: list[Samples] = []
        for line in self._lines(found):
            for trouble in line.troubles:
                _count(found, trouble)
            if not line.samples:
                continue
            told_s = _received_s(line)
            if first_s is None:
                first_s = 0.0 if told_s is None else told_s
            received_s = key[0] if told_s is None else told_s - first_s
            if received_s > LONGEST_S:
                _count(found, f"lines received more than {LONGEST_S / 3600:.0f} h after the first; left out")
                continue
            if received_s < key[0]:
                _count(found, "lines received before the one above them; taken to have come with it")
                received_s = key[0]
            now = (received_s, line.device or DEVICE, line.timed)
            if runs and (now != key or len(runs) >= MAX_RUNS):
                yield _packet(key, runs)
                runs = []
            key = now
            runs += line.samples
        if runs:
            yield _packet(key, runs)

    def _lines(self, found: dict[str, int]) -> Iterator[Line]:
        splitter, units = LineSplitter(), Units()
        try:
            with self._open() as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield from (parse_line(text, units) for text in splitter.feed(chunk))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            _count(found, f"the packed file is damaged or ends early: {error}; what came before is used")
            return
        except OSError as error:
            raise RecordingError(
                f"{self.path}: cannot be read ({error.strerror}): check the path and its permissions"
            ) from None
        yield from (parse_line(text, units) for text in splitter.end())

    def _open(self) -> IO[bytes]:
        packed = self.path.name.lower().endswith(".gz")
        return gzip.open(self.path, "rb") if packed else self.path.open("rb")  # type: ignore[return-value]


class _Player:
    """Packets taken one stretch of time after the other, placed in session time as they come."""

    def __init__(self, packets: Iterator[Packet]) -> None:
        self.now_s = 0.0
        self._packets = packets
        self._next = next(packets, None)
        self._timeline = Timeline()

    def between(self, start_s: float, end_s: float) -> list[Samples]:
        runs: list[Samples] = []
        while self._next is not None and self._next.received_s < end_s:
            placed = self._timeline.place(self._next)
            if self._next.received_s >= start_s:
                runs += placed
            self._next = next(self._packets, None)
        self.now_s = max(end_s, self.now_s)
        return list(merged(runs))


def _received_s(line: Line) -> float | None:
    """When a line says it was received, else its own latest time; None when it tells neither."""
    if line.received_s is not None or not line.timed:
        return line.received_s
    return max(float(run.t_s.max()) for run in line.samples)


def _packet(key: tuple[float, str, bool], runs: list[Samples]) -> Packet:
    received_s, device, timed = key
    if not timed:
        runs = [Samples(run.channel, run.t_s + received_s, run.value, run.quality) for run in runs]
    return Packet(device, received_s, merged(runs), timed)


def _count(found: dict[str, int], what: str) -> None:
    what = within(found, what)
    found[what] = found.get(what, 0) + 1
