"""Presets: a session's plan, palette and limits, read from TOML by control name and checked when read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SCHEMA = 1


class PresetError(ValueError):
    """A preset that cannot be used; the message says where in the file and what to write instead."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of the plan: it reaches its targets at its end. `kind`: baseline, match, lead, plateau or return."""

    kind: str
    minutes: float
    arousal: float
    valence: float
    tension: float
    breath_depth_db: float = 0.0


@dataclass(frozen=True, slots=True)
class StemSetting:
    """What plays a stem and how it sits in the mix. `level_lu`: its loudness against the programme's; `send_db` to the
    reverb (-60 is off); `width` 0 mono to 1; `settings` go to the instrument by name."""

    instrument: str
    level_lu: float = -8.0
    send_db: float = -12.0
    width: float = 0.6
    highpass_hz: float = 40.0
    lowpass_hz: float = 18000.0
    settings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Style:
    """How the composer writes: `archetype` names a scene of its own, `practice` "functional" or "modal" harmony."""

    archetype: str = "chorale"
    practice: str = "functional"
    metre: int = 4
    phrase_bars: int = 4
    chord_bars: float = 1.0


@dataclass(frozen=True, slots=True)
class Space:
    """The reverb: decay of lows and highs (60 dB), pre-delay."""

    t60_s: float = 2.6
    t60_high_s: float = 0.8
    predelay_ms: float = 25.0


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset as read: every control has a starting value; `ranges` bound what the loop may ask for."""

    name: str
    title: str
    summary: str
    goal: str
    minutes: float
    controls: Mapping[str, float]
    ranges: Mapping[str, tuple[float, float]]
    phases: tuple[Phase, ...]
    stems: Mapping[str, StemSetting]
    style: Style = Style()
    space: Space = Space()
    profile: str = "default"
    source: str = ""
