"""Of many values for one control the newest counts, and what is done to different things keeps its order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

WINDOW_S = 0.004  # two blocks of 128 frames: no more can be heard


@dataclass(frozen=True, slots=True)
class Deed:
    """Something to be done. Of those with the same `lane` the newest counts; with None every one does."""

    lane: str | None
    do: Callable[[], None]


class Newest:
    """Passes deeds on: the first on a lane at once, those that follow within WINDOW_S as one, in the end.

    The groups of `offer` are not torn apart. A deed without a lane comes after all that was offered before it.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, Deed] = {}
        self._passed_s: dict[str, float] = {}
        self._due_s: float | None = None

    def offer(self, group: Sequence[Deed], now_s: float) -> list[Deed]:
        """What is to be done now that `group` came."""
        if any(deed.lane is None for deed in group):
            return [*self._flush(now_s), *_newest(group, self._passed_s, now_s)]
        if not self._waiting and all(self._quiet(str(deed.lane), now_s) for deed in group):
            return _newest(group, self._passed_s, now_s)
        for deed in group:
            lane = str(deed.lane)
            self._waiting.pop(lane, None)  # the newest goes to the end, so that order is that of what counts
            self._waiting[lane] = deed
        if self._due_s is None:
            self._due_s = now_s + WINDOW_S
        return []

    def due(self, now_s: float) -> list[Deed]:
        """What waited long enough."""
        return [] if self._due_s is None or now_s < self._due_s else self._flush(now_s)

    @property
    def next_s(self) -> float | None:
        """When something is due."""
        return self._due_s

    def _quiet(self, lane: str, now_s: float) -> bool:
        return now_s - self._passed_s.get(lane, -1e9) >= WINDOW_S

    def _flush(self, now_s: float) -> list[Deed]:
        passed = list(self._waiting.values())
        self._passed_s.update(dict.fromkeys(self._waiting, now_s))
        self._waiting.clear()
        self._due_s = None
        return passed


def _newest(group: Sequence[Deed], passed_s: dict[str, float], now_s: float) -> list[Deed]:
    """The group without deeds that a later one of the same lane makes void, with nothing else between them."""
    kept: list[Deed] = []
    since_other: dict[str, int] = {}
    for deed in group:
        if deed.lane is None:
            since_other.clear()
        elif deed.lane in since_other:
            kept[since_other[deed.lane]] = _NOTHING
        if deed.lane is not None:
            since_other[deed.lane] = len(kept)
            passed_s[deed.lane] = now_s
        kept.append(deed)
    return [deed for deed in kept if deed is not _NOTHING]


_NOTHING = Deed(None, lambda: None)
