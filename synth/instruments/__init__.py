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
    `sounds` the kinds of sound it makes (`synth.safety.constraints.SOUNDS`), by which people refuse it; one that
    `slides` can take a sounding note to another pitch. `mix`: lowest and highest of a stem's numbers in the mix, by name
    (`synth.preset.StemSetting`), where it needs to be kept to them; no hand turns such a stem up further."""

    name: str
    path: str
    help: str
    stems: tuple[str, ...]
    settings: Mapping[str, float] = field(default_factory=dict)
    sounds: tuple[str, ...] = ()
    slides: bool = False
    mix: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def load(self) -> type[Instrument]:
        """The class, imported now."""
        module, name = self.path.split(":")
        loaded: type[Instrument] = getattr(importlib.import_module(f"synth.instruments.{module}"), name)
        return loaded

    def open_settings(self) -> tuple[str, ...]:
        """Names of the settings a preset may give."""
        taken = {"self", "sample_rate", "seed", *self.settings}
        return tuple(name for name in inspect.signature(self.load()).parameters if name not in taken)


# Of two tones, one for each ear: 20 dB under the programme, no reverb, and middle and side filtered alike.
EACH_EAR: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "level_lu": (-40, -20),
        "send_db": (-60, -60),
        "width": (1, 1),
        "highpass_hz": (150, 200),
        "lowpass_hz": (1000, 20000),
        "distance": (0, 0),
    }
)

# fmt: off
INSTRUMENTS: tuple[InstrumentEntry, ...] = (
    InstrumentEntry("strings", "pad:Pad", "Bowed section, wide and slow.", ("pad",), {"wave": 0}, sounds=("strings",), slides=True),
    InstrumentEntry("warm", "pad:Pad", "Round analogue pad.", ("pad",), {"wave": 1}, slides=True),
    InstrumentEntry("glass_pad", "pad:Pad", "Clear pad of few, high partials.", ("pad",), {"wave": 2}, sounds=("glass",), slides=True),
    InstrumentEntry("choir", "choir:Choir", "Mixed choir on open vowels, no words.", ("pad",), {"kind": 0}, sounds=("voices",), slides=True),
    InstrumentEntry("hum", "choir:Choir", "Choir humming behind closed lips.", ("pad",), {"kind": 1}, sounds=("voices",), slides=True),
    InstrumentEntry("warm_bass", "bass:Bass", "Soft bass, one voice.", ("bass",), {"wave": 0}, slides=True),
    InstrumentEntry("sub", "bass:Bass", "Deep bass, all but a sine.", ("bass",), {"wave": 1}, slides=True),
    InstrumentEntry("upright", "upright:Upright", "Upright bass, softly plucked.", ("bass",), sounds=("plucks",), slides=True),
    InstrumentEntry("tanpura", "drone:Tanpura", "Four strings over a curved bridge, plucked in turn.", ("drone",), sounds=("plucks",)),
    InstrumentEntry("shruti", "drone:Shruti", "Soft reeds on slow bellows.", ("drone",)),
    InstrumentEntry("felt_piano", "piano:Piano", "Piano with felt under the hammers.", ("melody", "bells"), {"kind": 0}, sounds=("piano",)),
    InstrumentEntry("grand", "piano:Piano", "Grand piano, played softly.", ("melody", "bells"), {"kind": 1}, sounds=("piano",)),
    InstrumentEntry("harp", "plucked:Plucked", "Harp, strings left to ring.", ("melody", "bells"), {"kind": 0}, sounds=("plucks",)),
    InstrumentEntry("nylon_guitar", "plucked:Plucked", "Guitar with soft nylon strings.", ("melody",), {"kind": 1}, sounds=("plucks",)),
    InstrumentEntry("lute", "plucked:Plucked", "Lute with metal strings.", ("melody",), {"kind": 2}, sounds=("plucks",), slides=True),
    InstrumentEntry("koto", "plucked:Plucked", "Long zither, its strings pressed after the pluck.", ("melody", "bells"), {"kind": 3}, sounds=("plucks",), slides=True),
    InstrumentEntry("flute", "winds:Winds", "Concert flute, clear and soft.", ("melody",), {"kind": 0}, sounds=("breath", "flutes"), slides=True),
    InstrumentEntry("shakuhachi", "winds:Winds", "Bamboo flute, breathy, that comes up to its notes.", ("melody",), {"kind": 1}, sounds=("breath", "flutes"), slides=True),
    InstrumentEntry("ney", "winds:Winds", "Reed flute with as much air as tone.", ("melody",), {"kind": 2}, sounds=("breath", "flutes"), slides=True),
    InstrumentEntry("bansuri", "winds:Winds", "Bamboo flute that glides from note to note.", ("melody",), {"kind": 3}, sounds=("breath", "flutes"), slides=True),
    InstrumentEntry("vibraphone", "struck:Struck", "Vibraphone with a slow motor.", ("bells", "melody"), {"kind": 0}, sounds=("bells", "metal")),
    InstrumentEntry("celesta", "struck:Struck", "Steel bars under felt hammers.", ("bells", "melody"), {"kind": 1}, sounds=("bells", "metal")),
    InstrumentEntry("bowl", "struck:Struck", "Singing bowl with slow beats.", ("bells",), {"kind": 2}, sounds=("bells", "metal")),
    InstrumentEntry("kalimba", "struck:Struck", "Thumb piano.", ("melody", "bells"), {"kind": 3}, sounds=("plucks", "metal")),
    InstrumentEntry("glass", "struck:Struck", "Tuned glasses, softly struck.", ("bells",), {"kind": 4}, sounds=("bells", "glass")),
    InstrumentEntry("marimba", "struck:Struck", "Wooden bars, yarn mallets.", ("melody", "bells"), {"kind": 5}, sounds=("wood",)),
    InstrumentEntry("crystal_bowl", "struck:Struck", "Crystal bowl, all but a sine.", ("bells",), {"kind": 6}, sounds=("bells", "glass")),
    InstrumentEntry("tubular_bell", "struck:Struck", "Tubular bells, not too hard.", ("bells",), {"kind": 7}, sounds=("bells", "metal")),
    InstrumentEntry("music_box", "struck:Struck", "Music box, each tine a little off.", ("bells", "melody"), {"kind": 8}, sounds=("bells", "metal", "plucks")),
    InstrumentEntry("soft_bell", "struck:Struck", "Church bell with a major third, softly struck.", ("bells",), {"kind": 9}, sounds=("bells", "metal")),
    InstrumentEntry("gender", "struck:Struck", "Thin bronze bars over tubes.", ("bells", "melody"), {"kind": 10}, sounds=("bells", "metal")),
    InstrumentEntry("saron", "struck:Struck", "Thick bronze bars, each stopped as the next is struck.", ("melody", "bells"), {"kind": 11}, sounds=("bells", "metal")),
    InstrumentEntry("bonang", "struck:Struck", "Small bronze gongs in a row.", ("bells", "melody"), {"kind": 12}, sounds=("bells", "metal")),
    InstrumentEntry("glass_rub", "struck:Struck", "Glasses rubbed with a wet finger.", ("melody", "bells", "pad"), {"kind": 13}, sounds=("glass",)),
    InstrumentEntry("bowl_rub", "struck:Struck", "Singing bowl rubbed along its rim.", ("bells", "pad"), {"kind": 14}, sounds=("bells", "metal")),
    InstrumentEntry("hand_percussion", "percussion:Percussion", "Low drum, frame drum and shaker.", ("percussion",), {"kind": 0}, sounds=("drums", "shaker")),
    InstrumentEntry("frame_drum", "percussion:Percussion", "Frame drum without jingles: centre, edge and fingertips.", ("percussion",), {"kind": 1}, sounds=("drums",)),
    InstrumentEntry("soft_kit", "percussion:Percussion", "Soft kick, brushed snare and a brush for a hat.", ("percussion",), {"kind": 2}, sounds=("drums",)),
    InstrumentEntry("shaker", "percussion:Percussion", "Shakers, there and back.", ("percussion",), {"kind": 3}, sounds=("shaker",)),
    InstrumentEntry("heartbeat", "heartbeat:Heartbeat", "Soft low thuds in pairs; a beat of its own, no measured one.", ("percussion", "bass"), sounds=("drums",)),
    InstrumentEntry("am_pulse", "pulse:Pulse", "Pad on tonic and fifth that pulses in loudness; what that does is known from few studies.", ("pulse",), {"kind": 0}, sounds=("pulse",), mix={"level_lu": (-40, -6)}),
    InstrumentEntry("isochronic", "pulse:Pulse", "A tone in soft pulses; evidence inconsistent, from small studies.", ("pulse",), {"kind": 1}, sounds=("pulse",), mix={"level_lu": (-40, -12)}),
    InstrumentEntry("binaural", "pulse:Pulse", "A quiet tone for each ear, a few hertz apart, for headphones only; evidence inconsistent.", ("pulse",), {"kind": 2}, sounds=("pulse",), mix=EACH_EAR),
    InstrumentEntry("ocean", "nature:Nature", "Surf, wave after wave.", ("nature",), {"kind": 0}, sounds=("water", "waves")),
    InstrumentEntry("rain", "nature:Nature", "Light rain.", ("nature",), {"kind": 1}, sounds=("water", "rain", "drips")),
    InstrumentEntry("stream", "nature:Nature", "A brook.", ("nature",), {"kind": 2}, sounds=("water", "drips")),
    InstrumentEntry("wind", "nature:Nature", "Wind in gusts.", ("nature",), {"kind": 3}, sounds=("wind",)),
    InstrumentEntry("heavy_rain", "nature:Nature", "Steady, heavy rain.", ("nature",), {"kind": 4}, sounds=("water", "rain")),
    InstrumentEntry("rain_on_leaves", "nature:Nature", "Rain on leaves, in soft clusters.", ("nature",), {"kind": 5}, sounds=("water", "rain", "drips")),
    InstrumentEntry("rain_on_roof", "nature:Nature", "Rain on a roof that rings.", ("nature",), {"kind": 6}, sounds=("water", "rain", "drips")),
    InstrumentEntry("river", "nature:Nature", "A deep stream.", ("nature",), {"kind": 7}, sounds=("water",)),
    InstrumentEntry("fire", "nature:Nature", "A small fire that crackles.", ("nature",), {"kind": 8}, sounds=("fire", "crackle")),
    InstrumentEntry("crickets", "nature:Nature", "Crickets on a warm evening.", ("nature",), {"kind": 9}, sounds=("insects",)),
    InstrumentEntry("night", "nature:Nature", "Soft wind and crickets, far off.", ("nature",), {"kind": 10}, sounds=("wind", "insects")),
    InstrumentEntry("birds", "nature:Nature", "Birds in the distance, in still air.", ("nature",), {"kind": 11}, sounds=("birds",)),
    InstrumentEntry("cloud", "texture:Texture", "Grains of the other stems, mostly an octave up.", ("texture",), {"kind": 0}),
    InstrumentEntry("haze", "texture:Texture", "Grains of the other stems, veiled.", ("texture",), {"kind": 1}),
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
