"""A follower: the hand that keeps a session's tempo and beat with an outside's, as far as the limits allow.

A beat's tempo is read where the beat begins and stands for all of it. So as soon as one has begun, the follower asks
for the tempo at which the next one will bring the two together (`synth.control.clock.servo`), and looks again on the
way there, when more ticks were heard.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

from synth.control.clock.servo import MARGIN, TempoLimits, braked, quicker, way
from synth.control.hands import Hands
from synth.session.pulse import Pulse

TEMPO = "tempo_bpm"
LOOKS = (0.0, 0.5, 0.75, 0.9)  # of a beat
STEADY = 1e-4  # a change of tempo smaller than this fraction is not asked for
FOREIGN_OCT = 1e-3  # so far beside what was asked for, the tempo moves by another hand
IN_PHASE_S = 0.005
RATIOS = {1.0: "", 0.5: "half time", 2.0: "double time"}
ROOM = 1.002  # by how much a tempo may wander over the limit that it was taken within


class Outside(Protocol):
    """A beat that is followed, in seconds of session time as handed out."""

    @property
    def told(self) -> bool:
        """Whether it is known where its beats are."""

    def alive(self, now_s: float) -> bool:
        """Whether its tempo is known."""

    def beats_at(self, t_s: float) -> float:
        """Beats since it began."""

    def beat_s(self, t_s: float) -> float:
        """How long its beat about `t_s` lasts."""


class Follower:
    """Follows `outside` within `limits`. `latency_s`: how much later than its frame a beat is heard. `by` is the hand
    that asks, `name` what it is called in reasons.

    `words` say what it does, `phase_error_s` how much later than the outside's beat the last one came (NaN: not known);
    `asked` counts its requests, `stood_down` how often another hand took the tempo.
    """

    def __init__(self, outside: Outside, limits: TempoLimits, latency_s: float, *, by: str, name: str) -> None:
        self.outside, self.limits, self.latency_s = outside, limits, latency_s
        self.by, self.name = by, name
        self.asked = self.stood_down = 0
        self.phase_error_s = math.nan
        self.words = f"no {name} yet"
        self._look = -1, 0
        self._ratio: float | None = None  # our beats to one of its beats
        self._offset = 0.0  # of its beats against ours, where it has not said where they are
        self._told = False  # whether that is known
        self._way = 0.0  # into phase, as planned last, in beats
        self._tempo: float | None = None  # that the outside had last, and that stays when it falls silent
        self._reach: list[float] = []  # tempos that our last two requests lead past
        self._holding = False  # whether the tempo is held by us
        self._other = ""  # the hand that took it
        self._other_seen = False
        self._theirs = math.nan  # what it asked for
        self._give_back = False

    @property
    def standing_by(self) -> bool:
        """Whether another hand has the tempo."""
        return bool(self._other)

    def start_anew(self) -> None:
        """The outside began anew: half or double time is decided again."""
        self._ratio = None

    def hear(self, line: Mapping[str, Any]) -> None:
        """A line of the session's record: another hand on the tempo has it until it lets go, and gets it back where a
        request of ours crossed its own."""
        if line.get("control") != TEMPO:
            return
        if line.get("type") == "release":
            self._other, self._holding, self._give_back = "", False, False
        elif line.get("type") == "commit" and line["accepted"] and not line["at_once"]:
            if line["by"] == self.by:
                self._give_back = bool(self._other) and line["requested"] != self._theirs
            elif line["by"].partition(":")[0] in ("hand", "script", "safety"):
                self._stand_down(line["by"])
                self._theirs, self._give_back = line["requested"], False

    def step(self, hands: Hands) -> None:
        """Look at the session and ask for what is due; to be called every few milliseconds, or each block."""
        pulse, now_s, bpm = hands.pulse, hands.time_s, hands.controls[TEMPO]
        if pulse.number < self._look[0]:
            self._new_session()
        if self._give_back:
            self._give_back = False
            hands.request(TEMPO, self._theirs, by=self.by, reason=f"given back to {self._other}")
        if self._stands_by(TEMPO in hands.held, bpm):
            return
        look = pulse.number, sum(now_s - pulse.start_s >= part * pulse.length_s for part in LOOKS)
        if look == self._look or look[1] == 0:
            return
        self._look = look
        wanted = self._next_bpm(pulse, now_s, bpm)
        if wanted is not None:
            self._ask(hands, bpm, wanted)

    def release(self, hands: Hands) -> None:
        """Give the tempo back to the plan, if this hand has it."""
        if self._holding and not self._other:
            hands.release(TEMPO)
        self._holding = False
        self._reach = []

    def _new_session(self) -> None:
        """Another session has begun in place of the one before: nothing in it is held yet."""
        self._look = -1, 0
        self._holding, self._reach, self._other, self._give_back = False, [], "", False
        self._told = False

    # -- another hand ----------------------------------------------------------------------------------------------

    def _stands_by(self, held: bool, bpm: float) -> bool:
        """Whether another hand has the tempo; it counts as let go when nobody holds it any more."""
        if self._other:
            self._other_seen |= held
            if held or not self._other_seen:
                return True
            self._other = ""
        if self._holding and self._reach:
            low, high = min(self._reach), max(self._reach)
            if max(math.log2(bpm / high), math.log2(low / bpm)) > FOREIGN_OCT:
                self._stand_down("another hand")
                return True
        return False

    def _stand_down(self, by: str) -> None:
        self.stood_down += not self._other
        self._other, self._other_seen = by, False
        self._holding, self._reach = False, []
        self.phase_error_s = math.nan
        self.words = f"{by} has the tempo: standing by"

    # -- once a beat -----------------------------------------------------------------------------------------------

    def _next_bpm(self, pulse: Pulse, now_s: float, bpm: float) -> float | None:
        """The tempo that the next beat should have; None: nothing to ask for."""
        outside, limits = self.outside, self.limits
        begins_s = pulse.start_s + self.latency_s
        ends_s = begins_s + pulse.length_s
        left_s = pulse.start_s + pulse.length_s - now_s
        if not outside.alive(now_s):
            self.phase_error_s = math.nan
            if self._tempo is None:
                return None
            self.words = f"no {self.name}: holding {self._tempo:.1f} bpm"
            return self._reachable(bpm, self._tempo, left_s)
        outside_bpm = 60.0 / outside.beat_s(ends_s)
        if limits.per_beat <= 0.0:
            self.words = f"no changes of the tempo are wanted: holding {bpm:.1f} bpm"
            return None
        ratio = self._choose(outside_bpm)
        if ratio is None:
            self.phase_error_s = math.nan
            held_bpm = limits.clamp(outside_bpm)
            self.words = f"outside the limits: holding {held_bpm:.1f} bpm, the {self.name} goes at {outside_bpm:.1f}"
            self._tempo = held_bpm
            return self._reachable(bpm, held_bpm, left_s)
        beat_s = outside.beat_s(ends_s + 0.5 * pulse.length_s) / ratio
        self._align(outside.beats_at(begins_s) * ratio)
        self.phase_error_s = _wrap(outside.beats_at(begins_s) * ratio - self._offset) * beat_s
        late = outside.beats_at(ends_s) * ratio - self._offset
        most = MARGIN * (2.0 ** (limits.octaves_per_s(min(bpm, 60.0 / beat_s)) * beat_s) - 1.0)
        slowest, fastest = 1.0 - 60.0 / limits.low_bpm / beat_s, 1.0 - 60.0 / limits.high_bpm / beat_s
        fast = 1.0 - 60.0 / bpm / beat_s
        self._way = way(late, fast, most, slowest, fastest, self._way)
        change = quicker(braked(fast, most) + self._way, most)
        self._tempo = 60.0 / beat_s
        self._tell(self._tempo, ratio)
        wanted = limits.clamp(60.0 / (beat_s * (1.0 - min(max(change, slowest), fastest))))
        return self._reachable(bpm, wanted, left_s)

    def _choose(self, bpm: float) -> float | None:
        """Our beats to one of the outside's: as before where that is within the limits, or one, half or double."""
        limits = self.limits
        if self._ratio and limits.low_bpm / ROOM <= bpm * self._ratio <= limits.high_bpm * ROOM:
            return self._ratio
        self._ratio = next((r for r in RATIOS if limits.low_bpm <= bpm * r <= limits.high_bpm), None)
        self._told = False
        return self._ratio

    def _align(self, beats: float) -> None:
        """Where the outside has not said where its beats are, ours are taken for them."""
        if self.outside.told:
            self._told, self._offset = True, 0.0
        elif not self._told:
            self._told, self._offset = True, beats % 1.0

    def _reachable(self, now_bpm: float, wanted_bpm: float, left_s: float) -> float:
        """`wanted_bpm` as far as the tempo may move in `left_s`, so that it is there when the beat begins."""
        most = self.limits.octaves_per_s(min(now_bpm, wanted_bpm)) * max(left_s, 0.0)
        return now_bpm * 2.0 ** min(max(math.log2(wanted_bpm / now_bpm), -most), most)

    def _ask(self, hands: Hands, bpm: float, wanted: float) -> None:
        if self._holding and self._reach and abs(wanted / self._reach[-1] - 1.0) < STEADY:
            return
        self._reach = [*self._reach[-1:], bpm, wanted]
        hands.request(TEMPO, wanted, by=self.by, reason=f"{self.name}: {self.words}")
        self._holding = True
        self.asked += 1

    def _tell(self, bpm: float, ratio: float) -> None:
        what = f"outside the limits: {RATIOS[ratio]} {bpm:.1f} bpm" if ratio != 1.0 else f"following {bpm:.1f} bpm"
        off = self.phase_error_s
        if abs(off) > IN_PHASE_S:
            what += f", {abs(off) * 1e3:.0f} ms {'behind' if off > 0 else 'ahead'}"
        self.words = what


def _wrap(beats: float) -> float:
    """To -0.5 ... 0.5."""
    return (beats + 0.5) % 1.0 - 0.5
