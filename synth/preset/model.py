"""What a preset is: goal, plan, palette and limits of a session as plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any

from synth.controls import TABLE, Control

SCHEMA = 3
PHASES = ("baseline", "match", "lead", "plateau", "return")
PRACTICES = ("functional", "modal", "transformational")
POLICIES = ("L0", "L1", "L2")
WEARABLE = ("welcome", "refused")
CULTURES = ("western", "maqam", "raga", "gamelan", "japanese")

GOALS: Mapping[str, str] = MappingProxyType(
    {
        "settle": "come to rest",
        "sleep": "fall asleep",
        "focus": "stay with one thing",
        "energise": "wake up, get going",
        "gentle": "be met softly, nothing asked",
        "drift": "go far down and come back",
        "breathe": "breathe slowly",
        "pace": "walk to a beat",
        "break": "a few minutes off",
        "own": "whatever the person makes of it",
    }
)

CUES: Mapping[str, str] = MappingProxyType(
    {
        "breath": "the breath wave comes forward (depth_db)",
        "ground": "a landmark on tonic and fifth",
        "tempo": "the tempo shifts and comes back (percent)",
        "stem_in": "a stem comes in (stem)",
        "stem_out": "a stem goes out (stem)",
        "silence": "the music rests",
    }
)


class PresetError(ValueError):
    """A preset that cannot be used; the message says where in the file and what to write instead."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A small intervention at `at_minutes` of a phase, `seconds` long: `kind` is one of CUES, `amount` its depth in dB
    or its percent, `stem` the one that comes or goes."""

    kind: str
    at_minutes: float
    seconds: float
    amount: float = 0.0
    stem: str = ""


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of the plan: it reaches its targets at its end. `kind`: baseline, match, lead, plateau or return.

    With a `step` it moves in stages of that much arousal at most, and rests at each for `dwell_s`; without (0) in one
    arc. `breath_rate_bpm` None paces at three quarters of the person's own rate, where it is known. `scene` is the
    one that begins with it ("" goes on in the one that sounds).
    """

    kind: str
    minutes: float
    arousal: float
    valence: float
    tension: float
    breath_depth_db: float = 0.0
    breath_rate_bpm: float | None = None
    step: float = 0.0
    dwell_s: float = 0.0
    cues: tuple[Cue, ...] = ()
    scene: str = ""


@dataclass(frozen=True, slots=True)
class StemSetting:
    """What plays a stem and how it sits in the mix. `level_lu`: its loudness against the programme's; `send_db` to the
    reverb (-60 is off); `width` 0 mono to 1; `distance` 0 close to 1 far; `settings` go to the instrument by name.
    `azimuth_deg` (counter-clockwise from the front) and `elevation_deg` are where it is heard from in spatial sound,
    None by its role."""

    instrument: str
    level_lu: float = -8.0
    send_db: float = -12.0
    width: float = 0.6
    highpass_hz: float = 40.0
    lowpass_hz: float = 18000.0
    distance: float = 0.0
    settings: Mapping[str, float] = field(default_factory=dict)
    azimuth_deg: float | None = None
    elevation_deg: float | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """How the composer writes while this scene lasts: `archetype` is one of its own, `practice` one of PRACTICES.

    `culture`: whose scales the control `mode` chooses from, bright to dark; `scale`: one of the catalogue instead ("":
    none). `tuning`: where the twelve keys lie, by name or Scala file, for scales that have no tuning of their own.
    `instruments`: who plays a stem while this scene lasts, where that is not the stem's own instrument.
    """

    name: str = "main"
    archetype: str = "chorale"
    practice: str = "functional"
    metre: int = 4
    phrase_bars: int = 4
    chord_bars: float = 1.0
    culture: str = "western"
    scale: str = ""
    tuning: str = "12-tet"
    instruments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Space:
    """The reverb: decay of lows and highs (60 dB), pre-delay."""

    t60_s: float = 2.6
    t60_high_s: float = 0.8
    predelay_ms: float = 25.0


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset as read: every control has a starting value; `ranges` bound what the loop may ask for.

    `goal` is one of GOALS, `policy` of POLICIES; `constraints` are sentences (`synth.safety.constraints`). With
    `supervision` someone must be with the person; `wearable` "refused" takes no signals of the body. `palettes` are
    other instruments for some stems, by name. A session begins in the first of its `scenes`.
    """

    name: str
    title: str
    summary: str
    goal: str
    minutes: float
    controls: Mapping[str, float]
    ranges: Mapping[str, tuple[float, float]]
    phases: tuple[Phase, ...]
    stems: Mapping[str, StemSetting]
    scenes: tuple[Scene, ...] = (Scene(),)
    space: Space = Space()
    profile: str = "default"
    policy: str = "L2"
    wearable: str = "welcome"
    supervision: bool = False
    constraints: tuple[str, ...] = ()
    palettes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    source: str = field(default="", compare=False)

    def with_palette(self, name: str) -> Preset:
        """This preset played by the instruments of one of its palettes, in every scene. PresetError when it has none of
        that name."""
        if name not in self.palettes:
            there = f"it has {', '.join(self.palettes)}" if self.palettes else "it has only its own"
            raise PresetError(f"{self.name} has no palette called {name!r}: {there}")
        stems = {
            stem: replace(setting, instrument=self.palettes[name][stem], settings={})
            if stem in self.palettes[name]
            else setting
            for stem, setting in self.stems.items()
        }
        return replace(self, stems=stems).without(lambda stem, _: stem in self.palettes[name])

    def without(self, leaves: Callable[[str, str], bool]) -> Preset:
        """This preset with the stems' own instruments where `leaves(stem, instrument)` is true of a scene's."""
        scenes = (
            replace(scene, instruments={s: name for s, name in scene.instruments.items() if not leaves(s, name)})
            for scene in self.scenes
        )
        return replace(self, scenes=tuple(scenes))


def preset_to_dict(preset: Preset) -> dict[str, Any]:
    """A preset as plain values in the shape of its file, for JSON; where it was read from is left out."""
    return {
        "schema": SCHEMA,
        "name": preset.name,
        "title": preset.title,
        "summary": preset.summary,
        "goal": preset.goal,
        "minutes": preset.minutes,
        "profile": preset.profile,
        "policy": preset.policy,
        "wearable": preset.wearable,
        "supervision": preset.supervision,
        "constraints": list(preset.constraints),
        "controls": {name: _plain(TABLE[name], value) for name, value in preset.controls.items()},
        "ranges": {name: [_plain(TABLE[name], v) for v in bounds] for name, bounds in preset.ranges.items()},
        "phases": [phase_to_dict(phase) for phase in preset.phases],
        "stems": {
            stem: _without_empty({**asdict(s), "settings": dict(s.settings)}) for stem, s in preset.stems.items()
        },
        "palettes": {name: dict(stems) for name, stems in preset.palettes.items()},
        "scenes": [_without_empty(asdict(scene)) for scene in preset.scenes],
        "space": asdict(preset.space),
    }


_AMOUNTS = {"breath": "depth_db", "tempo": "percent"}


def phase_to_dict(phase: Phase) -> dict[str, Any]:
    """A phase as its table in the file."""
    table = asdict(phase)
    table["cues"] = []
    for cue in phase.cues:
        amount = {_AMOUNTS[cue.kind]: cue.amount} if cue.kind in _AMOUNTS else {}
        stem = {"stem": cue.stem} if cue.stem else {}
        told = {"kind": cue.kind, "at_minutes": cue.at_minutes, "seconds": cue.seconds}
        table["cues"].append({**told, **amount, **stem})
    if phase.breath_rate_bpm is None:
        del table["breath_rate_bpm"]
    return _without_empty(table)


def _without_empty(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value not in ("", {}, None)}


def _plain(row: Control, value: float) -> float | str:
    return row.text(value) if row.choices else value
