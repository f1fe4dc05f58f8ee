"""Conversions between the field's units."""

from __future__ import annotations

import math


def db_to_gain(db: float) -> float:
    """Linear amplitude of a level in dB."""
    return math.pow(10.0, db / 20.0)


def gain_to_db(gain: float) -> float:
    """Level in dB of a linear amplitude; -inf for 0."""
    return 20.0 * math.log10(gain) if gain > 0 else -math.inf


def note_to_hz(note: float) -> float:
    """Frequency of a (fractional) MIDI note, A4 = note 69 = 440 Hz."""
    return 440.0 * math.pow(2.0, (note - 69.0) / 12.0)


def hz_to_note(hz: float) -> float:
    """(Fractional) MIDI note of a frequency."""
    return 69.0 + 12.0 * math.log2(hz / 440.0)
