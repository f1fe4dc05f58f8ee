"""Mute and solo, as on a mixing desk, over the levels of stems.

A muted stem is held at -60 dB, which is silence; what it was before comes back: the level that a person held, or the
plan's. Solo silences the other stems as mute does, and leaves the mutes alone: a stem that is muted and soloed is
silent, and when the last solo goes exactly those are silent that were muted. The reverb's return has no solo of its
own and stays when others are soloed, since it carries only what is sent to it by those that sound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from synth.control.hands import Hands
from synth.controls import STEMS

SILENT_DB = -60.0
ALMOST_SILENT_DB = -59.5
RETURN = "reverb"
SOLOED = tuple(stem for stem in STEMS if stem != RETURN)


@dataclass(slots=True)
class _Silenced:
    """A stem that is held silent. `before_db`: the level a person held, None when the plan had it; `arrived`: whether
    it was seen silent, so that a level seen later is somebody else's doing."""

    before_db: float | None
    arrived: bool = False


@dataclass(slots=True)
class _Asked:
    """A level that was asked for, and what was seen of it since."""

    level_db: float
    seen_db: float | None = None


class Stems:
    """Which stems are muted and soloed, by the hand `by`. Not thread-safe: belongs to one thread."""

    def __init__(self, hands: Hands, by: str) -> None:
        self._hands, self._by = hands, by
        self._muted: set[str] = set()
        self._soloed: set[str] = set()
        self._silenced: dict[str, _Silenced] = {}
        self._freed: set[str] = set()  # would be silent, but another hand moved them
        self._asked: dict[str, _Asked] = {}

    def muted(self, stem: str) -> bool:
        """Whether `stem` is muted."""
        return stem in self._muted

    def soloed(self, stem: str) -> bool:
        """Whether `stem` is soloed."""
        return stem in self._soloed

    @property
    def busy(self) -> bool:
        """Whether there is anything that `notice` could see."""
        return bool(self._silenced or self._asked)

    def mute(self, stem: str, on: bool, why: str) -> None:
        """Mute `stem`, or take its mute away."""
        (self._muted.add if on else self._muted.discard)(stem)
        self._freed.discard(stem)
        self._settle(why)

    def solo(self, stem: str, on: bool, why: str) -> None:
        """Solo `stem`, or take its solo away."""
        (self._soloed.add if on else self._soloed.discard)(stem)
        self._freed.clear()
        self._settle(why)

    def level(self, stem: str, level_db: float, why: str) -> None:
        """A person moves the level of `stem`: at once, or when it is heard again."""
        if stem in self._silenced:
            self._silenced[stem].before_db = level_db
        else:
            self._request(stem, level_db, why)

    def release(self, stem: str) -> None:
        """The level of `stem` goes back to the plan: at once, or when it is heard again."""
        if stem in self._silenced:
            self._silenced[stem].before_db = None
        else:
            self._release(stem)

    def clear(self, why: str) -> None:
        """No mutes, no solos."""
        self._muted.clear()
        self._soloed.clear()
        self._settle(why)

    def notice(self, controls: Mapping[str, float], held: frozenset[str]) -> None:
        """See, a few times a second, what others did: a stem that another hand moved or gave back is muted no more."""
        for stem, silenced in list(self._silenced.items()):
            silent = controls[_level(stem)] <= ALMOST_SILENT_DB and _level(stem) in held
            if silent:
                silenced.arrived = True
            elif silenced.arrived:
                del self._silenced[stem]
                self._asked.pop(stem, None)
                self._muted.discard(stem)
                self._freed.add(stem)
        for stem, asked in list(self._asked.items()):
            now_db = controls[_level(stem)]
            stays_elsewhere = now_db == asked.seen_db and abs(now_db - asked.level_db) > 0.1
            if asked.seen_db is not None and (stays_elsewhere or _level(stem) not in held):
                del self._asked[stem]
            asked.seen_db = now_db

    def _settle(self, why: str) -> None:
        """Silence those that are to be silent now, give back those that are not any more."""
        others = set(SOLOED) - self._soloed if self._soloed else set()
        wanted = self._muted | others
        self._freed &= wanted
        for stem in STEMS:
            if stem in wanted - self._freed and stem not in self._silenced:
                self._silenced[stem] = _Silenced(self._held_at(stem))
                self._hands.request(_level(stem), SILENT_DB, self._by, why)
            elif stem not in wanted and stem in self._silenced:
                before_db = self._silenced.pop(stem).before_db
                if before_db is None:
                    self._release(stem)
                else:
                    self._request(stem, before_db, why)

    def _held_at(self, stem: str) -> float | None:
        """The level at which a person holds the stem, or which they asked for a moment ago; None when none does."""
        if stem in self._asked:
            return self._asked[stem].level_db
        return self._hands.controls[_level(stem)] if _level(stem) in self._hands.held else None

    def _request(self, stem: str, level_db: float, why: str) -> None:
        self._asked[stem] = _Asked(level_db)
        self._hands.request(_level(stem), level_db, self._by, why)

    def _release(self, stem: str) -> None:
        self._asked.pop(stem, None)
        self._hands.release(_level(stem))


def _level(stem: str) -> str:
    return f"level_{stem}_db"
