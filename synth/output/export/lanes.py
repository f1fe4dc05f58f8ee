"""The controls as heard, as lanes for a DAW: each as the MIDI controller that the table of controls gives it."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from synth.controls import TABLE, Control
from synth.output.folder import OutputError

CC_STEPS = 127


@dataclass(frozen=True, slots=True)
class Lane:
    """One control over time: from `times_s[i]` (`ticks[i]`) on it has `values[i]`, in its own unit, until the next.

    It has a point wherever its controller's value changes, so a lane that never moved has one.
    """

    control: Control
    times_s: tuple[float, ...]
    values: tuple[float, ...]
    ticks: tuple[int, ...] = ()

    @property
    def stem(self) -> str:
        """The stem whose level it is, or ""."""
        name = self.control.name
        return name[len("level_") : -len("_db")] if name.startswith("level_") else ""

    @property
    def number(self) -> int:
        """The controller."""
        assert self.control.cc is not None
        return self.control.cc

    @property
    def shares(self) -> list[float]:
        """The values as shares of the control's range, 0 to 1."""
        return [share(self.control, value) for value in self.values]

    @property
    def ccs(self) -> list[int]:
        """The values as a controller sends them, 0 to 127."""
        return [cc_value(self.control, value) for value in self.values]


def share(control: Control, value: float) -> float:
    """Where `value` stands in the control's range, 0 to 1; by octaves where the control is logarithmic."""
    value = control.clamp(value)
    if control.curve == "log":
        return math.log(value / control.low) / math.log(control.high / control.low)
    return (value - control.low) / (control.high - control.low)


def cc_value(control: Control, value: float) -> int:
    """The value of a 7-bit controller that is nearest to `value`."""
    return round(share(control, value) * CC_STEPS)


def read_lanes(path: Path) -> list[Lane]:
    """A lane for each control with a controller in the controls.csv at `path`, by controller; none without the file.

    A last line that was torn off is left out; OutputError names any other that cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return _lanes(path, csv.DictReader(file))
    except FileNotFoundError:
        return []
    except OutputError:
        raise
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OutputError(f"{path} cannot be read: {error}") from None


def _lanes(path: Path, rows: csv.DictReader[str]) -> list[Lane]:
    controls = [TABLE[name] for name in rows.fieldnames or () if name in TABLE and TABLE[name].cc is not None]
    moves: dict[str, list[tuple[float, float]]] = {control.name: [] for control in controls}
    trouble = ""
    for number, row in enumerate(rows, 2):
        if trouble:
            raise OutputError(trouble)
        try:
            time_s, values = float(row["t_s"]), [float(row[control.name]) for control in controls]
        except (KeyError, TypeError, ValueError):
            trouble = f"{path}, line {number}: a value is missing, or no number"
            continue
        for control, heard in zip(controls, values, strict=True):
            lane, value = moves[control.name], control.clamp(heard)  # the last bar may slow below the tempo's range
            if not lane or _moved(control, lane[-1][1], value):
                lane.append((time_s, value))
    controls.sort(key=lambda control: control.cc or 0)
    return [
        Lane(control, tuple(time for time, _ in lane), tuple(value for _, value in lane))
        for control in controls
        if (lane := moves[control.name])
    ]


def _moved(control: Control, before: float, now: float) -> bool:
    """Whether a controller shows it."""
    return now != before and cc_value(control, now) != cc_value(control, before)
