"""The mix plan: how far a preset's stems may depart from their goal's seats, and what a good mix of them measures.

The seats are `synth.preset.seats`. Whoever knows what a preset wants may leave them; `problems` says where it is so far
that something is more likely forgotten than wanted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from synth.preset import Preset, StemSetting
from synth.preset.seats import Seat, mix_plan

LEVEL_LU, SEND_DB, WIDTH, DISTANCE, OCTAVES = 7.0, 8.0, 0.3, 0.4, 1.5  # a stem's departures from its seat
DRY_DB = -24.0  # sends below it are all one
SILENT_DB = -60.0

MUD_HZ, MUD_SHARE = (150.0, 400.0), 0.45  # of all energy at most
LOW_HZ, LOW_CORRELATION, CORRELATION = 200.0, 0.9, 0.2  # of left and right at least
MONO_LOSS_DB = 2.4  # of any stem at most: what two sides lose that share 15 % of their power
SLOPE_SLACK_DB_OCT = 1.5


def problems(preset: Preset) -> list[str]:
    """Where the stems of `preset` depart from its goal's plan by more than it allows, a sentence each."""
    plan = mix_plan(preset.goal)
    found = [f"stems {role} {words}" for role, s in preset.stems.items() for words in _departures(s, plan.seats[role])]
    for role in preset.stems:
        if not plan.seats[role].played and preset.controls[f"level_{role}_db"] > SILENT_DB:
            found.append(f"controls level_{role}_db: {role} does not play when the goal is {preset.goal}: give -60")
    melody, middle = plan.seats["melody"], preset.controls["register_note"]
    if "melody" in preset.stems and not melody.low <= middle <= melody.high:
        found.append(f"controls register_note: {middle:g} is outside the melody's {melody.low} to {melody.high}")
    return found


def _departures(setting: StemSetting, seat: Seat) -> Iterator[str]:
    for name, planned, allowed, unit in (
        ("level_lu", seat.level_lu, LEVEL_LU, "LU"),
        ("width", seat.width, WIDTH, ""),
        ("distance", seat.distance, DISTANCE, ""),
    ):
        given = getattr(setting, name)
        if abs(given - planned) > allowed + 1e-9:
            yield f"{name}: {given:g} is more than {allowed:g} {unit}".rstrip() + f" from the plan's {planned:g}"
    if abs(max(setting.send_db, DRY_DB) - max(seat.send_db, DRY_DB)) > SEND_DB + 1e-9:
        yield f"send_db: {setting.send_db:g} is more than {SEND_DB:g} dB from the plan's {seat.send_db:g}"
    for name, planned in (("highpass_hz", seat.highpass_hz), ("lowpass_hz", seat.lowpass_hz)):
        given = getattr(setting, name)
        if abs(math.log2(given / planned)) > OCTAVES + 1e-9:
            yield f"{name}: {given:g} is more than {OCTAVES:g} octaves from the plan's {planned:g}"
