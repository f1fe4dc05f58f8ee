"""Presets: a session's plan, palette and limits, read from TOML by control name and checked when read."""

from __future__ import annotations

from synth.preset.files import check_preset, load_preset, phases_from, preset_from_dict, preset_names
from synth.preset.model import (
    CUES,
    CULTURES,
    GOALS,
    PHASES,
    POLICIES,
    SCHEMA,
    Cue,
    Phase,
    Preset,
    PresetError,
    Scene,
    Space,
    StemSetting,
    phase_to_dict,
    preset_to_dict,
)
from synth.preset.rules import allowed, bounds_of, haptic_closed, sliding_stems

__all__ = [
    "CUES",
    "CULTURES",
    "GOALS",
    "PHASES",
    "POLICIES",
    "SCHEMA",
    "Cue",
    "Phase",
    "Preset",
    "PresetError",
    "Scene",
    "Space",
    "StemSetting",
    "allowed",
    "bounds_of",
    "haptic_closed",
    "check_preset",
    "load_preset",
    "phase_to_dict",
    "phases_from",
    "preset_from_dict",
    "preset_names",
    "preset_to_dict",
    "sliding_stems",
]
