"""Questionnaires as data: a TOML file each, with source, licence and range, and with items where those are free to use.

A file tells `name`, `title`, `source` and `licence`; `low` and `high` of the score, and `whole`, whether it is a whole
number; `cut_points` from each of which the next band begins, with their `cut_source`; `loinc`, the code of its score;
`days` its questions look back on, and within which it is not asked again. With items it also has an `instruction`,
`options` scored 0, 1, 2 ..., `items`, and a `risk_item` (from 1) to which any answer but the first asks for help at
once, with the name of a questionnaire `without_risk`. Without items only a score that was taken elsewhere can be told.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from synth.preset_file import Section, Sheet, near

FOLDER = Path(__file__).with_name("scales")
MOST_ITEMS = 100


class ScaleError(ValueError):
    """A questionnaire or an answer to it that cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A questionnaire; the fields are the file's, described above. `cut_points` and `items` may be empty."""

    name: str
    title: str
    source: str
    licence: str
    low: float
    high: float
    whole: bool = True
    cut_points: tuple[float, ...] = ()
    cut_source: str = ""
    loinc: str = ""
    days: int = 0
    instruction: str = ""
    options: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    risk_item: int = 0
    without_risk: str = ""

    def band(self, score: float) -> int | None:
        """How many cut-points `score` reaches, 0 for none; None for a scale without cut-points."""
        return sum(score >= point for point in self.cut_points) if self.cut_points else None


def scale_names() -> list[str]:
    """Names of the questionnaires that ship with the engine."""
    return sorted(path.stem.upper() for path in FOLDER.glob("*.toml"))


def load_scale(name_or_path: str | Path) -> Scale:
    """A questionnaire by name, or from a file of one's own by path. ScaleError tells all that is wrong with it."""
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(".toml"):
        return _read(Path(name_or_path))
    names = scale_names()
    if text.upper() not in names:
        known = ", ".join(names)
        raise ScaleError(
            f"no questionnaire called {text!r}{near(text.upper(), names)}; there are {known}, or give a file"
        )
    return _read(FOLDER / f"{text.lower()}.toml")


def _read(path: Path) -> Scale:
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise ScaleError(f"cannot read {path}: {error.strerror or error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ScaleError(f"{path.name}: not TOML: {error}") from None
    except (RecursionError, ValueError):
        raise ScaleError(f"{path.name} is no text file in UTF-8, or nested too deeply") from None
    sheet = Sheet(path.name, text)
    scale = _scale(Section(sheet, data))
    if sheet.problems:
        raise ScaleError("\n".join(sheet.problems))
    return scale


def _scale(top: Section) -> Scale:
    low, high = top.number("low", -1e6, 1e6), top.number("high", -1e6, 1e6)
    if low >= high:
        top.say("high", f"{high:g} is not above low, {low:g}")
    items, options = top.texts("items"), top.texts("options")
    risk_item = top.whole("risk_item", 0, MOST_ITEMS, 0)
    scale = Scale(
        name=top.text("name"),
        title=top.text("title"),
        source=top.text("source"),
        licence=top.text("licence"),
        low=low,
        high=high,
        whole=top.flag("whole", True),
        cut_points=_cut_points(top, low, high),
        cut_source=_optional(top, "cut_source"),
        loinc=_optional(top, "loinc"),
        days=top.whole("days", 0, 366, 0),
        instruction=_optional(top, "instruction"),
        options=options,
        items=items,
        risk_item=risk_item,
        without_risk=_optional(top, "without_risk"),
    )
    top.finish()
    if len(items) > MOST_ITEMS or risk_item > len(items):
        top.say("items", f"has {len(items)}: give up to {MOST_ITEMS}, and the risk_item among them")
    if items and (low, high) != (0, len(items) * (len(options) - 1)):
        top.say("high", f"{low:g} to {high:g} is not what {len(items)} items with {len(options)} options add up to")
    return scale


def _optional(top: Section, key: str) -> str:
    return top.text(key) if top.has(key) else ""


def _cut_points(top: Section, low: float, high: float) -> tuple[float, ...]:
    points = top.get("cut_points") if top.has("cut_points") else []
    numbers = isinstance(points, Sequence) and not isinstance(points, str)
    if not numbers or any(isinstance(p, bool) or not isinstance(p, int | float) for p in points):
        top.say("cut_points", f"{points!r}: give numbers in square brackets")
        return ()
    if list(points) != sorted(set(points)) or not all(low <= point <= high for point in points):
        top.say("cut_points", f"{points!r}: give numbers that rise, from {low:g} to {high:g}")
        return ()
    return tuple(float(point) for point in points)
