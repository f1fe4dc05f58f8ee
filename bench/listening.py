"""What simulated listeners hear: loops of the engine and their rivals, a listener each, and how the listeners fare.

Every loop runs as in a session: policy, guard, rates, bus, once a second. All of it is simulated.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from synth.bus import Bus
from synth.controls import Request
from synth.estimator.state import State
from synth.preset import Preset, bounds_of, load_preset
from synth.safety.control_guard import ControlGuard
from synth.simulate.felt import REPORT_SD, Estimating, Felt, Listeners
from synth.simulate.people import Floats, People, World, draw_people, generator
from synth.steering.lead import Lead
from synth.steering.meeting import meet

PRESET = "settle"
SECONDS, LAST_S = 1200, 300
SAMPLE_RATE, QUANTUM = 48_000, 64
QUANTA = SAMPLE_RATE // QUANTUM  # a second
FOLLOW_EVERY_S = 30
HEART_DAY_BPM = 3.0  # how far a resting heart rate may be from what is known of it
FIXED = ("silence", "fixed calm", "arc of 5 min", "arc of 10 min", "arc of 15 min", "L0")
ALIKE = ("L1", "L2 without sensors")  # loops that nothing from the listener reaches after the start
LOOPS = (*ALIKE, "L2", "follow, step 0.2", "follow, step 0.4")


class Steers(Protocol):
    """What makes the requests of a session: the engine's own lead, or a rival."""

    releases: tuple[str, ...]

    def tick(self, t_s: float, state: State | None, values: Mapping[str, float], held: frozenset[str]) -> list[Request]:
        """Requests for the second from `t_s` on."""


class Follow:
    """A warning, no policy of the engine: music a `step` calmer than the listener is believed to be."""

    def __init__(self, step: float) -> None:
        self._step = step
        self.releases: tuple[str, ...] = ()

    def tick(self, t_s: float, state: State | None, values: Mapping[str, float], held: frozenset[str]) -> list[Request]:
        """A request every half minute."""
        if state is None or t_s % FOLLOW_EVERY_S or state.confidence < 0.3:
            return []
        return [Request("arousal", max(state.arousal - self._step, -1.0), "policy", "where the listener is")]


@dataclass(frozen=True)
class Setting:
    """Whom a loop meets and what it knows: `estimating`, deviation of the report, or a start matched to heart rate."""

    world: World
    estimating: Estimating = Estimating()
    report_sd: float = REPORT_SD
    report_by_heart: bool = False


class Heard(NamedTuple):
    """What a group heard and how it fared: `log` (SECONDS, n) arousal of the music, `relief` and `whole` (n,) against
    silence, `stopped` (n,) how often a stop rule acted."""

    log: NDArray[np.float32]
    relief: Floats
    whole: Floats
    stopped: NDArray[np.int64]


def arc(preset: Preset, minutes: float) -> Preset:
    """`preset` with a baseline and nothing but one arc of so many minutes to where its plateau ends."""
    baseline = preset.phases[0]
    goal = next(phase for phase in preset.phases if phase.kind == "plateau")
    stay = preset.minutes - baseline.minutes - minutes
    return replace(preset, phases=(baseline, replace(goal, kind="lead", minutes=minutes), replace(goal, minutes=stay)))


def report(setting: Setting, people: People) -> Floats:
    """What each says of their arousal when they come, or what their heart rate seems to say."""
    if not setting.report_by_heart:
        return Listeners(people, 1, setting.estimating).told(setting.report_sd)
    day = np.array([generator(people.seed, int(i), "day").standard_normal() for i in people.index])
    answer = people.slow_bpm + people.quick_bpm
    return np.clip((answer * people.start + people.music_bpm + HEART_DAY_BPM * day) / np.mean(answer), -1.0, 1.0)


def make(loop: str, preset: Preset, told: float | None) -> tuple[Steers, Bus]:
    """A loop for a listener who `told` how they are, and the bus it steers."""
    values = dict(preset.controls)
    bounds = bounds_of(preset)
    steers: Steers
    if loop.startswith("follow"):
        steers = Follow(float(loop.split()[-1]))
    else:
        policy = loop[:2]
        start = None if told is None or policy == "L0" else meet(preset, bounds, told, None)
        steers = Lead(preset, float(SECONDS), policy=policy, bounds=bounds, start=start)
        values |= {} if start is None else start._asdict()
    return steers, Bus(SAMPLE_RATE, QUANTUM, ControlGuard(preset.profile), values)


class Run:
    """One loop, second by second."""

    def __init__(self, loop: str, preset: Preset, told: float | None = None) -> None:
        self._steers, self._bus = make(loop, preset, told)
        self._values = self._bus.values(0)
        self.stopped = 0

    def step(self, t: int, state: State | None) -> float:
        """Arousal of the music after the second from `t` on."""
        for request in self._steers.tick(float(t), state, self._values, self._bus.held):
            self._bus.request(request, t * QUANTA)
        for name in self._steers.releases:
            self._bus.release(name)
        self.stopped += bool(getattr(self._steers, "stopped", ""))
        self._values = self._bus.values((t + 1) * QUANTA)
        return self._values["arousal"]


def fixed_log(policy: str, preset: Preset) -> Floats:
    """Arousal of the music (SECONDS, 1) of a policy that hears nothing from the listener; 0 in silence."""
    if policy == "silence":
        return np.zeros((SECONDS, 1))
    if policy == "fixed calm":
        return np.full((SECONDS, 1), next(p.arousal for p in preset.phases if p.kind == "plateau"))
    run = Run("L0", preset if policy == "L0" else arc(preset, float(policy.split()[2])))
    return np.array([[run.step(t, None)] for t in range(SECONDS)])


@functools.cache
def fixed_logs() -> Mapping[str, Floats]:
    """The music of every fixed policy, by name."""
    preset = load_preset(PRESET)
    return {policy: fixed_log(policy, preset) for policy in FIXED}


def silence(people: People) -> Floats:
    """Felt arousal (SECONDS, n) without music."""
    return Felt(people, SECONDS).hear(np.zeros((SECONDS, 1)), sound=0.0)


def heard(people: People, log: NDArray[Any], quiet: Floats, sound: float = 1.0) -> Heard:
    """How `people` fare who hear `log` (SECONDS, n or 1), whatever made it, against `quiet` what they feel without."""
    felt = Felt(people, SECONDS).hear(log, sound)
    return _heard(log, felt, quiet, np.zeros(len(people), np.int64))


def _heard(log: NDArray[Any], felt: Floats, quiet: Floats, stopped: NDArray[np.int64]) -> Heard:
    gain = np.ascontiguousarray((felt - quiet).T)  # a listener a row, so that sums do not depend on the group
    return Heard(log.astype(np.float32), gain[:, -LAST_S:].mean(axis=1), gain.mean(axis=1), stopped)


def loop_in(setting: Setting, loop: str, seed: int, first: int, count: int) -> Heard:
    """A group of listeners, each with a loop of their own."""
    preset = load_preset(PRESET)
    people = draw_people(seed, count, setting.world, first)
    listeners = Listeners(people, SECONDS, setting.estimating)
    runs = [Run(loop, preset, float(told)) for told in report(setting, people)]
    seeing = loop not in ALIKE
    log, felt = np.empty((SECONDS, count), np.float32), np.empty((SECONDS, count))
    states: Sequence[State | None] = listeners.states() if seeing else [None] * count
    for t in range(SECONDS):
        log[t] = [run.step(t, state) for run, state in zip(runs, states, strict=True)]
        felt[t] = listeners.hear(log[t])
        states = listeners.states() if seeing else states
    return _heard(log, felt, silence(people), np.array([run.stopped for run in runs]))
