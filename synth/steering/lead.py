"""The lead: once a second, where plan, policy, people and safety want arousal, valence, tension and breath to be.

The plan says where to go, the policy how fast; stop rules and people may hold it, take it back or ground it. A control
that a person holds is left alone, and taken up again from where it is. How that sounds is not its business.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping as Values
from collections.abc import Sequence
from dataclasses import replace

from synth.controls import Request
from synth.estimator.state import State
from synth.preset import Phase, Preset, bounds_of
from synth.safety.bounds import Bounds
from synth.safety.stop_rules import HOLD_S, ROLL_BACK_S, StopRules
from synth.steering.breath import BreathPacing
from synth.steering.cues import Cues
from synth.steering.mapping import loop_range
from synth.steering.meeting import meet
from synth.steering.plan import BASELINE_S, Target, make_plan
from synth.steering.policy import make_policy
from synth.steering.retreat import Retreat, ground, roll_back
from synth.steering.walk import Walk

NUDGE, NUDGE_MOST, NUDGE_PER_S = 0.1, 0.3, 0.01  # of arousal, for "more" and "less"
SAFE_AGO_S = 90  # a roll-back returns to what was committed this long ago
PERSON_ASKED_S = 90.0  # after "more", a rise is no surprise
STIRS = 0.05  # of arousal or tension, up within SAFE_AGO_S: a change that may stir
STIRRING = ("advance", "pull_back", "more", "skip")  # what people may ask for that does
MOODS = ("arousal", "valence", "tension")
SCENES = 100  # at most, after which the first comes again
_LEAST_MOVE = {"arousal": 0.01, "valence": 0.01, "tension": 0.01, "breath_depth_db": 0.1, "breath_rate_bpm": 0.05}
_DOING = {
    "baseline": "settling in",
    "match": "meeting the listener",
    "lead": "leading on",
    "plateau": "staying",
    "return": "coming back",
}


class Lead:
    """The loop of one session of `preset`, `duration_s` long (None: until stopped), without its sound.

    `policy` is one of `synth.preset.POLICIES` (None: the preset's own), `start` where a report is met. After each
    `tick`: `phase` is the plan's phase, `planned` its arousal, valence and tension, `words` what was decided and why,
    `releases` names the controls that safety took and now gives back, `stopped` says which stop rule acted, `remap`
    that someone else moved the controls, `matched` that the plan meets a report. Deterministic; reads no clock; can be
    pickled.
    """

    def __init__(
        self,
        preset: Preset,
        duration_s: float | None,
        *,
        policy: str | None = None,
        bounds: Bounds | None = None,
        start: Target | None = None,
        landmark_every_s: float | None = None,
    ) -> None:
        bounds = bounds or bounds_of(preset)
        self._preset, self._bounds = preset, bounds
        self.plan = make_plan(preset, duration_s, bounds, start)
        self.policy = make_policy(policy or preset.policy, self.plan.aims_up)
        self.words: tuple[str, ...] = self.plan.notes
        self.releases: tuple[str, ...] = ()
        self.stopped = ""
        self.holding = False
        self.grounded = False
        self.remap = False
        self.matched = start is not None
        self.cues = Cues(preset, landmark_every_s)
        self._walk = Walk(self.plan)
        self._breath = BreathPacing()
        self._stops = StopRules(bounds.profile)
        self._ranges = {name: loop_range(preset, name, bounds) for name in _LEAST_MOVE}
        self._sent = {name: preset.controls[name] for name in _LEAST_MOVE} | ({} if start is None else start._asdict())
        self._asked: list[str] = []
        self._said: list[str] = list(self.plan.notes)
        self._t_s = 0.0
        self._trim = 0.0
        self._paced = ""
        self._counted = {"like": 0, "skip": 0}
        self._staged = -1
        self._numbers: dict[str, int] = {}  # of the scenes that the plan has led through
        self._most_scenes = SCENES - SCENES % len(preset.scenes)
        self._stirred = False
        self._nudge = self._nudge_asked = 0.0
        self._more_until_s = -math.inf
        self._retreat: Retreat | None = None
        self._wait_until_s = -math.inf
        self._before: deque[dict[str, float]] = deque(maxlen=SAFE_AGO_S)
        self._people: frozenset[str] = frozenset()

    # -- what people say, taken up at the next tick ------------------------------------------------------------

    def say(self, verb: str) -> None:
        """One of hold (again: go on), advance, pull_back, ground, more, less, like, skip."""
        self._asked.append(verb)

    def meet(self, arousal: float | None = None, valence: float | None = None) -> None:
        """The person said how they feel (-1..1, None where they did not): early enough, the plan meets them there."""
        if not self.policy.meets or self.phase not in ("baseline", "match"):
            return
        start = self.plan.start
        met = meet(self._preset, self._bounds, start.arousal if arousal is None else arousal, valence)
        if met is None:
            return
        said = {"arousal": arousal, "valence": valence}
        start = start._replace(tension=met.tension, **{n: getattr(met, n) for n, v in said.items() if v is not None})
        self.matched = True
        self.plan = make_plan(self._preset, self.plan.duration_s, self._bounds, start)
        self._walk.replan(self.plan)
        self.policy.replan(self.plan.aims_up)
        self._said.append("the plan begins where the person says they are")

    def edit(self, phases: Sequence[Phase]) -> None:
        """Go on by other `phases`, at the same time since the plan's beginning."""
        self._preset = replace(self._preset, phases=tuple(phases))
        self.plan = make_plan(self._preset, self.plan.duration_s, self._bounds, self.plan.start)
        self._walk.replan(self.plan)
        self.cues.replan(self.plan, self._walk.place)
        self.policy.replan(self.plan.aims_up)
        self._said += ["the plan was changed, as asked", *self.plan.notes]

    # -- one second ----------------------------------------------------------------------------------------------

    @property
    def phase(self) -> str:
        """Kind of the plan's running phase."""
        return self._walk.phase.kind

    @property
    def phase_number(self) -> int:
        """Which of the plan's phases runs, from 0."""
        return self._walk.place[0]

    @property
    def planned(self) -> tuple[float, float, float]:
        """The plan's arousal, valence and tension, before any trim."""
        return self._walk.now[:3]

    @property
    def taken(self) -> frozenset[str]:
        """Controls that safety holds now."""
        return self._retreat.controls if self._retreat else frozenset()

    def tick(self, t_s: float, state: State | None, values: Values[str, float], held: frozenset[str]) -> list[Request]:
        """Requests for the second from `t_s` on.

        `values` are the committed controls, `held` those the loop may not move; `state` is None without sensors.
        """
        seconds, self._t_s = max(t_s - self._t_s, 0.0), t_s
        self.releases, self.stopped, self.remap = (), "", False
        people = held - self.taken
        self._stirred = bool(people - self._people) or any(verb in STIRRING for verb in self._asked)
        self._hand_back(self._people - people, values)
        self._people = people
        self._obey(t_s, values, people)
        self._watch(t_s, state, values, people)
        still = self._walk_on(t_s, seconds, state, values)
        requests = self._retreating(t_s)
        cued = self.cues.step(t_s, self.plan, self._walk.place, still, people, self.grounded)
        self._said += [text for _, text in self.cues.told]
        if not self._retreat and not self.grounded:
            requests += self._planned_requests(state, people)
        requests += cued + self._counting(values, people) + self._scene(values, people)
        self._before.append({name: values[name] for name in ("arousal", "tension")})
        self.words, self._said = tuple(self._said), []
        return requests

    def _hand_back(self, names: frozenset[str], values: Values[str, float]) -> None:
        """Take up again, from where they are, the controls that people let go."""
        moods = {name: values[name] for name in (*MOODS, "breath_depth_db") if name in names}
        if moods:
            self._take_up(moods)
        for name in names & self._sent.keys():
            self._sent[name] = values[name]
        self.cues.take_up(names, values)

    def _take_up(self, values: Values[str, float]) -> None:
        """Plan on from these values; a trim or nudge that was added to the old ones is forgotten."""
        if "arousal" in values:
            self._trim = self._nudge = self._nudge_asked = 0.0
            self.policy.forget_trim()
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
                case "like" | "skip":
                    self._counted[verb] += 1
        self._asked.clear()

    def _counting(self, values: Values[str, float], people: frozenset[str]) -> list[Request]:
        """Requests for what people liked or skipped since the last second."""
        requests = []
        for verb, name, most, said in (
            ("skip", "scene", self._most_scenes, "something else"),
            ("like", "liked", SCENES, "more of this"),
        ):
            times, self._counted[verb] = self._counted[verb], 0
            if times and name in people:
                self._said.append(f"{said} was asked for, but a hand holds {name}")
            elif times:
                self._said.append(f"{said}, as asked")
                requests.append(Request(name, (values[name] + times) % most, "policy", f"{said} was asked for"))
        return requests

    def _scene(self, values: Values[str, float], people: frozenset[str]) -> list[Request]:
        """The scene that the phase which begins names, unless it sounds already or a hand holds another."""
        name = self._walk.phase.scene
        if self.phase_number == self._staged or not name:
            return []
        self._staged = self.phase_number
        names = [scene.name for scene in self._preset.scenes]
        sounding = round(values["scene"])
        self._numbers.setdefault(names[sounding % len(names)], sounding)
        further = (names.index(name) - sounding) % len(names)
        if not further or "scene" in people:
            return []
        number = self._numbers.setdefault(name, (sounding + further) % self._most_scenes)  # one left before goes on
        return [Request("scene", number, "plan", f"{name}: {_DOING[self.phase]}")]

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
            self._take_up({name: values[name] for name in (*MOODS, "breath_depth_db")})
            self._sent = {name: values[name] for name in self._sent}
            self.remap = True
        self.holding = self.grounded = False
        self._wait_until_s = -math.inf

    def _ground(self, t_s: float, values: Values[str, float], people: frozenset[str], reason: str) -> None:
        self._end_retreat()
        self.grounded, self.holding = True, False
        self._retreat = ground(values, people, t_s, reason)
        self.remap = True
        self._said.append(f"grounding: {reason}")

    def _watch(self, t_s: float, state: State | None, values: Values[str, float], people: frozenset[str]) -> None:
        """Carry out a stop rule that is broken."""
        rise = self._walk.heading > 0 or t_s < self._more_until_s
        stop = self._stops.tick(t_s, state, rise, self._stirs(values))
        if stop is None or self.grounded:
            return
        self.stopped = stop.reason
        if stop.action == "ground":
            self._ground(t_s, values, people, stop.reason)
            self._said.append("the music waits here: go on when it feels right, or stop")
            return
        then = self._before[0] if self._before else values
        self._end_retreat()
        self._retreat = roll_back(values, then, people, t_s, ROLL_BACK_S, stop.reason)
        self._wait_until_s = t_s + ROLL_BACK_S + HOLD_S
        self._take_up({**{name: values[name] for name in MOODS}, **self._retreat.goal})
        self._said.append(f"rolled back and holding: {stop.reason}")

    def _stirs(self, values: Values[str, float]) -> bool:
        """Whether the music changed in a way that may stir: people or a cue had a say, or it grew livelier."""
        if self._stirred or self.cues.told:
            return True
        return any(
            values[name] > min((before[name] for before in self._before), default=values[name]) + STIRS
            for name in ("arousal", "tension")
        )

    def _end_retreat(self) -> None:
        if self._retreat:
            self.releases = tuple(sorted(self._retreat.controls))
            self._retreat = None

    def _retreating(self, t_s: float) -> list[Request]:
        if self._retreat and self._retreat.over(t_s):
            self._end_retreat()
        return self._retreat.requests(t_s) if self._retreat else []

    def _walk_on(self, t_s: float, seconds: float, state: State | None, values: Values[str, float]) -> bool:
        """Move plan, trim, nudge and breath on by `seconds`; whether the plan stands still."""
        before = self.phase
        pace = self.policy.step(t_s, seconds, self._walk.now.arousal, self._walk.heading, state)
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
        return still

    def _planned_requests(self, state: State | None, people: frozenset[str]) -> list[Request]:
        """Requests by plan or policy for what moved enough since the last."""
        target, extra = self._walk.now, self._trim + self._nudge
        wanted = target._asdict() | {"arousal": target.arousal + extra}
        wanted["breath_depth_db"] = max(target.breath_depth_db, self.cues.breath_depth_db)
        if self._breath.given_up:
            wanted["breath_depth_db"] = 0.0
        if (rate := self._walk.phase.breath_rate_bpm or self._breath.rate_bpm) is not None:
            wanted["breath_rate_bpm"] = rate
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
        if name == "breath_rate_bpm" and self._walk.phase.breath_rate_bpm is not None:
            return "plan", f"{_DOING[self.phase]}: breaths as slow as planned"
        if name == "breath_rate_bpm" or (name == "breath_depth_db" and self._breath.given_up):
            return "policy", "the listener's own breathing"
        if name == "breath_depth_db" and self.cues.breath_depth_db:
            return "plan", "a breathing cue"
        if name == "arousal" and abs(extra) > 1e-3:
            return "policy", f"{_DOING[self.phase]}, {extra:+.2f} beside the plan"
        return ("policy", self._paced) if self._paced else ("plan", _DOING[self.phase])
