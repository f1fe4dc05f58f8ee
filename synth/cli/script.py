"""Reads a script of requests: a CSV file with the columns time_s, control and value."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import NamedTuple

from synth.controls import ControlError, control

COLUMNS = ("time_s", "control", "value")


class ScriptError(ValueError):
    """A script that cannot be used; the message says in which line and what to write instead."""


class Script(NamedTuple):
    """Requests as (time_s, control, value) in order of time, and what was repaired on the way, a sentence each."""

    requests: list[tuple[float, str, float]]
    repairs: list[str]


def read_script(path: Path) -> Script:
    """The script in the file `path`. Values out of range are clamped and lines out of order sorted, as repairs.

    Raises ScriptError, with the line's number, on anything that cannot be understood.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ScriptError(
            f"no script at {path}: --controls takes a CSV file with the columns time_s,control,value"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"{path} cannot be read as text: {error}") from None
    rows = csv.reader(text.splitlines())
    header = tuple(cell.strip() for cell in next(rows, []))
    if sorted(header) != sorted(COLUMNS):
        found = ",".join(header) or "nothing"
        raise ScriptError(f"{path}, line 1: the columns must be time_s,control,value, and {found} was found")
    script = Script([], [])
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        where = f"{path.name}, line {rows.line_num}"
        if len(row) != len(header):
            raise ScriptError(f"{path}, line {rows.line_num}: {len(row)} values, and {len(header)} are needed")
        cells = dict(zip(header, (cell.strip() for cell in row), strict=True))
        try:
            script.requests.append(_request(cells, where, script.repairs))
        except ValueError as error:
            raise ScriptError(f"{path}, line {rows.line_num}: {error}") from None
    times = [time_s for time_s, _, _ in script.requests]
    if times != sorted(times):
        script.requests.sort(key=lambda request: request[0])
        script.repairs.append(f"{path.name}: lines out of order were sorted by time")
    return script


def _request(cells: dict[str, str], where: str, repairs: list[str]) -> tuple[float, str, float]:
    time_s = _number(cells["time_s"], "time_s")
    if time_s < 0:
        raise ScriptError(f"time_s = {cells['time_s']}: give 0 or more")
    row = control(cells["control"])
    try:
        return time_s, row.name, row.parse(cells["value"])
    except ControlError:
        if row.choices:
            raise
        value = _number(cells["value"], row.name)
        clamped = row.clamp(value)
        repairs.append(
            f"{where}: {row.name} = {cells['value']} is out of range ({row.range_text()}); {row.text(clamped)} was used"
        )
        return time_s, row.name, clamped


def _number(text: str, name: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise ScriptError(f"{name} = {text!r} is not a number")
    return number
