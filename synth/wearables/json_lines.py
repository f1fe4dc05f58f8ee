"""JSON lines: what a line says of which channel, and a live source that reads them from a stream.

A line is an object with a time, a channel and a value, `{"t": 12.5, "ch": "hr", "v": 71}`, or with several channels by
name, `{"t": 12.5, "hr": 71, "eda": 0.4}`. Understood besides:

- the time as seconds, seconds or ms since 1970, or ISO 8601, under `t`, `time`, `timestamp`, `t_ms` and the like; a
  line without one has the time at which it came;
- `null`, `"NaN"` and the like for a value that is missing: it counts as heard, and not as a value;
- acceleration as [x, y, z] or in three fields; runs of a channel as a list of values with a list of times; beat
  intervals as a list with the one time at which the last ended;
- when a line was received (`recv`), which `device` it is from, and its `quality` 0..1;
- units at the end of a channel's name (`rr_s`, `eda_nS`), else by the size of the values.
"""

from __future__ import annotations

import json
import math
import os
import select
import socket
import stat
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import UnsupportedOperation
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from synth.wearables.channels import TIME_NAMES, Units, channel_of, ends_before, quality_of
from synth.wearables.packet import Clock, Mailbox, Packet, Posted
from synth.wearables.samples import Samples
from synth.wearables.table import MISSING
from synth.wearables.tally import within

LINE_BYTES = 1_000_000
CHUNK_BYTES = 65_536
POLL_S = 0.1
LARGEST = 1e30
DEVICE = "json"
CHANNEL_KEYS = ("ch", "channel", "name", "type")
VALUE_KEYS = ("v", "value", "val")
TIME_KEYS = {
    **dict.fromkeys((*TIME_NAMES, "ts", "datetime", "date"), 1.0),
    **{f"{name}_{unit}": scale for name in ("t", "time", "timestamp", "ts")
       for unit, scale in (("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9))},
}  # fmt: skip
RECEIVED_KEYS = ("recv", "received", "received_s", "recv_s")
DEVICE_KEYS = ("device", "dev", "source")
QUALITY_KEYS = ("quality", "q")
UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OF_1970 = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3))  # larger times count ns, us and ms


@dataclass(frozen=True, slots=True)
class Line:
    """What a line says. Times are the device's (`timed`), else seconds from the line's arrival, 0 or before it.

    `device` is "" and `received_s` None when the line tells none; `troubles` says in words what is wrong with it.
    """

    device: str = ""
    received_s: float | None = None
    samples: tuple[Samples, ...] = ()
    timed: bool = False
    troubles: tuple[str, ...] = ()


def parse_line(line: str | bytes, units: Units | None = None) -> Line:
    """One line; never raises. `units` remembers the unit of each column from line to line."""
    if len(line) > LINE_BYTES:
        return Line(troubles=(f"lines longer than {LINE_BYTES} bytes; left out",))
    text = line.decode("utf-8", "replace") if isinstance(line, bytes) else line
    text = text.strip("\ufeff\x00 \t\r\n")
    if not text:
        return Line()
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return Line(troubles=("lines that are not JSON; left out",))
    if not isinstance(told, dict):
        return Line(troubles=("lines that are no object {...}; left out",))
    return _Reader({key.strip().lower(): value for key, value in told.items()}, units or Units()).line()


class _Reader:
    """Reads the fields of one line's object, keys in lower case."""

    def __init__(self, fields: Mapping[str, object], units: Units) -> None:
        self._fields, self._units = fields, units
        self._troubles: list[str] = []
        self.device = next((str(name)[:64] for name in self._given(DEVICE_KEYS) if isinstance(name, str | int)), "")
        received = next(self._given(RECEIVED_KEYS), None)
        self.received_s = None if received is None else _finite(time_s(received))
        quality = number(next(self._given(QUALITY_KEYS), 1.0))
        self.quality = min(max(quality, 0.0), 1.0) if quality == quality else 1.0

    def line(self) -> Line:
        times, timed = self._times()
        samples = [self._samples(channel, column, value, times) for channel, column, value in self._columns()]
        return Line(
            self.device,
            self.received_s,
            tuple(run for run in samples if run is not None and len(run)),
            timed,
            tuple(dict.fromkeys(self._troubles)),
        )

    def _given(self, keys: tuple[str, ...]) -> Iterator[object]:
        return (self._fields[key] for key in keys if self._fields.get(key) is not None)

    def _times(self) -> tuple[NDArray[np.float64] | float, bool]:
        """A time or a list of times; 0, the arrival, and False when none is told."""
        for key, scale in TIME_KEYS.items():
            told = self._fields.get(key)
            if isinstance(told, list):
                return np.array([time_s(item, scale) for item in told]), True
            if told is not None:
                time = time_s(told, scale)
                if math.isfinite(time):
                    return time, True
                self._troubles.append("times that are none; when they came counts")
        return 0.0, False

    def _columns(self) -> list[tuple[str, str, object]]:
        """(channel, its name in the line, value) of what the line tells."""
        fields = self._fields
        name = next((item for item in self._given(CHANNEL_KEYS) if isinstance(item, str)), None)
        axes = [fields.get(axis) for axis in "xyz"] if all(axis in fields for axis in "xyz") else None
        if name is not None and (key := next((key for key in VALUE_KEYS if key in fields), None)):
            return self._named(name, fields[key])
        if name is not None and axes is not None:
            return self._named(name, axes)
        columns = [(channel, key, value) for key, value in fields.items() if (channel := channel_of(key))]
        if axes is not None and not any(channel == "acc" for channel, _, _ in columns):
            columns.append(("acc", "x", axes))
        if not columns:
            self._troubles.append("lines without a channel and a value; left out")
        return columns

    def _named(self, name: str, value: object) -> list[tuple[str, str, object]]:
        channel = channel_of(name)
        if channel is None:
            self._troubles.append(f"lines of {name.strip()[:32]!r}, not a channel this reads; left out")
            return []
        return [(channel, name, value)]

    def _samples(self, channel: str, column: str, told: object, times: NDArray[np.float64] | float) -> Samples | None:
        value = _values(channel, told, np.size(times))
        if value is None:
            self._troubles.append(f"values of {channel} that are no numbers; left out")
            return None
        value, note = self._units.own(self.device, channel, column, value)
        if note:
            self._troubles.append(note)
        if isinstance(times, float) and value.size > 1:
            if channel != "rr_ms":
                self._troubles.append(f"lists of {channel} without a list of times; left out")
                return None
            times = times - ends_before(value)
        t = np.atleast_1d(times)
        if t.shape != value.shape:
            self._troubles.append(
                f"lists of {channel} with {'fewer' if t.size < value.size else 'more'} times than values; left out"
            )
            return None
        known = np.isfinite(t)
        if not known.all():
            self._troubles.append(f"times of {channel} that are none; left out")
        return Samples(channel, t[known], value[known], quality_of(channel, value[known]) * self.quality)


def number(told: object) -> float:
    """A number as JSON tells it; NaN for what is missing, none, or larger than anything that is measured."""
    try:
        value = float(told) if isinstance(told, int | float | str) and not isinstance(told, bool) else math.nan
    except (ValueError, OverflowError):
        return math.nan
    return value if abs(value) < LARGEST else math.nan


def time_s(told: object, scale: float = 1.0) -> float:
    """Seconds of a time told as a number (of `scale` seconds) or as ISO 8601 (UTC unless it says); NaN for no time."""
    value = number(told)
    if not math.isnan(value):
        if scale == 1.0:
            scale = next((scale for size, scale in _OF_1970 if abs(value) > size), 1.0)
        return value * scale
    if not isinstance(told, str):
        return math.nan
    try:
        moment = datetime.fromisoformat(told.strip())
        return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - UNIX_EPOCH).total_seconds()
    except (ValueError, OverflowError):
        return math.nan


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _is_missing(told: object) -> bool:
    if isinstance(told, str):
        word = told.strip().lower()
        return word in MISSING or word.lstrip("+-") in ("inf", "infinity")
    return told is None or isinstance(told, float) and not math.isfinite(told)


def _values(channel: str, told: object, times: int) -> NDArray[np.float64] | None:
    """Values of a channel told with so many times, NaN for missing ones; None when something in it is no number."""
    if not isinstance(told, list):
        items: list[object] = [told]
    elif channel == "acc" and len(told) == 3 != times and not any(isinstance(item, list) for item in told):
        items = [told]
    else:
        items = told
    values = np.empty(len(items))
    for i, item in enumerate(items):
        if channel == "acc" and isinstance(item, list) and len(item) == 3:
            if not all(_is_missing(axis) or number(axis) == number(axis) for axis in item):
                return None
            values[i] = math.hypot(*(number(axis) for axis in item))
            continue
        values[i] = number(item)
        if math.isnan(values[i]) and not _is_missing(item):
            return None
    return values


def merged(runs: Iterable[Samples]) -> tuple[Samples, ...]:
    """The same samples with one run a channel, in the order in which they came."""
    by_channel: dict[str, list[Samples]] = {}
    for run in runs:
        by_channel.setdefault(run.channel, []).append(run)
    return tuple(parts[0] if len(parts) == 1 else _joined(parts) for parts in by_channel.values())


def _joined(parts: list[Samples]) -> Samples:
    t, value, quality = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("t_s", "value", "quality")
    )
    return Samples(parts[0].channel, t, value, quality)


class LineSplitter:
    """Cuts chunks of bytes into lines; one longer than a line may be is cut off, and the rest of it skipped."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes."""
        *whole, rest = (self._rest + chunk).split(b"\n")
        if self._skipping and whole:
            del whole[0]
            self._skipping = False
        if self._skipping:
            rest = b""
        elif len(rest) > LINE_BYTES:
            whole.append(rest[: LINE_BYTES + 1])
            rest, self._skipping = b"", True
        self._rest = rest
        return whole

    def end(self) -> list[bytes]:
        """What is left when the stream has ended: a last line without a newline."""
        rest, self._rest, self._skipping = self._rest, b"", False
        return [rest] if rest else []


Stream = IO[bytes] | IO[str] | socket.socket


class JsonLines(Posted):
    """A live source of JSON lines from a stream: standard input, a pipe, a socket, or a file that is being written.

    Reads in a thread of its own; the lines that come at once make one packet for each `device` they name
    (`device` for those that name none). The end of a pipe or socket ends it; a file is read on as it grows.
    """

    def __init__(self, stream: Stream, clock: Clock, device: str = DEVICE) -> None:
        self._stream, self._clock, self._device = stream, clock, device
        self._mailbox = Mailbox()
        self._units = Units()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="json lines", daemon=True)
        self._status = "waiting for lines"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stop.set()
        self._thread.join(1.0)

    def _read(self) -> None:
        lines = LineSplitter()
        try:
            for chunk in _chunks(self._stream, self._stop):
                self._take(lines.feed(chunk))
        except (OSError, ValueError) as error:  # a closed file says ValueError
            self._take(lines.end())
            self._status = f"the stream broke: {error}"
        else:
            self._take(lines.end())
            self._status = "the stream has ended"

    def _take(self, lines: list[bytes]) -> None:
        now_s = self._clock()
        groups: dict[tuple[str, bool], list[Samples]] = {}
        for text in lines:
            line = parse_line(text, self._units)
            for trouble in line.troubles:
                self._mailbox.repair(within(self._mailbox.repairs, trouble))
            if line.samples:
                groups.setdefault((line.device or self._device, line.timed), []).extend(line.samples)
        for (device, timed), runs in groups.items():
            if not timed:
                runs = [Samples(run.channel, run.t_s + now_s, run.value, run.quality) for run in runs]
            self._mailbox.put(Packet(device, now_s, merged(runs), timed))
            self._status = "receiving"


def _chunks(stream: Stream, stop: threading.Event) -> Iterator[bytes]:
    """Bytes of a stream as they come, until it ends or `stop` is set, which is looked at several times a second."""
    try:
        descriptor = stream.fileno()
    except (AttributeError, UnsupportedOperation):
        yield from _whole_lines(stream, stop)
        return
    growing = stat.S_ISREG(os.fstat(descriptor).st_mode)
    while not stop.is_set():
        if not growing and not select.select([descriptor], [], [], POLL_S)[0]:
            continue
        try:
            chunk = os.read(descriptor, CHUNK_BYTES)
        except BlockingIOError:
            continue
        if chunk:
            yield chunk
        elif growing:
            stop.wait(POLL_S)
        else:
            return


def _whole_lines(stream: Any, stop: threading.Event) -> Iterator[bytes]:
    """The same of a stream of which only Python knows, such as one in memory."""
    while not stop.is_set() and (line := stream.readline(CHUNK_BYTES)):
        yield line.encode("utf-8", "replace") if isinstance(line, str) else line
