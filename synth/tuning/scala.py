"""Scala files: scales (.scl) and keyboard mappings (.kbm), read and written by the rules of the Scala program.

https://www.huygens-fokker.org/scala/scl_format.html and https://www.huygens-fokker.org/scala/help.htm#mappings.
Lines that begin with "!" are comments. Files are text of 8 bits: UTF-8 is tried first, then Latin-1.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from synth.units import hz_to_note

Interval = Fraction | float  # a frequency ratio, or cents

_MOST_BYTES = 1_000_000  # the rules allow that larger files are refused
_MOST_DIGITS = 300  # of a ratio's parts, so that they divide as floats
_UNFINISHED = r"(?![.,/:^*+-]|[eE][+-]?\d)"  # what goes on like this is no number followed by text
_CENTS = re.compile(r"[ \t]*+([+-]?(?:\d++\.\d*+|\.\d++))" + _UNFINISHED, re.ASCII)
_RATIO = re.compile(r"[ \t]*+([+-]?\d++)(?:[ \t]*+/[ \t]*+([+-]?\d++))?+(?![ \t]*/)" + _UNFINISHED, re.ASCII)
_WHOLE = re.compile(r"[ \t]*+([+-]?\d{1,9}+)(?![\d.,/])", re.ASCII)
_NUMBER = re.compile(r"[ \t]*+(\+?(?:\d++\.?\d*+|\.\d++))" + _UNFINISHED, re.ASCII)


class TuningError(ValueError):
    """A scale, tuning or file of one that cannot be used; the message says where and what to do."""


@dataclass(frozen=True, slots=True)
class Scl:
    """A scale as a .scl file holds it: `intervals` above an implied 1/1, the last of them the period."""

    description: str
    intervals: tuple[Interval, ...]

    @property
    def cents(self) -> tuple[float, ...]:
        """The intervals in cents, in the file's order."""
        return tuple(cents_of(interval) for interval in self.intervals)


@dataclass(frozen=True, slots=True)
class Kbm:
    """A keyboard mapping as a .kbm file holds it. Keys are MIDI notes.

    From key `middle` on, up and down, each `len(degrees)` keys play `degrees` of the scale (None: no sound) and then
    the same again, `octave` degrees of the scale apart (0: the scale's size). With no `degrees` each key plays
    the next degree. Keys from `first` to `last` are tuned; key `reference` sounds at `frequency_hz`.
    """

    degrees: tuple[int | None, ...] = ()
    first: int = 0
    last: int = 127
    middle: int = 60
    reference: int = 69
    frequency_hz: float = 440.0
    octave: int = 0


def cents_of(interval: Interval) -> float:
    """Cents of a ratio; cents stay what they are."""
    return 1200.0 * math.log2(interval) if isinstance(interval, Fraction) else interval


def read_bytes(path: Path) -> bytes:
    """The content of a file. TuningError when it cannot be read, or is larger than any scale."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise TuningError(f"{path} has more than a million bytes: no scale is that long")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, TuningError):
            raise
        reason = error.strerror if isinstance(error, OSError) else error
        raise TuningError(f"{path} cannot be read: {reason}") from None


def parse_interval(text: str) -> Interval:
    """A pitch value by Scala's rules: cents when it has a period, else a ratio; text after it is ignored.

    TuningError when `text` does not begin with one, or with a ratio that is not above 0.
    """
    if found := _CENTS.match(text):
        cents = float(found[1])
        if not math.isfinite(cents):
            raise TuningError(f"{_shown(text)} is more cents than a number can hold")
        return cents
    found = _RATIO.match(text)
    if not found:
        raise TuningError(f"{_shown(text)} is not a pitch: give a ratio as 3/2, or cents with a point as 701.955")
    if any(part and len(part) > _MOST_DIGITS for part in found.groups()):
        raise TuningError(f"{_shown(text)} has more than {_MOST_DIGITS} digits: give cents")
    above, below = int(found[1]), int(found[2] or 1)
    if above <= 0 or below <= 0:
        raise TuningError(f"{_shown(text)} is not a ratio above 0: write a lower pitch as 1/2 or as -1200.0 cents")
    return Fraction(above, below)


def parse_scl(content: bytes | str, name: str = "scale") -> Scl:
    """The scale in a .scl file's content; errors call the file `name`. TuningError with the line that is wrong."""
    lines = _lines(content, name)
    _, description = next(lines, (0, None))
    if description is None:
        raise TuningError(f"{name}: holds nothing: a .scl file has a description, a number of notes, and the pitches")
    number, text = next(lines, (0, ""))
    count = _WHOLE.match(text)
    if not count or int(count[1]) < 0:
        where = f"{name}, line {number}" if number else name
        raise TuningError(f"{where}: {_shown(text)} stands where the number of notes belongs, after the description")
    intervals: list[Interval] = []
    while len(intervals) < int(count[1]):
        number, text = next(lines, (0, ""))
        if not number:
            raise TuningError(f"{name}: {count[1]} notes are promised and {len(intervals)} given: add them, or say so")
        try:
            intervals.append(parse_interval(text))
        except TuningError as error:
            raise TuningError(f"{name}, line {number}: {error}") from None
    return Scl(description.strip(), tuple(intervals))


def read_scl(path: Path) -> Scl:
    """The scale in a .scl file. TuningError when it cannot be read or is not one."""
    return parse_scl(read_bytes(path), path.name)


def scl_text(scl: Scl, name: str = "scale.scl") -> str:
    """The text of a .scl file that reads back as the same scale."""
    description = " ".join(scl.description.split())
    notes = [f" {_interval_text(interval)}" for interval in scl.intervals]
    head = [f"! {name}", "!", f" {description}" if description.startswith("!") else description]
    return "\n".join([*head, f" {len(notes)}", "!", *notes, ""])


def write_scl(scl: Scl, path: Path) -> None:
    """Write `scl` to `path` in one step."""
    _write(path, scl_text(scl, path.name))


def parse_kbm(content: bytes | str, name: str = "mapping") -> Kbm:
    """The mapping in a .kbm file's content; errors call the file `name`. TuningError with the line that is wrong."""
    lines = _lines(content, name)

    def whole(what: str, low: int, high: int) -> int:
        number, text = next(lines, (0, ""))
        found = _WHOLE.match(text)
        if found and low <= int(found[1]) <= high:
            return int(found[1])
        where = f"{name}, line {number}: {_shown(text)} stands where" if number else f"{name}: ends where"
        raise TuningError(f"{where} {what} belongs: a whole number from {low} to {high}")

    size = whole("the number of keys in the map", 0, 1000)
    first = whole("the first MIDI note to tune", 0, 127)
    last = whole("the last MIDI note to tune", 0, 127)
    middle = whole("the MIDI note of the map's first entry", 0, 127)
    reference = whole("the MIDI note whose frequency is given", 0, 127)
    number, text = next(lines, (0, ""))
    found = _NUMBER.match(text)
    frequency_hz = float(found[1]) if found else 0.0
    if not 1.0 <= frequency_hz <= 100_000.0:
        where = f"{name}, line {number}" if number else name
        raise TuningError(f"{where}: {_shown(text)} is not a frequency in Hz, such as 440.0")
    octave = whole("the scale degree of the formal octave", 0, 10_000)
    degrees: list[int | None] = []
    while len(degrees) < size:
        number, text = next(lines, (0, ""))
        if re.match(r"[ \t]*[xX](?!\w)", text):
            degrees.append(None)
        elif (found := _WHOLE.match(text)) and abs(int(found[1])) <= 10_000:
            degrees.append(int(found[1]))
        elif not text.strip() and not any(rest.strip() for _, rest in lines):  # the last silent keys may be left out
            degrees.append(None)
        else:
            raise TuningError(f"{name}, line {number}: {_shown(text)} is not a scale degree, or x for a silent key")
    if first > last:
        raise TuningError(f"{name}: the first MIDI note, {first}, is above the last, {last}: exchange them")
    return Kbm(tuple(degrees), first, last, middle, reference, frequency_hz, octave)


def read_kbm(path: Path) -> Kbm:
    """The mapping in a .kbm file. TuningError when it cannot be read or is not one."""
    return parse_kbm(read_bytes(path), path.name)


def kbm_text(kbm: Kbm, name: str = "mapping.kbm") -> str:
    """The text of a .kbm file that reads back as the same mapping."""
    rows: list[tuple[str, object]] = [
        ("Size of map. The pattern repeats every so many keys:", len(kbm.degrees)),
        ("First MIDI note number to tune:", kbm.first),
        ("Last MIDI note number to tune:", kbm.last),
        ("Middle note where the first entry of the map belongs:", kbm.middle),
        ("Reference note for which the frequency is given:", kbm.reference),
        ("Frequency of that note in Hz:", _decimal(kbm.frequency_hz)),
        ("Scale degree of the formal octave, between one pattern and the next:", kbm.octave),
    ]
    lines = [f"! {name}", "!", *(line for what, value in rows for line in (f"! {what}", f"{value}")), "! Map:"]
    return "\n".join([*lines, *("x" if degree is None else f"{degree}" for degree in kbm.degrees), ""])


def write_kbm(kbm: Kbm, path: Path) -> None:
    """Write `kbm` to `path` in one step."""
    _write(path, kbm_text(kbm, path.name))


def keyboard(scl: Scl, kbm: Kbm) -> tuple[float | None, ...]:
    """The pitch of each of the 128 MIDI keys as a fine MIDI note; None for keys that are not mapped or not tuned.

    TuningError when the scale has no notes or the reference key is not mapped.
    """
    if not scl.intervals:
        raise TuningError("a scale of no notes cannot be put on keys: give its intervals up to the period")
    cents = (0.0, *scl.cents)

    def cents_at(degree: int) -> float:
        periods, place = divmod(degree, len(scl.intervals))
        return periods * cents[-1] + cents[place]

    def above_middle(key: int) -> float | None:
        if not kbm.degrees:
            return cents_at(key - kbm.middle)
        pattern, place = divmod(key - kbm.middle, len(kbm.degrees))
        degree = kbm.degrees[place]
        return None if degree is None else pattern * cents_at(kbm.octave or len(scl.intervals)) + cents_at(degree)

    reference = above_middle(kbm.reference)
    if reference is None:
        raise TuningError(f"key {kbm.reference} has a frequency but no degree in the map: give it one instead of x")
    base = hz_to_note(kbm.frequency_hz) - reference / 100.0
    keys = [above_middle(key) if kbm.first <= key <= kbm.last else None for key in range(128)]
    return tuple(None if cents is None else base + cents / 100.0 for cents in keys)


def _write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8", newline="\n")
    os.replace(partial, path)


def _lines(content: bytes | str, name: str) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is not a comment."""
    text = content if isinstance(content, str) else _decoded(content)
    if "\0" in text:
        raise TuningError(f"{name}: is not a text file of 8 bits: save it as UTF-8")
    lines = re.split(r"\r\n|\r|\n", text)
    if not lines[-1]:
        lines.pop()
    return ((number, line) for number, line in enumerate(lines, 1) if not line.startswith("!"))


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _interval_text(interval: Interval) -> str:
    if isinstance(interval, Fraction):
        return f"{interval.numerator}/{interval.denominator}"
    return _decimal(interval)


def _decimal(number: float) -> str:
    """A float that reads back as itself, without an exponent and with a point."""
    text = format(Decimal(repr(number)), "f")
    return text if "." in text else f"{text}.0"


def _shown(text: str) -> str:
    """A line as it stands, not more of it than a message can hold."""
    text = text.strip()
    return repr(text if len(text) <= 40 else f"{text[:36]} ...") if text else "an empty line"
