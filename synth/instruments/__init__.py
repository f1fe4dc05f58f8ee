"""The catalogue of instruments: what a preset may put into a stem, in one visible list.

Classes are imported when an instrument is made, so that only what a preset plays is compiled.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from synth.instruments.base import Instrument


class InstrumentError(ValueError):
    """An instrument or setting that does not exist; the message says what does."""


@dataclass(frozen=True, slots=True)
class InstrumentEntry:
    """One instrument. `path` is "module:Class", `settings` are what makes it this one, `stems` the ones it suits,
    `sounds` the kinds of sound it makes (`synth.safety.constraints.SOUNDS`), by which people refuse it."""

    name: str
    path: str
    help: str
    stems: tuple[str, ...]
    settings: Mapping[str, float] = field(default_factory=dict)
    sounds: tuple[str, ...] = ()

    def load(self) -> type[Instrument]:
        """The class, imported now."""
        module, name = self.path.split(":")
        loaded: type[Instrument] = getattr(importlib.import_module(f"synth.instruments.{module}"), name)
        return loaded

    def open_settings(self) -> tuple[str, ...]:
        """Names of the settings a preset may give."""
        taken = {"self", "sample_rate", "seed", *self.settings}
        return tuple(name for name in inspect.signature(self.load()).parameters if name not in taken)


# fmt: off
INSTRUMENTS: tuple[InstrumentEntry, ...] = (
    InstrumentEntry("strings", "pad:Pad", "Bowed section, wide and slow.", ("pad",), {"wave": 0}, sounds=("strings",)),
    InstrumentEntry("warm", "pad:Pad", "Round analogue pad.", ("pad",), {"wave": 1}),
    InstrumentEntry("glass_pad", "pad:Pad", "Clear pad of few, high partials.", ("pad",), {"wave": 2}, sounds=("glass",)),
    InstrumentEntry("warm_bass", "bass:Bass", "Soft bass, one voice.", ("bass",)),
    InstrumentEntry("felt_piano", "piano:Piano", "Piano with felt under the hammers.", ("melody", "bells"), sounds=("piano",)),
    InstrumentEntry("harp", "plucked:Plucked", "Harp, strings left to ring.", ("melody", "bells"), {"kind": 0}, sounds=("plucks",)),
    InstrumentEntry("nylon_guitar", "plucked:Plucked", "Guitar with soft nylon strings.", ("melody",), {"kind": 1}, sounds=("plucks",)),
    InstrumentEntry("vibraphone", "struck:Struck", "Vibraphone with a slow motor.", ("bells", "melody"), {"kind": 0}, sounds=("bells", "metal")),
    InstrumentEntry("celesta", "struck:Struck", "Steel bars under felt hammers.", ("bells", "melody"), {"kind": 1}, sounds=("bells", "metal")),
    InstrumentEntry("bowl", "struck:Struck", "Singing bowl with slow beats.", ("bells",), {"kind": 2}, sounds=("bells", "metal")),
    InstrumentEntry("kalimba", "struck:Struck", "Thumb piano.", ("melody", "bells"), {"kind": 3}, sounds=("plucks", "metal")),
    InstrumentEntry("glass", "struck:Struck", "Tuned glasses, softly struck.", ("bells",), {"kind": 4}, sounds=("bells", "glass")),
    InstrumentEntry("marimba", "struck:Struck", "Wooden bars, yarn mallets.", ("melody", "bells"), {"kind": 5}, sounds=("wood",)),
    InstrumentEntry("hand_percussion", "percussion:Percussion", "Low drum, frame drum and shaker.", ("percussion",), sounds=("drums", "shaker")),
    InstrumentEntry("ocean", "nature:Nature", "Surf, wave after wave.", ("nature",), {"kind": 0}, sounds=("water", "waves")),
    InstrumentEntry("rain", "nature:Nature", "Light rain.", ("nature",), {"kind": 1}, sounds=("water", "rain", "drips")),
    InstrumentEntry("stream", "nature:Nature", "A brook.", ("nature",), {"kind": 2}, sounds=("water", "drips")),
    InstrumentEntry("wind", "nature:Nature", "Wind in gusts.", ("nature",), {"kind": 3}, sounds=("wind",)),
)
# fmt: on

CATALOGUE: Mapping[str, InstrumentEntry] = MappingProxyType({entry.name: entry for entry in INSTRUMENTS})


def entry(name: str) -> InstrumentEntry:
    """The entry called `name`; InstrumentError names the nearest one and lists all when there is none."""
    try:
        return CATALOGUE[name]
    except KeyError:
        near = difflib.get_close_matches(name, CATALOGUE, 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise InstrumentError(f"no instrument called {name!r}: {hint}There are {', '.join(CATALOGUE)}") from None


def make(name: str, sample_rate: int, seed: int, **settings: float) -> Instrument:
    """The instrument called `name`, with a preset's `settings`; InstrumentError when either is unknown."""
    found = entry(name)
    allowed = found.open_settings()
    for setting in settings:
        if setting not in allowed:
            raise InstrumentError(f"{name} has no setting {setting!r}: it has {', '.join(allowed) or 'none'}")
    return found.load()(sample_rate, seed, **found.settings, **settings)
