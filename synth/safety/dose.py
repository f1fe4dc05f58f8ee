"""Dose: how much of a week's sound a person has had, after WHO-ITU H.870 (2018), once the output is calibrated.

A week holds 40 hours at 80 dBA for adults, at 75 dBA for sensitive listeners and children, and 3 dB more halve the
time: `percent = 100 * sum(hours / 40 * 10 ** ((level - weekly) / 10))`. The engine knows only its own loudness; a
calibration says how loud that is at the ear. Without one nothing is said in dB SPL, and no dose is counted.

The level is K-weighted (BS.1770) in place of A-weighted. Set equal at 1 kHz, the music of the shipped presets reads
4 to 6 dB higher so, and pink noise 4, as A counts low notes less. A calibration made with pink noise or the music
itself takes that out but for 2 dB; one made at 1 kHz counts the dose too high, never too low.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from synth.controls import Request, control
from synth.dsp.loudness import OFFSET_LU
from synth.safety.ledger import Heard, in_week, read_ledger

WEEK_HOURS = 40.0
REFERENCE_LUFS = -20.0
WARN_PERCENT, FULL_PERCENT = 80.0, 100.0
STEP_DB, STEP_PERCENT = 3.0, 10.0  # softer by so much at 100 %, and again for each further 10 %
CALIBRATED_DB_SPL = (30.0, 110.0)


class CalibrationError(ValueError):
    """A calibration that cannot be used; the message says what to write."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How loud -20 LUFS is at the ear, in dB SPL (A-weighted, slow), and how that was found."""

    db_spl_at_minus_20_lufs: float
    source: str = "not told"

    def __post_init__(self) -> None:
        low, high = CALIBRATED_DB_SPL
        level = self.db_spl_at_minus_20_lufs
        if isinstance(level, bool) or not isinstance(level, int | float) or not low <= level <= high:
            raise CalibrationError(f"db_spl_at_minus_20_lufs = {level!r}: give {low:g} to {high:g} dB SPL")
        if not isinstance(self.source, str):
            raise CalibrationError(f"calibration source = {self.source!r}: say in words how it was measured")

    @classmethod
    def of(cls, given: Any) -> Calibration | None:
        """From a number (dB SPL at -20 LUFS), a mapping of the fields, or a .toml or .json file of them; None is none.

        CalibrationError with what to write instead.
        """
        if given is None or isinstance(given, Calibration):
            return given
        if isinstance(given, str | Path):
            given = _read(Path(given))
        if isinstance(given, Mapping):
            given = given.get("calibration", given)
        if isinstance(given, Mapping):
            if unknown := given.keys() - {"db_spl_at_minus_20_lufs", "source"}:
                raise CalibrationError(f"calibration has no {', '.join(sorted(map(str, unknown)))}")
            if "db_spl_at_minus_20_lufs" not in given:
                raise CalibrationError("calibration: db_spl_at_minus_20_lufs is missing")
            return cls(**given)
        return cls(given)

    def level_db_spl(self, mean_square: float) -> float:
        """Level at the ear of a K-weighted mean square, both channels together; -inf for silence."""
        if mean_square <= 0.0:
            return -math.inf
        return self.db_spl_at_minus_20_lufs + OFFSET_LU + 10.0 * math.log10(mean_square) - REFERENCE_LUFS


def _read(path: Path) -> Any:
    """What a file says, or the number that a text is."""
    try:
        return float(str(path))
    except ValueError:
        pass
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise CalibrationError(f"{path}: no calibration can be read ({error})") from None


@dataclass(frozen=True, slots=True)
class Advice:
    """A level at the ear that suits a kind of session, dBA."""

    low_dba: float | None
    high_dba: float

    @property
    def words(self) -> str:
        """As people write it."""
        return f"up to {self.high_dba:g} dBA" if self.low_dba is None else f"{self.low_dba:g} to {self.high_dba:g} dBA"


_RELAX, _MOVE = Advice(50.0, 65.0), Advice(None, 80.0)  # by the preset's goal; project
ADVICE: Mapping[str, Advice] = MappingProxyType(
    {
        "settle": _RELAX, "gentle": _RELAX, "drift": _RELAX, "breathe": _RELAX, "break": _RELAX, "own": _RELAX,
        "sleep": Advice(40.0, 50.0), "focus": Advice(None, 70.0), "energise": _MOVE, "pace": _MOVE,
    }
)  # fmt: skip


def dose_percent(heard: Iterable[tuple[float, float]], weekly_dba: float = 80.0) -> float:
    """Share of a week's dose of (hours, level in dBA) pairs."""
    return 100.0 * sum(hours / WEEK_HOURS * 10.0 ** ((level - weekly_dba) / 10.0) for hours, level in heard)


class Dose:
    """Counts one listener's dose over a week, warns at 80 % and makes the music softer from 100 % on.

    `week`: what was heard in earlier sessions, or the file of a ledger, of which the seven days up to `today` count.
    `weekly_dba`: 80, or 75 for sensitive listeners and children. Reads no clock: time is what `step` is told.
    `words` says what is wrong with the ledger. Raises ValueError for another `weekly_dba`.
    """

    def __init__(
        self,
        calibration: Calibration | None,
        week: Iterable[Heard] | str | Path = (),
        today: date | None = None,
        weekly_dba: float = 80.0,
    ) -> None:
        if weekly_dba not in (75.0, 80.0):
            raise ValueError(f"weekly_dba = {weekly_dba:g}: H.870 has 80 for adults, 75 for children and the sensitive")
        self.calibration, self.weekly_dba = calibration, weekly_dba
        self.words: tuple[str, ...] = ()
        if isinstance(week, str | Path):
            week, self.words = read_ledger(week)
        self._before = sum(entry.hours_at_80_dba for entry in in_week(week, today))
        self._hours = self._told_hours = self._saved_hours = 0.0
        self._seconds = self._told_seconds = self._saved_seconds = 0.0
        self._warned = False
        self._steps = 0
        self._from_lufs = math.nan

    @property
    def heard_hours(self) -> float:
        """What was heard before this session, as hours at 80 dBA."""
        return self._before

    @property
    def percent(self) -> float | None:
        """Share of the week's dose so far; None without a calibration."""
        if self.calibration is None:
            return None
        return dose_percent([(self._before + self._hours, 80.0)], self.weekly_dba)

    def step(self, seconds: float, mean_square: float, loudness_lufs: float) -> tuple[list[Request], tuple[str, ...]]:
        """`seconds` more were heard, of a K-weighted `mean_square`, with the control `loudness_lufs` where it is:
        what safety asks for now, and what a person should know. Nothing of either without a calibration."""
        if self.calibration is None:
            return [], ()
        level = self.calibration.level_db_spl(mean_square)
        self._hours += seconds / 3600.0 * 10.0 ** ((level - 80.0) / 10.0)
        self._seconds += seconds
        percent = self.percent or 0.0
        words: list[str] = []
        if percent >= WARN_PERCENT and not self._warned:
            self._warned = True
            words.append(f"{percent:.0f} % of a week's dose of sound is reached ({self.weekly_dba:g} dBA for 40 hours)")
        return self._soften(percent, loudness_lufs, words), tuple(words)

    def _soften(self, percent: float, loudness_lufs: float, words: list[str]) -> list[Request]:
        due = 1 + math.floor((percent - FULL_PERCENT) / STEP_PERCENT) if percent >= FULL_PERCENT else 0
        if due <= self._steps:
            return []
        if not self._steps:
            self._from_lufs = loudness_lufs
        row = control("loudness_lufs")
        before = max(self._from_lufs - STEP_DB * self._steps, row.low)
        goal = max(self._from_lufs - STEP_DB * due, row.low)
        self._steps = due
        if goal == before:
            words.append(
                f"{percent:.0f} % of a week's dose of sound: this is as soft as it goes; better to stop for today"
            )
            return []
        reason = f"{percent:.0f} % of a week's dose of sound"
        words.append(f"{reason}: softer, to {row.text(goal)} {row.unit}")
        return [Request(row.name, goal, "safety", reason)]

    def take_line(self) -> dict[str, float] | None:
        """`percent` and the mean `level_db_spl` since this was asked last, for the record; None when there is none."""
        hours, seconds = self._hours - self._told_hours, self._seconds - self._told_seconds
        self._told_hours, self._told_seconds = self._hours, self._seconds
        if self.percent is None or hours <= 0.0 or seconds <= 0.0:
            return None
        level = 80.0 + 10.0 * math.log10(hours / (seconds / 3600.0))
        return {"percent": round(self.percent, 4), "level_db_spl": round(level, 2)}

    def take_heard(self, today: date) -> Heard | None:
        """What was heard since this was asked last, for a ledger; None when it was nothing or is not known."""
        hours, seconds = self._hours - self._saved_hours, self._seconds - self._saved_seconds
        self._saved_hours, self._saved_seconds = self._hours, self._seconds
        return Heard(today, hours, seconds) if hours > 0.0 else None
