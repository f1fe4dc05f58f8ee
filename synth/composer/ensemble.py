"""The ensemble of one scene: its harmonist and the parts that write its stems."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol, runtime_checkable

from synth.composer.guests import Reception
from synth.composer.harmonist import Harmonist
from synth.composer.moment import Moment
from synth.composer.parts.alap import Alap
from synth.composer.parts.bass import Bass
from synth.composer.parts.bells import Bells
from synth.composer.parts.bloom import Bloom
from synth.composer.parts.drone import Drone
from synth.composer.parts.drums import Drums
from synth.composer.parts.figure import Figure
from synth.composer.parts.heartbeat import Heartbeat
from synth.composer.parts.interlock import Interlock
from synth.composer.parts.pad import Pad
from synth.composer.parts.phase import Phase
from synth.composer.parts.taqsim import Taqsim
from synth.composer.parts.tune import Tune
from synth.composer.parts.voice import FreeVoice
from synth.composer.playing import Player
from synth.composer.styles import Archetype, archetype
from synth.preset import Scene
from synth.rng import stream_seed

_BELLS_UP = 12


class Part(Protocol):
    """What writes one stem."""

    stem: str

    def write(self, now: Moment, player: Player) -> None:
        """Write this bar."""


@runtime_checkable
class Planning(Part, Protocol):
    """A part that plans a phrase ahead."""

    def plan(self, now: Moment) -> None:
        """Take up the phrase that begins with this bar."""


class Ensemble:
    """Who plays `stems` in `scene`; `number` is that of the scene in its session, each has seeds of its own.

    `sliding`: stems whose instruments can glide from tone to tone.
    """

    def __init__(
        self,
        seed: int,
        scene: Scene,
        number: int,
        stems: tuple[str, ...],
        desk: Reception | None = None,
        sliding: Collection[str] = (),
    ) -> None:
        self._desk = desk
        seed = stream_seed(seed, "scene", str(number)) if number else seed
        self.scene = scene
        self.style: Archetype = archetype(scene.archetype)
        self.harmonist = Harmonist(seed, self.style, scene.practice)
        self.pad: Pad | None = None
        self.tune: Tune | None = None
        self.parts = [self._part(seed, stem) for stem in self.style.players(stems)]
        self.parts.sort(key=lambda part: isinstance(part, Figure))  # a figure takes what the others leave
        for part in self.parts:
            if isinstance(part, FreeVoice):
                part.slides = part.stem in sliding
        self.planned = [part for part in self.parts if isinstance(part, Planning)]

    def figures(self, now: Moment) -> bool:
        """Whether a pattern plays now."""
        return any(isinstance(part, Figure) and now.plays(part.stem) for part in self.parts)

    def _part(self, seed: int, stem: str) -> Part:
        kind = self.style.parts[stem]
        up = _BELLS_UP if stem == "bells" else 0
        match kind:
            case "pad":
                self.pad = Pad(seed, self.harmonist)
                return self.pad
            case "drone":
                return Drone()
            case "drums":
                return Drums(seed, stem, self.style.groove)
            case "figure":
                return Figure(seed, stem, up)
            case "tune" | "hum":
                self.tune = Tune(seed, stem, self.style, up, self._desk)
                return self.tune
            case "answer" | "periods":
                return Bells(seed, self.tune, kind == "answer")
            case "alap":
                return Alap(seed, stem)
            case "taqsim":
                return Taqsim(seed, stem)
            case "bloom":
                return Bloom(seed, stem)
            case "phase":
                return Phase(seed, stem)
            case "heartbeat":
                return Heartbeat(seed, stem)
            case "core" | "gong" | "interlock":
                return Interlock(seed, stem)
        return Bass(seed, kind)
