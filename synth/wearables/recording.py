"""A recorded session read from files: whichever of the formats below a path turns out to be.

- A folder with one table a channel: `hr.csv.gz`, `eda.csv`, `ibi.parquet` and the like, each with a column `t` (seconds
  from the start) and its value; acceleration has one column an axis. `meta.json` beside them may tell id, licence and
  labelled segments.
- One table with the columns time, channel and value.
- An Empatica E4's export, a folder or its .zip (`synth.wearables.empatica`).
- A log of packets as they were received, in JSON lines (`synth.wearables.packet_log`).

What can be mended is mended and told in `repairs`; what cannot is a `RecordingError`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from synth.wearables import empatica
from synth.wearables.channels import TIME_NAMES, channel_of, quality_of, to_own_unit
from synth.wearables.packet_log import PacketLog, is_log
from synth.wearables.samples import Samples, Source
from synth.wearables.table import SUFFIXES, Raw, RecordingError, Table, read_table, stem_of

__all__ = ["Recorded", "Recording", "RecordingError", "Segment", "open_recording"]

UNIX_S = 1e8  # later times are seconds since 1970, not since a recording's start
UNIX_MS = 1e11
LONGEST_S = 3.6e5  # 100 h; a time beyond is a slip of the writer


@dataclass(frozen=True, slots=True)
class Segment:
    """A labelled stretch of a recording, seconds from its start."""

    start_s: float
    end_s: float
    task: str


class Recorded(Source, Protocol):
    """What `open_recording` gives: a source of samples that ends."""

    @property
    def duration_s(self) -> float:
        """Seconds from its start to the last of it."""

    def batches(self, step_s: float = 1.0) -> Iterator[tuple[float, list[Samples]]]:
        """(time now, what came since the step before), every `step_s` seconds to the end."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What a folder or file held: `channels` by name in time order, `meta` as written, `repairs` in plain words."""

    path: Path
    meta: Mapping[str, object]
    channels: Mapping[str, Samples]
    repairs: tuple[str, ...]

    @property
    def duration_s(self) -> float:
        """Time of the last sample of any channel."""
        return max(float(samples.t_s[-1]) for samples in self.channels.values())

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The labelled stretches that `meta` tells; malformed ones are passed over."""
        listed = self.meta.get("segments")
        found = []
        for item in listed if isinstance(listed, list) else []:
            try:
                found.append(Segment(float(item["start"]), float(item["end"]), str(item["task"])))
            except (KeyError, TypeError, ValueError):
                continue
        return tuple(found)

    def between(self, start_s: float, end_s: float) -> list[Samples]:
        """Each channel's samples with `start_s` <= t < `end_s`, channels without any left out."""
        runs = []
        for samples in self.channels.values():
            first, last = np.searchsorted(samples.t_s, (start_s, end_s))
            if last > first:
                part = slice(int(first), int(last))
                runs.append(Samples(samples.channel, samples.t_s[part], samples.value[part], samples.quality[part]))
        return runs

    def batches(self, step_s: float = 1.0) -> Iterator[tuple[float, list[Samples]]]:
        """The recording as it came: (time now, samples since the step before), every `step_s` seconds to the end."""
        for step in range(1, math.floor(self.duration_s / step_s) + 2):
            yield step * step_s, self.between((step - 1) * step_s, step * step_s)


def open_recording(path: str | Path) -> Recorded:
    """Read a folder or file of one of the formats above: a Recording, or a PacketLog for a log of packets.

    RecordingError when nothing usable is there.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise RecordingError(f"{path}: no such file or folder: check the path")
        with np.errstate(all="ignore"):  # absurd numbers overflow to infinity and are left out with the rest
            return _open(path)
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error.strerror}): check the path and its permissions") from None


def _open(path: Path) -> Recorded:
    if is_log(path) and path.is_file():
        return PacketLog(path)
    repairs: list[str] = []
    if path.is_dir():
        raw, meta = _open_folder(path, repairs)
    elif path.name.lower().endswith(".zip"):
        raw, meta = empatica.read_zip(path, repairs)
    else:
        raw, meta = _from_start(_read_long(path, repairs), repairs), {}
    channels = {}
    for channel, (t, value) in raw.items():
        samples = _in_order(channel, t, value, repairs)
        if len(samples):
            channels[channel] = samples
        else:
            repairs.append(f"{channel}: no usable samples; left out")
    if not channels:
        raise RecordingError(f"{path}: no usable samples in it: {'; '.join(repairs)}")
    return Recording(path, meta, channels, tuple(repairs))


def _open_folder(folder: Path, repairs: list[str]) -> tuple[Raw, Mapping[str, object]]:
    """Channels and what is known of a folder, of an Empatica's files or of tables: of the kind there is more of."""
    files = [file for file in sorted(folder.iterdir()) if file.is_file()]
    exported = [file for file in files if empatica.is_signal(file)]
    tables = [file for file in files if stem_of(file) and file not in exported]
    channels = [file for file in tables if channel_of(stem_of(file))]
    if len(exported) < max(len(channels), 1):
        meta = _read_meta(folder / "meta.json", repairs)
        for file in exported:
            repairs.append(f"{file.name}: has no header but a time since 1970, as an Empatica's; left out")
        return _from_start(_read_folder(folder, tables, repairs), repairs), meta
    raw, known = empatica.read_folder(folder, repairs)
    repairs += [f"{file.name}: not of the Empatica export beside it; left out" for file in channels]
    told = _read_meta(folder / "meta.json", repairs) if (folder / "meta.json").exists() else {}
    return raw, {**known, **told}


def _read_meta(path: Path, repairs: list[str]) -> Mapping[str, object]:
    if not path.exists():
        repairs.append("meta.json: not there; no source, licence or labels are known")
        return {}
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        repairs.append(f"meta.json: cannot be read ({error}); passed over")
        return {}
    if not isinstance(meta, dict):
        repairs.append("meta.json: is not an object {...}; passed over")
        return {}
    return meta


def _read_folder(folder: Path, tables: list[Path], repairs: list[str]) -> Raw:
    raw: Raw = {}
    for file in tables:
        channel = channel_of(stem_of(file))
        if stem_of(file).lower() == "eeg":
            raw |= _sites(read_table(file), repairs)
        elif channel is None:
            repairs.append(f"{file.name}: not a channel this reads; left out")
        elif channel in raw:
            repairs.append(f"{file.name}: {channel} was read from another file already; left out")
        else:
            table = read_table(file)
            raw[channel] = _channel(channel, table)
            repairs += table.repairs
            t, value = raw[channel]
            value, note = to_own_unit(channel, _value_names(table, _time_name(table))[0], value)
            raw[channel] = (t, value)
            if note:
                repairs.append(f"{file.name}: {note}")
    if not raw:
        found = ", ".join(file.name for file in tables) or "no tables"
        raise RecordingError(
            f"{folder}: no channel to read ({found}): put hr, ibi, eda, acc or temp there as {', '.join(SUFFIXES)}"
        )
    return raw


def _time_name(table: Table) -> str:
    for name in table.columns:
        if name.strip().lower() in TIME_NAMES:
            return name
    names = ", ".join(table.names)
    raise RecordingError(f"{table.path}: no column of times in seconds among {names}: name it t")


def _value_names(table: Table, time_name: str) -> list[str]:
    names = [name for name in table.columns if name != time_name and name.strip()]
    if not names:
        raise RecordingError(f"{table.path}: no column of numbers beside {time_name}: add one with the values")
    return names


def _channel(channel: str, table: Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times and values of one channel's table; acceleration becomes the length of its vector."""
    time_name = _time_name(table)
    names = _value_names(table, time_name)
    t = table.columns[time_name]
    if channel == "acc":
        axes = [name for name in names if name.strip().lower()[:1] in ("x", "y", "z")]
        if len(axes) >= 3:
            return t, np.sqrt(sum((table.columns[name] ** 2 for name in axes[:3]), np.zeros(len(t))))
    extra = [name for name in names[1:] if not name.lower().startswith("quality")]
    if extra or table.texts:
        table.repairs.append(f"{table.path.name}: columns {', '.join([*extra, *table.texts])} not read")
    return t, table.columns[names[0]]


def _sites(table: Table, repairs: list[str]) -> Raw:
    """The channels of a table of EEG, one column a site."""
    time_name = _time_name(table)
    raw: Raw = {}
    repairs += table.repairs
    for name in _value_names(table, time_name):
        channel = channel_of(name)
        if channel is None or not channel.startswith("eeg_"):
            repairs.append(f"{table.path.name}: column {name} is no site or band this reads; left out")
            continue
        value, note = to_own_unit(channel, name, table.columns[name])
        raw[channel] = (table.columns[time_name], value)
        if note:
            repairs.append(f"{table.path.name}: {note}")
    return raw


def _read_long(path: Path, repairs: list[str]) -> Raw:
    """A single file with columns time, channel and value."""
    if not stem_of(path):
        raise RecordingError(
            f"{path}: not a table this reads: give a folder, or one of {', '.join(SUFFIXES)}, .zip, .jsonl"
        )
    table = read_table(path)
    words = {name.strip().lower(): cells for name, cells in table.texts.items()}
    numbers = {name.strip().lower(): column for name, column in table.columns.items()}
    if table.rows == 0:
        raise RecordingError(f"{path}: no rows below the header: nothing to read")
    time_name = next((name for name in TIME_NAMES if name in numbers), None)
    if time_name is None or "channel" not in words or "value" not in numbers:
        raise RecordingError(
            f"{path}: has the columns {', '.join(table.names)}: a single file needs time, channel and value "
            "(a channel of its own belongs into a folder, named hr.csv or the like)"
        )
    repairs += table.repairs
    raw: Raw = {}
    named = np.array([cell.lower() for cell in words["channel"]])
    for name in dict.fromkeys(named.tolist()):
        rows = named == name
        channel = channel_of(name)
        if channel is None or channel in raw:
            why = "not a channel this reads" if channel is None else f"{channel} goes by another name already"
            repairs.append(f"{path.name}: {int(rows.sum())} rows of channel {name!r}: {why}; left out")
            continue
        value, note = to_own_unit(channel, name, numbers["value"][rows])
        raw[channel] = (numbers[time_name][rows], value)
        if note:
            repairs.append(f"{path.name}: {note}")
    if not raw:
        raise RecordingError(f"{path}: no channel it names is one this reads: hr, ibi, eda, acc, temp, resp or bvp")
    return raw


def _from_start(raw: Raw, repairs: list[str]) -> Raw:
    """The same with times in seconds from 0: clock times count from the earliest sample of all channels."""
    finite = [t[np.isfinite(t)] for t, _ in raw.values() if np.isfinite(t).any()]
    middle = max((float(np.median(t)) for t in finite), default=0.0)
    if middle < UNIX_S:
        return raw
    scale = 1e-3 if middle > UNIX_MS else 1.0
    floor = UNIX_S if scale == 1.0 else UNIX_MS
    earliest = min(float(np.min(t[t >= floor])) for t in finite if (t >= floor).any())
    repairs.append("times are a clock's, not seconds from the start; counted from the earliest sample")
    return {channel: (t * scale - earliest * scale, value) for channel, (t, value) in raw.items()}


def _in_order(channel: str, t: NDArray[np.float64], value: NDArray[np.float64], repairs: list[str]) -> Samples:
    """Samples in time order: what is no number or before the start is left out, a time told twice counts once."""
    finite = np.isfinite(t) & np.isfinite(value)
    outside = finite & ((t < 0.0) | (t > LONGEST_S))
    if lost := int((~finite).sum()):
        repairs.append(f"{channel}: {lost} of {t.size} rows have no finite time or value; left out")
    if lost := int(outside.sum()):
        repairs.append(f"{channel}: {lost} rows have times before 0 or beyond {LONGEST_S / 3600:.0f} h; left out")
    t, value = t[finite & ~outside], value[finite & ~outside]
    if (np.diff(t) < 0).any():
        repairs.append(f"{channel}: times were not in order; sorted")
    order = np.argsort(t, kind="stable")
    t, value = t[order], value[order]
    first = np.concatenate(([True], np.diff(t) > 0)) if t.size else np.zeros(0, dtype=bool)
    if lost := int((~first).sum()):
        repairs.append(f"{channel}: {lost} rows repeat a time; counted once")
    t, value = t[first], value[first]
    quality = quality_of(channel, value)
    if bad := int((quality == 0).sum()):
        repairs.append(f"{channel}: {bad} of {t.size} values are outside what a body gives; of no quality")
    return Samples(channel, t, value, quality)
