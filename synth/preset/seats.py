"""Where each role sits in the mix of a goal: the numbers a stem has that a preset names without them.

A level is a stem's loudness against the whole programme's, in LU. The pads lie wide and behind, what one may follow
stands close and near the middle, what is low is mono; each is filtered to the octaves it needs, and only the rooms of
the roles that sing are sent to the reverb.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

OFF_DB = -60.0  # of a send


@dataclass(frozen=True, slots=True)
class Seat:
    """How a role sits. `send_db` is against the dry stem, `distance` 0 close to 1 far; `low` and `high` are the MIDI
    notes it keeps to. A role that is not `played` waits, at this level, until a person brings it in."""

    level_lu: float
    send_db: float
    width: float
    highpass_hz: float
    lowpass_hz: float
    distance: float
    low: int = 0
    high: int = 127
    played: bool = True


@dataclass(frozen=True, slots=True)
class MixPlan:
    """The seats of every role; the slope of the long-term spectrum, 100 Hz to 10 kHz; and how loud, in dB against the
    melody, another stem may be where the melody has most of its energy."""

    seats: Mapping[str, Seat]
    slope_db_oct: float
    margin_db: float


_CALM = {
    "pad": Seat(-5, -8, 0.8, 140, 6000, 0.55, 43, 72),
    "bass": Seat(-9, -26, 0.0, 32, 900, 0.1, 28, 43),
    "drone": Seat(-10, -14, 0.6, 60, 4000, 0.6, 33, 60),
    "melody": Seat(-8, -10, 0.4, 120, 9000, 0.25, 60, 84),
    "bells": Seat(-14, -5, 0.7, 250, 8000, 0.45, 60, 96),
    "percussion": Seat(-18, -18, 0.3, 50, 10000, 0.3),
    "nature": Seat(-10, OFF_DB, 0.85, 90, 9000, 0.8),
    "texture": Seat(-16, -9, 0.8, 250, 8000, 0.7, 55, 96),
    "pulse": Seat(-15, -20, 0.3, 45, 4000, 0.15, 28, 72),
    "reverb": Seat(-11, OFF_DB, 1.0, 180, 6000, 0.0),
}


def _moved(seats: Mapping[str, Seat], changes: Mapping[str, Mapping[str, Any]]) -> dict[str, Seat]:
    return {role: replace(seat, **changes.get(role, {})) for role, seat in seats.items()}


CALM = MixPlan(MappingProxyType(_CALM), -5.0, 3.0)
SLEEP = MixPlan(
    MappingProxyType(
        _moved(
            _CALM,
            {
                "pad": {"level_lu": -4, "lowpass_hz": 2500},
                "bass": {"level_lu": -10},
                "drone": {"level_lu": -8, "lowpass_hz": 2000},
                "melody": {"level_lu": -14, "distance": 0.4, "lowpass_hz": 6000},
                "bells": {"level_lu": -16, "distance": 0.6, "lowpass_hz": 6000},
                "percussion": {"level_lu": -26, "lowpass_hz": 5000, "played": False},
                "nature": {"level_lu": -6, "lowpass_hz": 4000},
                "texture": {"level_lu": -18, "lowpass_hz": 4000},
                "pulse": {"level_lu": -18, "lowpass_hz": 2000},
                "reverb": {"level_lu": -9, "lowpass_hz": 4000},
            },
        )
    ),
    -7.0,
    6.0,
)
FOCUS = MixPlan(
    MappingProxyType(
        _moved(
            _CALM,
            {
                "pad": {"level_lu": -6},
                "bass": {"level_lu": -8},
                "drone": {"level_lu": -11},
                "melody": {"level_lu": -11},
                "bells": {"level_lu": -17},
                "percussion": {"level_lu": -13},
                "texture": {"level_lu": -18},
                "pulse": {"level_lu": -13},
                "reverb": {"level_lu": -14},
            },
        )
    ),
    -4.5,
    5.0,
)
ENERGISE = MixPlan(
    MappingProxyType(
        _moved(
            _CALM,
            {
                "pad": {"level_lu": -7, "lowpass_hz": 8000},
                "bass": {"level_lu": -6, "lowpass_hz": 3000},
                "drone": {"level_lu": -13},
                "melody": {"level_lu": -6, "distance": 0.15, "lowpass_hz": 12000},
                "bells": {"level_lu": -13, "distance": 0.35},
                "percussion": {"level_lu": -7, "distance": 0.2},
                "nature": {"level_lu": -18},
                "pulse": {"level_lu": -10, "distance": 0.1, "lowpass_hz": 6000},
                "reverb": {"level_lu": -14},
            },
        )
    ),
    -3.5,
    0.0,
)

_OF_GOAL = {"sleep": SLEEP, "focus": FOCUS, "energise": ENERGISE, "pace": ENERGISE}


def mix_plan(goal: str) -> MixPlan:
    """The plan for a goal of `GOALS`; calm where a goal asks for no other."""
    return _OF_GOAL.get(goal, CALM)


def seat(goal: str, role: str) -> Seat:
    """How `role`, one of STEMS, sits when the goal is `goal`."""
    return mix_plan(goal).seats[role]
