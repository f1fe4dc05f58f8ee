"""What a recording's columns mean: names, units told apart by their range, and what a body can give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TIME_NAMES = ("t", "t_s", "time", "time_s", "timestamp", "seconds")
ALIASES = {
    "heart_rate": "hr", "hr_bpm": "hr", "bpm": "hr", "ibi": "rr_ms", "rr": "rr_ms", "rri": "rr_ms", "nn": "rr_ms",
    "gsr": "eda", "eda_us": "eda", "skin_conductance": "eda", "temperature": "temp", "accelerometer": "acc",
    "rsp": "resp", "respiration": "resp", "breathing": "resp", "ppg": "bvp", "arousal": "self_arousal",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit a channel may come in: told by `suffixes` of the column's name, else by its median in `low`..`high`."""

    name: str
    low: float
    high: float
    scale: float = 1.0
    offset: float = 0.0
    suffixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """How a channel is read: its units (the first is its own) and the values `low`..`high` a body can give."""

    units: tuple[Unit, ...]
    low: float
    high: float


# The limits of value: heart rate and interval as in Shaffer & Ginsberg 2017, skin conductance as in Kleckner 2018.
KINDS = {
    "hr": Kind((Unit("bpm", 20, 260, suffixes=("bpm",)), Unit("Hz", 0.3, 4.5, 60.0, suffixes=("hz",))), 30, 220),
    "rr_ms": Kind(
        (
            Unit("ms", 200, 4000, suffixes=("ms",)),
            Unit("s", 0.2, 4.0, 1000.0, suffixes=("s",)),
            Unit("1/1024 s", 0, 0, 1000 / 1024, suffixes=("1024",)),
        ),
        300, 2000,
    ),
    "eda": Kind(
        (
            Unit("uS", 1e-4, 100.0, suffixes=("us",)),
            Unit("nS", 100.0, 1e5, 1e-3, suffixes=("ns",)),
            Unit("S", 1e-8, 1e-4, 1e6, suffixes=("siemens",)),
        ),
        0.05, 60,
    ),
    "temp": Kind(
        (
            Unit("degC", 5, 45, suffixes=("c", "degc")),
            Unit("degF", 60, 113, 5 / 9, -160 / 9, suffixes=("f", "degf")),
            Unit("K", 278, 318, 1.0, -273.15, suffixes=("k",)),
        ),
        10, 45,
    ),
    "acc": Kind(
        (
            Unit("g", 0.3, 4.0, suffixes=("g",)),
            Unit("1/64 g", 20.0, 250.0, 1 / 64, suffixes=("64g",)),
            Unit("m/s2", 4.0, 20.0, 1 / 9.80665, suffixes=("ms2", "mps2")),
            Unit("mg", 300.0, 4000.0, 1e-3, suffixes=("mg",)),
        ),
        0, 16,
    ),
    "self_arousal": Kind((Unit("-1..1", -1, 1),), -1, 1),
    "bvp": Kind((Unit("arbitrary", -np.inf, np.inf),), -np.inf, np.inf),
    "resp": Kind((Unit("arbitrary", -np.inf, np.inf),), -np.inf, np.inf),
}  # fmt: skip


def channel_of(name: str) -> str | None:
    """The channel meant by a file's or a row's name; None when there is none."""
    name = name.strip().lower()
    name = ALIASES.get(name, name)
    return name if name in KINDS else None


def to_own_unit(channel: str, column: str, value: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """`value` in the channel's own unit, and the repair this took ("" when none).

    The name's suffix counts, unless the values speak for another unit; a median far outside every known
    range leaves the values as they are, to be marked as of no quality.
    """
    units = KINDS[channel].units
    finite = value[np.isfinite(value)]
    finite = finite[finite != 0.0]
    if not finite.size:
        return value, ""
    middle = float(np.median(np.abs(finite)))
    said = _said(units, column)
    fitting = [unit for unit in units if unit.low <= middle <= unit.high]
    if said is not None and (said in fitting or not fitting or said.low == said.high):
        unit, note = said, ""
    elif fitting:
        unit = fitting[0]
        wrong = said is not None or unit is not units[0] and not (channel == "rr_ms" and unit.name == "s")
        note = f"{column}: values look like {unit.name} (median {middle:.4g}); read as that" if wrong else ""
    else:
        own = units[0]
        return value, f"{column}: median {middle:.4g} is not {own.name} nor a unit this knows; marked as of no quality"
    return value * unit.scale + unit.offset, note


def _said(units: tuple[Unit, ...], column: str) -> Unit | None:
    """The unit that the column's name tells, if any: `ibi_ms`, `eda_uS`, `x64g`."""
    word = column.strip().lower()
    tail = word.rpartition("_")[2]
    for unit in units:
        for suffix in unit.suffixes:
            if (tail == suffix and "_" in word) or (len(suffix) > 1 and word in {axis + suffix for axis in "xyz"}):
                return unit
    return None


def quality_of(channel: str, value: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 for values a body can give, 0 for others; (n,)."""
    kind = KINDS[channel]
    return ((value >= kind.low) & (value <= kind.high)).astype(np.float64)
