"""Reading a preset's tables: every value is checked where it stands, and all problems are told at once.

Knows nothing of presets but tables, keys and lines; `synth.preset` says what belongs into them.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""^\s*([\w."'-]+)\s*=""")

Place = tuple[str | int, ...]


class Sheet:
    """A preset being read: its name for people, where its keys stand, and the problems found so far."""

    def __init__(self, file: str, text: str = "") -> None:
        self.problems: list[str] = []
        self._file = file
        self._lines = key_lines(text)

    def say(self, place: Place, problem: str) -> None:
        """Note a problem at `place`, with the line it stands on, or that of the table around it."""
        line = next((self._lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in self._lines), None)
        where = self._file if line is None else f"{self._file}, line {line}"
        self.problems.append(f"{where}: {_named(place)}: {problem}" if place else f"{where}: {problem}")


class Section:
    """One table. Each reader takes a key, notes what is wrong with it and then returns a value that will do."""

    def __init__(self, sheet: Sheet, table: Mapping[str, Any], place: Place = ()) -> None:
        self._sheet, self._table, self._place = sheet, table, place
        self._known: list[str] = []

    def say(self, key: str, problem: str) -> None:
        """Note a problem of `key`."""
        self._sheet.say((*self._place, key) if key else self._place, problem)

    def has(self, key: str) -> bool:
        """Whether `key` is given; asking makes it a known key."""
        self._known.append(key)
        return key in self._table

    def get(self, key: str) -> Any:
        """The value of `key` as it stands."""
        return self._table[key]

    def keys(self) -> list[str]:
        """Keys that are given."""
        return list(self._table)

    def number(self, key: str, low: float, high: float, default: float | None = None, unit: str = "") -> float:
        """A number from `low` to `high`; without a `default` it must be given."""
        if not self.has(key):
            if default is None:
                self.say(key, f"is missing: give {_range(low, high, unit)}")
            return low if default is None else default
        return checked_number(self, key, self._table[key], low, high, unit)

    def whole(self, key: str, low: int, high: int, default: int) -> int:
        """A whole number from `low` to `high`."""
        value = self.number(key, low, high, default)
        if value != round(value):
            self.say(key, f"{value:g} is not a whole number: give {_range(low, high)}")
        return round(value)

    def text(self, key: str, default: str | None = None) -> str:
        """A line of text; without a `default` it must be given."""
        value = self._table[key] if self.has(key) else default
        if isinstance(value, str) and value.strip():
            return value
        self.say(key, f"{'is missing' if value is None else shown(value)}: give a text in quotes")
        return ""

    def word(self, key: str, choices: Sequence[str], default: str | None = None) -> str:
        """One of `choices`."""
        value = self.text(key, default)
        if value and value not in choices:
            self.say(key, f"{shown(value)} does not fit here{near(value, choices)}; give one of {', '.join(choices)}")
        return value if value in choices else next(iter(choices), "")

    def flag(self, key: str, default: bool = False) -> bool:
        """true or false."""
        value = self._table[key] if self.has(key) else default
        if not isinstance(value, bool):
            self.say(key, f"{shown(value)}: give true or false")
        return value is True

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, empty when it is not given."""
        values = self._table[key] if self.has(key) else ()
        if not isinstance(values, Sequence) or isinstance(values, str) or not all(isinstance(v, str) for v in values):
            self.say(key, f'{shown(values)}: give texts in square brackets, as ["no percussion"]')
            return ()
        return tuple(values)

    def section(self, key: str) -> Section:
        """The table `key`, empty when it is not given."""
        table = self._table[key] if self.has(key) else {}
        if not isinstance(table, Mapping):
            self.say(key, f"{shown(table)} stands where a table belongs")
            table = {}
        return Section(self._sheet, table, (*self._place, key))

    def sections(self, key: str) -> list[Section]:
        """The tables of the list `key`."""
        tables = self._table[key] if self.has(key) else []
        if not isinstance(tables, Sequence) or not all(isinstance(table, Mapping) for table in tables):
            self.say(key, f"stands where tables [[{key}]] belong")
            tables = []
        return [Section(self._sheet, table, (*self._place, key, i)) for i, table in enumerate(tables)]

    def finish(self) -> None:
        """Note every key that nobody asked for, with its nearest known ones."""
        for key in self._table:
            if key not in self._known:
                self.say(key, f"is not a key here{near(key, self._known)}; the keys are {', '.join(self._known)}")


def checked_number(section: Section, key: str, value: object, low: float, high: float, unit: str = "") -> float:
    """`value` when it is a number in range; otherwise a problem is noted and `low` returned."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        section.say(key, f"{shown(value)} is not a number: give {_range(low, high, unit)}")
    elif not low <= value <= high or math.isnan(value):
        section.say(key, f"{shown(value)} is out of range: give {_range(low, high, unit)}")
    else:
        return float(value)
    return low


def shown(value: object) -> str:
    """A value as it was given, not more of it than a line can hold."""
    if isinstance(value, int | float) and not isinstance(value, bool) and -1e15 < value < 1e15:
        return f"{value:g}"
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, lists in lists
        return "what is given"
    return text if len(text) <= 60 else f"{text[:50]} ..."


def near(word: str, known: Sequence[str]) -> str:
    """ " (did you mean ...?)" for a mistyped word, or nothing."""
    close = difflib.get_close_matches(word, known, 1)
    return f" (did you mean {close[0]}?)" if close else ""


def key_lines(text: str) -> dict[Place, int]:
    """The line of every table and key of a TOML text; lists of tables count from 0."""
    lines: dict[Place, int] = {}
    last: dict[Place, int] = {}
    table: Place = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _within(header[2], last)
            if header[1] == "[[":
                last[table] = last.get(table, -1) + 1
                table = (*table, last[table])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, *(part.strip("\"'") for part in key[1].split("."))), number)
    return lines


def _within(header: str, last: Mapping[Place, int]) -> Place:
    """The place that a header names; `last` counts the tables of each list, and what follows belongs to the last."""
    *lists, name = (part.strip("\"' ") for part in header.split("."))
    place: Place = ()
    for part in lists:
        place = (*place, part)
        place = (*place, last[place]) if place in last else place
    return (*place, name)


def read_text(path: Path) -> str:
    """The text of a file; OSError or ValueError with a sentence for people when there is none."""
    if path.is_dir():
        raise OSError(f"{path} is a folder: give a preset file that ends in .toml")
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise OSError(f"there is no file {path}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file in UTF-8: save it as TOML") from None


def _named(place: Place) -> str:
    """A place as people say it: "controls tempo_bpm", "phases 2 minutes"."""
    return " ".join(str(part + 1) if isinstance(part, int) else part for part in place)


def _range(low: float, high: float, unit: str = "") -> str:
    return f"{low:g} to {high:g} {unit}".rstrip()
