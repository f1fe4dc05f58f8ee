"""Texture: which stems play a phrase. At most one comes or goes at a time, and none is away for too long."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random

_BREAK_BARS = 32  # percussion rests for a phrase after so many bars


class Texture:
    """`presence`: share of the time that each stem is there; a stem it does not name always is."""

    def __init__(self, rng: Random, stems: tuple[str, ...], presence: Mapping[str, float]) -> None:
        self._rng = rng
        self._stems = stems
        self._presence = {stem: presence[stem] for stem in stems if stem in presence}
        self._away = dict.fromkeys(self._presence, 0)  # phrases since it left
        self._percussion_bars = 0

    def next(self, bars: int) -> tuple[str, ...]:
        """The stems of a phrase of `bars` bars."""
        stem = self._change()
        for name, phrases in self._away.items():
            self._away[name] = phrases + 1 if phrases else 0
        if stem is not None:
            self._away[stem] = 0 if self._away[stem] else 1
        playing = [stem for stem in self._stems if not self._away.get(stem)]
        self._percussion_bars += bars
        if self._percussion_bars > _BREAK_BARS and bars <= 4:
            self._percussion_bars = 0
            playing = [stem for stem in playing if stem != "percussion"]
        return tuple(playing)

    def _change(self) -> str | None:
        """The stem that comes back or leaves, if one does."""
        wants = []
        for stem, presence in self._presence.items():
            away = self._away[stem]
            if away > math.ceil(1.5 * (1.0 - presence) / presence):
                return stem
            if self._rng.random() < (0.15 + 0.6 * presence if away else 0.7 * (1.0 - presence)):
                wants.append(stem)
        if not wants:
            return None
        stem = self._rng.choice(wants)
        voices = [s for s in ("melody", "bells") if s in self._away and s != stem and not self._away[s]]
        return stem if self._away[stem] or stem == "bass" or voices else None
