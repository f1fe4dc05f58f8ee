"""An Empatica E4's export: a folder, or the .zip as Empatica Connect hands it out, of one headless CSV a signal.

Row 1 of a signal is the start in seconds since 1970 (UTC), row 2 its rate in Hz, then a value a row: EDA.csv in uS,
TEMP.csv in degC, BVP.csv, HR.csv in bpm (from 10 s after the start) and ACC.csv with three axes in 1/64 g. IBI.csv has
the start and the word IBI in row 1, then rows of (time since the start, interval), both in s. tags.csv holds the times
at which the button was pressed. The export's own info.txt describes all this.

IBI's time is that of the beat that *ends* the interval: info.txt calls it the distance "from the previous beat",
Empatica says the same of its rows <t, d> (support.empatica.com, "E4 data - IBI expected signal"), and where no beat is
missing a row's time less that of the row before is the row's own interval, not that of the row before.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePath, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from synth.wearables.table import MISSING, Raw, RecordingError, numbers_of, read_bytes

CHANNELS = {"acc": "acc", "bvp": "bvp", "eda": "eda", "hr": "hr", "ibi": "rr_ms", "temp": "temp"}
ACC_PER_G = 64.0
MAX_RATE_HZ = 1000.0
MAX_BYTES = 2**28  # of one file out of a .zip; the longest an E4 can record takes 80 MB
EARLIEST_UNIX_S = 1e8  # smaller first cells are not times since 1970
_HEAD_BYTES = 200


def is_signal(file: Path) -> bool:
    """Whether a file is an E4's signal: called like one, and its first cell is a time since 1970, not a header."""
    if _name(file) not in CHANNELS or not file.is_file():
        return False
    with file.open("rb") as stream:
        return bool(np.isfinite(_start_s(stream.read(_HEAD_BYTES).decode("utf-8-sig", "replace"))))


def read_folder(folder: Path, repairs: list[str]) -> tuple[Raw, dict[str, object]]:
    """Channels (seconds from the session's start) and what is known of an export's folder."""
    texts: dict[str, str] = {}
    for file in sorted(folder.iterdir()):
        if is_signal(file) or _name(file) == "tags" and file.is_file():
            texts.setdefault(_name(file), read_bytes(file, repairs).decode("utf-8-sig", "replace"))
    return _export(folder, texts, repairs)


def read_zip(path: Path, repairs: list[str]) -> tuple[Raw, dict[str, object]]:
    """The same of a .zip that holds one export; RecordingError when it cannot be unpacked or holds none."""
    texts: dict[str, str] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                inside = PurePosixPath(info.filename)
                name = _name(inside)
                if not name or "__MACOSX" in inside.parts:
                    continue
                if name in texts:
                    raise RecordingError(f"{path}: holds more than one {inside.name}: unpack it and give one export")
                with archive.open(info) as file:
                    data = file.read(MAX_BYTES + 1)
                if len(data) > MAX_BYTES:
                    raise RecordingError(
                        f"{path}: {inside.name} unpacks to more than {MAX_BYTES >> 20} MB: not an E4's"
                    )
                texts[name] = data.decode("utf-8-sig", "replace")
    except RecordingError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, struct.error) as error:
        raise RecordingError(f"{path}: not a readable .zip ({error}): fetch or pack it again") from None
    if not texts:
        raise RecordingError(f"{path}: no Empatica E4 files in it: needs {', '.join(n.upper() for n in CHANNELS)}.csv")
    return _export(path, texts, repairs)


def _name(path: PurePath) -> str:
    """Which of an export's files this one is called like: "eda", "tags" or the like, "" for none."""
    name = path.name.lower().removesuffix(".csv")
    return name if name != path.name.lower() and (name in CHANNELS or name == "tags") else ""


def _export(path: Path, texts: Mapping[str, str], repairs: list[str]) -> tuple[Raw, dict[str, object]]:
    rows = {name: text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "") for name, text in texts.items()}
    starts = {name: _start_s(text) for name, text in rows.items() if name != "tags"}
    known = [start for start in starts.values() if np.isfinite(start)]
    if not known:
        raise RecordingError(f"{path}: no file of it begins with a time since 1970: not an Empatica E4 export")
    began = min(known)
    raw: Raw = {}
    for name, start in sorted(starts.items()):
        if np.isfinite(start):
            signal = _intervals(rows[name], repairs) if name == "ibi" else _signal(name, rows[name], repairs)
            if signal is not None:
                raw[CHANNELS[name]] = (signal[0] + (start - began), signal[1])
        elif rows[name].strip():
            repairs.append(f"{name.upper()}.csv: does not begin with a time since 1970; left out")
        else:
            repairs.append(f"{name.upper()}.csv: empty")
    meta: dict[str, object] = {"id": path.stem, "device": "Empatica E4", "started_unix_s": began}
    if marks := _marks(rows.get("tags", ""), began, repairs):
        meta["marks_s"] = marks
    return raw, meta


def _start_s(text: str) -> float:
    """The time since 1970 in a file's first cell; NaN when there is none."""
    try:
        start = float(text.split("\n", 1)[0].split(",")[0])
    except ValueError:
        return np.nan
    return start if EARLIEST_UNIX_S < start < 1e11 else np.nan


def _signal(name: str, text: str, repairs: list[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Times from the file's start and values of a signal of even rate; None when its rate cannot be read."""
    _, second, body = (text.split("\n", 2) + ["", ""])[:3]
    try:
        rate_hz = float(second.split(",")[0])
    except ValueError:
        rate_hz = np.nan
    if not 0 < rate_hz <= MAX_RATE_HZ:
        repairs.append(f"{name.upper()}.csv: row 2 should be its rate in Hz but is {second[:20]!r}; left out")
        return None
    columns = _columns(name, body, 3 if name == "acc" else 1, repairs)
    value = np.sqrt(np.sum(columns**2, axis=1)) / ACC_PER_G if name == "acc" else columns[:, 0]
    return np.arange(len(value)) / rate_hz, value


def _intervals(text: str, repairs: list[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times from the file's start of the beats that end an interval, and the intervals in ms."""
    columns = _columns("ibi", (text.split("\n", 1) + [""])[1], 2, repairs)
    return columns[:, 0], columns[:, 1] * 1000.0


def _columns(name: str, body: str, width: int, repairs: list[str]) -> NDArray[np.float64]:
    """Rows of `width` numbers (rows, width), NaN where there is none; no row is lost, as its place tells its time."""
    body = body.rstrip()
    if not body:
        return np.empty((0, width))
    if "\n\n" not in body and not body.startswith("\n"):
        try:
            rows = np.loadtxt(io.StringIO(body), delimiter=",", ndmin=2, comments=None)
        except ValueError:
            pass
        else:
            if rows.shape[1] == width:
                return rows
    cells = [(line.split(",") + [""] * width)[:width] for line in body.split("\n")]
    columns = [numbers_of([row[i].strip() for row in cells], decimal_comma=False)[0] for i in range(width)]
    table = np.column_stack(columns)
    if lost := int(np.isnan(table).any(axis=1).sum()):
        first = int(np.argmax(np.isnan(table).any(axis=1)))
        told = (
            "empty" if all(cell.strip().lower() in MISSING for cell in cells[first]) else repr(",".join(cells[first]))
        )
        repairs.append(f"{name.upper()}.csv: {lost} of {len(table)} rows are no numbers (first {told[:30]}); missing")
    return table


def _marks(text: str, began: float, repairs: list[str]) -> list[float]:
    """When the button was pressed, in seconds from the session's start."""
    cells = [line.split(",")[0].strip() for line in text.splitlines() if line.strip()]
    times, _ = numbers_of(cells, decimal_comma=False)
    good = times > EARLIEST_UNIX_S
    if lost := int((~good).sum()):
        repairs.append(f"tags.csv: {lost} of {len(cells)} rows are no times since 1970; left out")
    return [round(float(time) - began, 3) for time in times[good] if np.isfinite(time)]
