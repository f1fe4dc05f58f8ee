"""Asking people: questionnaires, sliders, and scores taken elsewhere, each to one line of numbers for the record.

For hosts who ask. A score is told with its range and published cut-points as numbers; it is no diagnosis, and nothing
here names one. Answers are not kept, only what they add up to. A questionnaire with an item that may tell of danger
(PHQ-9, item 9) is opened only with someone to tell: `on_risk` is called the moment such an answer is given.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth.record.lines import Line, number
from synth.record.scale import Scale, ScaleError, load_scale

MOMENTS = ("before", "during", "after", "apart")  # of the session; apart: on another day


class Risk(NamedTuple):
    """An answer that asks for help at once: which item (from 1) of which scale, answered with what, on which day."""

    scale: str
    item: int
    answer: int
    on: date


OnRisk = Callable[[Risk], object]


@dataclass(frozen=True, slots=True)
class Score:
    """What came out: `score` within `low`..`high`, `when` of the session it was asked (MOMENTS) and `on` which day.

    `band` is how many `cut_points` it reaches (None without any). `risk_flag` is None for scales without such an item.
    """

    name: str
    score: float
    low: float
    high: float
    when: str
    on: date | None = None
    cut_points: tuple[float, ...] = ()
    band: int | None = None
    loinc: str = ""
    risk_flag: bool | None = None

    def line(self) -> Line:
        """Its line in a record."""
        told: dict[str, Any] = {"type": "scores", "when": self.when, "name": self.name, "score": self.score}
        told |= {"low": self.low, "high": self.high}
        more = {
            "on": None if self.on is None else self.on.isoformat(),
            "cut_points": list(self.cut_points) or None,
            "band": self.band,
            "loinc": self.loinc or None,
            "risk_flag": self.risk_flag,
        }
        return told | {name: value for name, value in more.items() if value is not None}


class Questionnaire:
    """A scale opened for one person on the day `on`; `last` is the day on which they last answered it, if known.

    ScaleError when it cannot be opened: it has no items, looks back on days that `last` still covers, or has a risk
    item and no `on_risk` to call. `on_risk` is a plain function, called with a Risk in the thread that scores.
    """

    def __init__(
        self, scale: str | Scale, *, on: date, last: date | None = None, on_risk: OnRisk | None = None
    ) -> None:
        self.scale = load_scale(scale) if isinstance(scale, str) else scale
        self.on = _day(on)
        self._told = False
        self._on_risk = on_risk
        if not self.scale.items:
            raise ScaleError(
                f"{self.scale.name} has no items here ({self.scale.licence}): tell its score, with imported()"
            )
        if last is not None:
            _not_too_soon(self.scale, self.on, _day(last))
        if self.scale.risk_item and not _is_plain_function(on_risk):
            other = f", or ask {self.scale.without_risk}" if self.scale.without_risk else ""
            raise ScaleError(
                f"{self.scale.name} asks in item {self.scale.risk_item} for danger to the person: give on_risk, a "
                f"plain function (not a coroutine) that brings someone at once{other}"
            )

    def score(self, answers: Sequence[float | None] | NDArray[Any], when: str = "apart") -> Score:
        """The score of whole `answers`, 0 for the first option of each item; `when` is one of MOMENTS.

        At an answer above 0 to the risk item `on_risk` is called first of all, once for this questionnaire: before
        other answers are looked at and before anything is returned. What it raises comes through, and there is no
        score then. ScaleError for answers that are missing, too many, or none of the options.
        """
        scale = self.scale
        if isinstance(answers, str | bytes) or not isinstance(answers, Sequence | np.ndarray):
            raise ScaleError(f"{scale.name}: give its answers as a list of numbers")
        if len(answers) != len(scale.items):
            raise ScaleError(f"{scale.name} has {len(scale.items)} items, and {len(answers)} answers were given")
        risk = scale.risk_item and self._answer(answers, scale.risk_item)
        if risk and self._on_risk is not None and not self._told:
            returned = self._on_risk(Risk(scale.name, scale.risk_item, risk, self.on))
            if inspect.isawaitable(returned):
                raise ScaleError("on_risk gave back what must be awaited, so nobody was told: give a plain function")
            self._told = True
        total = float(sum(self._answer(answers, item) for item in range(1, len(scale.items) + 1)))
        return _scored(scale, total, when, self.on, bool(risk) if scale.risk_item else None)

    def _answer(self, answers: Sequence[float | None] | NDArray[Any], item: int) -> int:
        value, most = answers[item - 1], len(self.scale.options) - 1
        if value is None:
            raise ScaleError(
                f"{self.scale.name}: item {item} is not answered; an unfinished questionnaire has no score"
            )
        told = number(value.item() if isinstance(value, np.generic) else value)
        if told is None or told != round(told) or not 0 <= told <= most:
            raise ScaleError(
                f"{self.scale.name}: item {item} is answered with {value!r}; give a whole number, 0 to {most}"
            )
        return int(told)


@dataclass(frozen=True, slots=True)
class Slider:
    """A slider of one's own: what is at its left end, what at its right, and the numbers they stand for.

    ScaleError when the ends or names cannot be used.
    """

    name: str
    low_label: str
    high_label: str
    low: float = 0.0
    high: float = 100.0

    def __post_init__(self) -> None:
        for text in (self.name, self.low_label, self.high_label):
            if not isinstance(text, str) or not text.strip() or len(text) > 200 or not text.isprintable():
                raise ScaleError(
                    f"{text!r}: give a slider's name and the names of its ends in words, up to 200 letters"
                )
        ends = number(self.low), number(self.high)
        if ends[0] is None or ends[1] is None or ends[0] >= ends[1]:
            raise ScaleError(f"slider {self.name!r}: {self.low!r} to {self.high!r} is no range")

    def score(self, value: float, when: str, on: date | None = None) -> Score:
        """Where the slider was left, at which of MOMENTS; ScaleError when that is beyond its ends or not a number."""
        return Score(
            self.name,
            _within(self.name, value, self.low, self.high),
            self.low,
            self.high,
            _moment(when),
            _maybe_day(on),
        )


def vas(name: str, low_label: str, high_label: str) -> Slider:
    """A visual analogue scale: 0 to 100 between two words, such as "no tension" and "tension as strong as can be"."""
    return Slider(name, low_label, high_label)


def imported(scale: str | Scale, score: float, when: str = "apart", on: date | None = None) -> Score:
    """A score that was taken elsewhere, of a scale whose items are not shipped; ScaleError when it is out of range.

    A scale with items is not imported: what its risk item said would be lost.
    """
    scale = load_scale(scale) if isinstance(scale, str) else scale
    if scale.items:
        raise ScaleError(f"{scale.name} is answered here: give its answers to a Questionnaire")
    value = _within(scale.name, score, scale.low, scale.high)
    if scale.whole and value != round(value):
        raise ScaleError(f"{scale.name}: {value:g} is no whole number, as its scores are")
    return _scored(scale, value, when, _maybe_day(on), None)


def _scored(scale: Scale, value: float, when: str, on: date | None, risk: bool | None) -> Score:
    band = scale.band(value)
    moment = _moment(when)
    return Score(scale.name, value, scale.low, scale.high, moment, on, scale.cut_points, band, scale.loinc, risk)


def _within(name: str, value: object, low: float, high: float) -> float:
    told = number(value)
    if told is None or not low <= told <= high:
        raise ScaleError(f"{name}: {value!r} is out of range: give {low:g} to {high:g}")
    return told


def _moment(when: str) -> str:
    if when not in MOMENTS:
        raise ScaleError(f"{when!r} is no moment of a session: give one of {', '.join(MOMENTS)}")
    return when


def _day(value: object) -> date:
    if not isinstance(value, date):
        raise ScaleError(f"{value!r} is no date: give a datetime.date")
    return value.date() if isinstance(value, datetime) else value


def _maybe_day(value: date | None) -> date | None:
    return None if value is None else _day(value)


def _not_too_soon(scale: Scale, on: date, last: date) -> None:
    since = (on - last).days
    if since < 0:
        raise ScaleError(f"{scale.name} was last answered on {last}, after {on}: one of the two dates is wrong")
    if since < scale.days:
        raise ScaleError(
            f"{scale.name} looks back on {scale.days} days and was answered {since} days ago, on {last}: ask it from "
            f"day {scale.days} on, and a slider until then"
        )


def _is_plain_function(on_risk: object) -> bool:
    return callable(on_risk) and not inspect.iscoroutinefunction(on_risk)
