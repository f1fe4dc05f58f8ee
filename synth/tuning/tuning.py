"""A tuning: where the twelve keys that a composer thinks in lie, in cents against equal temperament."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from types import MappingProxyType

from synth.tuning.scala import Kbm, Scl, TuningError, cents_of, keyboard
from synth.tuning.scale import FEWEST, MOST_CENTS_OFF, PERIOD_CENTS, TunedScale, check_period, nearest_keys

C = 0
_CHAIN = ("Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#")

_PURE_FIFTH = cents_of(Fraction(3, 2))
_PYTHAGOREAN_COMMA = cents_of(Fraction(531441, 524288))
_SYNTONIC_COMMA = cents_of(Fraction(81, 80))


@dataclass(frozen=True, slots=True)
class Tuning:
    """Twelve keys around a tonic, octave by octave.

    `offsets_cents` says how far each of twelve keys upwards lies from equal temperament, in the octave of middle C;
    each octave is `stretch_cents` wider than 1200. The first of the twelve is the tonic, whichever it is at the time,
    or always the pitch class `anchor`. TuningError when keys would cross, lie more than a semitone off, or when
    an octave is not 1150 to 1250 cents.
    """

    name: str
    offsets_cents: tuple[float, ...] = (0.0,) * 12
    stretch_cents: float = 0.0
    anchor: int | None = None
    title: str = ""
    source: str = ""
    credit: str = ""

    def __post_init__(self) -> None:
        offsets = self.offsets_cents
        if len(offsets) != 12 or not all(math.isfinite(offset) for offset in (*offsets, self.stretch_cents)):
            raise self._error("needs twelve offsets in cents, one a key")
        try:
            check_period(1200.0 + self.stretch_cents)
        except TuningError as error:
            raise self._error(str(error)) from None
        if self.anchor is not None and not 0 <= self.anchor <= 11:
            raise self._error(f"is anchored on {self.anchor}: give a pitch class from 0 (C) to 11 (B)")
        if abs(offsets[0]) > MOST_CENTS_OFF:
            raise self._error(f"puts its first key {offsets[0]:+.0f} cents off A = 440 Hz: a semitone is the most")
        for key, (below, above) in enumerate(
            zip(offsets, (*offsets[1:], offsets[0] + self.stretch_cents), strict=True), 1
        ):
            if above - below <= -100.0:
                raise self._error(
                    f"does not rise from key {key - 1} to key {key}: sort it, or map its keys with a .kbm"
                )
            if key < 12 and abs(above - offsets[0]) > MOST_CENTS_OFF:
                raise self._error(
                    f"puts key {key} at {100 * key + above - offsets[0]:.0f} cents, more than a semitone off: "
                    "choose other notes for the twelve keys with a .kbm"
                )

    def pitch(self, key: int, tonic: int) -> float:
        """The fine MIDI pitch of the nominal MIDI key `key` while the tonic is `tonic` (a key or a pitch class)."""
        octave, place = divmod(key - 60 - (tonic % 12 if self.anchor is None else self.anchor), 12)
        return key + (self.offsets_cents[place] + octave * self.stretch_cents) / 100.0

    @property
    def cents(self) -> tuple[float, ...]:
        """The twelve keys and their octave, above the first of them."""
        first = self.offsets_cents[0]
        twelve = (100.0 * key + offset - first for key, offset in enumerate(self.offsets_cents))
        return (*twelve, 1200.0 + self.stretch_cents)

    def _error(self, problem: str) -> TuningError:
        return TuningError(f"tuning {self.name} {problem}")


def tuning_of(scale: TunedScale) -> Tuning:
    """The tuning in which a scale's nominal keys sound its cents; keys between two degrees lie between them."""
    known = [*zip(scale.semitones, scale.cents, strict=True), (12, scale.period_cents)]
    stretch = scale.period_cents - 1200.0
    return Tuning(scale.name, _offsets(known), stretch, None, scale.title, scale.source, scale.credit)


def tuning_from(name: str, scl: Scl, kbm: Kbm | None = None, source: str = "", credit: str = "") -> Tuning:
    """The tuning that a Scala scale gives to twelve keys around the tonic or, with a mapping, to the keys as mapped.

    Without a mapping a scale of 12 notes gives each key one, a longer one each key the nearest, a shorter one
    (4 or more) is put on the keys nearest to it, and keys between its notes lie between them. TuningError says what
    to do when that does not go well. A mapping's range of keys is not looked at: all octaves are alike.
    """
    try:
        anchor, known, period = _around_tonic(scl) if kbm is None else _mapped(scl, kbm)
    except TuningError as error:
        raise TuningError(f"tuning {name} {error}") from None
    return Tuning(name, _offsets(known), period - 1200.0, anchor, scl.description, source, credit)


_Known = list[tuple[int, float]]  # keys above the first and their cents, from 0 to 12


def _around_tonic(scl: Scl) -> tuple[None, _Known, float]:
    """Anchor, known keys and period of a scale without a mapping."""
    count = len(scl.intervals)
    if count < FEWEST:
        raise TuningError(f"has {count} note{'s' * (count != 1)}: give {FEWEST} or more, the octave being the last")
    *notes, period = (0.0, *scl.cents)
    check_period(period)
    for below, above in zip(notes, (*notes[1:], period), strict=True):
        if not above > below:
            raise TuningError(f"does not rise: {above:g} cents after {below:g}; sort it, or add a mapping (.kbm)")
    keys: Sequence[int] = range(12)
    if count < 12:
        keys = nearest_keys(notes)
    elif count > 12:
        notes = [min(notes, key=lambda note: abs(note - 100.0 * key)) for key in range(12)]
        for key in range(1, 12):
            if notes[key] <= notes[key - 1]:
                raise TuningError(
                    f"has {count} notes, but not one for each of twelve keys: the nearest to key {key} ({100 * key} "
                    f"cents) is {notes[key]:.0f} cents, which is taken; choose twelve with a mapping (.kbm)"
                )
    return None, [*zip(keys, notes, strict=True), (12, period)], period


def _mapped(scl: Scl, kbm: Kbm) -> tuple[int, _Known, float]:
    """Anchor, known keys and period of a scale on the keys that a mapping gives it."""
    pitches = keyboard(scl, replace(kbm, first=0, last=127))
    first = 60 + kbm.middle % 12
    cents = {key - first: 100.0 * (pitch - first) for key, pitch in enumerate(pitches) if pitch is not None}
    if not {0, 12} <= set(cents):
        raise TuningError("has a mapping that leaves its middle note silent: begin the map with a degree")
    period = cents[12] - cents[0]
    for key in range(-first, 116 - first):
        low, high = cents.get(key), cents.get(key + 12)
        if (low is None) != (high is None) or not abs((high or 0.0) - (low or 0.0) - period * (low is not None)) < 1e-3:
            raise TuningError("has a mapping that does not repeat every 12 keys: map 12 of them, or 6, 4, 3, 2 or 1")
    low, high = PERIOD_CENTS
    if not low <= period <= high:
        raise TuningError(
            f"has a mapping on which twelve keys span {period:g} cents: only {low:g} to {high:g} can be played; "
            f"mind its size and its formal octave, {kbm.octave}"
        )
    known = [(key, cents[key]) for key in range(13) if key in cents]
    if len(known) <= FEWEST:
        raise TuningError(f"has a mapping that sounds {len(known) - 1} of twelve keys: give {FEWEST} or more")
    return kbm.middle % 12, known, period


def _offsets(known: _Known) -> tuple[float, ...]:
    """Cents of twelve keys against equal temperament; what lies between known keys is spread evenly."""
    offsets: list[float] = []
    for (key, low), (next_key, high) in pairwise(known):
        step = (high - low) / (next_key - key)
        offsets += [low + step * i - 100.0 * (key + i) for i in range(next_key - key)]
    return tuple(offsets)


def _on_ratios(name: str, title: str, ratios: str, source: str, credit: str) -> Tuning:
    """Twelve ratios above the tonic."""
    cents = [cents_of(Fraction(ratio)) for ratio in ratios.split()]
    return Tuning(name, _offsets([*enumerate(cents), (12, 1200.0)]), 0.0, None, title, source, credit)


def _on_fifths(
    name: str, title: str, narrow_by: Mapping[str, float], source: str, credit: str, anchor: int | None = C
) -> Tuning:
    """Fifths up from E flat to G sharp, pure but for those that are `narrow_by` cents; C lies where it is.

    A fifth is called by its lower note, as in "C" for C-G.
    """
    cents = {"C": 0.0}
    for low, high in pairwise(_CHAIN[_CHAIN.index("C") :]):
        cents[high] = cents[low] + _PURE_FIFTH - narrow_by.get(low, 0.0)
    for high, low in pairwise(_CHAIN[_CHAIN.index("C") :: -1]):
        cents[low] = cents[high] - _PURE_FIFTH + narrow_by.get(low, 0.0)
    by_key = {7 * (place - _CHAIN.index("C")) % 12: cents[note] % 1200.0 for place, note in enumerate(_CHAIN)}
    return Tuning(name, _offsets([*sorted(by_key.items()), (12, 1200.0)]), 0.0, anchor, title, source, credit)


def _each(notes: str, cents: float) -> dict[str, float]:
    return dict.fromkeys(notes.split(), cents)


TUNINGS: Mapping[str, Tuning] = MappingProxyType(
    {
        tuning.name: tuning
        for tuning in (
            Tuning("12-tet", title="Twelve equal semitones", source="Zhu Zaiyu 1584; Simon Stevin c. 1605"),
            _on_ratios(
                "just",
                "Just intonation: Ptolemy's intense diatonic, filled up with 5-limit semitones",
                "1 16/15 9/8 6/5 5/4 4/3 45/32 3/2 8/5 5/3 9/5 15/8",
                "Ptolemy, Harmonics I.15 (c. 150); chromatic notes as in Barbour, Tuning and Temperament (1951)",
                "after Claudius Ptolemy",
            ),
            _on_fifths(
                "pythagorean",
                "Pythagorean: eleven pure fifths, E flat to G sharp above C",
                {},
                "Barbour, Tuning and Temperament (1951), ch. 1",
                "after the Pythagorean tradition",
                anchor=None,
            ),
            _on_fifths(
                "meantone",
                "Quarter-comma meantone: pure major thirds",
                _each(" ".join(_CHAIN), _SYNTONIC_COMMA / 4),
                "Pietro Aaron, Thoscanello de la musica (1523); Barbour (1951), ch. 3",
                "after Pietro Aaron",
                anchor=None,
            ),
            _on_fifths(
                "werckmeister-3",
                "Werckmeister III: C-G, G-D, D-A and B-F sharp narrow by a quarter comma",
                _each("C G D B", _PYTHAGOREAN_COMMA / 4),
                "Andreas Werckmeister, Musicalische Temperatur (1691)",
                "after Andreas Werckmeister",
            ),
            _on_fifths(
                "vallotti",
                "Vallotti: six fifths from F to B narrow by a sixth of a comma",
                _each("F C G D A E", _PYTHAGOREAN_COMMA / 6),
                "Francesco Antonio Vallotti, as in Tartini (1754); Barbour (1951), ch. 7",
                "after Francesco Antonio Vallotti",
            ),
            _on_fifths(
                "young",
                "Young's second temperament: six fifths from C to F sharp narrow by a sixth of a comma",
                _each("C G D A E B", _PYTHAGOREAN_COMMA / 6),
                "Thomas Young, Outlines of Experiments and Inquiries, Phil. Trans. 90 (1800)",
                "after Thomas Young",
            ),
            _on_ratios(
                "harmonic-series",
                "Harmonic series: partials 16 to 32 of the tonic",
                "1 17/16 9/8 19/16 5/4 21/16 11/8 3/2 13/8 27/16 7/4 15/8",
                "partials 16-32; Wendy Carlos, Tuning: At the Crossroads, Computer Music Journal 11(1), 1987",
                "after Wendy Carlos's harmonic scale",
            ),
        )
    }
)
