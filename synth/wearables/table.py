"""Columns of numbers from a CSV, gzipped CSV or Parquet file, with every repair told."""

from __future__ import annotations

import csv
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SUFFIXES = (".csv", ".csv.gz", ".parquet")
MAX_BYTES = 2**30  # unpacked; a gigabyte of numbers is weeks of any sensor
MISSING = {"", "na", "n/a", "nan", "null", "none", "-", "--"}

Raw = dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Times and values by channel, as a file tells them."""


class RecordingError(ValueError):
    """A recording that cannot be read; the message says what is wrong, where, and what to do."""


@dataclass(slots=True)
class Table:
    """One file: `columns` by name, each (n,) float64 with NaN for what is missing; `texts` holds columns of words."""

    path: Path
    columns: dict[str, NDArray[np.float64]]
    texts: dict[str, list[str]] = field(default_factory=dict)
    repairs: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """All column names, numbers first."""
        return [*self.columns, *self.texts]

    @property
    def rows(self) -> int:
        """Number of rows."""
        sizes = [len(numbers) for numbers in self.columns.values()] + [len(words) for words in self.texts.values()]
        return max(sizes, default=0)


def stem_of(path: Path) -> str:
    """File name without its `.csv`, `.csv.gz` or `.parquet`; "" for any other file."""
    name = path.name.lower()
    return next((path.name[: -len(suffix)] for suffix in reversed(SUFFIXES) if name.endswith(suffix)), "")


def read_table(path: Path) -> Table:
    """Read one file; RecordingError when it cannot be opened, unpacked or holds no header."""
    if path.name.lower().endswith(".parquet"):
        return _read_parquet(path)
    return _read_csv(path)


def read_bytes(path: Path, repairs: list[str]) -> bytes:
    """A file's bytes, unpacked when gzipped; RecordingError when it cannot be read."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error.strerror}): check the path and its permissions") from None
    if not path.name.lower().endswith(".gz"):
        return raw
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    parts: list[bytes] = []
    left = MAX_BYTES
    try:
        while raw:
            parts.append(unpacker.decompress(raw, left))
            left -= len(parts[-1])
            if left <= 0:
                raise RecordingError(f"{path}: unpacks to more than {MAX_BYTES >> 20} MB: give a shorter recording")
            if unpacker.eof and unpacker.unused_data.startswith(b"\x1f\x8b"):
                raw, unpacker = unpacker.unused_data, zlib.decompressobj(16 + zlib.MAX_WBITS)
                continue
            break
        if unpacker.eof:
            return b"".join(parts)
        trouble = "the file ends early"
    except zlib.error as error:
        trouble = str(error)
    whole, newline, _ = b"".join(parts).rpartition(b"\n")
    if not newline:
        raise RecordingError(f"{path}: not a readable gzip file ({trouble}): copy or pack it again")
    repairs.append(f"{path.name}: {trouble}; the {whole.count(newline)} whole rows before that are used")
    return whole


def _read_csv(path: Path) -> Table:
    repairs: list[str] = []
    text = read_bytes(path, repairs).decode("utf-8-sig", errors="replace").replace("\x00", "")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise RecordingError(f"{path}: empty file: its first line must name the columns, such as t,value")
    delimiter = max((",", ";", "\t"), key=lines[0].count)
    header = [name.strip().strip('"') for name in next(csv.reader(lines[:1], delimiter=delimiter))]
    if len(set(header)) != len(header):
        raise RecordingError(f"{path}: two columns share a name in {', '.join(header)}: rename one")
    if len(lines) == 1:
        return Table(path, {name: np.empty(0) for name in header}, {}, repairs)
    try:
        body = np.loadtxt(lines[1:], delimiter=delimiter, dtype=np.float64, ndmin=2, comments=None)
    except ValueError:
        body = np.empty((0, 0))
    if body.shape == (len(lines) - 1, len(header)):
        return Table(path, {name: body[:, i] for i, name in enumerate(header)}, {}, repairs)
    return _read_rows(path, header, lines[1:], delimiter, repairs)


def _read_rows(path: Path, header: list[str], lines: list[str], delimiter: str, repairs: list[str]) -> Table:
    """The careful way, cell by cell, for files that are not plain numbers throughout."""
    try:
        rows = list(csv.reader(lines, delimiter=delimiter))
    except csv.Error as error:
        raise RecordingError(f"{path}: not a readable table ({error}): save it again as plain CSV") from None
    uneven = sum(len(row) != len(header) for row in rows)
    if uneven:
        repairs.append(f"{path.name}: {uneven} rows have too few or too many cells; what is there is used")
    table = Table(path, {}, {}, repairs)
    for i, name in enumerate(header):
        cells = [row[i].strip() if i < len(row) else "" for row in rows]
        numbers, words = numbers_of(cells, decimal_comma=delimiter != ",")
        if words and len(words) == sum(cell.lower() not in MISSING for cell in cells):
            table.texts[name] = cells
            continue
        table.columns[name] = numbers
        if words:
            first = words[0]
            repairs.append(
                f"{path.name}: {len(words)} cells of {name} are not numbers (first {cells[first][:20]!r} "
                f"in row {first + 1}); taken as missing"
            )
    return table


def numbers_of(cells: list[str], decimal_comma: bool) -> tuple[NDArray[np.float64], list[int]]:
    """Numbers of `cells` (NaN where there is none) and the rows that hold words instead."""
    numbers = np.full(len(cells), np.nan)
    words = []
    for row, cell in enumerate(cells):
        if cell.lower() in MISSING:
            continue
        try:
            numbers[row] = float(cell.replace(",", ".") if decimal_comma else cell)
        except ValueError:
            words.append(row)
    return numbers, words


def _read_parquet(path: Path) -> Table:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise RecordingError(
            f"{path}: Parquet needs pyarrow: pip install 'isotone[recordings]', or give the channel as CSV"
        ) from None
    try:
        stored = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise RecordingError(f"{path}: not a readable Parquet file ({error}): copy or write it again") from None
    table = Table(path, {})
    for name, column in zip(stored.column_names, stored.columns, strict=True):
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_boolean(column.type):
            table.columns[name] = column.cast(pa.float64(), safe=False).to_numpy().astype(np.float64)
        else:
            cells = ["" if value is None else str(value).strip() for value in column.to_pylist()]
            numbers, words = numbers_of(cells, decimal_comma=False)
            if words:
                table.texts[name] = cells
            else:
                table.columns[name] = numbers
    return table
