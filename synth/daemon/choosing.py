"""Chooses a preset where none was named: by the goal, else by the time of day and what a wearable says, with reasons.

A small table and no model: whoever knows better names a preset or a goal. The hours and the rate at which a heart at
rest counts as quick are the project's own.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from functools import cache

from synth.api.new_session import NewSession, Signals
from synth.preset import GOALS, Preset, load_preset, preset_names
from synth.safety.limits import REST_MOTION_G
from synth.safety.screening import DROWSY

QUICK_BPM = 90.0
HOURLY = ((5.0, "settle", "early morning"), (7.0, "energise", "morning"), (11.0, "focus", "daytime"),
          (18.0, "settle", "evening"), (22.0, "sleep", "night"))  # fmt: skip
AWAKE = "focus"  # for those who drive or work with machines


@dataclass(frozen=True, slots=True)
class Chosen:
    """A preset and why it is that one, in words; nothing to say where it was named."""

    preset: Preset
    reasons: tuple[str, ...] = ()


@cache
def presets() -> dict[str, Preset]:
    """Those that ship with the engine, by name."""
    return {name: load_preset(name) for name in preset_names()}


def choose(asked: NewSession) -> Chosen:
    """The preset for what was asked. KeyError when there is none of the name that was given."""
    if asked.preset is not None:
        return Chosen(presets()[asked.preset])
    if asked.goal is not None:
        preset = _for_goal(asked.goal)
        return Chosen(preset, (f"{preset.title} is the preset for the goal {asked.goal}: {GOALS[asked.goal]}",))
    goal, reasons = _by_circumstances(asked)
    if (asked.screening or {}).get("driving") and goal in DROWSY:
        goal, reasons = AWAKE, [*reasons, "nothing that makes drowsy, as you drive, cycle or work with machines"]
    preset = _for_goal(goal)
    return Chosen(preset, (*reasons, f"so {preset.title} was chosen: {GOALS[goal]}"))


def is_moving(signals: Signals) -> bool:
    """Whether the person moves, as far as acceleration tells: by its change, or one measurement far from 1 g."""
    lengths = signals.lengths_g
    if len(lengths) > 1:
        return statistics.pstdev(lengths) > REST_MOTION_G
    return any(abs(length - 1.0) > 3.0 * REST_MOTION_G for length in lengths)


def _for_goal(goal: str) -> Preset:
    return next(preset for preset in presets().values() if preset.goal == goal)


def _by_circumstances(asked: NewSession) -> tuple[str, list[str]]:
    """A goal by the time of day, then by what the body says of it."""
    hour, rates = asked.context.local_hour, asked.signals.hr_bpm
    goal, reasons = "gentle", ["nothing was said of a goal or the time of day, so nothing is asked of you"]
    if hour is not None:
        _, goal, part = next((row for row in reversed(HOURLY) if hour % 24.0 >= row[0]), HOURLY[-1])
        reasons = [f"it is {part} where you are"]
    if is_moving(asked.signals):
        return goal, [*reasons, "you move, so your heart rate says little about rest"] if rates else reasons
    if rates and statistics.median(rates[-60:]) >= QUICK_BPM and goal not in ("sleep", "settle"):
        return "settle", [*reasons, "your heart is quick for somebody who is still"]
    return goal, reasons
