"""Steering: once a second, from the listener's state and the committed controls to requests with reasons.

The plan says where to go, the policy how fast, the mapping how that sounds; stop rules and people may hold it, take
it back or ground it. A control that a person holds is left alone, and taken up again from where it is.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping as Values

from synth.controls import Request
from synth.estimator.state import State
from synth.preset import Preset
from synth.safety.stop_rules import HOLD_S, ROLL_BACK_S, StopRules
from synth.steering.breath import BreathPacing
from synth.steering.mapping import Mapping, loop_range
from synth.steering.plan import BASELINE_S, Walk, make_plan
from synth.steering.policy import Policy, Responsive, TimedArc
from synth.steering.retreat import Retreat, ground, roll_back

NUDGE, NUDGE_MOST, NUDGE_PER_S = 0.1, 0.3, 0.01  # of arousal, for "more" and "less"
SAFE_AGO_S = 90  # a roll-back returns to what was committed this long ago
PERSON_ASKED_S = 90.0  # after "more", a rise is no surprise
_LEAST_MOVE = {"arousal": 0.01, "valence": 0.01, "tension": 0.01, "breath_depth_db": 0.1, "breath_rate_bpm": 0.05}
_MOODS = ("arousal", "valence", "tension")
_DOING = {
    "baseline": "settling in",
    "match": "meeting the listener",
    "lead": "leading on",
    "plateau": "staying",
    "return": "coming back",
}


class Steering:
    """The loop of one session of `preset`, `duration_s` long (None: until stopped).

    `sensors`: whether a wearable is expected; without one the plan runs on time. After each `tick`: `phase` is the
    plan's phase, `planned` its arousal, valence and tension, `words` what was decided and why, and `releases` names
    the controls that safety took and now gives back. Deterministic; reads no clock; can be pickled.
    """

    def __init__(self, preset: Preset, duration_s: float | None, sensors: bool) -> None:
        self.plan = make_plan(preset, duration_s)
        self.words: tuple[str, ...] = self.plan.notes
        self.releases: tuple[str, ...] = ()
        self.holding = False
        self.grounded = False
        self._walk = Walk(self.plan)
        self._mapping = Mapping(preset)
        self._breath = BreathPacing()
        self._stops = StopRules(preset.profile)
        self._policy: Policy = Responsive(self.plan.aims_up) if sensors else TimedArc()
        self._ranges = {name: loop_range(preset, name) for name in _LEAST_MOVE}
        self._sent = {name: preset.controls[name] for name in _LEAST_MOVE}
        self._asked: list[str] = []
        self._said: list[str] = list(self.plan.notes)
        self._t_s = 0.0
        self._trim = 0.0
        self._paced = ""
        self._nudge = self._nudge_asked = 0.0
        self._more_until_s = -math.inf
        self._retreat: Retreat | None = None
        self._wait_until_s = -math.inf
        self._before: deque[dict[str, float]] = deque(maxlen=SAFE_AGO_S)
        self._people: frozenset[str] = frozenset()

    # -- what people say, taken up at the next tick ------------------------------------------------------------

    def hold(self) -> None:
        """Stay here; again: go on."""
        self._asked.append("hold")

    def advance(self) -> None:
        """Go on from a hold or from grounding; otherwise begin the next phase."""
        self._asked.append("advance")

    def pull_back(self) -> None:
        """Go back to the phase before."""
        self._asked.append("pull_back")

    def ground(self) -> None:
        """Leave tonic and fifth, softer and darker, until someone advances."""
        self._asked.append("ground")

    def more(self) -> None:
        """A little more arousal than planned."""
        self._asked.append("more")

    def less(self) -> None:
        """A little less arousal than planned."""
        self._asked.append("less")

    # -- one second ----------------------------------------------------------------------------------------------

    @property
    def phase(self) -> str:
        """Kind of the plan's running phase."""
        return self._walk.phase.kind

    @property
    def planned(self) -> tuple[float, float, float]:
        """The plan's arousal, valence and tension, before any trim."""
        return self._walk.now[:3]

    def tick(self, t_s: float, state: State | None, values: Values[str, float], held: frozenset[str]) -> list[Request]:
        """Requests for the second from `t_s` on.

        `values` are the committed controls, `held` those the loop may not move; `state` is None without sensors.
        """
        seconds, self._t_s = max(t_s - self._t_s, 0.0), t_s
        self.releases = ()
        mine = self._retreat.controls if self._retreat else frozenset()
        people = held - mine
        self._hand_back(self._people - people, values)
        self._people = people
        self._obey(t_s, values, people)
        self._watch(t_s, state, values, people)
        self._walk_on(t_s, seconds, state, values)
        requests = self._retreating(t_s)
        if not self._retreat and not self.grounded:
            requests += self._planned_requests(state, people)
        if not self.grounded or not people.isdisjoint(_MOODS):
            requests += self._mapping.requests(values, people | mine, seconds)
        self._before.append({name: values[name] for name in ("arousal", "tension")})
        self.words, self._said = tuple(self._said), []
        return requests

    def _hand_back(self, names: frozenset[str], values: Values[str, float]) -> None:
        """Take up again, from where they are, the controls that people let go."""
        moods = {name: values[name] for name in (*_MOODS, "breath_depth_db") if name in names}
        if moods:
            self._take_up(moods)
        for name in names & self._sent.keys():
            self._sent[name] = values[name]

    def _take_up(self, values: Values[str, float]) -> None:
        """Plan on from these values; a trim or nudge that was added to the old ones is forgotten."""
        if "arousal" in values:
            self._trim = self._nudge = self._nudge_asked = 0.0
            if isinstance(self._policy, Responsive):
                self._policy.forget_trim()
        self._walk.aim_from(**values)

    def _obey(self, t_s: float, values: Values[str, float], people: frozenset[str]) -> None:
        for verb in self._asked:
            match verb:
                case "hold":
                    self.holding = not self.holding
                    self._said.append("holding here, as asked" if self.holding else "going on, as asked")
                case "advance" if self.holding or self.grounded or self._wait_until_s > t_s:
                    self._go_on(values)
                    self._said.append("going on, as asked")
                case "advance":
                    self._walk.advance()
                    self._said.append(f"on to the {self.phase} phase, as asked")
                case "pull_back":
                    self._go_on(values)
                    self._walk.pull_back()
                    self._said.append(f"back to the {self.phase} phase, as asked")
                case "ground":
                    self._ground(t_s, values, people, "grounding was asked for")
                case "more" | "less":
                    self._nudge_by(t_s, NUDGE if verb == "more" else -NUDGE, values)
                    self._said.append(f"a little {verb}, as asked")
        self._asked.clear()

    def _nudge_by(self, t_s: float, step: float, values: Values[str, float]) -> None:
        if self.grounded:
            self._go_on(values)
        self._nudge_asked = min(max(self._nudge_asked + step, -NUDGE_MOST), NUDGE_MOST)
        if step > 0.0:
            self._more_until_s = t_s + PERSON_ASKED_S

    def _go_on(self, values: Values[str, float]) -> None:
        """End hold, wait and grounding, and plan on from what is committed."""
        if self.grounded or self._retreat:
            self._end_retreat()
            self._take_up({name: values[name] for name in (*_MOODS, "breath_depth_db")})
            self._sent = {name: values[name] for name in self._sent}
            self._mapping.forget()
        self.holding = self.grounded = False
        self._wait_until_s = -math.inf

    def _ground(self, t_s: float, values: Values[str, float], people: frozenset[str], reason: str) -> None:
        self._end_retreat()
        self.grounded, self.holding = True, False
        self._retreat = ground(values, people, t_s, reason)
        self._mapping.forget()
        self._said.append(f"grounding: {reason}")

    def _watch(self, t_s: float, state: State | None, values: Values[str, float], people: frozenset[str]) -> None:
        """Carry out a stop rule that is broken."""
        rise = self._walk.heading > 0 or t_s < self._more_until_s
        stop = self._stops.tick(t_s, state, rise)
        if stop is None or self.grounded:
            return
        if stop.action == "ground":
            self._ground(t_s, values, people, stop.reason)
            self._said.append("the music waits here: go on when it feels right, or stop")
            return
        then = self._before[0] if self._before else values
        self._end_retreat()
        self._retreat = roll_back(values, then, people, t_s, ROLL_BACK_S, stop.reason)
        self._wait_until_s = t_s + ROLL_BACK_S + HOLD_S
        self._take_up({**{name: values[name] for name in _MOODS}, **self._retreat.goal})
        self._said.append(f"rolled back and holding: {stop.reason}")

    def _end_retreat(self) -> None:
        if self._retreat:
            self.releases = tuple(sorted(self._retreat.controls))
            self._retreat = None

    def _retreating(self, t_s: float) -> list[Request]:
        if self._retreat and self._retreat.over(t_s):
            self._end_retreat()
        return self._retreat.requests(t_s) if self._retreat else []

    def _walk_on(self, t_s: float, seconds: float, state: State | None, values: Values[str, float]) -> None:
        """Move plan, trim, nudge and breath on by `seconds`."""
        if state is not None and isinstance(self._policy, TimedArc):
            self._policy = Responsive(self.plan.aims_up)
        before = self.phase
        pace = self._policy.step(t_s, seconds, self._walk.now.arousal, self._walk.heading, state)
        still = self.holding or self.grounded or t_s < self._wait_until_s
        left_s = math.inf if still or self.plan.duration_s is None else self.plan.duration_s - t_s
        self._walk.step(seconds, 0.0 if still else pace.speed, left_s)
        if not still:
            self._trim = pace.trim
            self._said += pace.words
            self._paced = "" if pace.speed == 1.0 else (*pace.words, self._paced)[0]
        most = NUDGE_PER_S * seconds
        self._nudge += min(max(self._nudge_asked - self._nudge, -most), most)
        if self.phase != before:
            self._said.append(f"{_DOING[self.phase]}: the {self.phase} phase begins")
        learning = self.phase == "baseline" or t_s < BASELINE_S
        breath = self._breath.step(seconds, learning, state, values["breath_rate_bpm"], values["breath_depth_db"])
        self._said += [breath] if breath else []

    def _planned_requests(self, state: State | None, people: frozenset[str]) -> list[Request]:
        """Requests by plan or policy for what moved enough since the last."""
        target, extra = self._walk.now, self._trim + self._nudge
        wanted = target._asdict() | {"arousal": target.arousal + extra}
        if self._breath.given_up:
            wanted["breath_depth_db"] = 0.0
        if self._breath.rate_bpm is not None:
            wanted["breath_rate_bpm"] = self._breath.rate_bpm
        requests = []
        for name, value in wanted.items():
            low, high = self._ranges[name]
            value = min(max(value, low), high)
            if name in people or abs(value - self._sent[name]) < _LEAST_MOVE[name]:
                continue
            self._sent[name] = value
            by, reason = self._reason(name, extra)
            confidence = state.confidence if state and by == "policy" else None
            requests.append(Request(name, value, by, reason, confidence))
        return requests

    def _reason(self, name: str, extra: float) -> tuple[str, str]:
        """Who asks for a planned control, and why."""
        if name == "breath_rate_bpm" or (name == "breath_depth_db" and self._breath.given_up):
            return "policy", "the listener's own breathing"
        if name == "arousal" and abs(extra) > 1e-3:
            return "policy", f"{_DOING[self.phase]}, {extra:+.2f} beside the plan"
        return ("policy", self._paced) if self._paced else ("plan", _DOING[self.phase])
