"""The budget of notes: how a phrase's onsets are shared between harmony, tune, bells, figure and percussion."""

from __future__ import annotations

from synth.composer.moment import Shares
from synth.composer.styles import Archetype

_HARMONY = 0.55  # most of a phrase's notes that its chords may take
_MOVING = 1.9  # voices that move when the chord changes


def share(
    style: Archetype,
    notes: float,
    bars: int,
    beats: int,
    beat_s: float,
    most_chords: int,
    stems: tuple[str, ...],
    percussiveness: float,
) -> Shares:
    """Divide `notes` among the parts of a phrase of `bars` bars of `beats` beats in which `stems` play."""
    voices = min(max(1 + int(0.25 * notes), 2), style.voices)
    chords = round(1.0 + (_HARMONY * notes - voices - 1) / (_MOVING + 1.0))
    chords = min(max(chords, 2), max(most_chords, 2))
    bass = 0.0
    if "bass" in stems:
        bass = min(max(0.16 * notes / bars, chords / bars), 2.0 * beats)
    left = max(notes - voices - (chords - 1) * _MOVING - bass * bars, 0.0)
    percussion = 0.0
    if "percussion" in stems and percussiveness >= 0.05:
        percussion = left * style.shares["percussion"] * min(0.35 + 0.65 * percussiveness, 1.0) / bars
        percussion = min(percussion, 4.0 * beats, 7.0 * beats * beat_s)
        left -= percussion * bars
    tune = bells = 0.0
    figures = [stem for stem in stems if style.parts[stem] == "figure"]
    for stem in stems:
        part, amount = style.parts[stem], left * style.shares.get(stem, 0.0)
        if part == "tune":
            tune = min(amount, style.tune_hz * (1.0 - style.rest) * bars * beats * beat_s)
        elif part in ("answer", "periods"):
            bells = min(amount, 0.5 * bars * beats * beat_s)
    fill = max(left - tune - bells, 0.0) / bars
    figure = 0.0
    if figures:
        figure, fill = fill, 0.0
    return Shares(chords, voices, bass, percussion, figure, fill, tune, bells)
