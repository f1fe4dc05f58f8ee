"""A composer of lines that learned from printed tunes of 1883 and 1903 (`README.md` is its model card)."""

from __future__ import annotations

from synth.composer.learned.writer import LearnedMelody

__all__ = ["LearnedMelody"]
