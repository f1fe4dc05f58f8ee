"""What a recording's columns mean: names, units told apart by their range, and what a body can give."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from synth.wearables.samples import EEG_BANDS, EEG_SITES

TIME_NAMES = ("t", "t_s", "time", "time_s", "timestamp", "seconds")
ALIASES = {
    "heart_rate": "hr", "hr_bpm": "hr", "bpm": "hr", "ibi": "rr_ms", "rr": "rr_ms", "rri": "rr_ms", "nn": "rr_ms",
    "gsr": "eda", "eda_us": "eda", "skin_conductance": "eda", "temperature": "temp", "accelerometer": "acc",
    "rsp": "resp", "respiration": "resp", "breathing": "resp", "ppg": "bvp", "arousal": "self_arousal",
    "pulse": "hr", "skin_temp": "temp", "respiration_rate": "resp_bpm", "resp_rate": "resp_bpm",
    "breathing_rate": "resp_bpm", "valence": "self_valence", "liking": "feedback",
    **{name: f"eeg_{name}" for name in (*EEG_SITES, *EEG_BANDS)},
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


# Raw EEG keeps the offset of the amplifier (a Muse's lies near 850 uV of its 1683), so its limit is wide; nothing in
# the size of its values tells the unit, which is that of the name or uV.
_EEG = Kind(
    (Unit("uV", 0, np.inf, suffixes=("uv",)), Unit("mV", 0, 0, 1e3, suffixes=("mv",)),
     Unit("V", 0, 0, 1e6, suffixes=("v",))),
    -2000, 2000,
)  # fmt: skip
_BAND = Kind((Unit("log10 uV2", 0, np.inf), Unit("dB", 0, 0, 0.1, suffixes=("db",))), -6, 6)
_TOLD = Kind((Unit("-1..1", -1, 1),), -1, 1)

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
    "bvp": Kind((Unit("arbitrary", -np.inf, np.inf),), -np.inf, np.inf),
    "resp": Kind((Unit("arbitrary", -np.inf, np.inf),), -np.inf, np.inf),
    "resp_bpm": Kind(
        (Unit("breaths a minute", 2, 80, suffixes=("bpm",)), Unit("Hz", 0.03, 1.5, 60.0, suffixes=("hz",))), 2, 60,
    ),
    **{f"eeg_{site}": _EEG for site in EEG_SITES},
    **{f"eeg_{band}": _BAND for band in EEG_BANDS},
    "eeg_contact": Kind((Unit("share", 0, 1), Unit("%", 0, 0, 0.01, suffixes=("percent", "pct"))), 0, 1),
    "self_arousal": _TOLD, "self_valence": _TOLD, "feedback": _TOLD,
}  # fmt: skip


def channel_of(name: str) -> str | None:
    """The channel meant by a file's or a row's name, with or without a unit at its end; None when there is none."""
    name = name.strip().lower()
    channel = ALIASES.get(name, name)
    if channel in KINDS:
        return channel
    bare, _, tail = name.rpartition("_")
    channel = ALIASES.get(bare, bare)
    return channel if channel in KINDS and any(tail in unit.suffixes for unit in KINDS[channel].units) else None


def to_own_unit(channel: str, column: str, value: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """`value` in the channel's own unit, and the repair this took ("" when none).

    The name's suffix counts, unless the values speak for another unit; a median far outside every known
    range leaves the values as they are, to be marked as of no quality.
    """
    sizes = _sizes(value)
    if not sizes.size:
        return value, ""
    unit, note = _unit(channel, column, float(np.median(sizes)))
    return (value, note) if unit is None else (value * unit.scale + unit.offset, note)


class Units:
    """The unit of each column of a stream, judged by the median of its first values and then kept."""

    SETTLED = 32  # values after which the unit stays
    COLUMNS = 1024  # remembered at most; a stream that names more is judged value by value

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], list[float]] = {}
        self._known: dict[tuple[str, str], Unit] = {}
        self._told: set[tuple[str, str, str]] = set()

    def own(
        self, device: str, channel: str, column: str, value: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], str]:
        """`value` of a device's column in the channel's own unit, and what was taken for granted, said once."""
        key = (device, column)
        unit, note = self._known.get(key), ""
        if unit is None:
            first = self._first.setdefault(key, []) if len(self._first) < self.COLUMNS else self._first.get(key, [])
            first += _sizes(value).tolist()
            if not first:
                return value, ""
            unit, note = _unit(channel, column, median(first))
            if len(first) >= self.SETTLED:
                first.clear() if unit is None else self._keep(key, unit)
        name = "" if unit is None else unit.name
        if note and (*key, name) not in self._told and len(self._told) < self.COLUMNS:
            self._told.add((*key, name))
        else:
            note = ""
        return (value, note) if unit is None else (value * unit.scale + unit.offset, note)

    def _keep(self, key: tuple[str, str], unit: Unit) -> None:
        self._first[key] = []
        self._known[key] = unit


def _sizes(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sizes of the values that can tell a unit."""
    return np.abs(value[np.isfinite(value) & (value != 0.0)])


def _unit(channel: str, column: str, middle: float) -> tuple[Unit | None, str]:
    """The unit of values whose median size is `middle`, None when no known one fits; and the repair this takes."""
    units = KINDS[channel].units
    said = _said(units, column)
    fitting = [unit for unit in units if unit.low <= middle <= unit.high]
    if said is not None and (said in fitting or not fitting or said.low == said.high):
        return said, ""
    if not fitting:
        own = units[0]
        return None, f"{column}: median {middle:.4g} is not {own.name} nor a unit this knows; marked as of no quality"
    unit = fitting[0]
    wrong = said is not None or unit is not units[0] and not (channel == "rr_ms" and unit.name == "s")
    return unit, f"{column}: values look like {unit.name} (median {middle:.4g}); read as that" if wrong else ""


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


def ends_before(rr_ms: NDArray[np.float64]) -> NDArray[np.float64]:
    """How long before the last of a run of beat intervals each one ended, s; (n,). A missing interval takes no time."""
    return np.concatenate((np.cumsum(np.nan_to_num(rr_ms[:0:-1], posinf=0.0, neginf=0.0))[::-1], np.zeros(1))) / 1000.0
