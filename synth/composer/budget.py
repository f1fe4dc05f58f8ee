"""The budget of notes: how a phrase's onsets are shared between harmony, percussion, tune, bells, bass and figure."""

from __future__ import annotations

from synth.composer.moment import Shares
from synth.composer.styles import Archetype

LEADS = {"tune", "hum", "alap", "taqsim", "bloom"}  # parts that sing
FIGURES = {"figure", "phase", "interlock"}  # and parts that repeat a pattern
MOVING = 1.9  # voices that move when the chord changes
_FEWEST_VOICES, _FEWEST_CHORDS = 2, 2
_FEWEST_TONES = 3.0  # of a tune
_DRONE_UNDER = 7.0
_HARMONY = 0.7  # of what the tune leaves, for more voices and chords
_BELLS_HZ = 0.5
_DRUMS_HZ = 7.0


def share(
    style: Archetype,
    notes: float,
    bars: int,
    bar_s: float,
    most_chords: int,
    stems: tuple[str, ...],
    percussiveness: float,
) -> Shares:
    """Divide `notes` among the parts of a phrase of `bars` bars in which `stems` play.

    A pad of two voices and two chords comes first, then percussion, a moving bass, a tune worth singing and bells; what
    is left makes the harmony fuller, a third chord first, and the rest goes to a figure or to broken chords.
    """
    playing = {style.parts[stem] for stem in stems}
    has_bass = "bass" in stems or "drone" in stems
    drone = notes < _DRONE_UNDER  # so sparse that one bass note has to do for the phrase
    phrase_s = bars * bar_s
    free = max(
        notes - _FEWEST_VOICES - (_FEWEST_CHORDS - 1) * MOVING - (1 if drone else _FEWEST_CHORDS) * has_bass, 0.0
    )

    percussion = 0.0
    if "drums" in playing and percussiveness >= 0.05:
        percussion = min(free * style.percussion * min(0.35 + 0.65 * percussiveness, 1.0), _DRUMS_HZ * phrase_s)
        free -= percussion
    bass = 0.0
    if has_bass:
        bass = min(style.bass * free, style.most_bass * bars)
        free -= bass
    tune = 0.0
    if playing & LEADS:
        tune = min(max(style.tune * free, style.fewest), style.tune_hz * (1.0 - style.rest) * phrase_s)
        tune = min(tune, free) if free >= _FEWEST_TONES else 0.0
        free -= tune
    bells = 0.0
    if playing & {"answer", "periods"}:
        bells = min(style.bells * free, _BELLS_HZ * phrase_s)
        free -= bells

    voices, chords = _FEWEST_VOICES, _FEWEST_CHORDS
    more = 0
    if most_chords > chords and free >= 0.5 * (MOVING + has_bass):  # one on the way to the cadence
        chords, more = chords + 1, 1
    harmony = _HARMONY * (free - more * (MOVING + has_bass))
    if style.voices > voices and harmony >= 1.0:
        voices, harmony = voices + 1, harmony - 1.0
    others = max(min(round(harmony / (MOVING + 1.0)), most_chords - chords), 0)
    chords, more, harmony = chords + others, more + others, harmony - others * (MOVING + 1.0)
    if style.voices > voices and harmony >= 1.0:
        voices += 1
    free = max(free - (voices - _FEWEST_VOICES) - more * (MOVING + has_bass), 0.0)

    bass = (bass + (1.0 if drone else chords) * has_bass) / bars
    figure, fill = (free / bars, 0.0) if playing & FIGURES else (0.0, free / bars)
    return Shares(chords, voices, bass, percussion / bars, figure, fill, tune, bells)
