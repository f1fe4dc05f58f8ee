"""Where each stem is among MIDI's channels, and what a General MIDI player plays it with."""

from __future__ import annotations

from collections.abc import Sequence

PROGRAMS = {  # General MIDI, from 0
    "pad": 48, "bass": 32, "drone": 104, "melody": 0, "bells": 11, "percussion": 0, "nature": 122,
}  # fmt: skip
DRUM_CHANNEL = 9


def home_channels(stems: Sequence[str]) -> dict[str, int]:
    """A channel (from 0) for each stem: their order, but for percussion, which has the drums' own."""
    return {
        stem: DRUM_CHANNEL if stem == "percussion" else number + (number >= DRUM_CHANNEL)
        for number, stem in enumerate(stems)
    }
