"""Styles: what each archetype writes for which stem, as data. All weights and shares are design choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_PLAIN = {
    "triad": 1.0,
    "open": 0.1,
    "sus4": 0.12,
    "sus2": 0.1,
    "add9": 0.2,
    "sixth": 0.1,
    "seventh": 0.3,
    "ninth": 0.05,
}
_WARM = {"triad": 0.6, "open": 0.1, "sus4": 0.1, "sus2": 0.2, "add9": 0.5, "sixth": 0.3, "seventh": 0.7, "ninth": 0.2}
_HOLLOW = {
    "triad": 0.35,
    "open": 1.0,
    "sus2": 0.5,
    "add9": 0.5,
    "sixth": 0.3,
    "seventh": 0.1,
    "sus4": 0.1,
    "ninth": 0.05,
}
_SUNG = {"half": 3.0, "authentic": 4.0, "plagal": 4.0, "modal": 1.5}
_SOFT = {"half": 2.0, "authentic": 2.0, "plagal": 6.0, "modal": 2.0}
_STILL = {"half": 0.6, "authentic": 0.4, "plagal": 6.0, "modal": 3.0}


@dataclass(frozen=True, slots=True, eq=False)
class Archetype:
    """How a scene is written.

    `parts`: stem to part (see `synth.composer.parts`). `harmony`: "chords", or "drone" for tonic and fifth alone.
    `groove`: a manner of `synth.composer.rhythm.groove`. `free`: it has no pulse. `tempo_bpm`, `arousal`, `valence`:
    where it is at home. `degrees`: pull of the chords I..VII. `kinds`: of chord kinds. `voices`: of the pad. `pedal`:
    tonal tension under which the bass stays on the tonic. `cadences`: weights of closes. `home`: how often a phrase
    with nothing to return to starts from its section's own progression. `returns`: share of phrases that come back
    exactly, varied, or with the same rhythm, at predictability .5. `percussion`, `bass`, `tune`, `bells`: each one's
    share of the notes that the barest harmony and the ones before it leave. `presence`: how much of the time a stem is
    there once it has entered. `tune_hz`: most notes a second of a tune while it plays. `rest`: least share of a tune
    phrase that is silent.
    """

    parts: Mapping[str, str]
    harmony: str = "chords"
    groove: str = "hand"
    free: bool = False
    tempo_bpm: tuple[float, float] = (44.0, 140.0)
    arousal: tuple[float, float] = (-1.0, 1.0)
    valence: tuple[float, float] = (-1.0, 1.0)
    degrees: tuple[float, ...] = (1.0,) * 7
    kinds: Mapping[str, float] = field(default_factory=lambda: _PLAIN)
    voices: int = 4
    pedal: float = 0.08
    cadences: Mapping[str, float] = field(default_factory=lambda: _SUNG)
    home: float = 0.4
    returns: tuple[float, float, float] = (0.28, 0.20, 0.07)
    percussion: float = 0.35
    bass: float = 0.1
    most_bass: float = 1.0
    tune: float = 0.55
    bells: float = 0.15
    presence: Mapping[str, float] = field(default_factory=lambda: {"bass": 0.92, "melody": 0.85, "bells": 0.5})
    tune_hz: float = 1.3
    fewest: float = 5.0
    rest: float = 0.28

    def players(self, stems: tuple[str, ...]) -> tuple[str, ...]:
        """Those of `stems` that have a part here; where a drone sounds there is no other bass."""
        idle = ("bass",) if "drone" in self.parts and "drone" in stems else ()
        return tuple(stem for stem in stems if stem in self.parts and stem not in idle)


_SUSTAINED = {"pad": "pad", "bass": "roots", "melody": "tune", "bells": "answer", "percussion": "drums"}
_OVER_A_DRONE = {**_SUSTAINED, "drone": "drone", "bass": "pedal", "bells": "periods"}

ARCHETYPES: Mapping[str, Archetype] = MappingProxyType(
    {
        "chorale": Archetype(parts=_SUSTAINED, tempo_bpm=(48, 66), arousal=(-0.6, -0.1), valence=(0.0, 0.5)),
        "hymn": Archetype(
            parts=_SUSTAINED,
            arousal=(-0.7, -0.1),
            valence=(0.1, 0.5),
            degrees=(1.3, 0.6, 0.3, 1.4, 0.6, 0.8, 0.5),
            cadences=_SOFT,
            pedal=0.12,
            tune_hz=0.9,
            rest=0.28,
        ),
        "drone": Archetype(
            parts=_OVER_A_DRONE,
            free=True,
            arousal=(-0.9, -0.4),
            valence=(0.0, 0.3),
            bass=0.0,
            degrees=(1.4, 0.08, 0.03, 0.5, 0.12, 0.2, 0.15),
            kinds=_HOLLOW,
            voices=3,
            pedal=0.9,
            cadences=_STILL,
            home=0.5,
            percussion=0.2,
            tune=0.35,
            bells=0.35,
            presence={"bass": 0.95, "melody": 0.65, "bells": 0.5},
            tune_hz=0.7,
            fewest=4.0,
            rest=0.36,
        ),
        "lullaby": Archetype(
            groove="lullaby",
            parts={**_SUSTAINED, "bass": "rock"},
            tempo_bpm=(56, 72),
            arousal=(-0.6, -0.1),
            valence=(0.2, 0.7),
            bass=0.15,
            degrees=(1.4, 0.5, 0.15, 1.3, 0.7, 0.6, 0.15),
            kinds=_WARM,
            voices=3,
            home=0.65,
            returns=(0.50, 0.12, 0.02),
            tune=0.8,
            presence={"bass": 0.92, "melody": 0.9, "bells": 0.4},
            tune_hz=1.2,
            fewest=4.0,
        ),
        "bells": Archetype(
            parts={**_SUSTAINED, "bass": "pedal", "bells": "periods"},
            free=True,
            arousal=(-0.8, -0.3),
            valence=(0.1, 0.5),
            bass=0.0,
            degrees=(1.2, 0.4, 0.15, 0.8, 0.3, 0.5, 0.2),
            kinds=_WARM,
            voices=3,
            pedal=0.15,
            cadences=_SOFT,
            percussion=0.2,
            tune=0.2,
            bells=0.7,
            presence={"bass": 0.9, "melody": 0.5, "bells": 0.95},
            tune_hz=0.7,
            fewest=4.0,
            rest=0.36,
        ),
        "piano_waltz": Archetype(
            groove="brush",
            parts=_SUSTAINED,
            tempo_bpm=(52, 72),
            arousal=(-0.5, 0.0),
            valence=(-0.3, 0.4),
            degrees=(1.2, 0.5, 0.4, 1.6, 0.5, 0.4, 0.3),
            kinds=_WARM,
            voices=3,
            home=0.7,
            returns=(0.52, 0.12, 0.02),
            rest=0.36,
        ),
        "folk": Archetype(
            groove="brush",
            parts={**_SUSTAINED, "bass": "rock", "bells": "figure"},
            tempo_bpm=(66, 92),
            arousal=(-0.1, 0.5),
            valence=(0.3, 0.8),
            bass=0.2,
            degrees=(1.0, 0.5, 0.4, 1.0, 1.0, 1.0, 0.3),
            voices=3,
            home=0.75,
            returns=(0.32, 0.16, 0.05),
            tune=0.55,
            presence={"bass": 0.95, "melody": 0.85, "bells": 0.75},
            tune_hz=2.0,
        ),
        "arpeggio": Archetype(
            parts={**_SUSTAINED, "melody": "figure", "bells": "tune"},
            tempo_bpm=(60, 84),
            arousal=(-0.3, 0.3),
            valence=(-0.4, 0.2),
            degrees=(1.1, 0.25, 0.8, 0.9, 0.7, 1.2, 1.1),
            kinds=_WARM,
            voices=3,
            home=0.7,
            percussion=0.25,
            tune=0.1,
            presence={"bass": 0.9, "melody": 0.97, "bells": 0.8},
            tune_hz=0.6,
            fewest=4.0,
            rest=0.36,
        ),
        "groove": Archetype(
            parts={**_SUSTAINED, "bass": "riff", "bells": "figure"},
            tempo_bpm=(100, 138),
            arousal=(0.3, 0.9),
            valence=(0.3, 0.9),
            bass=0.28,
            most_bass=3.5,
            degrees=(1.2, 0.6, 0.2, 1.3, 0.5, 0.6, 2.0),
            voices=3,
            home=0.85,
            returns=(0.22, 0.08, 0.02),
            percussion=0.6,
            tune=0.45,
            presence={"bass": 0.95, "melody": 0.85, "bells": 0.55},
            tune_hz=2.6,
            rest=0.28,
        ),
        "alap": Archetype(
            parts={**_OVER_A_DRONE, "melody": "alap"},
            harmony="drone",
            free=True,
            arousal=(-0.6, 0.1),
            bass=0.0,
            voices=3,
            pedal=1.1,
            percussion=0.0,
            tune=0.7,
            bells=0.1,
            presence={"melody": 0.95, "bells": 0.3},
            tune_hz=1.0,
            fewest=3.0,
            rest=0.35,
        ),
        "taqsim": Archetype(
            parts={**_OVER_A_DRONE, "melody": "taqsim"},
            harmony="drone",
            free=True,
            arousal=(-0.4, 0.2),
            valence=(-0.2, 0.3),
            bass=0.0,
            voices=3,
            pedal=1.1,
            percussion=0.0,
            tune=0.75,
            bells=0.1,
            presence={"melody": 0.95, "bells": 0.25},
            tune_hz=1.5,
            fewest=4.0,
            rest=0.35,
        ),
        "interlock": Archetype(
            parts={
                "pad": "core",
                "bass": "gong",
                "melody": "interlock",
                "bells": "interlock",
                "percussion": "interlock",
            },
            harmony="drone",
            tempo_bpm=(50, 76),
            arousal=(-0.3, 0.4),
            valence=(0.0, 0.4),
            voices=2,
            pedal=1.1,
            percussion=0.15,
            presence={"melody": 0.95, "bells": 0.9},
        ),
        "phase": Archetype(
            groove="even",
            parts={**_SUSTAINED, "bass": "roots", "melody": "phase", "bells": "phase"},
            tempo_bpm=(80, 112),
            arousal=(0.0, 0.5),
            valence=(0.0, 0.5),
            degrees=(1.6, 0.15, 0.1, 1.0, 0.4, 0.3, 0.7),
            kinds=_WARM,
            voices=3,
            home=0.7,
            percussion=0.2,
            presence={"bass": 0.9, "melody": 0.97, "bells": 0.85},
        ),
        "heartbeat": Archetype(
            parts={**_SUSTAINED, "bass": "heartbeat", "melody": "hum", "bells": "periods"},
            harmony="drone",
            bass=0.6,
            most_bass=8.0,
            tempo_bpm=(48, 64),
            arousal=(-0.9, -0.5),
            valence=(-0.1, 0.1),
            voices=2,
            pedal=1.1,
            percussion=0.0,
            tune=0.1,
            bells=0.0,
            presence={"melody": 0.4, "bells": 0.1},
            tune_hz=0.3,
            fewest=3.0,
            rest=0.5,
        ),
    }
)


def archetype(name: str) -> Archetype:
    """The archetype called `name`; ValueError lists the ones there are."""
    try:
        return ARCHETYPES[name]
    except KeyError:
        raise ValueError(f"no archetype called {name!r}: use one of {', '.join(ARCHETYPES)}") from None
