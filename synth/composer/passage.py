"""Passages: the phrases that lead into another scene, key or tempo.

An audible change has a place where it does not jar: the phrase is finished, the bed alone holds what both sides share,
and the new enters over it. A tempo moves at once only where no pulse sounds, or where a beat of the old is a beat of
the new one (metric modulation).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

from synth.composer import joins, modulation
from synth.composer.scales import Scale
from synth.preset import Scene

BRIDGE_S = GROUND_S = 8.0
GROUNDED = 0.02  # tonal tension from which down tonic and fifth are held, at once
_BED = ("pad", "bass", "drone")  # what stays while one scene becomes another
_RATIOS = tuple(Fraction(*pair) for pair in ((1, 2), (2, 3), (3, 4), (4, 3), (3, 2), (2, 1)))
_WORTH = 0.06  # octaves of tempo under which a ramp does


@dataclass(frozen=True, slots=True)
class Passage:
    """One phrase on the way, `seconds` long at least (0: as long as usual).

    `kind`: "leave", "through" or "arrive" for scenes, "turn" for keys, "beat" or "bridge" for tempo, "ground" for as
    long as nothing but tonic and fifth is asked for. `scene` is its number and `setting` what is played in it.
    `still`: nothing but what both sides share. `close`: the degree it ends on.
    """

    kind: str
    scene: int
    setting: Scene
    seconds: float = 0.0
    still: bool = False
    close: int | None = None
    told: tuple[tuple[str, str], ...] = ()

    @property
    def kept(self) -> tuple[str, ...]:
        """The stems that play on; none named is all, as usual."""
        if self.kind == "through":
            return ()
        if self.still and self.kind != "ground":
            return ("pad", "drone")
        return (*_BED, "melody") if self.kind == "arrive" else _BED

    def bars(self, bar_s: float) -> int:
        """How many bars of `bar_s` seconds it takes."""
        if self.seconds:
            return math.ceil(self.seconds / bar_s)
        return max(self.setting.phrase_bars, math.ceil(joins.LEAVE_S / bar_s))


def to_scene(before: Scene, number: int, after: Scene, wanted: int) -> tuple[Passage, ...]:
    """From scene `before` to `after`, over others where these two may not meet."""
    retuned = (before.tuning, before.culture, before.scale) != (after.tuning, after.culture, after.scale)
    leave_s = joins.DRONE_S if retuned else joins.LEAVE_S
    through = joins.route(before.archetype, after.archetype)[:-1]
    over = joins.MEETING.get(frozenset((before.archetype, (*through, after.archetype)[0])), "drone")
    way = [Passage("leave", number, before, leave_s, still=retuned)]
    for place, name in enumerate(through, 1):
        if retuned and name == "drone":  # as they left the scene before
            continue
        told = (("scene", name), ("passage", f"on the way to {after.name}"))
        on_the_way = replace(after, name=name, archetype=name)
        way.append(Passage("through", -100 * place - wanted - 1, on_the_way, told=told))
    way.append(Passage("arrive", wanted, after, told=(("scene", after.name), ("passage", f"over {over}"))))
    return tuple(way)


def to_key(now: Scale, wanted: Scale, degree: int | None, number: int, scene: Scene) -> tuple[Passage, ...]:
    """What has to come before another key: nothing over a pivot, or a turn to the chord that leads on."""
    way = modulation.way(now, wanted)
    if way.over == "pivot" or (way.over == "chain" and degree == way.close):
        return ()
    told = (("passage", f"{way.over} to {wanted.name}"),)
    return (Passage("turn", number, scene, modulation.HOLD_S, way.over == "drone", way.close, told),)


def ratio(now_bpm: float, wanted_bpm: float, metre: int) -> Fraction | None:
    """The simplest change of beat that brings the tempo nearer, a bar of the old pulse being whole beats of the new.

    None when no simple one does.
    """
    away = math.log2(wanted_bpm / now_bpm)
    fits = [r for r in _RATIOS if (r * metre).denominator == 1]
    best = min(fits, key=lambda r: abs(away - math.log2(r)), default=None)
    if best is None or abs(away - math.log2(best)) > 0.5 * abs(away):
        return None
    return best


def worth_a_leap(now_bpm: float, wanted_bpm: float) -> bool:
    """True when a tempo is too far off for a ramp to be the obvious way."""
    return abs(math.log2(wanted_bpm / now_bpm)) > _WORTH
