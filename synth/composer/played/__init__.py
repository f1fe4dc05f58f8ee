"""Playing along: a person plays, and the composer leaves room, answers, and takes over chord, bass and key."""

from __future__ import annotations

from synth.composer.played.company import Company
from synth.composer.played.key import KeyFound, KeySense

__all__ = ["Company", "KeyFound", "KeySense"]
