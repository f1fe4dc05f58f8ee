"""Keys that people play: which notes are held, by finger or by pedal, and that each of them ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

Place = tuple[str, int]  # port and channel
Play = Callable[[float, float, str], None]


class Keys:
    """Held keys of all ports. `play(pitch, velocity, stem)` begins a note, with velocity 0 it ends it.

    A note that two keys hold ends with the last of them; one struck again ends first.
    """

    def __init__(self, play: Play) -> None:
        self._play = play
        self._stems: dict[tuple[Place, int], str] = {}  # of the notes that sound
        self._kept: set[tuple[Place, int]] = set()  # by the pedal alone
        self._pedals: set[Place] = set()
        self._holders: Counter[tuple[str, int]] = Counter()

    @property
    def sounding(self) -> int:
        """Notes that sound."""
        return len(self._holders)

    def on(self, place: Place, note: int, velocity: float, stem: str) -> None:
        """A key goes down, `velocity` above 0 to 1. What `play` raises leaves no note behind."""
        key = place, note
        if key in self._stems:
            self._end(key)
        if self._holders[stem, note]:
            self._play(float(note), 0.0, stem)
        self._play(float(note), velocity, stem)
        self._stems[key] = stem
        self._holders[stem, note] += 1

    def off(self, place: Place, note: int) -> None:
        """A key comes up; the pedal may keep its note."""
        key = place, note
        if key not in self._stems:
            return
        if place in self._pedals:
            self._kept.add(key)
        else:
            self._end(key)

    def pedal(self, place: Place, down: bool) -> None:
        """The sustain pedal."""
        if down:
            self._pedals.add(place)
            return
        self._pedals.discard(place)
        for key in [key for key in self._kept if key[0] == place]:
            self._end(key)

    def end(self, port: str | None = None, channel: int | None = None) -> int:
        """End every note (of `port`, of `channel`), whatever holds it, and lift the pedals; how many keys held one."""
        keys = [key for key in self._stems if _of(key[0], port, channel)]
        self._pedals = {place for place in self._pedals if not _of(place, port, channel)}
        for key in keys:
            self._end(key)
        return len(keys)

    def _end(self, key: tuple[Place, int]) -> None:
        stem, note = self._stems.pop(key), key[1]
        self._kept.discard(key)
        self._holders[stem, note] -= 1
        if not self._holders[stem, note]:
            del self._holders[stem, note]
            self._play(float(note), 0.0, stem)


def _of(place: Place, port: str | None, channel: int | None) -> bool:
    return port in (None, place[0]) and channel in (None, place[1])
