"""The budget of notes: how a phrase's onsets are shared between harmony, tune, bells, figure and percussion."""

from __future__ import annotations

from synth.composer.moment import Shares
from synth.composer.styles import Archetype

_HARMONY = 0.6  # most of a phrase's notes that its chords may take
_PER_CHANGE = 2.8  # notes of a chord change: the voices that move, and the bass


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
    chords = round(1.0 + (_HARMONY * notes - voices - 1) / _PER_CHANGE)
    chords = min(max(chords, 2), max(most_chords, 2))
    bass = 0.0
    if "bass" in stems:
        bass = min(max(0.16 * notes / bars, chords / bars), 2.0 * beats)
    left = max(notes - voices - (chords - 1) * 1.8 - bass * bars, 0.0)
    percussion = 0.0
    if "percussion" in stems and percussiveness >= 0.05:
        percussion = left * style.shares["percussion"] * min(0.35 + 0.65 * percussiveness, 1.0) / bars
        percussion = min(percussion, 4.0 * beats, 7.0 * beats * beat_s)
        left -= percussion * bars
    figure = tune = bells = 0.0
    for stem in ("melody", "bells"):
        if stem not in stems:
            continue
        part, amount = style.parts[stem], left * style.shares[stem]
        if part == "figure":
            figure += amount / bars
        elif part == "tune":
            tune += amount
        else:
            bells += min(amount, 0.5 * bars * beats * beat_s)
    return Shares(chords, voices, bass, percussion, figure, tune, bells)
