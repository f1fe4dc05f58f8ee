"""What there is to choose from: presets and controls."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from synth.api.hands import ControlRow, ControlTable, PresetList, PresetRow
from synth.controls import CONTROLS, Control
from synth.daemon.choosing import presets
from synth.daemon.endpoints.table import Endpoint
from synth.daemon.house import House
from synth.daemon.security import Caller, Role
from synth.preset import GOALS, Preset


async def _presets(house: House, caller: Caller, request: Request, body: None) -> PresetList:
    found = await asyncio.to_thread(presets)  # the first time they are read from files
    return PresetList(presets=[_preset(preset) for preset in found.values()])


async def _controls(house: House, caller: Caller, request: Request, body: None) -> ControlTable:
    return ControlTable(controls=[_control(row) for row in CONTROLS])


def _preset(preset: Preset) -> PresetRow:
    return PresetRow(
        name=preset.name,
        title=preset.title,
        summary=preset.summary,
        goal=preset.goal,
        goal_words=GOALS[preset.goal],
        minutes=preset.minutes,
        policy=preset.policy,
        profile=preset.profile,
        wearable="refused" if preset.wearable == "refused" else "welcome",
        supervision=preset.supervision,
        stems=list(preset.stems),
        palettes=list(preset.palettes),
        scenes=[scene.name for scene in preset.scenes],
        constraints=list(preset.constraints),
    )


def _control(row: Control) -> ControlRow:
    return ControlRow(
        name=row.name,
        unit=row.unit,
        low=row.low,
        high=row.high,
        default=row.default,
        curve=row.curve,
        grain=row.grain,
        defer_s=row.defer_s,
        choices=list(row.choices),
        osc=row.osc,
        midi_cc=row.cc,
        help=row.help,
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/api/v1/presets", _presets, "Every preset.", Role.LISTENER, "catalogue", answer=PresetList),
    Endpoint(
        "GET", "/api/v1/controls", _controls, "Every control, with its unit and range.", Role.LISTENER, "catalogue",
        answer=ControlTable,
    ),
)  # fmt: skip
