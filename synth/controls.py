"""The table of controls: every parameter of the music, declared once.

Help, `synth controls`, preset checks, the bus, the guard and the docs read this table. Values travel as
floats everywhere; `key` and `mode` are indices into `KEYS` and `MODES`. A rate of change is in units per
second for a linear control and in octaves per second for a logarithmic one. Ranges and rates follow Dahl &
Madison on tempo drift (0.1 % a beat is not noticed), EBU R 128 loudness units and the project's own defaults.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

KEYS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
MODES = ("lydian", "ionian", "mixolydian", "dorian", "aeolian", "phrygian")  # bright to dark
SWITCH = ("off", "on")
TEMPO_WAYS = ("ramp", "modulation", "bridge")
STEMS = ("pad", "bass", "drone", "melody", "bells", "percussion", "nature", "texture", "pulse", "reverb")

_ENHARMONIC = {"C#": "Db", "D#": "Eb", "F#": "Gb", "G#": "Ab", "A#": "Bb", "CB": "B", "B#": "C", "E#": "F", "FB": "E"}
_MODE_ALIASES = {"major": "ionian", "minor": "aeolian"}


class ControlError(ValueError):
    """A control name or value that the table does not allow; the message says what it does allow."""


@dataclass(frozen=True, slots=True)
class Control:
    """One row of the table.

    `rate_loop`, `rate_hand` and `rate_down` bound the speed of change asked for by the loop, by a person,
    and downwards by anyone (None: as `rate_hand`, which a person never falls short of). `grain` is where in the music a change lands; `defer_s` the
    longest it may wait for that place.
    """

    name: str
    unit: str
    low: float
    high: float
    default: float
    curve: str  # "linear", "log" or "choice"
    rate_loop: float
    rate_hand: float
    grain: str  # "quantum", "beat", "bar" or "phrase"
    defer_s: float
    help: str
    rate_down: float | None = None
    cc: int | None = None
    choices: tuple[str, ...] = ()

    @property
    def osc(self) -> str:
        """OSC address of the control."""
        return f"/control/{self.name}"

    def clamp(self, value: float) -> float:
        """The nearest allowed value; NaN gives the default."""
        if math.isnan(value):
            return self.default
        clamped = min(max(value, self.low), self.high)
        return float(round(clamped)) if self.curve == "choice" else float(clamped)

    def check(self, value: float) -> float:
        """`value` itself, or ControlError when it is out of range or not a number."""
        if not self.low <= value <= self.high or (self.choices and value != round(value)):
            raise ControlError(f"{self.name} = {self.text(value)}: give {self.range_text()}")
        return float(value)

    def parse(self, text: str) -> float:
        """A value typed by a person: a number, or a name for `key` and `mode` ("F#", "dorian", "minor")."""
        if self.choices:
            word = text.strip()
            if self.name == "key":
                word = word[:1].upper() + word[1:]
                word = _ENHARMONIC.get(word.upper(), word)
            else:
                word = _MODE_ALIASES.get(word.lower(), word.lower())
            if word not in self.choices:
                raise ControlError(f"{self.name} = {text.strip()!r}: give {self.range_text()}")
            return float(self.choices.index(word))
        try:
            value = float(text)
        except ValueError:
            raise ControlError(f"{self.name} = {text.strip()!r} is not a number: give {self.range_text()}") from None
        return self.check(value)

    def text(self, value: float) -> str:
        """The value as people write it."""
        if self.choices and -0.5 < value < len(self.choices) - 0.5:
            return self.choices[round(value)]
        return f"{value:.6g}"

    def range_text(self) -> str:
        """The allowed values in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        return f"{self.low:g} to {self.high:g}" + (f" {self.unit}" if self.unit else "")

    def as_dict(self) -> dict[str, object]:
        """All fields, for JSON."""
        return {**asdict(self), "osc": self.osc}


def _level(stem: str, cc: int) -> Control:
    return Control(
        f"level_{stem}_db", "dB", -60.0, 6.0, 0.0, "linear", 4.0, 600.0, "quantum", 0.0,
        f"Level of the {stem} stem against the preset's mix; -60 is silent.", 60.0, cc,
    )  # fmt: skip


def _pan(stem: str) -> Control:
    return Control(
        f"pan_{stem}", "", -1.0, 1.0, 0.0, "linear", 0.05, 4.0, "quantum", 0.0,
        f"Where the {stem} stem stands: -1 is left, 1 is right, 0 where the preset has it.",
    )  # fmt: skip


# name, unit, low, high, default, curve, rate_loop, rate_hand, grain, defer_s, help, rate_down, cc, choices
# fmt: off
CONTROLS: tuple[Control, ...] = (
    Control("arousal", "", -1, 1, 0.0, "linear", 0.01, 0.1, "quantum", 0.0, "How activating the music is: loudness, tempo, density and brightness together.", cc=20),
    Control("valence", "", -1, 1, 0.1, "linear", 0.01, 0.1, "quantum", 0.0, "How bright the mood is: mode, register and consonance together.", cc=21),
    Control("tension", "", -1, 1, -0.2, "linear", 0.01, 0.1, "quantum", 0.0, "How much the music leans away from rest: harmony, roughness and attack together.", cc=22),
    Control("tempo_bpm", "bpm", 44, 140, 66, "log", 0.0016, 0.005, "beat", 2.0, "Felt pulse.", cc=23),
    Control("key", "", 0, 11, 0, "choice", math.inf, math.inf, "phrase", 60.0, "Tonic; changes at a phrase.", choices=KEYS),
    Control("mode", "", 0, 5, 1, "choice", math.inf, math.inf, "phrase", 60.0, "Scale, bright to dark; moves one degree a phrase.", choices=MODES),
    Control("tonal_tension", "", 0, 1, 0.25, "linear", 0.02, 0.2, "bar", 8.0, "How far chords stray from the tonic.", cc=24),
    Control("roughness", "", 0, 1, 0.1, "linear", 0.02, 0.2, "bar", 8.0, "Dissonance allowed in chords.", cc=25),
    Control("regularity", "", 0, 1, 0.5, "linear", 0.02, 0.2, "bar", 8.0, "How steady and clear the pulse is.", cc=26),
    Control("predictability", "", 0, 1, 0.5, "linear", 0.02, 0.2, "phrase", 60.0, "Familiarity against novelty: how much returns, and how little it is changed.", cc=27),
    Control("percussiveness", "", 0, 1, 0.0, "linear", 0.02, 0.2, "bar", 8.0, "How much the percussion plays, and how hard.", cc=28),
    Control("density_hz", "1/s", 0.1, 8, 1.2, "log", 0.06, 0.5, "bar", 8.0, "Note onsets a second over all voiced stems.", cc=29),
    Control("dynamics_db", "dB", -12, 8, 0.0, "linear", 0.3, 1.0, "quantum", 0.0, "Playing level around loudness_lufs.", 2.0, 11),
    Control("dynamic_range_lu", "LU", 2, 10, 5.0, "linear", 0.1, 1.0, "phrase", 60.0, "Loudness range of the music (EBU Tech 3342) over minutes.", cc=30),
    Control("brightness_oct", "oct", -2, 1.5, 0.0, "linear", 0.1, 100.0, "quantum", 0.0, "Filters of all stems, in octaves around the preset's own.", 1.0, 74),
    Control("register_note", "MIDI note", 45, 79, 62, "linear", 0.2, 2.0, "phrase", 60.0, "Middle of the melody's range.", cc=31),
    Control("articulation", "", 0.3, 1.3, 0.9, "linear", 0.02, 0.2, "bar", 8.0, "Note length over time to the next note; above 1 overlaps.", cc=85),
    Control("attack_ms", "ms", 5, 2000, 80, "log", 0.2, 1.0, "bar", 8.0, "Softness of onsets.", cc=73),
    Control("space", "", 0, 1, 0.5, "linear", 0.02, 0.5, "quantum", 0.0, "Share and length of the reverb.", cc=91),
    Control("motion", "", 0, 1, 0.3, "linear", 0.02, 0.5, "quantum", 0.0, "Slow movement of pitch, filters and position.", cc=1),
    Control("breath_rate_bpm", "1/min", 4.5, 20, 8, "log", 0.0007, 0.0007, "quantum", 0.0, "Rate of the slow loudness wave that a breath may follow.", 0.0007),
    Control("breath_depth_db", "dB", 0, 8, 0.0, "linear", 0.1, 0.5, "quantum", 0.0, "Depth of that wave; 0 is off.", 2.0),
    Control("rest", "", 0, 1, 0.0, "linear", 0.25, 0.25, "quantum", 0.0, "A musical silence: 1 is silent, in four seconds and back.", 0.25, 86),
    Control("landmark", "", 0, 1, 0, "choice", math.inf, math.inf, "bar", 8.0, "A motif on tonic and fifth that one can hold on to.", choices=SWITCH),
    Control("scene", "", 0, 99, 0, "choice", math.inf, math.inf, "phrase", 60.0, "Which musical idea is played: another number brings another one."),
    Control("liked", "", 0, 99, 0, "choice", math.inf, math.inf, "phrase", 60.0, "Another number: the person likes what sounds, and hears more of it."),
    Control("tempo_by", "", 0, 2, 0, "choice", math.inf, math.inf, "phrase", 60.0, "How the tempo comes to where it is asked: unnoticed, by metric modulation, or over a bridge without a pulse.", choices=TEMPO_WAYS),
    *(_level(stem, 102 + i) for i, stem in enumerate(STEMS)),
    *(_pan(stem) for stem in STEMS if stem != "reverb"),
    Control("loudness_lufs", "LUFS", -40, -23, -26, "linear", 0.1, 0.3, "quantum", 0.0, "Programme loudness that the master holds.", 3.0, 7),
)
# fmt: on

TABLE: Mapping[str, Control] = MappingProxyType({control.name: control for control in CONTROLS})
COLUMN: Mapping[str, int] = MappingProxyType({control.name: i for i, control in enumerate(CONTROLS)})

# Lanes the engine adds to the committed controls before instruments and mix read them.
EXPRESSION_DB = len(CONTROLS)  # phrase swell and breath wave together, dB about the programme loudness
BREATH = len(CONTROLS) + 1  # -1 (out) to 1 (in), scaled by breath_depth_db / 8
FADE = len(CONTROLS) + 2  # 0 to 1, start, stop and end fades of the whole programme
EDGE_COLUMNS = len(CONTROLS) + 3


def control(name: str) -> Control:
    """The row called `name`; ControlError names the nearest ones when there is none."""
    try:
        return TABLE[name]
    except KeyError:
        import difflib

        near = difflib.get_close_matches(name, TABLE, 3) or ["tempo_bpm", "arousal"]
        raise ControlError(
            f"no control called {name!r}; near it: {', '.join(near)} (`synth controls` lists all)"
        ) from None


def defaults() -> dict[str, float]:
    """Default value of every control."""
    return {c.name: c.default for c in CONTROLS}


@dataclass(frozen=True, slots=True)
class Request:
    """Someone asks for a control: `by` is "plan", "policy", "mapping", "script", "safety" or "hand" (or "hand:<who>")."""

    control: str
    value: float
    by: str
    reason: str
    confidence: float | None = None


_RANKS = {"plan": 0, "policy": 0, "mapping": 0, "script": 1, "hand": 1, "safety": 2}


def rank(by: str) -> int:
    """Whose word counts: the loop and whoever is not known 0, a person or script 1, safety 2."""
    return _RANKS.get(by.partition(":")[0], 0)
